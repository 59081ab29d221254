"""Variables of the two samples of a learned ratio, before and after the weights."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes

from resonaut.core.style import COLOURS, headline, legend_below, ratio_panels
from resonaut.learn.twosample.figure import around_one, is_steep, shown
from resonaut.learn.twosample.results import Variable
from resonaut.report import settings
from resonaut.report.figure import CONFIG, RATIOS, Figure, Output
from resonaut.report.reweight.closures import Compared, area, called, opened
from resonaut.report.reweight.panels import Shown, densities

FIGURE = Figure(
    category="Reweighting",
    subcategory="Ratios",
    reads={"closures": RATIOS, "config": CONFIG},
    writes={
        "plots": Output(
            "ratios/{name}/closure.png",
            each=("closures", "{name}/closure.json"),
            labels={"ratio": "{name}", "shown": "variables before and after"},
        )
    },
)

IN_A_ROW = 4


def draw(output: Path, closures: Sequence[Path], config: Path | None) -> None:
    """Draw a figure for each ratio.

    Raises:
        InputFileError: one of ``closures`` is no ``closure.json`` of a ratio, or there is no sample to compare with.
    """
    for one in map(opened, closures):
        pairs = list(zip(one.before.variables, one.after.variables, strict=True))
        (output / "ratios" / one.name).mkdir(parents=True, exist_ok=True)
        with ratio_panels(output / f"ratios/{one.name}/closure.png", len(pairs), IN_A_ROW) as (fig, panels):
            for found, (upper, lower) in zip(pairs, panels, strict=True):
                variable(*found, upper, lower)
            for upper, lower in panels[::IN_A_ROW]:
                upper.set_ylabel("share / unit")
                lower.set_ylabel("ratio to target")
            headline(fig, f"{settings.of_simulation(config)}\n{_said(one)}")
            legend_below(fig, 3)


def variable(before: Variable, after: Variable, ax: Axes, ratio: Axes) -> None:
    """A variable in the target, and in the weighted events before and after.

    The bins are quantiles of both samples together, so that they differ a little before and after.
    """
    samples = [
        Shown(f"{when} the weights", colour, one.denominator, one.numerator)
        for when, one, colour in (("before", before, COLOURS[1]), ("after", after, COLOURS[0]))
    ]
    densities("target", after.numerator, samples, shown(after.numerator.axes[0].edges), ax, ratio)
    steep = is_steep([after.numerator, before.denominator, after.denominator])
    ax.set_yscale("log" if steep else "linear")
    if not steep:
        ax.set_ylim(0, None)
    chi2 = [one.test.chi2 / max(one.test.ndof, 1) for one in (before, after)]
    seen = "" if after.input else ", no input"
    ax.set_title(rf"$\chi^2$/ndf: {chi2[0]:.1f} before, {chi2[1]:.1f} after{seen}", fontsize=9)
    limits = around_one([(one.denominator, one.numerator) for one in (before, after)])
    ratio.set(ylim=limits, xlabel=called(after.name))


def _said(one: Compared) -> str:
    """What the fresh classifier finds, how unequal the weights are, and what was clipped."""
    content, clipped = one.content, one.content.clipping
    exact = f" (true weights: {100 * content.exact.effective:.1f} %)" if content.exact else ""
    return (
        f"AUC of a fresh classifier: {area(one.before)} before, {area(one.after)} after\n"
        f"effective sample size {100 * content.learned.effective:.1f} %{exact}, "
        f"{clipped.below + clipped.above} of {clipped.events:,} ratios clipped"
    )
