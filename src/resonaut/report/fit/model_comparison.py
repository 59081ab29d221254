"""-2 Delta ln L of several models against one parameter of interest, with and without nuisance parameters."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from resonaut.core.results import read
from resonaut.core.style import COLOURS, LINES, above, figure
from resonaut.fit.results.histfactory import FitScan, Interest, ModelResult
from resonaut.report.figure import CONFIG, Figure, Input, Output
from resonaut.report.settings import of_data

FIGURE = Figure(
    category="Models",
    reads={
        "fitted": Input(
            "fit", "compared", "<results>/fit/models/<model>/result.json of models that share a parameter."
        ),
        "config": CONFIG,
    },
    writes={"comparison": Output("model_comparison.png")},
)

# What is drawn of -2 Delta ln L, with the levels of 68 and 95 % of one parameter.
TOP, LEVELS = 6.0, {1.0: "68 %", 3.84: "95 %"}


def draw(output: Path, fitted: Sequence[Path], config: Path | None) -> None:
    """Draw each parameter of interest that several models have, all others fitted on the left and fixed on the right.

    Raises:
        InputFileError: a file is no fit.
    """
    found: dict[str, dict[str, Interest]] = {}
    for path in fitted:
        for one in read(path, ModelResult).interests:
            if one.scan is not None:
                found.setdefault(one.name, {})[path.parent.name] = one
    shared = {name: models for name, models in found.items() if len(models) > 1}
    rows = max(1, len(shared))
    with figure(output / "model_comparison.png", rows, 2, figsize=(10.4, 0.9 + 4 * rows), squeeze=False) as (fig, axes):
        if not shared:
            for ax in axes.flat:
                ax.set_axis_off()
            axes.flat[0].text(0.1, 0.5, "no two models have a scan of one parameter", transform=axes.flat[0].transAxes)
        for pair, models in zip(axes, shared.values(), strict=False):
            _draw(pair[0], models, "all parameters fitted", True)
            _draw(pair[1], models, "without nuisance parameters", False)
            for ax in pair:
                ax.set_xlim(*_range(models))
        above(fig, of_data(config))


def _range(models: Mapping[str, Interest]) -> tuple[float, float]:
    """Where the curves are that are drawn, with all parameters fitted."""
    scans = [one.scan for one in models.values() if one.scan is not None]
    inside = [value for scan in scans for value, height in _curve(scan, True) if np.isfinite(height) and height <= TOP]
    return min(inside), max(inside)


def _curve(scan: FitScan, profiled: bool) -> list[tuple[float, float]]:
    heights = scan.profiled if profiled else scan.statistical
    return [(value, np.nan if one is None else one) for value, one in zip(scan.values, heights, strict=True)]


def _draw(ax: Axes, models: Mapping[str, Interest], title: str, profiled: bool) -> None:
    for number, (name, one) in enumerate(models.items()):
        assert one.scan is not None
        error = one.error if profiled else one.statistical_error
        label = f"{name}, ± {error:.3g}" if error is not None else name
        colour, line = COLOURS[number % len(COLOURS)], LINES[number // len(COLOURS) % len(LINES)]
        ax.plot(*zip(*_curve(one.scan, profiled), strict=True), color=colour, ls=line, label=label)
        ax.set(xlabel=one.name, ylabel=r"$-2\,\Delta\ln L$", ylim=(0, TOP))
    for level, words in LEVELS.items():
        ax.axhline(level, color="0.6", lw=0.8, ls=":")
        ax.text(0.99, level, words, transform=ax.get_yaxis_transform(), va="bottom", ha="right", fontsize=8)
    ax.set_title(title, fontsize=10)
    ax.legend(loc="upper center", fontsize=9)
