"""The JSON files of the stage ``fit``, as records; ``docs/fit.md`` says what every key means."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_serializer, model_validator

from resonaut.core.observables import DEFAULT
from resonaut.core.record import key, keys, record
from resonaut.core.results import result

Probability = Annotated[float, Field(ge=0, le=1)]
# A relative uncertainty, or the relative changes with its source up and down.
Size = float | tuple[float, float]


@record
class Limits:
    """Upper limits; expected are those without a signal, at -2 to 2 standard deviations."""

    observed: float
    expected_minus_2: float
    expected_minus_1: float
    expected: float
    expected_plus_1: float
    expected_plus_2: float

    def scaled(self, factor: float) -> "Limits":
        """The same limits in another unit."""
        return Limits(**{name: value * factor for name, value in vars(self).items()})


@record
class Nuisance:
    """A source of uncertainty: relative ``size``; ``error`` in the prior's; impacts on yield (events) and limit."""

    size: float
    pull: float
    error: float
    impact: float
    limit_impact: float | None


@record
class Trial:
    """One step of the F-test: were ``shape_parameters`` accepted instead of one less?"""

    family: str
    shape_parameters: int
    chi2: float
    ndf: int
    f_test_p: float
    accepted: bool


@record
class Attempt:
    """A fit range (GeV), the quality of its fits, and whether that is good enough.

    p-values of chi2 without and with the signal, and against smooth distortions (``goodness``) with it; ``error``:
    relative, of the background at the resonance mass.
    """

    low: float
    high: float
    family: str
    shape_parameters: int
    p_background: Probability | None
    p_signal: Probability | None
    p_smooth: Probability
    error: float
    good: bool

    @property
    def p_value(self) -> float:
        """The p-value that objects most."""
        # Without degrees of freedom there is no p-value, and nothing to object to.
        return min(max(1.0 if p is None else p for p in (self.p_background, self.p_signal)), self.p_smooth)


@record
class FoundResonance:
    """One that floats in the background of other masses; ``z_local`` is None where its mass has no result."""

    mass: float
    z_local: float | None


@record
class Curves:
    """The fitted functions (N,) between ``edges`` (N + 1), GeV, in bins that are not merged."""

    edges: list[float]
    background: list[float]
    signal_plus_background: list[float]

    def __post_init__(self) -> None:
        """Check the lengths."""
        require_bins(self, "background", "signal_plus_background")


@record
class Fit(Attempt):
    """The fit at one mass, in bins merged for its chi2: ``edges`` (N + 1), GeV, and values (N,)."""

    parameters: list[float]
    resonances: list[FoundResonance]
    chi2: float
    ndf: int
    f_test: list[Trial]
    attempts: list[Attempt]
    edges: list[float]
    counts: list[float]
    background: list[float]
    pulls: list[float]
    signal: list[float]
    signal_plus_background: list[float]
    curves: Curves

    def __post_init__(self) -> None:
        """Check the lengths."""
        require_bins(self, "counts", "background", "pulls", "signal", "signal_plus_background")


@record
class Background:
    """The background-only fit of the widest range that it describes, in bins merged for its chi2, as in ``Fit``."""

    family: str
    shape_parameters: int
    good: bool
    parameters: list[float]
    chi2: float
    ndf: int
    p_value: Probability | None
    edges: list[float]
    counts: list[float]
    expected: list[float]
    pulls: list[float]

    def __post_init__(self) -> None:
        """Check the lengths."""
        require_bins(self, "counts", "expected", "pulls")


def require_bins(bins: Any, *names: str) -> None:
    """Stop where a list has not one value for each of the ``bins``."""
    for name in names:
        if len(getattr(bins, name)) + 1 != len(bins.edges):
            raise ValueError(f"{name} has not one value for each bin")


@record
class GaussianShape:
    """A signal's shape: a Gaussian of relative ``width``."""

    shape: Literal["gaussian"]
    width: float


@record
class HistogramShape:
    """A given histogram of a signal of ``mass`` (GeV)."""

    shape: Literal["histogram"]
    mass: float


@record
class CrystalBallShape:
    """A Crystal Ball with two tails, above ``threshold`` (GeV), fitted to the ``source``."""

    shape: Literal["crystal_ball"]
    source: str
    threshold: float
    peak: float
    log_width: float
    alpha_low: float
    log_n_low: float
    alpha_high: float
    log_n_high: float


SignalShape = Annotated[GaussianShape | HistogramShape | CrystalBallShape, Discriminator("shape")]


@record
class Point:
    """What one mass (GeV) shows; yields in events, ``limit`` in fb, efficiencies selected over produced."""

    mass: float
    q0: float
    p_local: Probability
    z_local: float
    z_expected: float
    reference_signal: float
    signal_yield: float
    signal_yield_error: float
    signal_yield_error_up: float
    signal_yield_error_down: float
    signal_yield_floating: float
    signal_yield_floating_error: float
    signal_yield_floating_error_up: float
    signal_yield_floating_error_down: float
    efficiency: float | None
    efficiency_uncertainties: dict[str, Size]
    efficiency_extrapolated: bool
    limit_events: Limits | None
    limit: Limits | None
    limit_reason: str | None
    limit_method: Literal["toys", "asymptotic"]
    limit_events_asymptotic: Limits | None
    limit_events_toys: Limits | None
    limit_events_pyhf: Limits | None
    background_under_peak: float
    scale_pull: float | None
    nuisances: dict[str, Nuisance]
    nuisance_groups: dict[str, Nuisance]
    signal_shape: SignalShape
    fit: Fit
    workspace: str
    workspace_events: float

    @property
    def peak_pulls(self) -> dict[str, float]:
        """By how many standard deviations the fit with nuisances pulls the peak's scale and resolution."""
        sources = self.nuisances | self.nuisance_groups
        names = {"scale": ("position", "scale"), "resolution": ("width", "resolution")}
        found = {effect: [name for name in either if name in sources] for effect, either in names.items()}
        return {effect: sources[either[0]].pull for effect, either in found.items() if either}


@record
class FailedPoint:
    """A mass (GeV) at which the fits fail, and why there is nothing; in the file all other keys are null."""

    mass: float
    limit_reason: str

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, content: Any) -> Any:
        if not isinstance(content, dict):
            return content
        return {name: value for name, value in content.items() if value is not None or name not in keys(Point)}

    @model_serializer(mode="wrap")
    def _with_nulls(self, content: Any) -> dict[str, Any]:
        known: dict[str, Any] = content(self)
        return dict.fromkeys(keys(Point)) | known


def _is_fitted(point: Any) -> str:
    failed = point.get("fit", point) is None if isinstance(point, dict) else isinstance(point, FailedPoint)
    return "failed" if failed else "fitted"


AnyPoint = Annotated[Annotated[Point, Tag("fitted")] | Annotated[FailedPoint, Tag("failed")], Discriminator(_is_fitted)]


@record
class Global:
    """The largest excess of one or more scans and its global p-values; ``p_toys`` is None without toys.

    ``p_toys_error`` is binomial; where no toy reaches the excess it is 1/toys, and ``p_gross_vitells`` the better one.
    ``z_global`` lies between what half a toy less than all of them says and 37.
    """

    mass: float
    z_local: float
    p_toys: Probability | None
    p_toys_error: float | None
    p_gross_vitells: Probability | None
    z_global: float | None
    toys: int


@record
class Toys:
    """Background-only toys of one scan: the largest ``z_local`` of each, and the mean number of up-crossings."""

    z_max: list[float]
    up_crossings: float


@record
class BumpResult:
    """The bump between ``low`` and ``high`` GeV, its ``events`` and the events ``expected`` there.

    ``p_local`` is that of the window alone. ``p_global`` is the share of ``toys`` with a statistic at least as large,
    with its binomial error, both None without toys; an error of 0 means that no toy reaches the data, or that all do.
    """

    low: float
    high: float
    events: float
    expected: float
    p_local: Probability
    statistic: float
    p_global: Probability | None
    p_global_error: float | None
    toys: int


@record
class Scan:
    """The search in one spectrum; ``sqrt_s`` in GeV, ``luminosity`` in 1/fb, where it is known."""

    sqrt_s: float
    luminosity: float | None
    confidence_level: float
    background: Background
    resonances: list[FoundResonance]
    scan: list[AnyPoint]
    global_: Global | None = key("The largest excess.", validation_alias="global", serialization_alias="global")
    toys: Toys | None
    bump_hunter: BumpResult | None

    @property
    def points(self) -> list[Point]:
        """The masses that were fitted."""
        return [point for point in self.scan if isinstance(point, Point)]

    @property
    def failed(self) -> list[FailedPoint]:
        """The masses at which the fits failed."""
        return [point for point in self.scan if isinstance(point, FailedPoint)]


def named(method: str, observable: str) -> str:
    """How a method's selections are called: by the method, in another observable than the default with its name."""
    return method if observable == DEFAULT else f"{method} in {observable}"


@result("fit result", "fit selection")
class SelectionScan(Scan):
    """``<results>/fit/<method>/<window>.json``; masses are values of the ``observable``, in its ``unit``."""

    method: str
    window: str
    observable: str
    label: str
    unit: str
    signal_region: tuple[float, float]

    @property
    def selection(self) -> str:
        """The method, in another observable than the default with its name."""
        return named(self.method, self.observable)


@record
class Shown:
    """A spectrum in bins for a figure: ``counts`` (N,) between ``edges`` (N + 1), GeV."""

    edges: list[float]
    counts: list[float]

    def __post_init__(self) -> None:
        """Check the lengths."""
        require_bins(self, "counts")


@result("fit result", "fit scan")
class SpectrumScan(Scan):
    """``scan.json`` of a bare spectrum, whose axis is the ``observable``; ``resolution`` is relative."""

    spectrum_file: str
    observable: str
    resolution: float | None
    spectrum: Shown


@record
class SummaryPoint:
    """One mass of a selection, in the ``unit`` of its observable; limits in fb, null where the fits failed."""

    selection: str
    mass: float
    unit: str
    p_local: Probability | None
    z_local: float | None
    z_expected: float | None
    reference_signal: float | None
    signal_yield: float | None
    signal_yield_error: float | None
    efficiency: float | None
    limit_observed: float | None
    limit_expected: float | None
    fit_p_background: Probability | None
    fit_good: bool


@record
class Excesses:
    """The largest excess of each selection, in all its windows, and of all selections together."""

    selections: dict[str, Global]
    all: Global | None


@result("summary of fits", "fit summary")
class Summary:
    """``<results>/fit/summary.json``: all selections and masses, sorted, and the global significances."""

    points: list[SummaryPoint]
    global_: Excesses = key("The largest excesses.", validation_alias="global", serialization_alias="global")


@record
class BiasPoint:
    """Toys with one injected signal at one mass; yields in events.

    ``pull`` is the root of the likelihood ratio between fitted and injected yield with the sign of their difference:
    (fitted - injected) / error for many events, and free of error estimates where a yield ends at an empty bin.
    ``spurious`` is the mean fitted minus injected yield, ``spurious_relative`` the same in units of the yield's error
    without a signal; ``coverage`` the share of toys whose limit is above the injected yield; ``above_2_sigma`` the
    share with ``z_local`` > 2.
    """

    mass: float
    injected_sigma: float
    injected: float
    mean_yield: float
    pull_mean: float
    pull_mean_error: float
    pull_width: float
    spurious: float
    spurious_error: float
    spurious_relative: float
    spurious_relative_error: float
    z_mean: float
    above_2_sigma: float
    coverage: float
    coverage_error: float
    toys: int


@record
class Bias:
    """The bias test of the fits to one spectrum, with toys of the function ``truth``."""

    truth: str
    truth_shape_parameters: int
    families: list[str]
    confidence_level: float
    points: list[BiasPoint]


@result("bias test", "fit selection-bias")
class SelectionBias(Bias):
    """``<results>/fit/<method>/<window>_bias.json``; masses are values of the ``observable``, in its ``unit``."""

    method: str
    window: str
    observable: str
    label: str
    unit: str
    signal_region: tuple[float, float]

    @property
    def selection(self) -> str:
        """As of the fits that are tested."""
        return named(self.method, self.observable)


@result("bias test", "fit bias")
class SpectrumBias(Bias):
    """``bias.json`` of a bare spectrum."""

    spectrum_file: str


@record
class Interpolated:
    """Events in the signal region by a function that was fitted beside it; chi2 in the bins beside."""

    events: float
    error: float
    family: str
    shape_parameters: int
    chi2: float
    ndf: int
    p_value: Probability | None


@record
class Reweighted:
    """Events by simulation, times the ``normalisation`` to the data in the sidebands.

    Errors in events: ``statistical`` of the simulation, ``normalisation_error`` of data and simulation in the
    sidebands, ``variations`` of the weights by source, and all in quadrature, ``error``.
    """

    events: float
    error: float
    statistical: float
    normalisation: float
    normalisation_error: float
    variations: dict[str, float]


@record
class PredictionBin:
    """A bin between ``low`` and ``high``; ``observed`` is None where the data are not looked at."""

    low: float
    high: float
    observed: float | None
    function: float
    function_error: float
    simulation: float
    simulation_error: float


@result("background prediction", "fit prediction")
class Prediction:
    """``<results>/fit/<method>/<window>_prediction.json``; masses are values of the ``observable``, in its ``unit``.

    ``range``: the bins of the fit that hold the signal region, which both predictions, their ``pull`` (simulation less
    function, in their errors) and the ``observed`` events are of; these and their pulls are None where the search is
    blind.
    """

    method: str
    window: str
    observable: str
    label: str
    unit: str
    signal_region: tuple[float, float]
    sidebands: tuple[tuple[float, float], tuple[float, float]]
    range: tuple[float, float]
    function: Interpolated
    simulation: Reweighted
    observed: float | None
    pull: float
    pull_function: float | None
    pull_simulation: float | None
    bins: list[PredictionBin]

    @property
    def selection(self) -> str:
        """As of the fits."""
        return named(self.method, self.observable)


@record
class FittedExperiment:
    """The excess in data with injected signal; yields in events."""

    amount: float
    seed: int
    events: int
    efficiency: float
    efficiency_error: float
    z_local: float
    p_local: Probability
    signal_yield: float
    sculpting: str


@record
class FailedExperiment:
    """One whose fits fail, and why."""

    amount: float
    seed: int
    reason: str


@record
class Expected:
    """What is expected, and what the data exclude (fb), with the efficiency found at one amount; or why nothing is."""

    five_sigma_expected: float | None = None
    excluded: float | None = None
    excluded_expected: float | None = None
    excluded_reason: str | None = None


@record
class Amount:
    """All experiments with one ``amount`` of signal, and what the data exclude (fb) with their efficiency."""

    amount: float
    experiments: int
    efficiency: float
    efficiency_spread: float | None
    efficiency_fitted: float | None
    efficiency_uncertainty: float | None
    z_local: float
    z_local_range: tuple[float, float]
    five_sigma_expected: float | None
    excluded: float | None
    excluded_expected: float | None
    excluded_reason: str | None


@result("file of fitted experiments", "fit retrained")
class Retrained:
    """``<results>/fit/retrained/<method>/<window>/<signal>.json``; ``mass`` in GeV, limits in fb."""

    method: str
    window: str
    signal: str
    mass: float
    unit: str
    base: str
    confidence_level: float
    experiments: list[FittedExperiment]
    failed: list[FailedExperiment]
    amounts: list[Amount]
    limit: float | None
    limit_expected: float | None
    limit_reason: str | None
    five_sigma: float | None
    five_sigma_expected: float | None

    def z_without_signal(self) -> list[float]:
        """Significances of the experiments into which nothing was put."""
        return [one.z_local for one in self.experiments if one.amount == 0]


def largest(points: Sequence[Point]) -> Point | None:
    """The most significant of the masses whose fits are good; nothing says how often others show an excess."""
    return max((point for point in points if point.fit.good), key=lambda point: point.z_local, default=None)
