"""Which inputs matter to the taggers: the loss of AUC when they come from other jets."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from resonaut.core.results import read
from resonaut.core.style import distinct, figure, headline, legend_below
from resonaut.report import settings
from resonaut.report.figure import CONFIG, OWN_TAGGERS, Figure, Output
from resonaut.tag.results import Lost, Network

FIGURE = Figure(
    category="Taggers",
    reads={"summaries": OWN_TAGGERS, "config": CONFIG},
    writes={"plot": Output("tagger_inputs.png", labels={"shown": "which inputs matter"})},
)


def draw(output: Path, summaries: Sequence[Path], config: Path | None) -> None:
    """Draw one panel for each kind of jet, with a row for each group of inputs and a point for each network.

    Raises:
        InputFileError: a file is no summary of the stage ``tag``.
    """
    networks = {path.stem: read(path, Network).importance for path in summaries}
    kinds = list(dict.fromkeys(kind for found in networks.values() for kind in found))
    groups = list(dict.fromkeys(group for found in networks.values() for one in found.values() for group in one))
    size = (1.6 + 3.2 * len(kinds), 1.6 + len(groups) * (0.5 + 0.12 * len(networks)))
    with figure(output / "tagger_inputs.png", 1, len(kinds), figsize=size, squeeze=False, sharey=True) as (
        fig,
        axes,
    ):
        for ax, kind in zip(axes[0], kinds, strict=True):
            _losses(ax, networks, kind, groups)
            ax.set(xlabel="loss of AUC", title=f"{kind} jets")
        headline(fig, settings.of_simulation(config))
        legend_below(fig, 4)


def _losses(ax: Axes, networks: dict[str, dict[str, dict[str, Lost]]], kind: str, groups: Sequence[str]) -> None:
    ax.axvline(0, color="0.6", lw=1)
    rows = np.arange(len(groups))
    for i, (style, (name, found)) in enumerate(zip(distinct(len(networks)), networks.items(), strict=True)):
        if kind in found:
            place = rows + 0.7 * ((i + 0.5) / len(networks) - 0.5)
            lost = [found[kind][group] for group in groups]
            marks = {"fmt": style["marker"], "color": style["color"], "ms": 4, "label": name}
            ax.errorbar([one.value for one in lost], place, xerr=[one.error for one in lost], **marks)
    ax.set_yticks(rows, groups)
    ax.set_ylim(len(groups) - 0.5, -0.5)
    ax.tick_params(axis="y", which="minor", left=False, right=False)
