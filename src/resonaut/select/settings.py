"""The section ``select`` of the configuration."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field

from resonaut.core import config, observables
from resonaut.core.errors import ConfigError
from resonaut.core.record import (
    GeV,
    InverseFb,
    Name,
    NonNegative,
    Part,
    Positive,
    build,
    composed,
    key,
    keys,
    record,
)
from resonaut.core.windows import require_ascending
from resonaut.learn.autoencoder import settings as autoencoders
from resonaut.learn.density.settings import Settings as Density
from resonaut.learn.ratio.settings import FeatureSettings as Classifier
from resonaut.select import catalogue
from resonaut.select.event_scores.settings import EventScore, MethodName
from resonaut.select.quantile import Combination

T = TypeVar("T")
Range = tuple[NonNegative[GeV], NonNegative[GeV]]


@record
class Bins:
    """Fine bins of a stored spectrum, in the unit of its observable."""

    low: GeV = key("Lower edge.")
    high: GeV = key("Upper edge.")
    width: GeV = key("Width of a bin.", gt=0)


@record
class Spectrum(Bins):
    """Fine bins of the observable."""

    low: GeV = key("Lower edge.", default=2000, ge=0)
    high: GeV = key("Upper edge.", default=8000, gt=0)
    width: GeV = key("Width of a bin.", default=4, gt=0)


@record
class Window:
    """A window of an observable: the signal region, and the sidebands below and above it, in the observable's unit."""

    observable: Name = key(
        "Column of the events whose spectrum is searched: `m_jj`, or another one that their regions keep, "
        "`j1_softdrop_mass`.",
        default=observables.DEFAULT,
    )
    signal_region: Range = key("Range of the observable in which a resonance is looked for.")
    sidebands: tuple[Range, Range] = key(
        "Ranges of the observable below and above it, for training and for the working point; both count the same."
    )
    spectra: dict[Name, Bins] = key(
        "Further columns of which the spectrum of the selected data is stored, and its bins.", default={}
    )


@record
class Regression:
    """Quantile regression of unsupervised scores: splines in the observable with ``knots`` at ``levels``.

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
        "Knots of the splines in the observable; with more of them a regression could follow a resonance.",
        default=4,
        ge=2,
    )


@record
class CombinationSettings:
    """Methods whose quantiles become one number, and how."""

    methods: list[str] = key("Methods whose quantiles are combined.", min_length=2, unique=True)
    rule: Combination = key("How.", default="maximum")


@record
class Sculpting:
    """The check that a selection does not carve the spectrum; ``bins`` in GeV."""

    bins: list[Positive[GeV]] = key(
        "Edges of the bins of the observable in which efficiencies and spectra are compared.",
        default=[3000, 3250, 3500, 3750, 4000, 4500, 5000],
        min_length=3,
    )
    random_cuts: int = key(
        "Random cuts of the same size with which the divergence of passing and failing events is compared.",
        default=4000,
        ge=1,
    )
    trend: int = key(
        "Degree of a polynomial in the logarithm of the observable that the log odds to pass may follow and not be "
        "called sculpted, as where the rare events lie at high masses; 0 asks for a flat efficiency.",
        default=0,
        ge=0,
        le=2,
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
class Settings:
    """What the jobs of the stage read of its section, but for the keys of a method's own."""

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
        "Added to every feature in GeV, times the observable: makes features depend on it, for tests (0.1 in "
        "arXiv:2109.00546); 0 in a search.",
        default=0,
    )
    pt_bins: int = key(
        "Bins of a jet's pT in which sideband events are weighted to the signal region's spectrum, so that "
        "a classifier cannot learn the observable from pT; 0 for no weights.",
        default=20,
        ge=0,
    )
    classifier: Classifier = key("The ratio step, k folds of ensembles.", default={})
    density: Density = key(
        "Normalising flows of the features, given the observable: neural spline flows of zuko.", default={}
    )
    autoencoder: autoencoders.Settings = key(
        "Networks that reproduce features through a bottleneck: variational autoencoders for `tnt`, plain "
        "ones at the start of `nae`.",
        default={},
    )
    regression: Regression = key(
        "Quantile regression in the observable, which makes the efficiency of the unsupervised `vae_qr` and "
        "`nae` flat.",
        default={},
    )
    combinations: dict[MethodName, CombinationSettings] = key(
        "Further methods by name, to be listed in `methods` after those they combine, which see the same "
        "events in the same windows.",
        default={},
    )
    spectrum: Spectrum = key("Fine bins of the stored spectra; the fit merges them.", default={})
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

    @property
    def observable(self) -> str:
        """The observable of the windows: a job has one window."""
        (found,) = {window.observable for window in self.windows.values()}
        return found

    def own(self, kind: type[T]) -> T:
        """The keys of the method's own, a record of this ``kind``; a method asks for them.

        Raises:
            TypeError: these are settings of another method.
        """
        for value in vars(self).values():
            if type(value) is kind:
                return value
        raise TypeError(f"no {kind.__name__} in these settings; build them with resonaut.select.settings.of")


@record
class InjectionSettings:
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
        "`<chain>1`, `<chain>2`, ... of m_jj with its neighbours as sidebands. Those of CMS EXO-22-026 are in "
        "docs/select.md.",
        default={},
    )
    observables: dict[Name, Annotated[dict[str, Any], Part(Settings, ("windows", "combinations"))]] = key(
        "By the name of another observable than `m_jj`, the keys of this section that differ in its windows; "
        "`spectrum` and `sculpting.bins` it must give: `{j1_softdrop_mass: {spectrum: {low: 40, high: 400, width: 1}, "
        "sculpting: {bins: [60, 80, 100, 140]}, features: [tau21_j1]}}`.",
        default={},
    )
    event_scores: dict[Name, EventScore] = key(
        "Autoencoders of whole events by name, each trained once for all windows, and the regions of the events that "
        "it reproduces worst.",
        default={},
    )
    injection: InjectionSettings = key(
        "Experiments with signal put into background before the training, made by `snakemake select_benchmark` and "
        "`snakemake fit_injected`.",
        default={},
    )


def of(method: str, code: Sequence[str] = ()) -> type[Settings]:
    """The record of what a method's jobs read: the keys of the engine and of all methods, and those of its own.

    Args:
        method: a method of the package or of ``code``; a combination has no keys of its own.
        code: the user's own files.

    Raises:
        ConfigError: a file cannot be executed, or a key is there twice.
    """
    wanted = catalogue.keys(method, code) if method in catalogue.methods(code) else ()
    return composed(Settings, {name: kind for name, kind in catalogue.parts(code).items() if name in wanted})


def read(path: Path, method: str, code: Sequence[str] = ()) -> Settings:
    """Read ``<results>/config/select/<method>/<window>.json``.

    Raises:
        ConfigError: a key is missing or wrong, a combination has the name of a method, or a window's ranges are not in
            ascending order.
    """
    settings = config.read(path, of(method, code))
    for name in settings.combinations.keys() & catalogue.methods(code).keys():
        raise ConfigError(f"{path}: select.combinations.{name} has the name of a method; rename it.")
    for name, window in settings.windows.items():
        require_ascending(f"{path}: select.windows.{name}", window.signal_region, window.sidebands)
    return settings


def read_window(path: Path, name: str) -> Window:
    """The named window of such a file, for a job that does not care whose it is: keys of a method's own are left out.

    Raises:
        ConfigError: a key is missing or wrong, or there is no window of that name.
    """
    content = config.load_json(path)
    if isinstance(content, dict):
        content = {key: value for key, value in content.items() if key in keys(Settings)}
    return window(build(content, Settings, str(path)), name)


def window(settings: Settings, name: str) -> Window:
    """The named window.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in settings.windows:
        raise ConfigError(f"config: no window {name!r} in select.windows; it has {', '.join(settings.windows)}.")
    return settings.windows[name]
