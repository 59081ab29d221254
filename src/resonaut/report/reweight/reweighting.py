"""Features of data and simulation before and after the reweighting."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from resonaut.core.config import load_json
from resonaut.core.histograms import from_json
from resonaut.core.shape import require
from resonaut.report import settings
from resonaut.report.figure import CONFIG, DATA, Figure, Input, Output
from resonaut.report.style import COLOURS, Array, headline, legend_below, ratio_panels

FIGURE = Figure(
    category="Reweighting",
    reads={
        "closure": Input("reweight", "closure", "<results>/reweight/closure.json", many=False),
        "data": DATA,
        "config": CONFIG,
    },
    writes={"plot": Output("reweighting.png")},
)

# Panels of features in one row.
FEATURES_IN_A_ROW = 4
RATIO_RANGE = (0.5, 1.5)
WHEN = ("before", "after")
# What of the closure of the reweighting is read here.
CHI2 = dict.fromkeys((*(f"chi2_{when}" for when in WHEN), "ndof"), float)
CLOSURE: dict[str, Any] = {"features": [{**dict.fromkeys(("data", *WHEN), from_json), **CHI2}]}
CLOSURE |= dict.fromkeys((f"{name}_{when}" for name in ("auc", "auc_error") for when in WHEN), (float, None))


def draw(output: Path, closure: Path, data: Sequence[Path], config: Path | None) -> None:
    """Draw every feature in the sidebands, data against simulation.

    Raises:
        InputFileError: ``closure`` is no ``closure.json`` of the stage ``reweight``.
    """
    content = require(
        load_json(closure), CLOSURE, closure, "closure of a reweighting", "run 'resonaut reweight train' again"
    )
    features = content["features"]
    with ratio_panels(output / "reweighting.png", len(features), FEATURES_IN_A_ROW) as (fig, pairs):
        for (upper, lower), found in zip(pairs, features, strict=True):
            feature(found, upper, lower)
        for _, lower in pairs[::FEATURES_IN_A_ROW]:
            lower.set_ylabel("sim. / data")
        text = f"{settings.of_data(config, data)}\nevents in the sidebands"
        # Without enough events there is no such number.
        if content["auc_after"] is not None:
            aucs = (f"{content[f'auc_{when}']:.3f} ± {content[f'auc_error_{when}']:.3f} {when}" for when in WHEN)
            text += f"\nAUC of a fresh classifier: {', '.join(aucs)}"
        headline(fig, text)
        legend_below(fig, 3)


def feature(content: dict[str, Any], ax: Axes, ratio: Axes) -> None:
    """One feature in data and in simulation before and after reweighting, with the ratios to data."""
    data = from_json(content["data"])
    edges = data.axes[0].edges
    widths, centres, inside = np.diff(edges), (edges[1:] + edges[:-1]) / 2, data.values() > 0
    counts, error = data.values(), np.sqrt(data.variances())
    scale = np.where(inside, counts, np.nan)
    for when, colour in zip(WHEN, (COLOURS[1], COLOURS[0]), strict=True):
        found = from_json(content[when])
        values, errors = found.values(), np.sqrt(found.variances())
        _simulation(ax, edges, values / widths, errors / widths, colour, f"simulation {when} reweighting")
        _simulation(ratio, edges, values / scale, errors / scale, colour, "")
    style: dict[str, Any] = {"fmt": "k.", "ms": 4, "zorder": 3}
    ax.errorbar(centres, counts / widths, error / widths, label="data", **style)
    ratio.errorbar(centres[inside], np.ones(inside.sum()), (error / scale)[inside], **style)
    label = data.axes[0].label
    unit = label.partition(" [")[2].rstrip("]")
    ax.set(xlim=(edges[0], edges[-1]), ylim=(0, None), ylabel=f"events / {unit or 'unit'}")
    chi2 = (f"{content[f'chi2_{when}'] / content['ndof']:.1f} {when}" for when in WHEN)
    ax.set_title(rf"$\chi^2$/ndf: {', '.join(chi2)}", fontsize=9)
    ax.tick_params(labelbottom=False)
    ratio.set(xlim=(edges[0], edges[-1]), ylim=RATIO_RANGE, xlabel=label)


def _simulation(ax: Axes, edges: Array, values: Array, errors: Array, colour: str, name: str) -> None:
    """Bins as a line, their statistical errors as a band; nothing where there is no value."""
    ax.stairs(values, edges, color=colour, label=name, baseline=None)
    ax.stairs(values + errors, edges, baseline=values - errors, color=colour, alpha=0.25, lw=0, fill=True)
