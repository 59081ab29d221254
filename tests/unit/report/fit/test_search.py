"""The figures and HEPData tables of a search: complete, repeatable, and sentences for mistakes."""

import json
from dataclasses import replace

import numpy as np
import pytest
import yaml

from resonaut.core.errors import ConfigError, InputFileError
from resonaut.core.files import write_json
from resonaut.core.results import read as read_result
from resonaut.fit.results.points import Limits, Point
from resonaut.fit.results.scans import Summary
from resonaut.report import cli
from resonaut.report.fit import nuisances, results

# The validator of hepdata_lib imports deprecated names and leaves files for the garbage collector to close.
pytestmark = [
    pytest.mark.filterwarnings("ignore:jsonschema:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
]

PNG = b"\x89PNG\r\n\x1a\n"
FIGURES = ("p_values.png", "limits.png", "fits.png", "nuisances.png")


def tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def search(files, output, summary=None, label=""):
    config = output.with_suffix(".json")
    write_json(config, {"label": label, "sqrt_s": 13000.0})
    cli.search(files, output, summary, config)
    return tree(output)


def table(made, name):
    content = yaml.safe_load(made[f"hepdata/{name}.yaml"])
    return content["independent_variables"], {v["header"]["name"]: v for v in content["dependent_variables"]}


@pytest.fixture(scope="module")
def drawn(bare, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        # A file in the current folder would be one that hepdata_lib forgot.
        patch.chdir(tmp_path_factory.mktemp("current"))
        made = search([bare / "scan.json"], tmp_path_factory.mktemp("drawn") / "report")
        assert tree(tmp_path_factory.getbasetemp() / "current0") == {}
    return made


def test_bare_scan_gives_all_figures_and_tables(drawn) -> None:
    tables = ("submission", "local_p-values_of_spectrum", "signal_yields_of_spectrum", "limits_of_spectrum")
    wanted = {f"hepdata/{name}.yaml" for name in (*tables, "uncertainties_of_spectrum", "spectrum_of_spectrum")}
    assert set(drawn) == {*FIGURES, "spectrum.png", ".search.sha256", *wanted}
    for name in (*FIGURES, "spectrum.png"):
        assert drawn[name].startswith(PNG)
        assert len(drawn[name]) > 10_000


def test_same_result_gives_same_bytes_beside_what_others_wrote(bare, drawn, tmp_path) -> None:
    (tmp_path / "hepdata").mkdir()
    (tmp_path / "hepdata" / "mine.yaml").touch()
    for _ in range(2):
        assert search([bare / "scan.json"], tmp_path) == drawn | {"hepdata/mine.yaml": b""}


def test_a_submission_of_others_is_not_replaced(bare, tmp_path) -> None:
    (tmp_path / "hepdata").mkdir()
    (tmp_path / "hepdata/submission.yaml").write_text("comment: mine")
    with pytest.raises(InputFileError, match=r"submission\.yaml: is in the way"):
        search([bare / "scan.json"], tmp_path)
    assert tree(tmp_path) == {"hepdata/submission.yaml": b"comment: mine"}


def test_hepdata_has_the_numbers_of_the_fit(bare, drawn) -> None:
    content = json.loads((bare / "scan.json").read_text())
    i, point = next((i, point) for i, point in enumerate(content["scan"]) if point["mass"] == 3500)
    (mass,), p_values = table(drawn, "local_p-values_of_spectrum")
    assert [entry["value"] for entry in mass["values"]] == [3000, 3500, 4000]
    assert p_values["Local p-value"]["values"][i]["value"] == pytest.approx(point["p_local"], rel=1e-5)
    assert {"name": "SQRT(S)", "units": "GeV", "value": 13000} in p_values["Local p-value"]["qualifiers"]
    _, limits = table(drawn, "limits_of_spectrum")
    expected = limits["Expected limit"]["values"][i]
    assert expected["value"] == pytest.approx(point["limit"]["expected"], rel=1e-5)
    two = next(error["asymerror"] for error in expected["errors"] if error["label"] == "2 s.d.")
    assert expected["value"] + two["minus"] == pytest.approx(point["limit"]["expected_minus_2"], rel=1e-4)
    assert expected["value"] + two["plus"] == pytest.approx(point["limit"]["expected_plus_2"], rel=1e-4)
    assert [entry["value"] for entry in limits["Observed limit, by pyhf"]["values"]][::2] == ["-", "-"]
    _, yields = table(drawn, "signal_yields_of_spectrum")
    errors = yields["Signal yield"]["values"][i]["errors"][0]["asymerror"]
    assert errors["minus"] == pytest.approx(-point["signal_yield_error_down"], rel=1e-5)
    (source,), uncertainties = table(drawn, "uncertainties_of_spectrum")
    best = max(content["scan"], key=lambda point: point["z_local"])
    assert [entry["value"] for entry in source["values"]] == list(best["nuisances"])
    impacts = [entry["value"] for entry in uncertainties["Change of the expected limit"]["values"]]
    assert impacts == pytest.approx([100 * found["limit_impact"] for found in best["nuisances"].values()], rel=1e-5)
    (bins,), events = table(drawn, "spectrum_of_spectrum")
    assert [entry["low"] for entry in bins["values"]] == pytest.approx(point["fit"]["edges"][:-1])
    assert [entry["value"] for entry in events["Events"]["values"]] == point["fit"]["counts"]


def test_windows_of_a_selection_are_joined_with_its_global_significance(windows, tmp_path) -> None:
    summary = windows[0].parents[1] / "summary.json"
    made = search(windows, tmp_path / "report", summary, "Test")
    spectra = {f"spectra/{method}_{window}.png" for method in ("cwola", "tagger") for window in ("low", "high")}
    assert spectra | set(FIGURES) == {name for name in made if name.endswith(".png")}
    (mass,), _ = table(made, "local_p-values_of_cwola")
    assert [entry["value"] for entry in mass["values"]] == [3000, 3500, 4000]
    read = results.read(windows)
    known = read_result(summary, Summary).global_.selections
    assert [one.excess for one in results.selections(read, summary)] == [known["cwola"], known["tagger"]]
    # Each file knows of its own window only.
    assert [one.excess for one in results.selections(read, None)] == [None, None]
    assert results.selections(read[:1], None)[0].excess == read[0].content.global_


def test_groups_of_nuisances_stand_with_their_members(windows, tmp_path) -> None:
    first = json.loads(windows[0].read_text())
    for point in first["scan"]:
        source = next(iter(point["nuisances"].values()))
        point["nuisances"] = {f"lund_{i}": source | {"limit_impact": 0.01 * i} for i in range(4)}
        point["nuisance_groups"] = {"lund": source | {"limit_impact": 0.025, "size": 0.5}}
    windows[0].write_text(json.dumps(first))
    (one,) = results.selections(results.read(windows[:1]), None)
    assert [name for name, _ in nuisances.ranked(one.best)] == ["lund 3", "all of lund", "lund 2", "lund 1", "lund 0"]
    made = search(windows[:1], tmp_path / "report")
    (source,), sizes = table(made, "uncertainties_of_cwola")
    assert [entry["value"] for entry in source["values"]] == ["lund (all)", "lund_0", "lund_1", "lund_2", "lund_3"]
    assert sizes["Relative size"]["values"][0]["value"] == 50


def test_unknown_efficiencies_and_a_spectrum_without_masses(windows, tmp_path) -> None:
    first, second = (json.loads(path.read_text()) for path in windows[:2])
    for point in first["scan"]:
        point |= {"limit": None, "nuisances": {}, "nuisance_groups": {}, "limit_events_toys": point["limit_events"]}
        point["fit"] |= {"good": False, "p_signal": None, "p_background": 1e-9}
    windows[0].write_text(json.dumps(first | {"luminosity": None, "bump_hunter": None}))
    windows[1].write_text(json.dumps(second | {"scan": [], "global": None}))
    made = search(windows[:2], tmp_path / "report")
    _, limits = table(made, "limits_of_cwola")
    assert limits["Observed limit, by toys"]["header"]["units"] == "events"
    assert made["spectra/cwola_high.png"].startswith(PNG)
    windows[0].write_text(json.dumps(first | {"scan": []}))
    with pytest.raises(ConfigError, match=r"no fit result has a mass; give fit\.masses"):
        search(windows[:2], tmp_path / "report")


def test_a_mass_at_which_the_fits_failed_is_a_gap(windows, tmp_path, resonaut) -> None:
    content = json.loads(windows[0].read_text())
    failed = dict.fromkeys(content["scan"][0]) | {"mass": 3250.0, "limit_reason": "no fit converges."}
    content["scan"].insert(1, failed)
    windows[0].write_text(json.dumps(content))
    # Another window was skipped: no mass of it has a fit.
    nothing = json.loads(windows[3].read_text())
    bins = {"edges": [2900.0, 4100.0], "counts": [3.0], "expected": [3.0], "pulls": [0.0], "parameters": []}
    nothing["background"] |= bins | {"family": "none", "shape_parameters": 0, "good": False, "p_value": None}
    nothing |= {"global": None, "toys": None, "bump_hunter": None, "resonances": []}
    nothing["scan"] = [failed | {"mass": 4000.0}]
    windows[3].write_text(json.dumps(nothing))
    summary = tmp_path / "summary.json"
    assert resonaut("fit", "summary", "--output", summary, *windows).returncode == 0
    made = search(windows, tmp_path / "report", summary)
    assert "hepdata/spectrum_of_tagger_low.yaml" in made
    assert "hepdata/spectrum_of_tagger_high.yaml" not in made
    assert made["spectra/tagger_high.png"].startswith(PNG)
    for name in ("local_p-values", "signal_yields", "limits"):
        (mass,), columns = table(made, f"{name}_of_cwola")
        assert [entry["value"] for entry in mass["values"]] == [3000, 3250, 3500, 4000]
        *numbers, remarks = [column["values"][1]["value"] for column in columns.values()]
        assert set(numbers) == {"-"}
        assert remarks == "no result: no fit converges."
    one = results.selections(results.read(windows), summary)[0]
    assert [point.mass for point in one.points] == [3000, 3500, 4000]
    masses, values = one.curve(lambda point: point.p_local)
    assert masses[np.isnan(values)].tolist() == [3250]
    _, limits = one.curve(one.limit("observed"))
    assert np.isnan(limits).tolist() == np.isnan(values).tolist()
    (row,) = [row for row in json.loads(summary.read_text())["points"] if row["mass"] == 3250]
    assert {key for key, value in row.items() if value is not None} == {"selection", "mass", "unit", "fit_good"}
    final = tmp_path / "final"
    assert resonaut("report", "summary", summary, "--output", final).returncode == 0
    assert "cwola,3250,GeV,,,,,,,,,,False" in (final / "summary.csv").read_text()
    assert "3500" in resonaut("report", "show", "--summary", final / "summary.json").stdout


def test_limits_by_another_method_in_fb(example) -> None:
    fb, events = replace(example(Limits), expected=2.0), replace(example(Limits), expected=20.0)
    toys = replace(example(Limits), observed=30.0)
    point = replace(example(Point), limit=fb, limit_events=events, limit_events_toys=toys)
    none = replace(point, limit=None)
    in_fb, in_events = (
        results.Selection("a", [], True, [], set(), points, [], None) for points in ([point, none], [none])
    )
    assert in_fb.checked(point, "toys").observed == 3.0
    assert in_events.checked(none, "toys").observed == 30.0
    assert in_fb.checked(none, "toys") is None


def test_wrong_files_end_in_a_sentence(bare, windows, tmp_path, resonaut) -> None:
    done = resonaut("report", "search", bare / "bias.json", "--output", tmp_path / "none")
    assert done.returncode == 2
    words = "bias.json: no fit result (unknown key 'families'); make it with 'resonaut fit scan'."
    assert done.stderr.endswith(words + "\n")
    assert not (tmp_path / "none").exists()
    with pytest.raises(ConfigError, match=r"scan\.json is a scan of a bare spectrum; draw each"):
        results.read([windows[0], bare / "scan.json"])
    with pytest.raises(InputFileError, match=r"scan\.json: no summary of fits .* make it with 'resonaut fit summary'"):
        results.selections(results.read(windows), bare / "scan.json")
