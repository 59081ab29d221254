"""Which code and which keys are behind a job: those of its own method, of whatever other methods there are."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import resonaut
from resonaut.core import extensions
from resonaut.core.analysis import Analysis
from resonaut.core.errors import ConfigError
from resonaut.core.provenance import command_code
from resonaut.select import catalogue, jobs

ROOT = Path(__file__).parents[3]
OWN = ROOT / "tests" / "data" / "my_method.py"


def analysis_of(**changes) -> Analysis:
    demo = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
    return Analysis.of(demo | changes, [])


def behind(analysis: Analysis, method: str) -> dict:
    """The code and the keys of a method's job, as plain data."""
    code = command_code("select", "train", *jobs.modules(analysis, method, "w3500"))
    return json.loads(json.dumps({"code": code, "keys": jobs.keys(analysis, method, "w3500")}))


@pytest.mark.parametrize("method", catalogue.methods())
def test_a_job_runs_no_code_of_another_method(method) -> None:
    home = catalogue.methods()[method].home
    others = {"lacathode": {"select/methods/cathode/__init__.py"}}.get(method, set())
    code = {path for path in behind(analysis_of(), method)["code"] if path.startswith("select/methods/")}
    assert code == {"select/methods/__init__.py", f"{home}/__init__.py", f"{home}/method.py"} | others
    assert not {"core/analysis.py", "core/configuration.py"} & set(behind(analysis_of(), method)["code"])


def test_a_job_has_the_keys_of_its_method_and_no_others() -> None:
    analysis = analysis_of()
    assert jobs.keys(analysis, "lacathode", "w3500").keys() & catalogue.parts().keys() == {"cathode"}
    assert jobs.keys(analysis, "cwola", "w3500").keys() & catalogue.parts().keys() == {"cwola"}
    assert jobs.keys(analysis, "inclusive", "w3500").keys() & catalogue.parts().keys() == set()


MINE = """
from resonaut.core.record import key, record
from resonaut.select.catalogue import Entry

@record
class MineSettings:
    \"\"\"The method `mine`.\"\"\"

    depth: int = key("How deep.", default=3, ge=1)

METHODS = {"mine": Entry("method.Mine", ("features",), MineSettings)}
"""

ASK = """
import json, sys
from pathlib import Path
sys.path.insert(0, str(Path(sys.argv[1]).parent))
from test_select_jobs import analysis_of, behind
from resonaut.core import configuration
analysis = analysis_of(select={"methods": ["inclusive", "mine"], "mine": {"depth": 5}})
print(json.dumps([behind(analysis, "cwola"), behind(analysis, "mine")]))
"""


def test_one_more_folder_is_one_more_method_and_reruns_no_other(tmp_path) -> None:
    package = tmp_path / "resonaut"
    shutil.copytree(Path(resonaut.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    folder = package / "select" / "methods" / "mine"
    folder.mkdir()
    (folder / "__init__.py").write_text(MINE)
    (folder / "method.py").write_text("import resonaut.select.template\n")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", ASK, __file__]
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert run.returncode == 0, run.stderr
    cwola, mine = json.loads(run.stdout)
    assert cwola == behind(analysis_of(), "cwola")
    assert mine["keys"]["mine"] == {"depth": 5}
    assert {"select/methods/mine/__init__.py", "select/methods/mine/method.py", "select/template.py"} <= {*mine["code"]}


@pytest.fixture
def site(tmp_path, monkeypatch):
    """An installed package that names its copy of ``tests/data/my_method.py`` under the group ``resonaut``."""
    package, about = tmp_path / "my_package", tmp_path / "my_package-1.0.dist-info"
    for folder in (package, about):
        folder.mkdir()
    (package / "__init__.py").touch()
    (package / "my_method.py").write_text(OWN.read_text() + "\nfrom . import metric\n")
    (package / "metric.py").write_text("from my_package.constants import ONE\n")
    (package / "constants.py").write_text("ONE = 1\n")
    (package / "other.py").touch()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[resonaut]\ndistance = my_package.my_method\n")
    monkeypatch.syspath_prepend(tmp_path)
    extensions.installed.cache_clear()
    yield tmp_path
    extensions.installed.cache_clear()
    for name in [name for name in sys.modules if name.startswith("my_package")]:
        del sys.modules[name]


def test_an_installed_package_adds_a_method(site) -> None:
    path = str(site / "my_package" / "my_method.py")
    analysis = analysis_of(select={"methods": ["inclusive", "cwola", "distance"], "distance": {"diagonal": True}})
    assert analysis.config["code"] == [path]
    assert analysis.config["select"]["distance"] == {"diagonal": True}
    # Its file, and what that imports, are inputs of the jobs that use it, and of no others.
    assert jobs.own_code(analysis, "distance", "w3500") == [path]
    code = {Path(found) for found in behind(analysis, "distance")["code"] if "my_package" in found}
    assert code == {site / "my_package" / f"{name}.py" for name in ("__init__", "my_method", "metric", "constants")}
    assert jobs.own_code(analysis, "cwola", "w3500") == []
    assert behind(analysis, "cwola") == behind(analysis_of(), "cwola")
    assert catalogue.methods([path])["distance"].find() is sys.modules["my_package.my_method"].Distance


def test_the_file_of_a_package_below_the_working_folder_is_named_from_there(site, monkeypatch) -> None:
    """So that a clone with its environment inside can be moved."""
    monkeypatch.chdir(site)
    assert extensions.files(["mine.py"]) == ["my_package/my_method.py", "mine.py"]


@pytest.mark.parametrize("module", ["my_package.nothing", "nothing_of_this_name.at_all"])
def test_an_installed_package_without_its_module_ends_in_a_sentence(site, module) -> None:
    (site / "my_package-1.0.dist-info" / "entry_points.txt").write_text(f"[resonaut]\ndistance = {module}\n")
    extensions.installed.cache_clear()
    with pytest.raises(ConfigError, match=rf"installed package 'my-package' names the module '{module}' for resonaut"):
        analysis_of()


def test_keys_of_the_user_s_own_are_checked_before_the_first_job() -> None:
    changes = {"code": [str(OWN)], "select": {"distance": {"diagonal": 2}}}
    with pytest.raises(
        ConfigError, match=r"config: key 'select\.distance\.diagonal': 2 should be a valid boolean; it is: Leav"
    ):
        analysis_of(**changes)
    with pytest.raises(ConfigError, match=r"config: unknown key 'select\.distance'"):
        analysis_of(select={"distance": {"diagonal": True}})


def test_a_method_of_the_user_s_own_takes_no_other_s_folder(tmp_path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(OWN.read_text().replace('{"distance":', '{"inject":'))
    with pytest.raises(ConfigError, match=r"select\.methods: 'inject': the folder 'inject' is taken; rename it"):
        analysis_of(code=[str(path)])


def test_keys_of_the_user_s_own_take_no_others_place(tmp_path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(OWN.read_text().replace('{"distance":', '{"classifier":'))
    with pytest.raises(ConfigError, match=r"config: there is already a key 'classifier' where"):
        analysis_of(code=[str(path)])


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
