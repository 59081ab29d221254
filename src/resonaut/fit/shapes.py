"""The resonance's shape in m_jj: a Gaussian, a given histogram, or Crystal Balls fitted to simulated signal.

A shape is the cumulative distribution of ``y = m / M``, in which a resonance's mass ``M`` scales out almost wholly. The
parameters of a Crystal Ball with two tails are interpolated between the simulated masses.
"""

import math
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.special import erf, ndtr

from resonaut.core.errors import ConfigError
from resonaut.fit.family import Array
from resonaut.fit.results.points import CrystalBallShape, GaussianShape, HistogramShape, SignalShape
from resonaut.fit.spectrum import Spectrum

# Effective events below which a mass gets the shape of all masses together, and these a Gaussian.
ENOUGH_ALONE = 100.0
ENOUGH_TOGETHER = 20.0

# Starting values of the fit, and how far (one standard deviation) sparse samples may pull the tails.
TYPICAL = {"peak": 1.0, "log_width": math.log(0.04), "alpha_low": 1.5, "log_n_low": math.log(4), "alpha_high": 2.0}
TYPICAL |= {"log_n_high": math.log(4)}
PULL = {"alpha_low": 0.5, "log_n_low": 0.5, "alpha_high": 0.5, "log_n_high": 0.5}


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
