"""Rates of zero bias above thresholds of the score, and efficiencies of signals at given rates."""

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
        "rates": Output("trigger/rates.png", labels={"shown": "rates"}, caption="trigger_rates"),
        "efficiencies": Output(
            "trigger/efficiencies.png", labels={"shown": "efficiencies"}, caption="trigger_efficiencies"
        ),
    },
)


def draw(output: Path, measurements: Sequence[Path]) -> None:
    """Draw both, a panel for each network.

    Raises:
        InputFileError: one of ``measurements`` is none.
    """
    found = [read(path, Measurement) for path in measurements]
    _rates(output / "trigger/rates.png", found)
    _efficiencies(output / "trigger/efficiencies.png", found)


def _rates(path: Path, found: list[Measurement]) -> None:
    with figure(path, 1, len(found), figsize=(5 * len(found), 4.6), squeeze=False, sharey=True) as (fig, axes):
        for ax, one in zip(axes[0], found, strict=True):
            at = np.array(one.curve.thresholds)
            drawn = ("all", one.curve.rates, one.curve.errors), ("pure", one.curve.pure_rates, one.curve.pure_errors)
            for (name, rates, errors), style in zip(drawn, distinct(2), strict=True):
                # Without a menu all that is kept is pure.
                if name == "all" or one.menu is not None:
                    rate, error = np.array(rates), np.array(errors)
                    ax.plot(at, rate, color=style["color"], ls=style["ls"], label=f"{name} crossings kept")
                    # The error of one crossing would end at 0, which a logarithmic axis does not have.
                    low = np.maximum(rate - error, rate / 10)
                    ax.fill_between(at, low, rate + error, color=style["color"], alpha=0.25, lw=0)
            for point in one.points:
                ax.axhline(point.target, color="grey", lw=0.8, ls=":")
            ax.set(yscale="log", xlabel="threshold of the score", title=one.name)
        axes[0, 0].set_ylabel("rate [kHz]")
        headline(fig, HEADING)
        legend_below(fig, 4)


def _efficiencies(path: Path, found: list[Measurement]) -> None:
    with figure(path, 1, len(found), figsize=(5 * len(found), 4.6), squeeze=False, sharey=True) as (fig, axes):
        for ax, one in zip(axes[0], found, strict=True):
            points = [point for point in one.points if point.threshold is not None]
            signals = [efficiency.signal for efficiency in points[0].efficiencies] if points else []
            for place, (signal, style) in enumerate(zip(signals, distinct(len(signals)), strict=True)):
                values = [next(e for e in point.efficiencies if e.signal == signal) for point in points]
                # Bars: the threshold's error and the efficiency's own, beside each other by a little.
                low = [np.hypot(e.error, e.value - e.low) for e in values]
                high = [np.hypot(e.error, e.high - e.value) for e in values]
                at = [point.target * 1.04 ** (place - (len(signals) - 1) / 2) for point in points]
                ax.errorbar(at, [e.value for e in values], (low, high), label=signal, ms=5, **style)
            ax.set(xscale="log", yscale="log", xlabel="rate of zero bias [kHz]", title=one.name)
        axes[0, 0].set_ylabel("efficiency")
        headline(fig, HEADING)
        legend_below(fig, 5)
