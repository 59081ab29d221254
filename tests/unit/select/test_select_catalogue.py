import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import resonaut
from resonaut.core.errors import ConfigError
from resonaut.select import catalogue, jobs
from resonaut.select import method as methods

ROOT = Path(__file__).parents[3]
OWN = ROOT / "tests" / "data" / "my_method.py"
PACKAGE = Path(resonaut.__file__).parent


def test_an_unknown_method_is_named(settings):
    with pytest.raises(
        ConfigError, match=r"config: unknown method 'magic'; there are anode, ideal, supervised, cathode"
    ):
        methods.make("magic", settings, "w3500")


@pytest.mark.parametrize("name", catalogue.methods())
def test_the_catalogue_knows_what_each_method_reads(settings, name):
    method = methods.make(name, settings, "w3500")
    entry = catalogue.methods()[name]
    assert tuple(method.friends) == entry.friends
    assert 0 < method.background_efficiency <= 1
    assert "m_jj" not in method.columns
    assert set(entry.samples) <= {"background", "signal"}


class Recorder:
    """Settings that know which of their keys were read."""

    def __init__(self, settings):
        self.settings, self.read = settings, set()

    def __getattr__(self, name):
        self.read.add(name)
        return getattr(self.settings, name)

    def own(self, kind):
        found = self.settings.own(kind)
        self.read |= {name for name in catalogue.parts() if getattr(self.settings, name) is found}
        return found


@pytest.mark.parametrize("name", catalogue.methods())
def test_a_method_reads_no_key_that_its_jobs_do_not_have(settings, name):
    """The frozen file of a job holds the engine's keys and those that the catalogue names; others would be defaults."""
    recorder = Recorder(settings)
    methods.make(name, recorder, "w3500")
    entry = catalogue.methods()[name]
    later = set(re.findall(r"self\.settings\.(\w+)", (PACKAGE / entry.module).read_text()))
    if name == "vae_qr":  # Its own settings are that of the method.
        later = set()
    # The observable is that of the job's window.
    assert recorder.read | later <= {*jobs.ENGINE, *catalogue.keys(name), "combinations", "observable"}


def test_the_method_of_the_documentation(config, section, manifests, summary_of, tmp_path):
    """It is the text of docs/extend.md, and finds more than a tenth of the signal at an efficiency of a hundredth."""
    page = (ROOT / "docs" / "extend.md").read_text()
    assert f"```python\n{OWN.read_text()}```" in page
    found = []
    for diagonal in (False, True):
        config.write_text(json.dumps(section | {"distance": {"diagonal": diagonal}}))
        output = tmp_path / f"distance_{diagonal}.json"
        options = ["--config", config, "--data", manifests["data"], "--signal", manifests["signal"], "--output", output]
        command = ["select", "train", "--method", "distance", "--window", "w3500", "--code", OWN, *options]
        run = subprocess.run([sys.executable, "-m", "resonaut", *map(str, command)], capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        found.append(summary_of(output)["signals"][0])
        assert found[-1]["efficiency"] > 0.1 * found[-1]["acceptance"]
    # Its own key is read.
    assert found[0]["efficiency"] != found[1]["efficiency"]


ENTRY = "from resonaut.select.catalogue import Entry\nclass C: pass"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, r"config: code: no Python file '.*mine\.py'; correct the path"),
        ("import nothing_of_this_name", r"config: code: .*mine\.py: ModuleNotFoundError: No module named 'nothing_of"),
        (f"{ENTRY}\nMETHODS = {{'cwola': Entry('C')}}", "already a method 'cwola'"),
        (f"{ENTRY}\nMETHODS = {{'mine': Entry('D')}}", r"METHODS\['mine'\]: the file has no 'D'; correct its name"),
        (f"{ENTRY}\nMETHODS = {{'my-own': Entry('C')}}", r"METHODS\['my-own'\]: give it a name of letters, digits"),
    ],
)
def test_a_wrong_file_ends_in_a_sentence(tmp_path, content, sentence):
    path = tmp_path / "mine.py"
    if content:
        path.write_text(content)
    with pytest.raises(ConfigError, match=sentence):
        catalogue.methods([str(path)])


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
