"""Published networks are measured with the jets that measure our own, from the scores in the friend files."""

import json
from dataclasses import replace

import awkward as ak
import numpy as np
import pytest

from resonaut.core.errors import EmptySelectionError
from resonaut.core.record import build
from resonaut.core.results import read
from resonaut.tag import measured, plan, sample, scoring
from resonaut.tag.results import Network
from resonaut.tag.sample import JETS, Simulation
from resonaut.tag.settings import NetworkConfig, TagConfig

from .published import group, network

OUTPUTS = ["pfcand_mask", "pfcand_puppiw", "pfcand_abseta"]
CLASSES = {"qcd": ["pfcand_mask"], "2prong": ["pfcand_puppiw"], "4prong": ["pfcand_abseta"]}


@pytest.fixture
def settings(tmp_path):
    folder = network(tmp_path / "model", {"pf": group(OUTPUTS, var_length=20)}, OUTPUTS)
    section = {"training": {"held_out_jets": 40}, "networks": {}}
    return build(section | {"published": {"pnet": {"card": str(folder), "classes": CLASSES}}}, TagConfig, "tag")


@pytest.fixture
def scored(make_events, write_dataset, settings, tmp_path):
    """A function: manifests of a background and a signal, whose jets hold so many prongs, with their scores."""

    def make(prongs):
        manifests = []
        for seed, name in enumerate(("qcd", "signal")):
            batch = make_events(150, seed)
            for jet in JETS:
                # In signal jets the constituents count less.
                weight = ak.ones_like(batch[f"{jet}_pf_pt"]) * (1.0 - 0.1 * seed)
                batch = ak.with_field(batch, weight, f"{jet}_pf_puppi_weight")
                chosen = np.random.default_rng(seed).choice(prongs, 150)
                batch = ak.with_field(batch, ak.unflatten(np.ones(chosen.sum(), "i4"), chosen), f"{jet}_decay_pdgid")
            manifests.append(write_dataset(name, [batch[:100], batch[100:]]))
            scoring.score_chunk(settings, [], manifests[-1], "000", tmp_path / "tag" / name / "000.parquet", False)
        return Simulation.open(manifests[:1], manifests[1:])

    return make


def test_the_same_jets_by_the_scores_of_the_friends(scored, settings, tmp_path) -> None:
    simulation = scored([2, 4])
    measured.measure_published(settings, "pnet", simulation, tmp_path / "pnet.json")
    found = read(tmp_path / "pnet.json", Network)
    assert found.classes == list(CLASSES)
    own = build({"architecture": "particle_net", "outputs": list(CLASSES)}, NetworkConfig, "x")
    own = replace(own, decays={one: settings.classes[one] for one in own.classes})
    jets = sample.load(simulation, settings, own, "held_out")
    assert found.held_out_jets == sample.count(jets, own)
    assert 20 < found.held_out_jets["2prong"] <= 40
    # The weights of QCD jets are 1 and those of signal jets 0.9: the scores tell them apart the wrong way round.
    assert found.auc["2prong"] == 0
    assert found.rejection["2prong"][1].value == pytest.approx(1)
    assert found.train_jets == found.importance == {}
    assert found.under_attack is None


def test_classes_without_jets_are_left_out_and_few_jets_are_an_error(scored, settings, tmp_path, caplog) -> None:
    simulation = scored([2, 3])
    measured.measure_published(settings, "pnet", simulation, tmp_path / "pnet.json")
    found = read(tmp_path / "pnet.json", Network)
    assert found.classes == ["qcd", "2prong"]
    assert "too few jets to measure, 0 of 4prong" in caplog.text
    # The scores of the other two sum to one: (1, 0.9 | 1) / (2 | 1.9) of the constituents.
    predicted = found.calibration["qcd"].predicted
    assert (predicted[0], predicted[-1]) == pytest.approx((1 / 2, 1 / 1.9), abs=6e-3)
    with pytest.raises(EmptySelectionError, match=r"pnet\.classes: .* 0 of 2prong, 0 of 4prong as held-out jets"):
        measured.measure_published(settings, "pnet", scored([3]), tmp_path / "pnet.json")


class Analysis:
    """What the plan asks for."""

    def __init__(self, truth=True, classes=CLASSES, signal=("x",), layout="nanoaod", flavours=(), jets=None):
        self.config = {
            "skim": {"truth": truth, "regions": {"dijet": {"flavours": list(flavours)}}},
            "tag": {
                "networks": {},
                "published": {"pnet": {"classes": classes, "jets": jets}},
                "classes": {"qcd": ["qcd"], "2prong": ["jj*"], "4prong": ["jjjj*"], "b": ["b jet"]},
            },
            "datasets": {"x": {"format": layout, "region": "dijet"}},
        }
        self.signal = list(signal)

    def sample(self, *names, of):
        return {"background": ["x"], "signal": self.signal}[names[0]]


@pytest.mark.parametrize(
    "changed",
    [
        {"truth": False},
        {"classes": {}},
        {"classes": {"qcd": [], "new": []}},
        {"classes": {"qcd": [], "b": []}},
        {"signal": ()},
        {"layout": "lhco"},
        {"jets": "small_jet"},
    ],
    ids=str,
)
def test_networks_are_measured_where_jets_have_labels(changed) -> None:
    assert plan.GIVES["networks"](Analysis()) == ["<results>/tag/pnet.json"]
    assert plan.GIVES["networks"](Analysis(**changed)) == []
    assert plan.GIVES["networks"](Analysis(classes={"qcd": [], "b": []}, flavours=["jets"])) != []


def test_a_measurement_reads_no_key_of_the_trainings(section) -> None:
    section["published"] = {name: {"card": name, "classes": CLASSES, "trust": False} for name in ("a", "b")}
    analysis = Analysis()
    analysis.config["tag"] = section
    found = plan.keys(analysis, "measure", "a")
    assert list(found["published"]) == ["a"]
    assert found["networks"] == {}
    assert found["training"] == {"held_out_jets": 30, "pt_bins": 2}
    assert build(found, TagConfig, "tag").seed == section["seed"]
    json.dumps(found)
