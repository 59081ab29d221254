"""A panel with the distribution of simulated showers and of those of every model, and below it their ratio."""

from collections.abc import Sequence
from itertools import cycle, product
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from resonaut.core.style import COLOURS
from resonaut.emulate.results import Histogram
from resonaut.report.emulate.evaluations import edges, shares

# A ratio is shown where its error is smaller, and between these values.
UNKNOWN, RATIOS = 0.5, (0.5, 1.5)
# Grey is the simulation's.
LINES, GREY = ("-", "--", ":"), COLOURS[4]


def panels(pair: Sequence[Axes], histograms: Sequence[tuple[str, Histogram]], label: str) -> None:
    """Draw the histograms of models by name: simulation as an area, models as lines; ``label`` is that of the axis."""
    upper, lower = pair
    first = histograms[0][1]
    bins = edges(first)
    simulated, errors = shares(first, "simulated")
    upper.stairs(simulated, bins, fill=True, color="0.85", label="simulation")
    known = simulated > 0
    relative = np.divide(errors, simulated, out=np.zeros_like(errors), where=known)
    lower.stairs(1 + relative, bins, baseline=1 - relative, fill=True, color="0.85")
    styles = cycle(product(LINES, (colour for colour in COLOURS if colour != GREY)))
    for (name, found), (dashes, colour) in zip(histograms, styles, strict=False):
        values, own = shares(found, "emulated")
        line: dict[str, Any] = {"color": colour, "ls": dashes, "lw": 1.4}
        upper.stairs(values, bins, label=name, **line)
        ratio, error = (np.divide(one, simulated, out=np.full_like(one, np.nan), where=known) for one in (values, own))
        lower.stairs(np.where(error < UNKNOWN, ratio, np.nan), bins, baseline=None, **line)
        centres = (bins[1:] + bins[:-1]) / 2
        shown = known & (error < UNKNOWN)
        lower.errorbar(centres[shown], ratio[shown], error[shown], fmt="none", ecolor=colour, lw=0.8)
    lower.axhline(1, color="0.4", lw=0.8)
    # What a model puts outside the range, into the bins at the ends, does not flatten the rest.
    inner = [shares(found, "emulated")[0][1:-1].max() for _, found in histograms]
    upper.set(xlim=(bins[0], bins[-1]), ylim=(0, 1.1 * max(simulated.max(), min(max(inner), 3 * simulated.max()))))
    lower.set(xlim=(bins[0], bins[-1]), ylim=RATIOS, xlabel=label)
    upper.tick_params(labelbottom=False)
