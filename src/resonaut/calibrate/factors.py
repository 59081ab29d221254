"""Factors of splittings in all variations that share one clustering, and their products over a jet."""

from dataclasses import dataclass

import numba
import numpy as np

from resonaut.calibrate.bins import LundBins
from resonaut.calibrate.correction import COEFFICIENTS, LundCorrection
from resonaut.calibrate.lund import Planes
from resonaut.calibrate.matching import BoolArray
from resonaut.physics.clustering import FloatArray, IntArray

EVERYWHERE = (0.0, np.inf)


@dataclass(frozen=True)
class Tables:
    """The factors of ``V`` variations.

    ``direct`` (bins, V) for subjets in ``direct_pt_range`` (GeV), and ``polynomial`` (3, bins of a plane, V) in
    1/p_T beyond; all factors are clipped to ``factor_range``. ``names`` says which variation is where.
    """

    bins: LundBins
    direct_pt_range: tuple[float, float]
    factor_range: tuple[float, float]
    direct: FloatArray
    polynomial: FloatArray
    names: dict[str, slice]


def tables_of(correction: LundCorrection, toys: int, seed: int) -> Tables:
    """The nominal factors, ``toys`` statistical and as many p_T-extrapolation toys, and the systematic variations.

    A statistical toy moves every bin by its error times a normal number, an extrapolation toy the coefficients
    of every polynomial along their covariance. The numbers depend on ``seed`` alone, so that a toy is
    the same correction in every dataset and jet.
    """
    rng = np.random.default_rng(seed)
    size, plane = correction.error.size, correction.bins.plane
    pattern = rng.standard_normal((toys, size))
    directions = rng.standard_normal((toys, plane, COEFFICIENTS))
    table, polynomial = correction.nominal.table.ravel(), correction.nominal.polynomial.reshape(COEFFICIENTS, plane)
    root = _square_root(correction.covariance.reshape(COEFFICIENTS, COEFFICIENTS, plane))
    moved = polynomial + np.einsum("ijb,tbj->tib", root, directions)
    shifts = [factors for pair in correction.systematics.values() for factors in pair]
    names = {
        "nominal": slice(0, 1),
        "statistical": slice(1, 1 + toys),
        "pt_extrapolation": slice(1 + toys, 1 + 2 * toys),
    }
    for name in (f"{name}_{way}" for name in correction.systematics for way in ("up", "down")):
        end = max(s.stop for s in names.values())
        names[name] = slice(end, end + 1)
    direct = [table[None], table + correction.error.ravel() * pattern, np.broadcast_to(table, (toys, size))]
    beyond = [polynomial[None], np.broadcast_to(polynomial, (toys, COEFFICIENTS, plane)), moved]
    direct += [factors.table.reshape(1, -1) for factors in shifts]
    beyond += [factors.polynomial.reshape(1, COEFFICIENTS, plane) for factors in shifts]
    return Tables(
        bins=correction.bins,
        direct_pt_range=correction.direct_pt_range,
        factor_range=correction.factor_range,
        direct=np.ascontiguousarray(np.clip(np.concatenate(direct), *correction.factor_range).T),
        polynomial=np.ascontiguousarray(np.moveaxis(np.concatenate(beyond), 0, -1)),
        names=names,
    )


def only(tables: Tables, name: str) -> Tables:
    """The tables of one variation."""
    where = tables.names[name]
    return Tables(
        tables.bins,
        tables.direct_pt_range,
        tables.factor_range,
        np.ascontiguousarray(tables.direct[:, where]),
        np.ascontiguousarray(tables.polynomial[:, :, where]),
        {name: slice(0, where.stop - where.start)},
    )


def table_alone(bins: LundBins, values: FloatArray, factor_range: tuple[float, float], name: str) -> Tables:
    """One variation with the same bins for subjets of every p_T."""
    direct = np.clip(values.reshape(-1, 1), *factor_range)
    return Tables(bins, EVERYWHERE, factor_range, direct, np.zeros((COEFFICIENTS, bins.plane, 1)), {name: slice(0, 1)})


def products(planes: Planes, used: BoolArray, tables: Tables) -> FloatArray:
    """Product of the factors of all splittings in the ``used`` subjets of each jet: ``(jets, V)``."""
    out = np.ones((len(planes.subjets), tables.direct.shape[1]))
    low, high = tables.direct_pt_range
    direct = (planes.pt >= low) & (planes.pt < high)
    where = tables.bins.slices(planes.pt) * tables.bins.plane
    in_plane = tables.bins.in_plane(planes.delta, planes.kt)
    _products(
        planes.subjets, used, planes.splittings, in_plane, where, direct, 1 / planes.pt,
        tables.direct, tables.polynomial, *tables.factor_range, out,
    )  # fmt: skip
    return out


@numba.njit(cache=True, error_model="numpy", nogil=True)
def _products(
    subjets: IntArray, used: BoolArray, splittings: IntArray, in_plane: IntArray, where: IntArray, direct: BoolArray,
    inverse_pt: FloatArray, table: FloatArray, polynomial: FloatArray, low: float, high: float, out: FloatArray,
) -> None:  # fmt: skip
    s = t = 0
    for jet in range(len(subjets)):
        product = out[jet]
        for _ in range(subjets[jet]):
            if used[s]:
                u = inverse_pt[s]
                for k in range(t, t + splittings[s]):
                    b = in_plane[k]
                    if direct[s]:
                        row = table[where[s] + b]
                        for v in range(len(product)):
                            product[v] *= row[v]
                    else:
                        p0, p1, p2 = polynomial[0, b], polynomial[1, b], polynomial[2, b]
                        for v in range(len(product)):
                            product[v] *= min(max(p0[v] + u * (p1[v] + u * p2[v]), low), high)
            t += splittings[s]
            s += 1


def _square_root(covariance: FloatArray) -> FloatArray:
    """Cholesky factors of matrices (n, n, bins), which may be singular: a free coefficient has no variance."""
    n = len(covariance)
    root = np.zeros_like(covariance)
    for j in range(n):
        pivot = np.sqrt(np.maximum(covariance[j, j] - np.sum(root[j, :j] ** 2, axis=0), 0))
        root[j, j] = pivot
        for i in range(j + 1, n):
            rest = covariance[i, j] - np.sum(root[i, :j] * root[j, :j], axis=0)
            root[i, j] = np.divide(rest, pivot, out=np.zeros_like(rest), where=pivot > 0)
    return root
