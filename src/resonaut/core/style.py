"""How the figures look: one size, one palette for every figure, saved whole or not at all."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from cycler import cycler
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.mathtext import MathTextParser
from matplotlib.ticker import MaxNLocator

from resonaut.core.files import atomic

Array = npt.NDArray[np.float64]

# M. Petroff, arXiv:2107.02270: distinguishable with colour-vision deficiencies.
COLOURS = ("#5790fc", "#f89c20", "#e42536", "#964a8b", "#9c9ca1", "#7a21dd")
MORE_COLOURS = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)
# When the colours are used up, they come again with other lines and markers.
LINES, MARKERS = ("-", "--", ":"), ("o", "s", "^")
# More selections than these continue in a further row.
PANELS_IN_A_ROW = 4
# More bands than these cannot be told apart.
MOST_BANDS = 4
GREEN, YELLOW = "#85d1a5", "#ffdf7f"

STYLE: dict[Any, Any] = {
    "figure.dpi": 110,
    "font.size": 11,
    "axes.prop_cycle": cycler(color=COLOURS),
    "axes.spines.top": True,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "xtick.minor.visible": True,
    "ytick.minor.visible": True,
    "legend.frameon": False,
    # 0.1, 1 and 10 in figures, beyond them powers of ten.
    "axes.formatter.min_exponent": 2,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "svg.hashsalt": "resonaut",
}


def mathematical(name: str) -> str:
    """The ``name`` of an observable for a figure: ``m_jj``, ROOT's ``m_{#mu#mu}``, or LaTeX between dollar signs.

    A word with several underscores, such as ``j1_pf_pt``, is a column's name and stays as it is.
    """
    shown = name.replace("#", "\\")
    if "$" not in shown:
        shown = re.sub(r"\S*[\\_^]\S*", lambda word: _formula(word[0]), shown)
    try:
        MathTextParser("path").parse(shown)
    except ValueError:
        # Whatever a file calls it; as it stands there.
        return name.replace("$", r"\$")
    return shown


def _formula(word: str) -> str:
    """A word with an index between dollar signs."""
    if re.fullmatch(r"\w*_\w*_\w*", word):
        return word
    indexed = re.sub(r"_(\w+)", r"_{\1}", word)
    return f"${indexed}$"


@contextmanager
def figure(path: Path, rows: int = 1, columns: int = 1, **keywords: Any) -> Iterator[tuple[Figure, Any]]:
    """Give a figure and its axes, and save it as ``path`` when the block ends without error."""
    mpl.use("Agg")
    with mpl.rc_context(STYLE):
        fig, axes = plt.subplots(rows, columns, layout="constrained", **keywords)
        try:
            yield fig, axes
            with atomic(path) as partial:
                # Neither date nor version: the same result gives the same bytes.
                fig.savefig(partial, metadata={"Software": None})
        finally:
            plt.close(fig)


@contextmanager
def ratio_panels(path: Path, number: int, in_a_row: int) -> Iterator[tuple[Figure, Any]]:
    """Give a figure and ``number`` pairs of panels, shape (number, 2): a quantity, and below it a ratio."""
    columns = max(1, min(in_a_row, number))
    rows = max(1, -(-number // columns))
    keywords: dict[str, Any] = {"squeeze": False, "height_ratios": (3, 1.2) * rows}
    with figure(path, 2 * rows, columns, figsize=(4 * columns, 1 + 4.2 * rows), **keywords) as (fig, axes):
        pairs = axes.reshape(rows, 2, columns).swapaxes(1, 2).reshape(-1, 2)
        for ax in pairs[number:].ravel():
            ax.set_axis_off()
        yield fig, pairs[:number]
        fig.align_ylabels()


def steps(ax: Axes, edges: Array, values: Array, errors: Array, colour: str, name: str) -> None:
    """Bins as a line, their statistical errors as a band; nothing where there is no value."""
    ax.stairs(values, edges, color=colour, label=name, baseline=None)
    ax.stairs(values + errors, edges, baseline=values - errors, color=colour, alpha=0.25, lw=0, fill=True)


def distinct(number: int) -> list[dict[str, Any]]:
    """Colour, line and marker of each of ``number`` things in one figure."""
    palette = COLOURS if number <= len(COLOURS) else MORE_COLOURS
    return [
        {
            "color": palette[i % len(palette)],
            "ls": LINES[i // len(palette) % len(LINES)],
            "marker": MARKERS[i // len(palette) % len(MARKERS)],
        }
        for i in range(number)
    ]


def spread(
    ax: Axes, x: Array, bands: Sequence[Array], name: str, style: dict[str, Any], place: tuple[int, int]
) -> None:
    """Middle, low and high values of one of several things: a band, or where there are many bars beside each other.

    ``place`` is the thing's number and how many there are.
    """
    middle, low, high = bands
    line: dict[str, Any] = {"ms": 4, "lw": 1.3, "label": name, **style}
    number, total = place
    if total <= MOST_BANDS:
        ax.fill_between(x, low, high, color=style["color"], alpha=0.2, lw=0)
        ax.plot(x, middle, **line)
        return
    spacing = float(np.diff(x).min()) if len(x) > 1 else 0.0
    shift = 0.4 * spacing * ((number + 0.5) / total - 0.5)
    ax.errorbar(x + shift, middle, (middle - low, high - middle), **line)


def alone(values: Array) -> npt.NDArray[np.bool_]:
    """Which values of a curve have no known neighbour, so that no line shows them."""
    known = np.isfinite(np.concatenate(([np.nan], values, [np.nan])))
    lonely: npt.NDArray[np.bool_] = known[1:-1] & ~known[:-2] & ~known[2:]
    return lonely


def band(ax: Axes, x: Array, low: Array, high: Array, colour: str, name: str) -> None:
    """A band that stops where its ends are NaN; a bar where a point between such has no neighbours."""
    ax.fill_between(x, low, high, color=colour, lw=0, label=name)
    bars = alone(low)
    ax.vlines(x[bars], low[bars], high[bars], color=colour, lw=6, zorder=1)


def mark_doubtful(ax: Axes, x: Sequence[float], y: Sequence[float]) -> None:
    """Crosses on points whose numbers are in doubt; nothing, and no name in the legend, where there are none."""
    if len(x):
        style: dict[str, Any] = {"color": "k", "ms": 9, "mew": 1.6, "zorder": 4}
        ax.plot(x, y, "x", label="numbers in doubt", **style)


def mark_found(ax: Axes, x: Sequence[float], y: Sequence[float]) -> None:
    """Rings around resonances that float in the background of the other masses; nothing where there are none."""
    if len(x):
        style: dict[str, Any] = {"color": "k", "mfc": "none", "ms": 11, "zorder": 4}
        ax.plot(x, y, "o", label="found: floats in the background\nof the other masses", **style)


def signal_region(panel: Axes, low: float, high: float) -> None:
    """Shade the signal region between its dashed ends, which the legend shows, too."""
    style: dict[str, Any] = {"facecolor": "0.9", "edgecolor": "0.45", "ls": "--", "lw": 0.9, "zorder": 0}
    panel.axvspan(low, high, label="signal region", **style)


def corner(ax: Axes, text: str) -> None:
    """Say above the axes, on the right, what data the figure shows."""
    ax.set_title(text, loc="right", fontsize=10)


def headline(fig: Figure, text: str) -> None:
    """The same above the titles of several panels, beside which is no room."""
    fig.suptitle(text, fontsize=10, x=0.99, ha="right")


def above(fig: Figure, text: str) -> None:
    """The same, and fewer numbers below each panel."""
    headline(fig, text)
    for ax in fig.axes:
        if ax.get_xscale() == "linear":
            ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))


def legend_below(fig: Figure, columns: int) -> None:
    """One legend below all panels that names everything in any of them once, in fewer ``columns`` if it is too wide."""
    named: dict[str, Any] = {}
    for ax in fig.axes:
        named |= {name: handle for handle, name in zip(*ax.get_legend_handles_labels(), strict=True)}
    for fewer in range(columns, 0, -1):
        legend = fig.legend(named.values(), named.keys(), loc="outside lower center", ncols=fewer, fontsize=9)
        if fewer == 1 or legend.get_window_extent().width <= fig.bbox.width:
            break
        legend.remove()
