"""Expected contents with their uncertainties, before and after a fit."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resonaut.fit.histfactory.fits import Fit
from resonaut.fit.histfactory.interpolation import Array
from resonaut.fit.histfactory.minimise import NUMBERS
from resonaut.fit.histfactory.model import Model


@dataclass(frozen=True)
class Yields:
    """Contents of one channel of N bins: each sample's (S, N), the ``total`` (N,), and their errors.

    ``sums`` (S + 1,) are those of all bins, of the samples and of the total, with ``sum_errors``.
    """

    samples: tuple[str, ...]
    contents: Array
    errors: Array
    total: Array
    total_errors: Array
    sums: Array
    sum_errors: Array


def prior_errors(model: Model) -> Array:
    """Widths (P,) of the constraints; 0 for parameters without one, and for those that are fixed."""
    constraints, found = model.constraints, np.zeros(len(model.names))
    with np.errstate(invalid="ignore"):
        width = np.where(constraints.gaussian, constraints.sigma, 1 / np.sqrt(constraints.factor))
    found[constraints.place] = width
    return np.where(model.fixed, 0.0, found)


def before(model: Model) -> dict[str, Yields]:
    """The yields of each channel at the start values, with the constraints' uncertainties alone."""
    return yields(model, model.start, prior_errors(model), np.eye(len(model.names)))


def after(model: Model, fitted: Fit) -> dict[str, Yields]:
    """The yields of each channel as fitted, with the correlated uncertainties of the fit."""
    return yields(model, fitted.values, np.nan_to_num(fitted.errors), fitted.correlation)


def yields(model: Model, values: Array, errors: Array, correlation: Array) -> dict[str, Yields]:
    """The yields of each channel at parameters (P,).

    What one standard deviation of a parameter changes is half the difference of the contents with it up and down
    (cabinetry, A. Held and K. Cranmer, EPJ Web Conf. 251 (2021) 03067); these changes are added with the correlations
    (P, P) of the parameters.
    """
    nominal = model.by_sample(values[None])[0]
    places = np.flatnonzero(errors > 0)
    shifts = np.concatenate([np.zeros((0, *nominal.shape)), *_shifts(model, values, errors, places)])
    matrix = correlation[np.ix_(places, places)].copy()
    np.fill_diagonal(matrix, 1.0)
    found = {}
    for name, bins in model.channels.items():
        samples = model.samples[name]
        contents, changes = nominal[: len(samples), bins], shifts[:, : len(samples), bins]
        total, sums = changes.sum(axis=1), changes.sum(axis=2)
        all_sums = np.concatenate([sums, sums.sum(axis=1, keepdims=True)], axis=1)
        found[name] = Yields(
            samples,
            contents,
            _errors(changes, matrix),
            contents.sum(axis=0),
            _errors(total, matrix),
            np.append(contents.sum(axis=1), contents.sum()),
            _errors(all_sums, matrix),
        )
    return found


def _shifts(model: Model, values: Array, errors: Array, places: NDArray[np.intp]) -> list[Array]:
    """Half the difference of up and down, (some of K, S, N) each, for the K parameters at ``places``."""
    size = max(1, NUMBERS // model.nominal.size)
    found = []
    for first in range(0, len(places), size):
        some = places[first : first + size]
        shift = np.zeros((len(some), len(values)))
        shift[np.arange(len(some)), some] = errors[some]
        found.append((model.by_sample(values + shift) - model.by_sample(values - shift)) / 2)
    return found


def _errors(changes: Array, correlation: Array) -> Array:
    """Of changes (K, ...) by K correlated parameters."""
    mixed = np.tensordot(correlation, changes, axes=1)
    return np.asarray(np.sqrt(np.maximum((changes * mixed).sum(axis=0), 0.0)))
