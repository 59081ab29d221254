"""``resonaut fit histfactory`` and its record."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from resonaut.core.errors import ConfigError, InputFileError, ResonautError
from resonaut.core.results import read
from resonaut.fit.cli import app
from resonaut.fit.histfactory import Model, fit
from resonaut.fit.results.histfactory import ModelResult


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
    patch.write_text(json.dumps([{"op": "replace", "path": "/observations/0/data/0", "value": 700}]))
    run(file, "--output", tmp_path / "r.json", "--config", keys, "--patch", patch, "--set", "interests=[mu, norm]")
    result = read(tmp_path / "r.json", ModelResult)
    assert [one.name for one in result.interests] == ["mu", "norm"]
    assert all((one.limits, one.scan, one.impacts) == (None, None, []) for one in result.interests)
    assert 700 in result.yields["signal_region"].observed


@pytest.mark.parametrize(
    ("words", "error", "sentence"),
    [
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
