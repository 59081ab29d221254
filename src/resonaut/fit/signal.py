"""The templates that fits use: a shape in the bins of a spectrum, and how nuisances change it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from resonaut.fit.binning import merge
from resonaut.fit.family import Array
from resonaut.fit.motion import Signal, shares, stretch
from resonaut.fit.shapes import Shape
from resonaut.fit.sides import factors
from resonaut.fit.sources import Source

# Share of the signal, in units of the largest, below which a bin holds none of it: under a tail that reaches bins with
# next to no background a yield could not be negative.
NEGLIGIBLE = 1e-4
# What the nuisances do to a signal.
EFFECTS = ("position", "width", "rate")
# Standard deviations of scale and resolution within which a shape that goes on beyond the bins is known.
REACH = 5.0
# Nodes of a table in a box as high as the peak and of the same area (25 in a Gaussian's width: 1e-8 of the signal), and
# most of them; intervals of a first look, and the part of the signal in one of these that is none.
NODES, MOST_NODES = 64, 2**14
COARSE, EMPTY = 1024, 1e-9
# Standard deviations of the scale between which fits begin, and most of their beginnings on either side.
FAR, MOST_STARTS = 5.0, 25


@dataclass(frozen=True)
class Template:
    """The signal in N bins, and how it changes with M nuisances: the shape itself is moved, and its total kept."""

    nuisances: tuple[str, ...]
    signal: Signal

    @staticmethod
    def none(bins: int) -> "Template":
        """No signal at all."""
        table, edges = np.array([[0.0, 0.0], [1.0, 0.0]]), np.zeros(bins + 1)
        effects = np.zeros(0), np.zeros(0), np.zeros((0, 2))
        starts, looks = edges[:1], np.zeros((1, bins))
        signal = Signal(edges[1:], 0, 0, edges, table, 0.0, 1.0, 0.0, 0.0, 0.0, *effects, starts, looks)
        return Template((), signal)

    @property
    def shares(self) -> Array:
        """Shares (N,) of the signal in the bins without a change."""
        return self.signal.shares

    @property
    def peak(self) -> "Template":
        """The peak alone: ``scale`` moves and ``resolution`` widens it, by as much as all nuisances together."""
        sizes = {"scale": math.hypot(*self.signal.position), "resolution": math.hypot(*self.signal.width)}
        position, width = np.diag(list(sizes.values()))
        used = np.flatnonzero(position + width)
        signal = self.signal._replace(position=position[used], width=width[used], rate=np.zeros((len(used), 2)))
        return Template(tuple(list(sizes)[k] for k in used), signal)

    def pulled(self, nuisances: Array) -> dict[str, float]:
        """How far the nuisances (M,) move and widen the peak, in standard deviations of both."""
        effects = {"scale": self.signal.position, "resolution": self.signal.width}
        return {
            name: float(effect @ nuisances) / math.hypot(*effect) for name, effect in effects.items() if effect.any()
        }

    @property
    def rigid(self) -> "Template":
        """The same without nuisances."""
        fixed = {name: getattr(self.signal, name)[:0] for name in (*EFFECTS, "starts", "looks")}
        return Template((), self.signal._replace(**fixed))

    def merged(self, cuts: NDArray[np.intp]) -> "Template":
        """The same signal in fewer bins, those between ``cuts`` of the edges."""
        shares, looks = (merge(values, cuts) for values in (self.signal.shares, self.signal.looks))
        inside = np.flatnonzero(shares)
        first, last = int(inside[0]), int(inside[-1]) + 1
        edges = self.signal.edges[cuts]
        return Template(
            self.nuisances, self.signal._replace(shares=shares, first=first, last=last, edges=edges, looks=looks)
        )

    def at(self, nuisances: Array) -> Array:
        """Shares (..., N) at the nuisances (..., M)."""
        rows = np.ascontiguousarray(nuisances, dtype=float)
        found = shares(self.signal, rows.reshape(-1, len(self.nuisances)) if self.nuisances else np.zeros((1, 0)))
        return np.asarray(found.reshape(*rows.shape[:-1] if self.nuisances else (), -1))


def template(shape: Shape, mass: float, edges: Array, nuisances: Mapping[str, Source] | None = None) -> Template:
    """The template of a resonance.

    Args:
        shape: its shape.
        mass: its mass, in the unit of the spectrum.
        edges: of the bins (N + 1), likewise.
        nuisances: ``scale``, which alone moves the peak, ``resolution``, which with it alone widens it, and
            ``normalisation``, by what they do; those that do nothing are none.
    """
    effects = {name: effect for name, effect in (nuisances or {}).items() if effect.size > 0}
    scale, resolution = (effects.get(name, Source()) for name in ("scale", "resolution"))
    y, threshold, peak = edges / mass, shape.threshold / mass, shape.peak(mass)
    cut = np.maximum(y, threshold)
    visible = np.diff(shape.cumulative(mass, cut))
    if not visible.max() > 0:
        return Template.none(len(visible))
    # On both sides of the bins, from where nuisances may bring signal into them.
    wide = _continued(y, *_reach(min(y[0], threshold or y[0]), y[-1], peak, scale, resolution.width))
    used = np.flatnonzero(np.diff(shape.cumulative(mass, wide)) > NEGLIGIBLE * visible.max())
    table, low, high = _table(shape, mass, wide[used[0]], wide[used[-1] + 1])
    # What the negligible bins hold goes to the others: the yield is that of the whole signal.
    end, at_threshold, *below = shape.cumulative(mass, np.clip([high, threshold, *cut], low, high))
    kept = np.diff(below)
    inside, factor = np.flatnonzero(kept), visible.sum() / kept.sum()
    per_y = (len(table) - 1) / (high - low)
    signal = Signal(
        shares=kept * factor,
        first=int(inside[0]),
        last=int(inside[-1]) + 1,
        edges=cut,
        table=table,
        low=low,
        per_y=per_y,
        peak=peak,
        threshold=threshold,
        factor=float(factor * (end - at_threshold)),
        position=np.array([effect.position for effect in effects.values()]),
        width=np.array([effect.width for effect in effects.values()]),
        rate=np.array([factors(effect.rate) for effect in effects.values()]).reshape(-1, 2) * (1, -1),
        starts=_starts(scale.position * peak * per_y / NODES),
        looks=kept[None] * factor,
    )
    if len(signal.starts) > 1:
        eta = np.outer(signal.starts, signal.position > 0)
        signal = signal._replace(looks=shares(signal, eta))
    return Template(tuple(effects), signal)


def _reach(low: float, high: float, peak: float, scale: Source, resolution: float) -> tuple[float, float]:
    """Lowest and highest ``y`` of the shape that nuisances bring between ``low`` and ``high``."""
    corners = [
        peak + (y / stretch(side * scale.position)[0] - peak) / stretch(side * scale.width + other * resolution)[0]
        for y, side, other in product((low, high), (-REACH, REACH), (-REACH, REACH))
    ]
    # Far below and above there is nothing of a resonance, however much they move.
    return max(min(corners), 0.0), min(max(corners), 3 * high)


def _continued(y: Array, low: float, high: float) -> Array:
    """The edges, and more of them down to ``low`` and up to ``high``, as far from each other as the outermost."""
    below = np.arange(math.ceil((y[0] - low) / (y[1] - y[0])), 0, -1)
    above = np.arange(1, math.ceil((high - y[-1]) / (y[-1] - y[-2])) + 1)
    return np.concatenate([y[0] - (y[1] - y[0]) * below, y, y[-1] + (y[-1] - y[-2]) * above])


def _table(shape: Shape, mass: float, low: float, high: float) -> tuple[Array, float, float]:
    """The cumulative distribution between two ``y``, from 0 to 1, and its slope, for ``Signal``.

    Returns the table, and ``y`` of its first and last node, inside of which all of the signal is.
    """
    for _ in range(2):
        nodes = np.linspace(low, high, COARSE + 1)
        steps = np.diff(shape.cumulative(mass, nodes))
        used = np.flatnonzero(steps > EMPTY * steps.sum())
        low, high = float(nodes[used[0]]), float(nodes[used[-1] + 1])
    # As many of them in the width of a box as high as the peak.
    cells = NODES * (high - low) / (nodes[1] - nodes[0]) * steps.max() / steps.sum()
    nodes = np.linspace(low, high, int(np.clip(cells, NODES, MOST_NODES)) + 1)
    below = shape.cumulative(mass, nodes)
    below = (below - below[0]) / (below[-1] - below[0])
    # A cubic with slopes up to three times those of both chords rises everywhere (Fritsch and Carlson).
    steps = np.pad(np.diff(below), 1, mode="edge")
    index = np.arange(len(below))
    slope = np.clip(CubicSpline(index, below)(index, 1), 0.0, 3 * np.minimum(steps[:-1], steps[1:]))
    return np.stack([below, slope], axis=1), low, high


def _starts(scale: float) -> Array:
    """Values of the scale, a quarter of a shape's width apart, for a standard deviation of ``scale`` widths.

    They are one standard deviation apart at most: wherever the fitted yield changes its sign with the scale, the
    likelihood has a minimum on both sides.
    """
    count = min(max(math.ceil(4 * FAR * scale), math.ceil(FAR)), MOST_STARTS) if scale > 0 else 0
    return FAR * np.arange(-count, count + 1) / max(count, 1)
