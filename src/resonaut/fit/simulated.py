"""The selected part of simulated background as a spectrum, with the weights of its friends and their variations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import awkward as ak
import numpy as np

from resonaut.core.errors import EmptySelectionError
from resonaut.core.events import Dataset, require_finite
from resonaut.core.weights import NOMINAL, Variation, Weighted, Weights
from resonaut.fit.family import Array

# The folder of what says which events trained a tagger, whose selection would know them.
TAG = "tag"


@dataclass(frozen=True)
class Simulated:
    """Expected events: ``counts`` (N,), their ``variances`` (N,) by statistics, and ``varied`` (toys, N) by source.

    A source with two ways is two toys.
    """

    counts: Array
    variances: Array
    varied: Mapping[str, Array]

    def __add__(self, other: "Simulated") -> "Simulated":
        """That of both backgrounds; a source that one of them lacks leaves it as it is.

        Sources of one name are one: their toys are added in order.
        """
        varied = {}
        for name in dict.fromkeys([*self.varied, *other.varied]):
            parts = [one.varied.get(name, one.counts[None]) for one in (self, other)]
            varied[name] = parts[0] + parts[1]
        return Simulated(self.counts + other.counts, self.variances + other.variances, varied)

    def within(self, rows: np.ndarray) -> "Summed":
        """The sums over some bins."""
        sums = {name: toys[:, rows].sum(axis=1) for name, toys in self.varied.items()}
        return Summed(float(self.counts[rows].sum()), float(self.variances[rows].sum()), sums)


@dataclass(frozen=True)
class Summed:
    """Expected events in several bins together, and ``varied`` (toys,) by source."""

    events: float
    variance: float
    varied: Mapping[str, Array]


def simulated(
    backgrounds: Sequence[Dataset], weighted: Weighted, selection: str, observable: str, edges: Array, luminosity: float
) -> Simulated:
    """The selected events between ``edges`` (N + 1).

    Args:
        backgrounds: simulated datasets, whose weights are in fb.
        weighted: by dataset, the folders of its friends with weights, and of ``tag`` where that was trained with it.
        selection: ``<method>/<window>``.
        observable: the column of the spectrum.
        edges: of its bins.
        luminosity: 1/fb.

    Raises:
        EmptySelectionError: no event is selected between the edges.
    """
    first, *others = [_of(one, weighted.get(one.name, ()), selection, observable, edges) for one in backgrounds]
    total = sum(others, first)
    if not total.counts.sum() > 0:
        names = " + ".join(one.name for one in backgrounds)
        raise EmptySelectionError(
            f"no event of {names} is selected by {selection} in the range of the fit; give the background more events, "
            "or set fit.prediction to none."
        )
    varied = {name: toys * luminosity for name, toys in total.varied.items()}
    return Simulated(total.counts * luminosity, total.variances * luminosity**2, varied)


def _of(dataset: Dataset, folders: Sequence[str], selection: str, observable: str, edges: Array) -> Simulated:
    """That of one dataset, in fb; the events that trained a tagger are left out, and the others stand for them."""
    method, weights = selection.split("/")[0], Weights.of(dataset, [one for one in folders if one != TAG])
    known = ("tag_train",) if TAG in folders else ()
    columns = (observable, "weight", f"selected_{method}", *known, *weights.columns)
    variations = [one for one in weights.variations if one.source]
    bins = len(edges) - 1
    counts, variances, sums = np.zeros(bins), np.zeros(bins), np.zeros(2)
    varied: dict[str, list[Array]] = {}
    toys: dict[Variation, Array] = {}
    for events in dataset.iterate(columns, (f"select/{selection}", *folders)):
        weight = ak.to_numpy(events.weight).astype(np.float64)
        usable = ~ak.to_numpy(events.tag_train) if known else np.ones(len(events), bool)
        sums += [weight.sum(), weight[usable].sum()]
        mass = ak.to_numpy(events[observable])
        kept = ak.to_numpy(events[f"selected_{method}"]) & usable & (mass >= edges[0]) & (mass < edges[-1])
        place, chosen, weight = np.searchsorted(edges, mass[kept], side="right") - 1, events[kept], weight[kept]
        nominal = weight * weights.product(chosen, NOMINAL)[:, 0]
        require_finite(nominal, "weight", dataset.name)
        counts += np.bincount(place, nominal, bins)
        variances += np.bincount(place, nominal**2, bins)
        for one in variations if len(chosen) else ():
            rows = [np.bincount(place, weight * own, bins) for own in weights.product(chosen, one).T]
            found = np.array(rows, dtype=np.float64)
            toys[one] = toys[one] + found if one in toys else found
    for one in variations:
        varied.setdefault(f"{one.group}_{one.source}", []).append(toys.get(one, counts[None]))
    scale = sums[0] / sums[1] if sums[1] else 0.0
    return Simulated(
        counts * scale, variances * scale**2, {name: np.concatenate(rows) * scale for name, rows in varied.items()}
    )
