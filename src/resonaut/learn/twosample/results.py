"""What a comparison of two weighted samples finds, as records; ``docs/learn.md`` says what every key means."""

from resonaut.core.histograms import Histogram
from resonaut.core.record import record


@record
class Divergence:
    """A distance between two distributions, with its error.

    ``alike``: the mean of samples of these sizes from one distribution, and ``alike_spread`` their standard deviation;
    ``p_value``: the share of them with at least this value. None where a number is infinite, as where a bin that it
    divides by is empty.
    """

    value: float | None
    error: float | None
    alike: float | None
    alike_spread: float | None
    p_value: float | None


@record
class Chi2:
    """A statistic, its degrees of freedom, and the probability of at least this value without a difference."""

    chi2: float
    ndof: int
    p_value: float


@record
class Variable:
    """One variable of two samples.

    ``numerator``, ``denominator``: histograms with the sum 1 in quantiles of both together; ``pulls``: their difference
    in each bin over its error; ``ks``: the largest distance of the cumulative distributions; ``uncovered``: the share
    of the numerator where there is no denominator, and the other way round; ``input``: the classifier saw it.
    """

    name: str
    input: bool
    numerator: Histogram
    denominator: Histogram
    pulls: list[float]
    test: Chi2
    ks: float
    ks_p_value: float
    uncovered: tuple[float, float]
    divergences: dict[str, Divergence]


@record
class Pair:
    """Two variables of two samples; the histograms are kept of a few pairs only."""

    names: tuple[str, str]
    test: Chi2
    largest_pull: float
    numerator: Histogram | None
    denominator: Histogram | None


@record
class Calibration:
    """The output of a classifier, and the share of the numerator among events with such an output, in bins."""

    predicted: list[float]
    observed: list[float]
    error: list[float]
    test: Chi2


@record
class Classifier:
    """A classifier that learned from one half of the events, judged on the other.

    ``auc_error``: the standard error without a difference; ``output`` is treated as one more variable.
    """

    auc: float
    auc_error: float
    p_value: float
    calibration: Calibration
    output: Variable


@record
class TwoSample:
    """The comparison of a numerator with a denominator, in this order.

    ``events`` and their ``effective`` numbers (sum w)^2 / sum w^2; ``classifier``: None where there are too few events
    to train one; ``warnings``: what makes a number doubtful, in sentences.
    """

    events: tuple[int, int]
    effective: tuple[float, float]
    variables: list[Variable]
    pairs: list[Pair]
    classifier: Classifier | None
    warnings: list[str]
