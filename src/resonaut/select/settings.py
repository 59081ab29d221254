"""The section ``select`` of the configuration."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from resonaut.core import config
from resonaut.core.errors import ConfigError
from resonaut.core.record import GeV, InverseFb, Name, NonNegative, Pattern, key, record
from resonaut.core.windows import require_ascending
from resonaut.learn.autoencoder import settings as autoencoders
from resonaut.learn.density.settings import Settings as Density
from resonaut.learn.ratio.settings import Settings as Classifier
from resonaut.select.catalogue import METHODS
from resonaut.select.quantile import Combination

Range = tuple[NonNegative[GeV], NonNegative[GeV]]
MethodName = Annotated[str, Pattern(r"^[a-z_]{1,64}$", "a name of small letters and _")]


@record
class Window:
    """A mass window in GeV: the signal region, and the sidebands below and above it."""

    signal_region: Range = key("Range of m_jj in which a resonance is looked for.")
    sidebands: tuple[Range, Range] = key(
        "Ranges of m_jj below and above it, for training and for the working point; both count the same."
    )


@record
class Tagger:
    """The supervised baseline: which network, and how the two jets' scores become one number."""

    network: str = key("Name of the network in `tag.networks`.", default="part")
    combination: Literal["product", "minimum"] = key(
        "How 1 - P(QCD) of the two jets becomes one score.", default="product"
    )


@record
class Cwola:
    """What its classifiers see, the event or each jet; and how the two jets' quantiles become one number."""

    inputs: Literal["event", "jets"] = key(
        "One classifier that sees `features`, or one for each jet that sees `jet_features`.", default="event"
    )
    combination: Combination = key("How the quantiles of the two jets become one number.", default="maximum")


@record
class Cathode:
    """Sampled events for each of the data, and the features that only ``cathode_b`` sees."""

    oversampling: float = key("Sampled events for each data event of the signal region.", default=4, gt=0)
    b_features: list[str] = key(
        "Features that `cathode_b` sees beside `features`.", default=["b_tag_j1", "b_tag_j2"], unique=True
    )


@record
class Tnt:
    """Parts of the events that the tag calls signal-like and background-like; how the two jets become one number."""

    signal_like: float = key(
        "Events of the window with the most anomalous jets, of which those of the signal region make up the"
        " signal-like sample.",
        default=0.2,
        gt=0,
        lt=1,
    )
    background_like: float = key(
        "Events of the window with the least anomalous jets, which are in the background-like sample "
        "together with the sidebands.",
        default=0.4,
        ge=0,
        le=1,
    )
    combination: Combination = key("How the quantiles of the two jets become one number.", default="product")


@record
class VaeQr:
    """Leading ``constituents`` of a jet, and the two jets' losses as one."""

    constituents: int = key(
        "Constituents of a jet, by falling transverse momentum, that the autoencoder sees.", default=30, ge=1
    )
    combination: Literal["minimum", "sum"] = key("How the losses of the two jets become one number.", default="minimum")
    autoencoder: autoencoders.Constituents = key("The variational autoencoder of a jet's constituents.", default={})


@record
class Regression:
    """Quantile regression of unsupervised scores: splines in m_jj with ``knots`` at ``levels``.

    ``training_part`` of the events trains the score, of the others the regression learns.
    """

    training_part: float = key(
        "Part of the events an autoencoder may learn from that it does learn from; the regression learns "
        "from all other data.",
        default=0.5,
        gt=0,
        lt=1,
    )
    levels: list[Annotated[float, Field(gt=0, lt=1)]] = key(
        "Quantiles of the score that the regression learns; a level in between is interpolated.",
        default=[0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995],
        min_length=2,
        unique=True,
    )
    knots: int = key(
        "Knots of the splines in m_jj; with more of them a regression could follow a resonance.", default=4, ge=2
    )


@record
class Quak:
    """Names of the simulated signals that form the prior, all if there are none; features beside those of the event."""

    prior: list[str] = key(
        "Simulated signals that form the prior: one for a specific, several for a generic one; empty for "
        "all of the search.",
        default=[],
        unique=True,
    )
    features: list[str] = key(
        "Features that `quak` sees beside `features`: it learns from simulation, of which there is enough "
        "for more of them.",
        default=[],
        unique=True,
    )


@record
class CombinationSettings:
    """Methods whose quantiles become one number, and how."""

    methods: list[str] = key("Methods whose quantiles are combined.", min_length=2, unique=True)
    rule: Combination = key("How.", default="maximum")


@record
class Sculpting:
    """The check that a selection does not carve the spectrum; ``bins`` in GeV."""

    bins: list[NonNegative[GeV]] = key(
        "Edges of the m_jj bins in which efficiencies and spectra are compared.",
        default=[3000, 3250, 3500, 3750, 4000, 4500, 5000],
        min_length=3,
    )
    random_cuts: int = key(
        "Random cuts of the same size with which the divergence of passing and failing events is compared.",
        default=4000,
        ge=1,
    )
    min_p_value: float = key(
        "A selection is called sculpted where the smallest p-value of the tests, times their number, is below.",
        default=0.001,
        ge=0,
        le=1,
    )
    max_spurious_excess: float = key(
        "Largest fake excess in the signal region, in standard deviations of the search, that a selection "
        "may leave possible and be called flat.",
        default=2,
        ge=0,
    )


@record
class Spectrum:
    """Fine m_jj bins of the stored spectra, in GeV."""

    low: GeV = key("Lower edge.", default=2000, ge=0)
    high: GeV = key("Upper edge.", default=8000, gt=0)
    width: GeV = key("Width of a bin.", default=4, gt=0)


@record
class Settings:
    """What a job of the stage reads of its section."""

    windows: dict[Name, Window] = key(
        "The mass windows by name; each (method, window) is one job. An overlay that names windows replaces these.",
        default={
            "w3500": {"signal_region": [3250, 3750], "sidebands": [[3000, 3250], [3750, 4000]]},
            "w4000": {"signal_region": [3750, 4250], "sidebands": [[3500, 3750], [4250, 5250]]},
            "w4500": {"signal_region": [4250, 4750], "sidebands": [[4000, 4250], [4750, 5750]]},
        },
    )
    background_efficiency: float = key(
        "Working point, the fraction of the sidebands that a selection keeps.", default=0.01, gt=0, le=1
    )
    min_events: int = key(
        "Fewest data events in the signal region and in each sideband; a window with fewer stops with an error.",
        default=100,
        ge=1,
    )
    features: list[str] = key(
        "Inputs of the classifiers, from the vocabulary in docs/select.md; none of them is m_jj or a "
        "transverse momentum.",
        default=["m_j1", "delta_m", "tau21_j1", "tau21_j2"],
        min_length=1,
        unique=True,
    )
    jet_features: list[str] = key(
        "Inputs of the classifiers and autoencoders that see one jet, without its name: m stands for m_j1 and m_j2.",
        default=["m", "tau21", "tau32"],
        min_length=1,
        unique=True,
    )
    mass_shift: float = key(
        "Added to every feature in GeV, times m_jj: makes features depend on m_jj, for tests (0.1 in "
        "arXiv:2109.00546); 0 in a search.",
        default=0,
    )
    pt_bins: int = key(
        "Bins of a jet's pT in which sideband events are weighted to the signal region's spectrum, so that "
        "a classifier cannot learn m_jj from pT; 0 for no weights.",
        default=20,
        ge=0,
    )
    classifier: Classifier = key("The ratio step, k folds of ensembles.", default={})
    tagger: Tagger = key("The method `tagger`.", default={})
    cwola: Cwola = key("The method `cwola`.", default={})
    density: Density = key("Normalising flows of the features, given m_jj: neural spline flows of zuko.", default={})
    cathode: Cathode = key("The methods `cathode` and `cathode_b`.", default={})
    quak: Quak = key("The method `quak`.", default={})
    nae: autoencoders.Normalised = key(
        "The method `nae`: after the training of a plain `autoencoder`, that of the density of which its "
        "reconstruction error is the energy.",
        default={},
    )
    autoencoder: autoencoders.Settings = key(
        "Networks that reproduce features through a bottleneck: variational autoencoders for `tnt`, plain "
        "ones at the start of `nae`.",
        default={},
    )
    tnt: Tnt = key("The method `tnt`.", default={})
    vae_qr: VaeQr = key("The method `vae_qr`.", default={})
    regression: Regression = key(
        "Quantile regression in m_jj, which makes the efficiency of the unsupervised `vae_qr` and `nae` flat.",
        default={},
    )
    combinations: dict[MethodName, CombinationSettings] = key(
        "Further methods by name, to be listed in `methods` after those they combine, which see the same "
        "events in the same windows.",
        default={},
    )
    spectrum: Spectrum = key("Fine bins of the stored m_jj spectra; the fit merges them.", default={})
    spectra_efficiencies: list[Annotated[float, Field(gt=0, le=1)]] = key(
        "Efficiencies at which the spectrum of the data is stored too, to look at.",
        default=[0.25, 0.1, 0.04, 0.01, 0.005],
    )
    categories: list[Annotated[float, Field(gt=0, lt=1)]] = key(
        "Scores between the orthogonal quantile categories, whose spectra are stored as well: CMS fits "
        "those of VAE-QR together.",
        default=[0.7, 0.9, 0.95, 0.99],
        unique=True,
    )
    sculpting: Sculpting = key(
        "The check that a selection does not carve the spectrum, on the simulated background or else on "
        "data outside the signal region.",
        default={},
    )


@record
class Injections:
    """Experiments with signal put into background before the training."""

    methods: list[str] | None = key(
        "The methods to train; null for those of `methods` that are no combinations.", default=None, unique=True
    )
    windows: list[str] | None = key(
        "In which windows; null for each signal's own, those whose signal region holds its mass.",
        default=None,
        unique=True,
    )
    signals: list[str] = key("Datasets to inject.", default=[], unique=True)
    amounts: list[NonNegative[float]] = key("How much of each, in `unit`.", default=[], unique=True)
    unit: Literal["fb", "events"] = key(
        "Cross section in fb, or exactly so many events in the signal region of the window.", default="fb"
    )
    base: Literal["auto", "pseudo_data", "background", "data"] = key(
        "What signal is put into, by the name of the sample; auto for pseudo-data where there are some, else "
        "simulated background drawn to the data's luminosity, else the data, which may hold a signal already: then "
        "there is no limit.",
        default="auto",
    )
    seeds: int = key(
        "Experiments for each amount, each with its own draw and training; a limit needs two, and is better with "
        "three.",
        default=3,
        ge=1,
    )
    slow_methods: list[str] = key("Methods of which only `slow_seeds` experiments are made.", default=[], unique=True)
    slow_seeds: int = key("Experiments of the slow methods for each amount.", default=3, ge=1)
    luminosity: InverseFb | None = key(
        "Background of each experiment; null for as much as the data, or all pseudo-data where there are less or no "
        "data.",
        default=None,
        gt=0,
    )
    evaluation: list[str] = key(
        "Backgrounds like the pseudo-data, which are counted with them in the SIC.", default=[], unique=True
    )
    systematics: bool = key(
        "Train again for each variation of the Lund weights that shifts a feature by more than a fifth of the "
        "injected sample's Poisson error; the others are only evaluated.",
        default=False,
    )


@record
class Section(Settings):
    """Anomaly selection in mass windows."""

    methods: list[str] = key(
        "The methods to run; each runs in every window.",
        default=["inclusive", "tagger", "cwola"],
        min_length=1,
        unique=True,
    )
    window_chains: dict[Name, Annotated[list[NonNegative[GeV]], Field(min_length=4)]] = key(
        "Chains of ascending edges by name; each bin but the first and the last is the signal region of a window "
        "`<chain>1`, `<chain>2`, ... with its neighbours as sidebands. Those of CMS EXO-22-026 are in docs/select.md.",
        default={},
    )
    injection: Injections = key(
        "Experiments with signal put into background before the training, made by `snakemake select_benchmark` and "
        "`snakemake fit_injected`.",
        default={},
    )


def read(path: Path) -> Settings:
    """Read ``<results>/config/select/<method>/<window>.json``.

    Raises:
        ConfigError: a key is missing or wrong, a combination has the name of a method, or a window's ranges are not in
            ascending order.
    """
    settings = config.read(path, Settings)
    for name in settings.combinations.keys() & METHODS.keys():
        raise ConfigError(f"{path}: select.combinations.{name} has the name of a method; rename it.")
    for name, window in settings.windows.items():
        require_ascending(f"{path}: select.windows.{name}", window.signal_region, window.sidebands)
    return settings


def window(settings: Settings, name: str) -> Window:
    """The named window.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in settings.windows:
        raise ConfigError(f"config: no window {name!r} in select.windows; it has {', '.join(settings.windows)}.")
    return settings.windows[name]
