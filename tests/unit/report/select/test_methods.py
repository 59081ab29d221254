"""The table of the methods, and its verdicts."""

import csv
import json

import pytest

from resonaut.core.errors import ConfigError, InputFileError
from resonaut.core.files import write_json
from resonaut.fit.results.retrained import FittedExperiment, Retrained
from resonaut.report.select import methods


@pytest.fixture
def retrained(content_of):
    """Write fits of experiments: the amount and the significance of each."""

    def write(path, method, window, significances):
        rows = [content_of(FittedExperiment, amount=amount, z_local=z) for amount, z in significances]
        write_json(path, content_of(Retrained, method=method, window=window, experiments=rows))
        return path

    return write


def table(folder):
    with (folder / "methods.csv").open() as file:
        return {(row["method"], row["window"]): row for row in csv.DictReader(file)}


def test_table_has_the_numbers_and_the_verdicts(windows, selected, retrained, tmp_path) -> None:
    (tmp_path / "benchmarks/tagger").mkdir(parents=True)
    (tmp_path / "benchmarks/tagger/low.tsv").write_text("s\th:m:s\tmax_rss\n12.34\t0:00:12\t-\n")
    checks = [
        # One large significance; a large median; neither; large only where there is a signal.
        retrained(tmp_path / "a.json", "cwola", "low", [(0, 3.1), (0, 0.0), (5, 9.0)]),
        retrained(tmp_path / "b.json", "cwola", "high", [(0, 2.1), (0, 2.2)]),
        retrained(tmp_path / "c.json", "tagger", "low", [(0, 2.9), (0, 0.9), (5, 9.0)]),
    ]
    methods.draw(tmp_path / "out", selected, windows, checks, ["tagger"], str(tmp_path / "benchmarks"), None)
    rows = table(tmp_path / "out")
    assert list(rows) == [(method, window) for method in ("cwola", "tagger") for window in ("low", "high")]
    assert {name: row["verdict"] for name, row in rows.items()} == {
        ("cwola", "low"): "sculpts the spectrum; excess without a signal",
        ("cwola", "high"): "excess without a signal",
        ("tagger", "low"): "ok",
        ("tagger", "high"): "sculpting not excluded",
    }
    row = rows["tagger", "low"]
    scan = json.loads(windows[2].read_text())["scan"]
    best = max(scan, key=lambda point: point["z_local"])
    assert (float(row["z_local"]), float(row["mass"])) == (pytest.approx(best["z_local"], rel=1e-5), best["mass"])
    # 1.5 % and 0.5 % of the sidebands pass: 1 % of the signal region is expected.
    assert (row["selected"], row["expected"], row["efficiency_target"]) == ("33", "10", "0.01")
    assert (row["efficiency_s3500"], row["efficiency_s4000"]) == ("0.035", "")
    assert (row["spurious_excess"], rows["tagger", "high"]["spurious_excess"]) == ("1.7", "")
    assert (row["sculpting_p_value"], row["sculpting_jsd_p_value"]) == ("0.47", "0.61")
    assert (row["no_signal_z_max"], row["no_signal_z_median"]) == ("2.9", "1.9")
    assert {row["bound"] for row in rows.values() if row["method"] == "tagger"} == {"True"}
    # Neither experiments nor a benchmark.
    assert rows["tagger", "high"]["no_signal_z_max"] == ""
    # The time of a job is another in each run, and stands in the page only.
    assert "wall_s" not in row
    assert (rows["tagger", "high"]["efficiency_s3500"], rows["tagger", "high"]["efficiency_s4000"]) == ("", "0.04")


def test_wrong_files_end_in_a_sentence(windows, selected, summary, retrained, tmp_path) -> None:
    def draw(summaries=selected, fits=windows, checks=(), benchmarks=None):
        methods.draw(tmp_path / "out", summaries, fits, checks, [], benchmarks, None)

    for key in ("spectra", "importance", "counts"):
        content = summary("cwola", "low")
        del content[key]
        write_json(tmp_path / "x.json", content)
        with pytest.raises(InputFileError, match=rf"x\.json: no summary of a selection \(it has no '{key}'\)"):
            draw([tmp_path / "x.json"])
    write_json(tmp_path / "x.json", summary("cwola", "low") | {"sculpting": {"verdict": "flat"}})
    with pytest.raises(InputFileError, match=r"x\.json: no summary of a selection \(it has no 'sculpting\.jsd'\)"):
        draw([tmp_path / "x.json"])
    with pytest.raises(ConfigError, match=r"cwola/high\.json has no fit result; give .* with --fits\."):
        draw(fits=windows[:1])
    with pytest.raises(InputFileError, match=r"low\.json: no file of fitted experiments .*'resonaut fit retrained'"):
        draw(checks=[windows[0]])
    with pytest.raises(InputFileError, match=r"no experiment without a signal; add 0 to select\.injection"):
        draw(checks=[retrained(tmp_path / "a.json", "cwola", "low", [(5, 1.0)])])
    (tmp_path / "cwola").mkdir()
    (tmp_path / "cwola/low.tsv").write_text("s\n")
    with pytest.raises(InputFileError, match=r"low\.tsv: no benchmark of Snakemake; delete it"):
        draw(benchmarks=str(tmp_path))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("unit", "heading"), [("GeV", "at\nGeV"), ("TeV", "at\nTeV"), ("1", "at\n")])
def test_masses_are_in_the_unit_of_the_observable(windows, selected, tmp_path, unit, heading) -> None:
    for path in selected:
        write_json(path, json.loads(path.read_text()) | {"unit": unit})
    methods.draw(tmp_path, selected, windows, [], [], None, None)
    assert {row["unit"] for row in table(tmp_path).values()} == {unit}
    assert (tmp_path / "methods.html").read_text().count(f"<th>{heading}</th>") == 2


def test_page_of_the_table(windows, selected, tmp_path) -> None:
    write_json(tmp_path / "report.json", {"label": "Simulation", "sqrt_s": 13000.0})
    methods.draw(tmp_path, selected, windows, [], ["tagger"], None, tmp_path / "report.json")
    page = (tmp_path / "methods.html").read_text()
    assert "Simulation, 13 TeV" in page
    assert page.count("<table>") == 2
    assert 'font-weight: bold">sculpts the spectrum</td>' in page
    assert page.count("tagger (reference)") == 2
