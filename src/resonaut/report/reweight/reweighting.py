"""Features of data and simulation before and after the reweighting."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes

from resonaut.core.results import read
from resonaut.core.style import COLOURS, headline, legend_below, ratio_panels
from resonaut.report import settings
from resonaut.report.figure import CONFIG, DATA, Figure, Input, Output
from resonaut.report.reweight.panels import Shown, densities
from resonaut.reweight.results import Closure, Feature

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


def draw(output: Path, closure: Path, data: Sequence[Path], config: Path | None) -> None:
    """Draw every feature in the sidebands, data against simulation.

    Raises:
        InputFileError: ``closure`` is no ``closure.json`` of the stage ``reweight``.
    """
    content = read(closure, Closure)
    features = content.features
    with ratio_panels(output / "reweighting.png", len(features), FEATURES_IN_A_ROW) as (fig, pairs):
        for (upper, lower), found in zip(pairs, features, strict=True):
            feature(found, upper, lower)
        for _, lower in pairs[::FEATURES_IN_A_ROW]:
            lower.set_ylabel("sim. / data")
        text = f"{settings.of_data(config, data)}\nevents in the sidebands"
        # Without enough events there is no such number.
        if content.auc_after is not None:
            aucs = (f"{getattr(content, f'auc_{w}'):.3f} ± {getattr(content, f'auc_error_{w}'):.3f} {w}" for w in WHEN)
            text += f"\nAUC of a fresh classifier: {', '.join(aucs)}"
        headline(fig, text)
        legend_below(fig, 3)


def feature(content: Feature, ax: Axes, ratio: Axes) -> None:
    """One feature in data and in simulation before and after reweighting, with the ratios to data."""
    data = content.data
    found = (content.before, content.after)
    shown = [
        Shown(f"simulation {when} reweighting", colour, one, data)
        for when, one, colour in zip(WHEN, found, (COLOURS[1], COLOURS[0]), strict=True)
    ]
    edges, label = data.axes[0].edges, data.axes[0].label
    densities("data", data, shown, (edges[0], edges[-1]), ax, ratio)
    unit = label.partition(" [")[2].rstrip("]")
    ax.set(ylim=(0, None), ylabel=f"events / {unit or 'unit'}")
    before, after = content.chi2_before / content.ndof, content.chi2_after / content.ndof
    ax.set_title(rf"$\chi^2$/ndf: {before:.1f} before, {after:.1f} after", fontsize=9)
    ratio.set(ylim=RATIO_RANGE, xlabel=label)
