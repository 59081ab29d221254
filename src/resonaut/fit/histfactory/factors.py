"""What multiplies a whole sample of a channel: normfactor, lumi, normsys and polynomial, with derivatives.

Of C channels with up to S samples there are C S products. Each product's factors stand in one row of a table, which
refers to the list of all factors and is padded with a factor 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resonaut.fit.histfactory import interpolation
from resonaut.fit.histfactory.interpolation import Array, Multiplicative
from resonaut.fit.histfactory.specification import Term

Places = NDArray[np.intp]


@dataclass(frozen=True)
class Polynomial:
    """A polynomial of the parameters at ``places``, with powers (T, K) and coefficients (T,)."""

    places: Places
    powers: Places
    coefficients: Array

    @staticmethod
    def of(places: Sequence[int], terms: Sequence[Term]) -> "Polynomial":
        """Of its terms."""
        powers = np.array([term.powers for term in terms], np.intp)
        return Polynomial(np.array(places, np.intp), powers, np.array([term.coefficient for term in terms]))

    def value(self, theta: Array) -> Array:
        """The factor (B,) at parameters (B, P)."""
        return np.asarray(self._products(theta, self.powers) @ self.coefficients)

    def slopes(self, theta: Array) -> Array:
        """Derivatives (B, K) by its parameters."""
        found = np.empty((len(theta), len(self.places)))
        for k in range(len(self.places)):
            lowered = self.powers.copy()
            lowered[:, k] = np.maximum(lowered[:, k] - 1, 0)
            found[:, k] = self._products(theta, lowered) @ (self.coefficients * self.powers[:, k])
        return found

    def _products(self, theta: Array, powers: Places) -> Array:
        return np.asarray(np.prod(theta[:, None, self.places] ** powers, axis=2))


@dataclass(frozen=True)
class Factors:
    """All factors of samples: M = linear, then exponential, then polynomial ones.

    ``linear`` (L,) and ``alphas`` (E,) are places of parameters, ``high`` and ``low`` (E,) the factors of ``normsys``;
    ``table`` (C, S, R) refers to the list of factors, M to none; ``channel`` (N,) is that of each bin; ``places`` (F,)
    are those of all parameters that a factor has, in the order of the derivatives.
    """

    linear: Places
    alphas: Places
    high: Array
    low: Array
    coefficients: Array
    code: Multiplicative
    polynomials: tuple[Polynomial, ...]
    table: Places
    channel: Places
    places: Places

    def _values(self, theta: Array) -> tuple[Array, Array]:
        """All factors (B, M + 1), the last of which is 1, and the derivatives (B, L + E) of the first kinds."""
        risen, slope = interpolation.factor(theta[:, self.alphas], self.high, self.low, self.coefficients, self.code)
        polynomials = [one.value(theta)[:, None] for one in self.polynomials]
        values = np.concatenate([theta[:, self.linear], risen, *polynomials, np.ones((len(theta), 1))], axis=1)
        return values, np.concatenate([np.ones((len(theta), len(self.linear))), slope], axis=1)

    def of_bins(self, theta: Array) -> Array:
        """The product (B, S, N) of each sample in each bin, at parameters (B, P)."""
        products = np.prod(self._values(theta)[0][:, self.table], axis=3)  # (B, C, S)
        return np.asarray(products[:, self.channel].transpose(0, 2, 1))

    def slopes(self, theta: Array) -> Array:
        """Derivatives (B, C, S, F) of the products, where the parameters are ``places``."""
        values, slope = self._values(theta)
        others = _without_each(values[:, self.table])  # (B, C, S, R)
        found = np.zeros((*others.shape[:3], len(self.places)))
        column = {place: number for number, place in enumerate(self.places)}
        single, ends = np.concatenate([self.linear, self.alphas]), len(self.linear) + len(self.alphas)
        # Of each kind a product has a parameter once.
        for first, last in ((0, len(self.linear)), (len(self.linear), ends)):
            c, s, r = np.nonzero((self.table >= first) & (self.table < last))
            number = self.table[c, s, r]
            to = np.array([column[place] for place in single[number]], np.intp)
            found[:, c, s, to] += others[:, c, s, r] * slope[:, number]
        for order, one in enumerate(self.polynomials):
            slopes = one.slopes(theta)
            for c, s, r in np.argwhere(self.table == ends + order):
                for k, place in enumerate(one.places):
                    found[:, c, s, column[place]] += others[:, c, s, r] * slopes[:, k]
        return found


def _without_each(factors: Array) -> Array:
    """The product of all but one along the last axis, for each; factors may be 0."""
    before, after = np.ones_like(factors), np.ones_like(factors)
    np.cumprod(factors[..., :-1], axis=-1, out=before[..., 1:])
    np.cumprod(factors[..., :0:-1], axis=-1, out=after[..., -2::-1])
    return before * after
