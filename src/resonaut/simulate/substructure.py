"""Soft-drop mass and N-subjettiness of jets.

Soft drop: A. Larkoski, S. Marzani, G. Soyez, J. Thaler, JHEP 05 (2014) 146, equation (1.1), on the
Cambridge/Aachen tree. N-subjettiness: J. Thaler, K. Van Tilburg, JHEP 03 (2011) 015, with the axes of
one minimisation pass from the exclusive kT axes, as CMS uses.
"""

from typing import Any

import awkward as ak
import fastjet
import numba
import numpy as np

from resonaut.simulate.jets import Clustered, four_momenta
from resonaut.simulate.settings import Jets

N_TAU = 4


def substructure(clustered: Clustered, config: Jets) -> dict[str, ak.Array]:
    """``msoftdrop`` (GeV) and ``tau1`` ... ``tau4`` of every jet: events * var."""
    counts = ak.num(clustered.constituents)
    particles = four_momenta(ak.flatten(clustered.constituents))
    columns = {"msoftdrop": softdrop_mass(particles, config)}
    # Any sequence will do: N-subjettiness takes its axes from the constituents.
    sequence = fastjet.ClusterSequence(particles, fastjet.JetDefinition(fastjet.kt_algorithm, 1000.0))
    tau = sequence.njettiness(
        axes_definition="OnePass_KT_Axes", njets=list(range(1, N_TAU + 1)), R0=config.radius
    ).to_numpy()
    columns |= {f"tau{n}": tau[:, n - 1] for n in range(1, N_TAU + 1)}
    return {name: ak.unflatten(values, counts) for name, values in columns.items()}


def softdrop_mass(particles: ak.Array, config: Jets) -> np.ndarray:
    """Soft-drop mass in GeV of jets * var * {px, py, pz, E}.

    FastJet's vectorised soft drop gives the same masses at a twentieth of the speed.
    """
    momenta = np.stack([ak.to_numpy(ak.flatten(particles[name])) for name in ("px", "py", "pz", "E")], axis=1)
    offsets = np.concatenate([[0], np.cumsum(ak.num(particles).to_numpy())])
    masses: np.ndarray = _softdrop_masses(momenta, offsets, config.softdrop_zcut, config.softdrop_beta, config.radius)
    return masses


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def _softdrop_masses(momenta: Any, offsets: Any, zcut: float, beta: float, radius: float) -> Any:
    masses = np.zeros(len(offsets) - 1)
    for jet in range(len(masses)):
        nodes, children = _cambridge_aachen(momenta[offsets[jet] : offsets[jet + 1]])
        node = len(nodes) - 1
        while children[node, 0] >= 0:
            hard, soft = children[node, 0], children[node, 1]
            pt_hard, pt_soft = nodes[hard, 4], nodes[soft, 4]
            if pt_soft > pt_hard:
                hard, soft, pt_hard, pt_soft = soft, hard, pt_soft, pt_hard
            distance = np.sqrt(_distance2(nodes[hard], nodes[soft]))
            if pt_soft / (pt_hard + pt_soft) > zcut * (distance / radius) ** beta:
                break
            node = hard
        masses[jet] = np.sqrt(max(nodes[node, 3] ** 2 - nodes[node, 4] ** 2 - nodes[node, 2] ** 2, 0.0))
    return masses


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def _cambridge_aachen(momenta: Any) -> Any:
    """The C/A tree of one jet: rows (px, py, pz, E, pT, y, phi) of particles and mergings, and their two children.

    Always the pair closest in rapidity and azimuth merges; each particle remembers its nearest neighbour,
    so that the whole costs N squared.
    """
    n = len(momenta)
    nodes = np.empty((2 * n - 1, 7))
    children = np.full((2 * n - 1, 2), -1)
    alive = np.arange(n)
    neighbour = np.zeros(n, np.int64)
    nearest = np.full(n, np.inf)
    for i in range(n):
        for component in range(4):
            nodes[i, component] = momenta[i, component]
        _coordinates(nodes[i])
        for j in range(i):
            d = _distance2(nodes[i], nodes[j])
            if d < nearest[i]:
                nearest[i], neighbour[i] = d, j
            if d < nearest[j]:
                nearest[j], neighbour[j] = d, i
    # From here i and j are places in `alive`; the last place moves into the one that becomes free.
    for new in range(n, 2 * n - 1):
        left = 2 * n - new
        closest = np.argmin(nearest[:left])
        i, j = min(closest, neighbour[closest]), max(closest, neighbour[closest])
        children[new, 0], children[new, 1] = alive[i], alive[j]
        for component in range(4):
            nodes[new, component] = nodes[alive[i], component] + nodes[alive[j], component]
        _coordinates(nodes[new])
        last = left - 1
        alive[i] = new
        alive[j], nearest[j], neighbour[j] = alive[last], nearest[last], neighbour[last]
        nearest[i] = np.inf
        for k in range(last):
            if neighbour[k] == i or neighbour[k] == j or k == i:
                nearest[k] = np.inf
                for m in range(last):
                    if m != k:
                        d = _distance2(nodes[alive[k]], nodes[alive[m]])
                        if d < nearest[k]:
                            nearest[k], neighbour[k] = d, m
            elif neighbour[k] == last:
                neighbour[k] = j
            d = _distance2(nodes[alive[k]], nodes[new])
            if k != i and d < nearest[k]:
                nearest[k], neighbour[k] = d, i
    return nodes, children


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def _coordinates(node: Any) -> None:
    px, py, pz, energy = node[0], node[1], node[2], node[3]
    node[4] = np.sqrt(px * px + py * py)
    node[5] = 0.5 * np.log((energy + pz) / (energy - pz))
    node[6] = np.arctan2(py, px)


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def _distance2(a: Any, b: Any) -> Any:
    dphi = abs(a[6] - b[6])
    if dphi > np.pi:
        dphi = 2 * np.pi - dphi
    return (a[5] - b[5]) ** 2 + dphi * dphi
