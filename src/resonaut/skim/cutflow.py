"""Events and weights that remain after each cut."""

from collections.abc import Iterable
from typing import Any

import numpy as np


class Cutflow:
    """A mask over the events of a batch that only shrinks, and what each cut left.

    >>> flow = Cutflow(np.array([1.0, 2.0, -1.0]))
    >>> flow.cut("jets", np.array([True, False, True]))
    >>> flow.rows[-1]
    {'cut': 'jets', 'events': 2, 'sum_weights': 0.0}
    """

    def __init__(self, weights: np.ndarray) -> None:
        """Start with all events, one generator weight each."""
        self.weights = weights
        self.mask = np.ones(len(weights), bool)
        self.rows: list[dict[str, Any]] = []
        self.cut("stored", self.mask)

    def cut(self, name: str, passes: np.ndarray) -> None:
        """Keep the events that pass, too, this cut."""
        self.mask = self.mask & passes
        self.rows.append(row(name, int(self.mask.sum()), float(self.weights[self.mask].sum())))


def row(name: str, events: int, sum_weights: float) -> dict[str, Any]:
    """One line of a cutflow."""
    return {"cut": name, "events": events, "sum_weights": sum_weights}


def total(flows: Iterable[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The sum of cutflows with the same cuts, added in the order given."""
    rows: list[dict[str, Any]] = []
    for flow in flows:
        if not rows:
            rows = [dict(line) for line in flow]
            continue
        for line, more in zip(rows, flow, strict=True):
            if line["cut"] != more["cut"]:
                raise ValueError(f"cutflows differ: {line['cut']!r} and {more['cut']!r}")
            line["events"] += more["events"]
            line["sum_weights"] += more["sum_weights"]
    return rows
