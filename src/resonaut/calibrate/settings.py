"""The section ``calibrate`` of the configuration; the ``Settings``."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from resonaut.calibrate.bins import LundBins
from resonaut.core.errors import ConfigError
from resonaut.core.record import GeV, NonNegative, Pattern, Positive, key, record

Declustering = Literal["ca", "kt"]
SourceName = Annotated[
    str, Pattern(r"^[a-z][a-z0-9_]*$", "a name of small letters, digits and _ that begins with a letter")
]
ObservableName = Annotated[
    str, Pattern(r"^[A-Za-z][A-Za-z0-9_]*$", "a name of letters, digits and _ that begins with a letter")
]
# An interval of each observable, null for no limit.
Cuts = dict[str, tuple[float | None, float | None]]
# Names of uncertainties that are there anyway.
SOURCES = ("background", "statistical", "pt_extrapolation", "b_quark", "prongs", "unclustered", "distortion")


@record
class WeightPair:
    """A list column of ``skim`` with weights of simulation, and the places of the two variations in it."""

    column: Literal["shower_weight", "scale_weight"] = key("List column with the weights.")
    up: int = key("Place of the upward variation in the list.", ge=0)
    down: int = key("Place of the downward variation in the list.", ge=0)


@record
class Systematics:
    """Systematic variations of the measurement: ``background`` is relative, ``weights`` by name of the source."""

    background: float = key("Relative uncertainty of the background in the control region.", default=0.3, ge=0, le=1)
    weights: dict[SourceName, WeightPair] = key(
        "Variations of the simulation by name, such as parton shower and scales, from weights that `skim` "
        "keeps of each event.",
        default={},
        merge=True,
    )


@record
class Histogram:
    """Regular bins of an observable."""

    bins: int = key("Number of bins.", ge=1)
    low: float = key("Lower edge of the first bin.")
    high: float = key("Upper edge of the last bin.")


@record
class Samples:
    """The jets that are compared, and those that are weighted."""

    data: list[str] = key("W jets of data.", default=[], unique=True)
    simulation: list[str] = key("Simulated W jets.", default=[], unique=True)
    background: list[str] = key("Simulated jets of other kinds in the data of W jets.", default=[], unique=True)
    b_quarks: list[str] = key(
        "Simulated jets with b quarks and light ones, whose different Lund planes give the b-quark uncertainty; empty "
        "for none.",
        default=[],
        unique=True,
    )
    signal: list[str] | None = key(
        "Simulated datasets whose jets get weights; null for `search.samples.signal`.", default=None, unique=True
    )


@record
class Settings:
    """Lund-plane calibration of multi-prong jets."""

    MOVED: ClassVar = {"b_quark_datasets": "calibrate.samples.b_quarks"}

    samples: Samples = key("The jets that are compared, and those that are weighted.", default={})
    correction: str | None = key(
        "A correction measured elsewhere (written by `measure` or `import`, with its metadata beside it) to"
        " apply, with its own bins and systematic variations; null measures one.",
        default=None,
    )
    declustering: Declustering = key(
        "Undo the Cambridge/Aachen tree of each subjet, or its kT tree as CMS's published corrections need;"
        " measuring and applying must agree.",
        default="ca",
    )
    minimum_delta: float = key(
        "Splittings at this angle or a smaller one are left out.", default=0.005, ge=0, unit="rad"
    )
    minimum_kt: GeV = key("Splittings of this k_t or a smaller one are left out.", default=0.02, ge=0)
    bins: LundBins = key(
        "Edges of the ratio's bins; the first and the last bin of an axis also hold what lies beyond.", default={}
    )
    minimum_entries: float = key(
        "A bin with fewer (effective) splittings in data or in simulation is taken as empty, 1 with error 1.",
        default=5,
        ge=0,
    )
    direct_pt_range: tuple[NonNegative[GeV], NonNegative[GeV]] = key(
        "Subjets in this range of transverse momentum take the measured ratio, others its polynomial in 1/p_T.",
        default=[15, 350],
    )
    systematics: Systematics = key("Systematic variations of the measurement.", default={})
    factor_range: tuple[Positive[float], Positive[float]] = key(
        "Limits of the factor of one splitting, when measuring.", default=[0.2, 5]
    )
    weight_range: tuple[Positive[float], Positive[float]] = key(
        "Limits of the weight of one jet, before the normalisation.", default=[0.1, 10]
    )
    jets_per_bin: int = key(
        "Jets of one number of prongs in each bin of hard scale and p_T in which the mean weight is made 1.",
        default=200,
        ge=1,
    )
    toys: int = key(
        "Statistical variations of the ratio, and variations of its extrapolation in p_T; one column of weights each.",
        default=100,
        ge=1,
    )
    seed: int = key("Seed of the variations; all datasets share them.", default=1, ge=0)
    selections: dict[ObservableName, Annotated[Cuts, Field(min_length=1)]] = key(
        "Selections of jets by name whose scale factors are wanted; of each observable an interval, null for no limit.",
        default={"tau21": {"tau21": [None, 0.4]}, "tau32": {"tau32": [None, 0.5]}, "tau43": {"tau43": [None, 0.6]}},
        merge=True,
    )
    histograms: dict[ObservableName, Histogram] = key(
        "Observables of jets shown before and after the calibration, a ratio `tau21`, `tau32`, `tau43` or a"
        " column of `skim` or `tag` without its `j1_`.",
        default={
            "tau21": {"bins": 25, "low": 0, "high": 1},
            "tau32": {"bins": 25, "low": 0, "high": 1},
            "tau43": {"bins": 25, "low": 0, "high": 1},
            "softdrop_mass": {"bins": 30, "low": 0, "high": 600},
            "n_constituents": {"bins": 30, "low": 0, "high": 150},
        },
        merge=True,
    )

    def __post_init__(self) -> None:
        for name in ("factor_range", "weight_range"):
            low, high = getattr(self, name)
            if not 0 < low <= 1 <= high:
                raise ConfigError(
                    f"config: calibrate.{name} is [{low:g}, {high:g}], which must rise and hold 1, the value that "
                    "changes nothing; change it."
                )
        for name in self.systematics.weights:
            if name in SOURCES or name.endswith(("_up", "_down")):
                raise ConfigError(
                    f"config: calibrate.systematics.weights.{name}: choose another name, none of {', '.join(SOURCES)}, "
                    "that does not end in _up or _down."
                )
        low, high = self.direct_pt_range
        if not self.bins.subjet_pt[0] <= low < high:
            raise ConfigError(
                f"config: calibrate.direct_pt_range: [{low:g}, {high:g}] must rise from the first edge of "
                f"calibrate.bins.subjet_pt, {self.bins.subjet_pt[0]:g}, or above."
            )
