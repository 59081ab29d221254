"""Rejection against how much the spectrum of the soft-drop mass is sculpted."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from resonaut.core.results import read
from resonaut.core.style import distinct, figure, headline, legend_below
from resonaut.report import settings
from resonaut.report.figure import CONFIG, TAGGERS, Figure, Output
from resonaut.tag.results import Network, Sculpting

FIGURE = Figure(
    category="Taggers",
    reads={"summaries": TAGGERS, "config": CONFIG},
    writes={"plot": Output("tagger_decorrelation.png", labels={"shown": "sculpting of the mass"})},
)

# R50 and 1/JSD of W jets without a constraint, and with MoDe[0] (arXiv:2010.09745).
PUBLISHED = {
    "W jets, unconstrained (arXiv:2010.09745)": (27.2, 3.8, 3.8),
    "W jets, MoDe[0] (arXiv:2010.09745)": (7.9, 656.0, 1077.0),
}


def draw(output: Path, summaries: Sequence[Path], config: Path | None) -> None:
    """Draw R50 against 1/JSD of every network, one panel for each kind of jet.

    Raises:
        InputFileError: a file is no summary of the stage ``tag``.
    """
    networks = {path.stem: read(path, Network).sculpting for path in summaries}
    kinds = list(dict.fromkeys(kind for found in networks.values() for kind in found))
    size = (4.4 * len(kinds) + 0.4, 5)
    with figure(output / "tagger_decorrelation.png", 1, len(kinds), figsize=size, squeeze=False, sharey=True) as (
        fig,
        axes,
    ):
        for ax, kind in zip(axes[0], kinds, strict=True):
            for style, (name, found) in zip(distinct(len(networks)), networks.items(), strict=True):
                if kind in found:
                    _point(ax, name, found[kind], style)
            for name, (rejection, low, high) in PUBLISHED.items():
                marks = {"marker": "*", "ls": "none"} if low == high else {"marker": "|", "ls": "-"}
                ax.plot([low, high], [rejection] * 2, color="k", mfc="none", ms=10, lw=1, label=name, **marks)
            ax.plot([], [], ":|", color="0.4", ms=12, label="limit: independent of the mass")
            ax.set(xscale="log", yscale="log", xlabel="1 / JSD of the soft-drop mass", title=f"{kind} jets")
        axes[0][0].set_ylabel("1 / background efficiency at 50 % signal efficiency")
        headline(fig, settings.of_simulation(config))
        legend_below(fig, 3)


def _point(ax: Axes, name: str, found: Sculpting, style: dict[str, Any]) -> None:
    """A network, and a line to what its score would have if it knew nothing of the mass."""
    x, y = found.inverse_jsd, found.rejection
    if x is None or y is None:
        return
    marks = {"fmt": style["marker"], "color": style["color"], "ms": 5, "label": name}
    ax.errorbar(x, y, found.rejection_error, found.inverse_jsd_error, **marks)
    if (end := found.inverse_jsd_independent) is not None:
        ax.plot([x, end], [y, y], ":", color=style["color"], lw=1)
        ax.plot(end, y, "|", color=style["color"], ms=12, mew=1.5)
