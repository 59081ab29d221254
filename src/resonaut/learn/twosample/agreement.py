"""Whether two samples may be of one distribution: chi2 of their shares in bins, and the test of Kolmogorov and Smirnov.

Both compare shapes: the samples may have any sums of weights.
"""

import numpy as np
from scipy.special import chdtrc
from scipy.stats import combine_pvalues, kstwobign

from resonaut.learn.twosample.quantiles import Floats, Sums, Values, together
from resonaut.learn.twosample.results import Chi2

# Bins where a sample should have fewer effective events are taken together, as chi2 is none of few events.
FEWEST_EVENTS = 5.0
# An empty bin in which so many events are expected is no accident, not even among the bins of many variables.
FEWEST_EXPECTED = 15.0


def chi2(numerator: Sums, denominator: Sums) -> Chi2:
    """The shares of two samples in the same bins, fold by fold, and summed over folds.

    The shares of a sample sum to 1, so that a fluctuation in one bin moves all others; where events have different
    weights that matters, and the whole covariance matrix is taken. Its variances are those without a difference. For
    weights of 1 this is Pearson's chi2 of a contingency table.
    """
    found, ndof = 0.0, 0
    for fold in range(len(numerator.weights)):
        p, q = _merged(
            *(Sums(s.weights[fold : fold + 1], s.squares[fold : fold + 1]) for s in (numerator, denominator))
        )
        # The last share follows from the others.
        difference = (p.weights - q.weights)[0, :-1]
        covariance = (_covariance(p, together(p, q)) + _covariance(q, together(p, q)))[:-1, :-1]
        found += float(difference @ np.linalg.solve(covariance, difference))
        ndof += len(difference)
    return tested(found, ndof)


def tested(found: float, ndof: int) -> Chi2:
    """A value of chi2 with its p-value."""
    return Chi2(chi2=found, ndof=ndof, p_value=float(chdtrc(ndof, found)) if ndof else 1.0)


def pulls(numerator: Sums, denominator: Sums) -> Floats:
    """The difference of the shares in each bin, summed over folds, over its standard deviation without a difference."""
    expected = together(numerator, denominator)
    variance = np.zeros(expected.shape[1])
    for events in (expected * numerator.scale(), expected * denominator.scale()):
        variance += (events * (1 - 2 * expected) + expected**2 * events.sum(axis=1, keepdims=True)).sum(axis=0)
    difference = (numerator.weights - denominator.weights).sum(axis=0)
    return np.asarray(difference / np.sqrt(np.where(variance > 0, variance, np.inf)))


def _covariance(sample: Sums, expected: Floats) -> Floats:
    """The covariance matrix of a sample's shares in the only fold, if the ``expected`` ones (1, N) are true."""
    share, variance = expected[0], (expected * sample.scale())[0]
    mixed = np.outer(share, variance)
    return np.asarray(np.diag(variance) - mixed - mixed.T + np.outer(share, share) * variance.sum())


def uncovered(numerator: Sums, denominator: Sums) -> tuple[float, float]:
    """The share of each sample in bins where the other has no event, though without a difference it had several."""
    expected = together(numerator, denominator)
    samples = (numerator, denominator)
    empty = [(s.squares.sum(axis=0) == 0) & ((expected * s.effective).sum(axis=0) >= FEWEST_EXPECTED) for s in samples]
    first, second = (float(s.weights.mean(axis=0)[none].sum()) for s, none in zip(samples, empty[::-1], strict=True))
    return first, second


def _merged(numerator: Sums, denominator: Sums) -> tuple[Sums, Sums]:
    """The same in the bins with enough events, and one more for all others that hold any."""
    filled = together(numerator, denominator)[0] > 0
    numerator, denominator = (Sums(s.weights[:, filled], s.squares[:, filled]) for s in (numerator, denominator))
    expected = together(numerator, denominator)
    events = np.minimum(expected / numerator.scale(), expected / denominator.scale())[0]
    enough = events >= FEWEST_EVENTS
    place = np.where(enough, np.cumsum(enough) - 1, np.count_nonzero(enough))
    number = int(place.max()) + 1
    return tuple(  # type: ignore[return-value]
        Sums(*(np.bincount(place, one[0], number)[None].astype(np.float64) for one in (s.weights, s.squares)))
        for s in (numerator, denominator)
    )


def ks(
    values: tuple[Values, Values], weights: tuple[Floats, Floats], fold: tuple[Values, Values], folds: int
) -> tuple[float, float]:
    """The largest distance of the cumulative distributions in any fold, and the p-value of all folds together.

    That of a fold is Kolmogorov's limit with effective numbers of events; it is too large for values that many events
    share, and approximate where weights depend on the values.
    """
    distances, p_values = [], []
    for number in range(folds):
        here = [f == number for f in fold]
        (x, y), (v, w) = ([a[rows] for a, rows in zip(pair, here, strict=True)] for pair in (values, weights))
        distances.append(_distance(x, y, v / v.sum(), w / w.sum()))
        n, m = (float(u.sum() ** 2 / np.square(u).sum()) for u in (v, w))
        p_values.append(float(kstwobign.sf(distances[-1] * np.sqrt(n * m / (n + m)))))
    return max(distances), float(combine_pvalues(p_values).pvalue) if folds > 1 else p_values[0]


def _distance(x: Values, y: Values, v: Floats, w: Floats) -> float:
    """The largest distance of the cumulative distributions of values with weights that sum to 1."""
    both = np.concatenate([x, y])
    order = np.argsort(both, kind="stable")
    summed, both = np.cumsum(np.concatenate([v, -w])[order]), both[order]
    # Equal values come at once.
    return float(np.abs(summed[np.append(both[1:] != both[:-1], True)]).max())
