"""The final numbers of each template model: its parameters of interest, limits, and the goodness of fit."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from resonaut.core.files import atomic
from resonaut.core.results import read
from resonaut.fit.results.histfactory import Interest, ModelResult
from resonaut.report.figure import Figure, Input, Output

FIGURE = Figure(
    category="Models",
    reads={"fitted": Input("fit", "models", "<results>/fit/models/<model>/result.json of all models.")},
    writes={"table": Output("models.csv")},
)

COLUMNS = ("model", "parameter", "value", "error", "statistical_error", "expected_error")
INTERVALS = ("low_68", "high_68", "low_95", "high_95")
MORE = ("limit_observed", "limit_expected", "z", "z_expected", "goodness_p", "problem")
# The confidence levels of the intervals, as their columns are called.
LEVELS = {"68": 0.6827, "95": 0.95}


def draw(output: Path, fitted: Sequence[Path]) -> None:
    """Write a line for each parameter of interest; what is not known is empty, with its reason as the ``problem``.

    Raises:
        InputFileError: a file is no fit of a model.
    """
    with atomic(output / "models.csv") as partial, partial.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*COLUMNS, *INTERVALS, *MORE])
        for path in fitted:
            writer.writerows(_lines(path.parent.name, read(path, ModelResult)))


def _lines(name: str, result: ModelResult) -> Iterator[list[str]]:
    for one in result.interests:
        numbers = [one.value, one.error, one.statistical_error, one.expected_error, *_intervals(one)]
        numbers += [one.limits.observed, one.limits.expected] if one.limits else [None, None]
        numbers += [one.significance.z, one.significance.z_expected] if one.significance else [None, None]
        toys = result.goodness.p_toys
        numbers.append(result.goodness.p_value if toys is None else toys)
        yield [name, one.name, *map(_cell, numbers), result.problem or one.reason or ""]
    if not result.interests:
        yield [name, *[""] * (len(COLUMNS) + len(INTERVALS) + len(MORE) - 2), result.problem or ""]


def _intervals(one: Interest) -> Iterator[float | None]:
    for level in LEVELS.values():
        found = next((each for each in one.intervals if abs(each.confidence_level - level) < 1e-6), None)
        yield from (found.low, found.high) if found else (None, None)


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.6g}"
