"""The large correlations between the parameters of each model."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from resonaut.core.results import read
from resonaut.core.style import Array, figure, headline
from resonaut.fit.results.histfactory import ModelResult
from resonaut.report.figure import CONFIG, Figure, Input, Output
from resonaut.report.settings import of_data

FIGURE = Figure(
    category="Models",
    reads={
        "fitted": Input("fit", "models", "<results>/fit/models/<model>/result.json of all models."),
        "config": CONFIG,
    },
    writes={
        "correlations": Output(
            "models/{model}_correlations.png", each=("fitted", "{model}/result.json"), labels={"model": "{model}"}
        )
    },
)

# Parameters with a correlation of this size with another are shown, those with the largest ones if there are more.
LARGE, MOST = 0.2, 24


def draw(output: Path, fitted: Sequence[Path], config: Path | None) -> None:
    """Draw each model.

    Raises:
        InputFileError: a file is no fit.
    """
    for path in fitted:
        plot = output / "models" / f"{path.parent.name}_correlations.png"
        correlations(read(path, ModelResult), of_data(config), plot)


def correlations(result: ModelResult, heading: str, plot: Path) -> None:
    """The matrix of the parameters that are correlated, and of those of interest."""
    names, matrix = (
        result.correlations.names,
        np.array(result.correlations.matrix).reshape(-1, len(result.correlations.names)),
    )
    shown = chosen(names, matrix, [one.name for one in result.interests])
    size = 2.6 + 0.36 * max(4, len(shown))
    with figure(plot, figsize=(size + 0.6, size)) as (fig, ax):
        if not shown:
            ax.text(0.5, 0.5, result.problem or "no correlations", ha="center", va="center", transform=ax.transAxes)
            ax.set_axis_off()
        else:
            part = matrix[np.ix_(shown, shown)]
            image = ax.imshow(part, vmin=-1, vmax=1, cmap="RdBu_r")
            for (row, column), value in np.ndenumerate(part):
                colour = "w" if abs(value) > 0.6 else "k"
                ax.text(column, row, f"{round(100 * value):d}", ha="center", va="center", fontsize=7, color=colour)
            labels = [names[number] for number in shown]
            ax.set_xticks(range(len(shown)), labels, rotation=90, fontsize=8)
            ax.set_yticks(range(len(shown)), labels, fontsize=8)
            ax.tick_params(which="both", length=0)
            ax.minorticks_off()
            fig.colorbar(image, ax=ax, shrink=0.8, label="correlation")
        headline(fig, heading)


def chosen(names: Sequence[str], matrix: Array, interests: Sequence[str]) -> list[int]:
    """The places of the parameters that are shown, those of interest first."""
    if not len(names):
        return []
    off = np.abs(matrix - np.diag(np.diag(matrix)))
    first = [names.index(name) for name in interests if name in names]
    rest = [int(number) for number in np.argsort(-off.max(axis=1), kind="stable") if number not in first]
    large = [number for number in rest if off[number].max() >= LARGE]
    return [*first, *sorted(large[: max(0, MOST - len(first))])]
