"""The figure of an observable that is made of unfolded events."""

from pathlib import Path

import numpy as np

from resonaut.core.style import COLOURS, distinct, mathematical, ratio_panels
from resonaut.unfold.results import Measured


def draw(path: Path, measured: Measured) -> None:
    """Draw the differential cross section with its uncertainties, above what the simulation expected."""
    edges, values, prior, total = map(np.array, (measured.edges, measured.values, measured.prior, measured.total.error))
    scale = np.where(values > 0, values, np.nan)
    with ratio_panels(path, 1, 1) as (_, ((upper, lower),)):
        for axes, unit in ((upper, np.diff(edges)), (lower, scale)):
            ends = {"baseline": (values - total) / unit, "fill": True, "alpha": 0.3, "lw": 0}
            axes.stairs((values + total) / unit, edges, color=COLOURS[0], label="total uncertainty", **ends)
            axes.stairs(prior / unit, edges, baseline=None, color=COLOURS[1], label="simulation")
            axes.stairs(values / unit, edges, baseline=None, color="k", label="unfolded")
        families = measured.uncertainties.items()
        for (name, one), style in zip(families, distinct(len(families)), strict=True):
            above = 1 + np.array(one.error) / scale
            lower.stairs(above, edges, baseline=None, color=style["color"], ls=":", label=name.replace("_", " "))
        upper.set(ylabel=rf"d$\sigma$ / bin width [{measured.unit}]", xlim=(edges[0], edges[-1]), ylim=(0, None))
        upper.tick_params(labelbottom=False)
        upper.legend(fontsize=9)
        lower.legend(*(found[3:] for found in lower.get_legend_handles_labels()), fontsize=7, ncols=2)
        lower.set(ylabel="ratio", xlabel=mathematical(measured.name), xlim=(edges[0], edges[-1]), ylim=(0.5, 1.5))
