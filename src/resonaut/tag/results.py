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
    parameters: int | None
    train_jets: dict[str, int]
    held_out_jets: dict[str, int]
    loss: Loss
    sculpting: dict[str, Sculpting]
    calibration: dict[str, Reliability]
    importance: dict[str, dict[str, Lost]]
    under_attack: Attacked | None
    domain: Domain | None

    def __post_init__(self) -> None:
        """Check that each curve has its jets, too."""
        super().__post_init__()
        if missing := {"qcd", *self.roc} - self.held_out_jets.keys():
            raise ValueError(f"held_out_jets has no {' or '.join(sorted(missing))}")
