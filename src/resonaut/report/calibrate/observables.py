"""Observables of the signals' jets before and after the Lund-plane calibration."""

from collections.abc import Sequence
from pathlib import Path

import hist
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from resonaut.calibrate.results import Summary
from resonaut.core.results import read
from resonaut.core.style import COLOURS, headline, legend_below, ratio_panels
from resonaut.report import settings
from resonaut.report.figure import CALIBRATED, CONFIG, Figure, Output

FIGURE = Figure(
    category="Calibration",
    reads={"summaries": CALIBRATED, "config": CONFIG},
    writes={
        "plots": Output(
            "calibration/{dataset}.png", each=("summaries", "{dataset}/summary.json"), labels={"dataset": "{dataset}"}
        )
    },
)

LABELS = {
    "tau21": r"$\tau_{21}$",
    "tau32": r"$\tau_{32}$",
    "tau43": r"$\tau_{43}$",
    "softdrop_mass": "soft-drop mass [GeV]",
    "n_constituents": "number of constituents",
}
PANELS_IN_A_ROW = 3
# The scatter of fewer jets' weights says little of their mean's error.
FEWEST_JETS = 5
RATIO_RANGE = (0.4, 1.6)

FloatArray = npt.NDArray[np.float64]


def draw(output: Path, summaries: Sequence[Path], config: Path | None) -> None:
    """Draw a figure of each dataset into ``output``."""
    for path in summaries:
        content = read(path, Summary)
        plot = output / "calibration" / f"{content.dataset}.png"
        observables(content, settings.of_simulation(config), plot)


def observables(content: Summary, text: str, plot: Path) -> None:
    """Every observable of a dataset's jets before and after the calibration, and the ratio."""
    known = [name for name in LABELS if name in content.histograms]
    names = known + [name for name in content.histograms if name not in LABELS]
    with ratio_panels(plot, len(names), PANELS_IN_A_ROW) as (fig, pairs):
        for (upper, lower), name in zip(pairs, names, strict=True):
            pair = content.histograms[name]
            before_and_after(pair.before, pair.after, upper, lower)
            lower.set_xlabel(LABELS.get(name, name.replace("_", " ")))
        for upper, lower in pairs[::PANELS_IN_A_ROW]:
            upper.set_ylabel("fraction of jets")
            lower.set_ylabel("after / before")
        headline(fig, f"{text}\njets of {content.dataset}")
        legend_below(fig, 2)


def before_and_after(before: hist.Hist, after: hist.Hist, upper: Axes, lower: Axes) -> None:
    """An observable, as fractions of all jets before the calibration, and the mean weight of the jets in each bin."""
    edges, total = before.axes[0].edges, float(before.sum(flow=True).value) or 1.0
    centres = (edges[1:] + edges[:-1]) / 2
    for histogram, colour, name in ((before, COLOURS[1], "before"), (after, COLOURS[0], "after calibration")):
        values, errors = histogram.values() / total, np.sqrt(histogram.variances()) / total
        upper.stairs(values, edges, color=colour, lw=1.4, label=name)
        upper.errorbar(centres, values, errors, fmt="none", ecolor=colour, lw=1)
    ratio, error = mean_weight(before, after)
    lower.axhline(1, color=COLOURS[1], lw=1)
    lower.errorbar(centres, ratio, error, fmt="o", ms=3, lw=1, color=COLOURS[0])
    low, high = RATIO_RANGE
    for beyond, end, marker in ((ratio > high, high, "^"), (ratio < low, low, "v")):
        inset = 0.04 * (high - low) * (1 if end == low else -1)
        lower.plot(centres[beyond], np.full(np.count_nonzero(beyond), end + inset), marker, ms=5, color=COLOURS[0])
    lower.set(xlim=(edges[0], edges[-1]), ylim=RATIO_RANGE)
    upper.set(xlim=(edges[0], edges[-1]), ylim=(0, None))
    upper.tick_params(labelbottom=False)


def mean_weight(before: hist.Hist, after: hist.Hist) -> tuple[FloatArray, FloatArray]:
    """Contents after over before in each bin, and the error; NaN in bins with too few jets.

    Both hold the same jets, so that only the scatter of the calibration's weights counts: of n jets of equal weight
    the error is that of the mean of their weights.
    """
    b, a = before.values(), after.values()
    jets = np.divide(b**2, before.variances(), out=np.zeros_like(b), where=before.variances() > 0)
    enough = jets > FEWEST_JETS - 0.5
    ratio = np.divide(a, b, out=np.full_like(b, np.nan), where=enough)
    scatter = np.maximum(after.variances() - ratio**2 * before.variances(), 0) / np.where(enough, b, 1) ** 2
    return ratio, np.sqrt(scatter * jets / np.where(enough, jets - 1, 1))
