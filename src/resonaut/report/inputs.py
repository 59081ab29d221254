"""Figures of what goes into the search: cutflows, taggers, reweighting."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from resonaut import config
from resonaut.events import Manifest
from resonaut.files import atomic
from resonaut.report.style import COLOURS, figure


def cutflows(manifests: Sequence[Path], table: Path, plot: Path) -> None:
    """The events after each cut of every dataset, as a table and as fractions of the first row."""
    # The figure shows what the manifests say: it opens no events.
    skimmed = [config.read(path, Manifest) for path in manifests]
    with atomic(table) as partial, partial.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["dataset", "cut", "events", "sum_weights", "fraction"])
        for manifest in skimmed:
            for row in manifest.cutflow:
                writer.writerow(
                    [
                        manifest.name,
                        row["cut"],
                        row["events"],
                        f"{row['sum_weights']:.6g}",
                        f"{_share(manifest, row):.5f}",
                    ]
                )
            for lost in manifest.lost:
                events = "" if lost["events"] is None else -lost["events"]
                writer.writerow([manifest.name, f"lost: {lost['file']} ({lost['reason']})", events, "", ""])
            for note in manifest.notes:
                writer.writerow([manifest.name, f"note: {note}", "", "", ""])
    with figure(plot, figsize=(8, 0.75 + 0.55 * len(skimmed))) as (_, ax):
        for y, manifest in enumerate(skimmed):
            fractions = [_share(manifest, row) for row in manifest.cutflow]
            for x, (row, fraction) in enumerate(zip(manifest.cutflow, fractions, strict=True)):
                ax.barh(
                    y + 0.4 - 0.8 * (x + 0.5) / len(fractions), fraction, 0.75 / len(fractions), color=COLOURS[x % 6]
                )
                ax.text(
                    fraction + 0.005,
                    y + 0.4 - 0.8 * (x + 0.5) / len(fractions),
                    f"{row['cut']}: {row['events']:,}",
                    va="center",
                    fontsize=6,
                )
        ax.set_yticks(range(len(skimmed)), [manifest.name for manifest in skimmed])
        ax.tick_params(axis="y", which="minor", left=False, right=False)
        ax.invert_yaxis()
        ax.set(xlabel="fraction of generated (recorded) events", xlim=(0, 1.25))


def _share(manifest: Manifest, row: dict[str, Any]) -> float:
    first = manifest.cutflow[0]["sum_weights"]
    return float(row["sum_weights"] / first) if first else 0.0


def tagger_roc(summaries: Sequence[Path], plot: Path) -> None:
    """QCD rejection against signal efficiency of every network, one panel for each kind of jet."""
    networks = {path.stem: config.load_json(path) for path in summaries}
    kinds = list(dict.fromkeys(kind for network in networks.values() for kind in network["roc"]))
    with figure(plot, 1, len(kinds), figsize=(4.2 * len(kinds), 4), squeeze=False, sharey=True) as (_, axes):
        for ax, kind in zip(axes[0], kinds, strict=True):
            for name, network in networks.items():
                if kind not in network["roc"]:
                    continue
                roc = network["roc"][kind]
                signal, qcd = np.asarray(roc["signal_efficiency"]), np.asarray(roc["qcd_efficiency"])
                shown = qcd > 0
                ax.plot(signal[shown], 1 / qcd[shown], label=f"{name}: AUC {network['auc'][kind]:.3f}")
            efficiency = np.linspace(0.01, 1, 100)
            ax.plot(efficiency, 1 / efficiency, ":", color="grey", label="no discrimination")
            ax.set(yscale="log", xlim=(0, 1), xlabel=f"efficiency of {kind} jets")
            ax.legend(fontsize=9)
        axes[0][0].set_ylabel("1 / QCD efficiency (jets not used in training)")


def closure(content: dict[str, Any], ax: Axes, ratio: Axes) -> None:
    """One feature in data and in simulation before and after reweighting, with the ratios to data."""
    edges = np.asarray(content["data"]["axes"][0]["edges"])
    widths, centres = np.diff(edges), (edges[1:] + edges[:-1]) / 2
    data, error = _values(content["data"])
    inside = data > 0
    for label, colour in (("before", COLOURS[1]), ("after", COLOURS[0])):
        values, _ = _values(content[label])
        chi2 = content[f"chi2_{label}"] / content["ndof"]
        ax.stairs(values / widths, edges, color=colour, label=rf"simulation {label}: $\chi^2$/ndf {chi2:.1f}")
        ratio.stairs(np.where(inside, values / np.where(inside, data, 1), np.nan), edges, color=colour, baseline=None)
    ax.errorbar(centres, data / widths, error / widths, fmt="k.", ms=4, label="data")
    ratio.errorbar(centres[inside], np.ones(inside.sum()), (error / np.where(inside, data, 1))[inside], fmt="k.", ms=4)
    ax.legend(fontsize=8)


def _values(histogram: dict[str, Any]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Contents and errors of a one-dimensional weighted histogram in UHI's layout, flow bins left out."""
    axis, storage = histogram["axes"][0], histogram["storage"]
    inner = slice(int(axis["underflow"]), len(storage["values"]) - int(axis["overflow"]))
    return np.asarray(storage["values"])[inner], np.sqrt(np.asarray(storage["variances"])[inner])


def reweighting(summary: Path, plot: Path) -> None:
    """Closure of the reweighting: every feature in the sidebands, data against simulation."""
    content = config.load_json(summary)
    features = content["features"]
    with figure(
        plot,
        2,
        len(features),
        figsize=(3.6 * len(features), 4.4),
        squeeze=False,
        sharex="col",
        height_ratios=(3, 1),
    ) as (fig, axes):
        for column, histograms in enumerate(features):
            closure(histograms, axes[0][column], axes[1][column])
            axes[0][column].set(
                xlim=(histograms["data"]["axes"][0]["edges"][0], histograms["data"]["axes"][0]["edges"][-1])
            )
            axes[1][column].set(xlabel=histograms["name"], ylim=(0.5, 1.5))
        axes[0][0].set_ylabel("events in the sidebands / unit")
        axes[1][0].set_ylabel("sim. / data")
        # Without enough events there is no such number.
        if content["auc_after"] is not None:
            fig.suptitle(
                f"AUC of fresh classifiers, data against simulation: {content['auc_before']:.3f} before, "
                f"{content['auc_after']:.3f} after",
                fontsize=11,
            )
