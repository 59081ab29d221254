"""Lund planes of real jets: CMS simulation (PFNano) and the example of the published Lund reweighting tool."""

import os
from pathlib import Path

import awkward as ak
import fastjet
import h5py
import numpy as np
import pytest
import uproot

from resonaut.calibrate.lund import lund_plane

DATA = Path(os.environ.get("RESONAUT_REFERENCE_DATA", Path(__file__).parents[3] / "shared" / "data"))
MINIMUM_DELTA, MINIMUM_KT = 0.005, 0.02


def reference(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"reference file {path} is absent; set RESONAUT_REFERENCE_DATA")
    return path


def slow_lund_plane(particles, n_prongs: int) -> list[tuple[float, list[tuple[float, float]]]]:
    """One jet, written from the method's text with FastJet's objects: (subjet p_T, [(delta, kt), …])."""
    pseudojets = []
    for p in particles:
        energy = np.sqrt((p.pt * np.cosh(p.eta)) ** 2 + p.mass**2)
        momentum = (p.pt * np.cos(p.phi), p.pt * np.sin(p.phi), p.pt * np.sinh(p.eta), energy)
        pseudojets.append(fastjet.PseudoJet(*map(float, momentum)))
    sequence = fastjet.ClusterSequence(pseudojets, fastjet.JetDefinition(fastjet.kt_algorithm, 1000.0))
    found = []
    for subjet in sequence.exclusive_jets(n_prongs):
        tree = fastjet.ClusterSequence(
            list(subjet.constituents()), fastjet.JetDefinition(fastjet.cambridge_algorithm, 1000.0)
        )
        (branch,) = tree.exclusive_jets(1)
        splittings = []
        one, two = fastjet.PseudoJet(), fastjet.PseudoJet()
        while branch.has_parents(one, two):
            harder, softer = (one, two) if one.pt() > two.pt() else (two, one)
            delta = harder.delta_R(softer)
            if delta > MINIMUM_DELTA and softer.pt() * delta > MINIMUM_KT:
                splittings.append((delta, softer.pt() * delta))
            branch = fastjet.PseudoJet(harder)
        found.append((subjet.pt(), splittings))
    return found


def compare(jets: ak.Array, n_prongs: int) -> None:
    planes = lund_plane(jets, n_prongs, minimum_delta=MINIMUM_DELTA, minimum_kt=MINIMUM_KT)
    for jet, plane in zip(jets, planes, strict=True):
        want = sorted(slow_lund_plane(jet, n_prongs))
        have = sorted((s.pt, [(x.delta, x.kt) for x in s.splittings]) for s in plane)
        assert [pt for pt, _ in have] == pytest.approx([pt for pt, _ in want], rel=1e-6)
        for (_, a), (_, b) in zip(have, want, strict=True):
            assert np.array(a) == pytest.approx(np.array(b), rel=1e-6)


@pytest.fixture(scope="module")
def cms_jets() -> ak.Array:
    with uproot.open(reference("pfnano/pfnano.root")) as file:
        tree = file["Events"]
        names = ("pt", "eta", "phi", "mass")
        events = tree.arrays([f"PFCands_{n}" for n in names] + ["FatJetPFCands_jetIdx", "FatJetPFCands_pFCandsIdx"])
    jets = []
    for event in events:
        for jet in np.unique(event.FatJetPFCands_jetIdx):
            index = event.FatJetPFCands_pFCandsIdx[event.FatJetPFCands_jetIdx == jet]
            jets.append([{n: float(event[f"PFCands_{n}"][i]) for n in names} for i in index])
    return ak.Array(jets)


@pytest.fixture(scope="module")
def example_jets() -> ak.Array:
    with h5py.File(reference("lund/example_signal.h5")) as file:
        px, py, pz, energy = np.moveaxis(file["jet1_PFCands"][:200].astype(np.float64), -1, 0)
    pt = np.hypot(px, py)
    with np.errstate(invalid="ignore"):
        eta = np.where(pt > 0, np.arcsinh(pz / np.where(pt > 0, pt, 1)), 0)
    mass = np.sqrt(np.maximum(energy**2 - px**2 - py**2 - pz**2, 0))
    return ak.zip({"pt": pt, "eta": eta, "phi": np.arctan2(py, px), "mass": mass})


@pytest.mark.parametrize("n_prongs", [1, 2, 3])
def test_cms_jets(cms_jets, n_prongs):
    assert len(cms_jets) == 24
    compare(cms_jets[:12], n_prongs)


def test_example_signal(example_jets):
    # Padded with zeros: the slow reference gets the real particles only.
    compare(ak.drop_none(ak.mask(ak.from_regular(example_jets), example_jets.pt > 0))[:25], 2)
    padded = lund_plane(ak.from_regular(example_jets), 2)
    assert ak.all(ak.num(padded) == 2)


def test_planes_of_real_jets_are_physical(example_jets):
    """The plane is filled about evenly: k_t from the non-perturbative edge to a fraction of the jet's p_T."""
    planes = lund_plane(ak.from_regular(example_jets), 2)
    kt, delta = (ak.flatten(planes.splittings[name], axis=None) for name in ("kt", "delta"))
    assert 5 < len(kt) / ak.sum(ak.num(planes)) < 15
    assert 0.3 < np.exp(np.mean(np.log(kt))) < 3
    assert ak.max(delta) < 1.6
