"""Figures of the search itself: selected spectra with their fits, p-value scans, limits, sculpting."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from scipy.stats import chi2, norm

from resonaut import config
from resonaut.report.style import COLOURS, GREEN, YELLOW, corner, figure


def spectrum(result: Path, label: str, plot: Path) -> None:
    """The selected m_jj spectrum, the background fit, the most significant signal, and the pulls."""
    content = config.load_json(result)
    edges = np.asarray(content["merged"]["edges"])
    with figure(plot, 2, 1, figsize=(6, 5.6), sharex=True, height_ratios=(3, 1)) as (_, (ax, pulls)):
        if "signal_region" in content:
            for panel in (ax, pulls):
                panel.axvspan(*content["signal_region"], color="0.93", zorder=0)
        _data(ax, edges, np.asarray(content["merged"]["counts"]))
        _background(ax, pulls, content)
        if content["scan"]:
            _best_signal(ax, pulls, content, max(content["scan"], key=lambda point: float(point["z_local"])))
        ax.set(yscale="log", ylabel="events / GeV")
        ax.set_title(f"{content['method']}, {content['window']}" if "method" in content else "")
        corner(ax, f"{label}, {_energy(content)}")
        ax.legend(fontsize=9)
        pulls.axhline(0, color="k", lw=0.8)
        reach = max(3.5, 1.1 * float(np.abs(pulls.dataLim.intervaly).max()))
        pulls.set(xlabel="$m_{jj}$ [GeV]", ylabel="(data − fit) / √fit", ylim=(-reach, reach), xlim=edges[[0, -1]])


def _data(ax: Axes, edges: np.ndarray, counts: np.ndarray) -> None:
    widths, (low, high) = np.diff(edges), _poisson_interval(counts)
    errors = np.stack([counts - low, high - counts]) / widths
    centres = (edges[1:] + edges[:-1]) / 2
    ax.errorbar(centres, counts / widths, errors, xerr=widths / 2, fmt="k.", ms=4, lw=1, label="data")
    filled = counts / widths
    ax.set_ylim(bottom=0.3 * filled[filled > 0].min() if filled.any() else None)


def _background(ax: Axes, pulls: Axes, content: dict[str, Any]) -> None:
    fine, quality = np.asarray(content["spectrum"]["edges"]), content["background"]
    name = rf"background fit: $\chi^2$/ndf {quality['chi2']:.1f}/{quality['ndf']}"
    density = np.asarray(content["spectrum"]["background"]) / np.diff(fine)
    ax.stairs(density, fine, color=COLOURS[0], lw=1.5, label=name)
    pulls.stairs(content["merged"]["pulls"], content["merged"]["edges"], fill=True, color="0.6")


def _best_signal(ax: Axes, pulls: Axes, content: dict[str, Any], point: dict[str, Any]) -> None:
    """The fit with a signal, and the signal alone in units of the pulls."""
    fine, edges = np.asarray(content["spectrum"]["edges"]), np.asarray(content["merged"]["edges"])
    name = (
        f"with signal at {point['mass']:g} GeV: {point['signal_yield']:.0f} ± {point['signal_yield_error']:.0f} "
        f"events, {point['z_local']:.1f}σ"
    )
    density = np.asarray(point["signal_plus_background"]) / np.diff(fine)
    ax.stairs(density, fine, color=COLOURS[2], lw=1.2, ls="--", label=name)
    added = _rebin(np.asarray(point["signal"]), fine, edges) / np.sqrt(np.asarray(content["merged"]["background"]))
    pulls.stairs(added, edges, color=COLOURS[2], ls="--")


def _poisson_interval(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Central 68 % intervals of Poisson means (Garwood)."""
    tail = norm.sf(1)
    return np.nan_to_num(chi2.ppf(tail, 2 * counts) / 2), chi2.isf(tail, 2 * (counts + 1)) / 2


def _rebin(values: np.ndarray, fine: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Sums of fine bins inside each of the merged ones, whose edges are a subset."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    return np.diff(np.interp(edges, fine, total))


def _energy(content: dict[str, Any]) -> str:
    luminosity = content["luminosity"]
    return f"{content['sqrt_s'] / 1000:g} TeV" + (f", {luminosity:.3g} fb$^{{-1}}$" if luminosity else "")


def _scans(results: Sequence[Path]) -> dict[str, list[dict[str, Any]]]:
    """The scan points of each selection, sorted by mass, all windows joined."""
    scans: dict[str, list[dict[str, Any]]] = {}
    for path in results:
        content = config.load_json(path)
        scans.setdefault(content.get("method", "spectrum"), []).extend(content["scan"])
    return {name: sorted(points, key=lambda point: float(point["mass"])) for name, points in scans.items()}


def p_values(results: Sequence[Path], label: str, plot: Path) -> None:
    """Local p-value of every selection against the resonance mass."""
    scans = _scans(results)
    content = config.load_json(results[0])
    with figure(plot, figsize=(6.4, 4.4)) as (_, ax):
        for name, points in scans.items():
            ax.plot([point["mass"] for point in points], [point["p_local"] for point in points], "o-", ms=4, label=name)
        lowest = min(point["p_local"] for points in scans.values() for point in points)
        levels = range(1, max(5, int(norm.isf(lowest)) + 1) + 1)
        for sigma in levels:
            ax.axhline(norm.sf(sigma), color="grey", ls=":", lw=0.8)
            ax.annotate(
                f"{sigma}σ",
                (1.0, norm.sf(sigma)),
                xycoords=("axes fraction", "data"),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                fontsize=9,
                color="grey",
            )
        ax.set(yscale="log", xlabel="resonance mass [GeV]", ylabel="local p-value", ylim=(norm.sf(levels[-1]) / 3, 1.2))
        corner(ax, f"{label}, {_energy(content)}")
        ax.legend(loc="lower right")


def limits(results: Sequence[Path], label: str, plot: Path) -> None:
    """Observed and expected CLs limits of every selection against the resonance mass.

    In fb; a mass at which the selection keeps no simulated signal has none. Without any efficiency, in events.
    """
    scans, content = _scans(results), config.load_json(results[0])
    in_fb = any(point["limit"] for points in scans.values() for point in points)
    key, unit = ("limit", "cross section [fb]") if in_fb else ("limit_events", "signal yield [events]")
    with figure(plot, 1, len(scans), figsize=(4.4 * len(scans), 4.2), squeeze=False, sharex=True, sharey=True) as (
        _,
        axes,
    ):
        for ax, (name, points) in zip(axes[0], scans.items(), strict=True):
            _band(ax, {point["mass"]: point[key] for point in points if point[key]})
            ax.set(yscale="log", xlabel="resonance mass [GeV]")
            ax.set_title(name)
        axes[0][0].set_ylabel(f"{100 * content['confidence_level']:g} % CL upper limit on the {unit}")
        axes[0][0].legend(fontsize=9)
        corner(axes[0][-1], f"{label}, {_energy(content)}")


def _band(ax: Axes, limits: dict[float, dict[str, float]]) -> None:
    mass = list(limits)

    def line(key: str) -> list[float]:
        return [limit[key] for limit in limits.values()]

    ax.fill_between(mass, line("expected_minus_2"), line("expected_plus_2"), color=YELLOW, lw=0, label="expected ± 2σ")
    ax.fill_between(mass, line("expected_minus_1"), line("expected_plus_1"), color=GREEN, lw=0, label="expected ± 1σ")
    ax.plot(mass, line("expected"), "k--", label="expected")
    ax.plot(mass, line("observed"), "ko-", ms=4, label="observed")
