"""The background predicted in each signal region, by the smooth function beside it and by reweighted simulation."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from resonaut.core import results
from resonaut.core.files import atomic
from resonaut.core.style import COLOURS, Array, corner, figure, signal_region, steps
from resonaut.fit.results.predictions import Prediction
from resonaut.report.figure import CONFIG, DATA, Figure, Input, Output
from resonaut.report.intervals import poisson_interval
from resonaut.report.observables import axis_label
from resonaut.report.settings import of_data

FIGURE = Figure(
    category="Background predictions",
    reads={
        "predictions": Input(
            "fit", "predictions", "<results>/fit/<method>/<window>_prediction.json of all selections."
        ),
        "data": DATA,
        "config": CONFIG,
    },
    writes={
        "predictions": Output(
            "predictions/{method}_{window}.png",
            each=("predictions", "{method}/{window}_prediction.json"),
            labels={"selection": "{method}", "window": "{window}"},
        ),
        "table": Output("predictions.csv", caption="predictions_table"),
    },
)

COLUMNS = ("selection", "window", "low", "high", "unit", "function", "function_error", "simulation", "simulation_error")
MORE = ("statistical", "normalisation", "normalisation_error", "variations", "observed", "pull")
PULLS = ("pull_function", "pull_simulation")
# The parts of the widths of bins beside which ratios are shown.
RATIOS = (0.0, 2.0)


def draw(output: Path, predictions: Sequence[Path], data: Sequence[Path], config: Path | None) -> None:
    """Draw each prediction, and write a table of them all.

    Raises:
        InputFileError: a file is no background prediction.
    """
    found = [results.read(path, Prediction) for path in predictions]
    for one in found:
        prediction(one, of_data(config, data), output / "predictions" / f"{one.method}_{one.window}.png")
    with atomic(output / "predictions.csv") as partial, partial.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*COLUMNS, *MORE, *PULLS])
        writer.writerows(map(_line, found))


def _line(one: Prediction) -> list[Any]:
    """The numbers of the signal region; those of the data are empty where these are not looked at."""
    function, simulation = one.function, one.simulation
    varied = float(np.sqrt(sum(value**2 for value in simulation.variations.values())))
    numbers = [function.events, function.error, simulation.events, simulation.error, simulation.statistical]
    numbers += [simulation.normalisation, simulation.normalisation_error, varied]
    seen = [one.observed, one.pull, one.pull_function, one.pull_simulation]
    cells = ["" if value is None else f"{value:.6g}" for value in [*one.range, *numbers, *seen]]
    return [one.selection, one.window, *cells[:2], one.unit, *cells[2:]]


def prediction(one: Prediction, heading: str, plot: Path) -> None:
    """The data, both predictions with their errors, and below all of them over the function."""
    edges = np.array([one.bins[0].low, *(part.high for part in one.bins)])
    with figure(plot, 2, 1, figsize=(6.4, 6), sharex=True, height_ratios=(3, 1.3)) as (_, (ax, ratio)):
        base = np.array([part.function for part in one.bins])
        for panel, scale in ((ax, 1 / np.diff(edges)), (ratio, 1 / base)):
            signal_region(panel, *one.signal_region)
            _predicted(panel, one, edges, scale)
            _observed(panel, one, edges, scale)
        ax.set(yscale="log", ylabel=f"events / {'unit' if one.unit == '1' else one.unit}")
        low, high = ax.get_ylim()
        ax.set_ylim(low, high * 30)
        ax.set_title(f"{one.selection}, {one.window}", loc="left", fontsize=10)
        corner(ax, heading)
        ax.legend(fontsize=8, loc="upper right", title=_said(one), title_fontsize=8)
        ratio.set(xlim=(edges[0], edges[-1]), ylim=RATIOS, xlabel=axis_label(one.label, one.unit), ylabel="/ function")


def _predicted(ax: Axes, one: Prediction, edges: Array, scale: Array) -> None:
    for kind, name, colour in (
        ("function", "function, fitted beside the signal region", COLOURS[0]),
        ("simulation", "simulation, reweighted, normalised in the sidebands", COLOURS[1]),
    ):
        values, errors = (np.array([getattr(part, key) for part in one.bins]) for key in (kind, f"{kind}_error"))
        steps(ax, edges, values * scale, errors * scale, colour, name)


def _observed(ax: Axes, one: Prediction, edges: Array, scale: Array) -> None:
    shown = np.array([part.observed is not None for part in one.bins])
    counts = np.array([part.observed or 0.0 for part in one.bins])[shown]
    least, most = poisson_interval(counts)
    centres, own = ((edges[1:] + edges[:-1]) / 2)[shown], scale[shown]
    errors = np.stack([counts - least, most - counts]) * own
    ax.errorbar(centres, counts * own, errors, fmt="k.", ms=4, lw=1, label="data", zorder=3)


def _said(one: Prediction) -> str:
    """The numbers of the signal region."""
    function, simulation = one.function, one.simulation
    text = (
        f"signal region: function {function.events:.0f} ± {function.error:.0f}, "
        f"simulation {simulation.events:.0f} ± {simulation.error:.0f} ({one.pull:+.1f}σ)"
    )
    if one.observed is None:
        return f"{text}\ndata not shown there"
    return f"{text}\ndata {one.observed:.0f} ({one.pull_function:+.1f}σ and {one.pull_simulation:+.1f}σ)"
