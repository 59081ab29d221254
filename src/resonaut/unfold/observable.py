"""A new observable of unfolded events, with its uncertainties: no run of the unfolding is needed for it.

Every family of weights gives a covariance of the bins: of replicas that of their histograms; of the ensemble, whose
mean is the result, that over their number; of a variation the product of its differences from the result, of an up and
a down the mean of both. They add up.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from resonaut.core import formulas
from resonaut.core.errors import ConfigError, EmptySelectionError
from resonaut.core.files import atomic
from resonaut.core.units import listed
from resonaut.unfold.publish import BASE, NOMINAL, Unfolded
from resonaut.unfold.results import Family, Measured, Uncertainty

Array = NDArray[np.float64]

# Bins where none are given, with equally many events each.
BINS = 20


def measure(unfolded: Unfolded, name: str, formula: str, where: str, edges: Sequence[float] | None) -> Measured:
    """The distribution of ``formula`` in the events for which ``where`` holds (all, if it is empty).

    Events for which the formula has no finite value are outside of all bins. Without ``edges`` the bins have equally
    many simulated events.

    Raises:
        ConfigError: a formula is none, or the edges do not ascend.
        EmptySelectionError: no event is left.
        InputFileError: the table lacks a column.
    """
    base = BASE if BASE in unfolded.columns else NOMINAL
    stored = unfolded.read([*formulas.names(formula), *(formulas.names(where) if where else ())])
    n = len(unfolded.read([NOMINAL])[NOMINAL])
    values = np.broadcast_to(formulas.evaluate(formula, stored).astype(float), n)
    kept = np.broadcast_to(_condition(where, stored), n) if where else np.ones(n, bool)
    finite = kept & np.isfinite(values)
    if not finite.any():
        raise EmptySelectionError(f"unfold: no event has a finite {formula!r} with {where!r}; widen the condition.")
    if edges is None:
        quantiles = np.unique(np.quantile(values[finite], np.linspace(0, 1, BINS + 1)))
        # The largest value is inside.
        edges = [*quantiles[:-1].tolist(), float(np.nextafter(quantiles[-1], np.inf))]
    if len(edges) < 2 or not np.isfinite(edges).all() or any(high <= low for low, high in pairwise(edges)):
        raise ConfigError(f"the edges {listed(edges)} do not ascend; give at least two numbers, the lower ones first.")
    place = np.searchsorted(edges, values, side="right") - 1
    inside = finite & (place >= 0) & (place < len(edges) - 1)

    def histogram(column: str, power: int = 1) -> Array:
        weights = unfolded.read([column])[column][inside] ** power
        return np.bincount(place[inside], weights, len(edges) - 1).astype(float)

    nominal = histogram(NOMINAL)
    found = {
        family: _uncertainty(covariance(nominal, np.stack([histogram(column) for column in one.columns]), one))
        for family, one in unfolded.families.items()
    }
    total = np.sum([one.covariance for one in found.values()], axis=0) if found else np.zeros(2 * nominal.shape)
    squares = histogram(NOMINAL, 2)
    return Measured(
        name=name,
        expression=formula,
        where=where,
        unit=unfolded.unit,
        edges=list(edges),
        values=nominal.tolist(),
        prior=histogram(base).tolist(),
        outside=float(unfolded.read([NOMINAL])[NOMINAL][kept & ~inside].sum()),
        effective=np.divide(nominal**2, squares, out=np.zeros_like(squares), where=squares > 0).tolist(),
        uncertainties=found,
        total=_uncertainty(total),
    )


def _condition(where: str, stored: Mapping[str, np.ndarray]) -> NDArray[np.bool_]:
    """Which events fulfil it, shape (n,) or ()."""
    found = formulas.evaluate(where, stored)
    if found.dtype != bool:
        raise ConfigError(f"{where!r} is a number and no condition; compare it, as in 'pT_trackj1 > 20'.")
    return found


def covariance(nominal: Array, histograms: Array, family: Family) -> Array:
    """That of the bins, shape (bins, bins), from the ``histograms`` (columns, bins) of a family."""
    if family.combination == "difference":
        shifts = histograms - nominal
        mean: Array = shifts.T @ shifts / len(shifts)
        return mean
    if len(histograms) < 2:
        return np.zeros(2 * nominal.shape)
    # With one bin numpy gives a number.
    spread: Array = np.atleast_2d(np.cov(histograms.T))
    return spread / len(histograms) if family.combination == "standard_error" else spread


def _uncertainty(found: Array) -> Uncertainty:
    return Uncertainty(error=np.sqrt(np.diag(found)).tolist(), covariance=found.tolist())


def write_table(path: Path, measured: Measured) -> None:
    """Write bins, cross sections and uncertainties as CSV."""
    names = ["low", "high", f"value_{measured.unit}", "prior", "total", *measured.uncertainties]
    errors = [measured.total.error, *(one.error for one in measured.uncertainties.values())]
    columns = [measured.edges[:-1], measured.edges[1:], measured.values, measured.prior, *errors]
    lines = [",".join(names), *(",".join(f"{value:.9g}" for value in row) for row in zip(*columns, strict=True))]
    with atomic(path) as partial:
        partial.write_text("\n".join(lines) + "\n")
