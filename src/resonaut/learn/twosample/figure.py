"""The variables that tell two samples apart, one panel each with the ratio below."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import hist
import numpy as np
from matplotlib.axes import Axes

from resonaut.core.style import COLOURS, Array, headline, legend_below, mathematical, ratio_panels, steps
from resonaut.learn.twosample.results import TwoSample, Variable
from resonaut.learn.twosample.verdict import ordered

NO_LABELS: Mapping[str, str] = {}
IN_A_ROW = 4
# Panels, with that of the classifier's output.
MOST = 8
# A density over more than so many decades is shown on a logarithmic axis.
DECADES = 2.0


def draw(report: TwoSample, called: tuple[str, str], path: Path, labels: Mapping[str, str] = NO_LABELS) -> None:
    """Draw the most separating variables and the output of the classifier.

    Args:
        report: the comparison.
        called: what the legend calls numerator and denominator.
        path: a file of any format that Matplotlib writes.
        labels: what stands at the axes of variables, in place of their names.
    """
    output = [report.classifier.output] if report.classifier else []
    drawn = [*ordered(report)[: MOST - len(output)], *output]
    with ratio_panels(path, len(drawn), IN_A_ROW) as (fig, pairs):
        for one, (upper, lower) in zip(drawn, pairs, strict=True):
            panel(one, called, upper, lower, labels)
        for upper, lower in pairs[::IN_A_ROW]:
            upper.set_ylabel("share / unit")
            lower.set_ylabel("ratio")
        judged = report.classifier
        if judged:
            headline(fig, f"AUC of a fresh classifier: {judged.auc:.3f} ± {judged.auc_error:.3f}")
        legend_below(fig, 2)


def panel(one: Variable, called: tuple[str, str], ax: Axes, ratio: Axes, labels: Mapping[str, str] = NO_LABELS) -> None:
    """The densities of one variable in both samples, with their ratio to the second one."""
    axis = one.denominator.axes[0]
    edges = np.asarray(axis.edges)
    width = np.diff(edges)
    below = np.where(one.denominator.values() > 0, one.denominator.values(), np.nan)
    for found, colour, name in zip(
        (one.denominator, one.numerator), (COLOURS[0], COLOURS[2]), called[::-1], strict=True
    ):
        values, errors = found.values(), np.sqrt(found.variances())
        steps(ax, edges, values / width, errors / width, colour, name)
        steps(ratio, edges, values / below, errors / below, colour, "")
    steep = is_steep([one.numerator, one.denominator])
    low, high = shown(edges)
    divergence = one.divergences["jensen_shannon"].value
    title = rf"JS {divergence:.2g}, $\chi^2$/ndf {one.test.chi2 / max(one.test.ndof, 1):.1f}"
    ax.set_title(title, fontsize=9)
    # A label may have mathematics in it, a column's name has not.
    label = mathematical(labels[one.name]) if one.name in labels else one.name.replace("$", r"\$")
    ax.set(xlim=(low, high), yscale="log" if steep else "linear")
    if not steep:
        ax.set_ylim(0, None)
    ax.tick_params(labelbottom=False)
    ratio.set(xlim=(low, high), ylim=around_one([(one.numerator, one.denominator)]), xlabel=label)


def is_steep(histograms: Sequence[hist.Hist]) -> bool:
    """Whether their densities need a logarithmic axis."""
    densities = np.concatenate([(h.values() / np.diff(h.axes[0].edges))[h.values() > 0] for h in histograms])
    return bool(np.log10(densities.max() / densities.min()) > DECADES)


def shown(edges: Array) -> tuple[float, float]:
    """What is shown: of the outer bins, which reach to the farthest event, no more than half of all others."""
    if len(edges) < 4:
        return float(edges[0]), float(edges[-1])
    half = (edges[-2] - edges[1]) / 2
    return float(max(edges[0], edges[1] - half)), float(min(edges[-1], edges[-2] + half))


def around_one(pairs: Sequence[tuple[hist.Hist, hist.Hist]]) -> tuple[float, float]:
    """Limits of the axis of ratios, each of two histograms, that show most of them."""
    far = [np.abs(p.values()[q.values() > 0] / q.values()[q.values() > 0] - 1) for p, q in pairs]
    reach = float(np.clip(1.3 * np.concatenate(far).max(initial=0), 0.1, 1.0))
    return 1 - reach, 1 + reach
