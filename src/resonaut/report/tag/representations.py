"""The networks side by side: discrimination on the same held-out jets, size and speed, as figure and table."""

import csv
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from resonaut.core.files import atomic
from resonaut.core.results import read
from resonaut.core.style import COLOURS, MARKERS, figure, headline
from resonaut.report import pages, settings
from resonaut.report.figure import CONFIG, Figure, Input, Output
from resonaut.report.pages import BAD, Cell
from resonaut.tag.results import Comparison, Contender

FIGURE = Figure(
    category="Taggers",
    subcategory="Comparison",
    reads={
        "comparison": Input("tag", "comparison", "<results>/tag/comparison.json.", many=False),
        "config": CONFIG,
    },
    writes={
        "plot": Output("representations.png", labels={"shown": "rejections"}),
        "page": Output("representations.html", labels={"shown": "all numbers"}),
        "table": Output("representations.csv", labels={"shown": "all numbers (CSV)"}),
    },
)

# A step of the ordering below so many errors stands out: the two may be in the other order.
CLEAR = 2.0


def draw(output: Path, comparison: Path, config: Path | None) -> None:
    """Draw the rejection of background jets by every network, and write the tables.

    Raises:
        InputFileError: the file is no comparison of taggers.
    """
    found, text = _by_year(read(comparison, Comparison)), settings.of_simulation(config)
    signals = [name for name in found.held_out_jets if name != found.background]
    # As wide as the names below the axis want.
    width = max(4.0, 0.9 * len(found.networks) + 0.8)
    with figure(
        output / "representations.png", 1, len(signals), figsize=(width * len(signals), 4.8), squeeze=False
    ) as (fig, axes):
        for ax, signal in zip(axes[0], signals, strict=True):
            _rejections(ax, found, signal)
        axes[0][0].set_ylabel(f"1 / efficiency of {found.background} jets")
        headline(fig, text)
    _csv(found, signals, output / "representations.csv")
    parts = [*(_discrimination(found, signal) for signal in signals), _cost(found), _steps(found), _note(found)]
    pages.write(output / "representations.html", "Taggers side by side", text, parts)


def _by_year(found: Comparison) -> Comparison:
    """The same with the networks in the order of their publication."""
    order = sorted(found.networks.items(), key=lambda item: (item[1].year or math.inf, item[0]))
    return replace(found, networks=dict(order))


def _rejections(ax: Axes, found: Comparison, signal: str) -> None:
    """The rejections of every network, one after the other, at each signal efficiency."""
    names, networks = _headings(found), list(found.networks.values())
    for i, at in enumerate(_efficiencies(found)):
        known = [
            (place, one.value, one.error)
            for place, network in enumerate(networks)
            for one in network.against_background[signal].rejections
            if one.signal_efficiency == at and one.value is not None
        ]
        x, y, errors = np.array(known, float).reshape(-1, 3).T
        style: dict[str, Any] = {
            "color": COLOURS[i % len(COLOURS)],
            "marker": MARKERS[i % len(MARKERS)],
            "ms": 5,
            "lw": 0.8,
        }
        # Below zero there is no place on a logarithmic axis.
        ax.errorbar(x, y, (np.minimum(errors, 0.9 * y), errors), ls=":", label=f"{100 * at:g} % of {signal}", **style)
    ax.set(yscale="log", xticks=range(len(names)), xlim=(-0.5, len(names) - 0.5))
    ax.set_xticklabels(names, fontsize=8)
    ax.minorticks_on()
    ax.tick_params(axis="x", which="minor", bottom=False, top=False)
    # Beyond the highest points, where the legend lies.
    low, high = ax.get_ylim()
    ax.set_ylim(low, high * (high / low) ** 0.3)
    ax.legend(fontsize=9, ncols=2, loc="upper left")


def _headings(found: Comparison) -> list[str]:
    """Each network's name, what it is, and the year of its publication, in lines."""
    lines = [
        [name, *one.title.split(", "), *([] if one.year is None else [f"({one.year})"])]
        for name, one in found.networks.items()
    ]
    return ["\n".join(dict.fromkeys(several)) for several in lines]


def _efficiencies(found: Comparison) -> list[float]:
    """The signal efficiencies of the rejections; those of one network are those of all."""
    first = next(iter(found.networks.values()))
    return [one.signal_efficiency for one in next(iter(first.against_background.values())).rejections]


def _discrimination(found: Comparison, signal: str) -> str:
    """The table of one signal class."""
    jets = found.held_out_jets
    headings = ["network", "accuracy of all", "AUC", *(f"rejection at {100 * at:g} %" for at in _efficiencies(found))]
    rows = [
        [
            name,
            _measured(one.accuracy, one.accuracy_error),
            _measured(one.against_background[signal].auc, one.against_background[signal].auc_error),
            *(_measured(at.value, at.error) for at in one.against_background[signal].rejections),
        ]
        for name, one in found.networks.items()
    ]
    caption = f"{signal} ({jets[signal]:,} held-out jets) against {found.background} ({jets[found.background]:,})"
    return pages.table(caption, headings, rows)


def _measured(value: float | None, error: float | None) -> str:
    """A value with two digits of its error."""
    if value is None or error is None:
        return "–"
    digits = max(0, 1 - int(np.floor(np.log10(error)))) if error > 0 else 4
    return f"{value:,.{digits}f} ± {error:,.{digits}f}"


def _cost(found: Comparison) -> str:
    """What each network costs."""
    headings = ["network", "what", "parameters", "training jets", "training time [s]", "operations a jet", "jets/s"]
    rows = [
        [
            name,
            one.title + (f" ({one.year})" if one.year else ""),
            "–" if one.parameters is None else f"{one.parameters:,}",
            f"{sum(one.train_jets.values()):,}",
            "–" if one.train_seconds is None else f"{one.train_seconds:,.0f}",
            "–" if one.operations is None else f"{one.operations:.3g}",
            f"{one.jets_per_second:,.0f}",
        ]
        for name, one in found.networks.items()
    ]
    return pages.table("Size and speed", headings, rows)


def _steps(found: Comparison) -> str:
    """How sure the order of the networks is."""
    rows: list[list[str | Cell]] = [
        [
            gap.signal,
            gap.better,
            gap.worse,
            Cell(_measured(gap.difference, gap.error), BAD if gap.difference < CLEAR * gap.error else ""),
        ]
        for gap in found.gaps
    ]
    headings = [f"against {found.background}", "better", "next", "difference of AUC"]
    return pages.table(f"Order of the networks; bold: less than {CLEAR:g} errors apart", headings, rows)


def _note(found: Comparison) -> str:
    return pages.paragraph(
        "Errors are those of a bootstrap over the held-out jets, differences in the same replicas; they do not know "
        "how much another training would change. Operations: of the matrix products for a jet with "
        f"{found.constituents} constituents, of trees the comparisons. Speed: on one thread, high-level "
        "observables included."
    )


def _csv(found: Comparison, signals: list[str], path: Path) -> None:
    """All numbers, a row for each network and signal class; empty where one is not known."""
    with atomic(path) as partial, partial.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        columns = ["network", "architecture", "year", "signal", "accuracy", "accuracy_error", "auc", "auc_error"]
        for at in _efficiencies(found):
            columns += [f"rejection_{100 * at:g}", f"rejection_{100 * at:g}_error"]
        writer.writerow([*columns, "parameters", "train_jets", "train_seconds", "operations", "jets_per_second"])
        for name, one in found.networks.items():
            for signal in signals:
                writer.writerow([_plain(value) for value in _row(name, one, signal)])


def _row(name: str, one: Contender, signal: str) -> Iterator[str | float | None]:
    against = one.against_background[signal]
    yield from (name, one.architecture, one.year, signal, one.accuracy, one.accuracy_error)
    yield from (against.auc, against.auc_error)
    for at in against.rejections:
        yield from (at.value, at.error)
    yield from (one.parameters, sum(one.train_jets.values()), one.train_seconds, one.operations, one.jets_per_second)


def _plain(value: str | float | None) -> str:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
