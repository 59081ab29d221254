"""The JSON files of the stage ``emulate``, as records; ``docs/emulate.md`` says what every key means."""

from resonaut.core.record import record
from resonaut.core.results import result
from resonaut.learn.twosample.results import Chi2


@record
class Moments:
    """Mean and standard deviation of a sample, with their statistical errors."""

    mean: float
    mean_error: float
    width: float
    width_error: float


@record
class Histogram:
    """Showers in bins of one width between ``low`` and ``high``; what is outside counts in the first and last bin."""

    low: float
    high: float
    simulated: list[int]
    emulated: list[int]


@record
class Response:
    """The energy of all voxels over the incident ``energy`` (MeV), of so many ``showers`` of each sample."""

    energy: float
    showers: int
    simulated: Moments
    emulated: Moments
    histogram: Histogram


@record
class Observable:
    """An observable: ``separation`` of the samples with all energies together, and a test at each energy."""

    name: str
    separation: float
    tests: list[Chi2]


@record
class Spectrum:
    """The distribution of an observable at an incident ``energy`` (MeV)."""

    name: str
    energy: float
    histogram: Histogram


@record
class MeanShower:
    """The mean energy (MeV) of each voxel at an incident ``energy`` (MeV)."""

    energy: float
    simulated: list[float]
    emulated: list[float]


@record
class Layer:
    """A layer of the calorimeter: its ``number``, the edges of its rings in mm, and its number of sectors."""

    number: int
    r_edges: list[float]
    n_alpha: int


@record
class Area:
    """What classifiers find, on showers that they have not seen: means of networks of several seeds.

    ``auc``: area under the ROC curve, with its statistical ``error`` without a difference and its ``spread`` among
    seeds; ``jsd``: Jensen-Shannon divergence in bits that the calibrated output gives.
    """

    auc: float
    error: float
    spread: float
    jsd: float
    jsd_spread: float
    seeds: list[float]


@record
class Measured:
    """A number and its statistical error."""

    value: float
    error: float


@record
class Overtraining:
    """Whether emulated showers are nearer to training showers than to as many that did not train.

    ``distance_ratio``: the median of both distances' ratio; ``share``: of showers that are nearer to training ones, one
    half without over-training, with its ``error``; ``p_value`` of at least this share; ``memorised``: it is below 1e-3.
    """

    showers: int
    distance_ratio: float
    share: float
    error: float
    p_value: float
    memorised: bool


@result("evaluation of emulated showers", "emulate evaluate")
class Evaluation:
    """``<results>/emulate/<name>/evaluation.json``: emulated showers against simulated ones that did not train.

    Of the floor, ``simulation`` in the place of a model, the emulated showers are the simulated training showers.
    """

    name: str
    particle: str
    layers: list[Layer]
    threshold: float
    showers: int
    responses: list[Response]
    observables: list[Observable]
    spectra: list[Spectrum]
    means: list[MeanShower]
    low_level: Area
    high_level: Area
    frechet: Measured
    kernel: Measured
    overtraining: Overtraining | None


@record
class Time:
    """Milliseconds of wall time for a shower at an incident ``energy`` (MeV), with so many made at once: the median."""

    energy: float
    batch: int
    milliseconds: float
    fastest: float
    slowest: float


@result("time for a shower", "emulate time")
class Timing:
    """``<results>/emulate/<name>/timing.json``: how long a shower takes on so many ``threads``."""

    name: str
    threads: int
    times: list[Time]
