"""Events that a selection cannot take are not simulated to the end, and count all the same."""

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from resonaut.core.configuration import validate
from resonaut.core.datasets import Component
from resonaut.core.errors import EmptySelectionError
from resonaut.core.record import build
from resonaut.simulate import plan
from resonaut.simulate.chunk import simulate
from resonaut.simulate.generator import Pythia
from resonaut.simulate.settings import ParticleLevel, Simulate

TAUS = ["WeakSingleBoson:ffbar2gmZ = on", "PhaseSpace:mHatMin = 60.", "23:onMode = off", "23:onIfAny = 15"]
TAUS.append("TauDecays:mode = 0")
LEPTON, TAU = {"pt_min": 15, "eta_max": 2.4}, {"pt_min": 20, "eta_max": 2.5}


def config(**level: Any) -> Simulate:
    return build({"processes": {"taus": {"settings": TAUS, "particle_level": level}}}, Simulate, "s", merge=True)


def batch(**level: Any):
    component = Component(process="taus", mass=None, cross_section=None, events=120)
    pythia = Pythia(config(**level), component, "simulation", 7)
    (found,) = pythia.batches(120, 120)
    return found, pythia.rejected()


def test_events_have_what_is_asked_for() -> None:
    made, rejected = batch()
    assert rejected == 0
    passes = made.passes(build({"lepton": LEPTON, "hadronic_tau": TAU}, ParticleLevel, "p"), 0.4)
    assert 0 < passes.sum() < 60
    kept = made.of(passes)
    assert len(kept) == passes.sum() == kept.visible.events
    assert set(kept.visible.event) == set(range(len(kept)))
    leptons = np.isin(np.abs(kept.visible.pdgid), (11, 13)) & (kept.visible.pt > 15) & (np.abs(kept.visible.eta) < 2.4)
    assert set(kept.visible.event[leptons]) == set(range(len(kept)))
    taus = kept.taus[(kept.taus.visible_pt > 20) & (abs(kept.taus.eta) < 2.5)]
    assert ak.all(ak.num(taus) > 0)
    # The visible momentum is less than that of the tau.
    hard = made.hard[abs(made.hard.pdgId) == 15]
    assert ak.max(ak.max(made.taus.visible_pt, axis=1) / ak.max(hard.pt, axis=1)) > 0.5


def test_leptons_of_the_hard_process_are_asked_for_before_the_shower() -> None:
    made, rejected = batch(hard_lepton={"number": 2, "pt_min": 20, "eta_max": 2.0})
    taus = made.hard[(abs(made.hard.pdgId) == 15) & (made.hard.status == 23)]
    assert ak.all(ak.num(taus) == 2)
    # The shower of the incoming partons gives them a push.
    central = (taus.pt > 12) & (abs(taus.eta) < 2.5)
    assert ak.mean(ak.all(central, axis=1)) > 0.9
    assert rejected > 60


def test_rejected_events_count(simulate_config, dataset, tmp_path: Path) -> None:
    made = config(hard_lepton={"number": 2, "pt_min": 20, "eta_max": 2.0}, lepton=LEPTON, hadronic_tau=TAU)
    entry = dataset("simulation", "all", components=[{"process": "taus", "events": 120}], events_per_chunk=120)
    simulate(made, entry, "taus", 0, tmp_path / "a.root")
    with uproot.open(tmp_path / "a.root") as file:
        (count,) = file["Runs"]["genEventCount"].array()
        (weights,) = file["Runs"]["genEventSumw"].array()
        assert count == weights > 180
        assert 0 < file["Events"].num_entries < 90


def test_a_chunk_without_any_is_an_error(dataset, tmp_path: Path) -> None:
    entry = dataset("simulation", "all", components=[{"process": "taus", "events": 5}], events_per_chunk=5)
    with pytest.raises(EmptySelectionError, match="none of the 5 events of chunk 0 has what particle_level"):
        simulate(config(lepton={"pt_min": 1000}), entry, "taus", 0, tmp_path / "a.root")


@pytest.mark.parametrize(
    ("generator", "process", "sentence"),
    [
        ({"fake_taus": 2, "objects": False}, {}, "fake_taus needs generator.objects"),
        ({"fake_taus": 200}, {}, "is no probability"),
        ({"objects": False}, {"jet": {"pt_min": 20}}, "particle_level of 'taus' has jets"),
    ],
)
def test_contradictions_are_named(generator, process, sentence) -> None:
    component = {"process": "taus", "events": 5}
    entry = {"nature": "simulation", "region": "dijet", "cross_section": 1}
    given = {
        "search": {"stages": ["simulate", "skim"], "samples": {"background": ["z"]}},
        "datasets": {"z": entry | {"generator": {"components": [component], **generator}}},
        "simulate": {"processes": {"taus": {"settings": TAUS, "particle_level": process}}},
    }
    whole = validate(given)
    found = [*plan._problems(whole["datasets"]["z"], whole["datasets"]["z"]["generator"], whole["simulate"])]
    assert [one for one in found if sentence in one]
