"""Where a signal's peak is, how wide it is, and what shifted objects do to both."""

from collections.abc import Mapping

import hist
import numpy as np

from resonaut.core.variations import source_and_way
from resonaut.core.weights import named
from resonaut.select.results import Moved

# The central 68 % of a Gaussian reach from one standard deviation below its mean to one above.
BELOW, ABOVE = 0.158655, 0.841345


def moved(nominal: hist.Hist, shifted: Mapping[str, hist.Hist], groups: Mapping[str, str]) -> dict[str, Moved]:
    """By the sources' names (``core.weights.named``), what the variations do to the peak of a spectrum.

    A variation that leaves no event leaves the peak where it is; a source that has one way only moves it only that way.

    Args:
        nominal: the selected spectrum.
        shifted: that of each variation, ``<source>_<up|down>``.
        groups: the variations' groups.
    """
    at, width = position_and_width(nominal)
    found: dict[str, dict[str, tuple[float, float]]] = {}
    for variation, spectrum in shifted.items():
        source, way = source_and_way(variation)
        own_at, own_width = position_and_width(spectrum) if spectrum.values().sum() > 0 else (at, width)
        change = (own_at / at - 1, own_width / width - 1 if width else 0.0)
        found.setdefault(named(groups[variation], source), {})[way] = change
    return {name: _both_ways(ways.get("up", (0.0, 0.0)), ways.get("down", (0.0, 0.0))) for name, ways in found.items()}


def position_and_width(spectrum: hist.Hist) -> tuple[float, float]:
    """The median of a spectrum, in the observable's unit, and half of its central 68 % relative to it.

    Events are taken as spread over their bin.
    """
    counts = np.append(0.0, spectrum.values())
    # Weights may be negative.
    below = np.maximum.accumulate(np.cumsum(counts)) / max(counts.sum(), np.finfo(float).tiny)
    low, middle, high = np.interp([BELOW, 0.5, ABOVE], below, spectrum.axes[0].edges)
    return float(middle), float((high - low) / 2 / middle)


def _both_ways(up: tuple[float, float], down: tuple[float, float]) -> Moved:
    return Moved(position=(up[0], down[0]), width=(up[1], down[1]))
