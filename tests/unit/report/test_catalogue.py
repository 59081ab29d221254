"""The figures are found, and what each declares is what its module has."""

import inspect
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from resonaut.core import provenance, stages
from resonaut.core.analysis import Analysis
from resonaut.report import catalogue

FIGURES = catalogue.found()
HEAVY = ("numpy", "matplotlib", "scipy", "hist", "hepdata_lib")


def test_figures_of_every_stage_are_found_without_their_libraries() -> None:
    code = "import sys; from resonaut.report import catalogue; catalogue.found()"
    code += f"; print([m for m in {HEAVY} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
    assert {"cutflow", "taggers", "lund_planes", "reweighting", "methods", "limits", "front_page"} <= set(FIGURES)


# The validator of hepdata_lib imports deprecated names.
@pytest.mark.filterwarnings("ignore:jsonschema:DeprecationWarning")
@pytest.mark.parametrize("figure", FIGURES.values(), ids=FIGURES)
def test_a_figure_has_what_it_declares(figure) -> None:
    module = import_module(f"resonaut.report.{figure.path.parent.name}.{figure.name}")
    assert module.FIGURE.writes == figure.writes
    assert set(inspect.signature(module.draw).parameters) == {"output", *figure.reads, *figure.options}
    for output in figure.writes.values():
        assert not output.shown or figure.caption(output).read_text().strip()
    for one in (*figure.reads.values(), *figure.options.values()):
        assert one.name in stages.plans()[one.verb].GIVES
    assert figure.text.splitlines()[0].endswith(".")


@pytest.mark.parametrize("figure", FIGURES.values(), ids=FIGURES)
def test_a_figure_runs_no_other_figure(figure) -> None:
    code = provenance.command_code("report", "draw", figure.module)
    others = {other.module for other in FIGURES.values()} - {figure.module}
    assert figure.module in code
    assert not others & set(code)
    assert not {"report/catalogue.py", "report/plan.py", "core/analysis.py"} & set(code)


def test_two_figures_write_no_file_together() -> None:
    names = [output.name for figure in FIGURES.values() for output in figure.writes.values()]
    assert len(set(names)) == len(names)


def test_the_figure_of_the_documentation_is_the_tested_one() -> None:
    root = Path(__file__).parents[3]
    example = (root / "tests/data/figure.py").read_text()
    assert f"<!-- figure.py -->\n```python\n{example}```" in (root / "docs/report.md").read_text()
    assert catalogue.declared(root / "tests/data/figure.py") is not None


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.py"
    path.write_text(f'"""My figure."""\nimport no_such_library\n{text}\n')
    return path


def test_a_declaration_is_read_without_the_module(tmp_path) -> None:
    figure = catalogue.declared(
        write(
            tmp_path, 'FIGURE = Figure(category="Mine", reads={"results": RESULTS}, writes={"plot": Output("x.png")})'
        )
    )
    assert (figure.name, figure.text, figure.category) == ("mine", "My figure.", "Mine")
    assert figure.caption(figure.writes["plot"]) == tmp_path / "mine.rst"
    assert catalogue.declared(write(tmp_path, "x = 1")) is None


def test_a_declaration_with_other_names_is_an_error(tmp_path) -> None:
    with pytest.raises(
        ValueError, match=r"mine\.py:3: name 'NAME' is not defined; use names of resonaut\.report\.figure"
    ):
        catalogue.declared(write(tmp_path, "FIGURE = Figure(category=NAME, reads={}, writes={})"))


# A coupling floats.
MORPHED = {"hh": {"couplings": {}, "amplitude": [{"kappa": 1}]}}


class Small:
    """An analysis of two signals; ``used`` are its stages."""

    def __init__(
        self,
        used=(),
        correction=None,
        methods=("inclusive", "cwola"),
        ratios=None,
        prediction="none",
        comparison=None,
        regression=None,
        points=None,
        scans=None,
        transfer=None,
        models=("m",),
        widths=(),
    ):
        one = {"morphing": MORPHED, "transfer": transfer or {}, "parameters_of_interest": ["mu"]}
        self.used = used
        self.config = {
            "code": [],
            "datasets": {"data": {"format": "nanoaod", "region": "dijet"}},
            "calibrate": {"correction": correction},
            "select": {"methods": list(methods), "windows": {"w": {}}, "combinations": {}, "event_scores": {}},
            "skim": {"read_constituents": True, "regions": {"dijet": {"jets": 2}}},
            "tag": {
                "networks": {"part": {"regression": regression or {}}},
                "published": {},
                "comparison": comparison,
                "working_points": points or {},
            },
            "reweight": {"sidebands": [[3000, 3250]], "ratios": ratios or {}},
            "fit": {
                "prediction": prediction,
                "models": dict.fromkeys(models, one),
                "mass_scans": scans or {},
                "observables": {},
                "limit_widths": list(widths),
            },
            "classify": {"classifiers": {"bdt": {}}},
            "emulate": {"models": {"flow": {}}},
            "trigger": {"models": {"autoencoder": {}}, "networks": {}},
        }
        entry = type("Dataset", (), {"format": "nanoaod", "combine": [], "drawn": None})
        self.catalogue = dict.fromkeys(("data", "one", "two"), entry)

    def uses(self, verb):
        return verb in self.used

    def sample(self, *names, of="search"):
        samples = {"signal": ["one", "two"], "data": ["data"], "background": ["two"]}
        return samples.get(names[0], [])

    def wanted(self):
        return ["data", "one", "two"]

    def manifests(self, *names):
        return [f"<results>/skim/{name}.json" for name in names]


ONE, TWO = ({"datasets": [name]} for name in ("one", "two"))
RATIOS = {
    "up": {"numerator": TWO, "denominator": ONE, "published": None},
    # The target is published histograms, which are no sample.
    "hdamp": {"numerator": None, "denominator": ONE, "published": {"files": ["a.onnx"]}},
}


def wanted(*used, **changed):
    return {figure.name for figure in catalogue.wanted(Small(used, **changed))}


def test_a_figure_is_wanted_where_there_is_all_that_it_needs() -> None:
    assert wanted("skim") == {"cutflow"}
    taggers = {f"tagger_{name}" for name in ("attacks", "calibration", "decorrelation", "inputs")} | {"taggers"}
    assert wanted("skim", "tag") == {"cutflow"} | taggers
    assert wanted("skim", "tag", comparison={"timed_jets": 9}) == {"cutflow", "representations"} | taggers
    assert wanted("skim", "tag", points={"two": {}}) == {"cutflow", "working_points"} | taggers
    assert wanted("fit", scans={"zp": {}}) - wanted("fit") == {"mass_scans"}
    assert wanted("fit", transfer={"qcd": {}}) - wanted("fit") == {"model_peaks", "model_transfer"}
    assert wanted("select", "fit", widths=[0.1]) - wanted("select", "fit") == {"limits_by_width"}
    assert wanted("fit", models=("m", "n")) - wanted("fit") == {"model_comparison"}
    assert wanted("skim", "tag", regression={"mass": {}}) == {"cutflow", "tagger_regression"} | taggers
    assert wanted("calibrate") == {"lund_planes", "observables", "scale_factors"}
    # Planes that another analysis measured are not here.
    assert wanted("calibrate", correction="given.json") == {"observables", "scale_factors"}
    ratios = {"ratio_closure", "ratio_checks", "divergences"}
    assert wanted("reweight") == {"reweighting"}
    assert wanted("reweight", ratios=RATIOS) == {"reweighting", *ratios}
    assert wanted("unfold") == {"unfolded", "iterations"}
    every = wanted(*stages.verbs(), ratios=RATIOS)
    asked = {"mass_scans", "model_comparison", "model_peaks", "model_transfer", "representations"}
    asked |= {"limits_by_width", "tagger_regression", "working_points"}
    assert every == set(FIGURES) - {"bias", "injections", "predictions"} - asked
    assert wanted(*stages.verbs(), ratios=RATIOS, prediction="blind") == every | {"predictions"}
    # Of what is not selected by its jets there are no images.
    assert wanted(*stages.verbs(), methods=["inclusive"]) == every - {"images", *ratios}


def test_an_unfolding_has_a_report_without_a_search() -> None:
    config = yaml.safe_load((Path(__file__).parents[3] / "config/zjets.yaml").read_text())
    analysis = Analysis.of(config, [])
    assert {figure.name for figure in catalogue.wanted(analysis)} == {"cutflow", "unfolded", "iterations"}
    # What stands for data is generated.
    assert analysis.keys("report") == {"label": "Simulated collisions", "sqrt_s": 13000}


def test_what_is_read_from_a_file_of_histograms_is_no_simulation() -> None:
    config = yaml.safe_load((Path(__file__).parents[3] / "config/hh_bbvv.yaml").read_text())
    config["fit"]["models"]["hh_bbvv"]["file"]["path"] = str(Path(__file__))
    assert Analysis.of(config, []).keys("report")["label"] == "Data"


def files(name, output):
    return catalogue.files(Small(stages.verbs(), ratios=RATIOS), FIGURES[name], FIGURES[name].writes[output])


def test_files_with_their_labels() -> None:
    for name, output, labels in (
        (
            "observables",
            "plots",
            {"calibration/one.png": {"dataset": "one"}, "calibration/two.png": {"dataset": "two"}},
        ),
        (
            "ratio_closure",
            "plots",
            {"ratios/up/closure.png": {"ratio": "up", "shown": "variables before and after"}},
        ),
        ("images", "plots", {"images/cwola_w.png": {"selection": "cwola", "window": "w"}}),
        ("hepdata", "submission", {"hepdata": {"table": "{table}"}}),
        ("cutflow", "plot", {"cutflow.png": None}),
    ):
        found = {path.removeprefix("<results>/report/"): place["labels"] for path, place in files(name, output)}
        assert found == labels
    ((_, place),) = files("hepdata", "submission")
    assert (place["category"], place["subcategory"], place["patterns"]) == ("Results", "HEPData", ["{table}.yaml"])
    assert files("summary", "summary") == [("<results>/report/summary.json", {})]


def test_words_of_a_command() -> None:
    read = {"selections": ["a", "b"], "fits": ["c d", "e"], "config": ["f"]}
    words = ["methods", "--output=out/report", "--fits=c d", "--fits=e", "--config=f", "--bounds=ideal"]
    words += ["--benchmarks=times/select", "a", "b"]
    folders = {"<results>": "out", "<benchmarks>": "times"}

    def place(text):
        return re.sub(r"<\w+>", lambda found: folders[found[0]], text)

    small = Small(methods=["ideal", "cwola"])
    assert catalogue.words(small, FIGURES["methods"], read, place) == words


def test_every_figure_has_a_command_that_names_its_inputs(resonaut) -> None:
    listed = resonaut("report", "--help").stdout
    assert all(figure.command in listed for figure in FIGURES.values())
    shown = resonaut("report", "lund-planes", "--help").stdout
    assert all(word in shown for word in ("planes", "--data", "--config", "--output", "DIR/lund_planes.png"))


def test_a_command_replaces_its_own_files_alone(windows, tmp_path, resonaut) -> None:
    summary, out = windows[0].parents[1] / "summary.json", tmp_path / "out"
    for _ in range(2):
        assert resonaut("report", "summary", summary, "--output", out).returncode == 0
    assert {path.name for path in out.iterdir()} == {".report_summary.sha256", "summary.json", "summary.csv"}
    run = resonaut("report", "summary", summary, "--output", summary.parent)
    assert run.returncode == 2
    assert "summary.json: is in the way" in run.stderr
