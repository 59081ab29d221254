"""Selections trained again with injected signal: p-values, the excluded against the injected plane, limits."""

import json
import sys
from dataclasses import asdict, replace

import hist
import numpy as np
import pytest
from uhi.io.json import default

from resonaut import cli
from resonaut.errors import InputFileError
from resonaut.fit.bare import settings_of
from resonaut.fit.retrained import best, retrained

SETTINGS = settings_of(["toys=0"], 13000.0, [3500.0])
LUMINOSITY = 20.0


def histogram(values, weight=None):
    h = hist.Hist(hist.axis.Regular(1200, 2000, 8000, name="m_jj"), storage=hist.storage.Weight())
    h.fill(values, weight=weight)
    return json.loads(json.dumps(h, default=default))


def experiment(amount, seed, efficiency, background=300, retrained=None):
    """A selection that keeps ``efficiency`` of a signal of ``amount`` fb."""
    rng = np.random.default_rng([seed, int(amount * 10)])
    signal = rng.normal(3500, 120, rng.poisson(amount * efficiency * LUMINOSITY))
    spectrum = histogram(np.r_[2500 + rng.exponential(500, background), signal])
    simulated = rng.normal(3500, 120, 400)
    return {
        "method": "cwola",
        "window": "w3500",
        "signal_region": [3250, 3750],
        "luminosity": LUMINOSITY,
        "spectrum": spectrum,
        "sculpting": {"verdict": "flat"},
        "injection": {
            "signal": "signal_3500",
            "amount": amount,
            "unit": "fb",
            "seed": seed,
            "events": len(signal),
            "retrained": retrained or {},
        },
        "signals": [
            {
                "dataset": "signal_3500",
                "mass": 3500,
                "efficiency": efficiency,
                "efficiency_error": efficiency / 20,
                "lund_scale_factor": 1.0,
                "lund_uncertainties": {"a": [0.05, -0.05]},
                "spectrum": histogram(simulated, np.full(400, efficiency / 400)),
            }
        ],
    }


@pytest.fixture
def files(tmp_path):
    """Efficiencies that grow with the injected signal, three seeds each; and the actual selection, without a signal."""
    paths = []
    for amount, efficiency in ((0, 0.001), (5, 0.02), (20, 0.2), (60, 0.4)):
        for seed, draw in enumerate((0.9, 1.0, 1.1)):
            path = tmp_path / f"{amount}_{seed}.json"
            path.write_text(json.dumps(experiment(amount, seed, draw * efficiency)))
            paths.append(path)
    actual = tmp_path / "actual.json"
    actual.write_text(json.dumps(experiment(0, 9, 0.2)))
    return paths, actual


@pytest.fixture
def settings():
    return replace(SETTINGS, range=(2600, 6000), bin_width=50)


def test_the_limit_is_where_injected_and_excluded_meet(files, settings):
    paths, actual = files
    result = retrained(settings, actual, paths)
    rows = result["amounts"]
    assert [row["amount"] for row in rows] == [0, 5, 20, 60]
    assert [row["efficiency"] for row in rows] == pytest.approx([0.001, 0.02, 0.2, 0.4])
    # The same data exclude a smaller cross section where the efficiency is larger.
    excluded = [row["excluded"] for row in rows]
    assert excluded[1] > 5 * excluded[2] > 5 * excluded[3]
    # Where 5 fb are injected next to nothing is found; at 20 fb the data exclude less than that.
    assert excluded[2] < 20
    assert result["limit"] == 20
    assert result["limit_expected"] == 20
    assert (result["method"], result["window"], result["signal"]) == ("cwola", "w3500", "signal_3500")


def test_the_limit_is_the_excluded_one_where_that_is_larger():
    rows = [{"amount": 1, "excluded": 100.0}, {"amount": 10, "excluded": 12.0}, {"amount": 50, "excluded": 6.0}]
    assert best(rows, "excluded") == 12
    assert best([{"amount": 1, "excluded": None}], "excluded") is None


def test_significances_rise_with_the_injected_signal(files, settings):
    paths, actual = files
    result = retrained(settings, actual, paths)
    z = [row["z_local"] for row in result["amounts"]]
    assert z[3] > z[2] > 5 > max(z[0], z[1])
    assert abs(z[0]) < 3.5
    assert 5 < result["five_sigma"] < 20
    # Expected with the efficiency found at 20 fb: less than that is enough.
    assert result["five_sigma_expected"] == 20
    assert result["amounts"][2]["five_sigma_expected"] < 20
    assert len(result["experiments"]) == 12
    for row in result["experiments"]:
        assert (row["p_local"] < 0.5) == (row["z_local"] > 0)
    for row in result["amounts"]:
        values = [e["z_local"] for e in result["experiments"] if e["amount"] == row["amount"]]
        assert row["z_local"] == np.median(values)
        assert row["z_local_range"] == [min(values), max(values)]


def test_the_spread_of_the_draws_widens_the_limit(files, settings, tmp_path):
    paths, actual = files
    wide = []
    for seed, draw in enumerate((0.4, 1.0, 1.6)):
        path = tmp_path / f"wide_{seed}.json"
        path.write_text(json.dumps(experiment(20, seed, draw * 0.2)))
        wide.append(path)
    narrow = next(row for row in retrained(settings, actual, paths)["amounts"] if row["amount"] == 20)
    (row,) = retrained(settings, actual, wide)["amounts"]
    assert row["efficiency"] == pytest.approx(narrow["efficiency"])
    assert row["efficiency_spread"] == pytest.approx(0.12)
    assert row["excluded"] > 1.05 * narrow["excluded"]


def test_retrained_variations_replace_evaluated_ones(settings, files, tmp_path):
    _, actual = files
    excluded = []
    for name, change in (("evaluated", {}), ("again", {"a_up": 0.8, "a_down": -0.8})):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(experiment(20, 1, 0.2, retrained=change)))
        excluded.append(retrained(settings, actual, [path])["amounts"][0]["excluded"])
    assert excluded[1] > 1.1 * excluded[0]


def test_pseudo_data_have_significances_and_no_limit(files, settings):
    paths, _ = files
    result = retrained(settings, None, paths[:3])
    assert result["limit"] is result["limit_expected"] is None
    assert result["amounts"][0]["excluded"] is None


def test_a_selection_that_keeps_everything_needs_a_large_signal(settings, tmp_path):
    path = tmp_path / "inclusive.json"
    path.write_text(json.dumps(experiment(0, 1, 0.5, background=20_000)))
    (row,) = retrained(settings, None, [path])["amounts"]
    # 5 sigma over the background under the peak, of which the fitted shape hides a part.
    assert 3 < row["five_sigma_expected"] * 0.5 * LUMINOSITY / np.sqrt(20_000 * 0.065) < 15


def test_files_of_different_methods_are_not_mixed(files, settings, tmp_path):
    paths, _ = files
    other = tmp_path / "other.json"
    other.write_text(json.dumps(experiment(0, 1, 0.1) | {"method": "tnt"}))
    with pytest.raises(InputFileError, match=r"other\.json: is of \('tnt', 'w3500', 'signal_3500'\), not of"):
        retrained(settings, None, [paths[0], other])
    other.write_text("{}")
    with pytest.raises(InputFileError, match=r"other\.json: no experiment with injected signal"):
        retrained(settings, None, [other])


def test_the_command(files, settings, tmp_path, monkeypatch):
    paths, actual = files
    (tmp_path / "fit.json").write_text(json.dumps(asdict(settings)))
    words = ["resonaut", "fit", "retrained", "--config", tmp_path / "fit.json", "--selection", actual]
    monkeypatch.setattr(sys, "argv", list(map(str, [*words, "--output", tmp_path / "out.json", *paths])))
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert not stopped.value.code
    assert json.loads((tmp_path / "out.json").read_text())["limit"] == 20
