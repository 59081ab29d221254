"""What each method selects: spectra at several efficiencies, the test for sculpting, and what it goes by."""

import math
from collections.abc import Sequence
from pathlib import Path

import hist
import numpy as np
from matplotlib.axes import Axes

from resonaut.core.results import read
from resonaut.core.style import COLOURS, Array, above, distinct, figure, signal_region
from resonaut.report import settings
from resonaut.report.figure import CONFIG, DATA, SELECTIONS, Figure, Output
from resonaut.report.observables import axis_label, named
from resonaut.select.results import Sculpting, Trained

FIGURE = Figure(
    category="Methods",
    reads={"summaries": SELECTIONS, "data": DATA, "config": CONFIG},
    writes={
        "plots": Output(
            "selections/{method}_{window}.png",
            each=("summaries", "{method}/{window}.json"),
            labels={"selection": "{method}", "window": "{window}"},
        )
    },
)

# Of the shown spectrum, at most about so many; the stored bins are finer.
BINS = 60


def draw(output: Path, summaries: Sequence[Path], data: Sequence[Path], config: Path | None) -> None:
    """Draw a figure of each selection into ``output``."""
    for path in summaries:
        content = read(path, Trained)
        plot = output / "selections" / f"{content.method}_{content.window}.png"
        selection(content, settings.of_data(config, data), plot)


def selection(content: Trained, text: str, plot: Path) -> None:
    """Draw a summary of the stage ``select``; without importances of features there is no panel of them."""
    columns = 3 if content.importance else 2
    rows = 1 + math.ceil(len(content.further) / columns)
    size = (4.5 * columns, 4.1 * rows)
    with figure(plot, rows, columns, figsize=size, squeeze=False) as (fig, axes):
        first, below = axes[0], axes[1:].flat
        spectra(content, first[0])
        sculpting(content.sculpting, first[1])
        for ax in first[:2]:
            signal_region(ax, *content.signal_region)
            ax.set_xlabel(axis_label(content.label, content.unit))
        first[0].legend(fontsize=8, loc="upper right")
        if content.importance:
            importances(content.importance, first[2])
            if "auc" in content.training:
                first[2].set_title(f"held-out AUC {content.training['auc']:.3f}")
        first[0].set_title(f"{content.method}, {content.window}")
        for ax, histogram in zip(below, content.further.values(), strict=False):
            further(histogram, ax)
        for ax in below[len(content.further) :]:
            ax.remove()
        above(fig, text)


def further(histogram: hist.Hist, ax: Axes) -> None:
    """What is selected, in another column; with the statistical errors."""
    edges, counts = _merged(histogram)
    name, unit = named(histogram.axes[0].label)
    ax.errorbar((edges[1:] + edges[:-1]) / 2, counts, np.sqrt(counts), fmt="ko", ms=3, lw=1)
    ax.stairs(counts, edges, lw=1.4, color=COLOURS[0])
    ax.set(
        xlabel=axis_label(name, unit),
        ylabel=f"selected {_per_bin(histogram, unit)}",
        xlim=(edges[0], edges[-1]),
        ylim=(0, None),
    )


def spectra(content: Trained, ax: Axes) -> None:
    """The data at each stored efficiency, the loosest above."""
    stored = sorted(content.spectra.items(), key=lambda item: -float(item[0]))
    ends = []
    for (cut, histogram), style in zip(stored, distinct(len(stored)), strict=True):
        edges, counts = _merged(histogram)
        name = f"efficiency {100 * float(cut):g} %"
        if np.isclose(float(cut), content.efficiency_target):
            name += ", the selection"
        # Nothing instead of a fall to zero, which a logarithmic axis would draw as a line to its foot.
        heights = np.where(counts > 0, counts, np.nan)
        ax.stairs(heights, edges, baseline=None, lw=1.4, color=style["color"], ls=style["ls"], label=name)
        ends += [*edges[:-1][counts > 0][:1], *edges[1:][counts > 0][-1:]]
    ax.set(yscale="log", ylabel=_per_bin(content.spectrum, content.unit), ylim=(0.5, None))
    if ends:
        ax.set_xlim(min(ends), max(ends))


def _step(histogram: hist.Hist) -> tuple[int, float]:
    """How many stored bins make one that is shown, and its width."""
    fine = histogram.axes[0].edges
    step = max(1, round((len(fine) - 1) / BINS))
    return step, step * (fine[-1] - fine[0]) / (len(fine) - 1)


def _per_bin(histogram: hist.Hist, unit: str) -> str:
    """What stands beside the contents of the bins that are shown."""
    return f"events / {_step(histogram)[1]:g}" + ("" if unit == "1" else f" {unit}")


def _merged(histogram: hist.Hist) -> tuple[Array, Array]:
    """Edges and contents of wider bins, the last one perhaps narrower."""
    fine = histogram.axes[0].edges
    starts = np.arange(0, len(fine) - 1, _step(histogram)[0])
    return np.append(fine[starts], fine[-1]), np.add.reduceat(histogram.values(), starts)


def sculpting(found: Sculpting, ax: Axes) -> None:
    """The efficiency in bins of the observable, the expected one, and what the tests say and leave possible."""
    low, high = np.array([each.range for each in found.bins]).reshape(-1, 2).T
    shown = [(each.efficiency, each.error, each.expected) for each in found.bins]
    values, errors, expected = 100 * np.array(shown).reshape(-1, 3).T
    ax.hlines(expected, low, high, color=COLOURS[0], lw=1.4)
    ax.errorbar((low + high) / 2, values, errors, xerr=(high - low) / 2, fmt="ko", ms=4, lw=1)
    highest = float(np.max(values + errors, initial=100 * found.efficiency)) or 1.0
    # The numbers stand above the points.
    ax.set(ylabel="efficiency [%]", ylim=(0, 1.55 * highest))
    lines = [rf"$\chi^2$/ndof = {found.chi2:.1f}/{found.ndof}, p = {found.p_value:.2g}"]
    if found.jsd is not None and found.jsd_random is not None:
        lines.append(
            f"JSD = {1e3 * found.jsd:.3g} millibit (random cuts {1e3 * found.jsd_random:.3g}), "
            f"p = {found.jsd_p_value:.2g}"
        )
    possible = found.spurious_excess
    lines.append(
        "signal region not tested"
        if possible is None
        else rf"fake excess of {possible:.1f}$\sigma$ not excluded (95 %)"
    )
    ax.text(0.03, 0.97, "\n".join(lines), transform=ax.transAxes, va="top", fontsize=8)
    flat = found.verdict == "flat"
    ax.set_title(f"{found.sample}: {found.verdict}", color="k" if flat else COLOURS[2])


def importances(lost: dict[str, float], ax: Axes) -> None:
    """The part of the selected events that is lost without each feature, the largest above."""
    names = sorted(lost, key=lambda name: (-lost[name], name))
    y = np.arange(len(names))
    ax.barh(y, [100 * lost[name] for name in names], 0.65, color=COLOURS[0])
    ax.set_yticks(y, names, fontsize=9)
    ax.tick_params(axis="y", which="minor", left=False, right=False)
    ax.set(xlabel="selected events lost when shuffled [%]", xlim=(0, 100), ylim=(len(names) - 0.4, -0.6))
