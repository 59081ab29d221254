"""Figures of what goes into the search: cutflows, taggers, reweighting."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from resonaut.core import config
from resonaut.core.events import Cut, Manifest
from resonaut.core.files import atomic
from resonaut.core.histograms import from_json
from resonaut.core.results import read
from resonaut.core.shape import require
from resonaut.report.results import NUMBERS
from resonaut.report.spectrum import poisson_interval
from resonaut.report.style import COLOURS, Array, above, figure, headline, legend_below, ratio_panels

# Panels of features in one row.
FEATURES_IN_A_ROW = 4
RATIO_RANGE = (0.5, 1.5)
WHEN = ("before", "after")
# What of a summary of the stage ``tag``, and of the closure of the reweighting, is read here.
NETWORK = {"roc": {str: {"signal_efficiency": NUMBERS, "qcd_efficiency": NUMBERS}}}
CHI2 = dict.fromkeys((*(f"chi2_{when}" for when in WHEN), "ndof"), float)
CLOSURE: dict[str, Any] = {"features": [{**dict.fromkeys(("data", *WHEN), from_json), **CHI2}]}
CLOSURE |= dict.fromkeys((f"{name}_{when}" for name in ("auc", "auc_error") for when in WHEN), (float, None))


def cutflows(manifests: Sequence[Path], text: str, table: Path, plot: Path) -> None:
    """The events after each cut of every dataset, as a table and as fractions of the first row; ``text`` is above."""
    # The figure shows what the manifests say: it opens no events.
    skimmed = [read(path, Manifest) for path in manifests]
    with atomic(table) as partial, partial.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["dataset", "cut", "events", "sum_weights", "fraction"])
        for manifest in skimmed:
            for row in manifest.cutflow:
                writer.writerow(
                    [
                        manifest.name,
                        row.cut,
                        row.events,
                        f"{row.sum_weights:.6g}",
                        f"{_share(manifest, row):.5f}",
                    ]
                )
            for lost in manifest.lost:
                events = "" if lost.events is None else -lost.events
                writer.writerow([manifest.name, f"lost: {lost.file} ({lost.reason})", events, "", ""])
            for note in manifest.notes:
                writer.writerow([manifest.name, f"note: {note}", "", "", ""])
    lines = [max(1, len(manifest.cutflow)) for manifest in skimmed]
    size = (8, 0.9 + sum(0.5 + 0.2 * number for number in lines))
    with figure(plot, len(lines), 1, figsize=size, squeeze=False, sharex=True, height_ratios=lines) as (fig, axes):
        for ax, manifest in zip(axes[:, 0], skimmed, strict=True):
            _cutflow(ax, manifest)
        axes[-1][0].set(xlabel="fraction of generated (recorded) events", xlim=(0, 1.3))
        above(fig, text)


def _cutflow(ax: Axes, manifest: Manifest) -> None:
    """A bar and a line of text for each cut of one dataset, the first above."""
    y = range(len(manifest.cutflow))
    fractions = [_share(manifest, row) for row in manifest.cutflow]
    ax.barh(y, fractions, 0.7, color=COLOURS[0])
    for place, row, fraction in zip(y, manifest.cutflow, fractions, strict=True):
        ax.text(fraction + 0.01, place, f"{row.events:,} ({fraction:.1%})", va="center", fontsize=8)
    ax.set_yticks(y, [row.cut for row in manifest.cutflow], fontsize=8)
    ax.tick_params(axis="y", which="minor", left=False, right=False)
    ax.set_ylim(max(len(y), 1) - 0.4, -0.6)
    parts = [manifest.name] if manifest.name == manifest.role else [manifest.name, manifest.role]
    if manifest.luminosity:
        parts.append(f"{manifest.luminosity:.4g} fb$^{{-1}}$")
    if manifest.lost:
        parts.append(f"{len(manifest.lost)} lost file{'s' * (len(manifest.lost) > 1)}")
    ax.set_title(", ".join(parts), fontsize=10, color=COLOURS[2] if manifest.lost else "k")


def _share(manifest: Manifest, row: Cut) -> float:
    first = manifest.cutflow[0].sum_weights
    return float(row.sum_weights / first) if first else 0.0


def tagger_roc(summaries: Sequence[Path], text: str, plot: Path) -> None:
    """QCD rejection against signal efficiency of every network, one panel for each kind of jet; ``text`` is above.

    Raises:
        InputFileError: a file is no summary of the stage ``tag``.
    """
    networks = {path.stem: _network(path) for path in summaries}
    kinds = list(dict.fromkeys(kind for network in networks.values() for kind in network["roc"]))
    with figure(plot, 1, len(kinds), figsize=(4.2 * len(kinds), 4.8), squeeze=False, sharey=True) as (fig, axes):
        for ax, kind in zip(axes[0], kinds, strict=True):
            for i, (name, network) in enumerate(networks.items()):
                if kind in network["roc"]:
                    _roc(ax, name, network, kind, COLOURS[i % len(COLOURS)])
            efficiency = np.linspace(0.01, 1, 100)
            ax.plot(efficiency, 1 / efficiency, ":", color="grey", label="no discrimination")
            ax.set(yscale="log", xlim=(0, 1), xlabel=f"efficiency of {kind} jets")
            # Below the axes: inside it would hide the curves of good taggers.
            ax.legend(fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.18))
        axes[0][0].set_ylabel("1 / QCD efficiency (jets not used in training)")
        headline(fig, text)


def _network(path: Path) -> dict[str, Any]:
    name, remedy = "summary of a tagger", "run 'resonaut tag train' again"
    content: dict[str, Any] = require(config.load_json(path), NETWORK, path, name, remedy)
    kinds = content["roc"]
    counted = {"auc": dict.fromkeys(kinds, float), "held_out_jets": dict.fromkeys(["qcd", *kinds], int)}
    require(content, counted, path, name, remedy)
    return content


def _roc(ax: Axes, name: str, network: dict[str, Any], kind: str, colour: str) -> None:
    """A ROC curve with 68 % intervals from the number of QCD jets, as far as one jet of each kind is there."""
    roc, jets = network["roc"][kind], network["held_out_jets"]
    signal, qcd = np.asarray(roc["signal_efficiency"]), np.asarray(roc["qcd_efficiency"])
    least = 1 - 1e-9
    shown = (qcd * jets["qcd"] >= least) & (signal * jets[kind] >= least)
    low, high = poisson_interval(qcd[shown] * jets["qcd"])
    ax.fill_between(signal[shown], jets["qcd"] / high, jets["qcd"] / low, color=colour, alpha=0.25, lw=0)
    label = f"{name}: AUC {network['auc'][kind]:.3f}, {jets['qcd']:,} QCD jets"
    ax.plot(signal[shown], 1 / qcd[shown], color=colour, label=label)


def reweighting(summary: Path, text: str, plot: Path) -> None:
    """Closure of the reweighting: every feature in the sidebands, data against simulation; ``text`` is above.

    Raises:
        InputFileError: ``summary`` is no ``closure.json`` of the stage ``reweight``.
    """
    content = require(
        config.load_json(summary), CLOSURE, summary, "closure of a reweighting", "run 'resonaut reweight train' again"
    )
    features = content["features"]
    with ratio_panels(plot, len(features), FEATURES_IN_A_ROW) as (fig, pairs):
        for (upper, lower), found in zip(pairs, features, strict=True):
            closure(found, upper, lower)
        for _, lower in pairs[::FEATURES_IN_A_ROW]:
            lower.set_ylabel("sim. / data")
        text += "\nevents in the sidebands"
        # Without enough events there is no such number.
        if content["auc_after"] is not None:
            aucs = (f"{content[f'auc_{when}']:.3f} ± {content[f'auc_error_{when}']:.3f} {when}" for when in WHEN)
            text += f"\nAUC of a fresh classifier: {', '.join(aucs)}"
        headline(fig, text)
        legend_below(fig, 3)


def closure(content: dict[str, Any], ax: Axes, ratio: Axes) -> None:
    """One feature in data and in simulation before and after reweighting, with the ratios to data."""
    data = from_json(content["data"])
    edges = data.axes[0].edges
    widths, centres, inside = np.diff(edges), (edges[1:] + edges[:-1]) / 2, data.values() > 0
    counts, error = data.values(), np.sqrt(data.variances())
    scale = np.where(inside, counts, np.nan)
    for when, colour in zip(WHEN, (COLOURS[1], COLOURS[0]), strict=True):
        found = from_json(content[when])
        values, errors = found.values(), np.sqrt(found.variances())
        _simulation(ax, edges, values / widths, errors / widths, colour, f"simulation {when} reweighting")
        _simulation(ratio, edges, values / scale, errors / scale, colour, "")
    style: dict[str, Any] = {"fmt": "k.", "ms": 4, "zorder": 3}
    ax.errorbar(centres, counts / widths, error / widths, label="data", **style)
    ratio.errorbar(centres[inside], np.ones(inside.sum()), (error / scale)[inside], **style)
    label = data.axes[0].label
    unit = label.partition(" [")[2].rstrip("]")
    ax.set(xlim=(edges[0], edges[-1]), ylim=(0, None), ylabel=f"events / {unit or 'unit'}")
    chi2 = (f"{content[f'chi2_{when}'] / content['ndof']:.1f} {when}" for when in WHEN)
    ax.set_title(rf"$\chi^2$/ndf: {', '.join(chi2)}", fontsize=9)
    ax.tick_params(labelbottom=False)
    ratio.set(xlim=(edges[0], edges[-1]), ylim=RATIO_RANGE, xlabel=label)


def _simulation(ax: Axes, edges: Array, values: Array, errors: Array, colour: str, name: str) -> None:
    """Bins as a line, their statistical errors as a band; nothing where there is no value."""
    ax.stairs(values, edges, color=colour, label=name, baseline=None)
    ax.stairs(values + errors, edges, baseline=values - errors, color=colour, alpha=0.25, lw=0, fill=True)
