"""Whether a learned ratio is right: calibration of classifiers, and learned against true weights."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from resonaut.core.style import COLOURS, figure, headline
from resonaut.learn.ratio.weights import Calibrated
from resonaut.learn.twosample.results import TwoSample
from resonaut.report import settings
from resonaut.report.figure import CONFIG, RATIOS, Figure, Output
from resonaut.report.reweight.closures import Compared, called, opened
from resonaut.reweight.results import Truth

FIGURE = Figure(
    category="Reweighting",
    subcategory="Ratios",
    reads={"closures": RATIOS, "config": CONFIG},
    writes={
        "plots": Output(
            "ratios/{name}/checks.png",
            each=("closures", "{name}/closure.json"),
            labels={"ratio": "{name}", "shown": "calibration and true weights"},
        )
    },
)

IN_A_ROW = 4
# What a closure should be within.
GOAL = 1.0
PARTS = 10


def draw(output: Path, closures: Sequence[Path], config: Path | None) -> None:
    """Draw a figure for each ratio.

    Raises:
        InputFileError: one of ``closures`` is no ``closure.json`` of a ratio, or there is no sample to compare with.
    """
    for one in map(opened, closures):
        (output / "ratios" / one.name).mkdir(parents=True, exist_ok=True)
        number = 2 + len(one.content.truth)
        columns = min(IN_A_ROW, number)
        rows = -(-number // columns)
        size, path = (4 * columns, 0.8 + 3.4 * rows), output / f"ratios/{one.name}/checks.png"
        with figure(path, rows, columns, figsize=size, squeeze=False) as (fig, axes):
            for ax in axes.flat[number:]:
                ax.set_axis_off()
            fresh(axes.flat[0], one)
            own(axes.flat[1], one.content.calibration)
            for truth, ax in zip(one.content.truth, axes.flat[2:], strict=False):
                parts(ax, truth)
            headline(fig, settings.of_simulation(config))


def own(ax: Axes, found: Calibrated | None) -> None:
    """The same of the ratio's own classifiers, of which the weights are made."""
    ax.plot([0, 1], [0, 1], color="0.6", lw=1)
    if found is None:
        return
    ax.errorbar(found.predicted, found.observed, found.error, fmt="o", ms=4, color=COLOURS[0])
    _around_half(ax, [*found.predicted, *found.observed])
    ax.set_title(f"slope of its logit: {found.slope:.3f} ± {found.slope_error:.3f}", fontsize=9)
    ax.set(xlabel="output of the ratio's classifier", ylabel="share of the target")


def _around_half(ax: Axes, ends: Sequence[float]) -> None:
    reach = 1.15 * max(abs(end - 0.5) for end in ends)
    ax.set(xlim=(0.5 - reach, 0.5 + reach), ylim=(0.5 - reach, 0.5 + reach))


def fresh(ax: Axes, one: Compared) -> None:
    """The share of the target among events of an output of the fresh classifier, without and with the weights."""
    ax.plot([0, 1], [0, 1], color="0.6", lw=1)
    ends = []
    for when, sample, colour in (("before", one.before, COLOURS[1]), ("after", one.after, COLOURS[0])):
        ends += _points(ax, sample, colour, f"{when} the weights")
    if ends:
        _around_half(ax, ends)
        ax.legend(fontsize=8, loc="upper left")
    else:
        ax.text(0.5, 0.3, "too few events\nto train a classifier", ha="center", transform=ax.transAxes)
    ax.set(xlabel="output of a fresh classifier", ylabel="share of the target")


def _points(ax: Axes, sample: TwoSample, colour: str, label: str) -> list[float]:
    """Draw a calibration curve; what the axes must hold, nothing without a classifier."""
    if sample.classifier is None:
        return []
    found = sample.classifier.calibration
    chi2 = rf"{label}: $\chi^2$/ndf {found.test.chi2 / max(found.test.ndof, 1):.1f}"
    ax.errorbar(found.predicted, found.observed, found.error, fmt="o", ms=4, color=colour, label=chi2)
    reached = [
        value + sign * error for value, error in zip(found.observed, found.error, strict=True) for sign in (-1, 1)
    ]
    return [*found.predicted, *reached]


def parts(ax: Axes, truth: Truth) -> None:
    """The sum of the learned weights over that of the true ones, in parts of equal numbers of events."""
    place = np.arange(len(truth.closure)) + 1
    closure, error = 100 * np.array(truth.closure), 100 * np.array(truth.error)
    ax.axhspan(-GOAL, GOAL, color="0.92", zorder=0)
    ax.axhline(0, color="0.6", lw=1)
    ax.errorbar(place, closure, error, fmt="o", ms=4, color=COLOURS[0])
    reach = 1.2 * max(GOAL, float((np.abs(closure) + error).max()))
    # A value that many events share is in one part.
    what = "tenth" if len(place) == PARTS else "part"
    by = "learned weight" if truth.variable == "weight" else called(truth.variable).partition(" [")[0]
    ax.set(
        xlim=(0.3, len(place) + 0.7), ylim=(-reach, reach), xlabel=f"{what} by {by}", ylabel="learned / true - 1 [%]"
    )
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.tick_params(axis="x", which="minor", bottom=False, top=False)
    largest = int(np.argmax(np.abs(closure)))
    ax.set_title(f"largest: {closure[largest]:+.2f} ± {error[largest]:.2f} %", fontsize=9)
