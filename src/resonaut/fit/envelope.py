"""Fits with one background function or with the envelope of several.

The discrete profile method (Dauncey, Kenzie, Wardle, Davies, arXiv:1408.6865, section 4.2): the function is a nuisance
parameter with few values, and -2 ln L, plus 1 for each parameter of a function, is the lowest of all functions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from resonaut.fit.family import Array, Background
from resonaut.fit.likelihood import Fit, fit
from resonaut.fit.signal import Template


@dataclass(frozen=True)
class Profile:
    """Fits of B spectra by each function, and for each the lowest: ``choice`` (B,) of the functions.

    ``deviance`` (B,) is -2 ln L relative to the saturated model plus the number of the background's parameters.
    """

    fits: tuple[Fit, ...]
    deviance: Array
    choice: np.ndarray

    def _of_choice(self, name: str) -> Array:
        values = [getattr(one, name) for one in self.fits]
        if len(values) == 1:
            return np.asarray(values[0])
        return np.asarray(np.stack(values)[self.choice, np.arange(len(self.choice))])

    @cached_property
    def signal(self) -> Array:
        """Yields (B,), events."""
        return self._of_choice("signal")

    @cached_property
    def signal_error(self) -> Array:
        """Their parabolic errors (B,)."""
        return self._of_choice("signal_error")

    @cached_property
    def nuisances(self) -> Array:
        """Their fitted values (B, M)."""
        return self._of_choice("nuisances")

    @cached_property
    def background(self) -> Array:
        """Expected events without signal (B, N)."""
        return self._of_choice("background")

    @cached_property
    def converged(self) -> Array:
        """Whether the chosen fit converged (B,)."""
        return self._of_choice("converged")

    @property
    def best(self) -> Fit:
        """The chosen fit of the first spectrum."""
        return self.fits[int(self.choice[0])]

    @property
    def start(self) -> tuple[Array, ...]:
        """The background's parameters (B, K) of each function, to begin other fits from."""
        return tuple(one.theta for one in self.fits)


def profile(
    functions: Sequence[Background],
    counts: Array,
    template: Template | None = None,
    signal: Array | None = None,
    start: Sequence[Array] | None = None,
    observed: Array | None = None,
    nuisances: Array | None = None,
) -> Profile:
    """Fit all ``functions``; the other arguments are those of ``likelihood.fit``, ``start`` one for each function."""
    starts: Sequence[Array | None] = [None] * len(functions) if start is None else start
    fits = tuple(
        fit(function, counts, template, signal, begin, observed, nuisances)
        for function, begin in zip(functions, starts, strict=True)
    )
    values = np.stack([one.deviance + one.function.n_parameters for one in fits])
    # A fit that does not converge is no candidate, unless none does.
    lowest = np.argmin(np.where([one.converged for one in fits], values, values + 1e6), axis=0)
    return Profile(fits, values[lowest, np.arange(values.shape[1])], lowest)
