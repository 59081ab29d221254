"""Jets of particles: anti-kT and N-subjettiness with FastJet's vectorised interface, soft drop with the compiled tree.

M. Cacciari, G. Salam, G. Soyez, JHEP 04 (2008) 063 (anti-kT) and EPJ C 72 (2012) 1896 (FastJet); A. Larkoski,
S. Marzani, G. Soyez, J. Thaler, JHEP 05 (2014) 146 (soft drop, equation 1.1); J. Thaler, K. Van Tilburg,
JHEP 03 (2011) 015 (N-subjettiness, axes from one minimisation pass from the exclusive kT axes, as CMS uses).
"""

import awkward as ak
import fastjet
import numpy as np
import vector

from resonaut.physics.anti_kt import anti_kt
from resonaut.physics.clustering import FloatArray, soft_drop

vector.register_awkward()

N_TAU = 4


def four_momenta(particles: ak.Array) -> ak.Array:
    """FastJet's input: ``px py pz E`` of particles with ``pt eta phi mass``.

    Packed: arrays that are views of larger ones have corrupted FastJet's memory.
    """
    flat = ak.flatten(particles[["pt", "eta", "phi", "mass"]])
    pt, eta, phi, mass = (ak.to_numpy(flat[name]) for name in ("pt", "eta", "phi", "mass"))
    columns = {
        "px": pt * np.cos(phi),
        "py": pt * np.sin(phi),
        "pz": pt * np.sinh(eta),
        "E": np.sqrt((pt * np.cosh(eta)) ** 2 + mass**2),
    }
    return ak.unflatten(ak.zip(columns, with_name="Momentum4D"), ak.num(particles))


def cluster(particles: ak.Array, radius: float, pt_min: float) -> tuple[ak.Array, ak.Array]:
    """Anti-kT jets of each event and their constituents.

    Args:
        particles: events * var * {pt, eta, phi, mass, …} (GeV); further fields stay with the constituents.
        radius: of the jets.
        pt_min: smallest transverse momentum of a jet, GeV.

    Returns:
        Jets, events * var * {pt, eta, phi, mass}, and their constituents, events * var * var, both by falling pT.
    """
    sequence = _anti_kt(four_momenta(particles), radius)
    momenta, index = sequence.inclusive_jets(pt_min), sequence.constituent_index(pt_min)
    # Neither list is sorted, but both have the same order.
    counts, sizes, jets = ak.to_numpy(ak.num(momenta)), ak.num(particles), ak.flatten(momenta)
    by_jet = ak.flatten(index)
    event, jet = np.repeat(np.arange(len(counts)), counts), np.repeat(np.arange(len(by_jet)), ak.num(by_jet))
    order = np.lexsort((-np.hypot(ak.to_numpy(jets["px"]), ak.to_numpy(jets["py"])), event))
    owner = np.full(len(ak.flatten(particles)), -1)
    first = np.cumsum(sizes) - sizes
    owner[ak.to_numpy(ak.flatten(by_jet)) + ak.to_numpy(first)[event[jet]]] = np.argsort(order)[jet]
    found = ak.unflatten(jets[order], counts)
    return _coordinates(found), _constituents(particles, owner, found)


def of_particles(particles: ak.Array, radius: float, pt_min: float) -> tuple[ak.Array, ak.Array]:
    """What ``cluster`` gives, in half of its time, of particles that are not at the centres of cells.

    Those have equal distances, which ``anti_kt`` does not tell apart as FastJet does.
    """
    momenta = four_momenta(particles)
    found, owner = _compiled(momenta, radius, pt_min)
    return _coordinates(found), _constituents(particles, owner, found)


def find(momenta: ak.Array, radius: float, pt_min: float) -> ak.Array:
    """The jets of ``of_particles`` without their constituents, from what ``four_momenta`` gives."""
    return _coordinates(_compiled(momenta, radius, pt_min)[0])


def _constituents(particles: ak.Array, owner: np.ndarray, jets: ak.Array) -> ak.Array:
    """The particles of each of the ``jets`` by falling pT; ``owner``: each particle's place among all jets, or -1."""
    flat, used = ak.flatten(particles), np.flatnonzero(owner >= 0)
    used = used[np.lexsort((-ak.to_numpy(flat["pt"])[used], owner[used]))]
    parts = ak.unflatten(flat[used], np.bincount(owner[used], minlength=len(ak.flatten(jets))))
    return ak.unflatten(parts, ak.num(jets))


def _compiled(momenta: ak.Array, radius: float, pt_min: float) -> tuple[ak.Array, np.ndarray]:
    """The jets above ``pt_min`` by falling pT, events * var * {px, ...}, and each particle's place among all or -1."""
    flat, sizes = ak.flatten(momenta), ak.to_numpy(ak.num(momenta))
    columns = np.stack([ak.to_numpy(flat[name]) for name in ("px", "py", "pz", "E")])
    found, counts, owner = anti_kt(columns, np.concatenate([[0], np.cumsum(sizes)]), radius)
    pt2, event = found[0] ** 2 + found[1] ** 2, np.repeat(np.arange(len(counts)), counts)
    order = np.lexsort((-pt2, event))
    order = order[pt2[order] >= pt_min**2]
    rank = np.full(len(pt2), -1)
    rank[order] = np.arange(len(order))
    chosen = ak.zip(dict(zip(("px", "py", "pz", "E"), found[:, order], strict=True)), with_name="Momentum4D")
    place = rank[owner + np.repeat(np.cumsum(counts) - counts, sizes)]
    return ak.unflatten(chosen, np.bincount(event[order], minlength=len(counts))), place


def groom(constituents: ak.Array, radius: float, zcut: float, beta: float) -> tuple[ak.Array, ak.Array]:
    """Soft-drop mass of every jet, and the two subjets of the splitting that passes.

    Args:
        constituents: events * var * var * {pt, eta, phi, mass}, by jet (GeV, p_T above 0); no jet is without.
        radius: of the jets, the R0 of soft drop.
        zcut: soft drop's momentum-sharing threshold.
        beta: soft drop's angular exponent.

    Returns:
        The masses, events * var (GeV), and the subjets, events * var * var * {pt, eta, phi, mass}, the harder one
        first: two, or one where no splitting passes, which is then the last particle on the way.
    """
    counts = ak.num(constituents)
    momenta = four_momenta(ak.flatten(constituents))
    first = np.concatenate([[0], np.cumsum(ak.to_numpy(ak.num(momenta)))]).astype(np.int64)
    columns = [ak.to_numpy(ak.flatten(momenta[name])) for name in ("px", "py", "pz", "E")]
    pieces = soft_drop(np.stack(columns).astype(np.float64), first, zcut, beta, radius)
    # Jet by jet, the two subjets of each side by side.
    px, py, pz, energy = pieces.transpose(1, 2, 0).reshape(4, -1)
    real = energy > 0
    px, py, pz, energy = px[real], py[real], pz[real], energy[real]
    pt = np.hypot(px, py)
    subjet = {"pt": pt, "eta": np.arcsinh(pz / pt), "phi": np.arctan2(py, px), "mass": _mass(px, py, pz, energy)}
    subjets = ak.unflatten(ak.unflatten(ak.zip(subjet), real.reshape(-1, 2).sum(axis=1)), counts)
    return ak.unflatten(_mass(*pieces.sum(axis=0)), counts), subjets


def substructure(
    constituents: ak.Array, radius: float, zcut: float, beta: float
) -> tuple[dict[str, ak.Array], ak.Array]:
    """Soft-drop mass (GeV) and ``tau1`` … ``tau4`` of every jet, events * var, and the subjets; like ``groom``."""
    counts = ak.num(constituents)
    momenta = four_momenta(ak.flatten(constituents))
    tree = fastjet.ClusterSequence(momenta, fastjet.JetDefinition(fastjet.cambridge_algorithm, 1000.0))
    tau = tree.njettiness(axes_definition="OnePass_KT_Axes", njets=list(range(1, N_TAU + 1)), R0=radius)
    columns = {f"tau{n}": ak.unflatten(ak.flatten(tau[:, n - 1], axis=None), counts) for n in range(1, N_TAU + 1)}
    mass, subjets = groom(constituents, radius, zcut, beta)
    return {"softdrop_mass": mass} | columns, subjets


def _anti_kt(momenta: ak.Array, radius: float) -> fastjet.ClusterSequence:
    return fastjet.ClusterSequence(momenta, fastjet.JetDefinition(fastjet.antikt_algorithm, radius))


def _coordinates(momenta: ak.Array) -> ak.Array:
    flat = ak.flatten(momenta)
    # In NumPy's arrays, in which vector's formulas cost a tenth.
    numbers = vector.arr({name: ak.to_numpy(flat[name]) for name in flat.fields})
    columns = {name: getattr(numbers, name) for name in ("pt", "eta", "phi", "mass")}
    return ak.unflatten(ak.zip(columns, with_name="Momentum4D"), ak.num(momenta))


def _mass(px: FloatArray, py: FloatArray, pz: FloatArray, energy: FloatArray) -> FloatArray:
    """Invariant mass; rounding may make the square of a massless momentum negative."""
    mass: FloatArray = np.sqrt(np.maximum((energy + pz) * (energy - pz) - (px**2 + py**2), 0))
    return mass
