"""The final numbers: read again, and on the terminal."""

from pathlib import Path

from resonaut.core.observables import said
from resonaut.core.results import read
from resonaut.fit.results import scans as fit
from resonaut.report.results import Line, Summary


def terminal_table(summary: Path) -> str:
    """Each selection at its most significant mass, and the largest excess of all, as text for a terminal.

    Raises:
        InputFileError: ``summary`` is no such file.
    """
    content = read(summary, Summary)
    best: dict[str, Line] = {}
    for row in content.points:
        # A mass whose fit is doubtful counts only where there is no other.
        known = best.get(row.selection, row)
        best[row.selection] = max(known, row, key=_significance)
    units = {row.unit for row in content.points}
    # No unit is that of masses of several observables, nor of mere numbers.
    unit = next(iter(units - {"1"}), "") if len(units) == 1 else ""
    lines = [
        f"{'selection':<12} {'mass':>8} {'local':>8} {'global':>8} {'observed limit':>15} {'expected limit':>15}",
        f"{'':<12} {unit:>8} {'sigma':>8} {'sigma':>8} {'fb':>15} {'fb':>15}",
    ]
    excesses = {name: one.z_global for name, one in content.global_.selections.items()}
    lines += [
        f"{name:<12} {row.mass:>8.5g} {_number(row.z_local, 8, '.1f')} {_number(excesses.get(name), 8, '.1f')} "
        f"{_number(row.limit_observed, 15, '.3g')} {_number(row.limit_expected, 15, '.3g')}"
        for name, row in best.items()
    ]
    return "\n".join(["Most significant mass of each selection:", *lines, *largest_excess(content)])


def _significance(row: Line) -> tuple[bool, float]:
    # Where the fits failed there is none.
    return row.fit_good, float("-inf") if row.z_local is None else row.z_local


def largest_excess(content: Summary | fit.Summary) -> list[str]:
    """Sentences on the largest excess of all selections and on the trials; none where no mass was fitted."""
    excess = content.global_.all
    if excess is None:
        return []
    unit = next((row.unit for row in content.points if row.mass == excess.mass), "1")
    text = f"Largest excess: {excess.z_local:.1f} sigma local at {said(excess.mass, unit)}"
    if excess.z_global is None:
        return [text + "."]
    trials = (
        f"The search counts as {excess.trials:.3g} trials at 5 sigma local; 5 sigma global are "
        f"{excess.z_local_needed:.2f} sigma local."
    )
    return [text + f", {excess.z_global:.1f} sigma global (all masses of all selections, {excess.toys} toys).", trials]


def _number(value: float | None, width: int, form: str) -> str:
    return f"{'-':>{width}}" if value is None else f"{value:>{width}{form}}"
