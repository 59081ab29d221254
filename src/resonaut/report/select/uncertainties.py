"""What each source of uncertainty does to the rate and to the peak of each signal that a method selects."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from resonaut.core.files import atomic
from resonaut.core.results import read
from resonaut.core.weights import named
from resonaut.report.figure import SELECTIONS, Figure, Output
from resonaut.select.results import Trained

FIGURE = Figure(
    category="Methods", reads={"summaries": SELECTIONS}, writes={"table": Output("selections/uncertainties.csv")}
)

COLUMNS = ["method", "window", "signal", "mass", "group", "source"]
EFFECTS = [f"{effect}_{way}_percent" for effect in ("rate", "position", "width") for way in ("up", "down")]


def draw(output: Path, summaries: Sequence[Path]) -> None:
    """Write the table into ``output``."""
    path = output / "selections" / "uncertainties.csv"
    with atomic(path) as partial, partial.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*COLUMNS, *EFFECTS])
        for summary in summaries:
            writer.writerows(_rows(read(summary, Trained)))


def _rows(content: Trained) -> Iterator[list[str]]:
    """A row for each source of each signal; only shifted objects move a peak."""
    for signal in content.signals:
        for group, effect in signal.weights.items():
            for source, rate in effect.uncertainties.items():
                moved = signal.moved.get(named(group, source))
                changes = [*rate, *(moved.position if moved else ()), *(moved.width if moved else ())]
                mass = "" if signal.mass is None else f"{signal.mass:g}"
                shown = [f"{100 * change:.4g}" for change in changes]
                name = [content.method, content.window, signal.dataset, mass, group, source]
                yield name + shown + [""] * (len(EFFECTS) - len(shown))
