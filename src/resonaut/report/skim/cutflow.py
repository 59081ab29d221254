"""The events after each cut of every dataset."""

import csv
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes

from resonaut.core.files import atomic
from resonaut.core.manifest import Cut, Manifest
from resonaut.core.results import read
from resonaut.core.style import COLOURS, above, figure
from resonaut.report import settings
from resonaut.report.figure import CONFIG, CUTFLOWS, Figure, Output

FIGURE = Figure(
    category="Selection",
    reads={"manifests": CUTFLOWS, "config": CONFIG},
    writes={"table": Output("cutflow.csv"), "plot": Output("cutflow.png")},
)


def draw(output: Path, manifests: Sequence[Path], config: Path | None) -> None:
    """Write the events after each cut as a table, and as fractions of the first row as a figure."""
    # The figure shows what the manifests say: it opens no events.
    skimmed = [read(path, Manifest) for path in manifests]
    with atomic(output / "cutflow.csv") as partial, partial.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["dataset", "cut", "events", "sum_weights", "fraction"])
        for manifest in skimmed:
            for row in manifest.cutflow:
                writer.writerow(
                    [
                        manifest.name,
                        row.cut,
                        row.events,
                        f"{row.sum_weights:.6g}",
                        f"{_share(manifest, row):.5f}",
                    ]
                )
            for lost in manifest.lost:
                events = "" if lost.events is None else -lost.events
                writer.writerow([manifest.name, f"lost: {lost.file} ({lost.reason})", events, "", ""])
            for note in manifest.notes:
                writer.writerow([manifest.name, f"note: {note}", "", "", ""])
    lines = [max(1, len(manifest.cutflow)) for manifest in skimmed]
    size = (8, 0.9 + sum(0.5 + 0.2 * number for number in lines))
    with figure(
        output / "cutflow.png", len(lines), 1, figsize=size, squeeze=False, sharex=True, height_ratios=lines
    ) as (fig, axes):
        for ax, manifest in zip(axes[:, 0], skimmed, strict=True):
            _cutflow(ax, manifest)
        axes[-1][0].set(xlabel="fraction of generated (recorded) events", xlim=(0, 1.3))
        above(fig, settings.of_data(config))


def _cutflow(ax: Axes, manifest: Manifest) -> None:
    """A bar and a line of text for each cut of one dataset, the first above."""
    y = range(len(manifest.cutflow))
    fractions = [_share(manifest, row) for row in manifest.cutflow]
    ax.barh(y, fractions, 0.7, color=COLOURS[0])
    for place, row, fraction in zip(y, manifest.cutflow, fractions, strict=True):
        ax.text(fraction + 0.01, place, f"{row.events:,} ({fraction:.1%})", va="center", fontsize=8)
    ax.set_yticks(y, [row.cut for row in manifest.cutflow], fontsize=8)
    ax.tick_params(axis="y", which="minor", left=False, right=False)
    ax.set_ylim(max(len(y), 1) - 0.4, -0.6)
    nature = manifest.nature.replace("_", "-")
    parts = [manifest.name] if manifest.name == nature else [manifest.name, nature]
    if manifest.luminosity:
        parts.append(f"{manifest.luminosity:.4g} fb$^{{-1}}$")
    if manifest.lost:
        parts.append(f"{len(manifest.lost)} lost file{'s' * (len(manifest.lost) > 1)}")
    ax.set_title(", ".join(parts), fontsize=10, color=COLOURS[2] if manifest.lost else "k")


def _share(manifest: Manifest, row: Cut) -> float:
    first = manifest.cutflow[0].sum_weights
    return row.sum_weights / first if first else 0.0
