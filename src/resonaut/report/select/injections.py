"""What the methods find of injected signal, exclude, and gain over the inclusive search."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from matplotlib.axes import Axes
from scipy.stats import norm

from resonaut.core.files import atomic
from resonaut.core.results import read
from resonaut.core.style import above, distinct, figure, legend_below, spread
from resonaut.fit.results.retrained import Retrained
from resonaut.report import settings
from resonaut.report.figure import CONFIG, DATA, Figure, Input, Output
from resonaut.report.select import improvements
from resonaut.select.results import Benchmark

FIGURE = Figure(
    category="Injections",
    reads={
        "retrained": Input("select", "injected", "<results>/fit/retrained/<method>/<window>/<signal>.json"),
        "benchmark": Input(
            "select",
            "benchmark",
            "<results>/select/benchmark.json, for the significance improvements.",
            many=False,
            needed=False,
        ),
        "data": DATA,
        "config": CONFIG,
    },
    writes={
        "table": Output("injections.csv"),
        "plots": Output("injections", inside="{figure}.png", labels={"figure": "{figure}"}),
    },
    # Many trainings are behind it.
    on_request=True,
)

COLUMNS = (
    "method",
    "window",
    "signal",
    "mass",
    "unit",
    "no_signal_z_median",
    "no_signal_z_max",
    "five_sigma",
    "five_sigma_expected",
    "inclusive_five_sigma",
    "inclusive_five_sigma_is",
    "gain",
    "limit",
    "limit_expected",
    "limit_gain",
    "limit_expected_gain",
    "base",
    "limit_reason",
)
INCLUSIVE = "inclusive"
FIVE_SIGMA = 5.0
# So many labels have room on an axis.
MOST_TICKS = 8

T = TypeVar("T", Retrained, Benchmark)


def draw(
    output: Path, retrained: Sequence[Path], benchmark: Path | None, data: Sequence[Path], config: Path | None
) -> None:
    """Write the table, and in ``injections/`` two figures of each signal and window; without ``benchmark`` one.

    Raises:
        InputFileError: a file is not what it should be.
    """
    contents = [read(path, Retrained) for path in retrained]
    benchmarked = [] if benchmark is None else read(benchmark, list[Benchmark])
    text = settings.of_data(config, data)
    _table(contents, output / "injections.csv")
    for (signal, window), own in _grouped(contents).items():
        significance_and_limits(own, text, output / "injections" / f"{signal}_{window}.png")
    for (signal, window), rows in _grouped(benchmarked).items():
        improvements.improvements(rows, text, output / "injections" / f"improvement_{signal}_{window}.png")


def _grouped(rows: Sequence[T]) -> dict[tuple[str, str], list[T]]:
    groups: dict[tuple[str, str], list[T]] = {}
    for row in rows:
        groups.setdefault((row.signal, row.window), []).append(row)
    return groups


def _table(contents: Sequence[Retrained], path: Path) -> None:
    inclusive = {(c.signal, c.window): c for c in contents if c.method == INCLUSIVE}
    with atomic(path) as partial, partial.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for content in contents:
            row = compared(content, inclusive.get((content.signal, content.window)))
            writer.writerow({key: f"{v:.6g}" if isinstance(v, float) else v for key, v in row.items()})


def compared(content: Retrained, inclusive: Retrained | None) -> dict[str, str | float | None]:
    """A line of the table: a gain is how many times smaller a cross section than the inclusive search needs."""
    reference, kind = None, None
    if inclusive is not None:
        # The inclusive search seldom sees so small signals as are put in for the others.
        kind = "expected" if inclusive.five_sigma is None else "injected"
        reference = inclusive.five_sigma_expected if inclusive.five_sigma is None else inclusive.five_sigma
    without = content.z_without_signal()
    return {key: getattr(content, key) for key in COLUMNS if hasattr(content, key)} | {
        "no_signal_z_median": float(np.median(without)) if without else None,
        "no_signal_z_max": max(without, default=None),
        "inclusive_five_sigma": reference,
        "inclusive_five_sigma_is": kind if reference is not None else None,
        "gain": _ratio(reference, content.five_sigma),
        "limit_gain": _ratio(inclusive.limit if inclusive else None, content.limit),
        "limit_expected_gain": _ratio(inclusive.limit_expected if inclusive else None, content.limit_expected),
    }


def _ratio(reference: float | None, value: float | None) -> float | None:
    return reference / value if reference and value else None


def significance_and_limits(contents: Sequence[Retrained], text: str, plot: Path) -> None:
    """Significance against the injected signal; and where the data have a selection, what they exclude."""
    first, styles = contents[0], distinct(len(contents))
    planes = [
        (key, limit, name)
        for key, limit, name in (("excluded", "limit", "observed"), ("excluded_expected", "limit_expected", "expected"))
        if any(getattr(row, key) is not None for content in contents for row in content.amounts)
    ]
    columns = 1 + len(planes)
    size = (6.4 if columns == 1 else 4.9 * columns, 4.6 + 0.2 * -(-len(contents) // (2 * columns)))
    with figure(plot, 1, columns, figsize=size, squeeze=False) as (fig, axes):
        for i, (content, style) in enumerate(zip(contents, styles, strict=True)):
            rows = content.amounts
            amounts, z = np.array([row.amount for row in rows]), np.array([row.z_local for row in rows])
            low, high = np.array([row.z_local_range for row in rows]).reshape(-1, 2).T
            spread(axes[0][0], amounts, (z, low, high), content.method, style, (i, len(contents)))
        axes[0][0].set(xlabel=improvements.injected(first.unit), ylabel="local significance [σ]")
        _p_values(axes[0][0])
        for ax, (key, limit, name) in zip(axes[0][1:], planes, strict=True):
            _plane(ax, contents, styles, key, limit)
            ax.set(xlabel=improvements.injected(first.unit), ylabel=f"excluded cross section, {name} [fb]")
        axes[0][0].set_title(f"{first.signal}, {first.window}")
        above(fig, text)
        legend_below(fig, max(3, 2 * columns))


def _p_values(ax: Axes) -> None:
    """Discovery, and the p-values on the right."""
    ax.axhline(FIVE_SIGMA, color="grey", ls=":", lw=0.8)
    lowest, highest = ax.get_ylim()
    other = ax.secondary_yaxis("right")
    shown: list[int] = []
    for power in range(1, 300):
        above_last = norm.isf(10.0**-power) - (norm.isf(10.0 ** -shown[-1]) if shown else lowest)
        if above_last > (highest - lowest) / MOST_TICKS and norm.isf(10.0**-power) < highest:
            shown.append(power)
    ax.tick_params(axis="y", which="both", right=False)
    other.set_yticks([norm.isf(10.0**-power) for power in shown], [f"$10^{{-{power}}}$" for power in shown])
    other.tick_params(which="minor", right=False)
    other.set_ylabel("local p-value")


def _plane(ax: Axes, contents: Sequence[Retrained], styles: Sequence[dict[str, Any]], key: str, limit: str) -> None:
    """What is excluded against what was injected: above the diagonal the injected signal is not excluded."""
    smallest, largest = _positive([row.amount for content in contents for row in content.amounts])
    values: list[float] = []
    for content, style in zip(contents, styles, strict=True):
        known = {row.amount: getattr(row, key) for row in content.amounts if getattr(row, key) is not None}
        ax.plot(list(known), list(known.values()), ms=4, lw=1.3, label=content.method, **style)
        values += known.values()
        reached = getattr(content, limit)
        if reached is not None:
            marker = {"color": style["color"], "mec": "k", "ms": 11, "zorder": 5}
            # On the diagonal, or to the right of all injections.
            ax.plot(min(reached, max(known)), reached, "*", **marker)
    ax.plot([], [], "*", color="w", mec="k", ms=12, label="limit")
    diagonal = np.linspace(0, 2 * largest, 400)
    ax.fill_between(diagonal, diagonal, 0, color="0.92", lw=0, zorder=0, label="excluded < injected")
    ax.plot(diagonal, diagonal, color="k", lw=0.8)
    ax.set_xscale("symlog", linthresh=smallest, linscale=0.5)
    amounts = sorted({row.amount for content in contents for row in content.amounts})
    if len(amounts) <= MOST_TICKS:
        ax.set_xticks(amounts, [f"{amount:g}" for amount in amounts])
        ax.tick_params(axis="x", which="minor", bottom=False, top=False)
    ax.set_yscale("log")
    low, high = _positive([*values, largest])
    ax.set(xlim=(-0.15 * smallest, 1.3 * largest), ylim=(0.5 * min(low, smallest), 2 * high))


def _positive(values: Sequence[float]) -> tuple[float, float]:
    """The smallest and the largest value above 0; without any, 1 and 1."""
    above_zero = [value for value in values if value > 0] or [1.0]
    return min(above_zero), max(above_zero)
