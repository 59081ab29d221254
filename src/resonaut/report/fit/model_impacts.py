"""Pulls of each model's nuisance parameters, and their impacts on the parameters of interest, ranked."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from resonaut.core.results import read
from resonaut.core.style import COLOURS, Array, above, figure, legend_below
from resonaut.fit.results.histfactory import Interest, ModelResult, Parameter
from resonaut.report.figure import CONFIG, Figure, Input, Output
from resonaut.report.settings import of_data

FIGURE = Figure(
    category="Models",
    reads={
        "fitted": Input("fit", "models", "<results>/fit/models/<model>/result.json of all models."),
        "config": CONFIG,
    },
    writes={
        "impacts": Output(
            "models/{model}_impacts.png", each=("fitted", "{model}/result.json"), labels={"model": "{model}"}
        )
    },
)

# So many nuisances, those with the largest impacts, and so many parameters of interest.
MOST, PANELS = 25, 3


def draw(output: Path, fitted: Sequence[Path], config: Path | None) -> None:
    """Draw each model.

    Raises:
        InputFileError: a file is no fit.
    """
    for path in fitted:
        plot = output / "models" / f"{path.parent.name}_impacts.png"
        impacts(read(path, ModelResult), of_data(config), plot)


def impacts(result: ModelResult, heading: str, plot: Path) -> None:
    """One nuisance a line, that with the largest impact on the first parameter of interest above."""
    interests = [one for one in result.interests if one.impacts][:PANELS]
    known = {one.name: one for one in result.parameters}
    names = [one.name for one in interests[0].impacts[:MOST]] if interests else []
    size = (4.4 + 2.9 * max(1, len(interests)), 1.6 + 0.26 * max(3, len(names)))
    with figure(plot, 1, 1 + max(1, len(interests)), figsize=size, squeeze=False, sharey=True) as (fig, axes):
        pulls, *panels = axes[0]
        if not names:
            words = result.problem or "no impacts"
            pulls.text(0.5, 0.5, words, ha="center", va="center", fontsize=9, transform=pulls.transAxes, wrap=True)
        _pulls(pulls, [known[name] for name in names])
        for ax, interest in zip(panels, interests, strict=False):
            _impacts(ax, interest, names)
        for ax in axes[0]:
            ax.axvline(0, color="k", lw=0.8)
            ax.tick_params(axis="y", which="minor", left=False, right=False)
        pulls.set_yticks(np.arange(len(names)), names, fontsize=8)
        pulls.set_ylim(max(len(names), 1) - 0.4, -0.6)
        above(fig, heading)
        legend_below(fig, 4)


def _pulls(ax: Axes, parameters: Sequence[Parameter]) -> None:
    """Of what has a constraint; of the others the value, which has no unit of its own."""
    ax.axvspan(-1, 1, color="0.9", lw=0, zorder=0)
    for number, one in enumerate(parameters):
        if one.pull is not None and one.constraint is not None:
            ax.errorbar([one.pull], [number], xerr=[one.constraint], fmt="ko", ms=4, lw=1.2, capsize=2)
        elif one.error is not None:
            ax.text(0, number, f" {one.value:.3g} ± {one.error:.2g}", va="center", ha="center", fontsize=8)
    reach = max([2.0, *(abs(one.pull) + (one.constraint or 0) for one in parameters if one.pull is not None)])
    ax.set(xlim=(-1.1 * reach, 1.1 * reach), xlabel="pull (grey: before the fit)")


def _impacts(ax: Axes, interest: Interest, names: Sequence[str]) -> None:
    """Filled: with the error after the fit; hollow: with that before."""
    found = {one.name: one for one in interest.impacts}
    y = np.arange(len(names))
    for side, colour, words in ((0, COLOURS[0], "up"), (1, COLOURS[1], "down")):
        after = _values([found[name].after[side] for name in names])
        before = _values([found[name].before[side] for name in names])
        style: dict[str, Any] = {"edgecolor": colour, "lw": 1}
        ax.barh(y, before, 0.75, color="none", label=f"{words}, error before the fit", **style)
        ax.barh(y, after, 0.75, color=colour, alpha=0.8, label=f"{words}, error after the fit")
    ax.set_xlabel(rf"$\Delta$ {interest.name}")
    error = f" ± {interest.error:.2g}" if interest.error is not None else ""
    ax.set_title(f"{interest.name} = {interest.value:.3g}{error}", fontsize=10)
    reach = float(np.abs(ax.dataLim.intervalx).max()) or 1.0
    ax.set_xlim(-1.1 * reach, 1.1 * reach)


def _values(values: Sequence[float | None]) -> Array:
    return np.array([np.nan if value is None else value for value in values])
