"""Limits on the signal against each coupling, and the likelihood of the coupling."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from resonaut.core.results import read
from resonaut.core.style import COLOURS, GREEN, YELLOW, Array, above, band, figure, legend_below
from resonaut.fit.results.couplings import Couplings, CouplingScan, Ranges
from resonaut.report.figure import CONFIG, Figure, Input, Output
from resonaut.report.settings import label

FIGURE = Figure(
    category="Results",
    subcategory="Couplings",
    reads={
        "couplings": Input("fit", "couplings", "<results>/fit/models/<model>/couplings.json of the models with any."),
        "config": CONFIG,
    },
    writes={
        "plots": Output(
            "couplings/{model}.png", each=("couplings", "{model}/couplings.json"), labels={"model": "{model}"}
        )
    },
)

# -2 Delta ln L at the ends of the intervals of one parameter.
LEVELS = {"68 %": 1.0, "95 %": 3.84}
# Largest -2 Delta ln L that is shown.
HIGHEST = 12.0


def draw(output: Path, couplings: Sequence[Path], config: Path | None) -> None:
    """Draw a figure for each model into the folder ``output``/couplings."""
    for path in couplings:
        found = read(path, Couplings)
        model(found, label(config), output / "couplings" / f"{found.model}.png")


def model(found: Couplings, text: str, plot: Path) -> None:
    """A row for each coupling: the limits against it, with what they exclude, and -2 Delta ln L."""
    rows = len(found.scans)
    with figure(plot, rows, 2, figsize=(9.6, 1.2 + 3.8 * rows), squeeze=False) as (fig, axes):
        for (left, right), scan in zip(axes, found.scans, strict=True):
            _limits(left, scan, found)
            _likelihood(right, scan)
        above(fig, ", ".join(filter(None, (text, found.model, _beside(found)))))
        legend_below(fig, 4)


def _beside(found: Couplings) -> str:
    """Beside which intervals the background of what is expected is fitted."""
    channels: dict[tuple[float, float], list[str]] = {}
    for channel, ends in found.expected_beside.items():
        channels.setdefault(ends, []).append(channel)
    said = (f"{low:g}–{high:g} in {', '.join(names)}" for (low, high), names in channels.items())
    return f"expected: background fitted beside {'; '.join(said)}" if channels else ""


def name(coupling: str) -> str:
    r"""A coupling in mathematics, as ``kappa_2V`` or ``kappa_lambda``.

    >>> name("kappa_2V")
    '$\\kappa_{2V}$'
    """
    symbol, _, index = coupling.partition("_")
    shown = index if index not in ("lambda", "mu", "tau") else rf"\{index}"
    return rf"$\{symbol}_{{{shown}}}$" if symbol in ("kappa", "lambda", "mu") and index else coupling


def _limits(ax: Axes, scan: CouplingScan, found: Couplings) -> None:
    values, theory = np.array(scan.values), np.array(scan.cross_section or np.ones(len(scan.values)))
    expected = np.array(scan.expected) * theory
    for size, colour in ((2, YELLOW), (1, GREEN)):
        band(ax, values, expected[2 - size], expected[2 + size], colour, f"expected ± {size}σ")
    ax.plot(values, expected[2], "k--", label="expected")
    ax.plot(values, np.array(scan.observed) * theory, "k-", label="observed")
    ax.plot(values, theory, color=COLOURS[2], label="theory")
    _shade(ax, scan.allowed, values)
    unit = "σ [fb]" if scan.cross_section else "σ / σ(theory)"
    ax.set(yscale="log", xlim=(values[0], values[-1]), xlabel=name(scan.coupling))
    ax.set_ylabel(f"{100 * found.confidence_level:g} % CL upper limit on {unit}")
    ends = "expected" + "".join(f" [{_end(low)}, {_end(high)}]" for low, high in scan.allowed_expected)
    ax.set_title(f"allowed{''.join(f' [{_end(low)}, {_end(high)}]' for low, high in scan.allowed)}, {ends}", size=9)


def _end(value: float | None) -> str:
    # No sign of zero.
    return "…" if value is None else f"{round(value, 2) + 0.0:.2f}"


def _shade(ax: Axes, allowed: Ranges, values: Array) -> None:
    """Hatch what the observed limits exclude."""
    inner = [(values[0] if low is None else low, values[-1] if high is None else high) for low, high in allowed]
    ends = [values[0], *(end for pair in inner for end in pair), values[-1]]
    style: dict[str, Any] = {"facecolor": "0.85", "edgecolor": "0.6", "hatch": "//", "lw": 0, "alpha": 0.5, "zorder": 0}
    for low, high in zip(ends[::2], ends[1::2], strict=True):
        if high > low:
            ax.axvspan(low, high, label="excluded", **style)


def _likelihood(ax: Axes, scan: CouplingScan) -> None:
    values = np.array(scan.values)
    ax.plot(values, np.array([np.nan if one is None else one for one in scan.deviance]), color=COLOURS[0])
    for text, level in LEVELS.items():
        ax.axhline(level, color="0.5", lw=0.8, ls=":")
        ax.annotate(text, (values[-1], level), xytext=(-3, 2), textcoords="offset points", ha="right", size=8)
    if scan.best is not None:
        ax.axvline(scan.best, color=COLOURS[0], lw=0.8)
    ax.set(xlim=(values[0], values[-1]), ylim=(0, HIGHEST), xlabel=name(scan.coupling), ylabel="-2 Δ ln L")
    if scan.reason:
        ax.set_title(scan.reason, size=8)
    elif scan.interval_95:
        found = "".join(f" [{_end(low)}, {_end(high)}]" for low, high in scan.interval_95)
        ax.set_title(f"best fit {_end(scan.best)}, 95 %{found}", size=9)
