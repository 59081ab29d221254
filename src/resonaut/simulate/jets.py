"""Anti-kT jets of particle-flow candidates, and the filter on them.

M. Cacciari, G. Salam, G. Soyez, JHEP 04 (2008) 063 (anti-kT) and EPJ C 72 (2012) 1896 (FastJet).
"""

from dataclasses import dataclass

import awkward as ak
import fastjet
import numpy as np
import vector

from resonaut.simulate.settings import Filter, Jets

vector.register_awkward()


@dataclass(frozen=True)
class Clustered:
    """Jets of a batch, by falling pT, and the candidates in them.

    ``jets``: events * var * {pt, eta, phi, mass} (GeV). ``constituents``: events * var * var *
    {pt, eta, phi, mass, charge, pdgid}, by jet, by falling pT.
    """

    jets: ak.Array
    constituents: ak.Array

    def __getitem__(self, events: np.ndarray) -> "Clustered":
        return Clustered(self.jets[events], self.constituents[events])


def four_momenta(candidates: ak.Array) -> ak.Array:
    """FastJet's input: ``px py pz E`` of candidates with ``pt eta phi mass``, packed."""
    pt, eta, mass = candidates.pt, candidates.eta, candidates.mass
    columns = {
        "px": pt * np.cos(candidates.phi),
        "py": pt * np.sin(candidates.phi),
        "pz": pt * np.sinh(eta),
        "E": np.sqrt((pt * np.cosh(eta)) ** 2 + mass**2),
    }
    return ak.to_packed(ak.zip(columns, with_name="Momentum4D"))


def cluster(candidates: ak.Array, config: Jets) -> Clustered:
    """Cluster each event's candidates (events * var * {pt, eta, phi, mass, charge, pdgid})."""
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, config.radius)
    sequence = fastjet.ClusterSequence(four_momenta(candidates), definition)
    momenta = sequence.inclusive_jets(config.pt_min)
    index = sequence.constituent_index(config.pt_min)
    # Neither list is sorted, but both have the same order.
    order = ak.argsort(momenta.pt, ascending=False)
    momenta, index = momenta[order], index[order]
    sizes = ak.flatten(ak.num(index, axis=2))
    constituents = ak.unflatten(candidates[ak.flatten(index, axis=2)], sizes, axis=1)
    constituents = constituents[ak.argsort(constituents.pt, axis=2, ascending=False)]
    jets = ak.zip({name: getattr(momenta, name) for name in ("pt", "eta", "phi", "mass")}, with_name="Momentum4D")
    return Clustered(jets, constituents)


def passes(jets: ak.Array, cut: Filter) -> np.ndarray:
    """Which events have the leading jets that the filter asks for: one bool each."""
    keep: np.ndarray = (ak.num(jets) >= cut.jets).to_numpy()
    leading = jets[keep, : cut.jets]
    good = ak.all((leading.pt > cut.pt_min) & (np.abs(leading.eta) < cut.eta_max), axis=1)
    if cut.delta_eta_max is not None:
        good = good & (np.abs(leading[:, 0].eta - leading[:, 1].eta) < cut.delta_eta_max)
    if cut.m_jj_min is not None:
        good = good & ((leading[:, 0] + leading[:, 1]).mass > cut.m_jj_min)
    keep[keep] = good.to_numpy()
    return keep
