"""Does a selection carve a peak into a smooth spectrum? Its efficiency at each mass, and passing and failing events.

A background efficiency that depends on the mass changes the shape of the selected spectrum; a bump in it would be
taken for a signal. That no bump is seen says little where few events are selected: what remains possible is in the
verdict.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from resonaut.select import results
from resonaut.select.settings import Sculpting, Window
from resonaut.select.spurious import spurious

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
        flat = flatness(place, weight, selected, edges)
        random = divergence(place, weight, selected, len(edges) - 1, settings.random_cuts)
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


def flatness(
    place: NDArray[np.int64], weight: FloatArray, selected: NDArray[np.bool_], edges: FloatArray
) -> results.Flatness:
    """Efficiency in each bin and the chi2 of a flat one; errors are those expected for a flat efficiency."""
    n = len(edges) - 1
    sums = np.array([np.bincount(place, w, n) for w in (weight, weight**2, weight * selected)])
    total, squared, passing = sums[:, sums[0] > 0]
    pooled = passing.sum() / total.sum() if total.size else 0.0
    efficiency = np.divide(passing, total)
    error = np.sqrt(pooled * (1 - pooled) * squared) / total
    chi2 = float(np.sum(np.square(efficiency - pooled) / error**2)) if 0 < pooled < 1 else 0.0
    ndof = max(total.size - 1, 0)
    bins = np.column_stack([edges[:-1], edges[1:]])[sums[0] > 0]
    return results.Flatness(
        efficiency=float(pooled),
        bins=[
            results.EfficiencyBin(range=(low, high), efficiency=value, error=sigma)
            for (low, high), value, sigma in zip(bins.tolist(), efficiency.tolist(), error.tolist(), strict=True)
        ],
        chi2=chi2,
        ndof=ndof,
        p_value=float(stats.chi2.sf(chi2, ndof)) if ndof else 1.0,
    )


def divergence(
    place: NDArray[np.int64], weight: FloatArray, selected: NDArray[np.bool_], bins: int, random_cuts: int
) -> results.Divergence:
    """Jensen-Shannon divergence of the passing and the failing spectrum, in bits, against random cuts of the same size.

    ``jsd_p_value`` is the part of the cuts, this one included, with as large a divergence.
    """
    n, kept = len(place), int(np.count_nonzero(selected))
    if not 0 < kept < n:
        return results.Divergence(jsd=None, jsd_random=None, jsd_p_value=1.0)
    whole = np.bincount(place, weight, bins).astype(np.float64)

    rng = np.random.default_rng(0)
    cuts = [np.flatnonzero(selected)]
    cuts += [rng.choice(n, kept, replace=False, shuffle=False) for _ in range(random_cuts)]
    passing = np.array([np.bincount(place[rows], weight[rows], bins) for rows in cuts])
    found, *random = jensen_shannon(passing, whole - passing).tolist()
    p_value = (1 + np.count_nonzero(np.array(random) >= found)) / (1 + random_cuts)
    return results.Divergence(jsd=found, jsd_random=float(np.median(random)), jsd_p_value=float(p_value))


def jensen_shannon(first: FloatArray, second: FloatArray) -> FloatArray:
    """Of histograms along the last axis, in bits: 0 for the same shape, 1 for no overlap (Lin, 1991)."""
    p, q = (np.maximum(each, 0) / np.maximum(each, 0).sum(axis=-1, keepdims=True) for each in (first, second))
    mean = (p + q) / 2
    return np.asarray(sum(stats.entropy(x, mean, base=2, axis=-1) for x in (p, q)) / 2)
