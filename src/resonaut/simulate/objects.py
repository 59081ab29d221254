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
from resonaut.physics.angles import Lists, closest, momentum_near, near
from resonaut.simulate import nanoaod, tracks
from resonaut.simulate.detector import ELECTRON, MUON, PHOTON, PION, score
from resonaut.simulate.generator import Batch
from resonaut.simulate.settings import Identification, Simulate, SmallJets, Taus
from resonaut.simulate.truth import OUTGOING, TAU

BARREL = 1.5
# Lepton or photon of the hard process within this distance: CMS's matching.
MATCH = 0.1
B_FLAVOUR, C_FLAVOUR = 5, 4
# NanoAOD's numbers of a tight identification, and of origins: prompt, tau to hadrons, of another particle, none.
TIGHT = {ELECTRON: 4, PHOTON: 3}
PROMPT, HADRONIC_TAU, SECONDARY, UNMATCHED = 1, 5, 3, 0


@dataclass(frozen=True)
class Event:
    """What the objects of a batch are made of. ``told``: truth may be stored; ``fake_taus``: see ``taus``.

    ``candidates``: events * var * {pt, eta, phi, mass, charge, pdgid}; ``batch``, with the generated particles;
    ``keep``: which events of the batch ``candidates`` are; ``fat_jets``, their ``constituents`` and soft-drop
    ``subjets`` by jet.
    """

    candidates: ak.Array
    batch: Batch
    keep: np.ndarray
    fat_jets: ak.Array
    constituents: ak.Array
    subjets: ak.Array
    told: bool
    fake_taus: float = 1

    @cached_property
    def flat(self) -> Lists:
        """All candidates."""
        return Lists.of(self.candidates, *nanoaod.MOMENTUM, "charge", "pdgid", "particle")

    @cached_property
    def hadrons(self) -> dict[int, Lists]:
        """Directions of the weakly decaying hadrons of each flavour."""
        found = {B_FLAVOUR: self.batch.b_hadrons, C_FLAVOUR: self.batch.c_hadrons}
        return {flavour: Lists.of(hadrons[self.keep], "eta", "phi") for flavour, hadrons in found.items()}

    @cached_property
    def leptons(self) -> Lists:
        """What comes out of the hard process, {eta, phi, pdgId, status}."""
        hard = Lists.of(self.batch.hard[self.keep], "eta", "phi", "pdgId", "status")
        return hard.chosen(hard["status"] == OUTGOING)


def collections(event: Event, config: Simulate, rng: np.random.Generator) -> dict[str, Any]:
    """Branches of all objects; large-radius jets give the further fields of ``FatJet``, taus the events' weight.

    Each kind of object has random numbers of its own.
    """
    setting = config.objects
    streams = dict(zip(("jet", "electron", "muon", "photon", "tau", "track"), rng.spawn(6), strict=True))
    clustered, by_jet = jets.cluster(event.candidates, setting.small_jet.radius, setting.small_jet.pt_min)
    small, parts = Lists.of(clustered, *nanoaod.MOMENTUM), nanoaod.parts(by_jet)
    hadronic = near(small, Lists.of(event.batch.taus[event.keep], "eta", "phi"), setting.small_jet.radius)
    hadrons, weight = taus(small, parts, hadronic, setting.tau, event.told, streams["tau"], event.fake_taus)
    found: dict[str, Any] = {
        "Jet": small_jets(small, parts, event, setting.small_jet, config.detector.tracker.eta_max, streams["jet"]),
        "Tau": hadrons,
        "Electron": identified(ELECTRON, event, setting.electron, streams["electron"]),
        "Muon": identified(MUON, event, setting.muon, streams["muon"]),
        "Photon": identified(PHOTON, event, setting.photon, streams["photon"]),
        # There is no pile-up.
        "fixedGridRhoFastjetAll": np.zeros(len(event.candidates), np.float32),
    }
    found["FatJet"], found["SubJet"] = soft_drop_subjets(event, config)
    if event.told:
        found["genWeight"] = weight.astype(np.float32)
        found["Jet"].columns["tauFlavour"] = np.where(hadronic, TAU, 0)
        found |= _generated(found, event, config)
    if event.batch.origins is not None:
        large, of_small = event.constituents["place"], by_jet["place"]
        rng = streams["track"]
        found |= tracks.collections(event.flat, large, of_small, event.batch, setting.track, rng, event.told)
    return {name: nanoaod.collection(of) if isinstance(of, Lists) else of for name, of in found.items()}


def small_jets(
    small: Lists, parts: Lists, event: Event, setting: SmallJets, reach: float, rng: np.random.Generator
) -> Lists:
    """Small-radius jets with a score of b tagging where there are tracks: |eta| below ``reach``."""
    flavour = _flavour(small, event, setting.radius)
    mean = np.select([flavour == B_FLAVOUR, flavour == C_FLAVOUR], [0.5, setting.charm - 0.5], -0.5)
    # Without tracks there is no score, which NanoAOD tells by -1.
    tag = np.where(np.abs(small["eta"]) < reach, score(setting.b_tag_separation * mean, rng), -1)
    fields = small.columns | _uncorrected(len(small), setting.radius)
    fields |= {"jetId": nanoaod.tight(parts), "nConstituents": parts.counts, "btagDeepFlavB": tag}
    return Lists(small.counts, fields | ({"hadronFlavour": flavour} if event.told else {}))


def taus(
    small: Lists,
    parts: Lists,
    genuine: np.ndarray,
    setting: Taus,
    told: bool,
    rng: np.random.Generator,
    often: float = 1,
) -> tuple[Lists, np.ndarray]:
    """Small-radius jets that pass for taus, and the weight of each event.

    Args:
        small: the jets.
        parts: their constituents by falling pT, {pt, pdgid, charge, ...}, as lists of each jet.
        genuine: which of them hold a tau that decays to hadrons.
        setting: the probabilities.
        told: whether truth may be stored.
        rng: its random numbers are used for this alone.
        often: how many times as often as the setting says other jets pass; the weights make up for it.
    """
    drawn = rng.random(len(small)) < np.where(genuine, setting.efficiency, setting.fake * often)
    charged = parts.chosen(parts["charge"] != 0)
    possible = (small["pt"] > setting.pt_min) & (np.abs(small["eta"]) < setting.eta_max) & (charged.counts > 0)
    possible &= ~are_leptons(small, parts)
    passes = drawn & possible
    # The charge is that of the hardest track.
    charge = charged["charge"][charged.first[:-1][passes]]
    found = small.chosen(passes)
    place = (np.arange(len(small)) - small.first[small.event])[passes]
    fields = found.columns | {"charge": charge, "jetIdx": place, "decayMode": decay_modes(parts, setting)[passes]}
    fields |= {"genPartFlav": np.where(genuine[passes], HADRONIC_TAU, UNMATCHED)} if told else {}
    ratio = np.where(passes, 1 / often, (1 - setting.fake) / (1 - setting.fake * often))
    logarithm = np.where(possible & ~genuine, np.log(ratio), 0)
    weight = np.exp(np.bincount(small.event, logarithm, len(small.counts)))
    return Lists(found.counts, fields), weight


def are_leptons(small: Lists, parts: Lists) -> np.ndarray:
    """Which jets are an electron or muon with more than half of their momentum, (jets,); no tau is one of them."""
    there = parts.counts > 0
    first = parts.first[:-1][there]
    found = np.zeros(len(small), bool)
    found[there] = np.isin(np.abs(parts["pdgid"][first]), (ELECTRON, MUON)) & (
        parts["pt"][first] > small["pt"][there] / 2
    )
    return found


def decay_modes(parts: Lists, setting: Taus) -> np.ndarray:
    """CMS's number of a tau's decay, 5 (prongs - 1) + neutral pions, of jets by their constituents; (jets,).

    Prongs are charged particles, of which more than three count as three; one pion stands for all photons.
    """
    jet, of_jets = parts.event, len(parts.counts)
    prongs = np.bincount(jet, (parts["charge"] != 0) & (parts["pt"] > setting.track_pt_min), of_jets)
    photons = np.bincount(jet, np.where(parts["pdgid"] == PHOTON, parts["pt"], 0), of_jets)
    found: np.ndarray = 5 * (np.clip(prongs, 1, 3).astype(int) - 1) + (photons > setting.photon_pt_min)
    return found


def identified(kind: int, event: Event, setting: Identification, rng: np.random.Generator) -> Lists:
    """Candidates of a kind, whether identified or not, and charged hadrons that are mistaken for it."""
    flat = event.flat
    inside = np.flatnonzero((flat["pt"] > setting.pt_min) & (np.abs(flat["eta"]) < setting.eta_max))
    inside = inside[np.lexsort((-flat["pt"][inside], flat.event[inside]))]
    found = np.abs(flat["pdgid"][inside])
    genuine = found == kind
    efficiency = np.where(np.abs(flat["eta"][inside]) < BARREL, setting.barrel, setting.endcap)
    passes = rng.random(len(inside)) < np.where(genuine, efficiency, np.where(found == PION, setting.fake, 0))
    stored = genuine | passes
    objects, genuine, passes = flat.chosen(inside[stored]), genuine[stored], passes[stored]
    # Photons have neither mass nor charge in NanoAOD.
    names = ("pt", "eta", "phi") if kind == PHOTON else (*nanoaod.MOMENTUM, "charge")
    fields = {name: objects[name] for name in names}
    fields |= {f"pfRelIso0{n}_all": isolation(objects, flat, n / 10) for n in (3, 4)}
    fields |= {"tightId": passes} if kind == MUON else {"cutBased": passes * TIGHT[kind]}
    if event.told:
        prompt = near(objects, event.leptons.chosen(np.abs(event.leptons["pdgId"]) == kind), MATCH)
        fields["genPartFlav"] = np.where(genuine & prompt, PROMPT, np.where(genuine, SECONDARY, UNMATCHED))
    return Lists(objects.counts, fields)


def isolation(objects: Lists, candidates: Lists, cone: float) -> np.ndarray:
    """Sum of the pT of the other candidates within ``cone``, over the object's own; it is one of them itself."""
    around: np.ndarray = momentum_near(objects, candidates, cone) / objects["pt"] - 1
    return around


def soft_drop_subjets(event: Event, config: Simulate) -> tuple[Lists, Lists]:
    """The further fields of ``FatJet``, and its soft-drop subjets."""
    radius, by_jet = config.jets.radius, event.subjets
    found, prongs = Lists.of(event.fat_jets, "eta", "phi"), ak.to_numpy(ak.flatten(ak.num(by_jet, axis=2)))
    subjets = Lists.of(ak.flatten(by_jet, axis=2), *nanoaod.MOMENTUM)
    # The first subjet of a jet, among those of the event.
    before = np.concatenate([[0], np.cumsum(prongs)])
    first = before[:-1] - before[found.first[found.event]]
    fields = _uncorrected(len(found), radius)
    fields |= {"subJetIdx1": np.where(prongs > 0, first, -1), "subJetIdx2": np.where(prongs > 1, first + 1, -1)}
    fields |= {"hadronFlavour": _flavour(found, event, radius)} if event.told else {}
    return Lists(found.counts, fields), Lists(subjets.counts, subjets.columns | {"rawFactor": np.zeros(len(subjets))})


def _generated(found: dict[str, Any], event: Event, config: Simulate) -> dict[str, Any]:
    """Jets of the generated visible particles, links to them, and what no detector sees."""
    small = config.objects.small_jet.radius
    momenta = jets.four_momenta(event.batch.visible.lists()[event.keep])
    clustered = {
        "GenJet": jets.find(momenta, small, config.objects.generator_jet_pt_min),
        "GenJetAK8": jets.find(momenta, config.jets.radius, config.jets.pt_min / 2),
    }
    generated = {name: Lists.of(of, *nanoaod.MOMENTUM) for name, of in clustered.items()}
    found["Jet"].columns["genJetIdx"] = closest(found["Jet"], generated["GenJet"], small / 2)
    fat_jets = Lists.of(event.fat_jets, "eta", "phi")
    found["FatJet"].columns["genJetAK8Idx"] = closest(fat_jets, generated["GenJetAK8"], config.jets.radius / 2)
    px, py = event.batch.missing[event.keep].T
    met = {"GenMET_pt": np.hypot(px, py).astype(np.float32), "GenMET_phi": np.arctan2(py, px).astype(np.float32)}
    return generated | met


def _flavour(found: Lists, event: Event, radius: float) -> np.ndarray:
    """5 with a weakly decaying b hadron within the jet's radius, else 4 with such a c hadron, else 0."""
    beauty, charm = (near(found, event.hadrons[flavour], radius) for flavour in (B_FLAVOUR, C_FLAVOUR))
    return np.where(beauty, B_FLAVOUR, np.where(charm, C_FLAVOUR, 0))


def _uncorrected(jets: int, radius: float) -> dict[str, np.ndarray]:
    """What a correction of jets reads: their area, and the part of pT that a correction has added: none."""
    return {"area": np.full(jets, np.pi * radius**2), "rawFactor": np.zeros(jets)}
