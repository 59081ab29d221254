"""The resonance's shape in m_jj, and the templates that fits use.

A shape is the cumulative distribution of ``y = m / M``, in which a resonance's mass ``M`` scales out almost wholly: a
Gaussian, a given histogram, or a Crystal Ball with two tails fitted to simulated signal, whose parameters are
interpolated between the simulated masses.
"""

import math
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.special import erf, ndtr

from resonaut.errors import ConfigError
from resonaut.fit.family import Array
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


class Shape(Protocol):
    """A resonance's distribution in ``y = m / M``."""

    def cumulative(self, mass: float, y: Array) -> Array:
        """Share of the signal of ``mass`` (GeV) below each ``y``."""

    def peak(self, mass: float) -> float:
        """``y`` that stays where it is when the resolution changes."""

    def describe(self, mass: float) -> dict[str, Any]:
        """The shape in words and numbers, for the result file."""


@dataclass(frozen=True)
class Template:
    """Shares (N,) of the signal in the bins, and their changes with M nuisances.

    At ``eta`` a share is multiplied by ``exp(sum_m (response_m eta_m + bend_m eta_m^2))``, both (M, N): exact for the
    scale of a Gaussian, and of second order for any other shape. ``support``: first and one past the last bin used.
    """

    shares: Array
    support: tuple[int, int]
    nuisances: tuple[str, ...]
    response: Array
    bend: Array

    @staticmethod
    def none(bins: int) -> "Template":
        """No signal at all."""
        return Template(np.zeros(bins), (0, 0), (), np.zeros((0, bins)), np.zeros((0, bins)))

    @property
    def rigid(self) -> "Template":
        """The same without nuisances."""
        return replace(self, nuisances=(), response=self.response[:0], bend=self.bend[:0])

    def at(self, nuisances: Array) -> Array:
        """Shares (..., N) at the nuisances (..., M)."""
        exponent = nuisances @ self.response + nuisances**2 @ self.bend
        return np.asarray(self.shares * np.exp(np.clip(exponent, -30, 30)))


def template(shape: Shape, mass: float, edges: Array, uncertainties: dict[str, float] | None = None) -> Template:
    """The template of a resonance.

    Args:
        shape: its shape.
        mass: GeV.
        edges: of the bins (N + 1), GeV.
        uncertainties: relative sizes of ``scale``, ``resolution`` and ``normalisation`` (log-normal); those of 0
            or left out are no nuisances.
    """
    peak = shape.peak(mass)

    def shares(scale: float = 0.0, resolution: float = 0.0) -> Array:
        y = edges / mass / (1 + scale)
        return np.asarray(np.diff(shape.cumulative(mass, peak + (y - peak) / (1 + resolution))))

    nominal = shares()
    whole = nominal.sum()
    nominal[nominal <= NEGLIGIBLE * nominal.max()] = 0.0
    inside = np.flatnonzero(nominal)
    support = (int(inside[0]), int(inside[-1]) + 1) if len(inside) else (0, 0)
    sizes = {name: size for name, size in (uncertainties or {}).items() if size > 0}
    response, bend = np.zeros((2, len(sizes), len(nominal)))
    for m, (name, size) in enumerate(sizes.items()):
        if name == "normalisation":
            response[m] = math.log1p(size)
            continue
        up, down = shares(**{name: size}), shares(**{name: -size})
        known = (nominal > 0) & (up > 0) & (down > 0)
        logs = np.log(np.stack([up, down])[:, known] / nominal[known])
        response[m, known], bend[m, known] = (logs[0] - logs[1]) / 2, (logs[0] + logs[1]) / 2
    # What the negligible bins held goes to the others: the yield is that of the whole signal.
    nominal *= whole / (nominal.sum() or 1.0)
    return Template(nominal, support, tuple(sizes), response, bend)


@dataclass(frozen=True)
class Gaussian:
    """A Gaussian of relative width ``width``; all of the signal is under it."""

    width: float

    def cumulative(self, mass: float, y: Array) -> Array:  # noqa: ARG002, D102
        return np.asarray(ndtr((y - 1) / self.width))

    def peak(self, mass: float) -> float:  # noqa: ARG002, D102
        return 1.0

    def describe(self, mass: float) -> dict[str, Any]:  # noqa: ARG002, D102
        return {"shape": "gaussian", "width": self.width}


@dataclass(frozen=True)
class Histogram:
    """A given histogram of a resonance of mass ``mass`` (GeV), the same in ``y`` at every mass."""

    mass: float
    spectrum: Spectrum

    def cumulative(self, mass: float, y: Array) -> Array:  # noqa: ARG002, D102
        below = np.concatenate([[0.0], np.cumsum(self.spectrum.counts)]) / self.spectrum.counts.sum()
        # Linear between the edges: events are spread evenly over each bin of the histogram.
        return np.asarray(np.interp(y, self.spectrum.edges / self.mass, below))

    def peak(self, mass: float) -> float:  # noqa: ARG002, D102
        edges = self.spectrum.edges
        density = self.spectrum.counts / np.diff(edges)
        highest = int(np.argmax(density))
        return float(edges[highest] + edges[highest + 1]) / 2 / self.mass

    def describe(self, mass: float) -> dict[str, Any]:  # noqa: ARG002, D102
        return {"shape": "histogram", "mass": self.mass}


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
        return np.asarray(np.maximum(crystal_ball(y, *parameters) - lost, 0) / (1 - lost))

    def peak(self, mass: float) -> float:  # noqa: D102
        return float(self._at(mass)[0])

    def describe(self, mass: float) -> dict[str, Any]:  # noqa: D102
        values = map(float, self._at(mass))
        described = {"shape": "crystal_ball", "source": self.source, "threshold": self.threshold}
        return described | dict(zip(TYPICAL, values, strict=True))

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
