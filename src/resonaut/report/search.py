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
    merged, best = content["merged"], max(content["scan"], key=lambda point: point["z_local"])
    edges, counts = np.asarray(merged["edges"]), np.asarray(merged["counts"])
    fine, background = np.asarray(content["spectrum"]["edges"]), np.asarray(content["spectrum"]["background"])
    both, signal = np.asarray(best["signal_plus_background"]), np.asarray(best["signal"])
    widths, centres = np.diff(edges), (edges[1:] + edges[:-1]) / 2
    with figure(plot, 2, 1, figsize=(6, 5.6), sharex=True, height_ratios=(3, 1)) as (_, (ax, pulls)):
        for region in [content["signal_region"]] if "signal_region" in content else []:
            for panel in (ax, pulls):
                panel.axvspan(*region, color="0.93", zorder=0)
        low, high = _poisson_interval(counts)
        ax.errorbar(
            centres,
            counts / widths,
            np.stack([counts - low, high - counts]) / widths,
            xerr=widths / 2,
            fmt="k.",
            ms=4,
            lw=1,
            label="data",
        )
        quality = content["background"]
        ax.stairs(
            background / np.diff(fine),
            fine,
            color=COLOURS[0],
            lw=1.5,
            label=rf"background fit: $\chi^2$/ndf {quality['chi2']:.1f}/{quality['ndf']}",
        )
        ax.stairs(
            both / np.diff(fine),
            fine,
            color=COLOURS[2],
            lw=1.2,
            ls="--",
            label=f"with signal at {best['mass']:g} GeV: {best['signal_yield']:.0f} ± {best['signal_yield_error']:.0f} "
            f"events, {best['z_local']:.1f}σ",
        )
        ax.set(yscale="log", ylabel="events / GeV", ylim=(0.3 * _smallest(counts / widths), None))
        ax.set_title(f"{content['method']}, {content['window']}" if "method" in content else "")
        corner(ax, f"{label}, {_energy(content)}")
        ax.legend(fontsize=9)
        pulls.stairs(merged["pulls"], edges, fill=True, color="0.6")
        pulls.axhline(0, color="k", lw=0.8)
        added = _rebin(signal, fine, edges) / np.sqrt(np.asarray(merged["background"]))
        pulls.stairs(added, edges, color=COLOURS[2], ls="--")
        reach = max(3.5, 1.1 * float(np.abs(merged["pulls"]).max()), 1.1 * float(added.max()))
        pulls.set(
            xlabel="$m_{jj}$ [GeV]", ylabel="(data − fit) / √fit", ylim=(-reach, reach), xlim=(edges[0], edges[-1])
        )


def _poisson_interval(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Central 68 % intervals of Poisson means (Garwood)."""
    tail = norm.sf(1)
    return np.nan_to_num(chi2.ppf(tail, 2 * counts) / 2), chi2.isf(tail, 2 * (counts + 1)) / 2


def _rebin(values: np.ndarray, fine: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Sums of fine bins inside each of the merged ones, whose edges are a subset."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    return np.diff(np.interp(edges, fine, total))


def _smallest(values: np.ndarray) -> float:
    return float(values[values > 0].min()) if (values > 0).any() else 1.0


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
    """Observed and expected 95 % CLs limits of every selection against the resonance mass."""
    scans = _scans(results)
    content = config.load_json(results[0])
    with figure(plot, 1, len(scans), figsize=(4.4 * len(scans), 4.2), squeeze=False, sharey=True) as (_, axes):
        for ax, (name, points) in zip(axes[0], scans.items(), strict=True):
            _band(ax, points)
            ax.set(yscale="log", xlabel="resonance mass [GeV]")
            ax.set_title(name)
        in_fb = all(point["limit"] for points in scans.values() for point in points)
        level = f"{100 * content['confidence_level']:g} % CL upper limit"
        axes[0][0].set_ylabel(f"{level} on the cross section [fb]" if in_fb else f"{level} [signal events]")
        axes[0][0].legend(fontsize=9)
        corner(axes[0][-1], f"{label}, {_energy(content)}")


def _band(ax: Axes, points: list[dict[str, Any]]) -> None:
    mass = [point["mass"] for point in points]
    values = [point["limit"] or point["limit_events"] for point in points]

    def line(key: str) -> list[float]:
        return [value[key] for value in values]

    ax.fill_between(mass, line("expected_minus_2"), line("expected_plus_2"), color=YELLOW, lw=0, label="expected ± 2σ")
    ax.fill_between(mass, line("expected_minus_1"), line("expected_plus_1"), color=GREEN, lw=0, label="expected ± 1σ")
    ax.plot(mass, line("expected"), "k--", label="expected")
    ax.plot(mass, line("observed"), "ko-", ms=4, label="observed")
