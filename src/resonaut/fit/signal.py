"""The resonance's shape in m_jj, and the templates that fits use.

A shape is the cumulative distribution of ``y = m / M``, in which a resonance's mass ``M`` scales out almost wholly: a
Gaussian, a given histogram, or a Crystal Ball with two tails fitted to simulated signal, whose parameters are
interpolated between the simulated masses.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline, PchipInterpolator
from scipy.special import erf, ndtr

from resonaut.core.errors import ConfigError
from resonaut.fit.binning import merge
from resonaut.fit.family import Array
from resonaut.fit.motion import KINDS, Signal, shares, stretch
from resonaut.fit.results import CrystalBallShape, GaussianShape, HistogramShape, SignalShape, Size
from resonaut.fit.sides import combined, largest
from resonaut.fit.spectrum import Spectrum

# Effective events below which a mass gets the shape of all masses together, and these a Gaussian.
ENOUGH_ALONE = 100.0
ENOUGH_TOGETHER = 20.0

# Starting values of the fit, and how far (one standard deviation) sparse samples may pull the tails.
TYPICAL = {"peak": 1.0, "log_width": math.log(0.04), "alpha_low": 1.5, "log_n_low": math.log(4), "alpha_high": 2.0}
TYPICAL |= {"log_n_high": math.log(4)}
PULL = {"alpha_low": 0.5, "log_n_low": 0.5, "alpha_high": 0.5, "log_n_high": 0.5}

# Share of the signal, in units of the largest, below which a bin holds none of it: under a tail that reaches bins with
# next to no background a yield could not be negative.
NEGLIGIBLE = 1e-4
# Standard deviations of scale and resolution within which a shape that goes on beyond the bins is known.
REACH = 5.0
# Nodes of a table in a box as high as the peak and of the same area (25 in a Gaussian's width: 1e-8 of the signal), and
# most of them; intervals of a first look, and the part of the signal in one of these that is none.
NODES, MOST_NODES = 64, 2**14
COARSE, EMPTY = 1024, 1e-9
# Standard deviations of the scale between which fits begin, and most of their beginnings on either side.
FAR, MOST_STARTS = 5.0, 25


class Shape(Protocol):
    """A resonance's distribution in ``y = m / M``."""

    @property
    def threshold(self) -> float:
        """Mass in GeV below which no event is selected, wherever the nuisances move the shape."""

    def cumulative(self, mass: float, y: Array) -> Array:
        """Share of the signal of ``mass`` (GeV) between the threshold and each ``y``; negative below it."""

    def peak(self, mass: float) -> float:
        """``y`` that stays where it is when the resolution changes."""

    def describe(self, mass: float) -> SignalShape:
        """The shape in words and numbers, for the result file."""


@dataclass(frozen=True)
class Template:
    """The signal in N bins, and how it changes with M nuisances: the shape itself is moved, and its total kept."""

    nuisances: tuple[str, ...]
    signal: Signal

    @staticmethod
    def none(bins: int) -> "Template":
        """No signal at all."""
        table, edges = np.array([[0.0, 0.0], [1.0, 0.0]]), np.zeros(bins + 1)
        kinds, sizes = np.zeros(0, dtype=np.int64), np.zeros((0, 2))
        starts, looks = edges[:1], np.zeros((1, bins))
        signal = Signal(edges[1:], 0, 0, edges, table, 0.0, 1.0, 0.0, 0.0, 0.0, kinds, sizes, starts, looks)
        return Template((), signal)

    @property
    def shares(self) -> Array:
        """Shares (N,) of the signal in the bins without a change."""
        return self.signal.shares

    @property
    def rigid(self) -> "Template":
        """The same without nuisances."""
        fixed = {name: getattr(self.signal, name)[:0] for name in ("kinds", "sizes", "starts", "looks")}
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


def template(shape: Shape, mass: float, edges: Array, uncertainties: Mapping[str, Size] | None = None) -> Template:
    """The template of a resonance.

    Args:
        shape: its shape.
        mass: GeV.
        edges: of the bins (N + 1), GeV.
        uncertainties: relative sizes of ``scale``, ``resolution`` and ``normalisation`` (log-normal); those of 0
            or left out are no nuisances.
    """
    sizes = {name: size for name, size in (uncertainties or {}).items() if largest(size) > 0}
    scale, resolution = (float(largest(sizes.get(name, 0.0))) for name in ("scale", "resolution"))
    y, threshold, peak = edges / mass, shape.threshold / mass, shape.peak(mass)
    cut = np.maximum(y, threshold)
    visible = np.diff(shape.cumulative(mass, cut))
    if not visible.max() > 0:
        return Template.none(len(visible))
    # On both sides of the bins, from where nuisances may bring signal into them.
    wide = _continued(y, *_reach(min(y[0], threshold or y[0]), y[-1], peak, scale, resolution))
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
        kinds=np.array([KINDS[name] for name in sizes], dtype=np.int64),
        sizes=np.array([_sides(name, size) for name, size in sizes.items()]).reshape(-1, 2),
        starts=_starts(scale * peak * per_y / NODES),
        looks=kept[None] * factor,
    )
    if len(signal.starts) > 1:
        eta = np.outer(signal.starts, signal.kinds == KINDS["scale"])
        signal = signal._replace(looks=shares(signal, eta))
    return Template(tuple(sizes), signal)


def _sides(name: str, size: Size) -> tuple[float, float]:
    """Size up and down; of the normalisation those of its logarithm."""
    return combined([size]) if name == "normalisation" else (largest(size), largest(size))


def _reach(low: float, high: float, peak: float, scale: float, resolution: float) -> tuple[float, float]:
    """Lowest and highest ``y`` of the shape that nuisances bring between ``low`` and ``high``."""
    corners = [
        peak + (y / stretch(side * scale)[0] - peak) / stretch(other * resolution)[0]
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


@dataclass(frozen=True)
class Gaussian:
    """A Gaussian of relative width ``width``; all of the signal is under it."""

    width: float
    threshold: ClassVar[float] = 0.0

    def cumulative(self, mass: float, y: Array) -> Array:  # noqa: ARG002, D102
        return np.asarray(ndtr((y - 1) / self.width))

    def peak(self, mass: float) -> float:  # noqa: ARG002, D102
        return 1.0

    def describe(self, mass: float) -> SignalShape:  # noqa: ARG002, D102
        return GaussianShape(shape="gaussian", width=self.width)


@dataclass(frozen=True)
class Histogram:
    """A given histogram of a resonance of mass ``mass`` (GeV), the same in ``y`` at every mass.

    Its cumulative distribution is a monotone cubic between the edges, so that each bin keeps its content.
    """

    mass: float
    spectrum: Spectrum
    threshold: ClassVar[float] = 0.0

    def cumulative(self, mass: float, y: Array) -> Array:  # noqa: ARG002, D102
        edges = self.spectrum.edges / self.mass
        below = np.concatenate([[0.0], np.cumsum(self.spectrum.counts)]) / self.spectrum.counts.sum()
        # Smooth: a density with steps would make steps in the likelihood when the shape is moved.
        return np.asarray(PchipInterpolator(edges, below)(np.clip(y, *edges[[0, -1]])))

    def peak(self, mass: float) -> float:  # noqa: ARG002, D102
        edges = self.spectrum.edges
        density = self.spectrum.counts / np.diff(edges)
        highest = int(np.argmax(density))
        return float(edges[highest] + edges[highest + 1]) / 2 / self.mass

    def describe(self, mass: float) -> SignalShape:  # noqa: ARG002, D102
        return HistogramShape(shape="histogram", mass=self.mass)


@dataclass(frozen=True)
class CrystalBalls:
    """Crystal Ball shapes (S, 6) at simulated ``masses`` (S,), in the order of ``TYPICAL``.

    Each parameter is interpolated in the mass by a monotone cubic, and constant beyond the simulated masses. Below
    ``threshold``, GeV, no event is selected: the rest is all of the signal.
    """

    masses: Array
    parameters: Array
    threshold: float
    source: str

    def cumulative(self, mass: float, y: Array) -> Array:  # noqa: D102
        parameters = self._at(mass)
        lost = crystal_ball(np.asarray(self.threshold / mass), *parameters)
        return np.asarray((crystal_ball(y, *parameters) - lost) / (1 - lost))

    def peak(self, mass: float) -> float:  # noqa: D102
        return float(self._at(mass)[0])

    def describe(self, mass: float) -> SignalShape:  # noqa: D102
        values = dict(zip(TYPICAL, self._at(mass).tolist(), strict=True))
        return CrystalBallShape(shape="crystal_ball", source=self.source, threshold=self.threshold, **values)

    def _at(self, mass: float) -> Array:
        if len(self.masses) == 1:
            return np.asarray(self.parameters[0])
        return np.asarray(PchipInterpolator(self.masses, self.parameters)(np.clip(mass, *self.masses[[0, -1]])))


def crystal_ball(y: Array, *parameters: float) -> Array:
    """Cumulative distribution of a Gaussian with power-law tails on both sides.

    The tails begin ``alpha`` widths from the peak and fall with the power ``n`` (J. Gaiser, SLAC-R-255,
    appendix F). Parameters in the order of ``TYPICAL``; ``n`` is ``1.05 + exp(log_n)``.
    """
    peak, log_width, alpha_low, log_n_low, alpha_high, log_n_high = parameters
    n_low, n_high = 1.05 + math.exp(log_n_low), 1.05 + math.exp(log_n_high)
    t = (y - peak) / math.exp(log_width)
    root = math.sqrt(math.pi / 2)
    core = root * (erf(np.clip(t, -alpha_low, alpha_high) / math.sqrt(2)) + erf(alpha_low / math.sqrt(2)))
    low, high = _tail(-t, alpha_low, n_low), _tail(t, alpha_high, n_high)
    whole_high = _tail(np.asarray(alpha_high), alpha_high, n_high)
    whole = _tail(np.asarray(alpha_low), alpha_low, n_low) + whole_high
    whole += root * (erf(alpha_low / math.sqrt(2)) + erf(alpha_high / math.sqrt(2)))
    return np.asarray((low + core + whole_high - high) / whole)


def _tail(t: Array, alpha: float, n: float) -> Array:
    """Integral of the upper tail beyond ``t``, and of all of it where ``t`` lies inside the core."""
    base = 1 + alpha / n * (np.maximum(t, alpha) - alpha)
    return np.asarray(math.exp(-(alpha**2) / 2) * n / (alpha * (n - 1)) * base ** (1 - n))


def from_simulation(
    samples: dict[float, tuple[Spectrum, float]], threshold: float, gaussian_width: float
) -> CrystalBalls | Gaussian:
    """The shape from selected simulated signal.

    Args:
        samples: by mass, the weighted spectrum and the number of effective events in it.
        threshold: GeV, below which the selection keeps no event of any kind. Taken for a part of the shape, the edge
            there would make one broad Gaussian of a narrow peak with a long lower tail.
        gaussian_width: relative width of the Gaussian that stands in where hardly any event is selected.
    """
    masses = np.array(sorted(samples))
    effective = np.array([samples[m][1] for m in masses])
    if effective.sum() < ENOUGH_TOGETHER:
        return Gaussian(gaussian_width)
    kept = [(m, samples[m][0].between(threshold, samples[m][0].edges[-1]), samples[m][1]) for m in masses]
    together = fit_crystal_ball(kept)
    if (effective < ENOUGH_ALONE).any():
        return CrystalBalls(masses[:1], together[None], threshold, "all simulated masses together")
    alone = [fit_crystal_ball([one]) for one in kept]
    return CrystalBalls(masses, np.stack(alone), threshold, "interpolated between simulated masses")


def fit_crystal_ball(samples: list[tuple[float, Spectrum, float]]) -> Array:
    """Parameters (6,) of the shape that fits ``(mass, spectrum, effective events)`` best, all with one ``y``."""
    from iminuit import Minuit

    used = [(s.edges / mass, s.counts * n / s.counts.sum()) for mass, s, n in samples if n > 0]

    def objective(values: Array) -> float:
        pulled = [((v - TYPICAL[k]) / PULL[k]) ** 2 for k, v in zip(TYPICAL, values, strict=True) if k in PULL]
        penalty = float(sum(pulled))
        for y, counts in used:
            cumulative = crystal_ball(y, *values)
            shares = np.diff(cumulative) / (cumulative[-1] - cumulative[0])
            penalty -= 2 * float(counts @ np.log(np.maximum(shares, 1e-12)))
        return penalty

    minuit = Minuit(objective, np.array(list(TYPICAL.values())), name=list(TYPICAL))
    minuit.errordef = Minuit.LIKELIHOOD * 2
    limits = {"peak": (0.7, 1.2), "log_width": (math.log(0.005), math.log(0.3))}
    limits |= dict.fromkeys(("alpha_low", "alpha_high"), (0.3, 4.0))
    limits |= dict.fromkeys(("log_n_low", "log_n_high"), (math.log(0.5), math.log(30.0)))
    for name, bounds in limits.items():
        minuit.limits[name] = bounds
    minuit.migrad()
    if not np.isfinite(minuit.fval):
        raise ConfigError("the signal shape cannot be fitted; look at the signals' spectra or empty fit.signals.")
    return np.array(minuit.values)
