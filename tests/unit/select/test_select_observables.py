"""A second observable beside m_jj: one analysis, from its configuration to the figures."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config
from typer.testing import CliRunner

from resonaut.cli import app
from resonaut.core import histograms
from resonaut.core.analysis import Analysis
from resonaut.core.errors import ConfigError
from resonaut.core.files import write_json
from resonaut.core.provenance import command_code
from resonaut.fit import plan
from resonaut.select import jobs

ROOT = Path(__file__).parents[3]
MASS = "j1_softdrop_mass"
DIJET = {"signal_region": [3250, 3750], "sidebands": [[3000, 3250], [3750, 4250]]}
JET = {
    "observable": MASS,
    "signal_region": [440, 560],
    "sidebands": [[320, 440], [560, 680]],
    "spectra": {"m_jj": {"low": 2000, "high": 8000, "width": 100}},
}
SELECT = {
    "spectrum": {"low": 0, "high": 1000, "width": 5},
    "sculpting": {"bins": [50, 100, 200, 440, 560, 800]},
    "features": ["tau21_j1", "tau21_j2"],
    "jet_features": ["tau21"],
    "min_events": 10,
}
SELECTIONS = (("inclusive", "w3500"), ("inclusive", "jet"), ("cwola", "jet"))
FIT = {"range": [100, 900], "bin_width": 10, "masses": [500], "signal_width": 0.05}


def analysis(*overlays, jet=True) -> Analysis:
    """The demo with one window in each observable, or one in m_jj alone."""
    config = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
    small = {"folds": 2, "trees": {"max_iterations": 15, "patience": 30, "validation_parts": 2}}
    section = {
        "methods": ["inclusive", "cwola"],
        "classifier": small,
        "windows": {"w3500": DIJET} | ({"jet": JET} if jet else {}),
    }
    fit = {"masses": [3500], "signals": [], "toys": 0, "limit_checks": {"masses": []}}
    ours = {
        "select": section | {"observables": {MASS: SELECT} if jet else {}},
        "fit": fit | {"observables": {MASS: FIT} if jet else {}},
    }
    for one in (ours, *overlays):
        update_config(config, one)
    return Analysis.of(config, [])


def run(*words) -> None:
    done = CliRunner().invoke(app, list(map(str, words)), catch_exceptions=False)
    assert done.exit_code == 0, done.output


@pytest.fixture
def chain(manifests, tmp_path):
    """The jobs of the analysis, one after the other, with the keys that Snakemake would freeze for them."""
    found = analysis()

    def frozen(*names):
        path = tmp_path.joinpath("config", *names[:-1], f"{names[-1]}.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, found.keys("/".join(names)))
        return path

    select, fit, data = tmp_path / "select", tmp_path / "fit", ("--data", manifests["data"])
    for method, window in SELECTIONS:
        (fit / method).mkdir(parents=True, exist_ok=True)
        keys, summary = frozen("select", method, window), select / method / f"{window}.json"
        command = ("select", "train", "--config", keys, "--method", method, "--window", window, *data)
        run(*command, "--background", manifests["qcd"], "--signal", manifests["signal"], "--output", summary)
        command = ("fit", "selection", "--config", frozen("fit", "selection", window), "--selection", summary)
        run(*command, *data, "--output", fit / method / f"{window}.json", "--workspaces", fit / method / window)
    run("fit", "summary", "--output", fit / "summary.json", *sorted(fit.glob("*/*.json")))
    return tmp_path


def test_one_analysis_searches_in_two_observables(chain) -> None:
    def content(verb, window):
        return json.loads((chain / verb / "inclusive" / f"{window}.json").read_text())

    dijet, jet = content("select", "w3500"), content("select", "jet")
    assert (dijet["observable"], dijet["further"], jet["observable"]) == ("m_jj", {}, MASS)
    spectrum, further = (histograms.from_json(one) for one in (jet["spectrum"], jet["further"]["m_jj"]))
    assert (spectrum.axes[0].name, spectrum.axes[0].extent) == (MASS, 202)
    # All data pass, in whatever observable one looks at them.
    assert spectrum.sum(flow=True) == further.sum(flow=True) == 6060
    # The 60 jets of 500 GeV are found, and what fits the dijets does not fit them.
    fits = {window: content("fit", window) for window in ("w3500", "jet")}
    assert [point["mass"] for point in fits["jet"]["scan"]] == [500]
    assert fits["jet"]["scan"][0]["z_local"] > 3
    assert fits["jet"]["background"]["edges"][-1] < 1000 < fits["w3500"]["background"]["edges"][0]
    workspace = json.loads((chain / "fit/inclusive/jet/workspace_500.json").read_text())
    assert workspace["channels"][0]["name"] == MASS
    summary = json.loads((chain / "fit/summary.json").read_text())
    named = {(point["selection"], point["mass"]) for point in summary["points"]}
    assert named == {("inclusive", 3500), (f"inclusive in {MASS}", 500), (f"cwola in {MASS}", 500)}
    report = ("--output", chain / "report")
    run("report", "selections", *sorted((chain / "select").glob("*/*.json")), *report)
    # hepdata_lib warns of what it uses itself.
    words = ("report", "search", *sorted((chain / "fit").glob("*/*.json")), "--summary", chain / "fit/summary.json")
    subprocess.run([sys.executable, "-m", "resonaut", *words, *report], check=True)
    assert {path.stem for path in (chain / "report" / "spectra").glob("*.png")} == {
        f"{method}_{window}" for method, window in SELECTIONS
    }
    tables = {path.name for path in (chain / "report" / "hepdata").glob("*.yaml")}
    assert {f"limits_of_inclusive{ending}.yaml" for ending in ("", f"_in_{MASS}")} <= tables
    text = (chain / "report" / "hepdata" / "spectrum_of_inclusive_w3500.yaml").read_text()
    assert "name: Dijet mass" in text


def test_one_more_window_in_another_observable_reruns_nothing_of_the_others() -> None:
    both, one = analysis(), analysis(jet=False)
    for job in ("select/cwola/w3500", "select/inclusive/w3500", "fit/selection/w3500", "fit/bias/w3500"):
        assert both.keys(job) == one.keys(job)
    for method in ("cwola", "inclusive"):
        code = [command_code("select", "train", *jobs.modules(found, method, "w3500")) for found in (both, one)]
        assert code[0] == code[1]
    assert both.keys("select/cwola/jet")["jet_features"] == ["tau21"]
    # What is not given is that of the section.
    assert both.keys("fit/selection/jet")["sqrt_s"] == 13000
    assert both.keys("fit/selection/jet")["limit_checks"]["masses"] == []


@pytest.mark.parametrize(
    ("overlay", "sentence"),
    [
        (
            {"select": {"windows": {"jet": {"observable": "m_zz"}}}},
            "a window is in 'm_zz'; give select.observables.m_zz.spectrum, select.observables.m_zz.sculpting.bins",
        ),
        (
            {"select": {"windows": {"jet": {"observable": "m_zz"}}, "observables": {"m_zz": SELECT}}},
            "select.windows.jet is in 'm_zz', which is no column of 'data': skim.regions.dijet keeps j1_pt, ",
        ),
        (
            {"select": {"windows": {"jet": {"spectra": {"m_zz": {"low": 0, "high": 1, "width": 1}}}}}},
            "select.windows.jet is in 'm_zz', which is no column of 'data'",
        ),
        (
            {"select": {"windows": {"jet": {"spectra": {"m_jj": {"low": 0, "high": 10, "width": 3}}}}}},
            "select.windows.jet.spectra.m_jj: 0 to 10 GeV is not a multiple of its width, 3 GeV",
        ),
        (
            {"select": {"observables": {MASS: {"jet_features": ["m", "tau21"]}}}},
            f"select.windows.jet is in '{MASS}', and the method 'cwola' sees it as the feature 'm_j1'; give ",
        ),
        (
            {"select": {"observables": {MASS: {"features": ["m_j9"]}}}},
            f"select.observables.{MASS}.features: unknown feature 'm_j9'",
        ),
        (
            {"select": {"observables": {MASS: {"featurs": ["m_j1"]}}}},
            f"key 'select.observables.{MASS}': unknown key 'featurs'; did you mean 'features'?",
        ),
        ({"select": {"observables": {MASS: {"windows": {}}}}}, f"key 'select.observables.{MASS}': 'windows' cannot"),
        ({"select": {"observables": {"m_jj": SELECT}}}, "select.observables.m_jj: the keys of select itself are those"),
        ({"select": {"observables": {"j1_pt": SELECT}}}, "select.observables.j1_pt: no window of select.windows is in"),
        (
            {"select": {"observables": {MASS: {"spectrum": {"high": 600}}}}},
            f"not inside select.observables.{MASS}.spec",
        ),
        ({"fit": {"observables": {MASS: {"range": [100, 1100]}}}}, f"not inside select.observables.{MASS}.spectrum"),
        ({"fit": {"observables": {MASS: {"masses": [700]}}}}, f"fit.observables.{MASS}.masses: 700 in no signal"),
        (
            {"fit": {"observables": {MASS: {"masses": ["0.5 Gev"]}}}},
            f"key 'fit.observables.{MASS}.masses[0]': '0.5 Gev'",
        ),
        ({"reweight": {"observable": "m_zz"}}, "reweight.observable is 'm_zz', which is no column of 'data'; take one"),
    ],
)
def test_what_does_not_fit_together_is_one_sentence(overlay, sentence) -> None:
    with pytest.raises(ConfigError, match=r"^config: ") as caught:
        analysis(overlay)
    assert sentence in str(caught.value)


def test_an_observable_without_a_fit_is_named() -> None:
    found = analysis()
    found.config["fit"]["observables"] = {}
    with pytest.raises(
        ConfigError, match=rf"a window is in '{MASS}'; give fit\.observables\.{MASS}\.range, .*\.bin_width, .*\.masses"
    ):
        plan.check(found)


def test_the_example_of_the_documentation() -> None:
    page = (ROOT / "docs" / "select.md").read_text()
    example = page.partition("*Observables.*")[2].partition("```yaml\n")[2].partition("```")[0]
    config = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
    update_config(config, yaml.safe_load(example))
    update_config(config, {"fit": {"masses": [3500], "signals": []}})
    found = Analysis.of(config, [])
    assert found.keys("fit/selection/w_boson")["masses"] == [80, 85, 90]
    assert found.keys("fit/selection/w3500")["range"] == [3000, 8000]
