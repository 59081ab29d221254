"""Events and weights that remain after each cut."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from resonaut.core.manifest import Cut

# The last cut: nothing that decides on an event or is kept of it is broken.
READABLE = "readable"


class Cutflow:
    """A mask over the events of a batch that only shrinks, and what each cut left.

    A broken value (NaN, infinity, an index that points nowhere) is no cut: ``doubt`` remembers it, and only
    events that pass all cuts are left out for it, by ``finish``.

    >>> flow = Cutflow(np.array([1.0, 2.0, -1.0]))
    >>> flow.cut("jets", np.array([True, False, True]))
    >>> flow.doubt("FatJet_mass", np.array([True, True, False]))
    >>> flow.finish()
    >>> flow.rows[1:]
    [Cut(cut='jets', events=2, sum_weights=0.0), Cut(cut='readable', events=1, sum_weights=-1.0)]
    >>> flow.faults
    {'FatJet_mass': 1}
    """

    def __init__(self, weights: np.ndarray) -> None:
        """Start with all events, one generator weight each; one that is NaN or infinite counts as 0."""
        self.known = np.isfinite(weights)
        self.weights = np.where(self.known, weights, 0).astype(np.float64)
        self.mask = np.ones(len(weights), bool)
        self.rows: list[Cut] = []
        self.faults: dict[str, int] = {}
        self._doubts: dict[str, np.ndarray] = {}
        self.cut("stored", self.mask)

    def cut(self, name: str, passes: np.ndarray) -> None:
        """Keep the events that pass, too, this cut."""
        self.mask = self.mask & passes
        events, sum_weights = int(self.mask.sum()), float(self.weights[self.mask].sum())
        self.rows.append(Cut(cut=name, events=events, sum_weights=sum_weights))

    def doubt(self, branch: str, broken: np.ndarray) -> None:
        """Remember the events whose ``branch`` is ``broken``."""
        if broken.any():
            self._doubts[branch] = broken | self._doubts.get(branch, np.zeros_like(broken))

    def stack(self, places: np.ndarray) -> "Cutflow":
        """Another selection, of rows each of which is the event at one of the ``places``."""
        return Cutflow(self.weights[places])

    def absorb(self, stack: "Cutflow", places: np.ndarray) -> None:
        """Put the events in doubt of which a row of a stack is."""
        for branch, broken in stack._doubts.items():
            odd = np.zeros(len(self.mask), bool)
            odd[places[broken]] = True
            self.doubt(branch, odd)

    def finish(self, kept: np.ndarray | None = None) -> None:
        """Leave out the kept events with broken values, and count them by branch.

        ``kept``: all events that are, where some pass in a variation or at particle level alone.
        """
        used = self.mask if kept is None else kept
        counts = {branch: int((broken & used).sum()) for branch, broken in self._doubts.items()}
        self.faults = {branch: count for branch, count in counts.items() if count}
        self.cut(READABLE, ~self.doubtful)

    @property
    def doubtful(self) -> np.ndarray:
        """The events of which something is broken."""
        return np.asarray(np.any([np.zeros_like(self.mask), *self._doubts.values()], axis=0))

    def readable(self, values: Mapping[str, Any], chosen: np.ndarray) -> dict[str, Any]:
        """The ``values`` of the events of ``chosen``, without those in doubt, which ``finish`` leaves out."""
        still = ~self.doubtful[chosen]
        return dict(values) if still.all() else {name: column[still] for name, column in values.items()}


def total(flows: Iterable[Sequence[Cut]]) -> list[Cut]:
    """The sum of cutflows with the same cuts, added in the order given."""
    rows: list[Cut] = []
    for flow in flows:
        rows = [_sum(one, more) for one, more in zip(rows, flow, strict=True)] if rows else list(flow)
    return rows


def _sum(one: Cut, more: Cut) -> Cut:
    if one.cut != more.cut:
        raise ValueError(f"cutflows differ: {one.cut!r} and {more.cut!r}")
    return Cut(cut=one.cut, events=one.events + more.events, sum_weights=one.sum_weights + more.sum_weights)
