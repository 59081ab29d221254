import json
from dataclasses import asdict, replace
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
from typer.testing import CliRunner

from resonaut.core import events, histograms
from resonaut.core.collisions import Collisions
from resonaut.core.errors import ConfigError, EmptySelectionError, ResonautError
from resonaut.core.events import Dataset
from resonaut.core.files import write_json
from resonaut.core.record import build
from resonaut.core.weights import Factor, Weights
from resonaut.learn.ratio import Sample
from resonaut.learn.ratio.conditional import Observed, Profile, Tilt
from resonaut.reweight.cli import app
from resonaut.reweight.settings import Classifier, Settings
from resonaut.reweight.train import read

LUMINOSITY = 20.0


def toy_events(n: int, seed: int, mean: float) -> ak.Array:
    rng = np.random.default_rng(seed)
    columns = {"run": np.full(n, seed, np.int64), "luminosityBlock": np.zeros(n, np.int64)}
    columns |= {"event": np.arange(n, dtype=np.int64), "gen_weight": np.ones(n)}
    columns["m_jj"] = (2000 + rng.exponential(1000, n)).astype(np.float32)
    for jet in ("j1", "j2"):
        columns[f"{jet}_softdrop_mass"] = rng.normal(mean, 30, n).astype(np.float32)
    return ak.Array(columns)


@pytest.fixture
def write_dataset(tmp_path, write_skimmed):
    """A function: write chunks of events, in two batches each; the manifest's path."""

    def write(name: str, chunks: list[ak.Array], **manifest) -> Path:
        return write_skimmed(tmp_path, name, [[chunk[:700], chunk[700:]] for chunk in chunks], **manifest)

    return write


@pytest.fixture
def data(write_dataset) -> Path:
    return write_dataset("data", [toy_events(3000, 1, 160)], nature="data", luminosity=LUMINOSITY)


@pytest.fixture
def simulation(write_dataset) -> Path:
    """Masses 10 GeV lower, and twice the cross section that data would have."""
    chunks = [toy_events(2000, 2, 150), toy_events(2000, 3, 150)]
    return write_dataset("qcd", chunks, weight_scale=2 * 3000 / 4000 / LUMINOSITY)


@pytest.fixture
def settings() -> Settings:
    section = {"features": ["m_j1", "m_j2"], "sidebands": [[0, 3000], [4000, 20000]], "histogram_bins": 8}
    section["classifier"] = {"folds": 2, "trees": {"validation_parts": 2}}
    return build(section, Settings, "test")


def run(tmp_path, settings, data, simulation) -> dict:
    write_json(tmp_path / "config.json", asdict(settings))
    output = tmp_path / "reweight" / "closure.json"
    command = ["train", "--config", tmp_path / "config.json", "--data", data, "--simulation", simulation]
    CliRunner().invoke(app, list(map(str, [*command, "--output", output])), catch_exceptions=False)
    return json.loads(output.read_text())


def test_the_reweighted_simulation_is_normalised_to_data_in_the_sidebands(tmp_path, settings, data, simulation):
    closure = run(tmp_path, settings, data, simulation)
    simulated = Dataset.open(simulation).read(["m_jj", "weight", "reweight"], ["reweight"])
    assert len(simulated) == 4000
    m_jj = ak.to_numpy(simulated.m_jj)
    sideband = (m_jj < 3000) | (m_jj >= 4000)
    expected = LUMINOSITY * ak.sum((simulated.weight * simulated.reweight)[sideband])
    observed = Dataset.open(data).read(["m_jj"]).m_jj
    assert expected == pytest.approx(int(ak.sum((observed < 3000) | (observed >= 4000))), rel=1e-9)
    assert closure["data_events"] == pytest.approx(expected)
    # The blinded events got weights of the same kind.
    inside = ak.to_numpy(simulated.reweight)[~sideband]
    assert inside.mean() == pytest.approx(0.5, abs=0.05)


def test_the_closure_test_finds_what_was_mended(tmp_path, settings, data, simulation):
    closure = run(tmp_path, settings, data, simulation)
    assert closure["normalisation_before"] / closure["data_events"] == pytest.approx(2, rel=0.05)
    for feature in closure["features"]:
        assert feature["ndof"] == 15
        assert feature["chi2_after"] < 45 < 60 < feature["chi2_before"]
        after = histograms.from_json(feature["after"])
        assert after.sum(flow=True).value == pytest.approx(closure["data_events"])
        assert histograms.from_json(feature["data"]).sum(flow=False).value == closure["data_events"]
    assert closure["auc_before"] > 0.55
    assert abs(closure["auc_after"] - 0.5) < 4 * closure["auc_error_after"]


def test_the_same_configuration_gives_the_same_bytes(tmp_path, settings, data, simulation):
    def files():
        run(tmp_path, settings, data, simulation)
        return {p: p.read_bytes() for p in sorted((tmp_path / "reweight").rglob("*.*"))}

    first = files()
    assert len(first) == 3
    assert files() == first


def test_events_outside_the_sidebands_train_nothing(settings, data):
    dataset = Dataset.open(data)
    (found,) = read([dataset], settings, settings.sidebands)
    m_jj = ak.to_numpy(dataset.read(["m_jj"]).m_jj)
    assert len(found.values) == np.count_nonzero((m_jj < 3000) | (m_jj >= 4000))


def test_empty_sidebands_and_a_missing_luminosity_stop(write_dataset, settings, data, simulation):
    empty = write_dataset("empty", [toy_events(800, 5, 150)[:0]])
    with pytest.raises(EmptySelectionError, match=r"'empty' has no event in the sidebands; widen reweight\.sidebands"):
        read([Dataset.open(empty)], settings)
    with pytest.raises(ConfigError, match="'qcd' is simulation, not data"):
        Collisions.open([simulation])
    unknown = write_dataset("unknown", [toy_events(800, 5, 150)], nature="data")
    with pytest.raises(ConfigError, match=r"no luminosity; set datasets\.unknown\.luminosity"):
        _ = Collisions.open([unknown]).luminosity


def test_events_that_pass_only_in_a_variation_get_weights_and_change_none(
    tmp_path, settings, data, simulation, add_failing
):
    closure = run(tmp_path, settings, data, simulation)
    before = Dataset.open(simulation).read(["reweight"], ["reweight"]).to_list()
    added = add_failing(simulation)
    assert run(tmp_path, settings, data, simulation) == closure
    opened = Dataset.open(simulation)
    assert opened.read(["reweight"], ["reweight"]).to_list() == before
    assert sum(len(one) for one in opened.iterate(["reweight"], ["reweight"], every=True)) == 4000 + added


@pytest.mark.parametrize(("weighted", "factor"), [("qcd", 0.5), ("data", 2)])
def test_weights_of_the_datasets_own_files_count(tmp_path, settings, data, simulation, weighted, factor):
    """A weight that doubles all simulated events halves the ratio to data, a prescale of the data doubles it."""
    closure = run(tmp_path, settings, data, simulation)
    before = ak.to_numpy(Dataset.open(simulation).read(["reweight"], ["reweight"]).reweight)
    dataset = Dataset.open(tmp_path / "skim" / f"{weighted}.json")
    for chunk in dataset.manifest.chunks:
        path = dataset.path("skim", chunk)
        batches = list(events.iterate([path], [name for name in events.columns(path) if name not in events.KEY]))
        doubled = [ak.with_field(batch, np.full(len(batch), 2.0), "doubled") for batch in batches]
        events.write(path, doubled, {}, {"doubled": Factor("doubled").metadata()})
    again = run(tmp_path, settings, data, simulation)
    after = ak.to_numpy(Dataset.open(simulation).read(["reweight"], ["reweight"]).reweight)
    np.testing.assert_allclose(after, before * factor, rtol=0.02)
    for when in ("before", "after"):
        one, other = (
            histograms.from_json(found["features"][0][when]).sum(flow=True).value for found in (again, closure)
        )
        assert one == pytest.approx(other * (2 if weighted == "data" else 1))


def test_a_feature_without_values_to_compare_is_one_sentence(tmp_path, write_dataset, settings, simulation):
    events = toy_events(800, 5, 150)
    constant = ak.with_field(events, np.full(800, 90, np.float32), "j2_softdrop_mass")
    data = write_dataset("data", [constant], nature="data", luminosity=LUMINOSITY)
    with pytest.raises(ResonautError, match=r"reweight\.features: 'm_j2' is .* in all data; take it out"):
        run(tmp_path, settings, data, simulation)


def test_a_conditional_ratio_has_variations_that_later_stages_know(tmp_path, settings, data, simulation):
    network = {"hidden": [8], "epochs": 3, "restarts": 1, "validation_parts": 2}
    classifier = {"backend": "network", "folds": 2, "network": network}
    classifier = build(classifier, Classifier, "test")
    given = replace(settings, condition=True, bootstraps=3, validation=[(3200, 3400)], classifier=classifier)
    closure = run(tmp_path, given, data, simulation)
    dataset = Dataset.open(simulation)
    found = Weights.of(dataset, ["reweight"])
    assert {factor.source for factor in found.factors} == {"", "ensemble", "bootstrap", "folds"}
    events = dataset.read(["m_jj", "weight", *found.columns], ["reweight"])
    assert {len(events[name][0]) for name in ("reweight_ensemble", "reweight_folds")} == {2}
    m_jj = ak.to_numpy(events.m_jj)
    beside = (m_jj < 3000) | (m_jj >= 4000)
    weight, varied = ak.to_numpy(events.weight) * beside, [one for one in found.variations if one.way != "without"]
    sums = {one.source: weight @ found.product(events, one) for one in varied}
    for name in ("", "ensemble", "folds"):
        assert LUMINOSITY * sums[name] == pytest.approx(closure["data_events"], rel=1e-9)
    # Bootstraps have their own numbers of data and of simulated events.
    assert len(sums["bootstrap"]) == 3
    error = np.sqrt(closure["data_events"])
    assert 0.1 * error < np.std(LUMINOSITY * sums["bootstrap"]) < 6 * error
    assert set(closure["spread"]) == {"ensemble", "bootstrap", "folds"}
    assert [one["range"] for one in closure["regions"]] == [[0, 3000], [3000, 4000], [3200, 3400], [4000, 20000]]
    assert [one["data"] is None for one in closure["regions"]] == [False, True, False, False]
    assert closure["condition"] == "m_jj"
    assert [one["name"] for one in closure["features"]] == ["m_j1", "m_j2", "m_jj"]


def test_what_cannot_be_conditional_is_one_sentence():
    events = toy_events(50, 5, 150)
    zero = Observed(Sample.of(np.zeros((50, 1))), np.zeros(50))
    with pytest.raises(ResonautError, match="the observable has values that are not positive"):
        Tilt.fit((zero.values, zero.sample.weights), (zero.values, zero.sample.weights), 2, 1.0)
    apart = [(np.full(50, value) + ak.to_numpy(events.m_jj) / 100, np.ones(50)) for value in (100.0, 5000.0)]
    with pytest.raises(ResonautError, match=r"no polynomial of degree 1 .* lower the degree, or use more events"):
        Tilt.fit(*apart, 1, 3000.0)
    with pytest.raises(ResonautError, match="do not sum to more than 0 in 1 bins"):
        Profile.of(zero, np.zeros(50), np.zeros(50, int))
