"""The JSON files of the stage ``classify``, as records; ``docs/classify.md`` says what every key means."""

from resonaut.core.record import record
from resonaut.core.results import result


@record
class Yield:
    """A class: simulated ``events`` after the cut, the ``expected`` ones and as how many of weight 1 they count.

    ``negative``: the share of the sum of |weight| with a negative weight; ``clipped``: that of events whose mean sign
    was estimated below 0 and which do not train.
    """

    name: str
    datasets: list[str]
    events: int
    expected: float
    effective: float
    negative: float
    clipped: float


@record
class Area:
    """A pair of classes: the area under the ROC curve of held-out events with its error, and that of training events.

    ``efficiency``: of ``first`` at each efficiency of ``second`` in ``other``.
    """

    first: str
    second: str
    auc: float
    error: float
    training: float
    efficiency: list[float]
    other: list[float]


@record
class Losses:
    """A fold: the cross entropy of both parts of its training events by tree or epoch, and the ``best`` one, from 0."""

    training: list[float]
    validation: list[float]
    best: int


@record
class Overtraining:
    """A class: the largest distance between the distributions of the scores of training and held-out events.

    ``score``: of which class the score is; ``p_value`` of Kolmogorov's test of all folds.
    """

    name: str
    score: str
    distance: float
    p_value: float


@record
class Importance:
    """An input: by how much the cross entropy of held-out events grows when it is shuffled, and the error of that."""

    name: str
    increase: float
    error: float


@record
class Distribution:
    """The score of class ``score`` for events of the class ``name``: expected events in each bin, and their errors.

    ``training``: the same of events that trained the models, scaled to as many.
    """

    score: str
    name: str
    held_out: list[float]
    errors: list[float]
    training: list[float]


@record
class Binned:
    """The bins of a score: inner ``edges`` of each fold, and by class the expected events with errors in each bin.

    ``significance``: expected, with the statistical uncertainty of the simulation.
    """

    signal: str
    edges: list[list[float]]
    expected: dict[str, list[float]]
    errors: dict[str, list[float]]
    significance: float


@record
class Expected:
    """The expected uncertainty of a parameter of interest, with all nuisances profiled, and with them fixed.

    The statistics of the simulation are in both, where the model has them.
    """

    parameter: str
    profiled: float
    fixed: float


@result("summary of a classifier", "classify train")
class Summary:
    """``<results>/classify/<name>.json``: what a classifier does for events that it has not seen.

    ``loss``: their cross entropy, classes counting the same; ``edges``: of the ``distributions``; ``uncertainties``:
    those of ``loss: uncertainty``, with the bins of all folds.
    """

    name: str
    learner: str
    inputs: list[str]
    classes: list[Yield]
    loss: float
    areas: list[Area]
    losses: list[Losses]
    overtraining: list[Overtraining]
    importance: list[Importance]
    edges: list[float]
    distributions: list[Distribution]
    binned: Binned | None
    uncertainties: list[Expected]
