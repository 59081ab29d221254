"""Compiled anti-kT jets of generated particles and of tracks (M. Cacciari, G. Salam, G. Soyez, JHEP 04 (2008) 063).

FastJet's algorithm with nearest neighbours, in loops that the compiler does for several particles at a time, for the
few hundred particles of an event. Distances are compared to a relative 2^-36: the jets are FastJet's, to the last bit,
but where two distances are as good as equal, as those of particles at the centres of cells often are; candidates of
calorimeters are left to FastJet. All that is compiled stands in this one file: numba's cache does not notice a change
in another.
"""

import numba
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

TWO_PI = 2 * np.pi
# FastJet's rapidity of a particle along the beam, and its 1/pT^2 of one without any.
MAX_RAPIDITY, MAX_INVERSE = 1e5, 1e300
# The last bits of a distance hold the number of a slot, as in ``clustering``; the beam's is the largest.
BEAM = 2**16 - 1
INFINITE = int(np.float64(np.inf).view(np.int64))

INLINED = numba.njit(error_model="numpy", inline="always")


@INLINED
def _labelled(value: float, label: int) -> int:
    return int(np.float64(value).view(np.int64)) & ~BEAM | label


@INLINED
def _distance(delta_y: float, delta_phi: float) -> float:
    delta_phi = abs(delta_phi)
    delta_phi = min(delta_phi, TWO_PI - delta_phi)
    return delta_y * delta_y + delta_phi * delta_phi


@INLINED
def _measure(distance: int, k: int, inverse: FloatArray) -> int:
    """d_kj of slot ``k`` and its nearest neighbour j, or d_kB times R^2, labelled with ``k``."""
    j = distance & BEAM
    value = np.int64(distance & ~BEAM).view(np.float64)
    return _labelled(value * (inverse[k] if j == BEAM else min(inverse[k], inverse[j])), k)


@INLINED
def _nearest(k: int, n: int, y: FloatArray, phi: FloatArray, limit: int) -> int:
    """Distance of slot ``k`` to its nearest neighbour among the first ``n`` slots, or ``limit`` if none is nearer."""
    y_k, phi_k, least = y[k], phi[k], limit
    for i in range(n):
        distance = _labelled(_distance(y[i] - y_k, phi[i] - phi_k), i)
        least = min(least, limit if i == k else distance)
    return least


@INLINED
def _place(slot: int, momenta: FloatArray, y: FloatArray, phi: FloatArray, inverse: FloatArray) -> None:
    """Set rapidity, azimuth and 1/pT^2 of a slot's momentum, as FastJet does."""
    px, py, pz, energy = momenta[0, slot], momenta[1, slot], momenta[2, slot], momenta[3, slot]
    pt2 = px * px + py * py
    inverse[slot] = 1 / pt2 if pt2 > 1 / MAX_INVERSE else MAX_INVERSE
    angle = np.arctan2(py, px) if pt2 > 0 else 0.0
    phi[slot] = angle + TWO_PI if angle < 0 else angle
    if pt2 == 0 and energy == abs(pz):
        y[slot] = np.copysign(MAX_RAPIDITY + abs(pz), pz)
        return
    m2 = max(0.0, (energy + pz) * (energy - pz) - pt2)
    rapidity = 0.5 * np.log((pt2 + m2) / (energy + abs(pz)) ** 2)
    y[slot] = -rapidity if pz > 0 else rapidity


@numba.njit(cache=True, error_model="numpy", nogil=True)
def _event(
    n: int, limit: int, momenta: FloatArray, floats: FloatArray, integers: IntArray,
    jets: FloatArray, owner: IntArray,
) -> int:  # fmt: skip
    """Cluster the momenta in the first ``n`` slots.

    Args:
        n: number of particles.
        limit: R^2, labelled as the beam's.
        momenta: px, py, pz, E of the slots; work space in the end.
        floats: work space.
        integers: work space.
        jets: filled with px, py, pz, E of the jets.
        owner: filled with the jet of each particle; of twice their number.

    Returns:
        Number of jets.
    """
    y, phi, inverse = floats[0], floats[1], floats[2]
    nearest, measure, changed, node = integers[0], integers[1], integers[2], integers[3]
    found, created = 0, n
    for k in range(n):
        _place(k, momenta, y, phi, inverse)
        node[k] = k
    for k in range(n):
        nearest[k] = _nearest(k, n, y, phi, limit)
    for k in range(n):
        measure[k] = _measure(nearest[k], k, inverse)
    while n > 0:
        least = INFINITE
        for k in range(n):
            least = min(least, measure[k])
        a = least & BEAM
        b = nearest[a] & BEAM
        n -= 1
        if b == BEAM:
            # A jet, whose slot the last one takes. Until all are found, ``owner`` tells what a node was merged into.
            b = a
            for row in range(4):
                jets[row, found] = momenta[row, a]
            owner[node[a]] = -1 - found
            found += 1
        else:
            if b < a:
                a, b = b, a
            for row in range(4):
                momenta[row, a] += momenta[row, b]
            owner[node[a]] = owner[node[b]] = node[a] = created
            created += 1
            _place(a, momenta, y, phi, inverse)
        merged, y_a, phi_a = b != a, y[a], phi[a]
        new = a if merged else -1
        for row in range(4):
            momenta[row, b] = momenta[row, n]
        node[b] = node[n] if b != n or not merged else node[b]
        y[b], phi[b], inverse[b] = y[n], phi[n], inverse[n]
        nearest[b], measure[b] = nearest[n], measure[n] - n + b
        for k in range(n):
            # Who was nearest to one that is gone looks for another; whom the new one is closest to takes that.
            distance, neighbour = nearest[k], nearest[k] & BEAM
            moved = distance + b - n if neighbour == n else distance
            close = _labelled(_distance(y[k] - y_a, phi[k] - phi_a), a)
            moved = min(moved, close if merged else INFINITE)
            moved = INFINITE if neighbour in (a, b) else moved
            moved = INFINITE if k == new else moved
            changed[k] = moved != distance
            nearest[k] = moved
        for k in range(n):
            if changed[k]:
                nearest[k] = _nearest(k, n, y, phi, limit) if nearest[k] == INFINITE else nearest[k]
                measure[k] = _measure(nearest[k], k, inverse)
    for k in range(created - 1, -1, -1):
        owner[k] = -1 - owner[k] if owner[k] < 0 else owner[owner[k]]
    return found


@numba.njit(cache=True, error_model="numpy", nogil=True)
def anti_kt(momenta: FloatArray, first: IntArray, radius: float) -> tuple[FloatArray, IntArray, IntArray]:
    """All jets of each event.

    Args:
        momenta: px, py, pz, E of all particles, GeV; ``(4, particles)``.
        first: index of each event's first particle, and the end; ``events + 1``.
        radius: of the jets.

    Returns:
        px, py, pz, E of the jets, ``(4, jets)``, in no particular order within an event; the number of jets of each
        event; and the jet of each particle, by its place in its event.

    Raises:
        ValueError: an event has more than 65,535 particles.
    """
    events, most = len(first) - 1, 1
    for event in range(events):
        most = max(most, first[event + 1] - first[event])
    if most > BEAM:
        raise ValueError("an event has more particles than labels can tell apart")
    limit = _labelled(radius * radius, BEAM)
    slots, floats, integers = np.empty((4, most)), np.empty((3, most)), np.empty((4, most), np.int64)
    jets, found, owner = np.empty((4, momenta.shape[1])), np.zeros(events, np.int64), np.empty(2 * most, np.int64)
    number, owners = 0, np.empty(momenta.shape[1], np.int64)
    for event in range(events):
        n = first[event + 1] - first[event]
        for row in range(4):
            for k in range(n):
                slots[row, k] = momenta[row, first[event] + k]
        found[event] = _event(n, limit, slots, floats, integers, jets[:, number:], owner)
        owners[first[event] : first[event + 1]] = owner[:n]
        number += found[event]
    return jets[:, :number].copy(), found, owners
