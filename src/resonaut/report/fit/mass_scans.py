"""Limits of models with signals of one mass each, against the mass: on the cross section and on the coupling."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from resonaut.core.results import read
from resonaut.core.style import COLOURS, GREEN, YELLOW, Array, above, band, figure, legend_below, mathematical
from resonaut.fit.results.masses import MassPoint, MassScanResult
from resonaut.fit.results.points import Limits
from resonaut.report.figure import CONFIG, DATA, Figure, Input, Output
from resonaut.report.settings import of_data

FIGURE = Figure(
    category="Results",
    reads={
        "scans": Input("fit", "mass_scans", "<results>/fit/mass_scans/<scan>.json of all scans."),
        "data": DATA,
        "config": CONFIG,
    },
    writes={
        "plots": Output("mass_scans/{scan}.png", each=("scans", "mass_scans/{scan}.json"), labels={"scan": "{scan}"})
    },
)


def draw(output: Path, scans: Sequence[Path], data: Sequence[Path], config: Path | None) -> None:
    """Draw a figure for each scan into the folder ``output``/mass_scans."""
    for path in scans:
        found = read(path, MassScanResult)
        columns = 1 if found.symbol is None else 2
        name = output / "mass_scans" / f"{found.name}.png"
        with figure(name, 1, columns, figsize=(4.8 * columns, 4.6), squeeze=False) as (fig, axes):
            _limits(axes[0][0], found.points, lambda one: one.limits, r"cross section [fb]")
            _fitted(axes[0][0], found.points)
            if found.symbol is not None:
                _limits(axes[0][1], found.points, lambda one: one.coupling, mathematical(found.symbol))
            above(fig, of_data(config, data))
            legend_below(fig, 3)


def _limits(ax: Axes, points: Sequence[MassPoint], of: Callable[[MassPoint], Limits | None], text: str) -> None:
    """Observed and expected limits with bands; a gap where there are none."""
    mass = np.array([one.mass for one in points])
    found = [of(one) for one in points]

    def values(name: str) -> Array:
        return np.array([np.nan if one is None else getattr(one, name) for one in found])

    band(ax, mass, values("expected_minus_2"), values("expected_plus_2"), YELLOW, "expected, 95 %")
    band(ax, mass, values("expected_minus_1"), values("expected_plus_1"), GREEN, "expected, 68 %")
    ax.plot(mass, values("expected"), "k--", lw=1.2, marker="_", label="expected limit (CLs, 95 %)")
    ax.plot(mass, values("observed"), "k-", lw=1.2, marker="o", ms=4, label="observed limit")
    ax.set(xlabel="mass [GeV]", ylabel=text)
    if any(one is not None for one in found):
        ax.set_yscale("log")
    else:
        ax.text(0.5, 0.5, "no limits", ha="center", va="center", transform=ax.transAxes)


def _fitted(ax: Axes, points: Sequence[MassPoint]) -> None:
    """The fitted cross sections that a logarithmic axis shows."""
    known = [(one.mass, one.cross_section, one.error) for one in points if one.cross_section and one.error]
    shown = np.array([one for one in known if one[1] > 0], float).reshape(-1, 3).T
    if shown.size:
        low = np.minimum(shown[2], 0.9 * shown[1])
        marks: dict[str, Any] = {
            "fmt": "s",
            "ms": 4,
            "mfc": "none",
            "lw": 1,
            "color": COLOURS[2],
            "label": "fitted, where above 0",
        }
        ax.errorbar(shown[0], shown[1], (low, shown[2]), **marks)
