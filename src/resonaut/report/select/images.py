"""Mean images of the jets that a selection keeps and of those that it rejects."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize

from resonaut.core.observables import interval
from resonaut.core.results import read
from resonaut.core.style import figure, headline
from resonaut.report import settings
from resonaut.report.figure import CONFIG, DATA, Figure, Input, Output
from resonaut.select.results import Images

FIGURE = Figure(
    category="Methods",
    subcategory="Jet images",
    reads={
        "means": Input("select", "images", "<results>/select/<method>/<window>_images.json"),
        "data": DATA,
        "config": CONFIG,
    },
    writes={
        "plots": Output(
            "images/{method}_{window}.png",
            each=("means", "{method}/{window}_images.json"),
            labels={"selection": "{method}", "window": "{window}"},
        )
    },
)

JETS = ("heavier jet", "lighter jet")
# The colours of mean images span this factor below the brightest pixel.
RANGE = 1e4

Array = npt.NDArray[np.float64]


def draw(output: Path, means: Sequence[Path], data: Sequence[Path], config: Path | None) -> None:
    """Draw a figure of each selection.

    Raises:
        InputFileError: a file holds no images.
    """
    for path in means:
        _selection(path, settings.of_data(config, data), output / "images")


def _selection(path: Path, text: str, output: Path) -> None:
    """The images of one selection, with ``text`` above."""
    content = read(path, Images)
    rejected, selected = np.asarray(content.rejected), np.asarray(content.selected)
    titles = [f"rejected, {content.events.rejected:,} events", f"selected, {content.events.selected:,} events"]
    low, high = content.signal_region
    heading = f"{text}\n{content.method}, {content.window}: {interval(low, high, content.unit, '–')}"
    plot = output / f"{content.method}_{content.window}.png"
    _panels(np.asarray(content.edges), rejected, selected, titles, heading, plot)


def _panels(edges: Array, rejected: Array, selected: Array, titles: Sequence[str], heading: str, plot: Path) -> None:
    """A row for each jet; rejected, selected, and their difference."""
    brightest = float(max(rejected.max(), selected.max())) or 1.0
    shade = LogNorm(brightest / RANGE, brightest)
    largest = float(np.abs(selected - rejected).max()) or 1.0
    columns: list[tuple[Array, Normalize, str, str]] = [
        (rejected, shade, "viridis", titles[0]),
        (selected, shade, "viridis", titles[1]),
        (selected - rejected, Normalize(-largest, largest), "RdBu_r", "selected - rejected"),
    ]
    with figure(plot, 2, 3, figsize=(9, 6.7), sharex=True, sharey=True) as (fig, axes):
        meshes = []
        for column, (values, norm, palette, title) in enumerate(columns):
            meshes += [
                _image(ax, edges, image, norm, palette) for ax, image in zip(axes[:, column], values, strict=True)
            ]
            axes[0][column].set_title(title)
            axes[-1][column].set_xlabel("across")
        for mesh, shown, extend in ((meshes[0], axes[:, :2], "min"), (meshes[-1], axes[:, 2:], "neither")):
            style: dict[str, Any] = {"location": "bottom", "fraction": 0.05, "aspect": 20 * shown.shape[1]}
            bar = fig.colorbar(mesh, ax=shown.ravel().tolist(), extend=extend, **style)
            bar.set_label("mean share of the jet's $p_T$")
        for ax, jet in zip(axes[:, 0], JETS, strict=True):
            ax.set_ylabel(f"{jet}\nalong the principal axis")
        headline(fig, heading)


def _image(ax: Axes, edges: Array, values: Array, norm: Normalize, palette: str) -> Any:
    ax.set_aspect("equal")
    if isinstance(norm, LogNorm):
        # Empty pixels are the darkest, not white.
        values = np.maximum(values, norm.vmin or 0)
    style: dict[str, Any] = {"norm": norm, "cmap": palette, "rasterized": True}
    return ax.pcolormesh(edges, edges, values.T, **style)
