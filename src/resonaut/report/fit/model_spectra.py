"""The channels of each template model, expected before the fit and as fitted, with the data; and their yields."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from resonaut.core.files import atomic
from resonaut.core.results import read
from resonaut.core.style import MORE_COLOURS, Array, above, legend_below, ratio_panels
from resonaut.fit.results.histfactory import ChannelYields, ModelResult, SampleYields
from resonaut.fit.results.models import ModelChannel, ModelDescription
from resonaut.report.figure import CONFIG, Figure, Input, Output
from resonaut.report.intervals import poisson_interval
from resonaut.report.observables import axis_label
from resonaut.report.settings import of_data

FIGURE = Figure(
    category="Models",
    reads={
        "fitted": Input("fit", "models", "<results>/fit/models/<model>/result.json of all models."),
        "descriptions": Input("fit", "descriptions", "<results>/fit/models/<model>/model.json of all models."),
        "config": CONFIG,
    },
    writes={
        "spectra": Output(
            "models/{model}_spectra.png", each=("fitted", "{model}/result.json"), labels={"model": "{model}"}
        ),
        "yields": Output("model_yields.csv", caption="model_yields"),
    },
)

# More samples than these are drawn as one, the smallest of them.
MOST = 9
# An axis is logarithmic where its contents differ by this factor.
MANY = 100.0
# Ratios are shown this far from one: the first range that holds nine of ten.
REACHES, HELD = (0.1, 0.25, 0.5, 1.0, 2.0), 0.9
COLUMNS = ("model", "channel", "sample", "before", "before_error", "after", "after_error", "observed")


def draw(output: Path, fitted: Sequence[Path], descriptions: Sequence[Path], config: Path | None) -> None:
    """Draw each model, and write a table of the yields of all.

    Raises:
        InputFileError: a file is no fit, or no description of a model.
    """
    found = {path.parent.name: read(path, ModelResult) for path in fitted}
    described = {path.parent.name: read(path, ModelDescription) for path in descriptions}
    for name, result in found.items():
        heading = of_data(config, luminosity=described[name].luminosity)
        spectra(result, described[name], heading, output / "models" / f"{name}_spectra.png")
    with atomic(output / "model_yields.csv") as partial, partial.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(line for name, result in found.items() for line in _lines(name, result))


def _lines(name: str, result: ModelResult) -> Iterable[list[str]]:
    """The sums of all bins; the data stand in the line of the total. Without a converged fit there is no after."""
    for channel, one in result.yields.items():
        for sample, sums in (*one.samples.items(), ("total", one.total)):
            numbers = [sums.sum_before, sums.sum_before_error]
            numbers += [sums.sum_after, sums.sum_after_error] if result.converged else []
            cells = [f"{value:.6g}" for value in numbers]
            observed = f"{sum(one.observed):.6g}" if sample == "total" else ""
            yield [name, channel, sample, *cells, *[""] * (4 - len(cells)), observed]


def spectra(result: ModelResult, described: ModelDescription, heading: str, plot: Path) -> None:
    """Two panels a channel, before the fit and as fitted, each with the data over the expectation below it."""
    colours = _colours(result, described)
    channels = [name for name in described.channels if name in result.yields]
    with ratio_panels(plot, 2 * len(channels), 2) as (fig, pairs):
        for number, name in enumerate(channels):
            for when, (ax, ratio) in zip(("before", "after"), pairs[2 * number : 2 * number + 2], strict=True):
                words = {"before": "before the fit", "after": "as fitted"}[when]
                if when == "after" and not result.converged:
                    words = "no fit: it did not converge"
                _stack(ax, described, name, result.yields[name], when, colours)
                _ratio(ratio, described.channels[name], result.yields[name], when)
                ax.set_title(f"{name}, {words}", fontsize=10)
        above(fig, heading)
        legend_below(fig, 4)


def _process(described: ModelDescription, sample: str) -> str:
    """What a sample is drawn as: several signals are one."""
    if sample not in described.signals:
        return described.processes.get(sample, sample)
    return sample if len(described.signals) == 1 else "signal"


def _colours(result: ModelResult, described: ModelDescription) -> dict[str, str]:
    """The colours of signals and of the largest others; what has none is drawn together."""
    sums: dict[str, float] = {}
    for channel in result.yields.values():
        for name, one in channel.samples.items():
            process = _process(described, name)
            sums[process] = sums.get(process, 0.0) + one.sum_before
    signals = {_process(described, name) for name in described.signals}
    order = sorted(sums, key=lambda name: (name not in signals, -sums[name]))
    shown = order if len(order) <= MOST else order[: MOST - 1]
    return dict(zip(shown, MORE_COLOURS, strict=False))


def _contents(one: SampleYields, when: str) -> tuple[Array, Array]:
    """Contents and errors (N,)."""
    return np.array(getattr(one, when)), np.array(getattr(one, f"{when}_errors"))


def _grouped(
    channel: ChannelYields, described: ModelDescription, when: str, colours: Mapping[str, str]
) -> dict[str, Array]:
    """The contents of what is drawn, and together of all others: the smallest first, and signals last."""
    found: dict[str, Array] = {}
    for name, one in channel.samples.items():
        values, process = _contents(one, when)[0], _process(described, name)
        key = process if process in colours else "others"
        found[key] = found[key] + values if key in found else values
    signals = {_process(described, name) for name in described.signals}
    return dict(sorted(found.items(), key=lambda item: (item[0] in signals, float(item[1].sum()))))


def _stack(
    ax: Axes, described: ModelDescription, name: str, channel: ChannelYields, when: str, colours: Mapping[str, str]
) -> None:
    axis = described.channels[name]
    edges = np.array(axis.edges)
    even = np.allclose(np.diff(edges), np.diff(edges)[0])
    scale = np.ones(len(edges) - 1) if even else 1 / np.diff(edges)
    below = np.zeros(len(scale))
    signals = {_process(described, one) for one in described.signals}
    for process, values in _grouped(channel, described, when, colours).items():
        colour, top = colours.get(process, "0.75"), below + values * scale
        hatch: dict[str, Any] = {"hatch": "///", "edgecolor": "w"} if process in signals else {}
        ax.stairs(top, edges, baseline=below, fill=True, facecolor=colour, lw=0, label=process, **hatch)
        below = top
    total, errors = (values * scale for values in _contents(channel.total, when))
    band: dict[str, Any] = {"fill": True, "facecolor": "none", "edgecolor": "0.3", "hatch": "xxxx", "lw": 0}
    ax.stairs(total + errors, edges, baseline=total - errors, label="uncertainty", **band)
    observed, low, high = _data(channel, scale)
    centres = (edges[1:] + edges[:-1]) / 2
    words = "expected (Asimov data)" if described.asimov else "data"
    ax.errorbar(centres, observed, [observed - low, high - observed], fmt="k.", ms=4, lw=1, label=words)
    per = "events / bin" if even else f"events / {'unit' if axis.unit == '1' else axis.unit}"
    ax.set(xlim=(edges[0], edges[-1]), ylabel=per)
    ax.tick_params(labelbottom=False)
    _headroom(ax, total, high)


def _headroom(ax: Axes, total: Array, high: Array) -> None:
    filled, most = total[total > 0], float(max(high.max(), total.max()))
    if len(filled) and total.max() > MANY * filled.min():
        ax.set(yscale="log", ylim=(0.3 * float(filled.min()), 3 * most))
    else:
        ax.set_ylim(0, 1.25 * most)


def _data(channel: ChannelYields, scale: Array) -> tuple[Array, Array, Array]:
    """The data (N,) and the ends of their Poisson intervals."""
    counts = np.array(channel.observed)
    low, high = poisson_interval(counts)
    return counts * scale, low * scale, high * scale


def _ratio(ax: Axes, axis: ModelChannel, channel: ChannelYields, when: str) -> None:
    edges = np.array(axis.edges)
    total, errors = _contents(channel.total, when)
    known = total > 0
    base = np.where(known, total, np.nan)
    ax.stairs(1 + errors / base, edges, baseline=1 - errors / base, fill=True, color="0.8", lw=0)
    ax.axhline(1, color="k", lw=0.8)
    observed, low, high = (values / base for values in _data(channel, np.ones(len(total))))
    centres = (edges[1:] + edges[:-1]) / 2
    ax.errorbar(
        centres[known], observed[known], [(observed - low)[known], (high - observed)[known]], fmt="k.", ms=4, lw=1
    )
    away = np.abs(observed[known] - 1)
    reach = next((one for one in REACHES if len(away) and np.mean(away <= one) >= HELD), REACHES[-1])
    ax.set(xlim=(edges[0], edges[-1]), ylim=(max(0.0, 1 - reach), 1 + reach))
    ax.set(xlabel=axis_label(axis.label, axis.unit), ylabel="data / total")
