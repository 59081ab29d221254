"""The table of the methods, its verdicts, and the figure of each selection."""

import csv
import json

import hist
import numpy as np
import pytest

from resonaut.core.errors import ConfigError, InputFileError
from resonaut.core.files import write_json
from resonaut.core.histograms import to_json
from resonaut.report.select import methods

PNG = b"\x89PNG\r\n\x1a\n"


def counts(low, region, high):
    """(events, selected) of each region."""
    names = ("lower_sideband", "signal_region", "upper_sideband", "outside")
    pairs = (low, region, high, (500, 5))
    return {name: {"events": e, "selected": s} for name, (e, s) in zip(names, pairs, strict=True)}


def summary(method, window, **changed):
    """A summary of the stage select, in which nothing is wrong."""
    spectrum = hist.Hist(hist.axis.Regular(250, 2000, 7000), storage=hist.storage.Int64())
    spectrum.fill(np.random.default_rng(1).exponential(400, 800) + 3000)
    sculpting = {
        "sample": "data outside the signal region",
        "verdict": "flat",
        "interpolation": {"efficiency": 0.011, "interpolated": 0.01, "error": 0.001, "p_value": 0.4},
        "spurious_excess": 1.7,
        "efficiency": 0.01,
        "bins": [{"m_jj": [3000 + x, 3250 + x], "efficiency": 0.01, "error": 0.002} for x in (0, 250, 750)],
        "chi2": 1.5,
        "ndof": 2,
        "p_value": 0.47,
        "jsd": 0.004,
        "jsd_random": 0.005,
        "jsd_p_value": 0.61,
    }
    signals = [{"dataset": f"s{mass:g}", "mass": mass, "efficiency": mass / 1e5} for mass in (3500.0, 4000.0)]
    return {
        "method": method,
        "window": window,
        "signal_region": [2900, 3700] if window == "low" else [3700, 4100],
        "efficiency_target": 0.01,
        "training": {"auc": 0.51},
        "counts": counts((4000, 60), (1000, 33), (1000, 5)),
        "spectra": dict.fromkeys(("0.25", "0.01"), to_json(spectrum)),
        "sculpting": sculpting | changed.pop("sculpting", {}),
        "importance": {"m_j1": 0.5, "tau21_j1": 0.9},
        "signals": [*signals, {"dataset": "no_mass", "mass": None, "efficiency": 0.5}],
        **changed,
    }


@pytest.fixture
def selected(windows, tmp_path):
    """Fits of ``cwola`` and ``tagger`` in two windows, and selections to them: one carves, one has no features."""
    changes = {
        ("cwola", "low"): {"sculpting": {"verdict": "sculpted", "p_value": 1e-7}},
        ("tagger", "high"): {
            "importance": {},
            "training": {},
            "sculpting": {
                "verdict": "not excluded",
                "interpolation": None,
                "spurious_excess": None,
                "jsd": None,
                "jsd_random": None,
                "jsd_p_value": 1.0,
                "bins": [],
            },
        },
    }
    paths = []
    for fit in windows:
        name = fit.parent.name, fit.stem
        paths.append(tmp_path / "select" / name[0] / f"{name[1]}.json")
        write_json(paths[-1], summary(*name, **changes.get(name, {})))
    return paths


def retrained(path, method, window, significances):
    rows = [{"amount": amount, "z_local": z} for amount, z in significances]
    write_json(path, {"method": method, "window": window, "experiments": rows})
    return path


def table(folder):
    with (folder / "methods.csv").open() as file:
        return {(row["method"], row["window"]): row for row in csv.DictReader(file)}


def test_table_has_the_numbers_and_the_verdicts(windows, selected, tmp_path) -> None:
    (tmp_path / "benchmarks/tagger").mkdir(parents=True)
    (tmp_path / "benchmarks/tagger/low.tsv").write_text("s\th:m:s\tmax_rss\n12.34\t0:00:12\t-\n")
    checks = [
        # One large significance; a large median; neither; large only where there is a signal.
        retrained(tmp_path / "a.json", "cwola", "low", [(0, 3.1), (0, 0.0), (5, 9.0)]),
        retrained(tmp_path / "b.json", "cwola", "high", [(0, 2.1), (0, 2.2)]),
        retrained(tmp_path / "c.json", "tagger", "low", [(0, 2.9), (0, 0.9), (5, 9.0)]),
    ]
    methods.methods(selected, windows, checks, ["tagger"], tmp_path / "benchmarks", "label", tmp_path / "out")
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


def test_figures_repeat_byte_for_byte(windows, selected, tmp_path) -> None:
    for again in ("a", "b"):
        methods.methods(selected, windows, [], [], None, "", tmp_path / again)
    made = {path.relative_to(tmp_path / "a"): path.read_bytes() for path in (tmp_path / "a").rglob("*.*")}
    assert made == {path.relative_to(tmp_path / "b"): path.read_bytes() for path in (tmp_path / "b").rglob("*.*")}
    pictures = {path.as_posix() for path, content in made.items() if content.startswith(PNG)}
    assert pictures == {
        *(f"selections/{method}_{window}.png" for method in ("cwola", "tagger") for window in ("low", "high")),
    }


def test_wrong_files_end_in_a_sentence(windows, selected, tmp_path) -> None:
    def draw(summaries=selected, fits=windows, checks=(), benchmarks=None):
        methods.methods(summaries, fits, checks, [], benchmarks, "", tmp_path / "out")

    for key in ("spectra", "importance", "counts"):
        content = summary("cwola", "low")
        del content[key]
        write_json(tmp_path / "x.json", content)
        with pytest.raises(InputFileError, match=rf"x\.json: no summary of a selection \(KeyError\('{key}'\)\); run"):
            draw([tmp_path / "x.json"])
    write_json(tmp_path / "x.json", summary("cwola", "low") | {"sculpting": {"verdict": "flat"}})
    with pytest.raises(InputFileError, match=r"x\.json: no summary of a selection \(KeyError\('sample'\)\)"):
        draw([tmp_path / "x.json"])
    with pytest.raises(ConfigError, match=r"cwola/high\.json has no fit result; give .* with --fit\."):
        draw(fits=windows[:1])
    with pytest.raises(InputFileError, match=r"low\.json: no fits of experiments .*'experiments'.*retrained' again"):
        draw(checks=[windows[0]])
    with pytest.raises(InputFileError, match=r"no experiment without a signal; add 0 to select\.injection"):
        draw(checks=[retrained(tmp_path / "a.json", "cwola", "low", [(5, 1.0)])])
    (tmp_path / "cwola").mkdir()
    (tmp_path / "cwola/low.tsv").write_text("s\n")
    with pytest.raises(InputFileError, match=r"low\.tsv: no benchmark of Snakemake; delete it"):
        draw(benchmarks=tmp_path)
    assert not (tmp_path / "out").exists()


def test_drawn_selection_and_page(windows, selected, kept, tmp_path) -> None:
    methods.methods(selected, windows, [], ["tagger"], None, "Simulation, 13 TeV", tmp_path)
    spectra, sculpting, importances = kept["cwola_low"].axes
    (points,) = sculpting.containers
    assert list(points[0].get_ydata()) == [1, 1, 1]
    assert list(points[0].get_xdata()) == [3125, 3375, 3875]
    assert [bar.get_width() for bar in importances.patches] == [90, 50]
    assert "signal region" in {text.get_text() for text in spectra.get_legend().get_texts()}
    page = (tmp_path / "methods.html").read_text()
    assert "Simulation, 13 TeV" in page
    assert page.count("<table>") == 2
    assert 'font-weight: bold">sculpts the spectrum</td>' in page
    assert page.count("tagger (reference)") == 2
