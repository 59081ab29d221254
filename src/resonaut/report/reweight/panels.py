"""A pair of panels: the density of a target, and of samples that are to look like it; below, their ratios to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import hist
import numpy as np
from matplotlib.axes import Axes

from resonaut.core.style import steps


@dataclass(frozen=True)
class Shown:
    """A sample as it is drawn; ``target``: the histogram, in the same bins, that its ratio is to."""

    label: str
    colour: str
    found: hist.Hist
    target: hist.Hist


def densities(
    name: str, target: hist.Hist, samples: Sequence[Shown], limits: tuple[float, float], ax: Axes, ratio: Axes
) -> None:
    """Draw the target, called ``name``, as points, and the samples as steps with their statistical errors as bands.

    ``limits``: the range that is shown; a point is in the middle of what is seen of its bin.
    """
    for one in samples:
        edges, values, errors = _content(one.found)
        widths, scale = np.diff(edges), _filled(one.target)
        steps(ax, edges, values / widths, errors / widths, one.colour, one.label)
        steps(ratio, edges, values / scale, errors / scale, one.colour, "")
    edges, values, errors = _content(target)
    seen = np.clip(edges, *limits)
    widths, centres, inside = np.diff(edges), (seen[1:] + seen[:-1]) / 2, target.values() > 0
    style: dict[str, Any] = {"fmt": "k.", "ms": 4, "zorder": 3}
    ax.errorbar(centres, values / widths, errors / widths, label=name, **style)
    ratio.errorbar(centres[inside], np.ones(inside.sum()), (errors / _filled(target))[inside], **style)
    ax.set_xlim(limits)
    ratio.set_xlim(limits)
    ax.tick_params(labelbottom=False)


def _content(histogram: hist.Hist) -> tuple[Any, Any, Any]:
    """Edges, values and errors."""
    return np.asarray(histogram.axes[0].edges), histogram.values(), np.sqrt(histogram.variances())


def _filled(histogram: hist.Hist) -> Any:
    """Its values, NaN where there are none."""
    return np.where(histogram.values() > 0, histogram.values(), np.nan)
