"""The other objects of an event, in NanoAOD's names: small-radius jets, electrons, muons, photons, taus, subjets.

They are made of the same particle-flow candidates as the large-radius jets. As in Delphes (arXiv:1307.6346, section
3), what is identified as what is drawn: by true kind, with an efficiency, or a small probability for another kind.
"""

from dataclasses import dataclass
from typing import Any

import awkward as ak
import numpy as np

from resonaut.physics import jets
from resonaut.physics.angles import closest, momentum_near, near
from resonaut.simulate import nanoaod
from resonaut.simulate.detector import ELECTRON, MUON, PHOTON, PION, score
from resonaut.simulate.generator import Batch
from resonaut.simulate.particles import Particles
from resonaut.simulate.settings import Identification, Simulate, SmallJets, Taus

BARREL = 1.5
# Lepton or photon of the hard process within this distance: CMS's matching.
MATCH = 0.1
OUTGOING = 23
B_FLAVOUR, C_FLAVOUR = 5, 4
# NanoAOD's numbers of a tight identification, and of origins: prompt, tau to hadrons, of another particle, none.
TIGHT = {ELECTRON: 4, PHOTON: 3}
PROMPT, HADRONIC_TAU, SECONDARY, UNMATCHED = 1, 5, 3, 0


@dataclass(frozen=True)
class Event:
    """What the objects of a batch are made of. ``told``: truth may be stored.

    ``candidates``: events * var * {pt, eta, phi, mass, charge, pdgid}; ``batch``, with the generated particles;
    ``keep``: which events of the batch ``candidates`` are; ``fat_jets`` and their ``constituents`` by jet.
    """

    candidates: ak.Array
    batch: Batch
    keep: np.ndarray
    fat_jets: ak.Array
    constituents: ak.Array
    told: bool


def collections(event: Event, config: Simulate, rng: np.random.Generator) -> dict[str, Any]:
    """Branches of all objects; large-radius jets give the further fields of ``FatJet``.

    Each kind of object has random numbers of its own.
    """
    setting = config.objects
    streams = dict(zip(("jet", "electron", "muon", "photon", "tau"), rng.spawn(5), strict=True))
    small, parts = jets.cluster(event.candidates, setting.small_jet.radius, setting.small_jet.pt_min)
    hadronic = near(small, event.batch.taus[event.keep], setting.small_jet.radius)
    found: dict[str, Any] = {
        "Jet": small_jets(small, parts, event, setting.small_jet, config.detector.tracker.eta_max, streams["jet"]),
        "Tau": taus(small, parts, hadronic, setting.tau, event.told, streams["tau"]),
        "Electron": identified(ELECTRON, event, setting.electron, streams["electron"]),
        "Muon": identified(MUON, event, setting.muon, streams["muon"]),
        "Photon": identified(PHOTON, event, setting.photon, streams["photon"]),
        # There is no pile-up.
        "fixedGridRhoFastjetAll": np.zeros(len(event.candidates), np.float32),
    }
    found["FatJet"], found["SubJet"] = soft_drop_subjets(event, config)
    if event.told:
        found |= _generated(found, event, config)
    return {name: nanoaod.collection(of) if isinstance(of, dict) else of for name, of in found.items()}


def small_jets(
    small: ak.Array, parts: ak.Array, event: Event, setting: SmallJets, reach: float, rng: np.random.Generator
) -> dict[str, ak.Array]:
    """Small-radius jets with a score of b tagging where there are tracks: |eta| below ``reach``."""
    flavour = _flavour(small, event, setting.radius)
    mean = ak.where(flavour == B_FLAVOUR, 0.5, ak.where(flavour == C_FLAVOUR, setting.charm - 0.5, -0.5))
    # Without tracks there is no score, which NanoAOD tells by -1.
    tag = ak.where(np.abs(small.eta) < reach, score(setting.b_tag_separation * mean, rng), -1)
    fields = {name: small[name] for name in nanoaod.MOMENTUM} | _uncorrected(small, setting.radius)
    fields |= {"jetId": nanoaod.tight(parts), "nConstituents": ak.num(parts, axis=2), "btagDeepFlavB": tag}
    return fields | ({"hadronFlavour": flavour} if event.told else {})


def taus(
    small: ak.Array, parts: ak.Array, genuine: ak.Array, setting: Taus, told: bool, rng: np.random.Generator
) -> dict[str, ak.Array]:
    """Small-radius jets that pass for taus; ``genuine``: which of them hold a tau that decays to hadrons."""
    drawn = _uniform(small.pt, rng) < ak.where(genuine, setting.efficiency, setting.fake)
    charged = parts.charge[parts.charge != 0]
    inside = (small.pt > setting.pt_min) & (np.abs(small.eta) < setting.eta_max) & (ak.num(charged, axis=2) > 0)
    fields = {name: small[name] for name in nanoaod.MOMENTUM}
    # Constituents are in order of pT: the charge is that of the hardest track.
    fields |= {"charge": ak.fill_none(ak.firsts(charged, axis=2), 0), "jetIdx": ak.local_index(small.pt)}
    fields |= {"genPartFlav": ak.where(genuine, HADRONIC_TAU, UNMATCHED)} if told else {}
    return {name: values[drawn & inside] for name, values in fields.items()}


def identified(kind: int, event: Event, setting: Identification, rng: np.random.Generator) -> dict[str, ak.Array]:
    """Candidates of a kind, whether identified or not, and charged hadrons that are mistaken for it."""
    candidates = event.candidates
    inside = candidates[(candidates.pt > setting.pt_min) & (np.abs(candidates.eta) < setting.eta_max)]
    inside = inside[ak.argsort(inside.pt, axis=1, ascending=False)]
    genuine, hadron = np.abs(inside.pdgid) == kind, np.abs(inside.pdgid) == PION
    efficiency = ak.where(np.abs(inside.eta) < BARREL, setting.barrel, setting.endcap)
    passes = _uniform(inside.pt, rng) < ak.where(genuine, efficiency, ak.where(hadron, setting.fake, 0))
    stored = genuine | passes
    inside, genuine, passes = inside[stored], genuine[stored], passes[stored]
    # Photons have neither in NanoAOD.
    names = ("pt", "eta", "phi") if kind == PHOTON else (*nanoaod.MOMENTUM, "charge")
    fields = {name: inside[name] for name in names}
    fields |= {f"pfRelIso0{n}_all": isolation(inside, candidates, n / 10) for n in (3, 4)}
    fields |= {"tightId": passes} if kind == MUON else {"cutBased": passes * TIGHT[kind]}
    if event.told:
        hard = event.batch.hard[event.keep]
        prompt = near(inside, hard[(np.abs(hard.pdgId) == kind) & (hard.status == OUTGOING)], MATCH)
        fields["genPartFlav"] = ak.where(genuine & prompt, PROMPT, ak.where(genuine, SECONDARY, UNMATCHED))
    return fields


def isolation(objects: ak.Array, candidates: ak.Array, cone: float) -> ak.Array:
    """Sum of the pT of the other candidates within ``cone``, over the object's own; it is one of them itself."""
    return momentum_near(objects, candidates, cone) / objects.pt - 1


def soft_drop_subjets(event: Event, config: Simulate) -> tuple[dict[str, ak.Array], dict[str, ak.Array]]:
    """The further fields of ``FatJet``, and its soft-drop subjets."""
    setting = config.jets
    _, by_jet = jets.groom(event.constituents, setting.radius, setting.softdrop_zcut, setting.softdrop_beta)
    subjets = ak.flatten(by_jet, axis=2)
    numbers = ak.unflatten(ak.local_index(subjets), ak.flatten(ak.num(by_jet, axis=2)), axis=1)
    index = ak.fill_none(ak.pad_none(numbers, 2, axis=2), -1, axis=2)
    fields = _uncorrected(event.fat_jets, setting.radius) | {f"subJetIdx{n}": index[:, :, n - 1] for n in (1, 2)}
    fields |= {"hadronFlavour": _flavour(event.fat_jets, event, setting.radius)} if event.told else {}
    return fields, {name: subjets[name] for name in nanoaod.MOMENTUM} | {"rawFactor": ak.zeros_like(subjets.pt)}


def _generated(found: dict[str, Any], event: Event, config: Simulate) -> dict[str, Any]:
    """Jets of the generated visible particles, links to them, and what no detector sees."""
    small = config.objects.small_jet.radius
    particles = _momenta(event.batch.visible)[event.keep]
    jets_of = {
        "GenJet": jets.cluster(particles, small, config.objects.generator_jet_pt_min)[0],
        "GenJetAK8": jets.cluster(particles, config.jets.radius, config.jets.pt_min / 2)[0],
    }
    axes = ak.zip({name: found["Jet"][name] for name in ("eta", "phi")})
    found["Jet"]["genJetIdx"] = closest(axes, jets_of["GenJet"], small / 2)
    found["FatJet"]["genJetAK8Idx"] = closest(event.fat_jets, jets_of["GenJetAK8"], config.jets.radius / 2)
    px, py = event.batch.missing[event.keep].T
    generated = {name: {field: jet[field] for field in nanoaod.MOMENTUM} for name, jet in jets_of.items()}
    met = {"GenMET_pt": np.hypot(px, py).astype(np.float32), "GenMET_phi": np.arctan2(py, px).astype(np.float32)}
    return generated | met


def _flavour(found: ak.Array, event: Event, radius: float) -> ak.Array:
    """5 with a weakly decaying b hadron within the jet's radius, else 4 with such a c hadron, else 0."""
    beauty = near(found, event.batch.b_hadrons[event.keep], radius)
    charm = near(found, event.batch.c_hadrons[event.keep], radius)
    return ak.where(beauty, B_FLAVOUR, ak.where(charm, C_FLAVOUR, 0))


def _uncorrected(found: ak.Array, radius: float) -> dict[str, ak.Array]:
    """What a correction of jets reads: their area, and the part of pT that a correction has added: none."""
    return {"area": ak.full_like(found.pt, np.pi * radius**2), "rawFactor": ak.zeros_like(found.pt)}


def _momenta(particles: Particles) -> ak.Array:
    """Events * var * {pt, eta, phi, mass} of flat particles."""
    momentum = particles.pt * np.cosh(particles.eta)
    mass = np.sqrt(np.maximum((particles.energy - momentum) * (particles.energy + momentum), 0))
    columns = {"pt": particles.pt, "eta": particles.eta, "phi": particles.phi, "mass": mass}
    return ak.unflatten(ak.zip(columns), np.bincount(particles.event, minlength=particles.events))


def _uniform(like: ak.Array, rng: np.random.Generator) -> ak.Array:
    return ak.unflatten(rng.random(ak.sum(ak.num(like))), ak.num(like))
