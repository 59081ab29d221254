"""What must hold between the parts of a configuration."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from snakemake.utils import update_config

from resonaut.core import sources, stages
from resonaut.core.analysis import Analysis
from resonaut.core.errors import ConfigError
from resonaut.fit.templates import checks
from resonaut.select import experiments
from resonaut.skim import era
from resonaut.tag import plan as tag

ROOT = Path(__file__).parents[3]


def complete(*overlays: dict[str, Any], base: Path | None = ROOT / "config" / "config.yaml") -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load(base.read_text()) if base else {}
    for overlay in overlays:
        update_config(config, overlay)
    return Analysis.of(config, [base] if base else []).config


def skimmed(**datasets: Any) -> dict[str, Any]:
    return {"search": {"stages": ["skim"], "samples": {"data": list(datasets)}}, "datasets": datasets}


def window(low: list[float], signal_region: list[float], high: list[float]) -> dict[str, Any]:
    return {"signal_region": signal_region, "sidebands": [low, high]}


def base_of(variant: Path) -> Path:
    """The configuration that a variant changes: that whose name it begins with, else the demo's."""
    named = variant.parents[1] / f"{variant.stem.split('_')[0]}.yaml"
    return named if named.exists() else ROOT / "config" / "config.yaml"


def ratio_of(target: str) -> dict:
    """A network that estimates a ratio."""
    mass = {"target": target, "over": "softdrop_mass"}
    return {"architecture": "particle_net", "regression": {"mass": mass}}


@pytest.mark.parametrize("path", sorted((ROOT / "config").rglob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_configurations_are_complete(path, monkeypatch) -> None:
    """Alone, or a variant on the configuration that it changes. Reference data need not be there."""
    monkeypatch.setattr(sources, "glob", lambda pattern: [pattern])
    monkeypatch.setattr(era, "require_files", lambda where, paths: None)
    monkeypatch.setattr(era, "require_tables", lambda made: None)
    monkeypatch.setattr(checks, "require_file", lambda where, path, origin: None)
    content = yaml.safe_load(path.read_text())
    complete(content, base=base_of(path) if path.parent.name == "variants" else None)


def test_only_what_reads_events_needs_datasets(tmp_path) -> None:
    (tmp_path / "h.json").write_text("{}")
    model = {
        "file": {"path": str(tmp_path / "h.json")},
        "channels": {"one": {}},
        "samples": {"signal": {"signal": True}},
    }
    full = complete({"search": {"stages": ["fit"]}, "fit": {"models": {"m": model}}}, base=None)
    assert not any(full["search"]["samples"].values())
    with pytest.raises(ConfigError, match=r"search\.samples names no dataset"):
        complete({"search": {"stages": ["skim"]}}, base=None)


def test_tiny_search_is_complete() -> None:
    complete(yaml.safe_load((ROOT / "tests" / "workflow" / "tiny.yaml").read_text()))


def test_ranges_may_end_at_the_factor_that_changes_nothing() -> None:
    complete({"calibrate": {"factor_range": [0.2, 1], "weight_range": [1, 10]}})


def test_chains_become_windows() -> None:
    full = complete({"select": {"window_chains": {"a": [3000, 3250, 3750, 4000]}}})
    assert full["select"]["windows"]["a1"]["signal_region"] == [3250, 3750]


@pytest.mark.parametrize(
    ("overlay", "sentence"),
    [
        (
            {"search": {"samples": {"data": ["nothing"]}}},
            "search.samples.data names 'nothing', which is not in 'datasets'",
        ),
        (
            {"search": {"samples": {"data": ["qcd"]}}},
            "search.samples.data names 'qcd', whose nature is simulation, not",
        ),
        ({"tag": {"samples": {"signal": ["data"]}}}, "tag.samples.signal names 'data', whose nature is data, not sim"),
        (
            {"search": {"samples": {"background": ["qcd", "signal_tt"]}}},
            "search.samples has 'signal_tt' in background and in signal; take it out of one",
        ),
        (
            {"search": {"samples": {"data": ["data", "w_data"]}}},
            "data and w_data are one sample; give each its datasets.",
        ),
        (
            {"search": {"stages": ["simulat"]}},
            "search.stages has 'simulat', which is no stage; there are simulate, emulate, skim",
        ),
        (
            {
                "search": {"stages": ["simulate", "skim", "select"], "samples": {"data": []}},
                "select": {"methods": ["inclusive"]},
            },
            "search.samples.data names no data to search in; name them, or pseudo-data",
        ),
        (
            {"select": {"methods": ["inclusive", "a"], "combinations": {"a": {"methods": ["a", "inclusive"]}}}},
            "select.combinations.a needs the method 'a'; list it before 'a'",
        ),
        ({"datasets": {"data": {"files": ["a.root"]}}}, "datasets.data has both 'files' and a 'generator'"),
        ({"datasets": {"data": {"generator": None}}}, "datasets.data has neither 'files' nor a 'generator'"),
        ({"datasets": {"qcd": {"cross_section": None}}}, "datasets.qcd.cross_section is null; simulation needs one"),
        ({"datasets": {"qcd": {"region": "dijets"}}}, "datasets.qcd.region 'dijets' is not in skim.regions"),
        ({"search": {"stages": ["simulate", "select"]}}, "search.stages has 'select', which reads what 'skim' makes"),
        ({"search": {"stages": ["skim"]}}, "datasets.data has a 'generator', but search.stages no 'simulate'"),
        ({"skim": {"regions": {"dijet": {"softdrop_mass": [9, 5]}}}}, "skim.regions.dijet.softdrop_mass is [9, 5]"),
        ({"skim": {"regions": {"boosted_w": {"jets": 1, "m_jj_min": 9}}}}, "skim.regions.boosted_w keeps one jet"),
        ({"skim": {"regions": {"dijet": {"m_jj_min": 8000}}}}, "below the m_jj that skim.regions.dijet keeps (8000 "),
        (
            {"datasets": {"data": {"labelled": {}}}},
            "datasets.data.labelled chooses events by a label, which files of the format nanoaod lack",
        ),
        (
            {"datasets": {"data": {"format": "lhco_raw", "labelled": {"signal": [9, 5]}}}},
            "datasets.data.labelled.signal is [9, 5]; give the first event first",
        ),
        (
            {"search": {"stages": ["simulate", "skim", "fit"]}},
            "search.stages has 'fit', which reads what 'select'",
        ),
        (
            {"search": {"stages": ["simulate", "report"]}},
            "search.stages has 'report', and no other stage that it shows anything of; add one",
        ),
        *(
            ({"datasets": {"qcd": {"generator": generator}}}, f"datasets.qcd{sentence}")
            for generator, sentence in (
                ({"tune": "loud"}, ".generator.tune: 'loud' is not in simulate.tunes, which has simulation, nature"),
                ({"components": [{"process": "higgs", "events": 1}]}, ".generator.components[0]: 'higgs' is not in"),
                ({"components": [{"process": "x_to_yy", "events": 1}]}, ".generator.components[0]: the process 'x_to"),
                ({"components": [{"process": "qcd"}]}, ".generator.components[0] needs either 'events' or a 'cross"),
                ({"components": [{"process": "qcd", "cross_section": 1}]}, ".generator.components[0] has a cross sec"),
                ({"components": [{"process": "qcd", "events": 0}]}, " has no events; give its components events"),
            )
        ),
        (
            {"datasets": {"data": {"generator": {"shower_variations": True}}}},
            "datasets.data stands for collisions, which exist in one variation",
        ),
        (
            {"search": {"stages": ["simulate", "skim", "tag"], "samples": {"background": [], "signal": []}}},
            "search.stages has 'tag', which learns from",
        ),
        ({"tag": {"networks": {"part": {"architecture": "particle_net", "max_constituents": 3}}}}, "part.edge_conv"),
        (
            {"tag": {"networks": {"part": {"architecture": "particle_net", "weights": "no.pt"}}}},
            "tag.networks.part.weights: no file 'no.pt'",
        ),
        (
            {"search": {"stages": ["simulate", "skim", "reweight"], "samples": {"background": []}}},
            "name datasets in search.samples.background",
        ),
        (
            {"calibrate": {"samples": {"simulation": []}}},
            "name datasets in calibrate.samples.simulation",
        ),
        ({"calibrate": {"bins": {"subjet_pt": [10, 9, 20]}}}, "calibrate.bins.subjet_pt: [10, 9, 20] are not ascend"),
        ({"calibrate": {"factor_range": [5, 0.2]}}, "calibrate.factor_range is [5, 0.2], which must rise and hold 1"),
        ({"calibrate": {"weight_range": [2, 3]}}, "calibrate.weight_range is [2, 3], which must rise and hold 1"),
        ({"calibrate": {"selections": {"x": {"tau21": [1, 0]}}}}, "calibrate.selections.x.tau21 is [1, 0]"),
        ({"calibrate": {"histograms": {"x": {"bins": 5, "low": 2, "high": 1}}}}, "histograms.x: low is 2 and high 1"),
        ({"select": {"windows": {"w": window([3000, 3250], [3750, 3250], [3750, 4000])}}}, "windows.w: lower sideband"),
        ({"select": {"windows": {"w": window([3000, 3300], [3250, 3750], [3750, 4000])}}}, "that do not overlap"),
        ({"select": {"spectrum": {"low": 3100}}}, "select.windows.w3500: 3000 to 4000 GeV is not inside select.spectr"),
        (
            {"skim": {"regions": {"dijet": {"m_jj_min": 3100}}}},
            "select.windows.w3500 begins at 3000 GeV, below the m_jj that skim.regions.dijet keeps (3100 GeV and",
        ),
        (
            {
                "datasets": {
                    "data": {"luminosity": None, "generator": {"components": [{"process": "qcd", "events": 9}]}}
                }
            },
            "fit.signals asks for limits in fb; set datasets.data.luminosity, or empty fit.signals",
        ),
        ({"select": {"spectrum": {"width": 7}}}, "select.spectrum: 2000 to 8000 GeV is not a multiple of its width"),
        ({"select": {"sculpting": {"bins": [3000, 2000, 4000]}}}, "select.sculpting.bins: [3000, 2000, 4000] are not"),
        ({"select": {"features": ["m_jj"]}}, "select.features: unknown feature 'm_jj'; the features are m_j1, m_j2"),
        ({"select": {"jet_features": ["m_j1"]}}, "select.jet_features: unknown feature 'm_j1'; the features are m, ta"),
        ({"select": {"tagger": {"network": "best"}}}, "select.tagger.network: 'best' is not in tag.networks"),
        (
            {"select": {"tagger": {"background": "light"}}},
            "select.tagger.background: 'light' is no class of part; it has",
        ),
        (
            {
                "tag": {
                    "networks": {
                        "part": {
                            "architecture": "particle_transformer",
                            "outputs": ["qcd", "2prong", "ignore"],
                            "weights": "envs/analysis.yaml",
                        }
                    }
                },
                "select": {"tagger": {"background": "ignore"}},
            },
            "select.tagger.background: 'ignore' is no class of part; it has qcd, 2prong.",
        ),
        (
            {"tag": {"classes": {"qcd": ["qcd"], "bb": ["bb"], "two": ["jj"]}}},
            "tag.classes: 'bb' of 'bb' and 'jj' of 'two' may be the same jet; change one",
        ),
        (
            {"tag": {"networks": {"part": {"architecture": "particle_net", "outputs": ["qcd", "bb"]}}}},
            "tag.classes: has no 'bb', an output of a network",
        ),
        (
            {"tag": {"networks": {"part": ratio_of("decay_mas")}}},
            "tag.networks.part.regression.mass.target: 'qcd' keeps no column 'j1_decay_mas'",
        ),
        (
            {"tag": {"networks": {"part": ratio_of("decay_mass")}}, "skim": {"truth": False}},
            "tag.networks.part.regression.mass.target: 'qcd' keeps no column 'j1_decay_mass'",
        ),
        (
            {"tag": {"classes": {"light": ["qcd"], "bb": ["bb"]}}},
            "must hold qcd (the network's background) and another class",
        ),
        (
            {"select": {"methods": ["quak"], "quak": {"prior": ["qcd"]}}},
            "select.quak.prior names 'qcd', not in search.samples.signal; add",
        ),
        (
            {"select": {"methods": ["paws"], "paws": {"parameters": {"qcd": [500]}}}},
            "select.paws.parameters names 'qcd', not in search.samples.signal; add",
        ),
        ({"select": {"methods": ["paws"]}}, "select.paws.parameters needs two signals with different parameters"),
        (
            {"select": {"injection": {"signals": ["none"]}}},
            "select.injection.signals names 'none', not in search.samples.sig",
        ),
        ({"select": {"injection": {"windows": ["w1"]}}}, "select.injection.windows: no window 'w1' in select.windows"),
        ({"select": {"injection": {"slow_methods": ["cwolla"]}}}, "unknown method 'cwolla' in select.injection.slow"),
        ({"select": {"injection": {"amounts": [1, 1.0000001]}}}, "select.injection.amounts: 1, 1 are not different"),
        ({"select": {"combinations": {"cwola": {"methods": ["tnt", "nae"]}}}}, "combinations.cwola has the name of a"),
        ({"select": {"combinations": {"inject": {"methods": ["tnt", "nae"]}}}}, "the folder 'inject' is taken"),
        (
            {"select": {"windows": {"w_bias": window([2900, 3000], [3000, 3100], [3100, 3200])}}},
            "windows.w_bias: names that end in _images, _bias or _prediction are taken",
        ),
        (
            {
                "search": {"samples": {"background": []}, "stages": ["simulate", "skim", "select"]},
                "select": {
                    "methods": ["inclusive"],
                    "injection": {"methods": ["ideal"], "signals": ["signal_3500"], "amounts": [5]},
                },
            },
            "select.injection.methods has 'ideal', which learns from simulated background; take it out, or name",
        ),
        (
            {
                "datasets": {"data": {"era": "2018"}},
                "skim": {"eras": {"2018": {"trigger": ["HLT_A"], "prescales": "Makefile"}}},
            },
            "select.methods: events of 'data' count without weights, and skim.eras.2018 has prescales",
        ),
        ({"fit": {"signals": ["signal_3500", "signal_tt"]}}, "fit.signals has two signals of 3500 GeV"),
        ({"fit": {"masses": [3500, 7900]}}, "fit.masses: 7900 GeV in no signal region"),
    ],
)
def test_contradictions_are_one_sentence(overlay, sentence) -> None:
    with pytest.raises(ConfigError, match=r"^config: ") as caught:
        complete(overlay)
    assert sentence in str(caught.value)


TAGGERS = {
    "part": {"architecture": "particle_transformer", "max_constituents": 20},
    "particlenet": {"architecture": "particle_net"},
}
CLASSES = {"qcd": ["qcd"], "2prong": ["jj*"], "3prong": ["jjj*"], "4prong": ["jjjj*"]}
PUBLISHED = {"known": {"card": {"name": "known"}, "classes": {"qcd": ["probQCD"], "2prong": ["probX"]}}}
FOUR = {
    "part": {"architecture": "particle_transformer", "outputs": list(CLASSES)},
    "particlenet": {"architecture": "particle_net", "outputs": list(CLASSES)},
}
JOBS = [
    *(f"simulate/{name}" for name in ("data", "qcd", "w_sim")),
    *(f"skim/{command}/{name}" for command in ("chunk", "merge") for name in ("data", "qcd", "w_sim")),
    *("tag/train/part", "tag/train/particlenet", "tag/score", "tag/compare"),
    *("calibrate/measure", "calibrate/apply"),
    *("calibrate/summarise", "reweight", "select/cwola/w3500", "select/tagger/w4000", "report"),
    *("fit/selection/w3500", "fit/selection/w4000", "fit/bias/w3500", "fit/retrained/w3500"),
]


@pytest.mark.parametrize(
    ("overlay", "changed"),
    [
        ({"datasets": {"qcd": {"cross_section": 9}}}, {"skim/merge/qcd"}),
        ({"datasets": {"data": {"era": "2018"}}}, {"skim/merge/data"}),
        ({"skim": {"regions": {"boosted_w": {"pt_min": 230}}}}, {"skim/chunk/w_sim", "skim/merge/w_sim"}),
        ({"skim": {"duplicates": "drop"}}, {f"skim/merge/{name}" for name in ("data", "qcd", "w_sim")}),
        ({"simulate": {"processes": {"ww": {"settings": ["WeakDoubleBoson:ffbar2WW = on"]}}}}, {"simulate/w_sim"}),
        ({"simulate": {"tunes": {"nature": []}}}, {"simulate/data"}),
        (
            {"simulate": {"objects": {"tau": {"fake": 0.02}}}},
            {"simulate/data", "simulate/qcd", "simulate/w_sim"},
        ),
        ({"datasets": {"qcd": {"generator": {"objects": False}}}}, {"simulate/qcd"}),
        ({"simulate": {"objects": {"track_jet": {"radius": 0.5}}}}, set()),
        ({"simulate": {"objects": {"track": {"d0_constant": 0.02}}}}, set()),
        ({"tag": {"networks": TAGGERS}}, {"tag/train/part", "tag/score", "tag/compare"}),
        ({"tag": {"training": {"epochs": 2}}}, {"tag/train/part", "tag/train/particlenet"}),
        ({"tag": {"published": PUBLISHED}}, {"tag/score"}),
        (
            {"tag": {"classes": {**CLASSES, "2prong": ["qq", "bb"]}}},
            {"tag/train/part", "tag/train/particlenet", "tag/score", "tag/compare"},
        ),
        ({"tag": {"classes": {**CLASSES, "more": ["gg"]}, "networks": FOUR}}, set()),
        ({"calibrate": {"histograms": {"tau21": {"bins": 5, "low": 0, "high": 1}}}}, {"calibrate/summarise"}),
        ({"calibrate": {"samples": {"b_quarks": []}}}, set()),
        (
            {"fit": {"masses": [3400, 3500]}},
            {"fit/selection/w3500", "fit/selection/w4000", "fit/bias/w3500", "fit/retrained/w3500"},
        ),
        ({"fit": {"bias": {"toys": 50}}}, {"fit/bias/w3500"}),
        ({"select": {"cwola": {"combination": "sum"}}}, {"select/cwola/w3500"}),
        ({"search": {"samples": {"background": []}}, "select": {"methods": ["inclusive"]}}, set()),
    ],
)
def test_a_key_changes_the_jobs_that_read_it_and_no_other(overlay, changed, monkeypatch) -> None:
    """What a job reads is frozen in a file, whose content decides whether it runs again."""
    monkeypatch.setattr(tag, "cards", lambda analysis: [])
    path = ROOT / "config" / "config.yaml"

    def keys(*overlays: dict[str, Any]) -> dict[str, Any]:
        config = yaml.safe_load(path.read_text()) | {
            "search": {"stages": ["simulate", "skim", "tag", "calibrate", "select", "fit"]}
        }
        for one in ({"search": {"samples": yaml.safe_load(path.read_text())["search"]["samples"]}}, *overlays):
            update_config(config, one)
        analysis = Analysis.of(config, [path])
        return {job: analysis.keys(job) for job in JOBS}

    before, after = keys(), keys(overlay)
    assert {job for job in JOBS if before[job] != after[job]} == changed


def test_jets_of_files_that_train_leave_published_networks_measured(tmp_path, monkeypatch) -> None:
    """With the skimmed jets that tag.samples names, which then have scores although they train nothing."""
    monkeypatch.setattr(tag, "cards", lambda analysis: [])
    (tmp_path / "a.root").touch()
    files = {"files": [f"{tmp_path}/a.root"], "labels": {name: [f"label_{name}"] for name in CLASSES}}
    path = ROOT / "config" / "config.yaml"
    config = yaml.safe_load(path.read_text())
    update_config(config, {"tag": {"jet_files": files, "published": PUBLISHED, "samples": {"background": ["w_qcd"]}}})
    analysis = Analysis.of(config, [path])
    assert tag.simulation(analysis) == []
    assert tag.measured(analysis) == ["known"]
    assert "w_qcd" in tag.measuring(analysis)
    assert set(tag.measuring(analysis)) <= set(tag.scored(analysis))
    del config["tag"]["published"]
    assert tag.measuring(Analysis.of(config, [path])) == []


def test_memory_of_a_training_follows_the_inputs_and_what_learns() -> None:
    def memory(**entry: Any) -> int:
        networks = {"part": {"architecture": "particle_net"}, "new": {"architecture": "particle_transformer"} | entry}
        overlay = {"tag": {"networks": networks, "training": {"max_jets": 10**6}}}
        tracks = {"skim": {"regions": {name: {"tracks": True} for name in ("dijet", "boosted_w")}}}
        return tag.training_memory(Analysis(complete(overlay, tracks), ()), "new") - 1500

    assert memory(inputs="flavour") == pytest.approx(memory() * (19 + 4) / (7 + 4), rel=0.01)
    assert memory(architecture="boosted_trees") > 30 * memory()


def test_jets_of_another_domain_must_keep_what_the_network_sees() -> None:
    network = {"architecture": "particle_net", "inputs": "full", "training": {"domain": {"other": "simulation"}}}
    samples = {"other_background": ["w_qcd"], "other_signal": ["w_sim"]}
    overlay = {"tag": {"networks": {"part": network}, "samples": samples}}
    with pytest.raises(ConfigError, match=r"'w_qcd' than is kept; set tracks: true in skim\.regions\.boosted_w"):
        complete(overlay, {"skim": {"regions": {"dijet": {"tracks": True}}}})


def eras(**changes: dict[str, Any]) -> dict[str, Any]:
    """Data of two eras, with simulation of each."""
    collisions = {"nature": "data", "luminosity": 10, "generator": {"components": [{"process": "qcd", "events": 9}]}}
    simulated = {"nature": "simulation", "cross_section": 5} | {"generator": collisions["generator"]}
    datasets = {
        "early": collisions | {"era": "2017"},
        "late": collisions | {"era": "2018"},
        "qcd_early": simulated | {"era": "2017"},
        "qcd_late": simulated | {"era": "2018"},
        "x": simulated | {"mass": 3500},
    }
    for name, change in changes.items():
        datasets[name] = datasets[name] | change
    samples = {"data": ["early", "late"], "background": ["qcd_early", "qcd_late"], "signal": ["x"]}
    return {"search": {"stages": ["simulate", "skim"], "samples": samples}, "datasets": datasets}


def test_settings_of_objects_are_nothing_to_a_dataset_without_them() -> None:
    bare = {"generator": {"components": [{"process": "qcd", "events": 9}], "objects": False}}
    with_other = eras(x=bare) | {"simulate": {"objects": {"tau": {"fake": 0.02}}}}
    one, other = (Analysis.of(config, []) for config in (eras(x=bare), with_other))
    assert one.keys("simulate/x") == other.keys("simulate/x")
    assert one.keys("simulate/late") != other.keys("simulate/late")


@pytest.mark.parametrize(
    ("stored", "objects"),
    [("track_jets", {"track_jet": {"radius": 0.5}}), ("tracks", {"track": {"d0_constant": 0.02}})],
)
def test_settings_of_tracks_and_their_jets_are_read_where_there_are_some(stored: str, objects: dict[str, Any]) -> None:
    both = {"generator": {"components": [{"process": "qcd", "events": 9}], stored: True}}
    with_other = eras(x=both) | {"simulate": {"objects": objects}}
    one, other = (Analysis.of(config, []) for config in (eras(x=both), with_other))
    assert one.keys("simulate/x") != other.keys("simulate/x")
    assert one.keys("simulate/late") == other.keys("simulate/late")


def test_collisions_do_not_read_the_particle_level() -> None:
    def given(level: dict[str, Any] | None) -> Analysis:
        config = eras(x={"region": "z"}, late={"region": "z"})
        return Analysis.of(config | {"skim": {"regions": {"z": {"jets": 0, "particle_level": level}}}}, [])

    one, other = given(None), given({"objects": {"muon": {}}})
    assert one.keys("skim/chunk/x") != other.keys("skim/chunk/x")
    assert one.keys("skim/chunk/late") == other.keys("skim/chunk/late")


def test_luminosities_of_eras_add_up_and_those_of_triggers_are_one() -> None:
    found = Analysis.of(eras(), [])
    assert found.luminosity(*found.sample("data")) == 20
    found = Analysis.of(eras(late={"era": "2017"}, qcd_late={"era": "2017"}), [])
    assert found.luminosity(*found.sample("data")) == 10


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"late": {"era": None}},
            "search.samples.data: early and late are one sample; give each its datasets.<name>.era",
        ),
        (
            {"late": {"era": "2017", "luminosity": 9}},
            "are of the era '2017' and have the luminosities 10.0 and 9.0; give",
        ),
        (
            {"qcd_late": {"era": "2019"}},
            "search.samples.background: 'qcd_late' is of the era '2019', which no data have",
        ),
        (
            {"qcd_late": {"era": "2017"}},
            "search.samples.background has no dataset of the era '2018', which the data have",
        ),
        (
            {"x": {"era": "2018"}},
            "'x' is of the era '2018' alone, and a signal stands for all data; name a dataset that joins one",
        ),
    ],
)
def test_eras_that_do_not_fit_together_are_one_sentence(changes, sentence) -> None:
    with pytest.raises(ConfigError, match=r"^config: search\.samples\.") as caught:
        Analysis.of(eras(**changes), [])
    assert sentence in str(caught.value)


def combined(**changes: dict[str, Any]) -> Analysis:
    """Data of two eras, and a signal that is combined of one of each."""
    found = eras()
    signal = found["datasets"].pop("x")
    both = {"x_early": signal | {"era": "2017", "region": "dijet"}, "x_late": signal | {"era": "2018"}}
    found["datasets"] |= both | {"x": {"nature": "simulation", "combine": list(both)}}
    for name, change in changes.items():
        found["datasets"][name] |= change
    return Analysis.of(found, [])


def test_parts_are_skimmed_and_their_combination_is_one_signal() -> None:
    found = combined()
    assert found.sample("signal") == ["x"]
    assert {"x_early", "x_late", "x"} <= set(found.datasets())
    assert found.ready() == ["x"]
    assert {"x_early", "x_late"} <= set(found.skims())
    assert found.chunks("x") == ["x_early-000", "x_late-000"]
    assert (found.catalogue["x"].cross_section, found.catalogue["x"].mass) == (5, 3500)
    source = stages.plans()["skim"].source(found, "x")
    assert source.command == "combine"
    assert source.manifests == ["<results>/skim/x_early.json", "<results>/skim/x_late.json"]
    assert source.events == ["<results>/skim/x_early/000.parquet", "<results>/skim/x_late/000.parquet"]
    assert source.data == ["<results>/skim/early.json", "<results>/skim/late.json"]
    assert found.columns("x") == found.columns("x_late")
    cutflows = stages.plans()["skim"].GIVES["cutflows"](found)
    assert {"<results>/skim/x_early.json", "<results>/skim/x_late.json"} <= set(cutflows)
    assert "<results>/skim/x.json" not in cutflows


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"x": {"generator": eras()["datasets"]["x"]["generator"]}},
            "x has 'combine', and a 'generator' as well; keep",
        ),
        ({"x": {"files": ["a.root"]}}, "x has 'combine', and 'files' as well; keep one"),
        ({"x": {"skimmed": "a.json"}}, "x has 'skimmed', and 'combine' as well; keep one"),
        ({"x": {"mass": 3000}}, "x.mass is 3000.0, and 'x_early' has 3500.0; take it out, or correct it"),
        ({"x": {"era": "2018"}}, "x.era is '2018', and 'combine' joins several; set it to null"),
        ({"x_late": {"mass": 3000}}, "x.combine: 'x_early' has the mass 3500.0, and 'x_late' 3000.0, so"),
        ({"x_late": {"cross_section": 1}}, "x.combine: 'x_early' has the cross_section 5.0, and 'x_late' 1.0, so"),
        ({"x_late": {"era": None}}, "x.combine: 'x_late' has no era; correct datasets.x_late.era"),
        ({"x_late": {"era": "2019"}}, "x.combine: 'x_late' has the era '2019', which no data of the search have"),
        ({"x_late": {"era": "2017"}}, "x.combine has several datasets of the era '2017'; take all but one out"),
        ({"x": {"combine": ["x_early"]}}, "x.combine has no dataset of the era '2018', which the data have; add one"),
        ({"x": {"combine": ["qcd_early", "qcd_late"]}}, "x.combine: 'qcd_early' is in a sample of the search itself"),
        (
            {name: {"generator": None, "files": [__file__], "region": "dijet"} for name in ("x_early", "x_late")},
            "test_analysis.py, whose events would count twice; take it out of one",
        ),
        ({"x": {"combine": ["x_early", "late"]}}, "x.combine names 'late', whose nature is data, not simulation"),
        ({"x": {"combine": ["x_early", "y"]}}, "x.combine names 'y', which is not in 'datasets'; add it there"),
        ({"x": {"combine": ["x"]}}, "x.combine names 'x', which is combined itself; name the datasets that it is made"),
    ],
)
def test_parts_that_do_not_fit_together_are_one_sentence(changes, sentence) -> None:
    with pytest.raises(ConfigError, match=r"^config: datasets\.") as caught:
        combined(**changes)
    assert sentence in str(caught.value)


def drawn(*overlays: dict[str, Any], **changes: Any) -> Analysis:
    """The demo with pseudo-data that are drawn from its reweighted simulation."""
    entry = {"nature": "pseudo_data", "luminosity": 5, "drawn": {"datasets": ["qcd"], "seed": 3}} | changes
    samples = {"pseudo_data": ["free"], "signal": ["signal_3500"]}
    search = {"stages": ["simulate", "skim", "reweight", "select"], "samples": samples}
    select = {"methods": ["inclusive", "cwola"]}
    return Analysis.of(complete({"search": search, "datasets": {"free": entry}, "select": select}, *overlays), [])


def test_pseudo_data_are_drawn_from_weighted_simulation() -> None:
    found = drawn()
    assert "free" not in found.wanted()
    assert found.ready() == ["free"]
    assert found.chunks("free") == ["qcd-000", "qcd-001"]
    assert found.columns("free") == found.columns("qcd")
    source = stages.plans()["skim"].source(found, "free")
    assert source.command == "draw"
    assert source.manifests == ["<results>/skim/qcd.json"]
    assert {path.split("/qcd/")[0] for path in source.events} == {"<results>/skim", "<results>/reweight"}
    assert source.options == ["--luminosity=5.0", "--seed=3", "--weights=qcd=reweight"]
    # What learns from simulation does not learn from the events that it searches.
    assert experiments.base(found, "cwola") == "pseudo_data"
    assert experiments.base(found, "salad") == "data"


@pytest.mark.parametrize(
    ("overlay", "changes", "sentence"),
    [
        (
            {"search": {"samples": {"data": ["free"], "pseudo_data": []}}},
            {"nature": "data"},
            "datasets.free.nature is data, and 'drawn' makes pseudo_data; correct it",
        ),
        ({}, {"luminosity": None}, "datasets.free: pseudo-data are drawn to a luminosity"),
        ({}, {"era": "2017"}, "datasets.free: pseudo-data are drawn to a luminosity"),
        ({}, {"files": ["a.root"]}, "datasets.free has 'drawn', and 'files' as well; keep one of them"),
        ({}, {"drawn": {"datasets": ["data"]}}, "datasets.free.drawn.datasets names 'data', whose nature is data"),
        ({}, {"drawn": {"datasets": ["free"]}}, "datasets.free.drawn.datasets names 'free', whose nature is pseudo"),
        (
            {},
            {"drawn": {"datasets": ["qcd", "w_sim"]}},
            "datasets.free.drawn: 'qcd' and 'w_sim' have different regions",
        ),
        (
            {"search": {"samples": {"data": ["free"], "pseudo_data": []}}},
            {},
            "search.samples.data is drawn from 'qcd', which is in another sample, and simulation would share events",
        ),
        (
            {"search": {"stages": ["simulate", "skim", "tag", "select"]}},
            {},
            "'free' is drawn from 'qcd', whose jets train the networks of tag",
        ),
        (
            {"select": {"injection": {"signals": ["signal_3500"], "amounts": [5], "evaluation": ["qcd"]}}},
            {},
            "select.injection.evaluation names 'qcd', of which pseudo-data are drawn",
        ),
    ],
)
def test_pseudo_data_that_cannot_be_drawn_are_one_sentence(overlay, changes, sentence) -> None:
    with pytest.raises(ConfigError, match=r"^config: ") as caught:
        drawn(overlay, **changes)
    assert sentence in str(caught.value)


def test_one_more_file_changes_no_chunk_of_the_others(tmp_path) -> None:
    """What a chunk holds depends on its own files; only where events are numbered by file it depends on the list."""
    for name in ("a", "b"):
        (tmp_path / name).touch()

    def keys(command: str, *names: str, **entry: Any) -> Any:
        files = [str(tmp_path / name) for name in names]
        found = Analysis.of(skimmed(x={"nature": "data", "files": files, "luminosity": len(files)} | entry), [])
        return found.keys(f"skim/{command}/x")

    assert keys("chunk", "a") == keys("chunk", "a", "b")
    assert keys("merge", "a") != keys("merge", "a", "b")
    numbered = {"format": "lhco_features", "region": "lhco"}
    assert keys("chunk", "a", **numbered) != keys("chunk", "a", "b", **numbered)


def test_weights_are_known_by_the_dataset_that_has_them() -> None:
    path = ROOT / "config" / "config.yaml"
    found = Analysis.of(yaml.safe_load(path.read_text()), [path])
    assert {name: found.weights(name) for name in ("data", "qcd", "signal_tt", "w_sim")} == {
        "data": [],
        "qcd": ["reweight"],
        "signal_tt": ["calibrate"],
        "w_sim": [],
    }


def test_files_come_in_the_order_of_the_patterns(tmp_path) -> None:
    for name in ("b1.root", "b2.root", "a.root"):
        (tmp_path / name).touch()
    found = sources.find_files("d", [f"{tmp_path}/b*.root", f"{tmp_path}/a.root"], once=False)
    assert [Path(path).name for path in found] == ["b1.root", "b2.root", "a.root"]


@pytest.mark.parametrize("second", ["{0}/a.root", "{0}/*.root", "{0}/../{1}/a.root", "{0}/link.root"])
def test_a_file_by_two_paths_is_refused(tmp_path, second) -> None:
    (tmp_path / "a.root").touch()
    (tmp_path / "link.root").symlink_to("a.root")
    with pytest.raises(
        ConfigError, match=r"datasets\.d\.files: .* is '.*a\.root' again, whose events would count twice"
    ):
        sources.find_files("d", [f"{tmp_path}/a.root", second.format(tmp_path, tmp_path.name)], once=False)
    found = sources.find_files("d", [f"{tmp_path}/a.root", second.format(tmp_path, tmp_path.name)], once=True)
    assert found == [f"{tmp_path}/a.root"]


def test_no_file_and_a_folder_are_refused(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"no file 'none/\*\.root'; correct the path"):
        sources.find_files("d", ["none/*.root"], once=False)
    (tmp_path / "a{b}.root").touch()
    with pytest.raises(ConfigError, match=r"a\{b\}\.root' has a brace, which Snakemake takes for a wildcard; rename"):
        sources.find_files("d", [f"{tmp_path}/*.root"], once=False)
    with pytest.raises(ConfigError, match=r"is a folder; name its files, as .*/\*\.root"):
        sources.find_files("d", [str(tmp_path)], once=False)


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({}, True),
        ({"region": "dijet"}, False),
        ({"labelled": {"background": [5, None]}}, False),
        ({"labelled": {"background": [4, None]}}, True),
        ({"labelled": {"background": [5, None], "signal": [0, 1]}}, True),
        ({"labelled": {"background": [5, None], "seed": 2}}, True),
    ],
)
def test_two_datasets_of_one_sample_share_no_events(tmp_path, change, refused) -> None:
    path = tmp_path / "a.h5"
    path.touch()
    one = {
        "nature": "data",
        "era": "a",
        "luminosity": 1,
        "format": "lhco_features",
        "region": "lhco",
        "files": [str(path)],
    }
    one |= {"labelled": {"background": [0, 5], "signal": [0, 3]}}
    overlay = skimmed(one=one, other=one | {"era": "b"} | change)
    if refused:
        with pytest.raises(ConfigError, match=r"search\.samples\.data: one and other both read"):
            complete(overlay, base=None)
    else:
        complete(overlay, base=None)
