import json
import re
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import yaml

from resonaut.core import identifier
from resonaut.core.analysis import Analysis
from resonaut.core.errors import ConfigError, NotFiniteError
from resonaut.learn import ratio
from resonaut.learn.ratio import trees
from resonaut.select import catalogue, jobs, kinematics
from resonaut.select import method as methods
from resonaut.select.inputs import Inputs
from resonaut.select.regions import Regions
from resonaut.select.selector import Selector
from resonaut.select.settings import CombinationSettings, Cwola, Tagger
from resonaut.select.training_data import TrainingData

ROOT = Path(__file__).parents[3]
OWN = ROOT / "tests" / "data" / "my_method.py"


@pytest.fixture
def events(toys) -> ak.Array:
    return ak.concatenate([toys(4000, 1), toys(40, 2, signal=True)])


def training_of(settings, events) -> TrainingData:
    window = settings.windows["w3500"]
    regions = Regions.of(ak.to_numpy(events.m_jj), window)
    return TrainingData(events, regions, window, "data", [], [], None)


def train(settings, events):
    cwola = methods.make("cwola", settings, "w3500")
    training = training_of(settings, events)
    numbers = cwola.fit(training)
    return cwola, training.regions, numbers


@pytest.fixture
def given(monkeypatch) -> list[tuple[ratio.Sample, ratio.Sample]]:
    """The samples of each training."""
    found = []
    fit = ratio.CrossFit.fit
    monkeypatch.setattr(ratio.CrossFit, "fit", lambda *args: found.append(args[:2]) or fit(*args))
    return found


def test_cwola_compares_the_signal_region_with_sidebands_that_count_the_same(settings, events, given):
    _, regions, _ = train(replace(settings, pt_bins=0), events)
    ((signal, sideband),) = given
    counts = regions.counts()
    assert (len(signal.keys), len(sideband.keys)) == (counts[1], counts[0] + counts[2])
    lower = ak.to_numpy(events.m_jj)[regions.sideband] < 3250
    assert sideband.weights[lower].sum() == pytest.approx(sideband.weights[~lower].sum())


@pytest.mark.parametrize("inputs", ["event", "jets"])
def test_cwola_sees_sidebands_with_the_pt_spectra_of_the_signal_region(settings, events, given, inputs):
    _, regions, _ = train(replace(settings, pt_bins=10, cwola=Cwola(inputs=inputs, combination="maximum")), events)
    assert len(given) == {"event": 1, "jets": 2}[inputs]
    for signal, sideband in given:
        assert np.all(signal.weights == 1)
        for name in kinematics.PT:
            pt = ak.to_numpy(events[name])
            edges = np.quantile(pt[regions.signal | regions.sideband], np.linspace(0, 1, 11)[1:-1])
            spectra = [
                np.bincount(np.digitize(pt[rows], edges), sample.weights, 10) / sample.weights.sum()
                for sample, rows in ((signal, regions.signal), (sideband, regions.sideband))
            ]
            assert spectra[1] == pytest.approx(spectra[0], rel=0.01)


def test_the_dijet_mass_and_transverse_momenta_are_no_inputs_of_cwola(settings, events):
    cwola, _, _ = train(settings, events)
    assert "m_jj" not in cwola.columns
    moved = events
    for name in ("m_jj", *kinematics.PT):
        moved = ak.with_field(moved, ak.to_numpy(events[name])[::-1].copy(), name)
    assert np.array_equal(cwola.raw(events, "data").value, cwola.raw(moved, "data").value)


def test_columns_of_transverse_momenta_are_read_only_for_weights(settings):
    assert set(kinematics.PT) <= set(methods.make("cwola", settings, "w3500").columns)
    assert not set(kinematics.PT) & set(methods.make("cwola", replace(settings, pt_bins=0), "w3500").columns)


@pytest.mark.parametrize("inputs", ["event", "jets"])
def test_no_event_is_scored_by_a_model_that_saw_it(settings, events, monkeypatch, inputs):
    seen = []
    fit = trees._train

    def record(training, validation, *rest):
        seen.append(set(training.keys.tolist()) | set(validation.keys.tolist()))
        return fit(training, validation, *rest)

    monkeypatch.setattr(trees, "_train", record)
    cwola, regions, _ = train(replace(settings, cwola=Cwola(inputs=inputs, combination="maximum")), events)
    model = cwola.raw(events, "data").model
    keys, used = identifier.keys(events), regions.signal | regions.sideband
    parts, folds = settings.classifier.trees.validation_parts, settings.classifier.folds
    assert len(seen) == folds * parts * len(cwola.models)
    for number, trained_on in enumerate(seen):
        fold = number // parts % folds
        assert not set(keys[model == fold].tolist()) & trained_on
        # And it was trained on all others of the window: the test above can fail.
        assert set(keys[(model != fold) & used].tolist()) == trained_on


def mixture(n, n_signal, seed, jets):
    """Events with one mass for each jet; a resonance at 3.5 TeV with a 500 GeV jet in ``jets`` and nothing else."""
    rng = np.random.default_rng(seed)
    is_signal = np.arange(n + n_signal) >= n
    total = n + n_signal
    columns = {"run": np.full(total, seed), "luminosityBlock": is_signal.astype(int), "event": np.arange(total)}
    m_jj = np.where(is_signal, rng.normal(3500, 80, total), 2900 + rng.exponential(600, total))
    columns["m_jj"] = m_jj.astype(np.float32)
    for jet in ("j1", "j2"):
        mass = 20 + rng.exponential(120, total)
        peak = np.where(is_signal & (jet in jets), rng.normal(500, 20, total), mass)
        tau21 = np.where(is_signal & (jet in jets), rng.uniform(0.1, 0.4, total), rng.uniform(0.2, 0.95, total))
        columns |= {f"{jet}_softdrop_mass": peak.astype(np.float32), f"{jet}_tau1": np.ones(total, np.float32)}
        columns |= {f"{jet}_tau2": tau21.astype(np.float32), f"{jet}_pt": (m_jj / 2).astype(np.float32)}
    return ak.Array(columns)


@pytest.fixture
def per_jet(settings):
    small = replace(settings.classifier.trees, max_iterations=40, min_leaf_events=30)
    classifier = replace(settings.classifier, folds=3, trees=small)
    return replace(
        settings,
        classifier=classifier,
        cwola=Cwola(inputs="jets", combination="maximum"),
        background_efficiency=0.02,
        pt_bins=5,
    )


@pytest.mark.parametrize("rule", ["maximum", "product", "sum"])
def test_a_signal_in_one_jet_only_is_found(per_jet, rule):
    settings = replace(per_jet, cwola=Cwola(inputs="jets", combination=rule))
    events = mixture(10_000, 400, 1, ["j2"])
    training = training_of(settings, events)
    method = methods.make("cwola", settings, "w3500")
    selector = Selector.train("cwola", method, training)
    assert list(selector.training) == ["auc_j1", "auc_error_j1", "auc_j2", "auc_error_j2"]
    areas = {j: (selector.training[f"auc_{j}"] - 0.5) / selector.training[f"auc_error_{j}"] for j in ("j1", "j2")}
    assert areas["j2"] > 5 > 4 > abs(areas["j1"])
    selected = selector.selected(selector.score(events, "data", is_data=True))
    is_signal, region = ak.to_numpy(events.luminosityBlock) == 1, training.regions
    assert selected[region.sideband & ~is_signal].mean() == pytest.approx(0.02, abs=0.01)
    background = selected[region.signal & ~is_signal]
    assert background.mean() == pytest.approx(0.02, abs=4 * np.sqrt(0.02 / len(background)))
    # One jet is at random, so that a product or a sum keeps fewer of them than the maximum.
    assert selected[is_signal].mean() > {"maximum": 0.4, "product": 0.1, "sum": 0.05}[rule]


def test_each_jet_has_its_own_model_and_column(per_jet):
    events = mixture(6000, 200, 2, ["j1"])
    cwola, _, _ = train(per_jet, events)
    raw = cwola.raw(events, "data")
    assert raw.value.shape == (len(events), 2)
    assert raw.combination == "maximum"
    other = ak.with_field(events, ak.to_numpy(events.j2_softdrop_mass)[::-1].copy(), "j2_softdrop_mass")
    changed = cwola.raw(other, "data").value
    assert np.array_equal(changed[:, 0], raw.value[:, 0])
    assert not np.array_equal(changed[:, 1], raw.value[:, 1])
    # The first model learned the resonance, and the second one has nothing to learn.
    assert raw.value[-200:, 0].mean() > raw.value[:, 0].mean() + 0.1
    assert abs(raw.value[-200:, 1].mean() - raw.value[:, 1].mean()) < 0.02


def test_the_event_s_auc_has_no_suffix(settings, events):
    _, _, numbers = train(settings, events)
    assert list(numbers) == ["auc", "auc_error"]


def test_cwola_uses_the_features_that_the_inputs_name(settings, events, given):
    names = ["tau21_j2", "m_j2"]
    settings = replace(settings, features=names)
    train(settings, events)
    (expected,) = Inputs.of(settings, "event").compute(events, "data")
    assert expected.shape == (len(events), 2)
    regions = training_of(settings, events).regions
    assert np.array_equal(given[0][0].features, expected[regions.signal])
    assert np.array_equal(given[0][1].features, expected[regions.sideband])


def test_the_tagger_combines_both_jets(settings):
    key = {name: np.array([1, 2], np.int64) for name in ("run", "luminosityBlock", "event")}
    scores = ak.Array(key | {"j1_part_qcd": np.array([0.1, 0.5]), "j2_part_qcd": np.array([0.4, 0.5])})
    product = methods.make("tagger", settings, "w3500")
    assert product.friends == ("tag",)
    assert product.raw(scores, "data").value[:, 0] == pytest.approx([0.54, 0.25])
    smaller = methods.make("tagger", replace(settings, tagger=Tagger(network="part", combination="minimum")), "w3500")
    assert smaller.raw(scores, "data").value[:, 0] == pytest.approx([0.6, 0.5])
    broken = ak.with_field(scores, np.array([np.nan, 0.5]), "j2_part_qcd")
    with pytest.raises(NotFiniteError, match="'j2_part_qcd' has 1 NaN"):
        product.raw(broken, "data")


def test_a_combination_reads_the_scores_of_its_methods_in_its_window(settings):
    both = {"both": CombinationSettings(methods=["tagger", "cwola"], rule="sum")}
    method = methods.make("both", replace(settings, combinations=both), "w9")
    assert method.columns == ("score_tagger", "score_cwola")
    assert method.friends == ("select/tagger/w9", "select/cwola/w9")
    key = {name: np.array([1, 2], np.int64) for name in ("run", "luminosityBlock", "event")}
    events = ak.Array(key | {"score_tagger": np.float32([0.25, 1]), "score_cwola": np.float32([0.5, 0])})
    raw = method.raw(events, "data")
    assert raw.value.tolist() == [[0.25, 0.5], [1, 0]]
    assert (raw.combination, raw.model.tolist()) == ("sum", [0, 0])


def test_an_unknown_method_is_named(settings):
    with pytest.raises(ConfigError, match=r"unknown method 'magic' in select\.methods; there are inclusive, tagger"):
        methods.make("magic", settings, "w3500")
    with pytest.raises(ConfigError, match=r"and the keys of select\.combinations"):
        catalogue.entry("both")


@pytest.mark.parametrize("name", catalogue.METHODS)
def test_the_catalogue_knows_what_each_method_reads(settings, name):
    method = methods.make(name, settings, "w3500")
    assert tuple(method.friends) == catalogue.entry(name).friends
    assert 0 < method.background_efficiency <= 1
    assert "m_jj" not in method.columns
    assert set(catalogue.entry(name).samples) <= {"background", "signal"}


class Recorder:
    """Settings that know which of their keys were read."""

    def __init__(self, settings):
        self.settings, self.read = settings, set()

    def __getattr__(self, name):
        self.read.add(name)
        return getattr(self.settings, name)


@pytest.mark.parametrize("name", catalogue.METHODS)
def test_a_method_reads_no_key_that_its_jobs_do_not_have(settings, name):
    """The frozen file of a job holds the engine's keys and those that the catalogue names; others would be defaults."""
    recorder = Recorder(settings)
    methods.make(name, recorder, "w3500")
    module = import_module(f"resonaut.select.methods.{catalogue.entry(name).place.split('.')[0]}.method")
    later = set(re.findall(r"self\.settings\.(\w+)", Path(module.__file__).read_text()))
    if name == "vae_qr":  # Its own settings are that of the method.
        later = set()
    assert recorder.read | later <= {*jobs.ENGINE, *catalogue.entry(name).keys, "combinations"}


def test_the_method_of_the_documentation(config, manifests, write_dataset, summary_of, tmp_path):
    """It is the text of docs/extend.md, and finds more than a tenth of the signal at an efficiency of a hundredth."""
    page = (ROOT / "docs" / "extend.md").read_text()
    assert f"```python\n{OWN.read_text()}```" in page
    output = tmp_path / "distance.json"
    options = ["--config", config, "--data", manifests["data"], "--signal", manifests["signal"], "--output", output]
    command = ["select", "train", "--method", "distance", "--window", "w3500", "--code", OWN, *options]
    run = subprocess.run([sys.executable, "-m", "resonaut", *map(str, command)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    signal = summary_of(output)["signals"][0]
    assert signal["efficiency"] > 0.1 * signal["acceptance"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, r"config: code: no Python file '.*mine\.py'; correct the path"),
        ("import nothing_of_this_name", r"config: code: .*mine\.py: ModuleNotFoundError: No module named 'nothing_of"),
        ("from resonaut.select.catalogue import Entry\nMETHODS = {'cwola': Entry('C')}", "already a method 'cwola'"),
    ],
)
def test_a_wrong_file_ends_in_a_sentence(tmp_path, content, sentence):
    path = tmp_path / "mine.py"
    if content:
        path.write_text(content)
    with pytest.raises(ConfigError, match=sentence):
        catalogue.entry("distance", [str(path)])


def test_a_feature_of_the_user_s_own(config, manifests, summary_of, section, tmp_path):
    path, output = tmp_path / "mine.py", tmp_path / "cwola.json"
    page = (ROOT / "docs" / "extend.md").read_text()
    path.write_text(re.search(r"## A feature\n\n```python\n(.*?)```", page, re.DOTALL)[1])
    section["features"] = ["m_j1", "mass_ratio"]
    config.write_text(json.dumps(section))
    options = ["--config", config, "--data", manifests["data"], "--output", output]
    command = [sys.executable, "-m", "resonaut", "select", "train", "--method", "cwola", "--window", "w3500", *options]
    refused = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert "unknown feature 'mass_ratio'" in refused.stderr
    run = subprocess.run([*map(str, command), "--code", str(path)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert set(summary_of(output)["importance"]) == {"m_j1", "mass_ratio"}


def test_a_job_has_the_combinations_inside_its_own_and_no_others() -> None:
    demo = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
    inner = {name: {"methods": [part, "inclusive"]} for name, part in (("a", "cwola"), ("b", "a"), ("c", "b"))}
    demo["select"] = {"methods": ["inclusive", "tagger", "cwola", *inner], "combinations": inner}
    analysis = Analysis.of(demo, [])
    assert set(jobs.keys(analysis, "c", "w3500")["combinations"]) == {"a", "b", "c"}
    assert set(jobs.keys(analysis, "b", "w4000")["combinations"]) == {"a", "b"}
    cwola = jobs.keys(analysis, "cwola", "w4000")
    assert "combinations" not in cwola
    assert set(cwola["windows"]) == {"w4000"}
