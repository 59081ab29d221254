"""The methods side by side in every window: what they found, whether they may be trusted, and what they cost."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from resonaut.core.errors import ConfigError, InputFileError
from resonaut.core.files import atomic
from resonaut.core.results import read
from resonaut.fit.results.retrained import Retrained
from resonaut.report.figure import CONFIG, RESULTS, SELECTIONS, Figure, Input, Output
from resonaut.report.fit import results
from resonaut.report.fit.results import Result, heading
from resonaut.report.pages import FINE
from resonaut.report.select import overview
from resonaut.report.select.overview import Row
from resonaut.report.settings import label
from resonaut.select.results import Trained

FIGURE = Figure(
    category="Methods",
    reads={
        "selections": SELECTIONS,
        "fits": RESULTS,
        "no_signal": Input(
            "select",
            "no_signal",
            "<results>/fit/retrained/... .json whose experiments of amount 0 hold no signal.",
            needed=False,
        ),
        "config": CONFIG,
    },
    options={
        "bounds": Input("select", "bounds", "A method that knows what no search knows.", needed=False),
        # A lost benchmark is no reason to train again.
        "benchmarks": Input(
            "select", "benchmarks", "Folder with <method>/<window>.tsv, for the wall times.", many=False, needed=False
        ),
    },
    writes={"table": Output("methods.csv"), "page": Output("methods.html")},
)

# Significances, of one fit and of the median of several, that data without a signal should not show.
LARGEST, LARGEST_MEDIAN = 3.0, 2.0
# What of the verdicts on sculpting is no reason to trust a selection.
SCULPTING = {"sculpted": "sculpts the spectrum", "not excluded": "sculpting not excluded"}
EXCESS = "excess without a signal"


@dataclass(frozen=True)
class NoSignal:
    """Fits of experiments into which no signal was put: the largest significance, and the largest median of a file."""

    largest: float
    median: float

    @property
    def excess(self) -> bool:
        """Whether there is an excess nevertheless."""
        return self.largest > LARGEST or self.median > LARGEST_MEDIAN


def draw(
    output: Path,
    selections: Sequence[Path],
    fits: Sequence[Path],
    no_signal: Sequence[Path],
    bounds: Sequence[str],
    benchmarks: str | None,
    config: Path | None,
) -> None:
    """Write the table, and the same as a page.

    Args:
        output: the folder.
        selections: ``<results>/select/<method>/<window>.json``.
        fits: ``<results>/fit/<method>/<window>.json`` of the same.
        no_signal: ``<results>/fit/retrained/<method>/<window>/<signal>.json``, of which the amount 0 counts.
        bounds: the methods that know what no search knows.
        benchmarks: folder with Snakemake's ``<method>/<window>.tsv``; a missing file leaves the time unknown.
        config: for what stands above the page.

    Raises:
        InputFileError: a file is not what it should be.
        ConfigError: a selection has no fit.
    """
    fitted = {(result.method, str(result.window)): result for result in results.read(fits)}
    checked = without_signal(no_signal)
    contents = [read(path, Trained) for path in selections]
    rows = []
    for path, content in zip(selections, contents, strict=True):
        name = content.method, content.window
        if name not in fitted:
            raise ConfigError(f"{path} has no fit result; give <results>/fit/{name[0]}/{name[1]}.json with --fits.")
        seconds = _seconds(Path(benchmarks, name[0]) / f"{name[1]}.tsv") if benchmarks else None
        rows.append(_row(content, fitted[name], checked.get(name), name[0] in bounds, seconds))
    text = heading(label(config), next(iter(fitted.values())).content)
    _table(rows, output / "methods.csv")
    overview.overview(rows, text, output / "methods.html")


def without_signal(paths: Sequence[Path]) -> dict[tuple[str, str], NoSignal]:
    """What each method and window show where no signal was put into the data.

    Raises:
        InputFileError: a file holds no fits of experiments, or none without a signal.
    """
    found: dict[tuple[str, str], list[list[float]]] = {}
    for path in paths:
        content = read(path, Retrained)
        z = content.z_without_signal()
        if not z:
            raise InputFileError(path, "no experiment without a signal", "add 0 to select.injection.amounts")
        found.setdefault((content.method, content.window), []).append(z)
    return {
        name: NoSignal(max(map(max, files)), max(float(np.median(z)) for z in files)) for name, files in found.items()
    }


def _row(content: Trained, fit: Result, check: NoSignal | None, bound: bool, seconds: float | None) -> Row:
    """One line of the table; ``signals`` are the efficiencies of those whose mass is in the signal region."""
    low, high = content.signal_region
    counts, sculpting, best = content.counts, content.sculpting, fit.best
    # Both sidebands count the same in the working point, and so they do in what is expected from them.
    passing = [side.selected / side.events for side in (counts.lower_sideband, counts.upper_sideband) if side.events]
    reasons = [SCULPTING[sculpting.verdict]] if sculpting.verdict in SCULPTING else []
    reasons += [EXCESS] * bool(check and check.excess)
    return Row(
        method=content.method,
        window=content.window,
        bound=bound,
        z_local=best.z_local if best else None,
        mass=best.mass if best else None,
        unit=content.unit,
        selected=counts.signal_region.selected,
        expected=counts.signal_region.events * float(np.mean(passing)) if passing else None,
        efficiency_target=content.efficiency_target,
        signals={
            signal.dataset: signal.efficiency
            for signal in content.signals
            if signal.mass is not None and low <= signal.mass < high
        },
        sculpting=sculpting.verdict,
        spurious_excess=sculpting.spurious_excess,
        sculpting_p_value=sculpting.p_value,
        sculpting_jsd_p_value=sculpting.jsd_p_value,
        no_signal_z_max=check.largest if check else None,
        no_signal_z_median=check.median if check else None,
        wall_s=seconds,
        verdict="; ".join(reasons) or FINE,
    )


def _seconds(path: Path) -> float | None:
    """Wall time of a job from Snakemake's benchmark."""
    if not path.exists():
        return None
    try:
        return float(path.read_text().splitlines()[1].split("\t")[0])
    except (IndexError, ValueError):
        raise InputFileError(path, "no benchmark of Snakemake", "delete it") from None


def _table(rows: Sequence[Row], path: Path) -> None:
    """The rows as CSV, a column for each signal's efficiency; no wall times, so that equal results are equal bytes."""
    signals = list(dict.fromkeys(name for row in rows for name in row.signals))
    columns = [field.name for field in fields(Row) if field.name != "wall_s"]
    place = columns.index("signals")
    columns[place : place + 1] = [f"efficiency_{name}" for name in signals]
    with atomic(path) as partial, partial.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            flat = vars(row) | {f"efficiency_{name}": value for name, value in row.signals.items()}
            values = {key: flat.get(key) for key in columns}
            writer.writerow(
                {key: f"{value:.6g}" if isinstance(value, float) else value for key, value in values.items()}
            )
