"""Compiled sequential recombination of a jet's particles: soft drop, exclusive kT subjets, primary Lund planes.

The algorithms are FastJet's (M. Cacciari, G. Salam, G. Soyez, EPJ C 72 (2012) 1896), with its nearest-neighbour
bookkeeping, which for the tens of particles of one jet costs O(N^2): S. Catani et al., NPB 406 (1993) 187 and
S. Ellis, D. Soper, PRD 48 (1993) 3160 (kT); Y. Dokshitzer et al., JHEP 08 (1997) 001 (Cambridge/Aachen).
The radius is infinite, so that no particle goes to the beam, and momenta add (E scheme). All that is compiled stands
in this one file: numba's cache does not notice a change in another.
"""

import numba
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
# p_T, eta, phi and mass of particles.
Momenta = tuple[FloatArray, FloatArray, FloatArray, FloatArray]

TWO_PI = 2 * np.pi
# FastJet's rapidity of a particle along the beam.
MAX_RAPIDITY = 1e5
# Rows of ``nodes``: momenta, then what distances are made of.
PX, PY, PZ, E, PT2, Y, PHI = range(7)
# The last bits of a distance hold the number of a slot, so that one integer minimum, which the compiler does for
# several slots at a time, finds both. Distances are compared to a relative 2^-36; none enters the results.
LABEL = 2**16 - 1
INFINITE = int(np.float64(np.inf).view(np.int64))

# A call with so many arrays costs more than what it does: the small functions are compiled into their callers. In
# the innermost loops they take numbers, since counting references to arrays would keep those from being vectorised.
INLINED = numba.njit(error_model="numpy", inline="always")


@INLINED
def _complete(nodes: FloatArray, i: int) -> None:
    """Set p_T^2, rapidity and azimuth of a momentum, as FastJet does, precisely also for E close to |p_z|."""
    px, py, pz, energy = nodes[PX, i], nodes[PY, i], nodes[PZ, i], nodes[E, i]
    pt2 = px * px + py * py
    nodes[PT2, i] = pt2
    phi = np.arctan2(py, px) if pt2 > 0 else 0.0
    nodes[PHI, i] = phi + TWO_PI if phi < 0 else phi
    if pt2 == 0 and energy == abs(pz):
        nodes[Y, i] = np.copysign(MAX_RAPIDITY + abs(pz), pz)
        return
    m2 = max(0.0, (energy + pz) * (energy - pz) - pt2)
    y = 0.5 * np.log((pt2 + m2) / (energy + abs(pz)) ** 2)
    nodes[Y, i] = -y if pz > 0 else y


@INLINED
def _labelled(value: float, label: int) -> int:
    """A number of at least 0, as an integer of the same order, with ``label`` in its last bits."""
    return int(np.float64(value).view(np.int64)) & ~LABEL | label


@INLINED
def _distance(delta_y: float, delta_phi: float) -> float:
    """DeltaR^2 of two directions."""
    delta_phi = abs(delta_phi)
    delta_phi = min(delta_phi, TWO_PI - delta_phi)
    return delta_y * delta_y + delta_phi * delta_phi


@INLINED
def _measure(distance: int, pt2_k: float, pt2_j: float, k: int, is_kt: bool) -> int:
    """d_kj of slot ``k`` from the labelled distance to its nearest neighbour j, labelled with ``k``."""
    value = np.int64(distance & ~LABEL).view(np.float64)
    return _labelled(value * min(pt2_k, pt2_j) if is_kt else value, k)


@INLINED
def _nearest(k: int, n: int, y: FloatArray, phi: FloatArray) -> int:
    """Distance of slot ``k`` to its nearest neighbour among the first ``n`` slots, labelled with that."""
    y_k, phi_k = y[k], phi[k]
    least = INFINITE
    for i in range(n):
        distance = _labelled(_distance(y[i] - y_k, phi[i] - phi_k), i)
        least = min(least, INFINITE if i == k else distance)
    return least


@numba.njit(cache=True, error_model="numpy")
def _recombine(
    slots: IntArray, n: int, until: int, is_kt: bool, nodes: FloatArray, parents: IntArray, created: int,
    floats: FloatArray, integers: IntArray,
) -> int:  # fmt: skip
    """Merge the nodes in the first ``n`` slots pair by pair until ``until`` are left; return the nodes so far.

    d_ij = min(p_Ti^2, p_Tj^2) DeltaR_ij^2 for kT and DeltaR_ij^2 for Cambridge/Aachen. A merged node is
    appended to ``nodes``, with the two it came from in ``parents``. ``floats`` and ``integers`` are work space.
    """
    y, phi, pt2 = floats[0], floats[1], floats[2]
    nearest, measure, changed = integers[0], integers[1], integers[2]
    for k in range(n):
        y[k], phi[k], pt2[k] = nodes[Y, slots[k]], nodes[PHI, slots[k]], nodes[PT2, slots[k]]
    for k in range(n):
        nearest[k] = _nearest(k, n, y, phi)
    for k in range(n):
        measure[k] = _measure(nearest[k], pt2[k], pt2[nearest[k] & LABEL], k, is_kt)
    while n > until:
        least = INFINITE
        for k in range(n):
            least = min(least, measure[k])
        a = least & LABEL
        b = nearest[a] & LABEL
        if b < a:
            a, b = b, a
        one, two = slots[a], slots[b]
        for row in range(4):
            nodes[row, created] = nodes[row, one] + nodes[row, two]
        _complete(nodes, created)
        parents[created, 0], parents[created, 1] = one, two
        # The new particle takes slot a, the last one moves into slot b.
        y_a, phi_a = nodes[Y, created], nodes[PHI, created]
        slots[a], y[a], phi[a], pt2[a] = created, y_a, phi_a, nodes[PT2, created]
        created += 1
        n -= 1
        if n == 1:
            slots[b] = slots[n]
            break
        slots[b], y[b], phi[b], pt2[b] = slots[n], y[n], phi[n], pt2[n]
        nearest[b], measure[b] = nearest[n], measure[n] - n + b
        for k in range(n):
            # Who was nearest to one of the two looks for another; whom the new one is closest to takes that.
            distance, neighbour = nearest[k], nearest[k] & LABEL
            distance = distance + b - n if neighbour == n else distance
            distance = min(distance, _labelled(_distance(y[k] - y_a, phi[k] - phi_a), a))
            distance = INFINITE if neighbour in (a, b) or k == a else distance
            changed[k] = distance != nearest[k]
            nearest[k] = distance
        for k in range(n):
            if changed[k]:
                nearest[k] = _nearest(k, n, y, phi) if nearest[k] == INFINITE else nearest[k]
                measure[k] = _measure(nearest[k], pt2[k], pt2[nearest[k] & LABEL], k, is_kt)
    return created


@INLINED
def _branches(node: int, nodes: FloatArray, parents: IntArray) -> tuple[int, int, float]:
    """The two that were merged into a node, the one of larger p_T first, and DeltaR^2 of them."""
    hard, soft = parents[node, 0], parents[node, 1]
    if nodes[PT2, soft] > nodes[PT2, hard]:
        hard, soft = soft, hard
    return hard, soft, _distance(nodes[Y, hard] - nodes[Y, soft], nodes[PHI, hard] - nodes[PHI, soft])


@numba.njit(cache=True, error_model="numpy")
def _walk(
    node: int, nodes: FloatArray, parents: IntArray, minimum_delta: float, minimum_kt: float,
    delta: FloatArray, kt: FloatArray, found: int,
) -> int:  # fmt: skip
    """Undo the mergers of a node along the harder branch and append each splitting that passes the cuts."""
    while parents[node, 0] >= 0:
        hard, soft, distance = _branches(node, nodes, parents)
        angle = np.sqrt(distance)
        momentum = np.sqrt(nodes[PT2, soft]) * angle
        if angle > minimum_delta and momentum > minimum_kt:
            delta[found], kt[found] = angle, momentum
            found += 1
        node = hard
    return found


@numba.njit(cache=True, error_model="numpy")
def _load(
    momenta: Momenta, first: int, n: int, nodes: FloatArray,
    parents: IntArray, slots: IntArray,
) -> None:  # fmt: skip
    """Make the first ``n`` nodes of one jet's particles; their directions need no inverse functions."""
    pt, eta, phi, mass = momenta
    for k in range(n):
        i = first + k
        growth = np.exp(eta[i])
        pz, mt2 = pt[i] * 0.5 * (growth - 1 / growth), pt[i] ** 2 + mass[i] ** 2
        energy = np.sqrt(mt2 + pz**2)
        y = 0.5 * np.log(mt2 / (energy + abs(pz)) ** 2)
        nodes[PX, k], nodes[PY, k] = pt[i] * np.cos(phi[i]), pt[i] * np.sin(phi[i])
        nodes[PZ, k], nodes[E, k] = pz, energy
        nodes[PT2, k], nodes[Y, k] = pt[i] ** 2, -y if pz > 0 else y
        nodes[PHI, k] = phi[i] - TWO_PI * np.floor(phi[i] / TWO_PI)
        slots[k], parents[k, 0] = k, -1


@numba.njit(cache=True, error_model="numpy")
def _sort(slots: IntArray, nodes: FloatArray) -> None:
    """Put the few nodes in ``slots`` in order of falling p_T."""
    for k in range(1, len(slots)):
        this, place = slots[k], k
        while place > 0 and nodes[PT2, slots[place - 1]] < nodes[PT2, this]:
            slots[place] = slots[place - 1]
            place -= 1
        slots[place] = this


@numba.njit(cache=True, error_model="numpy")
def _hand_down(subjets: IntArray, particles: int, nodes: int, parents: IntArray, owner: IntArray) -> None:
    """Tell every node the number of its subjet: a merged node comes after its parents."""
    for k in range(len(subjets)):
        owner[subjets[k]] = k
    for node in range(nodes - 1, particles - 1, -1):
        for side in range(2):
            owner[parents[node, side]] = owner[node]


@numba.njit(cache=True, error_model="numpy")
def _most(first: IntArray) -> int:
    """Particles of the largest jet, for which work space is made; at least 1."""
    most = 1
    for jet in range(len(first) - 1):
        most = max(most, first[jet + 1] - first[jet])
    if most > LABEL:
        raise ValueError("a jet has more particles than labels can tell apart")
    return most


@numba.njit(cache=True, error_model="numpy")
def _closest(k: int, n: int, y: FloatArray, phi: FloatArray, nearest: IntArray, least: FloatArray) -> None:
    """Set the nearest neighbour of slot ``k`` among the first ``n`` slots, the first of several, and its distance."""
    least[k] = np.inf
    for i in range(n):
        distance = _distance(y[k] - y[i], phi[k] - phi[i])
        if distance < least[k] and i != k:
            least[k], nearest[k] = distance, i


@numba.njit(cache=True, error_model="numpy")
def _recombine_exactly(
    n: int, nodes: FloatArray, parents: IntArray, floats: FloatArray, integers: IntArray
) -> int:  # fmt: skip
    """Merge the first ``n`` nodes into one by Cambridge/Aachen, to the last bit as FastJet's N2Plain; return that node.

    Particles at the centres of cells have many equal distances, so that rounding and order decide: with
    ``_recombine``, which compares to 2^-36, one jet of two hundred has another soft-drop mass.
    """
    y, phi, least = floats[0], floats[1], floats[2]
    slots, nearest = integers[0], integers[1]
    for k in range(n):
        slots[k], y[k], phi[k] = k, nodes[Y, k], nodes[PHI, k]
    for k in range(n):
        _closest(k, n, y, phi, nearest, least)
    for created in range(n, 2 * n - 1):
        left = 2 * n - 1 - created
        a = np.argmin(least[: left + 1])
        b = nearest[a]
        if a < b:
            a, b = b, a
        for row in range(4):
            nodes[row, created] = nodes[row, slots[a]] + nodes[row, slots[b]]
        _complete(nodes, created)
        parents[created, 0], parents[created, 1] = slots[a], slots[b]
        # The new particle takes the lower slot b, the last one moves into slot a.
        slots[b], y[b], phi[b], least[b] = created, nodes[Y, created], nodes[PHI, created], np.inf
        slots[a], y[a], phi[a], least[a], nearest[a] = slots[left], y[left], phi[left], least[left], nearest[left]
        for k in range(left):
            if k == b:
                continue
            if nearest[k] in (a, b):
                _closest(k, left, y, phi, nearest, least)
            distance = _distance(y[k] - y[b], phi[k] - phi[b])
            if distance < least[k]:
                least[k], nearest[k] = distance, b
            if distance < least[b]:
                least[b], nearest[b] = distance, k
            if nearest[k] == left:
                nearest[k] = a
    return 2 * n - 2


@numba.njit(cache=True, error_model="numpy", nogil=True)
def soft_drop(momenta: FloatArray, first: IntArray, zcut: float, beta: float, radius: float) -> FloatArray:
    """Undo each jet's Cambridge/Aachen tree along the harder branch until the softer one is hard enough.

    That is min(p_T1, p_T2) / (p_T1 + p_T2) > zcut (DeltaR_12 / radius)^beta: A. Larkoski, S. Marzani, G. Soyez,
    J. Thaler, JHEP 05 (2014) 146, equation 1.1. The softer branch is dropped otherwise.

    Args:
        momenta: px, py, pz, E of all particles, GeV; ``(4, particles)``.
        first: index of each jet's first particle, and the end; ``jets + 1``.
        zcut: the threshold.
        beta: the exponent.
        radius: of the jets.

    Returns:
        px, py, pz, E of the two branches, the harder one first; ``(2, 4, jets)``. Where no pair passes, the first
        is the last particle on the way and the second is zero; both are for a jet without particles.
    """
    pieces = np.zeros((2, 4, len(first) - 1))
    most = _most(first)
    nodes, parents = np.empty((7, 2 * most)), np.full((2 * most, 2), -1)
    floats, integers = np.empty((3, most)), np.empty((2, most), np.int64)
    for jet in range(len(first) - 1):
        n = first[jet + 1] - first[jet]
        if n == 0:
            continue
        for k in range(n):
            for row in range(4):
                nodes[row, k] = momenta[row, first[jet] + k]
            _complete(nodes, k)
        hard, soft = _recombine_exactly(n, nodes, parents, floats, integers), -1
        while soft < 0 and hard >= n:
            hard, soft, distance = _branches(hard, nodes, parents)
            pt_hard, pt_soft = np.sqrt(nodes[PT2, hard]), np.sqrt(nodes[PT2, soft])
            if pt_soft <= zcut * (distance / radius**2) ** (0.5 * beta) * (pt_hard + pt_soft):
                soft = -1
        for row in range(4):
            pieces[0, row, jet] = nodes[row, hard]
            pieces[1, row, jet] = nodes[row, soft] if soft >= 0 else 0.0
    return pieces


@numba.njit(cache=True, error_model="numpy", nogil=True)
def decluster(
    momenta: Momenta, first: IntArray, prongs: IntArray, is_kt: bool,
    minimum_delta: float, minimum_kt: float, subjets: FloatArray, sizes: IntArray, delta: FloatArray, kt: FloatArray,
) -> int:  # fmt: skip
    """Exclusive kT subjets of all jets and the splittings of their Cambridge/Aachen (or own kT) trees.

    Args:
        momenta: p_T (above 0), eta, phi, mass of all particles, GeV.
        first: index of each jet's first particle, and the end; ``jets + 1``.
        prongs: subjets wanted of each jet; at most its particles, 0 for none.
        is_kt: walk the kT tree itself instead of a Cambridge/Aachen one.
        minimum_delta: splittings at this or a smaller angle are dropped.
        minimum_kt: splittings of this or a smaller k_t (GeV) are dropped.
        subjets: filled with pt, eta, phi of the subjets, each jet's by falling p_T; ``(3, sum of prongs)``.
        sizes: filled with the number of splittings of each subjet.
        delta: filled with the splittings' angles, from the outermost inwards; as long as the particles.
        kt: filled with their k_t.

    Returns:
        Number of splittings found.

    Raises:
        ValueError: a jet has more than 65,535 particles.
    """
    most = _most(first)
    nodes, parents = np.empty((7, 3 * most)), np.full((3 * most, 2), -1)
    floats, integers = np.empty((3, most)), np.empty((3, most), np.int64)
    slots, leaves = np.empty(most, np.int64), np.empty(most, np.int64)
    owner = np.empty(3 * most, np.int64)
    subjet = found = 0
    for jet in range(len(prongs)):
        n, wanted = first[jet + 1] - first[jet], prongs[jet]
        if wanted == 0:
            continue
        _load(momenta, first[jet], n, nodes, parents, slots)
        created = _recombine(slots, n, wanted, True, nodes, parents, n, floats, integers)
        ordered = slots[:wanted]
        _sort(ordered, nodes)
        _hand_down(ordered, n, created, parents, owner)
        for k in range(wanted):
            root = ordered[k]
            subjets[0, subjet] = np.sqrt(nodes[PT2, root])
            subjets[1, subjet] = np.arcsinh(nodes[PZ, root] / subjets[0, subjet])
            subjets[2, subjet] = nodes[PHI, root] if nodes[PHI, root] <= np.pi else nodes[PHI, root] - TWO_PI
            if not is_kt:
                members = 0
                for leaf in range(n):
                    if owner[leaf] == k:
                        leaves[members] = leaf
                        members += 1
                if members > 1:
                    root = _recombine(leaves, members, 1, False, nodes, parents, created, floats, integers) - 1
            before = found
            found = _walk(root, nodes, parents, minimum_delta, minimum_kt, delta, kt, found)
            sizes[subjet] = found - before
            subjet += 1
    return found
