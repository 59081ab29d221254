"""Does a selection carve a peak into a smooth spectrum? Its efficiency at each mass, and passing and failing events.

A background efficiency that depends on the mass changes the shape of the selected spectrum; a bump in it would be
taken for a signal. That no bump is seen says little where few events are selected: what remains possible is in the
verdict. A smooth ``trend`` may be allowed for: the background function of the fit follows it, too.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from resonaut.select import results
from resonaut.select.settings import Sculpting, Window
from resonaut.select.spurious import log_odds, spurious

FloatArray = NDArray[np.float64]


@dataclass
class Sculpted:
    """Events with their weights, and which were selected; ``sample`` says what they are."""

    sample: str
    mass: list[FloatArray] = field(default_factory=list)
    weight: list[FloatArray] = field(default_factory=list)
    selected: list[NDArray[np.bool_]] = field(default_factory=list)

    def add(self, mass: FloatArray, weight: FloatArray, selected: NDArray[np.bool_]) -> None:
        """Take the events of weight above 0."""
        used = weight > 0
        self.mass.append(mass[used].astype(np.float64))
        self.weight.append(weight[used].astype(np.float64))
        self.selected.append(selected[used])

    def summary(self, settings: Sculpting, window: Window, expected: float) -> results.Sculpting:
        """Efficiencies by bin, three tests, the excess that they leave possible, and the verdict.

        ``expected`` are the selected background events of the data in the signal region. The verdict is ``sculpted``
        where a test fails, ``flat`` where the possible excess is small enough, and ``not excluded`` elsewhere: always
        so for a sample without events in the signal region, which only tests what is beside it.
        """
        mass, weight, selected = np.concatenate(self.mass), np.concatenate(self.weight), np.concatenate(self.selected)
        edges = np.array(settings.bins, dtype=np.float64)
        found = spurious(mass, weight, selected, edges, window, expected)
        place = np.digitize(mass, edges) - 1
        inside = (place >= 0) & (place < len(edges) - 1)
        place, weight, selected = place[inside], weight[inside], selected[inside]
        smooth = Trend.of(place, weight, np.log(mass[inside]), len(edges) - 1, settings.trend)
        flat = flatness(place, weight, selected, edges, smooth)
        random = divergence(place, weight, selected, smooth, settings.random_cuts)
        p_values = [flat.p_value, random.jsd_p_value]
        if found.interpolation:
            p_values.append(found.interpolation.p_value)
        possible = found.spurious_excess
        verdict: Literal["sculpted", "not excluded", "flat"]
        # So many tests together fail as often as one should.
        if min(p_values) * len(p_values) < settings.min_p_value:
            verdict = "sculpted"
        else:
            verdict = "flat" if possible is not None and possible <= settings.max_spurious_excess else "not excluded"
        return results.Sculpting(sample=self.sample, verdict=verdict, **vars(found), **vars(flat), **vars(random))


@dataclass(frozen=True)
class Trend:
    """Efficiencies in bins, shape (b,), whose log odds are a polynomial of a ``degree`` in the logarithm of the mass.

    Of degree 0 all are the same. ``total`` and ``squared`` are the sums of weights and of their squares, ``at`` is the
    mean logarithm of the mass, from 0 to 1; all of shape (b,).
    """

    total: FloatArray
    squared: FloatArray
    at: FloatArray
    degree: int

    @classmethod
    def of(cls, place: NDArray[np.int64], weight: FloatArray, log_mass: FloatArray, bins: int, degree: int) -> "Trend":
        """For events with their bins, weights and masses, shape (n,)."""
        columns = weight, weight**2, weight * log_mass
        total, squared, logs = (np.bincount(place, column, bins).astype(np.float64) for column in columns)
        at = np.divide(logs, total, out=np.zeros(bins), where=total > 0)
        low, high = (log_mass.min(), log_mass.max()) if len(log_mass) else (0.0, 0.0)
        return cls(total, squared, (at - low) / max(high - low, 1e-9), min(degree, int(np.count_nonzero(total)) - 1))

    def fitted(self, passing: FloatArray) -> FloatArray:
        """The efficiencies, shape (b,), that fit the weights that pass, shape (b,)."""
        pooled = passing.sum() / self.total.sum() if self.total.any() else 0.0
        if self.degree < 1 or not 0 < pooled < 1:
            return np.full(len(self.total), pooled)
        used = self.total > 0
        trials = self.total[used] ** 2 / self.squared[used]
        beta, _ = log_odds(self.at[used], trials, trials * passing[used] / self.total[used], self.degree)
        return np.asarray(special.expit(np.polynomial.polynomial.polyval(self.at, beta)))


def flatness(
    place: NDArray[np.int64], weight: FloatArray, selected: NDArray[np.bool_], edges: FloatArray, smooth: Trend
) -> results.Flatness:
    """Efficiency in each bin and the chi2 of a ``smooth`` one; errors are those expected of that."""
    n, used = len(edges) - 1, smooth.total > 0
    passing = np.bincount(place, weight * selected, n).astype(np.float64)
    expected, total, squared = smooth.fitted(passing)[used], smooth.total[used], smooth.squared[used]
    pooled = passing.sum() / total.sum() if total.size else 0.0
    efficiency = passing[used] / total
    error = np.sqrt(expected * (1 - expected) * squared) / total
    chi2 = float(np.sum(np.square(efficiency - expected) / error**2)) if 0 < pooled < 1 else 0.0
    ndof = max(total.size - 1 - max(smooth.degree, 0), 0)
    ranges = np.column_stack([edges[:-1], edges[1:]])[used]
    return results.Flatness(
        efficiency=float(pooled),
        bins=[
            results.EfficiencyBin(range=(low, high), efficiency=found, expected=fitted, error=sigma)
            for (low, high), found, fitted, sigma in zip(
                ranges.tolist(), efficiency.tolist(), expected.tolist(), error.tolist(), strict=True
            )
        ],
        chi2=chi2,
        ndof=ndof,
        p_value=float(stats.chi2.sf(chi2, ndof)) if ndof else 1.0,
    )


def divergence(
    place: NDArray[np.int64], weight: FloatArray, selected: NDArray[np.bool_], smooth: Trend, random_cuts: int
) -> results.Divergence:
    """Jensen-Shannon divergence of the passing and the failing spectrum, in bits, against random cuts of the same size.

    With a trend that of the passing spectrum and the one that the trend expects. The random cuts then follow the trend,
    which is fitted to each of them again. ``jsd_p_value`` is the part of the cuts, this one included, with as large a
    divergence.
    """
    n, kept = len(place), int(np.count_nonzero(selected))
    if not 0 < kept < n:
        return results.Divergence(jsd=None, jsd_random=None, jsd_p_value=1.0)
    rng, bins = np.random.default_rng(0), len(smooth.total)

    def spectrum(rows: NDArray[np.int64]) -> FloatArray:
        return np.bincount(place[rows], weight[rows], bins).astype(np.float64)

    own = spectrum(np.flatnonzero(selected))
    if smooth.degree < 1:
        cuts = (rng.choice(n, kept, replace=False, shuffle=False) for _ in range(random_cuts))
        passing = np.array([own, *map(spectrum, cuts)])
        other = smooth.total - passing
    else:
        probability = smooth.fitted(own)[place]
        cuts = (np.flatnonzero(rng.random(n) < probability) for _ in range(random_cuts))
        passing = np.array([own, *(cut for cut in map(spectrum, cuts) if cut.any())])
        other = smooth.total * np.array([smooth.fitted(cut) for cut in passing])
    found, *random = jensen_shannon(passing, other).tolist()
    p_value = (1 + np.count_nonzero(np.array(random) >= found)) / (1 + len(random))
    return results.Divergence(jsd=found, jsd_random=float(np.median(random)), jsd_p_value=float(p_value))


def jensen_shannon(first: FloatArray, second: FloatArray) -> FloatArray:
    """Of histograms along the last axis, in bits: 0 for the same shape, 1 for no overlap (Lin, 1991)."""
    p, q = (np.maximum(each, 0) / np.maximum(each, 0).sum(axis=-1, keepdims=True) for each in (first, second))
    mean = (p + q) / 2
    return np.asarray(sum(stats.entropy(x, mean, base=2, axis=-1) for x in (p, q)) / 2)
