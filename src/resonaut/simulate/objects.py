"""The other objects of an event, in NanoAOD's names: small-radius jets, electrons, muons, photons, taus, subjets.

They are made of the same particle-flow candidates as the large-radius jets. As in Delphes (arXiv:1307.6346, section
3), what is identified as what is drawn: by true kind, with an efficiency, or a small probability for another kind.
"""

from dataclasses import dataclass
from functools import cached_property
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
from resonaut.simulate.truth import OUTGOING

BARREL = 1.5
# Lepton or photon of the hard process within this distance: CMS's matching.
MATCH = 0.1
B_FLAVOUR, C_FLAVOUR = 5, 4
# NanoAOD's numbers of a tight identification, and of origins: prompt, tau to hadrons, of another particle, none.
TIGHT = {ELECTRON: 4, PHOTON: 3}
PROMPT, HADRONIC_TAU, SECONDARY, UNMATCHED = 1, 5, 3, 0


@dataclass(frozen=True)
class Event:
    """What the objects of a batch are made of. ``told``: truth may be stored.

    ``candidates``: events * var * {pt, eta, phi, mass, charge, pdgid}; ``batch``, with the generated particles;
    ``keep``: which events of the batch ``candidates`` are; ``fat_jets`` and their soft-drop ``subjets`` by jet.
    """

    candidates: ak.Array
    batch: Batch
    keep: np.ndarray
    fat_jets: ak.Array
    subjets: ak.Array
    told: bool

    @cached_property
    def flat(self) -> dict[str, np.ndarray]:
        """Columns of all candidates, and each one's event as ``row``: chosen from faster than with masks by event."""
        columns = ak.flatten(self.candidates)
        row = np.repeat(np.arange(len(self.candidates)), ak.to_numpy(ak.num(self.candidates)))
        return {name: ak.to_numpy(columns[name]) for name in columns.fields} | {"row": row}

    @cached_property
    def leptons(self) -> ak.Array:
        """What comes out of the hard process, events * var * {eta, phi, pdgId}."""
        hard = self.batch.hard[["eta", "phi", "pdgId", "status"]][self.keep]
        return hard[hard.status == OUTGOING]


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
    tag = ak.where(np.abs(small["eta"]) < reach, score(setting.b_tag_separation * mean, rng), -1)
    fields = {name: small[name] for name in nanoaod.MOMENTUM} | _uncorrected(small, setting.radius)
    fields |= {"jetId": nanoaod.tight(parts), "nConstituents": ak.num(parts, axis=2), "btagDeepFlavB": tag}
    return fields | ({"hadronFlavour": flavour} if event.told else {})


def taus(
    small: ak.Array, parts: ak.Array, genuine: ak.Array, setting: Taus, told: bool, rng: np.random.Generator
) -> dict[str, ak.Array]:
    """Small-radius jets that pass for taus; ``genuine``: which of them hold a tau that decays to hadrons."""
    drawn = _uniform(small["pt"], rng) < ak.where(genuine, setting.efficiency, setting.fake)
    charged = parts.charge[parts.charge != 0]
    passes = drawn & (small["pt"] > setting.pt_min) & (np.abs(small["eta"]) < setting.eta_max)
    passes = passes & (ak.num(charged, axis=2) > 0)
    fields = {name: small[name] for name in nanoaod.MOMENTUM}
    # Constituents are in order of pT: the charge is that of the hardest track.
    fields |= {"charge": ak.fill_none(ak.firsts(charged, axis=2), 0), "jetIdx": ak.local_index(small["pt"])}
    fields |= {"genPartFlav": ak.where(genuine, HADRONIC_TAU, UNMATCHED)} if told else {}
    return {name: values[passes] for name, values in fields.items()}


def identified(kind: int, event: Event, setting: Identification, rng: np.random.Generator) -> dict[str, ak.Array]:
    """Candidates of a kind, whether identified or not, and charged hadrons that are mistaken for it."""
    flat = event.flat
    inside = np.flatnonzero((flat["pt"] > setting.pt_min) & (np.abs(flat["eta"]) < setting.eta_max))
    inside = inside[np.lexsort((-flat["pt"][inside], flat["row"][inside]))]
    found = np.abs(flat["pdgid"][inside])
    genuine = found == kind
    efficiency = np.where(np.abs(flat["eta"][inside]) < BARREL, setting.barrel, setting.endcap)
    passes = rng.random(len(inside)) < np.where(genuine, efficiency, np.where(found == PION, setting.fake, 0))
    stored = genuine | passes
    counts = np.bincount(flat["row"][inside[stored]], minlength=len(event.candidates))
    objects = ak.unflatten(ak.zip({name: flat[name][inside[stored]] for name in (*nanoaod.MOMENTUM, "charge")}), counts)
    genuine, passes = (ak.unflatten(values[stored], counts) for values in (genuine, passes))
    # Photons have neither in NanoAOD.
    names = ("pt", "eta", "phi") if kind == PHOTON else objects.fields
    fields = {name: objects[name] for name in names}
    fields |= {f"pfRelIso0{n}_all": isolation(objects, event.candidates, n / 10) for n in (3, 4)}
    fields |= {"tightId": passes} if kind == MUON else {"cutBased": passes * TIGHT[kind]}
    if event.told:
        prompt = near(objects, event.leptons[np.abs(event.leptons.pdgId) == kind], MATCH)
        fields["genPartFlav"] = ak.where(genuine & prompt, PROMPT, ak.where(genuine, SECONDARY, UNMATCHED))
    return fields


def isolation(objects: ak.Array, candidates: ak.Array, cone: float) -> ak.Array:
    """Sum of the pT of the other candidates within ``cone``, over the object's own; it is one of them itself."""
    return momentum_near(objects, candidates, cone) / objects.pt - 1


def soft_drop_subjets(event: Event, config: Simulate) -> tuple[dict[str, ak.Array], dict[str, ak.Array]]:
    """The further fields of ``FatJet``, and its soft-drop subjets."""
    radius, by_jet = config.jets.radius, event.subjets
    subjets = ak.flatten(by_jet, axis=2)
    numbers = ak.unflatten(ak.local_index(subjets), ak.flatten(ak.num(by_jet, axis=2)), axis=1)
    index = ak.fill_none(ak.pad_none(numbers, 2, axis=2), -1, axis=2)
    fields = _uncorrected(event.fat_jets, radius) | {f"subJetIdx{n}": index[:, :, n - 1] for n in (1, 2)}
    fields |= {"hadronFlavour": _flavour(event.fat_jets, event, radius)} if event.told else {}
    return fields, {name: subjets[name] for name in nanoaod.MOMENTUM} | {"rawFactor": ak.zeros_like(subjets.pt)}


def _generated(found: dict[str, Any], event: Event, config: Simulate) -> dict[str, Any]:
    """Jets of the generated visible particles, links to them, and what no detector sees."""
    small = config.objects.small_jet.radius
    momenta = jets.four_momenta(_momenta(event.batch.visible)[event.keep])
    jets_of = {
        "GenJet": jets.find(momenta, small, config.objects.generator_jet_pt_min),
        "GenJetAK8": jets.find(momenta, config.jets.radius, config.jets.pt_min / 2),
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
    return beauty * B_FLAVOUR + (charm & ~beauty) * C_FLAVOUR


def _uncorrected(found: ak.Array, radius: float) -> dict[str, ak.Array]:
    """What a correction of jets reads: their area, and the part of pT that a correction has added: none."""
    return {"area": ak.full_like(found["pt"], np.pi * radius**2), "rawFactor": ak.zeros_like(found["pt"])}


def _momenta(particles: Particles) -> ak.Array:
    """Events * var * {pt, eta, phi, mass} of flat particles."""
    momentum = particles.pt * np.cosh(particles.eta)
    mass = np.sqrt(np.maximum((particles.energy - momentum) * (particles.energy + momentum), 0))
    columns = {"pt": particles.pt, "eta": particles.eta, "phi": particles.phi, "mass": mass}
    return ak.unflatten(ak.zip(columns), np.bincount(particles.event, minlength=particles.events))


def _uniform(like: ak.Array, rng: np.random.Generator) -> ak.Array:
    return ak.unflatten(rng.random(ak.sum(ak.num(like))), ak.num(like))
