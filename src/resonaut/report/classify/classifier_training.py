"""How well a classifier tells its classes apart, what it goes by, and how its training went."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from resonaut.classify.results import Importance, Losses, Summary
from resonaut.core.results import read
from resonaut.core.style import COLOURS, distinct, figure, headline
from resonaut.report import settings
from resonaut.report.figure import CONFIG, Figure, Input, Output

FIGURE = Figure(
    category="Classifiers",
    reads={
        "summaries": Input("classify", "summaries", "<results>/classify/<name>.json of every classifier."),
        "config": CONFIG,
    },
    writes={
        "plots": Output(
            "classifiers/{name}_training.png",
            each=("summaries", "classify/{name}.json"),
            labels={"classifier": "{name}", "shown": "ROC curves, importances, losses"},
        ),
    },
)

# Inputs that are shown, the most important first.
SHOWN = 15


def draw(output: Path, summaries: Sequence[Path], config: Path | None) -> None:
    """Draw ROC curves, importances of the inputs, and losses.

    Raises:
        InputFileError: one of ``summaries`` is no summary of a classifier.
    """
    for path in summaries:
        found = read(path, Summary)
        with figure(output / f"classifiers/{found.name}_training.png", 1, 3, figsize=(14.5, 4.4)) as (fig, axes):
            curves(axes[0], found)
            importances(axes[1], found.importance)
            losses(axes[2], found.losses, "trees" if found.learner == "trees" else "epochs")
            headline(fig, settings.of_simulation(config))


def curves(ax: Axes, found: Summary) -> None:
    """The ROC curve of each pair of classes, and of a classifier that knows nothing."""
    for one, style in zip(found.areas, distinct(len(found.areas)), strict=True):
        name = f"{one.first} and {one.second}: {one.auc:.3f} ± {one.error:.3f}"
        ax.plot(one.other, one.efficiency, color=style["color"], ls=style["ls"], label=name)
    ax.plot([0, 1], [0, 1], color="0.7", lw=0.8)
    ax.set(xlabel="efficiency of the second class", ylabel="efficiency of the first class", xlim=(0, 1), ylim=(0, 1))
    ax.legend(title="area of", fontsize=9, loc="lower right")


def importances(ax: Axes, found: Sequence[Importance]) -> None:
    """How much worse the loss is without an input, the most important one above."""
    ordered = sorted(found, key=lambda one: one.increase)[-SHOWN:]
    place = np.arange(len(ordered))
    values, errors = ([getattr(one, name) for one in ordered] for name in ("increase", "error"))
    ax.barh(place, values, xerr=errors, color=COLOURS[0], ecolor="0.3")
    ax.set_yticks(place, [one.name for one in ordered], fontsize=9)
    ax.tick_params(axis="y", which="both", left=False, right=False)
    ax.set_xlabel("increase of the cross entropy if shuffled")
    ax.axvline(0, color="0.3", lw=0.8)


def losses(ax: Axes, found: Sequence[Losses], steps: str) -> None:
    """The loss of each fold; a circle where its model is from."""
    for number, one in enumerate(found):
        for values, colour, name in (
            (one.training, COLOURS[0], "training"),
            (one.validation, COLOURS[1], "validation"),
        ):
            place = np.arange(len(values)) + (steps == "epochs")
            ax.plot(place, values, color=colour, lw=1, label=name if number == 0 else None)
        best = one.best + (steps == "epochs")
        ax.plot(best, one.validation[one.best], "o", ms=5, mfc="none", color=COLOURS[1])
    ax.set(xlabel=steps, ylabel="cross entropy")
    ax.legend(title="each fold", fontsize=9)
