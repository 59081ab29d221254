"""Figures of unfolded observables."""

from pathlib import Path

import numpy as np

from resonaut.core.style import COLOURS, distinct, legend_below, mathematical, ratio_panels
from resonaut.unfold.results import Measured, Summary

PANELS_IN_A_ROW = 5


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


def overview(path: Path, summary: Summary) -> None:
    """Draw all observables in bins: the simulation, both ways of unfolding and, where it is known, the truth.

    The lower panels are ratios to the truth, or to the simulation.
    """
    with ratio_panels(path, len(summary.observables), PANELS_IN_A_ROW) as (fig, panels):
        for (upper, lower), (name, found) in zip(panels, summary.observables.items(), strict=True):
            edges, reference = np.array(found.edges), found.prior if found.truth is None else found.truth
            shown = {"simulation": found.prior, "iterative unfolding": found.bayes, "OmniFold": found.omnifold}
            for colour, (label, counts) in zip(COLOURS[1::-1] + COLOURS[2:], shown.items(), strict=False):
                for axes, unit in ((upper, np.diff(edges)), (lower, np.array(reference)[1:-1])):
                    axes.stairs(np.array(counts)[1:-1] / unit, edges, baseline=None, color=colour, label=label)
            if found.truth is not None:
                density = np.array(found.truth)[1:-1] / np.diff(edges)
                upper.plot((edges[1:] + edges[:-1]) / 2, density, "k.", label="truth")
            upper.tick_params(labelbottom=False)
            upper.set(ylim=(0, None), xlim=(edges[0], edges[-1]))
            lower.set(xlim=(edges[0], edges[-1]), ylim=(0.8, 1.2), xlabel=mathematical(name))
        for upper, lower in panels[::PANELS_IN_A_ROW]:
            upper.set_ylabel("events / bin width")
            lower.set_ylabel("ratio")
        legend_below(fig, 4)
