"""The three commands of ``resonaut fit``: files, keys, equal bytes, and sentences for mistakes."""

import csv
import json
import sys

import hist
import numpy as np
import pyhf
import pytest
from uhi.io.json import default

from resonaut import cli
from resonaut.config import read
from resonaut.errors import ConfigError
from resonaut.fit import selection, workspace
from resonaut.fit.analysis import Efficiency, interpolated
from resonaut.fit.bare import parse_masses
from resonaut.fit.scan import goodness
from resonaut.fit.settings import FitSettings
from resonaut.fit.summary import KEYS

SETTINGS = {
    "sqrt_s": 13000,
    "range": [2500, 7000],
    "bin_width": 150,
    "shape_parameters": 2,
    "masses": [3000, 3300, 3500, 3700],
    "signals": ["signal_3000", "signal_4000"],
    "signal_width": 0.03,
    "luminosity_uncertainty": 0.016,
    "max_efficiency_error": 0.5,
    "confidence_level": 0.95,
}


def histogram(values, weight=None):
    h = hist.Hist(hist.axis.Regular(800, 0, 8000, name="m_jj"), storage=hist.storage.Weight())
    h.fill(values, weight=weight)
    return json.loads(json.dumps(h, default=default))


def selection_file(rng):
    signals = []
    for mass, selected in ((3000, 400), (4000, 800)):
        spectrum = histogram(rng.normal(mass, 0.04 * mass, selected), np.full(selected, 1 / 4000))
        signals.append(
            {
                "dataset": f"signal_{mass}",
                "mass": mass,
                "efficiency": selected / 4000,
                "efficiency_error": selected**0.5 / 4000,
                "lund_error": 0.1,
                "spectrum": spectrum,
            }
        )
    data = 2300 + rng.exponential(600, 500)
    return {
        "method": "cwola",
        "window": "w2",
        "signal_region": [3300, 3700],
        "spectrum": histogram(data),
        "signals": signals,
    }


def inputs(folder):
    (folder / "fit.json").write_text(json.dumps(SETTINGS))
    (folder / "selection.json").write_text(json.dumps(selection_file(np.random.default_rng(1))))
    (folder / "data.json").write_text(json.dumps({"luminosity": 30.0}))
    return folder


@pytest.fixture
def chain(tmp_path):
    """The three input files of ``fit selection``."""
    return inputs(tmp_path)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """The inputs with the result ``out/w2.json``."""
    folder = inputs(tmp_path_factory.mktemp("fitted"))
    settings = read(folder / "fit.json", FitSettings)
    selection.fit_selection(
        settings, folder / "selection.json", folder / "data.json", folder / "out/w2.json", folder / "out/w2"
    )
    return folder


def resonaut(monkeypatch, *arguments):
    """Run the command line; its exit code."""
    monkeypatch.setattr(sys, "argv", ["resonaut", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    return stopped.value.code or 0


def fit_selection(monkeypatch, folder, out):
    """Run ``fit selection`` on the files in ``folder``; its exit code."""
    files = {"config": "fit.json", "selection": "selection.json", "data": "data.json"}
    options = [word for key, file in files.items() for word in (f"--{key}", folder / file)]
    return resonaut(monkeypatch, "fit", "selection", *options, "--output", out / "w2.json", "--workspaces", out / "w2")


def test_selection_result(fitted):
    result = json.loads((fitted / "out/w2.json").read_text())
    # The signal region is half open, and the efficiency linear between the simulated masses.
    assert [point["mass"] for point in result["scan"]] == [3300, 3500]
    assert [point["efficiency"] for point in result["scan"]] == pytest.approx([0.13, 0.15])
    bins = len(result["spectrum"]["counts"])
    assert len(result["spectrum"]["edges"]) == bins + 1 == 31
    for point in result["scan"]:
        assert len(point["signal_plus_background"]) == bins
        assert point["limit_method"] == "pyhf"
        events, cross_section = point["limit_events"], point["limit"]
        assert cross_section["observed"] == pytest.approx(events["observed"] / (30 * point["efficiency"]))
        bands = [events[f"expected{b}"] for b in ("_minus_2", "_minus_1", "", "_plus_1", "_plus_2")]
        assert bands == sorted(bands)
        assert point["efficiency_uncertainties"]["lund"] == pytest.approx(0.1)
        assert point["efficiency_uncertainties"]["luminosity"] == 0.016
        assert point["limit_events_direct"]["observed"] == pytest.approx(events["observed"], rel=0.01)


@pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")
def test_workspace_is_plain_histfactory(fitted):
    result = json.loads((fitted / "out/w2.json").read_text())
    point = result["scan"][1]
    opened = pyhf.Workspace(json.loads((fitted / "out/w2" / point["workspace"]).read_text()))
    model = opened.model()
    expected = model.expected_actualdata(model.config.suggested_init())
    assert expected == pytest.approx(result["spectrum"]["background"], rel=1e-6)
    # mu is the cross section in fb.
    cls = pyhf.infer.hypotest(point["limit"]["observed"], opened.data(model), model, test_stat="qtilde")
    assert float(cls) == pytest.approx(0.05, abs=0.002)


def test_same_bytes_twice_and_no_stale_workspace(fitted, tmp_path, monkeypatch):
    (tmp_path / "w2").mkdir()
    (tmp_path / "w2/workspace_2000.json").write_text("{}")
    assert fit_selection(monkeypatch, fitted, tmp_path) == 0
    first, again = (
        {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*.json")} for folder in (fitted / "out", tmp_path)
    )
    assert first == again


def test_without_signals_limits_are_in_events(chain, monkeypatch):
    (chain / "fit.json").write_text(json.dumps(SETTINGS | {"signals": [], "masses": [3500]}))
    assert fit_selection(monkeypatch, chain, chain / "out") == 0
    (point,) = json.loads((chain / "out/w2.json").read_text())["scan"]
    assert point["limit"] is None
    assert point["efficiency"] is None
    assert point["limit_events"]["observed"] > 0


def test_failure_of_pyhf_is_recorded(chain, monkeypatch):
    def fail(*arguments):
        raise workspace.PyhfError("pyhf finds no minimum.")

    (chain / "fit.json").write_text(json.dumps(SETTINGS | {"masses": [3500]}))
    monkeypatch.setattr(workspace, "upper_limits", fail)
    assert fit_selection(monkeypatch, chain, chain / "out") == 0
    (point,) = json.loads((chain / "out/w2.json").read_text())["scan"]
    assert point["limit_method"] == "direct"
    assert point["limit_events"] == pytest.approx(point["limit_events_direct"])


def without(key):
    return lambda selected: {k: v for k, v in selected.items() if k != key}


@pytest.mark.parametrize(
    ("settings", "change", "sentence"),
    [
        ({"signals": ["signal_9"]}, dict, "fit.signals names 'signal_9'"),
        ({"range": [2500, 7100]}, dict, "not a whole number of bins"),
        ({"range": [2505, 7005]}, dict, "not made of whole bins"),
        ({"range": [6500, 7100]}, dict, "loosen the selection"),
        ({"range": [3600, 7050]}, dict, "outside the fit range"),
        ({"bin_width": "wide"}, dict, "not of type"),
        ({}, lambda s: s | {"signals": [entry | {"mass": None} for entry in s["signals"]]}, "has no mass"),
        ({}, without("spectrum"), "run the stage select again"),
        ({}, lambda s: s | {"spectrum": histogram([])}, "has 0 bins with events"),
        ({}, lambda s: s | {"spectrum": histogram(np.full(50, 3100.0))}, "has 1 bins with events"),
    ],
)
def test_mistakes_end_as_one_sentence(chain, monkeypatch, capsys, settings, change, sentence):
    (chain / "fit.json").write_text(json.dumps(SETTINGS | settings))
    selected = json.loads((chain / "selection.json").read_text())
    (chain / "selection.json").write_text(json.dumps(change(selected)))
    assert fit_selection(monkeypatch, chain, chain / "out") == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("resonaut: ")
    assert sentence in error
    assert not (chain / "out/w2.json").exists()


def test_summary(fitted, tmp_path, monkeypatch, capsys):
    arguments = ["--output", tmp_path / "summary.json", "--table", tmp_path / "summary.csv"]
    assert resonaut(monkeypatch, "fit", "summary", *arguments, fitted / "out/w2.json") == 0
    rows = json.loads((tmp_path / "summary.json").read_text())
    assert [(row["selection"], row["mass"]) for row in rows] == [("cwola", 3300), ("cwola", 3500)]
    assert set(rows[0]) == set(KEYS)
    result = json.loads((fitted / "out/w2.json").read_text())
    assert rows[1]["limit_expected"] == result["scan"][1]["limit"]["expected"]
    with (tmp_path / "summary.csv").open() as stream:
        assert [float(row["z_local"]) for row in csv.DictReader(stream)] == [row["z_local"] for row in rows]
    assert resonaut(monkeypatch, "fit", "summary", *arguments, *[fitted / "out/w2.json"] * 2) == 2
    assert "signal regions that do not overlap" in capsys.readouterr().err


def test_scan_of_a_bare_spectrum(tmp_path, monkeypatch):
    edges = np.arange(2000, 6001, 200)
    counts = np.random.default_rng(2).poisson(2e4 * np.exp(-(edges[:-1] - 2000) / 450))
    lines = [f"{low},{high},{n}" for low, high, n in zip(edges[:-1], edges[1:], counts, strict=True)]
    (tmp_path / "s.csv").write_text("\n".join(["m_low,m_high,counts", *lines]))
    options = ["--sqrt-s", 13000, "--masses", "3000:3500:500", "--output", tmp_path / "out"]
    assert resonaut(monkeypatch, "fit", "scan", "--spectrum", tmp_path / "s.csv", *options) == 0
    result = json.loads((tmp_path / "out/scan.json").read_text())
    assert [point["mass"] for point in result["scan"]] == [3000, 3500]
    assert (tmp_path / "out/workspace_3500.json").exists()
    with (tmp_path / "out/scan.csv").open() as stream:
        assert [float(row["mass"]) for row in csv.DictReader(stream)] == [3000, 3500]


def test_masses_option():
    assert parse_masses("2000:2300:100") == [2000, 2100, 2200, 2300]
    assert parse_masses("2000:2250:100") == [2000, 2100, 2200]
    for text in ("2000", "2000:1000:100", "2000:3000:0", "a:b:c", "2000:3000:-100", "1000:inf:100"):
        with pytest.raises(ConfigError, match="first:last:step"):
            parse_masses(text)


def test_efficiency_beyond_the_simulated_masses():
    points = [Efficiency(0.1, {"lund": 0.05}, measured=True), Efficiency(0.2, {"lund": 0.15}, measured=True)]
    masses = np.array([3000.0, 4000.0])
    assert interpolated(3500.0, masses, points) == Efficiency(pytest.approx(0.15), {"lund": pytest.approx(0.1)}, True)
    points.append(Efficiency(0.001, {"lund": 0.1}, measured=False))
    masses = np.append(masses, 4500.0)
    assert [interpolated(m, masses, points).measured for m in (3500.0, 4000.0, 4100.0, 4500.0)] == [
        True,
        True,
        False,
        False,
    ]
    points, masses = points[:2], masses[:2]
    assert interpolated(4500.0, masses, points) == Efficiency(0.2, {"lund": 0.15}, True, extrapolated=True)


def test_goodness_merges_to_five_events():
    edges = np.arange(8.0)
    counts = np.array([9.0, 4.0, 3.0, 6.0, 2.0, 1.0, 0.0])
    background = np.array([9.0, 4.0, 5.0, 6.0, 1.0, 1.0, 1.0])
    quality = goodness(edges, counts, background, 2)
    assert quality.edges.tolist() == [0, 1, 3, 7]
    assert quality.counts.tolist() == [9, 7, 9]
    assert quality.chi2 == pytest.approx((9 - 9) ** 2 / 9 + (7 - 9) ** 2 / 9 + (9 - 9) ** 2 / 9)
    assert quality.ndf == 1
