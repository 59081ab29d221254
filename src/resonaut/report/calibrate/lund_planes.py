"""The measured Lund planes of W jets: data and simulation, their ratio, and its uncertainties."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.colors import LogNorm

from resonaut.calibrate.results import Planes
from resonaut.core.results import read
from resonaut.core.style import figure, headline
from resonaut.report import settings
from resonaut.report.figure import CONFIG, Figure, Input, Output

FIGURE = Figure(
    category="Calibration",
    reads={
        "planes": Input("calibrate", "planes", "<results>/calibrate/planes.json", many=False),
        "data": Input(
            "calibrate",
            "data",
            "<results>/skim/<dataset>.json of the data with W jets, for the luminosity.",
            needed=False,
        ),
        "config": CONFIG,
    },
    writes={"plot": Output("lund_planes.png")},
)

# The colours of densities span this factor below the largest.
DENSITY_RANGE = 1e3
RATIO_TICKS = (0.5, 0.7, 1, 1.4, 2)
# Below the scale, but not white on a logarithmic one.
LEAST = 1e-6
ERROR_TICKS = (0.01, 0.03, 0.1, 0.3, 1)

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Column:
    """One quantity in all p_T slices, NaN where it is not known: (slices, x, y)."""

    title: str
    values: FloatArray
    norm: LogNorm
    palette: str
    extend: str
    ticks: Sequence[float] = ()


def draw(output: Path, planes: Path, data: Sequence[Path], config: Path | None) -> None:
    """Draw the planes of data and simulation, their ratio and its relative errors, a row for each p_T slice.

    Raises:
        InputFileError: ``planes`` is not ``planes.json`` of the stage ``calibrate``.
    """
    content = read(planes, Planes)
    edges = content.edges
    pt, x, y = (np.asarray(axis) for axis in (edges.subjet_pt, edges.ln_radius_over_delta, edges.ln_kt))
    found, subjets = columns(content), _subjets(content)
    rows = len(pt) - 1
    size = (2.75 * len(found), 0.9 + 2.15 * rows)
    keywords: dict[str, Any] = {"squeeze": False, "sharex": True, "sharey": True}
    with figure(output / "lund_planes.png", rows, len(found), figsize=size, **keywords) as (fig, axes):
        for c, column in enumerate(found):
            for row in range(rows):
                style: dict[str, Any] = {"norm": column.norm, "cmap": column.palette, "rasterized": True}
                mesh = axes[row][c].pcolormesh(x, y, column.values[row].T, **style)
            bar = fig.colorbar(mesh, ax=axes[:, c].tolist(), location="top", extend=column.extend, aspect=14, pad=0.01)
            bar.set_label(column.title, size=11)
            if column.ticks:
                bar.set_ticks(column.ticks, labels=[f"{tick:g}" for tick in column.ticks])
                bar.minorticks_off()
            axes[-1][c].set_xlabel(r"$\ln(0.8 / \Delta)$")
        for row in range(rows):
            axes[row][0].set_ylabel(f"{slice_name(pt, row)}\n" + r"$\ln(k_T$ / GeV)", size=10)
            corner = axes[row][0].transAxes
            axes[row][0].text(
                0.97, 0.95, f"{subjets[row]:,.0f} subjets", ha="right", va="top", transform=corner, size=9
            )
        headline(fig, settings.of_data(config, data))
        axes[0][0].set(**_limits(np.isfinite(found[0].values) | np.isfinite(found[1].values), x, y))


def columns(content: Planes) -> list[Column]:
    """What the figure shows of ``planes.json``, from left to right."""
    data = content.data.splittings.values() - content.background.splittings.values()
    density = [
        _density(data, _subjets(content)),
        _density(content.simulation.splittings.values(), np.asarray(content.simulation.subjets)),
    ]
    brightest = max(float(np.nan_to_num(values).max()) for values in density) or 1.0
    ratio, error = np.asarray(content.ratio), np.asarray(content.ratio_error)
    # A bin without a measurement is 1 +- 1.
    measured = (ratio != 1) | (error != 1)
    shifts = [np.abs(np.asarray(pair) - ratio).max(axis=0) for pair in content.systematics.values()]
    systematic = np.sqrt(np.sum(np.square([np.zeros_like(ratio), *shifts]), axis=0))
    logarithmic, symmetric = LogNorm(brightest / DENSITY_RANGE, brightest), LogNorm(RATIO_TICKS[0], RATIO_TICKS[-1])
    name = "data - background" if np.any(content.background.subjets) else "data"
    errors: dict[str, Any] = {"palette": "cividis_r", "extend": "both", "ticks": ERROR_TICKS}
    errors["norm"] = LogNorm(ERROR_TICKS[0], ERROR_TICKS[-1])
    return [
        Column(f"splittings / subjet\n{name}", density[0], logarithmic, "viridis", "min"),
        Column("splittings / subjet\nsimulation", density[1], logarithmic, "viridis", "min"),
        Column("ratio\ndata / simulation", _where(measured, ratio), symmetric, "RdBu_r", "both", RATIO_TICKS),
        Column("relative error of the ratio\nstatistical", _where(measured, error / ratio), **errors),
        Column(
            "relative error of the ratio\nsystematic", _where(measured, np.maximum(systematic / ratio, LEAST)), **errors
        ),
    ]


def _subjets(content: Planes) -> FloatArray:
    """Subjets of data above the background in each slice."""
    subjets: FloatArray = np.subtract(content.data.subjets, content.background.subjets)
    return subjets


def _density(values: FloatArray, subjets: FloatArray) -> FloatArray:
    """Splittings per subjet in each bin, NaN where there are none (or none above the background)."""
    positive = (values > 0) & (subjets[:, None, None] > 0)
    density: FloatArray = np.divide(values, subjets[:, None, None], out=np.full(values.shape, np.nan), where=positive)
    return density


def _where(measured: npt.NDArray[np.bool_], values: FloatArray) -> FloatArray:
    known: FloatArray = np.where(measured, values, np.nan)
    return known


def slice_name(pt: FloatArray, row: int) -> str:
    """A slice of subjet p_T in words; the first and the last one hold what lies beyond."""
    low, high = f"{pt[row]:g}", f"{pt[row + 1]:g}"
    if len(pt) == 2:
        return "all subjets"
    if row == 0:
        return rf"subjet $p_T$ < {high} GeV"
    return rf"subjet $p_T$ > {low} GeV" if row == len(pt) - 2 else rf"{low} < subjet $p_T$ < {high} GeV"


def _limits(occupied: npt.NDArray[np.bool_], x: FloatArray, y: FloatArray) -> dict[str, tuple[float, float]]:
    """The ranges of the axes that hold all occupied bins of all slices."""
    return {
        "xlim": ends(np.any(occupied, axis=(0, 2)), x),
        "ylim": ends(np.any(occupied, axis=(0, 1)), y),
    }


def ends(occupied: npt.NDArray[np.bool_], edges: FloatArray) -> tuple[float, float]:
    """The outer edges of the first and the last occupied bin; of all bins where none is."""
    (places,) = np.nonzero(occupied)
    return (edges[places[0]], edges[places[-1] + 1]) if len(places) else (edges[0], edges[-1])
