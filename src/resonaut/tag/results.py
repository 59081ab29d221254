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
    """A ROC curve against QCD."""

    signal_efficiency: list[float]
    qcd_efficiency: list[float]


@record
class Measured:
    """``accuracy`` of the most probable class; by signal class against QCD the curve and the area under it."""

    accuracy: float
    auc: dict[str, float]
    roc: dict[str, Roc]

    def __post_init__(self) -> None:
        """Check that each curve has its area."""
        if self.auc.keys() != self.roc.keys():
            raise ValueError("auc and roc are of other classes")


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
    ``resolution`` half the width of the central 68 % of estimate / target, and ``resolution_without`` the same of
    denominator / numerator, which is the response of the jet as it was reconstructed; ``covered`` the share of targets
    between the outer quantiles.
    """

    jets: int
    response: float
    response_error: float
    median_response: float
    resolution: float
    resolution_without: float
    covered: float
    covered_error: float


@record
class Regression:
    """Of a regression the closure of all jets, weighted as in the training, and of those of each class."""

    all: Closure | None
    classes: dict[str, Closure]


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

    ``under_attack`` is the same of held-out jets that are shifted against the network; null for published weights,
    and where the network has no gradient.
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
    under_attack: Measured | None
    domain: Domain | None

    def __post_init__(self) -> None:
        """Check that each curve has its jets, too."""
        super().__post_init__()
        if missing := {self.background, *self.roc} - self.held_out_jets.keys():
            raise ValueError(f"held_out_jets has no {' or '.join(sorted(missing))}")


@record
class RejectionAt:
    """1 / background efficiency at a signal efficiency; null where no jet of the background passes."""

    signal_efficiency: float
    value: float | None
    error: float | None


@record
class Discrimination:
    """Of a signal class against the background; errors are those of a bootstrap over the held-out jets."""

    auc: float
    auc_error: float
    rejections: list[RejectionAt]


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
