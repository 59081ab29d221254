import json
from dataclasses import replace

import awkward as ak
import numpy as np
import pytest
from scipy import stats
from typer.testing import CliRunner

from resonaut.core import histograms, identifier
from resonaut.core.collisions import Collisions
from resonaut.core.errors import ConfigError, EmptySelectionError, InputFileError
from resonaut.core.events import KEY, Dataset
from resonaut.core.events import columns as columns_of
from resonaut.core.files import write_json
from resonaut.core.record import plain
from resonaut.select import settings as select_settings
from resonaut.select.cli import app
from resonaut.select.quantile import Raw, Score
from resonaut.select.regions import Regions
from resonaut.select.results import Trained
from resonaut.select.train import selection


def run(config, manifests, method, tmp_path, *extra):
    output = tmp_path / "select" / method / "w3500.json"
    command = ["train", "--config", config, "--method", method, "--window", "w3500", "--data", manifests["data"]]
    command += ["--background", manifests["qcd"], "--signal", manifests["signal"], "--output", output, *extra]
    CliRunner().invoke(app, list(map(str, command)), catch_exceptions=False)
    return json.loads(output.read_text())


def scores(manifest, method):
    """The events with the method's columns as ``score`` and ``selected``."""
    columns = {name: f"{name}_{method}" for name in ("score", "selected")}
    events = Dataset.open(manifest).read(["m_jj", *columns.values()], [f"select/{method}/w3500"])
    return ak.zip({name: events[name] for name in (*KEY, "m_jj")} | {k: events[v] for k, v in columns.items()})


def test_cwola_writes_friends_of_every_dataset_and_the_summary(config, manifests, tmp_path):
    result = run(config, manifests, "cwola", tmp_path)
    data = scores(manifests["data"], "cwola")
    assert data.score.type.content.primitive == "float32"
    assert ak.min(data.score) >= 0
    assert ak.max(data.score) < 1
    assert ak.all(data.selected == (data.score >= np.float32(0.99)))
    histogram = histograms.from_json(result["spectrum"])
    assert histogram.sum(flow=True) == ak.sum(data.selected) > 0
    counts = result["counts"]
    assert sum(region["events"] for region in counts.values()) == len(data)
    for name in ("lower_sideband", "upper_sideband"):
        assert counts[name]["selected"] / counts[name]["events"] == pytest.approx(0.01, abs=0.01)
    (signal,) = result["signals"]
    selected = scores(manifests["signal"], "cwola").selected
    assert signal["efficiency"] == pytest.approx(ak.sum(selected) / 1000)
    assert (signal["dataset"], signal["mass"], signal["acceptance"]) == ("signal", 3500, pytest.approx(0.8))
    assert result["sculpting"]["sample"] == "simulation"
    assert [b["range"][0] for b in result["sculpting"]["bins"]] == [3000, 3250, 3500, 3750, 4000, 4500]
    for cut, stored in result["spectra"].items():
        assert histograms.from_json(stored).sum(flow=True) == ak.sum(data.score >= np.float32(1 - float(cut)))
    assert result["spectra"]["0.01"] == result["spectrum"]
    assert (result["method"], result["window"], result["signal_region"]) == ("cwola", "w3500", [3250, 3750])
    assert result["sidebands"] == [[3000, 3250], [3750, 4250]]


def test_the_inclusive_selection_keeps_everything(config, manifests, tmp_path):
    result = run(config, manifests, "inclusive", tmp_path)
    assert ak.all(scores(manifests["data"], "inclusive").selected)
    assert histograms.from_json(result["spectrum"]).sum(flow=True) == 6060
    assert result["signals"][0]["efficiency"] == pytest.approx(0.8)
    assert result["efficiency_target"] == 1


def test_the_tagger_reads_scores_and_weights_from_friends(config, manifests, tmp_path, write_friend):
    rng = np.random.default_rng(3)
    for name, manifest in manifests.items():
        low = 0.0 if name == "signal" else 0.3

        def make(batch, low=low):
            qcd = {
                f"{jet}_part_qcd": rng.uniform(low, low + 0.7, len(batch)).astype(np.float32) for jet in ("j1", "j2")
            }
            return qcd | {"tag_train": rng.random(len(batch)) < 0.5}

        write_friend(manifest, "tag", make)
    write_friend(manifests["qcd"], "reweight", lambda batch: {"reweight": np.full(len(batch), 1.5)})
    # More weight for what looks less like QCD, and twice as much of it in the variation up.
    friends = Dataset.open(manifests["signal"]).read(["j1_part_qcd", "j2_part_qcd"], ["tag"])
    like_signal = ak.to_numpy((1 - friends.j1_part_qcd) * (1 - friends.j2_part_qcd)) > 0.5
    shape = {"": 0.1, "a_up_": 0.2, "a_down_": 0.0}
    lund = {f"lund_weight_{name}{j}": 1 + size * like_signal for name, size in shape.items() for j in ("j1", "j2")}
    lund |= {f"lund_weight_statistical_{j}": np.stack([lund[f"lund_weight_a_up_{j}"]] * 3, 1) for j in ("j1", "j2")}
    places = ak.to_numpy(friends.event)
    write_friend(
        manifests["signal"],
        "calibrate",
        lambda batch: {name: ak.Array(values[np.isin(places, batch.event)]) for name, values in lund.items()},
        ("nominal", "a_up", "a_down", "statistical"),
    )
    result = run(config, manifests, "tagger", tmp_path, "--weights=qcd=reweight", "--weights=signal=calibrate")
    (signal,) = result["signals"]
    usable = ~ak.to_numpy(Dataset.open(manifests["signal"]).read(["tag_train"], ["tag"]).tag_train)
    selected = ak.to_numpy(scores(manifests["signal"], "tagger").selected) & usable

    def efficiency(size):
        weight = (1 + size * like_signal) ** 2
        return weight[selected].sum() / weight[usable].sum()

    assert signal["efficiency"] == pytest.approx(0.8 * efficiency(0.1))
    assert signal["efficiency"] > 0.05
    assert signal["weights"]["lund"]["scale_factor"] == pytest.approx(efficiency(0.1) / efficiency(0))
    up, down = (efficiency(size) / efficiency(0.1) - 1 for size in (0.2, 0.0))
    assert up > 0.01
    assert signal["weights"]["lund"]["uncertainties"]["a"] == pytest.approx([up, down])
    assert signal["weights"]["lund"]["uncertainties"]["statistical"] == pytest.approx([up, -up])
    assert result["sculpting"]["sample"] == "reweighted simulation"
    assert result["sculpting"]["efficiency"] == pytest.approx(0.01, abs=0.01)


def test_the_same_configuration_gives_the_same_bytes(config, manifests, tmp_path):
    def files():
        run(config, manifests, "cwola", tmp_path)
        return {p: p.read_bytes() for p in sorted((tmp_path / "select").rglob("*.*"))}

    first = files()
    assert len(first) == 5
    assert files() == first


def test_chunks_do_not_matter(config, manifests, write_dataset, tmp_path, section):
    first = run(config, manifests, "cwola", tmp_path)
    jet = ("pt", "softdrop_mass", "tau1", "tau2")
    columns = ["gen_weight", "m_jj", *(f"{j}_{c}" for j in ("j1", "j2") for c in jet)]
    everything = Dataset.open(manifests["data"]).read(columns)
    manifests["data"] = write_dataset("data", "data", [everything[3000:], everything[:3000]])
    again = run(config, manifests, "cwola", tmp_path)
    assert again.pop("training") == pytest.approx(first.pop("training"))
    assert again == first


@pytest.mark.parametrize("rule", ["maximum", "product", "sum"])
def test_a_combination_ranks_by_the_scores_of_its_methods(config, manifests, tmp_path, section, rule):
    section["combinations"] = {"both": {"methods": ["inclusive", "cwola"], "rule": rule}}
    section["background_efficiency"] = 0.05
    write_json(config, section)
    for method in ("inclusive", "cwola"):
        run(config, manifests, method, tmp_path)
    result = run(config, manifests, "both", tmp_path)
    assert (result["method"], result["training"], result["efficiency_target"]) == ("both", {}, 0.05)
    window = select_settings.read_window(config, "w3500")
    score = None
    for name, manifest in manifests.items():
        first, second, both = (scores(manifest, method) for method in ("inclusive", "cwola", "both"))
        parts = np.column_stack([ak.to_numpy(one.score) for one in (first, second)]).astype(np.float64)
        raw = Raw(parts, np.zeros(len(both), int), identifier.uniform(identifier.keys(both), 0), rule)
        regions = Regions.of(ak.to_numpy(both.m_jj), window)
        own = regions.sideband_weights()[regions.code]
        if score is None:
            sideband = Raw(parts[regions.sideband], raw.model[regions.sideband], raw.tie[regions.sideband], rule)
            score = Score.fit(sideband, own[regions.sideband])
        expected = score.score(raw, own if name == "data" else np.zeros(len(both)))
        assert np.array_equal(ak.to_numpy(both.score), expected)
        assert np.array_equal(ak.to_numpy(both.selected), expected >= np.float32(0.95))
        value = {"maximum": parts.max, "product": parts.prod, "sum": parts.sum}[rule](axis=1)
        assert stats.spearmanr(expected, value).statistic > 0.999
    counts = result["counts"]
    for name in ("lower_sideband", "upper_sideband"):
        assert counts[name]["selected"] / counts[name]["events"] == pytest.approx(0.05, abs=0.03)
    # The inclusive selection alone would keep 5 % of the 0.8 that the signal's acceptance is.
    assert 0.1 < result["signals"][0]["efficiency"] < 0.8


def test_the_scores_that_a_combination_lacks_are_named(config, manifests, tmp_path, section):
    section["combinations"] = {"both": {"methods": ["inclusive", "cwola"], "rule": "product"}}
    write_json(config, section)
    run(config, manifests, "inclusive", tmp_path)
    with pytest.raises(
        InputFileError, match=r"select/cwola/w3500/data/000\.parquet: no such file; run the stage that ma"
    ):
        run(config, manifests, "both", tmp_path)
    assert not (tmp_path / "select" / "both").exists()


@pytest.mark.parametrize("method", ["ideal", "supervised"])
def test_the_bounds_learn_from_simulation(config, manifests, tmp_path, method):
    result = run(config, manifests, method, tmp_path)
    # The signal is 60 of 1600 data events: worth 0.02 of the area, as much as its error.
    assert result["training"]["auc"] > {"ideal": 0.45, "supervised": 0.99}[method]
    assert result["signals"][0]["efficiency"] > {"ideal": 0.05, "supervised": 0.7}[method]
    data = scores(manifests["data"], method)
    # Data with 60 signal events, those of run 2, and a cut at 1 %.
    selected = ak.to_numpy(data.selected)
    assert selected[ak.to_numpy(data.run) == 2].mean() > 0.05
    assert selected[ak.to_numpy(data.run) == 1].mean() < 0.03


def test_without_simulation_data_outside_the_signal_region_are_checked_for_sculpting(settings, manifests):
    result = call(settings, manifests)
    assert result.sculpting.sample == "data outside the signal region"
    assert [b.range for b in result.sculpting.bins] == [(3000, 3250), (3750, 4000), (4000, 4500), (4500, 5000)]
    assert result.signals == []


def test_an_empty_chunk_is_no_obstacle(config, manifests, write_dataset, toys, tmp_path):
    manifests["qcd"] = write_dataset("qcd", "background", [toys(500, 3), toys(500, 3)[:0]])
    run(config, manifests, "inclusive", tmp_path)
    assert len(scores(manifests["qcd"], "inclusive")) == 500


def call(settings, manifests, method="cwola", window="w3500", data="data"):
    return selection(settings, method, window, Collisions.open([manifests[data]]), [], [], {})


def test_data_of_two_eras_are_searched_as_one(settings, manifests, write_dataset, summary_of, tmp_path):
    whole = Dataset.open(manifests["data"])
    columns = [name for name in columns_of(whole.path("skim", "000")) if name not in KEY]
    chunks = [ak.concatenate(list(whole.iterate_chunk(chunk, columns))) for chunk in whole.manifest.chunks]
    eras = [write_dataset(f"era_{i}", "data", [chunk], era=f"{i}", luminosity=5.0) for i, chunk in enumerate(chunks)]
    background, signal = [Dataset.open(manifests["qcd"])], [Dataset.open(manifests["signal"])]
    one, two = (
        selection(settings, "cwola", "w3500", Collisions.open(paths), background, signal, {})
        for paths in ([manifests["data"]], eras)
    )
    assert (one.data, two.data) == ("data", "era_0 + era_1")
    assert plain(replace(two, data="data"), Trained) == plain(one, Trained)
    together = ak.concatenate([scores(path, "cwola") for path in eras])
    assert ak.all(together.score == scores(manifests["data"], "cwola").score)


def test_too_few_events_in_a_sideband_stop(tmp_path, section, manifests):
    section["windows"]["w3500"]["sidebands"][1] = [6000, 6500]
    path = tmp_path / "select.json"
    path.write_text(json.dumps(section))
    with pytest.raises(EmptySelectionError, match=r"the upper sideband, 6000-6500 GeV, has \d+ events of 'data'"):
        call(select_settings.read(path, "cwola"), manifests)


def test_missing_tagger_scores_are_named_with_the_remedy(settings, manifests, write_friend):
    with pytest.raises(InputFileError, match=r"tag/data/000\.parquet: no such file; run the stage that makes it"):
        call(settings, manifests, "tagger")
    write_friend(manifests["data"], "tag", lambda batch: {"j1_other_qcd": np.zeros(len(batch))})
    with pytest.raises(InputFileError, match=r"no column 'j1_part_qcd'; run the stage that writes it"):
        call(settings, manifests, "tagger")


def test_only_data_is_searched(settings, manifests):
    with pytest.raises(ConfigError, match="'qcd' is simulation, not data"):
        call(settings, manifests, data="qcd")


@pytest.mark.parametrize("method", ["cwola", "supervised", "ideal"])
def test_events_that_pass_only_in_a_variation_are_scored_and_change_nothing(
    config, manifests, tmp_path, method, add_failing
):
    """Neither what is learned from them, nor the efficiencies and the sculpting check."""
    before, scored = run(config, manifests, method, tmp_path), scores(manifests["signal"], method).to_list()
    added = {name: add_failing(manifests[name]) for name in ("qcd", "signal")}
    after = run(config, manifests, method, tmp_path)
    assert after["signals"][0]["weights"].keys() == {"jets"}
    for one in (before, after):
        one["signals"][0] |= {"weights": {}, "moved": {}}
    assert after == before
    assert scores(manifests["signal"], method).to_list() == scored
    for name, number in added.items():
        batches = Dataset.open(manifests[name]).iterate([f"score_{method}"], [f"select/{method}/w3500"], every=True)
        assert sum(map(len, batches)) == Dataset.open(manifests[name]).manifest.events + number
