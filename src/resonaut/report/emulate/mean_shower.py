"""The mean shower in each layer: simulated, of a model, and their ratio."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm, Normalize
from numpy.typing import NDArray

from resonaut.core.style import figure, headline
from resonaut.emulate.results import Evaluation, Layer, MeanShower
from resonaut.report.emulate.evaluations import HEADING, energy, opened
from resonaut.report.figure import EVALUATIONS, Figure, Output

FIGURE = Figure(
    category="Showers",
    subcategory="Mean showers",
    reads={"evaluations": EVALUATIONS},
    writes={
        "plots": Output(
            "showers/{name}_mean.png",
            each=("evaluations", "{name}/evaluation.json"),
            labels={"model": "{name}", "shown": "mean shower"},
        )
    },
)

# Layers that are shown, spread over all; the colours' decades below the largest energy; the ratios' range.
MOST, DECADES, RATIOS = 8, 1e-5, (0.8, 1.25)
# Points of a full circle, as sectors are drawn with straight lines.
CIRCLE = 160

Floats = NDArray[np.float64]


def draw(output: Path, evaluations: Sequence[Path]) -> None:
    """Draw the energy per area in the voxels of each model, at the largest energy that is shown in detail.

    Raises:
        InputFileError: a file is no evaluation, or one of other simulated showers than the first.
    """
    for one in opened(evaluations):
        places = np.linspace(0, len(one.layers) - 1, min(MOST, len(one.layers))).round().astype(int).tolist()
        mean = max(one.means, key=lambda found: found.energy)
        path = output / f"showers/{one.name}_mean.png"
        size = (2.1 * len(places) + 1.2, 6.8)
        with figure(path, 3, len(places), figsize=size, squeeze=False, subplot_kw={"projection": "polar"}) as (
            fig,
            axes,
        ):
            _rows(axes, one, mean, places)
            headline(
                fig,
                f"{HEADING}, {one.particle}s of {energy(mean.energy)}",
            )


def _rows(axes: NDArray[np.object_], one: Evaluation, mean: MeanShower, places: Sequence[int]) -> None:
    """Simulation, model and ratio, a column for each of the layers."""
    starts = np.cumsum([0, *((len(layer.r_edges) - 1) * layer.n_alpha for layer in one.layers)])
    layers = {place: _parts(mean, one.layers[place], int(starts[place])) for place in places}
    largest = max(float(simulated.max()) for simulated, _ in layers.values())
    energies, ratios = LogNorm(DECADES * largest, largest), Normalize(*RATIOS)
    for column, (place, (simulated, emulated)) in enumerate(layers.items()):
        layer = one.layers[place]
        ratio = np.divide(emulated, simulated, out=np.full_like(simulated, np.nan), where=simulated > 0)
        drawn = [_layer(axes[row, column], layer, values, energies) for row, values in enumerate((simulated, emulated))]
        drawn.append(_layer(axes[2, column], layer, ratio, ratios, "RdBu_r"))
        axes[0, column].set_title(f"layer {layer.number}\nto {layer.r_edges[-1]:g} mm", loc="center", fontsize=9)
    for row, name in enumerate(("simulation", one.name, "ratio")):
        axes[row, 0].text(-0.12, 0.5, name, transform=axes[row, 0].transAxes, rotation=90, ha="right", va="center")
    axes[0, 0].figure.colorbar(drawn[0], ax=axes[:2], label="mean energy per area [MeV / mm$^2$]", shrink=0.8)
    axes[0, 0].figure.colorbar(drawn[2], ax=axes[2:], label="ratio", extend="both")


def _parts(mean: MeanShower, layer: Layer, start: int) -> tuple[Floats, Floats]:
    """Energy per area of a layer, (sectors, rings), of both samples."""
    radii = np.array(layer.r_edges)
    area = np.pi * np.diff(radii**2) / layer.n_alpha
    shape = layer.n_alpha, len(radii) - 1
    stop = start + shape[0] * shape[1]
    simulated, emulated = (
        np.array(found[start:stop]).reshape(shape) / area for found in (mean.simulated, mean.emulated)
    )
    return simulated, emulated


def _layer(ax: Axes, layer: Layer, values: Floats, norm: Normalize, cmap: str = "viridis") -> QuadMesh:
    """Rings in equal steps, as their widths grow outwards, and sectors."""
    fine = -(-CIRCLE // layer.n_alpha)
    alpha = np.linspace(-np.pi, np.pi, layer.n_alpha * fine + 1)
    drawn = ax.pcolormesh(
        alpha, np.arange(values.shape[1] + 1), np.repeat(values, fine, axis=0).T, norm=norm, cmap=cmap
    )
    ax.set(xticks=[], yticks=[])
    ax.grid(False)
    return drawn
