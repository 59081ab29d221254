"""Anti-kT jets of particles, with soft-drop mass and N-subjettiness, for files that hold no jets.

M. Cacciari, G. Salam, G. Soyez, JHEP 04 (2008) 063 (anti-kT) and EPJ C 72 (2012) 1896 (FastJet);
A. Larkoski et al., JHEP 05 (2014) 146 (soft drop); J. Thaler, K. Van Tilburg, JHEP 03 (2011) 015.
"""

import awkward as ak
import fastjet
import numpy as np
import vector

from resonaut.skim.settings import Clustering

vector.register_awkward()


def cluster(particles: ak.Array, config: Clustering) -> tuple[ak.Array, ak.Array]:
    """Jets of each event (events * var) and their constituents (events * var * var), by jet.

    ``particles``: events * var * {pt, eta, phi, mass} (GeV). Jets have ``pt eta phi mass softdrop_mass tau1``
    ... ``tau4``.
    """
    if not len(particles):
        names = ("pt", "eta", "phi", "mass", "softdrop_mass", "tau1", "tau2", "tau3", "tau4")
        return ak.zip(dict.fromkeys(names, particles.pt)), particles[:, np.newaxis]
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, config.radius)
    sequence = fastjet.ClusterSequence(_momenta(particles), definition)
    momenta = sequence.inclusive_jets(config.pt_min)
    # The index lists the jets in the same order.
    index = sequence.constituent_index(config.pt_min)
    flat = ak.flatten(index, axis=2)
    constituents = ak.unflatten(particles[flat], ak.flatten(ak.num(index, axis=2)), axis=1)
    jets = {name: getattr(momenta, name) for name in ("pt", "eta", "phi", "mass")}
    return ak.zip(jets | _substructure(constituents, config)), constituents


def _substructure(constituents: ak.Array, config: Clustering) -> dict[str, ak.Array]:
    """``softdrop_mass`` and ``tau1`` ... ``tau4`` of every jet."""
    counts = ak.num(constituents)
    momenta = _momenta(ak.flatten(constituents))
    tree = fastjet.ClusterSequence(momenta, fastjet.JetDefinition(fastjet.cambridge_algorithm, 1000.0))
    groomed = tree.exclusive_jets_softdrop_grooming(
        njets=1, beta=config.softdrop_beta, symmetry_cut=config.softdrop_zcut, R0=config.radius
    )
    tau = tree.njettiness(axes_definition="KT_Axes", njets=[1, 2, 3, 4], R0=config.radius)
    columns = {"softdrop_mass": np.maximum(groomed.msoftdrop, 0)} | {f"tau{n + 1}": tau[:, n] for n in range(4)}
    return {name: ak.unflatten(ak.flatten(values, axis=None), counts) for name, values in columns.items()}


def _momenta(particles: ak.Array) -> ak.Array:
    """FastJet's input, packed: unpacked arrays have corrupted its memory."""
    pt, eta, mass = particles.pt, particles.eta, particles.mass
    columns = {
        "px": pt * np.cos(particles.phi),
        "py": pt * np.sin(particles.phi),
        "pz": pt * np.sinh(eta),
        "E": np.sqrt((pt * np.cosh(eta)) ** 2 + mass**2),
    }
    return ak.to_packed(ak.zip(columns, with_name="Momentum4D"))
