"""The JSON files of the stage ``reweight``, as records; ``docs/reweight.md`` says what every key means."""

from resonaut.core.histograms import Histogram
from resonaut.core.record import record
from resonaut.core.results import result
from resonaut.learn.ratio.weights import Calibrated, Clipping, Spread
from resonaut.learn.twosample.results import Chi2, TwoSample


@record
class Feature:
    """A feature in the sidebands: data, simulation before and after; chi2 of ``ndof``, summed over bins and folds."""

    name: str
    data: Histogram
    before: Histogram
    after: Histogram
    chi2_before: float
    chi2_after: float
    ndof: int


@record
class Kept:
    """The sum of a dataset's weights in fb: ``before``, ``expected`` after, and ``learned`` before it was scaled."""

    dataset: str
    before: float
    learned: float
    expected: float


@record
class Region:
    """Expected events in a ``range`` of the observable: ``before``, ``after``, and the number of ``data``.

    ``kept``: what the ratio of the features makes of them, relative to the normalisation and the factor of the
    spectrum alone, - 1. ``data`` is None where the data are not looked at.
    """

    range: tuple[float, float]
    data: float | None
    before: float
    after: float
    kept: float


@record
class Compared:
    """Data and simulation in some ranges; areas of a fresh classifier are None where there are too few events.

    ``normalisation_before``: events expected without weights.
    """

    data_events: int
    simulation_events: int
    normalisation_before: float
    features: list[Feature]
    auc_before: float | None
    auc_error_before: float | None
    auc_after: float | None
    auc_error_after: float | None


@result("closure of a reweighting", "reweight train")
class Closure(Compared):
    """``<results>/reweight/closure.json``: the sidebands, and the same in the ``validation`` range where there is one.

    ``condition``: the observable at whose values the ratio was learned, None where it was not. ``sums``: those of all
    m, ``expected`` with the normalisation and the factor of the spectrum alone, ``learned`` with the ratio, too.
    ``spread``: root mean square of the relative differences of each variation from the nominal weights.
    """

    condition: str | None
    weight_range: tuple[float, float]
    clipping: Clipping
    weights: Spread
    spread: dict[str, float]
    regions: list[Region]
    sums: list[Kept]
    validation: Compared | None


@record
class Truth:
    """Learned against true weights in ten parts of equal numbers of events, by a variable or by the learned weight.

    ``closure``: the sum of the learned weights over that of the true ones, - 1; ``error``: its statistical error.
    """

    variable: str
    low: list[float]
    closure: list[float]
    error: list[float]


@record
class Tried:
    """A direction of a published network: whether the events weighted so look like the target.

    ``alternative``: which values of the constants, 0 for the declared ones; ``excess``: chi2 - ndof, summed over all
    distributions, before and after; ``worst``: that with the smallest p-value, and its tests.
    """

    direction: str
    alternative: int
    closes: bool
    excess: tuple[float, float]
    worst: str
    worst_before: Chi2
    worst_after: Chi2


@result("closure of a ratio", "reweight ratio or published")
class RatioClosure:
    """``<results>/reweight/<name>/closure.json``; what needs the true ratio is None or empty where it is not known.

    ``negative`` and ``signs_clipped``: shares of the sum of |weight| in numerator and denominator. ``before`` and
    ``after`` and ``calibration``, of the ratio's own outputs, are None where the target is histograms alone;
    ``published``: what was tried of a published network.
    """

    numerator_events: int
    denominator_events: int
    negative: tuple[float, float]
    signs_clipped: tuple[float, float]
    clipping: Clipping
    sums: list[Kept]
    learned: Spread
    exact: Spread | None
    spread: dict[str, float]
    calibration: Calibrated | None
    truth: list[Truth]
    before: TwoSample | None
    after: TwoSample | None
    published: list[Tried]


@result("comparison of two samples", "reweight compare")
class Comparison:
    """``comparison.json``: the files, which weights count in each, what the comparison says, and all its numbers."""

    first: str
    second: str
    weights: tuple[str, str]
    sentence: str
    report: TwoSample
