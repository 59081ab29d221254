"""Compiled searches in eta and phi: what lies near an object of the same event."""

import awkward as ak
import numba
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
# An event's first object and the end, eta, phi, and a weight of each.
Flat = tuple[IntArray, FloatArray, FloatArray, FloatArray]


def closest(objects: ak.Array, others: ak.Array, radius: float) -> ak.Array:
    """Number of the nearest of an event's ``others`` within ``radius`` of each object, or -1; events * var.

    Both are events * var * {eta, phi}, in radians.
    """
    flat = _flat(objects)
    return ak.unflatten(_search(flat, _flat(others), radius)[0], np.diff(flat[0]))


def near(objects: ak.Array, others: ak.Array, radius: float) -> ak.Array:
    """Whether one of an event's ``others`` is within ``radius`` of each object; events * var."""
    return closest(objects, others, radius) >= 0


def momentum_near(objects: ak.Array, others: ak.Array, radius: float) -> ak.Array:
    """Sum of the pT of an event's ``others`` (which have {pt, eta, phi}) within ``radius`` of each object."""
    flat = _flat(objects)
    return ak.unflatten(_search(flat, _flat(others, "pt"), radius)[1], np.diff(flat[0]))


def _flat(objects: ak.Array, weight: str = "eta") -> Flat:
    # Stored fields by their key: as attributes of momenta they pass through all of vector's checks.
    flat = ak.flatten(objects[list({"eta", "phi", weight})])
    columns = {name: np.ascontiguousarray(flat[name], dtype=np.float64) for name in flat.fields}
    first = np.concatenate([[0], np.cumsum(ak.to_numpy(ak.num(objects, axis=1)))]).astype(np.int64)
    return first, columns["eta"], columns["phi"], columns[weight]


@numba.njit(cache=True, error_model="numpy")
def _search(objects: Flat, others: Flat, radius: float) -> tuple[IntArray, FloatArray]:
    """The nearest in its event of what is within ``radius`` of each object, and the sum of all their weights."""
    first, eta, phi, _ = objects
    start, other_eta, other_phi, weight = others
    nearest, total = np.full(len(eta), -1), np.zeros(len(eta))
    for event in range(len(first) - 1):
        for k in range(first[event], first[event + 1]):
            least = radius * radius
            for i in range(start[event], start[event + 1]):
                delta_eta = eta[k] - other_eta[i]
                # Most are out of reach already: spare them the slow modulo.
                if abs(delta_eta) >= radius:
                    continue
                delta_phi = (phi[k] - other_phi[i] + np.pi) % (2 * np.pi) - np.pi
                distance = delta_eta**2 + delta_phi**2
                if distance < radius * radius:
                    total[k] += weight[i]
                if distance < least:
                    least = distance
                    nearest[k] = i - start[event]
    return nearest, total
