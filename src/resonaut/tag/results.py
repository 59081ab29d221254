"""The JSON file of the stage ``tag``, as a record; ``docs/tag.md`` says what every key means."""

from resonaut.core.record import record
from resonaut.core.results import result


@record
class Loss:
    """Mean cross entropy per epoch on both samples; empty for published weights."""

    train: list[float]
    held_out: list[float]


@record
class Roc:
    """A ROC curve against QCD; ``low`` and ``high`` are the ends of a central 68 % interval at each efficiency."""

    signal_efficiency: list[float]
    qcd_efficiency: list[float]
    qcd_efficiency_low: list[float]
    qcd_efficiency_high: list[float]


@record
class Rejection:
    """1 / QCD efficiency at a signal efficiency, with its central 68 % interval; null where no QCD jet passes."""

    signal_efficiency: float
    value: float | None
    low: float | None
    high: float | None


@record
class Measured:
    """``accuracy`` of the most probable class; by signal class against QCD the curve and the area under it."""

    accuracy: float
    accuracy_error: float
    auc: dict[str, float]
    auc_error: dict[str, float]
    rejection: dict[str, list[Rejection]]
    roc: dict[str, Roc]

    def __post_init__(self) -> None:
        """Check that each curve has its area."""
        if not self.auc.keys() == self.auc_error.keys() == self.rejection.keys() == self.roc.keys():
            raise ValueError("auc and roc are of other classes")


@record
class Lost:
    """By how much an AUC falls when the same jets are changed; the error is of the difference."""

    value: float
    error: float


@record
class Attacked(Measured):
    """Of held-out jets that are shifted against the network; ``auc_lost`` by signal class."""

    auc_lost: dict[str, Lost]


@record
class Reliability:
    """Of bins of a class's score: the mean score, the share of the class, the error of their difference.

    ``calibration_error`` is the mean of |observed - predicted|; ``if_calibrated`` is what it would be for scores that
    are probabilities, and ``p_value`` how often it would then be as large.
    """

    predicted: list[float]
    observed: list[float]
    error: list[float]
    calibration_error: float
    if_calibrated: float
    p_value: float


@record
class Sculpting:
    """Of a cut that keeps half of a signal class: 1 / QCD efficiency, and 1 / JSD of the QCD jets' soft-drop mass.

    All are null where no QCD jet, or every one, passes.
    """

    rejection: float | None
    rejection_error: float | None
    inverse_jsd: float | None
    inverse_jsd_error: float | None
    inverse_jsd_independent: float | None


@record
class Closure:
    """Of held-out jets with a target: how their estimates compare with it.

    ``response`` is the median of estimate / target, ``median_response`` that of the 50 % quantile / target;
    ``resolution`` half the width of the central 68 % of estimate / target. ``response_without`` and
    ``resolution_without`` are the same of denominator / numerator, which is the response of the jet as it was
    reconstructed; ``covered`` is the share of targets between the outer quantiles.
    """

    jets: int
    response: float
    response_error: float
    median_response: float
    resolution: float
    resolution_error: float
    response_without: float
    resolution_without: float
    covered: float
    covered_error: float


@record
class Slice:
    """The closure of the jets of one bin; ``pt_low`` and ``pt_high`` are their lowest and highest pT in GeV."""

    pt_low: float
    pt_median: float
    pt_high: float
    closure: Closure


@record
class Regression:
    """Of a regression the closure of all jets, weighted as in the training, and of those of each class.

    ``by_pt`` is that of all jets in bins of jet pT with as many jets each.
    """

    all: Closure | None
    classes: dict[str, Closure]
    by_pt: list[Slice]


@record
class Domain:
    """Of held-out jets of the other domain: AUC of a fresh classifier between it and the simulation that trains.

    The AUC sees what the network's last layer does; its error is that without a difference. ``jets`` and
    ``held_out_jets`` are by class, where all data are QCD; ``measured`` is null for data.
    """

    other: str
    jets: dict[str, int]
    held_out_jets: dict[str, int]
    auc: float
    auc_error: float
    measured: Measured | None


@result("summary of a tagger", "tag train")
class Network(Measured):
    """``<results>/tag/<network>.json``; jets by class; ``parameters`` are unknown of an ONNX file.

    ``calibration`` is by class; ``importance`` by signal class and group of inputs, empty of a network with a card.
    ``under_attack`` is null for published weights, and where the network has no gradient.
    """

    network: str
    classes: list[str]
    background: str
    parameters: int | None
    train_jets: dict[str, int]
    held_out_jets: dict[str, int]
    loss: Loss
    regression: dict[str, Regression]
    sculpting: dict[str, Sculpting]
    calibration: dict[str, Reliability]
    importance: dict[str, dict[str, Lost]]
    under_attack: Attacked | None
    domain: Domain | None

    def __post_init__(self) -> None:
        """Check that each curve has its jets, too."""
        super().__post_init__()
        if missing := {self.background, *self.roc} - self.held_out_jets.keys():
            raise ValueError(f"held_out_jets has no {' or '.join(sorted(missing))}")


@record
class Discrimination:
    """Of a signal class against the background; errors are those of a bootstrap over the held-out events."""

    auc: float
    auc_error: float
    rejections: list[Rejection]


@record
class Contender:
    """One network of a comparison.

    ``train_seconds``: of the whole job, null where it was not recorded. ``operations``: floating-point operations of
    its matrix products for a jet (2 for each multiplication and addition), of trees the comparisons; null of an ONNX
    file. ``jets_per_second``: on one thread.
    """

    architecture: str
    title: str
    year: int | None
    parameters: int | None
    train_jets: dict[str, int]
    train_seconds: float | None
    operations: float | None
    jets_per_second: float
    accuracy: float
    accuracy_error: float
    against_background: dict[str, Discrimination]


@record
class Gap:
    """By how much the AUC of ``better`` is above that of the next network, ``worse``; of the same held-out jets."""

    signal: str
    better: str
    worse: str
    difference: float
    error: float


@result("comparison of taggers", "tag compare")
class Comparison:
    """``<results>/tag/comparison.json``; ``constituents``: those of the mean jet, for which operations are counted."""

    background: str
    held_out_jets: dict[str, int]
    constituents: int
    networks: dict[str, Contender]
    gaps: list[Gap]

    def __post_init__(self) -> None:
        """Check that each network has each signal class."""
        for name, one in self.networks.items():
            if missing := set(self.held_out_jets) - {self.background, *one.against_background}:
                raise ValueError(f"networks.{name}.against_background has no {min(missing)}")
        if self.background not in self.held_out_jets:
            raise ValueError(f"held_out_jets has no {self.background}")


@record
class Cell:
    """Jets between two masses and two transverse momenta (GeV), and which fraction of them passes.

    ``single``: the fraction with one threshold for all jets, which as many QCD jets pass in all.
    """

    pt_low: float
    pt_high: float
    mass_low: float
    mass_high: float
    jets: int
    efficiency: float
    error: float
    single: float


@record
class Flatness:
    """How much an efficiency in cells differs from its target, in units of the statistical errors and beyond them.

    ``excess``: root mean square of the relative deviations, less what the errors explain; at least 0.
    """

    chi2: float
    ndf: int
    p_value: float
    excess: float


@result("summary of a working point", "tag working-point")
class WorkingPointSummary:
    """``<results>/tag/working_points/<name>/summary.json``, of jets with thresholds that they did not teach.

    ``jets``: of QCD; ``efficiency`` and ``error``: measured; ``qcd``: in cells of pT and soft-drop mass; ``flatness``:
    of these, ``single``: the same with one threshold for all jets. ``classes``: of each class that is wanted the jets
    of the signal datasets, in bins of soft-drop mass.
    """

    name: str
    network: str
    wanted: list[str]
    background: str
    method: str
    target: float
    jets: int
    efficiency: float
    error: float
    qcd: list[Cell]
    flatness: Flatness
    single: Flatness
    classes: dict[str, list[Cell]]
