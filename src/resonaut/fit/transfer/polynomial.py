"""Polynomials with coefficients that are not negative, at the bins of several channels."""

from collections.abc import Mapping, Sequence
from itertools import product
from math import comb

import numpy as np
from numpy.typing import NDArray

from resonaut.core.errors import ConfigError
from resonaut.fit.transfer.settings import Basis, Polynomial, Variable

Array = NDArray[np.float64]
# Slopes of the exponentials, in units of the variable's range.
STEEPEST = 3.0


def points(polynomial: Polynomial, edges: Mapping[str, Sequence[float]]) -> dict[str, Array]:
    """By passing channel, its bins (N, D) in the polynomial's variables, each from 0 to 1 over all regions.

    Args:
        polynomial: its regions and variables.
        edges: of each channel's bins, ascending.

    Raises:
        ConfigError: a variable has one value everywhere, or the masses of ``rho`` are not above zero.
    """
    values = {name: _values(polynomial, name, np.asarray(edges[name], float)) for name in polynomial.regions}
    low = np.min([found.min(axis=1) for found, _ in values.values()], axis=0)
    high = np.max([found.max(axis=1) for found, _ in values.values()], axis=0)
    for variable, first, last in zip(polynomial.variables, low, high, strict=True):
        if not last > first:
            raise ConfigError(
                f"config: fit: the transfer polynomial of {', '.join(polynomial.regions)} has {variable} at one value, "
                f"{first:g}; take it out of the variables, or give more regions."
            )
    return {name: ((centre - low[:, None]) / (high - low)[:, None]).T for name, (_, centre) in values.items()}


def _values(polynomial: Polynomial, name: str, edges: Array) -> tuple[Array, Array]:
    """The ends (D, ...) and the middle (D, N) of the bins in each variable."""
    middle, pt = (edges[:-1] + edges[1:]) / 2, polynomial.regions[name].pt
    if "rho" in polynomial.variables and middle[0] <= 0:
        raise ConfigError(
            f"config: fit: the channel {name!r} begins at {edges[0]:g}, and rho needs masses above zero; raise its "
            "lowest edge."
        )
    ends, centres = [], []
    for variable in polynomial.variables:
        of: dict[Variable, tuple[Array, Array]] = {
            "mass": (edges[[0, -1]], middle),
            "pt": (np.full(2, pt or 0.0), np.full(len(middle), pt or 0.0)),
        }
        if variable == "rho":
            rho = 2 * np.log(middle / (pt or 1.0))
            of["rho"] = (rho[[0, -1]], rho)
        ends.append(of[variable][0])
        centres.append(of[variable][1])
    return np.array(ends), np.array(centres)


def functions(orders: Sequence[int]) -> list[tuple[int, ...]]:
    """The indices of the basis functions of a polynomial of these orders (D,), the last variable's fastest."""
    return list(product(*(range(order + 1) for order in orders)))


def basis(at: Array, orders: Sequence[int], kind: Basis = "bernstein") -> Array:
    """Basis functions (K, N) at points (N, D) between 0 and 1, which are nowhere negative; they sum to 1.

    That of Bernstein is ``binomial(n, k) x^k (1 - x)^(n - k)`` in each variable.
    """
    along = [_one(at[:, d], order, kind) for d, order in enumerate(orders)]
    return np.array([np.prod([along[d][k] for d, k in enumerate(index)], axis=0) for index in functions(orders)])


def _one(x: Array, order: int, kind: Basis) -> Array:
    """In one variable, (order + 1, N)."""
    if kind == "exponential":
        slopes = np.linspace(-STEEPEST, STEEPEST, order + 1) if order else np.zeros(1)
        return np.exp(np.outer(slopes, x)) / (order + 1)
    return np.array([comb(order, k) * x**k * (1 - x) ** (order - k) for k in range(order + 1)])
