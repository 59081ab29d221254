"""What passes in models with transfer factors, as fitted, and the data without the background from failing events."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from resonaut.core.results import read
from resonaut.core.style import MORE_COLOURS, Array, above, legend_below, ratio_panels
from resonaut.fit.results.histfactory import ChannelYields, ModelResult
from resonaut.fit.results.models import ModelChannel, ModelDescription
from resonaut.report.figure import CONFIG, Figure, Input, Output
from resonaut.report.intervals import poisson_interval
from resonaut.report.observables import axis_label
from resonaut.report.settings import of_data

FIGURE = Figure(
    category="Models",
    reads={
        "fitted": Input("fit", "transferred", "<results>/fit/models/<model>/result.json of models with `transfer`."),
        "descriptions": Input("fit", "descriptions", "<results>/fit/models/<model>/model.json of all models."),
        "config": CONFIG,
    },
    writes={
        "peaks": Output(
            "models/{model}_peaks.png",
            each=("fitted", "{model}/result.json"),
            labels={"model": "{model}", "shown": "data without the background from failing events"},
        )
    },
)

IN_A_ROW = 3


def draw(output: Path, fitted: Sequence[Path], descriptions: Sequence[Path], config: Path | None) -> None:
    """Draw each model whose fit has converged: a pair of panels for each channel that passes.

    Raises:
        InputFileError: a file is no fit, or no description of a model.
    """
    described = {path.parent.name: read(path, ModelDescription) for path in descriptions}
    for path in fitted:
        name, found = path.parent.name, read(path, ModelResult)
        axes, processes = described[name].channels, described[name].processes
        signals = dict.fromkeys(described[name].signals, "signal") if len(described[name].signals) > 1 else {}
        channels = [one for one in axes if _passes(found.yields[one], processes)]
        with ratio_panels(output / "models" / f"{name}_peaks.png", len(channels), IN_A_ROW) as (fig, pairs):
            for channel, (spectrum, peak) in zip(channels, pairs, strict=True):
                _draw(spectrum, peak, found.yields[channel], axes[channel], signals)
                spectrum.set_title(channel, fontsize=10)
            above(fig, of_data(config, luminosity=described[name].luminosity))
            legend_below(fig, 4)


def _passes(channel: ChannelYields, processes: Mapping[str, str]) -> bool:
    """Whether its background is a sample for each basis function; that of what fails is one with its own name."""
    return any(processes.get(name, name) != name for name in channel.samples)


def _background(channel: ChannelYields, axis: ModelChannel) -> list[str]:
    """The samples that come from failing events, which have no histograms."""
    return [name for name in channel.samples if name not in axis.samples]


def _draw(spectrum: Axes, peak: Axes, channel: ChannelYields, axis: ModelChannel, signals: Mapping[str, str]) -> None:
    """Samples upon the background with the data, each per unit; below it the same without the background."""
    edges = np.array(axis.edges)
    scale, centres = 1 / np.diff(edges), (edges[1:] + edges[:-1]) / 2
    contents = {name: np.array(one.after) for name, one in channel.samples.items()}
    background = np.sum([contents[name] for name in _background(channel, axis)], axis=0)
    others: dict[str, Array] = {}
    for name in sorted(axis.samples.keys() & contents.keys(), key=lambda name: (name in signals, name)):
        process = signals.get(name, name)
        others[process] = others.get(process, 0) + contents[name]
    for ax, base in ((spectrum, background), (peak, np.zeros_like(background))):
        below = base * scale
        if ax is spectrum:
            ax.stairs(below, edges, fill=True, facecolor="0.85", lw=0, label="from failing events")
        for (name, values), colour in zip(others.items(), MORE_COLOURS, strict=False):
            top = below + values * scale
            ax.stairs(top, edges, baseline=below, fill=True, facecolor=colour, lw=0, label=name)
            below = top
        counts = np.array(channel.observed)
        low, high = poisson_interval(counts)
        lost = background - base
        ends = (counts - low) * scale, (high - counts) * scale
        ax.errorbar(centres, (counts - lost) * scale, ends, fmt="k.", ms=4, lw=1, label="data")
        _band(ax, edges, below, np.array(channel.total.after_errors) * scale)
    unit = "unit" if axis.unit == "1" else axis.unit
    spectrum.set(ylabel=f"events / {unit}", xlim=(edges[0], edges[-1]), ylim=(0, None))
    spectrum.tick_params(labelbottom=False)
    peak.axhline(0, color="k", lw=0.8)
    label = axis_label(axis.label, axis.unit)
    peak.set(xlim=(edges[0], edges[-1]), xlabel=label)
    peak.set_ylabel("less background", fontsize=9)


def _band(ax: Axes, edges: Array, values: Array, errors: Array) -> None:
    look: dict[str, Any] = {"fill": True, "facecolor": "none", "edgecolor": "0.3", "hatch": "xxxx", "lw": 0}
    ax.stairs(values + errors, edges, baseline=values - errors, label="uncertainty of the fit", **look)
