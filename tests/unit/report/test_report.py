import csv
import json

import numpy as np
import pytest

from resonaut.errors import InputFileError
from resonaut.files import write_json
from resonaut.report import inputs, search, tables

PNG = b"\x89PNG\r\n\x1a\n"


def point(mass: float, z: float) -> dict:
    names = ("observed", "expected_minus_2", "expected_minus_1", "expected", "expected_plus_1", "expected_plus_2")
    return {
        "mass": mass,
        "p_local": 0.1,
        "z_local": z,
        "signal_yield": 10.0,
        "signal_yield_error": 4.0,
        "signal": [0.0, 10.0, 0.0, 0.0],
        "signal_plus_background": [100.0, 60.0, 25.0, 12.0],
        "limit": dict(zip(names, (1.0, 0.3, 0.5, 0.9, 1.3, 2.0), strict=True)),
    }


@pytest.fixture
def result(tmp_path):
    path = tmp_path / "w3500.json"
    content = {
        "method": "cwola",
        "window": "w3500",
        "signal_region": [3200, 3400],
        "sqrt_s": 13000,
        "luminosity": 20.0,
        "confidence_level": 0.95,
        "background": {"chi2": 3.0, "ndf": 2},
        "spectrum": {"edges": [3000, 3200, 3400, 3600, 3800], "background": [100.0, 50.0, 25.0, 12.0]},
        "merged": {
            "edges": [3000, 3200, 3400, 3800],
            "counts": [104, 62, 0],
            "background": [100.0, 50.0, 37.0],
            "pulls": [0.4, 1.7, -6.1],
        },
        "scan": [point(3250, 2.0), point(3350, -1.0)],
    }
    write_json(path, content)
    return path


def test_figures_are_written_and_repeat_byte_for_byte(result, tmp_path) -> None:
    for again in ("a", "b"):
        search.spectrum(result, "Test", tmp_path / f"{again}_spectrum.png")
        search.p_values([result], "Test", tmp_path / f"{again}_p.png")
        search.limits([result], "Test", tmp_path / f"{again}_limits.png")
    for name in ("spectrum", "p", "limits"):
        first = (tmp_path / f"a_{name}.png").read_bytes()
        assert first.startswith(PNG)
        assert first == (tmp_path / f"b_{name}.png").read_bytes()


def test_merged_sums_of_fine_bins() -> None:
    sums = search._rebin(np.array([1.0, 2, 3, 4]), np.array([0.0, 1, 2, 3, 4]), np.array([0.0, 1, 4]))
    assert sums.tolist() == [1, 9]


def test_poisson_interval_of_zero_and_many() -> None:
    low, high = search._poisson_interval(np.array([0.0, 10_000]))
    assert low[0] == 0
    assert high[0] == pytest.approx(1.841, abs=1e-3)  # Garwood's 68 % interval of zero counts
    assert (high[1] - low[1]) / 2 == pytest.approx(100, rel=0.01)


def test_summary_as_json_csv_and_text(tmp_path) -> None:
    row = dict.fromkeys(tables.COLUMNS, 0.5) | {"selection": "cwola", "mass": 3500.0}
    write_json(tmp_path / "fits.json", [row | {"z_local": 1.0}, row | {"mass": 3600.0, "z_local": 6.2, "extra": 1}])
    tables.summarise(tmp_path / "fits.json", tmp_path / "s.json", tmp_path / "s.csv")
    assert [set(entry) for entry in json.loads((tmp_path / "s.json").read_text())] == [set(tables.COLUMNS)] * 2
    with (tmp_path / "s.csv").open() as file:
        assert [line["z_local"] for line in csv.DictReader(file)] == ["1", "6.2"]
    text = tables.terminal_table(tmp_path / "s.json")
    assert "3600" in text
    assert "3500" not in text


def test_limits_may_be_absent(tmp_path) -> None:
    row = dict.fromkeys(tables.COLUMNS, 0.5) | {"selection": "x", "mass": 3500.0, "limit_observed": None}
    write_json(tmp_path / "s.json", [row])
    assert " - " in tables.terminal_table(tmp_path / "s.json")


def test_cutflow_table(tmp_path) -> None:
    manifest = {
        "name": "qcd",
        "role": "background",
        "chunks": [],
        "events": 5,
        "luminosity": None,
        "cross_section": 1.0,
        "mass": None,
        "weight_scale": 1.0,
        "cutflow": [
            {"cut": "all", "events": 20, "sum_weights": 10.0},
            {"cut": "two jets", "events": 5, "sum_weights": 2.5},
        ],
        "lost": [{"file": "x.root", "reason": "truncated", "events": 7}],
    }
    write_json(tmp_path / "skim" / "qcd.json", manifest)
    inputs.cutflows([tmp_path / "skim" / "qcd.json"], tmp_path / "c.csv", tmp_path / "c.png")
    rows = list(csv.reader((tmp_path / "c.csv").read_text().splitlines()))
    assert rows[2] == ["qcd", "two jets", "5", "2.5", "0.25000"]
    assert rows[3] == ["qcd", "lost: x.root (truncated)", "-7", "", ""]
    assert (tmp_path / "c.png").read_bytes().startswith(PNG)


def test_lund_figure_and_missing_input(tmp_path) -> None:
    side = {"splittings": {"storage": {"values": np.ones((1, 2, 2)).tolist()}}, "subjets": [2.0]}
    content = {
        "edges": {"subjet_pt": [0, 100], "ln_radius_over_delta": [0, 1, 2], "ln_kt": [0, 1, 2]},
        "data": side,
        "simulation": side,
        "ratio": np.ones((1, 2, 2)).tolist(),
        "ratio_error": np.full((1, 2, 2), 0.1).tolist(),
    }
    write_json(tmp_path / "planes.json", content)
    inputs.lund_planes(tmp_path / "planes.json", tmp_path / "planes.png")
    assert (tmp_path / "planes.png").read_bytes().startswith(PNG)
    with pytest.raises(InputFileError, match=r"none\.json: no such file"):
        inputs.lund_planes(tmp_path / "none.json", tmp_path / "none.png")
