"""Jets of particles with FastJet's vectorised interface: anti-kT, soft-drop mass, N-subjettiness.

M. Cacciari, G. Salam, G. Soyez, JHEP 04 (2008) 063 (anti-kT) and EPJ C 72 (2012) 1896 (FastJet); A. Larkoski,
S. Marzani, G. Soyez, J. Thaler, JHEP 05 (2014) 146 (soft drop, equation 1.1); J. Thaler, K. Van Tilburg,
JHEP 03 (2011) 015 (N-subjettiness, axes from one minimisation pass from the exclusive kT axes, as CMS uses).
"""

import awkward as ak
import fastjet
import numpy as np
import vector

vector.register_awkward()

N_TAU = 4


def four_momenta(particles: ak.Array) -> ak.Array:
    """FastJet's input: ``px py pz E`` of particles with ``pt eta phi mass``.

    Packed: arrays that are views of larger ones have corrupted FastJet's memory.
    """
    pt, eta, mass = particles.pt, particles.eta, particles.mass
    columns = {
        "px": pt * np.cos(particles.phi),
        "py": pt * np.sin(particles.phi),
        "pz": pt * np.sinh(eta),
        "E": np.sqrt((pt * np.cosh(eta)) ** 2 + mass**2),
    }
    return ak.to_packed(ak.zip(columns, with_name="Momentum4D"))


def cluster(particles: ak.Array, radius: float, pt_min: float) -> tuple[ak.Array, ak.Array]:
    """Anti-kT jets of each event and their constituents.

    Args:
        particles: events * var * {pt, eta, phi, mass, …} (GeV); further fields stay with the constituents.
        radius: of the jets.
        pt_min: smallest transverse momentum of a jet, GeV.

    Returns:
        Jets, events * var * {pt, eta, phi, mass}, and their constituents, events * var * var, both by falling pT.
    """
    sequence = fastjet.ClusterSequence(four_momenta(particles), fastjet.JetDefinition(fastjet.antikt_algorithm, radius))
    momenta, index = sequence.inclusive_jets(pt_min), sequence.constituent_index(pt_min)
    # Neither list is sorted, but both have the same order.
    order = ak.argsort(momenta.pt, ascending=False)
    momenta, index = momenta[order], index[order]
    sizes = ak.flatten(ak.num(index, axis=2))
    constituents = ak.unflatten(particles[ak.flatten(index, axis=2)], sizes, axis=1)
    constituents = constituents[ak.argsort(constituents.pt, axis=2, ascending=False)]
    jets = ak.zip({name: getattr(momenta, name) for name in ("pt", "eta", "phi", "mass")}, with_name="Momentum4D")
    return jets, constituents


def substructure(constituents: ak.Array, radius: float, zcut: float, beta: float) -> dict[str, ak.Array]:
    """Soft-drop mass (GeV) and ``tau1`` … ``tau4`` of every jet, events * var.

    Args:
        constituents: events * var * var * {pt, eta, phi, mass}, by jet.
        radius: of the jets, the R0 of both observables.
        zcut: soft drop's momentum-sharing threshold.
        beta: soft drop's angular exponent.
    """
    counts = ak.num(constituents)
    momenta = four_momenta(ak.flatten(constituents))
    tree = fastjet.ClusterSequence(momenta, fastjet.JetDefinition(fastjet.cambridge_algorithm, 1000.0))
    groomed = tree.exclusive_jets_softdrop_grooming(njets=1, beta=beta, symmetry_cut=zcut, R0=radius)
    tau = tree.njettiness(axes_definition="OnePass_KT_Axes", njets=list(range(1, N_TAU + 1)), R0=radius)
    # A single massless constituent may come out with a mass just below zero.
    columns = {"softdrop_mass": np.maximum(groomed.msoftdrop, 0)} | {
        f"tau{n}": tau[:, n - 1] for n in range(1, N_TAU + 1)
    }
    return {name: ak.unflatten(ak.flatten(values, axis=None), counts) for name, values in columns.items()}
