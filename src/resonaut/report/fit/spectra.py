"""Each selected spectrum: the data, the fits at its most significant mass, and the pulls."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from resonaut.core.observables import interval
from resonaut.core.style import COLOURS, Array, corner, figure, signal_region
from resonaut.fit.results.fits import Curves
from resonaut.fit.results.points import Point
from resonaut.fit.results.scans import BumpResult
from resonaut.report.figure import CONFIG, RESULTS, Figure, Output
from resonaut.report.fit import results as files
from resonaut.report.fit.results import Result, ShownFit, doubts, heading
from resonaut.report.intervals import poisson_interval
from resonaut.report.observables import axis_label
from resonaut.report.settings import label

FIGURE = Figure(
    category="Spectra",
    reads={"results": RESULTS, "config": CONFIG},
    writes={
        "spectra": Output(
            "spectra/{method}_{window}.png",
            each=("results", "{method}/{window}.json"),
            labels={"selection": "{method}", "window": "{window}"},
        )
    },
)

# An axis is logarithmic where its masses, or the events per unit, differ by these factors.
FAR, MANY = 10.0, 30.0


def draw(output: Path, results: Sequence[Path], config: Path | None) -> None:
    """Draw the spectrum of each result into ``output``: ``spectrum.png`` of a bare scan."""
    for result in files.read(results):
        spectrum(result, label(config), output / result.figure)


def spectrum(result: Result, label: str, plot: Path) -> None:
    """Draw the spectrum, the fit of the background and that with the most significant signal, and the pulls."""
    content, fit = result.content, result.fit
    with figure(plot, 2, 1, figsize=(6.4, 6), sharex=True, height_ratios=(3, 1)) as (_, (ax, pulls)):
        _data(ax, result)
        _fits(ax, pulls, result)
        if result.best is not None:
            _signal(ax, pulls, result, result.best)
        _regions((ax, pulls), result)
        ax.set(ylabel=f"events / {'unit' if result.unit == '1' else result.unit}")
        ax.set_title(result.title)
        corner(ax, heading(label, content))
        _headroom(ax)
        handles, names = ax.get_legend_handles_labels()
        # The data first, which matplotlib puts last.
        order = sorted(range(len(names)), key=lambda i: not names[i].startswith("data"))
        ax.legend([handles[i] for i in order], [names[i] for i in order], fontsize=8, loc="upper right")
        pulls.axhline(0, color="k", lw=0.8)
        reach = max(3.5, 1.1 * float(np.abs(pulls.dataLim.intervaly).max()))
        pulls.set(xlabel=axis_label(result.label, result.unit), ylabel="(data − fit) / √fit", ylim=(-reach, reach))
        edges = [*result.spectrum.edges, *fit.edges]
        pulls.set_xlim(min(edges), max(edges))
        if max(edges) > FAR * min(edges):
            pulls.set_xscale("log")


def _data(ax: Axes, result: Result) -> None:
    """The data in the bins of a bare spectrum or of the fit, and outside its range in those of the whole spectrum."""
    whole, fit = result.spectrum, result.fit
    edges, counts = np.asarray(whole.edges), np.asarray(whole.counts)
    outside = (edges[1:] <= fit.low) | (edges[:-1] >= fit.high)
    if result.window is None:
        _points(ax, edges[:-1][~outside], edges[1:][~outside], counts[~outside], "k", "data")
    else:
        own = np.asarray(fit.edges)
        _points(ax, own[:-1], own[1:], np.asarray(fit.counts), "k", "data")
    if outside.any():
        _points(ax, edges[:-1][outside], edges[1:][outside], counts[outside], "0.6", "data outside the fit")


def _points(ax: Axes, low: Array, high: Array, counts: Array, colour: str, name: str) -> None:
    least, most = poisson_interval(counts)
    widths = high - low
    errors = np.stack([counts - least, most - counts]) / widths
    style: dict[str, Any] = {"fmt": ".", "color": colour, "ms": 4, "lw": 1}
    ax.errorbar((low + high) / 2, counts / widths, errors, xerr=widths / 2, label=name, **style)


def _fits(ax: Axes, pulls: Axes, result: Result) -> None:
    fit, doubted = result.fit, doubts(result.best) if result.best else []
    if not fit.fitted:
        ax.plot([], [], " ", label="no fit at any mass")
        return
    edges = np.asarray(fit.edges)
    name = (
        f"background, {interval(fit.low, fit.high, result.unit, '–')}: {fit.family.replace('_', ' ')}, "
        f"{fit.shape_parameters} shape parameters\n" + rf"$\chi^2$/ndf = {fit.chi2:.1f}/{fit.ndf}"
    )
    if fit.p_background is not None:
        name += f", p = {fit.p_background:.2g}"
    if doubted:
        name += f"\nin doubt: {'; '.join(doubted)}"
    ax.stairs(*_density(result.curves, "background"), color=COLOURS[0], lw=1.5, label=name)
    pulls.stairs(fit.pulls, edges, fill=True, color="0.6")


def _density(curves: Curves | ShownFit, name: str) -> tuple[Array, Array]:
    """A curve as densities (N,) between edges (N + 1)."""
    edges = np.asarray(curves.edges)
    return np.asarray(getattr(curves, name)) / np.diff(edges), edges


def _signal(ax: Axes, pulls: Axes, result: Result, point: Point) -> None:
    """The fit with a signal, and the signal alone in units of the pulls."""
    fit = point.fit
    edges = np.asarray(fit.edges)
    up, down = point.signal_yield_error_up, point.signal_yield_error_down
    name = (
        f"with signal at {result.said(point.mass)}: ${point.signal_yield:.3g}^{{+{up:.3g}}}_{{-{down:.3g}}}$ events, "
        f"{point.z_local:.1f}σ"
    )
    style: dict[str, Any] = {"color": COLOURS[2], "lw": 1.2, "ls": "--"}
    ax.stairs(*_density(result.curves, "signal_plus_background"), label=name, **style)
    pulls.stairs(np.asarray(fit.signal) / np.sqrt(fit.background), edges, **style)


def _regions(panels: tuple[Axes, Axes], result: Result) -> None:
    """Shade the signal region of a selection, and the interval that the BumpHunter found."""
    bump = result.content.bump_hunter
    for panel in panels:
        if result.region is not None:
            signal_region(panel, *result.region)
        if bump is not None:
            style: dict[str, Any] = {"color": COLOURS[1], "alpha": 0.18, "lw": 0, "zorder": 0.5}
            panel.axvspan(bump.low, bump.high, label=_bump(bump, result.unit), **style)


def _bump(bump: BumpResult, unit: str) -> str:
    name = f"BumpHunter, {interval(bump.low, bump.high, unit, '–')}: p = {bump.p_local:.2g} local"
    if bump.p_global is None:
        return name
    # No toy as extreme as the data says only that the p-value is below one toy's share.
    return name + (f", {bump.p_global:.2g} global" if bump.p_global else f", < {1 / bump.toys:.2g} global")


def _headroom(ax: Axes) -> None:
    """From below the smallest populated bin to far enough above the largest that the legend has room.

    The axis is logarithmic where the data are of different orders of magnitude.
    """
    lines = [container[0].get_ydata() for container in ax.containers]
    heights = np.concatenate([np.asarray(line, dtype=float) for line in lines])
    filled = heights[heights > 0]
    if not len(filled):
        return
    least, most = float(filled.min()), float(filled.max())
    if most < MANY * least:
        ax.set_ylim(0, 1.8 * most)
        return
    low = 0.3 * least
    ax.set_yscale("log")
    ax.set_ylim(low, most * min(max(10.0, (most / low) ** 0.6), 30.0))
