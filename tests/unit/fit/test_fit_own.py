"""A background function of the user's own."""

import json
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import yaml

from resonaut.core.analysis import Analysis
from resonaut.core.configuration import validate
from resonaut.core.errors import ConfigError
from resonaut.fit import plan
from resonaut.fit.family import FAMILIES, Background
from resonaut.fit.likelihood import fit

ROOT = Path(__file__).parents[3]
OWN = str(ROOT / "tests" / "data" / "my_background.py")


@pytest.fixture
def learned(monkeypatch):
    """Add a file's functions to this process, for one test."""

    def learn(path: str) -> None:
        for name, function in FAMILIES.joined([path]).items():
            monkeypatch.setitem(FAMILIES, name, function)

    return learn


def test_it_is_the_formula_of_the_documentation(learned) -> None:
    learned(OWN)
    edges = np.arange(1000.0, 5001.0, 10.0)
    x = (edges[:-1] + edges[1:]) / 2 / 13000
    truth = 1e2 * (1 - np.cbrt(x)) ** 11.0 * x ** (-2.0 + 0.3 * np.log(x))
    function = Background("diphoton", edges, 13000.0, 3)
    found = fit(function, truth[None] * 10)
    assert found.background[0] == pytest.approx(truth * 10, rel=1e-3)
    assert function.parameters(found.theta[0])[1:] == pytest.approx([11, -2, 0.3], rel=0.05)


@pytest.mark.parametrize("body", ["[-x]", "[-x, -x, -x]", "[-x, x / 0]"])
def test_a_function_that_does_not_give_its_derivatives_ends_in_a_sentence(learned, tmp_path, body) -> None:
    path = tmp_path / "mine.py"
    path.write_text(f"import numpy as np\nnp.seterr(all='ignore')\nFAMILIES = {{'mine': lambda x, n: {body}}}\n")
    with np.errstate(all="ignore"):
        learned(str(path))
        with pytest.raises(ConfigError, match="function 'mine' does not give 2 finite derivatives at each of"):
            Background("mine", np.linspace(1000.0, 5000.0, 5), 13000.0, 2)


def test_a_bare_spectrum_is_fitted_with_it(tmp_path) -> None:
    edges = np.arange(2000.0, 5001.0, 100.0)
    counts = np.round(1e9 * np.exp(-edges[:-1] / 400)).astype(int)
    spectrum = tmp_path / "spectrum.csv"
    rows = [f"{low},{high},{n}" for low, high, n in zip(edges, edges[1:], counts, strict=False)]
    spectrum.write_text("m_low,m_high,counts\n" + "\n".join(rows) + "\n")
    words = ["fit", "scan", "--spectrum", spectrum, "--sqrt-s", "13000", "--masses", "3000:3000:100", "--set", "toys=0"]
    words += ["--set", "background.families=[diphoton]", "--output", tmp_path / "out"]
    command = [sys.executable, "-m", "resonaut", *map(str, words)]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "background.families: unknown background function 'diphoton'; there are dijet" in refused.stderr
    run = subprocess.run([*command, "--code", OWN], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert json.loads((tmp_path / "out" / "scan.json").read_text())["scan"][0]["fit"]["family"] == "diphoton"


def analysis(families: list[str], truth: str, code: list[str]) -> Analysis:
    demo = deepcopy(yaml.safe_load((ROOT / "config/config.yaml").read_text()))
    demo.setdefault("fit", {}).update({"background": {"families": families}, "bias": {"truth": truth}})
    return Analysis(validate(demo | {"code": code}), {})


def test_a_function_that_is_nowhere_is_named_before_the_first_job() -> None:
    plan.check(analysis(["dijet", "diphoton"], "diphoton", [OWN]))
    with pytest.raises(ConfigError, match=r"fit\.background\.families: unknown background function 'diphoton'; there"):
        plan.check(analysis(["dijet", "diphoton"], "dijet", []))
    with pytest.raises(ConfigError, match=r"fit\.bias\.truth: unknown background function 'diphoton'; there are dijet"):
        plan.check(analysis(["dijet"], "diphoton", []))


def test_its_file_belongs_to_the_jobs_that_fit_with_it() -> None:
    for families, truth, fits, toys in (
        (["dijet"], "dijet", [], []),
        (["dijet"], "diphoton", [], [OWN]),
        (["diphoton"], "dijet", [OWN], [OWN]),
    ):
        one = analysis(families, truth, [OWN])
        assert (plan.own_code(one, "w3500"), plan.bias_code(one, "w3500")) == (fits, toys)
