"""The agreement of a model with the simulation: chi2 over degrees of freedom by observable and incident energy."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm

from resonaut.core.style import figure, headline
from resonaut.emulate.results import Evaluation
from resonaut.report.emulate.evaluations import HEADING, called, energy, opened
from resonaut.report.figure import EVALUATIONS, Figure, Output

FIGURE = Figure(
    category="Showers",
    subcategory="Agreement",
    reads={"evaluations": EVALUATIONS},
    writes={
        "plots": Output(
            "showers/{name}_agreement.png",
            each=("evaluations", "{name}/evaluation.json"),
            labels={"model": "{name}", "shown": "chi2 / ndf"},
        )
    },
)

# The colours' range, and up to how many observables the cells hold numbers.
RANGE, MOST = (0.5, 100.0), 60


def draw(output: Path, evaluations: Sequence[Path]) -> None:
    """Draw a map of each model, and of the floor.

    Raises:
        InputFileError: a file is no evaluation, or one of other simulated showers than the first.
    """
    for one in opened(evaluations):
        rows, columns = len(one.observables), len(one.responses)
        size = (4.2 + 0.62 * columns, 1.6 + min(0.23 * rows, 20))
        with figure(output / f"showers/{one.name}_agreement.png", figsize=size) as (fig, ax):
            _map(ax, one)
            headline(fig, HEADING)


def _map(ax: Axes, one: Evaluation) -> None:
    values = np.array(
        [[test.chi2 / test.ndof if test.ndof else np.nan for test in own.tests] for own in one.observables]
    )
    drawn = ax.imshow(np.clip(values, *RANGE), aspect="auto", cmap="RdYlGn_r", norm=LogNorm(*RANGE))
    if len(values) <= MOST:
        for (row, column), value in np.ndenumerate(values):
            if np.isfinite(value):
                ax.text(
                    column,
                    row,
                    f"{value:.1f}" if value < 99.95 else f"{value:.0f}",
                    ha="center",
                    va="center",
                    fontsize=7,
                )
    ax.set_xticks(
        range(values.shape[1]), [energy(response.energy) for response in one.responses], rotation=60, fontsize=8
    )
    if len(values) <= MOST:
        ax.set_yticks(range(len(values)), [called(own.name) for own in one.observables], fontsize=8)
    else:
        ax.set_ylabel("observables")
    ax.tick_params(which="both", length=0)
    ax.minorticks_off()
    ax.set_title(f"{one.name}: {one.showers:,} showers of each sample", fontsize=10)
    ax.figure.colorbar(drawn, ax=ax, label=r"$\chi^2$ / degrees of freedom", pad=0.02)
