"""Scans of masses: which models they may name, and the limits on cross section and coupling."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from resonaut.core.analysis import Analysis
from resonaut.core.errors import ConfigError, InputFileError
from resonaut.core.record import build
from resonaut.core.results import write
from resonaut.fit import plan
from resonaut.fit.histfactory.evaluate import evaluate
from resonaut.fit.inference import Inference
from resonaut.fit.masses.scan import mass_scan
from resonaut.fit.masses.settings import ScanJob
from resonaut.fit.templates import plan as templates


def analysis(models=(), scan=None, **datasets):
    """An analysis with signals of 100 and 200 GeV, models of them, and one scan."""
    known = {"data": {"nature": "data", "luminosity": 1.0}, "qcd": {"nature": "simulation", "cross_section": 1.0}}
    for mass in (100, 200):
        known[f"zp_{mass}"] = {"nature": "simulation", "mass": mass, "cross_section": 2.0 * mass}
    known |= datasets
    for name, one in known.items():
        one["files"] = [f"{name}.root"]
    channel = {"observable": "j1_softdrop_mass", "edges": [40, 100, 200]}
    made = {
        f"zp_{mass}": {
            "channels": {"pass": channel},
            "samples": {"qcd": {}, "zp": {"datasets": [f"zp_{mass}"], "signal": True}},
        }
        for mass in (200, 100)
    }
    given = {
        "search": {
            "stages": ["skim", "fit"],
            "samples": {"data": ["data"], "background": ["qcd"], "signal": ["zp_100", "zp_200"]},
        },
        "datasets": known,
        "fit": {
            "models": made | dict(models),
            "mass_scans": {
                "zp": scan or {"models": ["zp_200", "zp_100"], "coupling": {"symbol": "g_q", "reference": 0.1}}
            },
        },
    }
    return Analysis.of(given, [])


@pytest.fixture
def there(tmp_path, monkeypatch):
    """The working folder has the files of the datasets."""
    monkeypatch.chdir(tmp_path)
    for name in ("data", "qcd", "zp_100", "zp_200"):
        (tmp_path / f"{name}.root").touch()


@pytest.mark.usefixtures("there")
def test_points_are_those_of_the_signals_by_growing_mass() -> None:
    found = plan.keys(analysis(), "mass_scan", "zp")
    assert [(one["model"], one["mass"], one["cross_section"], one["interest"]) for one in found["points"]] == [
        ("zp_100", 100, 200, "mu"),
        ("zp_200", 200, 400, "mu"),
    ]
    assert build(found, ScanJob, "job").coupling.reference == 0.1
    assert plan.GIVES["mass_scans"](analysis()) == ["<results>/fit/mass_scans/zp.json"]


@pytest.mark.usefixtures("there")
@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"scan": {"models": ["none"]}}, "names 'none', which is no model; there are zp_200, zp_100"),
        ({"zp_100": {"nature": "simulation", "cross_section": 1.0}}, "signal of 'zp_100' has no mass"),
        ({"zp_100": {"nature": "simulation", "mass": 200, "cross_section": 1.0}}, "have signals of 200 GeV"),
    ],
)
def test_models_without_a_mass_of_their_own_are_named(changed, message) -> None:
    with pytest.raises(ConfigError, match=message):
        analysis(**changed)


def workspace(signal, observed):
    """A counting experiment in two bins."""
    modifiers = [{"name": "mu", "type": "normfactor", "data": None}]
    samples = [
        {"name": "zp", "data": signal, "modifiers": modifiers},
        {
            "name": "qcd",
            "data": [100.0, 90.0],
            "modifiers": [{"name": "b", "type": "normsys", "data": {"hi": 1.1, "lo": 0.9}}],
        },
    ]
    return {
        "version": "1.0.0",
        "channels": [{"name": "pass", "samples": samples}],
        "observations": [{"name": "pass", "data": observed}],
        "measurements": [{"name": "m", "config": {"poi": "mu", "parameters": []}}],
    }


def fits(tmp_path, *signals):
    found = []
    for number, signal in enumerate(signals):
        path = tmp_path / f"{number}.json"
        settings = build({"impacts": False, "scan_points": 0}, Inference, "x")
        write(path, evaluate(workspace(signal, [110.0, 91.0]), settings, path))
        found.append(path)
    return found


def test_limits_are_cross_sections_and_their_root_the_coupling(tmp_path) -> None:
    job = build(
        {
            "points": [
                {"model": "a", "interest": "mu", "mass": 100, "cross_section": 50.0},
                {"model": "b", "interest": "mu", "mass": 200, "cross_section": 200.0},
            ],
            "coupling": {"symbol": "g_q", "reference": 0.2},
        },
        ScanJob,
        "job",
    )
    # The same signal: four times the cross section for the same strength is half of the coupling's reach.
    found = mass_scan("zp", job, fits(tmp_path, [10.0, 1.0], [10.0, 1.0]))
    one, other = found.points
    assert found.symbol == "g_q"
    assert (one.mass, other.mass) == (100, 200)
    assert other.limits.observed == pytest.approx(4 * one.limits.observed)
    assert other.coupling.observed == pytest.approx(one.coupling.observed)
    for limits, coupling in ((one.limits, one.coupling),):
        for name in ("observed", "expected_minus_2", "expected", "expected_plus_1"):
            assert getattr(coupling, name) == pytest.approx(0.2 * np.sqrt(getattr(limits, name) / 50))
    assert abs(one.cross_section / 50 - 1) < 1
    assert one.reason is None
    assert (
        mass_scan("zp", replace(job, coupling=None), fits(tmp_path, [10.0, 1.0], [10.0, 1.0])).points[0].coupling
        is None
    )


def test_a_fit_of_another_parameter_is_named(tmp_path) -> None:
    points = [{"model": "a", "interest": "kappa", "mass": 100, "cross_section": 50.0}]
    job = build({"points": points, "coupling": None}, ScanJob, "job")
    with pytest.raises(InputFileError, match=r"0\.json.*no parameter of interest 'kappa'"):
        mass_scan("zp", job, fits(tmp_path, [10.0, 1.0]))


def test_the_analysis_of_light_resonances_reads_which_jets_pass() -> None:
    config = Path(__file__).parents[3] / "config" / "zprime.yaml"
    found = Analysis.of(yaml.safe_load(config.read_text()), [config])
    points = plan.keys(found, "mass_scan", "zp")["points"]
    assert [one["mass"] for one in points] == [50, 75, 100, 125, 150, 200, 250, 300]
    files = templates.events(found, "zp_150", "pass2")
    for dataset in ("data", "w", "z", "tt", "zp_150"):
        assert f"<results>/tag/working_points/two/{dataset}/000.parquet" in files
    # QCD jets are those of the data that fail.
    assert not any("/qcd/" in path for path in files)
    assert {dataset for dataset in found.datasets() if dataset.startswith("train")} == {"train_light", "train_heavy"}
