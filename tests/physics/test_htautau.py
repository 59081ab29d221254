"""Known answers of config/htautau.yaml: masses of tau pairs, missing momentum, fake taus, what shifts make of them."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import awkward as ak
import numpy as np
import pytest
import torch
import uproot
import yaml

from resonaut.classify import plan, varied
from resonaut.classify.settings import Training
from resonaut.core.analysis import Analysis
from resonaut.core.datasets import DatasetConfig
from resonaut.core.events import Dataset, metadata
from resonaut.core.record import build
from resonaut.core.weights import Weights
from resonaut.fit.histfactory import Model, fit
from resonaut.learn.inference.events import one_hot
from resonaut.learn.inference.workspace import workspace
from resonaut.physics.angles import Lists, near
from resonaut.simulate.chunk import simulate
from resonaut.simulate.settings import Simulate
from resonaut.skim.chunk import skim_chunk
from resonaut.skim.merge import merge
from resonaut.skim.settings import Skim

CONFIG: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "config" / "htautau.yaml").read_text())
EVENTS = {"z_tau_tau": 4000, "w_jets": 2500, "ggh": 700}
Z_MASS, GENUINE, FAKE = 91.2, 5, 0
# A right value is outside this many standard deviations once in 16,000 times.
SIGMAS = 4


class Sample(NamedTuple):
    stored: ak.Array
    runs: dict[str, float]
    dataset: Dataset

    def read(self, *columns: str, variation: str = "", every: bool = False) -> dict[str, np.ndarray]:
        """Columns of the selected events, or of every one that a variation selects."""
        batches = [*self.dataset.iterate(columns, variation=variation, every=every)]
        return {name: np.concatenate([ak.to_numpy(batch[name]) for batch in batches]) for name in columns}


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> Callable[[str], Sample]:
    folder, made = tmp_path_factory.mktemp("htautau"), {}

    def make(name: str) -> Sample:
        if name not in made:
            entry = CONFIG["datasets"][name]
            components = [{"process": name, "events": EVENTS[name]}]
            generator = entry["generator"] | {"components": components, "events_per_chunk": EVENTS[name]}
            root, chunk = folder / f"{name}.root", folder / "skim" / name / "000.parquet"
            dataset = build(entry | {"generator": generator, "files": [str(root)]}, DatasetConfig, name)
            simulate(build(CONFIG["simulate"], Simulate, "simulate", merge=True), dataset, name, 0, root)
            skim, summary = build(CONFIG["skim"], Skim, "skim", merge=True), chunk.with_suffix(".json")
            skim_chunk(skim, dataset, name, 1, [str(root)], chunk, summary)
            merge(skim, dataset, name, [summary], folder / "skim" / f"{name}.json")
            with uproot.open(root) as file:
                runs = {key: float(values[0]) for key, values in file["Runs"].arrays(library="np").items()}
                made[name] = Sample(file["Events"].arrays(), runs, Dataset.open(folder / "skim" / f"{name}.json"))
        return made[name]

    return make


def test_masses_of_z_bosons_peak_where_they_should(sample) -> None:
    """Neutrinos along their taus give the Z's mass back; without them it is lower by the root of what taus keep."""
    found = sample("z_tau_tau").read("m_coll", "m_vis", "delta_phi_lepton_tau", "weight")
    assert len(found["m_vis"]) > 120
    along = found["m_coll"][found["delta_phi_lepton_tau"] < 2.8]
    error = 1.25 * np.std(along[np.abs(along - Z_MASS) < 40]) / np.sqrt(len(along))
    assert np.median(along) == pytest.approx(Z_MASS, abs=3 + SIGMAS * error)
    # A lepton keeps 0.3 to 0.5 and hadrons 0.6 to 0.7 of a tau that passes these cuts.
    median, inside = np.median(found["m_vis"]), np.percentile(found["m_vis"], [16, 84])
    assert 0.62 * Z_MASS < median < 0.8 * Z_MASS
    assert np.ptp(inside) < 40


def test_missing_momentum_is_that_of_the_neutrinos(sample) -> None:
    events = sample("z_tau_tau").stored
    for f, name in ((np.cos, "x"), (np.sin, "y")):
        difference = ak.to_numpy(events.MET_pt * f(events.MET_phi) - events.GenMET_pt * f(events.GenMET_phi))
        width = np.subtract(*np.percentile(difference, [84, 16])) / 2
        assert abs(np.median(difference)) < SIGMAS * 1.25 * width / np.sqrt(len(difference)), name
        assert 2 < width < 12, name


def test_the_scale_of_taus_moves_visible_masses_by_half_of_it(sample) -> None:
    one, columns, decays = sample("z_tau_tau"), ("m_vis", "tau1_pt", "tau1_decayMode", "passes"), 0
    nominal = one.read(*columns, every=True)
    for source, (low, high) in {"1prong": (0, 0), "1prong_pi0": (1, 1), "3prong": (2, 20)}.items():
        for way, scale in (("up", 1.015), ("down", 0.985)):
            shifted = one.read(*columns, variation=f"tau_scale_{source}_{way}", every=True)
            both = nominal["passes"] & shifted["passes"]
            mine = (nominal["tau1_decayMode"] >= low) & (nominal["tau1_decayMode"] <= high)
            ratio = {name: shifted[name] / nominal[name] for name in ("tau1_pt", "m_vis")}
            # What passes for a tau and is none stays.
            moved = both & mine & (ratio["tau1_pt"] != 1)
            assert ratio["tau1_pt"][moved] == pytest.approx(scale, rel=2e-5)
            assert ratio["m_vis"][moved] == pytest.approx(np.sqrt(scale), abs=2e-3)
            assert (ratio["m_vis"][both & ~mine] == 1).all()
            assert moved.sum() > 0.9 * (both & mine).sum()
            decays += moved.sum()
    assert decays > 200


def test_jets_pass_for_taus_as_often_as_configured(sample) -> None:
    """One in 200 by weight, one in two of those that there are. Jets near an electron or muon may be one."""
    one = sample("w_jets")
    events, setting = one.stored, CONFIG["simulate"]["objects"]["tau"]
    probability = setting["fake"] * CONFIG["datasets"]["w_jets"]["generator"]["fake_taus"]
    names = ("pt", "eta", "phi", "nConstituents")
    jets = Lists.of(ak.zip({name: events[f"Jet_{name}"] for name in names}), *names)
    hard = (jets["pt"] > 20) & (np.abs(jets["eta"]) < 2.3) & (ak.to_numpy(ak.flatten(events.Jet_tauFlavour)) == 0)
    for kind in ("Electron", "Muon"):
        leptons = Lists.of(ak.zip({name: events[f"{kind}_{name}"] for name in ("eta", "phi")}), "eta", "phi")
        hard &= ~near(jets, leptons, 0.4)
    # What has no track is no tau.
    hard &= jets["nConstituents"] > 5
    passes = np.zeros(len(jets), bool)
    taus = ak.to_numpy(ak.flatten(events.Tau_jetIdx + jets.first[:-1]))
    passes[taus] = True
    weight = ak.to_numpy(events.genWeight).astype(float)[jets.event]
    number = hard.sum()
    assert number > 100
    error = np.sqrt(probability * (1 - probability) / number)
    assert passes[hard].mean() == pytest.approx(probability, abs=SIGMAS * error + 0.02)
    rate = weight[hard & passes].sum() / weight[hard].sum()
    error = np.sqrt((weight[hard & passes] ** 2).sum()) / weight[hard].sum()
    assert rate == pytest.approx(setting["fake"], abs=SIGMAS * error)


def test_weights_are_normalised(sample) -> None:
    for name in ("z_tau_tau", "w_jets"):
        one = sample(name)
        spread = np.sqrt(one.runs["genEventSumw2"] - one.runs["genEventCount"])
        assert one.runs["genEventCount"] > 1.5 * EVENTS[name]
        assert abs(one.runs["genEventSumw"] - one.runs["genEventCount"]) <= SIGMAS * max(spread, 1e-6)
        shower = ak.to_numpy(one.stored.PSWeight).astype(float)
        assert shower.mean(axis=0) == pytest.approx(1, abs=0.05 + SIGMAS * float(shower.std()) / np.sqrt(len(shower)))
        assert one.dataset.manifest.weight_scale * one.runs["genEventSumw"] == pytest.approx(
            CONFIG["datasets"][name]["cross_section"], rel=1e-6
        )


def test_all_sources_are_there(sample) -> None:
    """At least 20 that are shifts or weights."""
    one = sample("z_tau_tau")
    made = CONFIG["skim"]["eras"]["2018"]["corrections"]["simulation"]
    shifts = {name.rpartition("_")[0] for name in one.dataset.manifest.variations}
    assert shifts == set(made["object_shifts"])
    weights = {factor.source for factor in Weights.of(one.dataset, ()).factors if factor.source}
    assert weights == {*made["object_weights"], "isr", "fsr", "top_pt"}
    assert len(shifts) + len(weights) >= 20
    assert "weight_tau_id_low_up" in metadata(one.dataset.path("skim", "000"))


@pytest.fixture(scope="module")
def model(sample) -> Model:
    """The visible mass of signal and Z bosons with all nuisances, as the training on the uncertainty of r sees them."""
    wanted, config = ["ggh", "z_tau_tau"], copy.deepcopy(CONFIG)
    own, spectrum = config["classify"]["classifiers"]["uncertainty"], config["fit"]["models"]["uncertainty"]
    own["classes"] = {"signal": wanted[:1], "background": wanted[1:]}
    spectrum["samples"] = {name: spectrum["samples"][name] for name in wanted}
    for name in ("binary", "multiclass"):
        del config["classify"]["classifiers"][name]
    config["fit"]["models"] = {"uncertainty": spectrum}
    for nuisance in spectrum["nuisances"].values():
        nuisance |= {"samples": [one for one in nuisance.get("samples", wanted) if one in wanted]}
    spectrum["nuisances"] = {name: one for name, one in spectrum["nuisances"].items() if one["samples"]}
    analysis = Analysis.of(config, [])
    training = build(plan.keys(analysis, "train", "uncertainty"), Training, "training")
    manifests = [one.path("skim", "x").parents[1] / f"{one.name}.json" for one in (sample(n).dataset for n in wanted)]
    events = varied.training(manifests, {}, training)
    column, edges = training.classifier.inputs.index("m_vis"), torch.tensor([60.0, 70, 80, 90, 100])
    with torch.no_grad():
        filled = events.events.filled(
            one_hot(6, lambda values: torch.bucketize(values[:, column].contiguous(), edges)), 2
        )
    return Model.of(workspace(events.measurement, filled, list(events.events.variations)))


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_asimov_data_give_their_signal_back(model, strength: float) -> None:
    """Within its error; without a signal r is 0."""
    values = model.start.copy()
    values[model.parameters.index("mu")] = strength
    found = fit(model, model.expected_data(values))
    assert found.converged
    assert found.value("mu") == pytest.approx(strength, abs=1e-3 * found.error("mu"))
    assert 0.2 < found.error("mu") < 20
    shapes = [name for name in found.names if name.startswith(("tau_scale", "jet_", "met_"))]
    assert len(shapes) == 7
    assert [found.value(name) for name in shapes] == pytest.approx([0] * 7, abs=1e-3)
