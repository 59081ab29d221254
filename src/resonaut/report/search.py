"""The figures of a search: p-values and limits against mass; and one command for all figures and the HEPData tables."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from scipy.stats import norm

from resonaut.core.files import folder
from resonaut.report import fits, hepdata
from resonaut.report import results as files
from resonaut.report.results import (
    Point,
    Selection,
    Value,
    checked_limit,
    doubts,
    heading,
    limit,
    limit_doubts,
)
from resonaut.report.spectrum import spectrum
from resonaut.report.style import (
    COLOURS,
    GREEN,
    PANELS_IN_A_ROW,
    YELLOW,
    above,
    alone,
    band,
    corner,
    distinct,
    figure,
    legend_below,
    mark_doubtful,
    mark_found,
)

# An expected significance beyond this would leave no room for the observed ones.
HIGHEST_EXPECTED = 6


def search(paths: Sequence[Path], summary: Path | None, label: str, output: Path) -> None:
    """Draw all figures of the results ``paths`` of the stage ``fit`` into ``output``, with the HEPData submission.

    Args:
        paths: one scan of a bare spectrum, or the results of all selections and windows.
        summary: ``<results>/fit/summary.json``, for the global significances.
        label: text above the figures.
        output: gets ``p_values.png``, ``limits.png``, ``fits.png``, ``nuisances.png``, ``spectrum.png`` or
            ``spectra/<selection>_<window>.png``, and the folder ``hepdata``.
    """
    results = files.read(paths)
    selections = files.selections(results, summary)
    text = heading(label, results[0].content)
    with folder(output, "search") as partial:
        for result in results:
            spectrum(result, label, partial / result.figure)
        p_values(selections, text, partial / "p_values.png")
        limits(selections, results[0].content["confidence_level"], text, partial / "limits.png")
        fits.fits(selections, text, partial / "fits.png")
        fits.nuisances(selections, text, partial / "nuisances.png")
        hepdata.write(results, selections, label, partial / "hepdata")


def p_values(selections: Sequence[Selection], text: str, plot: Path) -> None:
    """Local p-value of every selection against the resonance mass, and that expected of a reference signal.

    A cross marks a mass whose numbers are in doubt, a ring a resonance that is found.
    """
    columns = 2 if len(selections) < 8 else 3
    with figure(plot, figsize=(6.8, 4.2 + 0.2 * -(-(len(selections) + 1) // columns))) as (fig, ax):
        references: set[str] = set()
        for one, style in zip(selections, distinct(len(selections)), strict=True):
            ax.plot(*one.curve(_p_local), ms=4, lw=1.3, label=one.name + _global(one.excess), **style | {"ls": "-"})
            expected, name = _expected(one)
            mass, values = one.curve(expected)
            lonely = alone(values)
            ax.plot(mass, values, "--", lw=1, color=style["color"])
            ax.plot(mass[lonely], values[lonely], "_", ms=9, color=style["color"])
            references.add(name)
        for one in selections:
            mark_found(ax, *one.where(one.is_resonance, _p_local))
            mark_doubtful(ax, *one.where(doubts, _p_local))
        for name in sorted(references):
            ax.plot([], [], "--", lw=1, color="k", label=name)
        ax.set(yscale="log", xlabel="resonance mass [GeV]", ylabel="local p-value")
        _sigma_lines(ax, selections)
        corner(ax, text)
        legend_below(fig, columns)


def _global(excess: dict[str, Any] | None) -> str:
    if excess is None or excess["z_global"] is None:
        return ""
    return f": {excess['z_local']:.1f}σ local, {excess['z_global']:.1f}σ global"


def _p_local(point: Point) -> float | None:
    p_value: float | None = point["p_local"]
    return p_value


def _expected(one: Selection) -> tuple[Value, str]:
    """Expected p-value of the reference signal, where it is in the unit of the selection's limits."""
    key, unit = one.limits

    def p_value(point: Point) -> float | None:
        return float(norm.sf(point["z_expected"])) if point[key] else None

    return p_value, f"expected for a signal of {one.points[0]['reference_signal']:g} {unit}"


def _sigma_lines(ax: Axes, selections: Sequence[Selection]) -> None:
    points = [point for one in selections for point in one.points]
    expected = min(HIGHEST_EXPECTED, max(float(point["z_expected"]) for point in points))
    levels = range(1, max(4, int(max(expected, *(float(point["z_local"]) for point in points))) + 1) + 1)
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
    ax.set_ylim(norm.sf(levels[-1]) / 3, 1.5)


def limits(selections: Sequence[Selection], confidence_level: float, text: str, plot: Path) -> None:
    """Observed and expected CLs limits of every selection against the resonance mass.

    In fb; a mass at which the selection keeps too little simulated signal has none, which an arrow marks. Without any
    efficiency, in events. A cross marks a mass whose numbers are in doubt.
    """
    units = {one.limits[1] for one in selections}
    keywords = {"squeeze": False, "sharex": True, "sharey": len(units) == 1}
    columns = min(len(selections), PANELS_IN_A_ROW)
    rows = -(-len(selections) // columns)
    with figure(plot, rows, columns, figsize=(max(6.4, 3.9 * columns), 1.4 + 3.6 * rows), **keywords) as (fig, axes):
        for ax in axes.flat[len(selections) :]:
            ax.set_axis_off()
        # The lowest panel of each column has the numbers of the axis, though the last row may be shorter.
        for ax in axes.flat[len(selections) - columns : len(selections)]:
            ax.tick_params(labelbottom=True)
        for ax, one in zip(axes.flat, selections, strict=False):
            _band(ax, one)
            ax.set(yscale="log", xlabel="resonance mass [GeV]")
            ax.set_title(one.name)
            if ax in axes[:, 0] or len(units) > 1:
                ax.set_ylabel(f"{100 * confidence_level:g} % CL upper limit on\n{one.limited} [{one.limits[1]}]")
        above(fig, text)
        legend_below(fig, 4)


def _band(ax: Axes, one: Selection) -> None:
    key, _ = one.limits
    for size, colour in ((2, YELLOW), (1, GREEN)):
        mass, low = one.curve(limit(key, f"expected_minus_{size}"))
        _, high = one.curve(limit(key, f"expected_plus_{size}"))
        band(ax, mass, low, high, colour, f"expected ± {size}σ")
    mass, expected = one.curve(limit(key, "expected"))
    lonely = alone(expected)
    ax.plot(mass, expected, "k--", label="expected")
    ax.plot(mass[lonely], expected[lonely], "k_", ms=9)
    ax.plot(*one.curve(limit(key, "observed")), "ko-", ms=4, label="observed")
    mark_found(ax, *one.where(one.is_resonance, limit(key, "observed")))
    mark_doubtful(ax, *one.where(limit_doubts, limit(key, "observed")))
    without = [point["mass"] for point in one.every if not point[key]]
    if without:
        style: dict[str, Any] = {"color": "0.5", "ms": 6, "ls": "none", "transform": ax.get_xaxis_transform()}
        ax.plot(without, [0.03] * len(without), "v", label="no limit", **style)
    _checks(ax, one)


def _checks(ax: Axes, one: Selection) -> None:
    """Limits by other methods, at the masses where they were asked for."""
    key, unit = one.limits
    known = [point for point in one.points if point[key]]
    for check, marker, colour in (("toys", "D", COLOURS[2]), ("pyhf", "s", COLOURS[0])):
        found = {point["mass"]: checked_limit(point, check, unit) for point in known}
        others = {m: limit for m, limit in found.items() if limit is not None}
        for name, face in (("observed", colour), ("expected", "none")):
            if others:
                values = [limit[name] for limit in others.values()]
                style: dict[str, Any] = {"mec": colour, "mfc": face, "ms": 6, "ls": "none"}
                ax.plot(list(others), values, marker, label=f"{name}, by {check}", **style)
