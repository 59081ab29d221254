"""The section ``fit`` of the configuration."""

from typing import Annotated, Literal

from pydantic import Field

from resonaut.core.record import GeV, Natural, NonNegative, Positive, key, record


@record
class Shrink:
    """When a fit is poor, and how its range shrinks; ``step``, ``below`` and ``above`` in units of the resolution."""

    min_p_background: float = key("p-value of the background-only fit.", default=0.05, ge=0, le=1)
    min_p_signal: float = key("p-value of the fit with signal.", default=0.01, ge=0, le=1)
    min_p_smooth: float = key(
        "p-value of the fit with signal against a distortion by eight Legendre polynomials.", default=0.02, ge=0, le=1
    )
    step: float = key(
        "Step of an edge, in units of the mass resolution at the resonance; 100 GeV for dijets of 3.5 TeV. "
        "At most 50 steps are made.",
        default=0.7,
        gt=0,
        le=20,
        unit="resolution",
    )
    below: float = key(
        "The low edge stays this far below the resonance mass.", default=2, gt=0, le=20, unit="resolution"
    )
    above: float = key(
        "The high edge stays this far above the resonance mass.", default=3.5, gt=0, le=20, unit="resolution"
    )


@record
class BackgroundSettings:
    """Families, fewest and most shape parameters, how their number is chosen, and what else the background is.

    ``resonances``: local significance above which a resonance floats in the background of the other masses;
    None for no such resonance.
    """

    families: list[str] = key(
        "Function (`dijet`, `exponential_power`, `modified_exponential`, or one of your own); with several, their "
        "envelope (discrete profiling).",
        default=["dijet"],
        min_length=1,
        unique=True,
    )
    shape_parameters: tuple[Annotated[int, Field(ge=1, le=5)], Annotated[int, Field(ge=1, le=5)]] = key(
        "Fewest and most parameters p1, p2, ... besides the normalisation; an F-test chooses.", default=[2, 5]
    )
    f_test: float = key("One more parameter is accepted while the F-test's p-value is below.", default=0.1, ge=0, le=1)
    resonances: float | None = key(
        "Local significance above which a resonance that is found floats in the background of the other "
        "masses; null for none.",
        default=3,
        gt=0,
    )
    expected: Literal["with_signal", "background_only"] = key(
        "Background of expected results: that of the fit with signal, which describes an experiment without"
        " one, or the usual one of the fit without, which takes up part of a signal in the data.",
        default="with_signal",
    )
    shrink: Shrink = key(
        "A fit is poor with both p-values of chi2 below these, or with that of smooth distortions; then the"
        " low edge rises, then the high edge falls.",
        default={},
    )


@record
class Uncertainties:
    """Relative uncertainties of the signal."""

    scale: float = key(
        "Jet energy scale; of a signal with shifts of it (group `jes`) what these do to its peak counts instead.",
        default=0.01,
        ge=0,
        le=0.5,
    )
    resolution: float = key("Jet energy resolution; likewise (group `jer`).", default=0.035, ge=0, le=0.5)
    luminosity: float = key("Luminosity, log-normal.", default=0.016, ge=0)
    efficiency: float = key("Further uncertainty of the efficiency, log-normal.", default=0, ge=0)


@record
class LimitChecks:
    """Masses (GeV) with limits by toys and by pyhf; events below which limits are by toys; toys for each yield."""

    masses: list[Positive[GeV]] = key("At these masses.", default=[])
    few_events: float = key(
        "Background under the peak below which the limits are those of toys, as the asymptotic ones are "
        "more than 5 % off.",
        default=10,
        ge=0,
        unit="events",
    )
    toys: int = key("Toys with and without signal, for each tested yield.", default=1000, ge=500)


@record
class Bias:
    """Bias test: the function that toys come from, injected signals in standard deviations, toys for each."""

    truth: str = key("Function of the toys, fitted to the data.", default="exponential_power")
    shape_parameters: int = key("Its shape parameters.", default=3, ge=1, le=5)
    injected: list[NonNegative[float]] = key(
        "Injected signals.", default=[0, 2, 5], min_length=1, unit="standard deviations"
    )
    toys: int = key("Toys for each signal.", default=500, ge=10)
    masses: list[Positive[GeV]] = key("At these masses; with none, at all.", default=[])


@record
class FitSettings:
    """Fits of the selected spectra, with significance, signal yield and CLs limits at each mass."""

    sqrt_s: GeV = key("Centre-of-mass energy of the collisions.", default=13000, gt=0)
    range: tuple[Positive[GeV], Positive[GeV]] = key(
        "Lowest and highest mass of the fit, a value of the observable.", default=[3000, 8000]
    )
    bin_width: GeV = key(
        "Width of the fit's bins; they are made of whole bins of the selected spectrum.", default=4, gt=0
    )
    masses: list[Positive[GeV]] = key(
        "Resonance masses; each is fitted in the windows whose signal region holds it.",
        default=[3300, 3400, 3500, 3600, 3700, 3800, 3900, 4000, 4100, 4200, 4300, 4400, 4500, 4600, 4700],
        unique=True,
    )
    background: BackgroundSettings = key("The smooth background.", default={})
    signals: list[str] = key(
        "Signal datasets of the model that limits refer to, one a mass; with none the signal is a Gaussian "
        "and limits are in events only.",
        default=[],
        unique=True,
    )
    signal_width: float = key(
        "Width, relative to the mass, of the Gaussian signal used without signal datasets or where hardly "
        "any of their events is selected.",
        default=0.03,
        gt=0,
        le=0.5,
    )
    limit_widths: list[Annotated[float, Field(ge=0, le=0.5)]] = key(
        "Relative widths of resonances for each of which there are further limits in events: of a Gaussian that is "
        "`signal_width` and this one wide, added in quadrature.",
        default=[],
        unique=True,
    )
    resolution: float | None = key(
        "Mass resolution relative to the mass, in whose units fits are judged, bumps are sought and ranges "
        "shrink; null for that of dijets at CMS, and for the signal's width in a bare scan and in windows of another "
        "observable than `m_jj`.",
        default=None,
        gt=0,
        le=0.5,
    )
    uncertainties: Uncertainties = key(
        "Relative uncertainties of the signal; those of the efficiency's statistics and the Lund weights "
        "come from the selection.",
        default={},
    )
    max_efficiency_error: float = key(
        "Relative statistical error of a signal efficiency beyond which it counts as not measured, and "
        "there are no limits in fb.",
        default=0.5,
        gt=0,
    )
    reference_signal: float = key(
        "Signal of which the expected significance is given: fb where the efficiency is known, else events.",
        default=10,
        gt=0,
        unit="fb or events",
    )
    confidence_level: float = key("Confidence level of the limits.", default=0.95, gt=0.5, lt=1)
    toys: int = key(
        "Background-only toys of each scan for the look-elsewhere effect and the BumpHunter; 0 for none.",
        default=1000,
        ge=0,
    )
    bump_widths: tuple[Natural, Natural] = key(
        "Narrowest and widest window of the BumpHunter, in units of the mass resolution.", default=[2, 6]
    )
    unfitted: Literal["stop", "skip"] = key(
        "A spectrum that cannot be fitted at any mass, as with too few events: `stop`, or `skip` writes why, and the "
        "other spectra go on.",
        default="stop",
    )
    limit_checks: LimitChecks = key(
        "Limits beside the asymptotic ones: by toys, and through pyhf from the exported HistFactory model.", default={}
    )
    bias: Bias = key(
        "The bias test (`snakemake report_bias`): toys of another function than the fitted one.", default={}
    )
    prediction: Literal["none", "blind", "observed"] = key(
        "Compare the smooth function, fitted beside the signal region, with the simulated background there: not at "
        "all, without the data in the signal region, or with them. Needs `search.samples.background`.",
        default="none",
    )
    seed: int = key("Seed of all toys.", default=51, ge=0, le=9223372036854775807)


def two_of_one_mass(first: str, second: str, mass: str) -> str:
    """That limits refer to one signal at each mass."""
    return f"fit.signals has two signals of {mass}, {first!r} and {second!r}; keep the one that limits refer to"
