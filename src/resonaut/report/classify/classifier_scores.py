"""The scores of a classifier for events of every class: held-out ones with their errors, and those that trained it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from resonaut.classify.results import Distribution, Summary
from resonaut.core.results import read
from resonaut.core.style import distinct, figure, headline, legend_below
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
            "classifiers/{name}_scores.png",
            each=("summaries", "classify/{name}.json"),
            labels={"classifier": "{name}", "shown": "scores"},
        ),
    },
)


def draw(output: Path, summaries: Sequence[Path], config: Path | None) -> None:
    """Draw a panel for the score of each class; of two classes for one, as the other score is what is missing to 1.

    Raises:
        InputFileError: one of ``summaries`` is no summary of a classifier.
    """
    for path in summaries:
        found = read(path, Summary)
        scores = [one.name for one in found.classes][1 if len(found.classes) == 2 else 0 :]
        width = 4.4 * len(scores)
        with figure(
            output / f"classifiers/{found.name}_scores.png", 1, len(scores), figsize=(width, 4.2), squeeze=False
        ) as (fig, axes):
            for ax, score in zip(axes[0], scores, strict=True):
                panel(ax, np.array(found.edges), [one for one in found.distributions if one.score == score])
                ax.set_xlabel(f"score of {score}")
            axes[0, 0].set_ylabel("events / all events / bin width")
            headline(fig, settings.of_simulation(config))
            legend_below(fig, max(2, 2 * len(scores)))


def panel(ax: Axes, edges: np.ndarray, found: Sequence[Distribution]) -> None:
    """The distributions of a score, each to an area of 1: points for held-out events, steps for those that trained."""
    centres, widths = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    highest = 0.0
    for one, style in zip(found, distinct(len(found)), strict=True):
        scale = 1 / (sum(one.held_out) * widths)
        values, errors, trained = (np.array(part) * scale for part in (one.held_out, one.errors, one.training))
        shown = errors > 0
        points = {"fmt": style["marker"], "color": style["color"], "ms": 3.5, "lw": 1}
        ax.errorbar(centres[shown], values[shown], errors[shown], label=f"{one.name}, held out", **points)
        ax.stairs(trained, edges, color=style["color"], ls=style["ls"], label=f"{one.name}, training")
        highest = max(highest, float(values.max()), float(trained.max()))
    ax.set(xlim=(0, 1), ylim=(0, 1.15 * highest))
