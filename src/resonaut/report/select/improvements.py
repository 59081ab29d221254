"""The significance improvement of the methods against the amount of injected signal."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from resonaut.core.style import above, distinct, figure, legend_below, spread
from resonaut.select.results import Band, Benchmark

# The efficiency beside the maximum; of those stored the nearest is shown.
WANTED = 0.01


def injected(unit: str) -> str:
    """The name of the axis."""
    return "injected cross section [fb]" if unit == "fb" else "injected events in the signal region"


def improvements(rows: Sequence[Benchmark], text: str, plot: Path) -> None:
    """Draw the largest improvement and that at an efficiency of 1 %, median and central 68 % of the experiments."""
    methods: dict[str, list[Benchmark]] = {}
    for row in sorted(rows, key=lambda row: row.amount):
        methods.setdefault(row.method, []).append(row)
    # In the order of the file, which is that of the configuration.
    names = list(dict.fromkeys(row.method for row in rows))
    cut = min(rows[0].improvement_at, key=lambda cut: abs(float(cut) - WANTED))
    values: dict[str, Callable[[Benchmark], Band | None]] = {
        "largest significance improvement": lambda row: row.max_improvement,
        f"significance improvement at {100 * float(cut):g} % efficiency": lambda row: row.improvement_at[cut],
    }
    with figure(plot, 1, 2, figsize=(10, 4.4 + 0.2 * -(-len(names) // 5)), sharex=True) as (fig, axes):
        for ax, (name, value) in zip(axes, values.items(), strict=True):
            for i, (method, style) in enumerate(zip(names, distinct(len(names)), strict=True)):
                known = [(row.amount, band) for row in methods[method] if (band := value(row)) is not None]
                amounts = np.array([amount for amount, _ in known])
                bands = list(np.array([(band.median, band.low, band.high) for _, band in known]).reshape(-1, 3).T)
                spread(ax, amounts, bands, method, style, (i, len(names)))
            ax.axhline(1, color="grey", ls=":", lw=0.8)
            ax.set(xlabel=injected(rows[0].unit), ylabel=name, ylim=(0, None))
        axes[0].set_title(f"{rows[0].signal}, {rows[0].window}")
        above(fig, text)
        legend_below(fig, 5)
