"""``resonaut fit histfactory`` and its record."""

import copy
import json

import numpy as np
import pyhf
import pytest
from typer.testing import CliRunner

from resonaut.core.errors import ConfigError, InputFileError, ResonautError
from resonaut.core.results import read
from resonaut.fit.cli import app
from resonaut.fit.histfactory import Model, fit, read_workspace
from resonaut.fit.results.histfactory import ModelResult

PLACE = "/observations/0/data/0"


def run(*words):
    CliRunner().invoke(app, ["histfactory", *map(str, words)], catch_exceptions=False, standalone_mode=False)


@pytest.fixture
def file(few_bins, tmp_path):
    path = tmp_path / "workspace.json"
    path.write_text(json.dumps(few_bins))
    return path


def test_result_of_a_workspace(file, few_bins, tmp_path) -> None:
    output = tmp_path / "result.json"
    run(file, "--output", output, "--set", "scan_points=5", "--set", "goodness_toys=20")
    result, fitted = read(output, ModelResult), fit(Model.of(few_bins))
    assert result.converged
    assert (result.workspace, result.measurement) == ("workspace.json", "measured")
    found = {one.name: one for one in result.parameters}
    assert found["mu"].value == pytest.approx(fitted.value("mu"))
    assert found["mu"].reason == "it has no constraint, so that there is no pull"
    assert found["jes"].pull == pytest.approx(fitted.value("jes"))
    assert found["jes"].constraint == pytest.approx(fitted.error("jes"))
    assert found["shape[1]"].reason == "no expectation depends on it"
    assert found["shape[1]"].error is None
    (interest,) = result.interests
    assert interest.statistical_error < interest.error
    assert len(interest.scan.profiled) == 5
    assert interest.limits.expected_minus_2 < interest.limits.expected < interest.limits.observed
    assert "mu" not in {one.name for one in interest.impacts}
    sizes = [max(map(abs, one.after)) for one in interest.impacts]
    assert sizes == sorted(sizes, reverse=True)
    assert result.goodness.toys == 20
    matrix = np.array(result.correlations.matrix)
    assert np.diag(matrix) == pytest.approx(np.ones(len(matrix)))
    region = result.yields["signal_region"]
    assert region.total.after == pytest.approx(np.sum([one.after for one in region.samples.values()], axis=0))
    again = tmp_path / "again.json"
    run(file, "--output", again, "--set", "scan_points=5", "--set", "goodness_toys=20")
    assert again.read_bytes() == output.read_bytes()


def test_signal_that_nobody_selects_is_a_result(file, few_bins, tmp_path) -> None:
    text = json.loads(file.read_text())
    for channel in text["channels"]:
        for sample in channel["samples"]:
            if sample["name"] == "signal":
                sample["data"] = [0.0] * len(sample["data"])
                sample["modifiers"] = sample["modifiers"][:1]
    file.write_text(json.dumps(text))
    run(file, "--output", tmp_path / "r.json")
    result = read(tmp_path / "r.json", ModelResult)
    (interest,) = result.interests
    assert interest.reason == "no expectation depends on it"
    assert (interest.error, interest.limits, interest.scan, interest.intervals) == (None, None, None, [])
    assert "sample 'signal' of channel 'signal_region' is empty." in result.warnings


def test_keys_and_patches(file, tmp_path) -> None:
    keys, patch = tmp_path / "keys.json", tmp_path / "patch.json"
    keys.write_text(json.dumps({"limits": "none", "impacts": False, "scan_points": 0}))
    patch.write_text(json.dumps([{"op": "replace", "path": PLACE, "value": 700}]))
    run(file, "--output", tmp_path / "r.json", "--config", keys, "--patch", patch, "--set", "interests=[mu, norm]")
    result = read(tmp_path / "r.json", ModelResult)
    assert [one.name for one in result.interests] == ["mu", "norm"]
    assert all((one.limits, one.scan, one.impacts) == (None, None, []) for one in result.interests)
    assert 700 in result.yields["signal_region"].observed


def test_patch_sets_of_pyhf(file, few_bins, tmp_path) -> None:
    """A patch by its name, only for the workspace that the set was made for."""
    patches = [
        {"metadata": {"name": f"at_{n}", "values": [n]}, "patch": [{"op": "replace", "path": PLACE, "value": n}]}
        for n in (700, 800)
    ]
    about = {"name": "set", "description": "", "references": {"hepdata": "ins1"}, "labels": ["n"]}
    digests = {"sha256": pyhf.utils.digest(few_bins), "md5": pyhf.utils.digest(few_bins, "md5")}
    content = {"version": "1.0.0", "metadata": {**about, "digests": digests}, "patches": patches}
    path = tmp_path / "set.json"
    path.write_text(json.dumps(content))
    wanted = copy.deepcopy(few_bins)
    wanted["observations"][0]["data"][0] = 800
    assert read_workspace(file, [path], "at_800") == wanted
    run(file, "--output", tmp_path / "r.json", "--patch", path, "--patch-name", "at_800", "--set", "limits=none")
    assert 800 in read(tmp_path / "r.json", ModelResult).yields["signal_region"].observed
    for words, sentence in (
        ([path], r"set\.json: a set of patches \(there are at_700, at_800\); name one of them with --patch-name"),
        ([path, "--patch-name", "at_1"], r"set\.json: no patch 'at_1' \(there are"),
    ):
        with pytest.raises(InputFileError, match=sentence):
            run(file, "--output", tmp_path / "r.json", "--patch", *words)
    with pytest.raises(InputFileError, match="no patch set is given that has the patch 'at_800'"):
        run(file, "--output", tmp_path / "r.json", "--patch-name", "at_800")
    path.write_text(json.dumps({**content, "patches": patches[:1]}))
    assert read_workspace(file, [path])["observations"][0]["data"][0] == 700
    path.write_text(json.dumps({**content, "metadata": {**about, "digests": {"md5": "0"}}}))
    with pytest.raises(InputFileError, match=r"set\.json: of another workspace than .*, by its md5"):
        read_workspace(file, [path], "at_700")


def test_signal_without_background_is_a_result(counting, tmp_path) -> None:
    """Data that only the signal explains exclude its absence for sure: what would be infinite is null."""
    path = tmp_path / "workspace.json"
    for observed, expected in ((0, None), (3, "with mu = 0 in a bin with events")):
        path.write_text(json.dumps(counting(observed, 10.0, 0.0)))
        run(path, "--output", tmp_path / "r.json", "--set", "scan_points=0")
        (interest,) = read(tmp_path / "r.json", ModelResult).interests
        if expected is None:
            assert (interest.significance.q0, interest.significance.z_expected) == (0, None)
            assert interest.limits.observed == pytest.approx(0.1920729, rel=1e-6)
        else:
            assert (interest.significance, interest.limits) == (None, None)
            assert expected in interest.reason


def test_unknown_parameters_of_a_measurement_are_told(counting, tmp_path) -> None:
    workspace = counting(60, 10.0, 50.0)
    workspace["measurements"][0]["config"]["parameters"].append({"name": "nu", "fixed": True})
    (tmp_path / "w.json").write_text(json.dumps(workspace))
    run(tmp_path / "w.json", "--output", tmp_path / "r.json", "--set", "scan_points=0", "--set", "limits=none")
    (warning,) = read(tmp_path / "r.json", ModelResult).warnings
    assert warning == "the measurement sets 'nu', a parameter that no modifier has."


@pytest.mark.parametrize(
    ("words", "error", "sentence"),
    [
        (["--set", "scan_range={mu: [5, 1]}"], ConfigError, "'scan_range.mu' is [5, 1]; give the lower value first."),
        (["--set", "toys=0"], ConfigError, "--set: key 'toys': 0 should be greater than or equal to 1"),
        (
            ["--set", "toys"],
            ConfigError,
            "--set 'toys' is not key=value of a fit; give for example --set impacts=false.",
        ),
        (["--set", "interests=[kappa]"], ResonautError, "the model has no parameter 'kappa'"),
        (
            ["--set", "measurement=other"],
            ResonautError,
            "the workspace has no measurement 'other'; there are measured.",
        ),
    ],
)
def test_mistakes_are_a_sentence(file, tmp_path, words, error, sentence) -> None:
    with pytest.raises(error) as found:
        run(file, "--output", tmp_path / "r.json", *words)
    assert sentence in str(found.value)
    assert "--set" in str(found.value) or str(file) in str(found.value)


def test_the_workspace_is_no_output(file) -> None:
    with pytest.raises(ResonautError, match=r"workspace\.json"):
        run(file, "--output", file)
    with pytest.raises(InputFileError, match="no such file"):
        run(file.with_name("no.json"), "--output", file.with_name("r.json"))
