"""Distributions of the score in zero bias and signals, and how it depends on the pile-up and the number of jets."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from resonaut.core.results import read
from resonaut.core.style import distinct, figure, headline, legend_below
from resonaut.report.figure import MEASUREMENTS, Figure, Output
from resonaut.report.trigger import HEADING
from resonaut.trigger.results import Measurement

FIGURE = Figure(
    category="Trigger",
    reads={"measurements": MEASUREMENTS},
    writes={
        "scores": Output("trigger/scores.png", labels={"shown": "scores"}, caption="trigger_scores"),
        "dependences": Output(
            "trigger/dependences.png", labels={"shown": "dependence on pile-up and jets"}, caption="trigger_dependences"
        ),
    },
)
CALLED = {"pileup": "collisions in the crossing", "jets": "jets in the crossing"}


def draw(output: Path, measurements: Sequence[Path]) -> None:
    """Draw both, a column of panels for each network.

    Raises:
        InputFileError: one of ``measurements`` is none.
    """
    found = [read(path, Measurement) for path in measurements]
    _scores(output / "trigger/scores.png", found)
    _dependences(output / "trigger/dependences.png", found)


def _scores(path: Path, found: list[Measurement]) -> None:
    size = (5 * len(found), 8.4)
    with figure(path, 2, len(found), figsize=size, squeeze=False, sharey="row") as (fig, axes):
        for column, one in enumerate(found):
            for one_sample, style in zip(one.distributions, distinct(len(one.distributions)), strict=True):
                for ax, counts in zip(axes[:, column], (one_sample.all, one_sample.pure), strict=True):
                    shares = np.array(counts) / one_sample.crossings
                    ax.stairs(shares, one_sample.edges, color=style["color"], label=one_sample.sample)
            axes[0, column].set_title(one.name)
            for ax, what in zip(axes[:, column], ("all", "not kept by the menu"), strict=True):
                ax.set(yscale="log", xlim=(0, None), xlabel="score")
                ax.text(0.97, 0.97, what, transform=ax.transAxes, ha="right", va="top")
        for ax in axes[:, 0]:
            ax.set_ylabel("share of crossings")
        headline(fig, HEADING)
        legend_below(fig, 4)


def _dependences(path: Path, found: list[Measurement]) -> None:
    known = [of for of in CALLED if all(any(d.of == of for d in one.dependences) for one in found)]
    with figure(path, 2, len(known), figsize=(5 * len(known), 7.4), squeeze=False, sharex="col") as (fig, axes):
        for column, of in enumerate(known):
            for one, style in zip(found, distinct(len(found)), strict=True):
                own = next(d for d in one.dependences if d.of == of)
                edges, counts = np.array(own.edges), np.array(own.crossings)
                if len(edges) < 2:
                    continue
                middle = (edges[1:] + edges[:-1]) / 2
                error = np.array(own.spread) / np.sqrt(np.maximum(counts, 1))
                axes[0, column].errorbar(middle, own.mean, error, label=one.name, ms=5, **style)
                share = np.array(own.kept) / np.maximum(counts, 1)
                spread = np.sqrt(own.kept) / np.maximum(counts, 1)
                axes[1, column].errorbar(middle, share * one.total_rate, spread * one.total_rate, ms=5, **style)
            axes[1, column].set_xlabel(CALLED[of])
        if known:
            axes[0, 0].set_ylabel("mean score")
            axes[1, 0].set_ylabel("rate, if all were so [kHz]")
        headline(fig, HEADING)
        legend_below(fig, 4)
