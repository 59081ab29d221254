"""``resonaut fit selection``, ``selection-bias`` and ``summary``: files, keys, equal bytes, sentences for mistakes."""

import json
import sys
from dataclasses import asdict

import hist
import numpy as np
import pyhf
import pytest
from uhi.io.json import default

from resonaut import cli
from resonaut.core import results
from resonaut.core.config import read
from resonaut.core.manifest import Manifest
from resonaut.fit import selection, workspace
from resonaut.fit.bare import settings_of
from resonaut.fit.results.scans import SelectionScan
from resonaut.fit.settings import FitSettings
from resonaut.select.results import Signal, Trained

OVERRIDES = ["toys=50", "background.shape_parameters=[2,3]", "limit_checks.masses=[3500]", "limit_checks.toys=500"]
SETTINGS = asdict(settings_of([*OVERRIDES, "bias.toys=20"], 13000.0, [3000.0, 3300.0, 3500.0, 3700.0]))
SETTINGS |= {"range": [2500, 7000], "bin_width": 50, "signals": ["signal_3000", "signal_4000"]}
PLAIN = SETTINGS | {"masses": [3500], "limit_checks": {"masses": [], "few_events": 0, "toys": 500}, "toys": 0}


def histogram(values, weight=None):
    h = hist.Hist(hist.axis.Regular(800, 0, 8000, name="m_jj"), storage=hist.storage.Weight())
    h.fill(values, weight=weight)
    return json.loads(json.dumps(h, default=default))


LUND = {"statistical": [0.06, -0.06], "b_quark": [0.02, -0.08]}


def selection_file(rng, content_of):
    signals = []
    for mass, selected in ((3000, 400), (4000, 800)):
        spectrum = histogram(rng.normal(mass, 0.04 * mass, selected), np.full(selected, 1 / 4000))
        signals.append(
            content_of(
                Signal,
                dataset=f"signal_{mass}",
                mass=mass,
                efficiency=selected / 4000,
                efficiency_error=selected**0.5 / 4000,
                weights={"lund": {"scale_factor": 0.9, "uncertainties": LUND}},
                moved={},
                spectrum=spectrum,
            )
        )
    data = 2300 + rng.exponential(600, 500)
    names = {
        "method": "cwola",
        "window": "w2",
        "observable": "m_jj",
        "label": "m_jj",
        "unit": "GeV",
        "signal_region": [3300, 3700],
    }
    return content_of(Trained, **names, spectrum=histogram(data), signals=signals)


def inputs(folder, content_of):
    (folder / "fit.json").write_text(json.dumps(SETTINGS))
    (folder / "selection.json").write_text(json.dumps(selection_file(np.random.default_rng(1), content_of)))
    (folder / "data.json").write_text(json.dumps(content_of(Manifest, luminosity=30.0)))
    return folder


@pytest.fixture
def chain(tmp_path, content_of):
    """The three input files of ``fit selection``."""
    return inputs(tmp_path, content_of)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory, content_of):
    """The inputs with the result ``out/w2.json``."""
    folder = inputs(tmp_path_factory.mktemp("fitted"), content_of)
    settings = read(folder / "fit.json", FitSettings)
    selection.fit_selection(
        settings, folder / "selection.json", [folder / "data.json"], folder / "out/w2.json", folder / "out/w2"
    )
    return folder


@pytest.fixture(scope="module")
def result(fitted):
    return json.loads((fitted / "out/w2.json").read_text())


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


def test_selection_result(result):
    assert (result["method"], result["window"], result["signal_region"]) == ("cwola", "w2", [3300, 3700])
    assert (result["sqrt_s"], result["luminosity"], result["confidence_level"]) == (13000, 30, 0.95)
    # The signal region is half open, and the efficiency linear between the simulated masses.
    assert [point["mass"] for point in result["scan"]] == [3300, 3500]
    assert [point["efficiency"] for point in result["scan"]] == pytest.approx([0.13, 0.15])
    for point in result["scan"]:
        assert point["efficiency_uncertainties"]["lund_statistical"] == pytest.approx([0.06, -0.06])
        assert point["efficiency_uncertainties"]["lund_b_quark"] == pytest.approx([0.02, -0.08])
        assert point["efficiency_uncertainties"]["luminosity"] == 0.016
        assert point["efficiency_extrapolated"] is False
        assert point["signal_shape"]["shape"] == "crystal_ball"
        # Where the data begin.
        assert point["signal_shape"]["threshold"] == 2300
        assert point["reference_signal"] == 10
        assert point["z_expected"] > 1
        assert point["signal_yield_error"] == pytest.approx(
            (point["signal_yield_error_up"] + point["signal_yield_error_down"]) / 2
        )
        assert point["q0"] == pytest.approx(max(point["z_local"], 0) ** 2)
    background = result["background"]
    assert background["family"] == "dijet"
    assert len(background["parameters"]) == background["shape_parameters"] + 1
    assert len(background["edges"]) == len(background["counts"]) + 1


def test_limits_in_events_and_in_fb(result):
    for point in result["scan"]:
        events, cross_section = point["limit_events"], point["limit"]
        for name, value in events.items():
            assert cross_section[name] == pytest.approx(value / (30 * point["efficiency"]))
        bands = [events[f"expected{b}"] for b in ("_minus_2", "_minus_1", "", "_plus_1", "_plus_2")]
        assert bands == sorted(bands)


def test_limit_checks(result):
    unchecked, point = result["scan"]
    assert unchecked["limit_events_toys"] is unchecked["limit_events_pyhf"] is None
    # 500 toys for each yield scatter by several percent; pyhf has few events in a bin of its own.
    for name, accuracy in (("toys", 0.25), ("pyhf", 0.05)):
        limits = point[f"limit_events_{name}"]
        assert limits.keys() == point["limit_events"].keys()
        assert limits["expected"] == pytest.approx(point["limit_events"]["expected"], rel=accuracy)
        assert limits["observed"] == pytest.approx(point["limit_events"]["observed"], rel=accuracy)


def test_fit_of_a_point(result):
    for point in result["scan"]:
        found = point["fit"]
        assert (found["low"], found["high"], found["good"]) == (2500, 7000, True)
        assert len(found["attempts"]) == 1
        assert found["attempts"][0]["p_background"] == found["p_background"] > 0.05
        assert [trial["shape_parameters"] for trial in found["f_test"]] == [3]
        bins = len(found["counts"])
        assert len(found["edges"]) == bins + 1
        for name in ("background", "pulls", "signal", "signal_plus_background"):
            assert len(found[name]) == bins
        counts, background = np.array(found["counts"]), np.array(found["background"])
        assert found["pulls"] == pytest.approx((counts - background) / np.sqrt(background))
        assert found["chi2"] == pytest.approx(np.sum(np.square(found["pulls"])))
        assert sum(found["signal"]) == pytest.approx(point["signal_yield"], abs=0.2 * abs(point["signal_yield"]))
        # All data are in these bins, and the fit with a signal has as many events.
        assert sum(found["signal_plus_background"]) == pytest.approx(counts.sum(), rel=0.01)


def test_nuisances_of_a_point(result):
    for point in result["scan"]:
        lund = {"lund_statistical", "lund_b_quark"}
        sources = {"scale", "resolution", "efficiency_statistics", "luminosity", *lund}
        assert point["nuisances"].keys() == sources
        for name, nuisance in point["nuisances"].items():
            assert nuisance.keys() == {"size", "pull", "error", "impact", "limit_impact"}
            assert 0 < nuisance["error"] <= 1.001
            assert abs(nuisance["pull"]) < 0.5
            assert -0.01 < nuisance["limit_impact"] < 0.1
            if name not in ("scale", "resolution"):
                # Only the data's yield is known, not how many events were produced; both sides change it alike.
                up, down = {"lund_statistical": (0.06, 0.06), "lund_b_quark": (0.02, 0.08)}.get(name, (0.0, 0.0))
                slope = (np.log1p(up) - np.log1p(-down)) / 2 if up else np.log1p(nuisance["size"])
                assert nuisance["pull"] == pytest.approx(0, abs=1e-3)
                assert nuisance["impact"] == pytest.approx(-slope * point["signal_yield_floating"], rel=0.02)
                assert nuisance["size"] == pytest.approx(max(up, down) or nuisance["size"])


def test_what_the_lund_weights_cost_together(result):
    for point in result["scan"]:
        whole = point["nuisance_groups"]["lund"]
        parts = [point["nuisances"][f"lund_{name}"] for name in ("statistical", "b_quark")]
        assert whole.keys() == parts[0].keys()
        # Of the yield that all sources lower.
        logarithms = [np.log1p(-part["size"]) for part in parts]
        assert np.log1p(-whole["size"]) == pytest.approx(-np.hypot(*logarithms))
        # An impact on the limit goes with the square of the size, so that they add up, and not in quadrature.
        together = sum(part["limit_impact"] for part in parts)
        assert whole["limit_impact"] == pytest.approx(together, rel=0.1, abs=2e-4)
        # Each side adds in quadrature, and the impact is their mean.
        assert abs(whole["impact"]) == pytest.approx(np.hypot(*(part["impact"] for part in parts)), rel=0.06)


@pytest.mark.parametrize("without_weights", [{}, {"weights": {}}])
def test_a_signal_without_lund_weights(chain, monkeypatch, without_weights):
    selected = json.loads((chain / "selection.json").read_text())
    first, second = selected["signals"]
    # The one of which nothing was selected has no uncertainties; without weights, none has.
    nothing = {"efficiency": 0.0, "efficiency_error": 0.0, "weights": {}}
    selected["signals"] = [first | (without_weights or nothing), second | without_weights]
    (chain / "selection.json").write_text(json.dumps(selected))
    (chain / "fit.json").write_text(json.dumps(PLAIN | {"max_efficiency_error": 2.0}))
    assert fit_selection(monkeypatch, chain, chain / "out") == 0
    (point,) = json.loads((chain / "out/w2.json").read_text())["scan"]
    lund = {name: size for name, size in point["efficiency_uncertainties"].items() if name.startswith("lund")}
    half = {"lund_statistical": pytest.approx([0.03, -0.03]), "lund_b_quark": pytest.approx([0.01, -0.04])}
    assert lund == ({} if without_weights else half)
    assert ("lund" in point["nuisance_groups"]) is not bool(without_weights)
    assert point["limit"]["observed"] > 0


def test_shifts_of_the_simulated_signal_take_the_place_of_the_configured_scale_and_resolution(chain, monkeypatch):
    selected = json.loads((chain / "selection.json").read_text())
    rates = {"jes": {"scale_factor": 1.0, "uncertainties": {"total": [0.05, -0.02]}}}
    for signal, scale in zip(selected["signals"], (0.02, 0.04), strict=True):
        jes = {"position": [scale, -0.01], "width": [0.0, 0.0]}
        jer = {"position": [0.0, 0.0], "width": [0.1, 0.0]}
        flavour = {"position": [0.0, 0.75 * scale], "width": [0.0, 0.0]}
        moved = {"jes_total": jes, "jer_jer": jer, "jes_flavour": flavour}
        signal |= {"moved": moved, "weights": signal["weights"] | rates}
    (chain / "selection.json").write_text(json.dumps(selected))
    (chain / "fit.json").write_text(json.dumps(PLAIN))
    assert fit_selection(monkeypatch, chain, chain / "out") == 0
    (point,) = json.loads((chain / "out/w2.json").read_text())["scan"]
    nuisances = point["nuisances"]
    assert not {"scale", "resolution"} & nuisances.keys()
    # Halfway between the signals, the larger side: of the rate, or of what else a source changes.
    sizes = {"jes_total": 0.05, "jes_flavour": 0.75 * 0.03, "jer_jer": 0.1}
    assert {name: nuisances[name]["size"] for name in sizes} == pytest.approx(sizes)
    assert point["efficiency_uncertainties"]["jes_total"] == pytest.approx([0.05, -0.02])
    assert nuisances["jes_total"]["limit_impact"] > 0
    # The peak is moved up by one source when it goes up, by the other when it goes down, in proportion to how far.
    assert nuisances["jes_flavour"]["pull"] == pytest.approx(-0.6 * point["scale_pull"])
    assert point["nuisance_groups"]["jes"]["size"] == pytest.approx(0.05)
    assert abs(point["nuisance_groups"]["jes"]["impact"]) >= abs(nuisances["jes_total"]["impact"])
    # All that move the peak, and all that widen it, are told of together.
    sizes = {"position": 0.03 * 1.25, "width": 0.1}
    assert {name: point["nuisance_groups"][name]["size"] for name in sizes} == pytest.approx(sizes)
    assert point["nuisance_groups"]["position"]["pull"] == point["scale_pull"]
    assert results.read(chain / "out/w2.json", SelectionScan).points[0].peak_pulls["scale"] == point["scale_pull"]
    samples = json.loads((chain / "out/w2" / point["workspace"]).read_text())["channels"][0]["samples"]
    signal = {one["name"]: {m["name"]: m["data"] for m in one["modifiers"]} for one in samples}
    assert signal["signal"]["jes_total"] == pytest.approx({"hi": 1.05, "lo": 0.98})
    assert "hi_data" in signal["signal"]["jer_jer"]
    moved = signal["signal_scale_plus_1"]
    assert moved["jes_flavour"]["hi"] < 1 < moved["jes_total"]["hi"] / 1.05
    # What moves the soft-drop mass alone says nothing of the energy.
    for signal, more in zip(
        selected["signals"], ({"jms_jms": {"position": [0.0, 0.0], "width": [0.0, 0.0]}}, {}), strict=True
    ):
        signal["moved"] = more
    (chain / "selection.json").write_text(json.dumps(selected))
    assert fit_selection(monkeypatch, chain, chain / "out") == 0
    (point,) = json.loads((chain / "out/w2.json").read_text())["scan"]
    assert (point["nuisances"]["scale"]["size"], point["nuisances"]["resolution"]["size"]) == (0.01, 0.035)
    assert not {"position", "width"} & point["nuisance_groups"].keys()


def test_look_elsewhere_effect(result):
    best = max(result["scan"], key=lambda point: point["z_local"])
    assert (result["global"]["mass"], result["global"]["z_local"]) == (best["mass"], best["z_local"])
    assert result["global"]["toys"] == len(result["toys"]["z_max"]) == 50
    assert result["global"]["p_toys"] == np.mean(np.array(result["toys"]["z_max"]) >= best["z_local"])
    bump = result["bump_hunter"]
    assert 2500 <= bump["low"] < bump["high"] <= 7000
    assert bump["events"] > bump["expected"]
    assert bump["toys"] == 50
    assert 0 < bump["p_global"] <= 1


@pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")
def test_workspace_is_plain_histfactory(fitted, result):
    point = result["scan"][1]
    opened = pyhf.Workspace(json.loads((fitted / "out/w2" / point["workspace"]).read_text()))
    model = opened.model()
    assert set(model.config.modifiers) >= {
        (name, kind)
        for name, kind in (
            ("mu", "normfactor"),
            ("lund", "normsys"),
            ("luminosity", "normsys"),
            ("scale", "normsys"),
            ("resolution", "histosys"),
        )
    }
    # The sources of the calibration act together, as in the direct likelihood.
    assert not any(name.startswith("lund_") for name, _ in model.config.modifiers)
    start = model.config.suggested_init()
    # mu = 1 is the expected limit.
    assert start[model.config.poi_index] == 1.0
    assert point["workspace_events"] == point["limit_events"]["expected"]
    none = [0.0 if i == model.config.poi_index else value for i, value in enumerate(start)]
    expected = model.expected_actualdata(none)
    assert sum(opened.data(model, include_auxdata=False)) == sum(result["background"]["counts"])
    assert expected.sum() == pytest.approx(sum(point["fit"]["background"]), rel=0.01)
    signal = (model.expected_actualdata(start) - expected).sum()
    assert signal == pytest.approx(point["limit_events"]["expected"], rel=0.01)
    assert point["limit"]["expected"] == pytest.approx(signal / (30 * point["efficiency"]), rel=0.01)


def test_same_bytes_twice(fitted, tmp_path, monkeypatch):
    for _ in range(2):
        assert fit_selection(monkeypatch, fitted, tmp_path) == 0
    first, again = (
        {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        for folder in (fitted / "out", tmp_path)
    )
    assert first == again


def test_old_workspaces_go_and_those_of_others_stay(chain, monkeypatch):
    workspaces = chain / "out/w2"
    for masses in ([3300, 3500], [3500]):
        (chain / "fit.json").write_text(json.dumps(PLAIN | {"masses": masses}))
        assert fit_selection(monkeypatch, chain, chain / "out") == 0
        (workspaces / "workspace_2000.json").write_text("{}")
    assert {path.name for path in workspaces.glob("*.json")} == {"workspace_3500.json", "workspace_2000.json"}


def test_without_signals_limits_are_in_events(chain, monkeypatch):
    (chain / "fit.json").write_text(json.dumps(PLAIN | {"signals": []}))
    assert fit_selection(monkeypatch, chain, chain / "out") == 0
    result = json.loads((chain / "out/w2.json").read_text())
    (point,) = result["scan"]
    assert point["limit"] is None
    assert point["efficiency"] is None
    assert point["limit_events"]["observed"] > 0
    assert point["signal_shape"] == {"shape": "gaussian", "width": 0.03}
    assert point["nuisances"].keys() == {"scale", "resolution"}
    assert point["nuisance_groups"] == {}
    # No toys were wanted.
    assert result["toys"] is None
    assert result["global"]["p_toys"] is result["global"]["z_global"] is None
    assert result["bump_hunter"]["p_global"] is None


def test_a_window_without_masses(chain, monkeypatch):
    (chain / "fit.json").write_text(json.dumps(PLAIN | {"masses": [3000]}))
    assert fit_selection(monkeypatch, chain, chain / "out") == 0
    result = json.loads((chain / "out/w2.json").read_text())
    assert (result["scan"], result["global"], result["toys"]) == ([], None, None)


def test_failure_of_pyhf_is_recorded(chain, monkeypatch, caplog):
    def fail(*arguments):
        raise workspace.PyhfError("pyhf finds no minimum.")

    checks = {"masses": [3500], "few_events": 0, "toys": 500}
    (chain / "fit.json").write_text(json.dumps(PLAIN | {"limit_checks": checks}))
    monkeypatch.setattr(workspace, "upper_limits", fail)
    assert fit_selection(monkeypatch, chain, chain / "out") == 0
    (point,) = json.loads((chain / "out/w2.json").read_text())["scan"]
    assert point["limit_events_pyhf"] is None
    assert point["limit_events"]["observed"] > 0
    assert "pyhf finds no minimum" in caplog.text


def test_selection_bias(chain, monkeypatch):
    (chain / "fit.json").write_text(json.dumps(SETTINGS))
    files = {"config": "fit.json", "selection": "selection.json", "data": "data.json", "output": "w2_bias.json"}
    options = [word for key, file in files.items() for word in (f"--{key}", chain / file)]
    assert resonaut(monkeypatch, "fit", "selection-bias", *options) == 0
    result = json.loads((chain / "w2_bias.json").read_text())
    assert (result["method"], result["window"], result["truth"]) == ("cwola", "w2", "exponential_power")
    found = [(point["mass"], point["injected_sigma"]) for point in result["points"]]
    assert found == [(mass, sigma) for mass in (3300, 3500) for sigma in (0, 2, 5)]


def without(key):
    return lambda selected: {k: v for k, v in selected.items() if k != key}


@pytest.mark.parametrize(
    ("settings", "change", "sentence"),
    [
        ({"signals": ["signal_9"]}, dict, "fit.signals names 'signal_9'"),
        (
            {},
            lambda s: s | {"signals": [entry | {"mass": 3300} for entry in s["signals"]]},
            "two signals of 3300 GeV",
        ),
        ({"range": [2500, 7120]}, dict, "not a whole number of bins"),
        ({"range": [2505, 7005]}, dict, "not made of whole bins"),
        ({"range": [6500, 7100]}, dict, "outside the fit range"),
        ({"range": [3600, 7050]}, dict, "outside the fit range"),
        ({"bin_width": "wide"}, dict, "is not a number"),
        ({}, lambda s: s | {"signals": [entry | {"mass": None} for entry in s["signals"]]}, "has no mass"),
        ({}, without("spectrum"), "selection.json: no summary of a selection (it has no 'spectrum'); make it with"),
        ({}, lambda s: s | {"spectrum": histogram([])}, "has 0 bins with events"),
        ({}, lambda s: s | {"spectrum": histogram(np.full(50, 3100.0))}, "has 1 bins with events"),
    ],
)
def test_mistakes_end_as_one_sentence(chain, monkeypatch, capsys, settings, change, sentence):
    (chain / "fit.json").write_text(json.dumps(PLAIN | {"masses": [3300, 3500]} | settings))
    selected = json.loads((chain / "selection.json").read_text())
    (chain / "selection.json").write_text(json.dumps(change(selected)))
    assert fit_selection(monkeypatch, chain, chain / "out") == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("resonaut: ")
    assert sentence in error
    assert not (chain / "out/w2.json").exists()


@pytest.mark.parametrize(
    ("other", "problem"), [([], "it is [], and should be an object"), ({"name": "x"}, "it has no 'nature'")]
)
def test_a_manifest_that_is_none(chain, monkeypatch, capsys, other, problem):
    (chain / "data.json").write_text(json.dumps(other))
    assert fit_selection(monkeypatch, chain, chain / "out") == 2
    error = capsys.readouterr().err
    assert f"data.json: no manifest of a dataset ({problem}" in error


def another(fitted, folder, **changes):
    """A copy of the result with changes."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{'_'.join(map(str, changes.values()))[:20]}.json"
    path.write_text(json.dumps(json.loads((fitted / "out/w2.json").read_text()) | changes))
    return path


def test_summary(fitted, result, tmp_path, monkeypatch):
    # The same spectrum selected by another method: one more selection, and not one more trial.
    again = another(fitted, tmp_path, method="dummy")
    arguments = ["--output", tmp_path / "summary.json", again, fitted / "out/w2.json"]
    assert resonaut(monkeypatch, "fit", "summary", *arguments) == 0
    summary = json.loads((tmp_path / "summary.json").read_text())
    points = summary["points"]
    assert [(p["selection"], p["mass"]) for p in points] == [
        (method, mass) for method in ("cwola", "dummy") for mass in (3300, 3500)
    ]
    point = result["scan"][1]
    for name in ("p_local", "z_local", "z_expected", "signal_yield", "signal_yield_error", "efficiency"):
        assert points[1][name] == point[name]
    assert points[1]["limit_expected"] == point["limit"]["expected"]
    assert points[1]["limit_observed"] == point["limit"]["observed"]
    assert points[1]["fit_good"] is True
    assert points[1]["fit_p_background"] == point["fit"]["p_background"]
    assert summary["global"]["selections"].keys() == {"cwola", "dummy"}
    assert summary["global"]["selections"]["cwola"] == result["global"]
    assert summary["global"]["all"]["p_toys"] == result["global"]["p_toys"]


def test_summary_without_limits_or_toys(fitted, result, tmp_path, monkeypatch):
    points = [point | {"limit": None} for point in result["scan"]]
    path = another(fitted, tmp_path, method="plain", scan=points, toys=None)
    assert resonaut(monkeypatch, "fit", "summary", "--output", tmp_path / "summary.json", path) == 0
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert [point["limit_expected"] for point in summary["points"]] == [None, None]
    assert summary["global"]["all"]["p_toys"] is None
    assert summary["global"]["all"]["z_local"] == result["global"]["z_local"]


def test_summary_of_windows_without_masses(fitted, tmp_path, monkeypatch):
    path = another(fitted, tmp_path, method="empty", scan=[], toys=None)
    assert resonaut(monkeypatch, "fit", "summary", "--output", tmp_path / "summary.json", path) == 0
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary == {"points": [], "global": {"selections": {}, "all": None}}


def test_summary_of_windows_that_overlap(fitted, tmp_path, monkeypatch, capsys):
    files = [fitted / "out/w2.json"] * 2
    assert resonaut(monkeypatch, "fit", "summary", "--output", tmp_path / "summary.json", *files) == 2
    assert "signal regions that do not overlap" in capsys.readouterr().err


def test_summary_of_something_else(fitted, tmp_path, monkeypatch, capsys):
    arguments = ["--output", tmp_path / "summary.json", fitted / "selection.json"]
    assert resonaut(monkeypatch, "fit", "summary", *arguments) == 2
    assert "make it with 'resonaut fit selection'" in capsys.readouterr().err


def test_a_source_with_a_name_of_fit_s_own_is_refused(chain, monkeypatch, capsys):
    selected = json.loads((chain / "selection.json").read_text())
    taken = {"luminosity": {"scale_factor": 1.0, "uncertainties": {"luminosity": [0.1, -0.1]}}}
    selected["signals"][0]["weights"] |= taken
    (chain / "selection.json").write_text(json.dumps(selected))
    assert fit_selection(monkeypatch, chain, chain / "out") == 2
    assert (
        "'signal_3000' has a source of uncertainty 'luminosity', the name of one that fit adds"
        in capsys.readouterr().err
    )
