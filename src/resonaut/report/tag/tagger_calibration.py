"""Whether the scores of a tagger are probabilities: reliability diagrams of its classes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from resonaut.core.results import read
from resonaut.core.style import COLOURS, figure, headline
from resonaut.report import settings
from resonaut.report.figure import CONFIG, TAGGERS, Figure, Output
from resonaut.tag.results import Network, Reliability

FIGURE = Figure(
    category="Taggers",
    reads={"summaries": TAGGERS, "config": CONFIG},
    writes={
        "plots": Output(
            "taggers/{network}_calibration.png",
            each=("summaries", "{network}.json"),
            labels={"shown": "calibration of {network}"},
        )
    },
)


def draw(output: Path, summaries: Sequence[Path], config: Path | None) -> None:
    """Draw a figure for each network, with a pair of panels for each class.

    Raises:
        InputFileError: a file is no summary of the stage ``tag``.
    """
    (output / "taggers").mkdir(parents=True, exist_ok=True)
    for path in summaries:
        network = read(path, Network)
        found = {name: network.calibration[name] for name in network.classes}
        keywords = {"squeeze": False, "height_ratios": (3, 1.2), "sharex": "col", "figsize": (3.6 * len(found), 5.2)}
        with figure(output / f"taggers/{path.stem}_calibration.png", 2, len(found), **keywords) as (fig, axes):
            for (name, one), upper, lower in zip(found.items(), *axes, strict=True):
                _diagram(upper, lower, name, one)
            axes[0][0].set_ylabel("share of the class")
            axes[1][0].set_ylabel("share - score")
            headline(fig, f"{path.stem}, {settings.of_simulation(config)}")


def _diagram(upper: Axes, lower: Axes, name: str, found: Reliability) -> None:
    """The shares of a class in bins of its score; below what is beyond the score."""
    predicted, error = np.array(found.predicted), np.array(found.error)
    observed = np.array(found.observed)
    upper.plot([0, 1], [0, 1], color="0.6", lw=1, label="calibrated")
    upper.errorbar(predicted, observed, error, fmt="o", ms=4, color=COLOURS[0], label=f"{name} jets")
    upper.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
    upper.legend(fontsize=9, loc="upper left")
    text = f"ECE {100 * found.calibration_error:.1f} %\nif calibrated {100 * found.if_calibrated:.1f} %\np = "
    shown = f"{found.p_value:.2g}" if found.p_value > 0.01 else f"{found.p_value:.1g}"
    upper.text(0.96, 0.05, text + shown, ha="right", va="bottom", fontsize=9, transform=upper.transAxes)
    lower.axhline(0, color="0.6", lw=1)
    lower.errorbar(predicted, observed - predicted, error, fmt="o", ms=4, color=COLOURS[0])
    reach = 1.25 * float(np.max(np.abs(observed - predicted) + error, initial=0.01))
    lower.set(xlabel=f"score of {name}", ylim=(-reach, reach))
