"""A user's mistakes end with one sentence that names the key or the file, and touch no other result."""

import json
import math
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot
import yaml
from snakemake.utils import update_config

from resonaut.core.analysis import Analysis
from resonaut.core.errors import ConfigError

REFUSED = [
    ({"selct": {}}, "unknown key 'selct'; did you mean 'select'?"),
    ({"fit": {"bin_width": "wide"}}, "key 'fit.bin_width': 'wide' is not"),
    ({"search": {"samples": {"data": ["nothing"]}}}, "search.samples.data names 'nothing', which is not in 'data"),
    (
        {"datasets": {"data": {"generator": None, "files": ["none/*.root"]}}},
        "datasets.data.files: no file 'none/*.root'; correct the path",
    ),
    (
        {"select": {"methods": ["inclusive", "magic"]}},
        "unknown method 'magic' in select.methods; there are anode",
    ),
    (
        {"select": {"methods": ["tagger"]}, "search": {"stages": ["simulate", "skim", "select"]}},
        "select.methods has 'tagger', which needs the stage 'tag'; take it out, or add 'tag' to search.stages",
    ),
    (
        {
            "select": {"methods": ["supervised"]},
            "search": {"stages": ["simulate", "skim", "select"], "samples": {"signal": []}},
        },
        "select.methods has 'supervised', which learns from simulated signal; take it out",
    ),
    (
        {
            "search": {"stages": ["simulate", "skim", "select"]},
            "select": {"methods": ["vae_qr"]},
            "skim": {"read_constituents": False},
        },
        "select.methods has 'vae_qr', which sees the jets' candidates; take it out, or set skim.read_constituents",
    ),
    (
        {
            "select": {
                "methods": ["inclusive", "both", "cwola"],
                "combinations": {"both": {"methods": ["inclusive", "cwola"]}},
            }
        },
        "select.combinations.both needs the method 'cwola'; list it before 'both' in select.methods",
    ),
    ({"select": {"windows": {}}}, "select.windows and select.window_chains are empty; give one window"),
    ({"select": {"window_chains": {"cms": [1, 2, 2, 3]}}}, "select.window_chains.cms wants at least four ascending"),
    ({"datasets": {"data": {"files": ["*.yaml"]}}}, "datasets.data has both 'files' and a 'generator'"),
    ({"select": {"windows": {"x;touch OWNED;": {}}}}, "'x;touch OWNED;' is not allowed; give a name"),
    ({"fit": {"background": {"f_test": math.nan}}}, "key 'fit.background.f_test' is nan; give a finite number"),
]


@pytest.mark.parametrize(("overlay", "sentence"), REFUSED)
def test_bad_configuration_is_refused_with_a_sentence(overlay, sentence) -> None:
    config = yaml.safe_load(Path("config/config.yaml").read_text())
    update_config(config, overlay)
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        Analysis.of(config, [])


@pytest.mark.parametrize(("overlay", "sentence"), [REFUSED[0], REFUSED[-1]])
def test_bad_configuration_ends_with_one_sentence(fresh, tmp_path, overlay, sentence) -> None:
    path = tmp_path / "overlay.yaml"
    path.write_text(yaml.safe_dump(overlay))
    run = fresh.snakemake("--dry-run", "--configfile", "config/config.yaml", str(path))
    assert run.returncode == 2
    assert_one_sentence(run, sentence)


def assert_one_sentence(run, sentence) -> None:
    lines = [line for line in run.stderr.splitlines() if line.startswith("resonaut:")]
    assert len(lines) == 1
    assert sentence in lines[0]
    assert "Traceback" not in run.stderr


def test_a_key_that_stands_twice_is_named_with_its_lines(fresh, tmp_path) -> None:
    path = tmp_path / "overlay.yaml"
    path.write_text("fit:\n  toys: 10\nfit:\n  seed: 2\n")
    run = fresh.snakemake("--dry-run", "--configfile", "config/config.yaml", str(path))
    assert run.returncode == 2
    assert_one_sentence(run, "overlay.yaml: the key 'fit' stands in lines 1 and 3; keep one")


def test_any_folder_is_only_a_folder(fresh, tmp_path) -> None:
    """Blanks, quotes and commands in the names of folders, and another working folder than the checkout."""
    jets = ak.zip(
        {name: ak.Array([[800.0, 700.0]]) for name in ("pt", "mass", "msoftdrop", "tau1", "tau2", "tau3", "tau4")}
    )
    jets = ak.with_field(ak.with_field(jets, ak.Array([[0.1, -0.1]]), "eta"), ak.Array([[0.0, 3.0]]), "phi")
    events = {"FatJet": jets} | {name: np.array([1]) for name in ("run", "luminosityBlock", "event")}
    source = tmp_path / "my données" / "a.root"
    source.parent.mkdir()
    with uproot.recreate(source) as file:
        file.mktree("Events", {name: ak.Array(values).type.content for name, values in events.items()}).extend(events)
    results, elsewhere = tmp_path / "a $(touch OWNED) 'b", tmp_path / "elsewhere"
    elsewhere.mkdir()
    overlay = tmp_path / "overlay.yaml"
    content = {
        "pathvars": {"results": str(results), "logs": f"{results};logs"},
        "search": {"stages": ["skim"], "samples": {"data": ["mine"]}},
        "datasets": {"mine": {"nature": "data", "files": [str(source)], "luminosity": "1 /fb"}},
        "skim": {"read_constituents": False, "regions": {"dijet": {"m_jj_min": None}}},
    }
    overlay.write_text(yaml.safe_dump(content))
    snakefile = os.path.relpath(fresh.path / "Snakefile", elsewhere)
    command = ["snakemake", "-s", snakefile, "--cores", "1", "skim", "--configfile", str(overlay)]
    run = subprocess.run(command, cwd=elsewhere, env=fresh.environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert json.loads((results / "skim" / "mine.json").read_text())["events"] == 1
    assert {path.name for path in elsewhere.iterdir()} == {".snakemake"}
    assert not list(tmp_path.rglob("OWNED"))


def test_a_lock_of_a_living_snakemake_is_kept(fresh) -> None:
    """A process that runs as ``snakemake`` in this folder; without it the lock is one that a killed run left."""
    lock = fresh.path / ".snakemake" / "locks" / "0.input.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text("results/x\n")

    def run() -> subprocess.CompletedProcess:
        command = ["workflow/run", *fresh.command("--dry-run")[1:]]
        return subprocess.run(
            command, cwd=fresh.path, env=fresh.environment, capture_output=True, text=True, check=False
        )

    with subprocess.Popen(["bash", "-c", "exec -a snakemake sleep 60"], cwd=fresh.path) as living:
        try:
            refused = run()
        finally:
            living.kill()
    assert refused.returncode == 2
    assert f"Snakemake still works in this folder (process {living.pid})" in refused.stderr
    assert lock.exists()
    resumed = run()
    assert resumed.returncode == 0, resumed.stderr
    assert not lock.exists()


def test_a_signal_in_no_window_cannot_be_injected(fresh, tmp_path) -> None:
    path = tmp_path / "overlay.yaml"
    injection = {"signals": ["signal_3500"], "amounts": [5]}
    path.write_text(yaml.safe_dump({"datasets": {"signal_3500": {"mass": 9000}}, "select": {"injection": injection}}))
    run = fresh.snakemake("--configfile", "config/config.yaml", str(path), "--dry-run", "fit_injected")
    assert run.returncode == 2
    assert_one_sentence(run, "no window of select.windows has the mass of the signal 'signal_3500'")


def test_package_of_another_checkout_is_refused(fresh) -> None:
    moved = fresh.path / "elsewhere"
    shutil.copytree(fresh.path / "src", moved / "src")
    environment = fresh.environment | {"PYTHONPATH": str(moved / "src")}
    run = subprocess.run(
        fresh.command("--dry-run"), cwd=fresh.path, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 2
    assert "the installed package is of another checkout" in run.stderr
    assert "make install" in run.stderr


@pytest.mark.xdist_group("finished")
def test_truncated_file_fails_its_own_dataset_only(finished, tmp_path) -> None:
    """A broken ROOT file: one sentence, and the results of every other dataset keep their bytes."""
    clone = replace(finished, path=tmp_path / "clone")
    shutil.copytree(finished.path, clone.path)
    source = clone.path / "results/simulate/qcd/000.root"
    broken = tmp_path / "broken.root"
    broken.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(yaml.safe_dump({"datasets": {"qcd": {"generator": None, "files": [str(broken)]}}}))
    before = clone.results()
    run = clone.snakemake("--configfile", *clone.configuration, str(overlay), "--keep-going", "--", "skim")
    assert run.returncode == 1
    sentences = [line for line in run.stderr.splitlines() if line.startswith("resonaut:")]
    assert sentences
    assert all(str(broken) in line for line in sentences)
    after = clone.results()
    others = {path for path in before if "/qcd" not in path}
    assert len(others) < len(before)
    assert {path: after.get(path) for path in others} == {path: before[path] for path in others}
    mended = clone.snakemake("--", "skim")
    assert mended.returncode == 0, mended.stderr
    assert clone.results() == before


def test_command_line_names_the_missing_file(fresh, tmp_path) -> None:
    spectrum, output = tmp_path / "none.csv", tmp_path / "out"
    run = subprocess.run(
        [
            *["resonaut", "fit", "scan", "--sqrt-s", "13000", "--masses", "2000:6000:100"],
            "--spectrum",
            spectrum,
            "--output",
            output,
        ],
        env=fresh.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2
    assert run.stderr.count("\n") == 1
    assert "none.csv" in run.stderr
    assert not output.exists()
