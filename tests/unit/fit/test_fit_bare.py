"""``resonaut fit scan`` and ``fit bias``: the search in a spectrum from anywhere, and its mistakes."""

import csv
import json
import sys

import numpy as np
import pytest

from resonaut import cli
from resonaut.core.errors import ConfigError
from resonaut.fit.bare import Options, parse_masses, search_of, settings_of
from resonaut.fit.scan import search as find
from resonaut.fit.signal import Gaussian, Histogram

EDGES = np.arange(2000.0, 6001.0, 50.0)
FAST = ["toys=0", "background.shape_parameters=[2,2]"]


def write(path, counts, edges=EDGES, weight=1):
    rows = [f"{low},{high},{n * weight}" for low, high, n in zip(edges[:-1], edges[1:], counts, strict=True)]
    path.write_text("\n".join(["m_low,m_high,counts", *rows]))
    return str(path)


@pytest.fixture
def spectrum(tmp_path):
    counts = np.random.default_rng(2).poisson(5e3 * np.exp(-(EDGES[:-1] - 2000) / 450))
    return write(tmp_path / "s.csv", counts)


@pytest.fixture
def signal(tmp_path):
    edges = np.arange(2500.0, 3501.0, 10.0)
    return write(tmp_path / "signal.csv", 1e4 * np.diff(Gaussian(0.03).cumulative(3000.0, edges / 3000)), edges)


def resonaut(monkeypatch, *arguments):
    """Run the command line; its exit code."""
    monkeypatch.setattr(sys, "argv", ["resonaut", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    return stopped.value.code or 0


def scan(monkeypatch, spectrum, folder, *options, masses="3000:3500:500", command="scan", overrides=FAST):
    """Run ``fit scan`` on the spectrum; its exit code."""
    settings = [word for text in overrides for word in ("--set", text)]
    place = ["--spectrum", spectrum, "--masses", masses, "--output", folder]
    return resonaut(monkeypatch, "fit", command, *place, "--sqrt-s", 13000, *settings, *options)


def test_scan(spectrum, tmp_path, monkeypatch):
    assert scan(monkeypatch, spectrum, tmp_path / "out", overrides=["toys=50", *FAST[1:]]) == 0
    result = json.loads((tmp_path / "out/scan.json").read_text())
    assert result["spectrum_file"] == spectrum
    assert [point["mass"] for point in result["scan"]] == [3000, 3500]
    assert result["luminosity"] is None
    assert result["global"]["toys"] == result["bump_hunter"]["toys"] == len(result["toys"]["z_max"]) == 50
    assert 0 < result["global"]["p_toys"] <= 1
    for point in result["scan"]:
        assert point["limit"] is None
        assert point["efficiency"] is None
        assert (tmp_path / "out" / point["workspace"]).exists()
        assert (point["fit"]["low"], point["fit"]["high"]) == (2000, 6000)
        assert abs(point["z_local"]) < 4
    with (tmp_path / "out/scan.csv").open() as stream:
        rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(stream)]
    for row, point in zip(rows, result["scan"], strict=True):
        assert {key: row[key] for key in ("mass", "p_local", "signal_yield")} == {
            key: point[key] for key in ("mass", "p_local", "signal_yield")
        }
        assert row["limit_events_observed"] == point["limit_events"]["observed"]


def test_a_luminosity_gives_limits_in_fb(spectrum, tmp_path, monkeypatch):
    options = ["--luminosity", 20, "--set", "uncertainties.luminosity=0"]
    assert scan(monkeypatch, spectrum, tmp_path, *options, masses="3000:3000:1") == 0
    (point,) = json.loads((tmp_path / "scan.json").read_text())["scan"]
    assert point["limit"]["observed"] == pytest.approx(point["limit_events"]["observed"] / 20)
    assert point["efficiency"] == 1.0


def test_range_leaves_bins_out(spectrum, tmp_path, monkeypatch):
    assert scan(monkeypatch, spectrum, tmp_path, "--range", "2510:5020", masses="3000:3000:1") == 0
    (point,) = json.loads((tmp_path / "scan.json").read_text())["scan"]
    assert (point["fit"]["low"], point["fit"]["high"]) == (2550, 5000)


def test_signal_from_a_histogram(spectrum, signal):
    gaussian, given = (
        search_of(Options(spectrum, "13000", "3000:4000:1000", signal=shape, settings=tuple(FAST)))
        for shape in (None, f"{signal}@3 TeV")
    )
    assert isinstance(given.shape, Histogram)
    assert gaussian.shape == Gaussian(0.03)
    for mass in (3000.0, 4000.0):
        assert given.model(mass).template.shares == pytest.approx(gaussian.model(mass).template.shares, abs=2e-3)


def test_resolution_is_given_or_that_of_the_signal(spectrum, signal, tmp_path):
    def resolution(*settings, **options):
        found = search_of(Options(spectrum, "13000", "3000:3000:1", settings=settings, **options)).spectrum.resolution
        return found.relative

    assert (resolution(), resolution("signal_width=0.02")) == (0.03, 0.02)
    assert resolution("signal_width=0.02", "resolution=0.05") == 0.05
    # Linear between edges of 10 GeV at 3 TeV.
    assert resolution(signal=f"{signal}@3000") == pytest.approx(0.03, rel=2e-3)
    assert resolution("resolution=0.05", signal=f"{signal}@3000") == 0.05


def test_very_many_bins_are_merged_and_say_the_same(tmp_path, caplog):
    """20,000 bins, and the same events in bins of an eighth of the signal's width: the same but for binning's noise."""
    edges = np.linspace(1000, 3000, 20_001)
    expected = 2e5 * -np.diff(np.exp(-edges / 300)) + 400 * np.diff(Gaussian(0.01).cumulative(1500.0, edges / 1500))
    counts = np.random.default_rng(6).poisson(expected)
    settings = ("signal_width=0.01", "background.shape_parameters=[2,2]", "background.shrink.min_p_background=0")
    z = []
    for factor in (1, 20):
        path = write(tmp_path / f"{factor}.csv", counts.reshape(-1, factor).sum(axis=1), edges[::factor])
        with caplog.at_level("INFO"):
            search = search_of(Options(path, "13000", "1500:1500:1", settings=settings))
        assert len(search.spectrum.counts) < 5000
        assert search.spectrum.counts.sum() == counts.sum()
        z.append(find(search.model(1500.0)).z_local)
    assert "20000 bins are merged" in caplog.text
    assert z[0] > 3
    assert z[1] == pytest.approx(z[0], abs=0.08)


def test_a_scale_that_moves_the_signal_away_is_a_warning(spectrum, caplog):
    search_of(Options(spectrum, "13000", "3000:3000:1"))
    assert not caplog.text
    search_of(Options(spectrum, "13000", "3000:3000:1", settings=("signal_width=0.005",)))
    assert "its width is 0.5 %; is --set uncertainties.scale right?" in caplog.text


def test_the_observable_is_that_of_the_option_or_of_the_file(spectrum, tmp_path, monkeypatch):
    assert search_of(Options(spectrum, "13000", "3000:3000:1")).spectrum.observable == "mass"
    assert scan(monkeypatch, spectrum, tmp_path / "out", "--observable", "m_{#mu#mu}", masses="3000:3000:1") == 0
    result = json.loads((tmp_path / "out/scan.json").read_text())
    assert (result["observable"], result["resolution"]) == ("m_{#mu#mu}", 0.03)
    rows = "".join(f"{low:g},{low:g},{low + 50:g},{9000 - low:g}\n" for low in EDGES[:-1])
    header = "M(4j) [GeV],M(4j) [GeV] LOW,M(4j) [GeV] HIGH,Events\n"
    (tmp_path / "hepdata.csv").write_text(header + rows)
    found = search_of(Options(str(tmp_path / "hepdata.csv"), "13000", "3000:3000:1")).spectrum
    assert (found.observable, found.edges[0]) == ("M(4j)", 2000)


def test_bias(spectrum, tmp_path, monkeypatch):
    settings = [*FAST, "bias.toys=50", "bias.injected=[0, 3]", "bias.masses=[3500]"]
    assert scan(monkeypatch, spectrum, tmp_path, command="bias", overrides=settings) == 0
    result = json.loads((tmp_path / "bias.json").read_text())
    assert (result["truth"], result["families"]) == ("exponential_power", ["dijet"])
    assert [(p["mass"], p["injected_sigma"], p["toys"]) for p in result["points"]] == [(3500, 0, 50), (3500, 3, 50)]
    assert result["points"][1]["z_mean"] == pytest.approx(3, abs=0.7)
    for point in result["points"]:
        assert abs(point["pull_mean"]) < 0.7


def test_expected_counts_are_fitted_where_that_is_said(tmp_path, monkeypatch, capsys, caplog):
    path = write(tmp_path / "s.csv", 5e3 * np.exp(-(EDGES[:-1] - 2000) / 450))
    assert "such as --contents" in mistake(monkeypatch, capsys, path, tmp_path)
    assert scan(monkeypatch, path, tmp_path, "--contents", "counts", masses="3000:3000:1") == 0
    assert "not whole numbers are fitted as counts" in caplog.text


def test_the_same_spectrum_in_other_units(spectrum, tmp_path, monkeypatch):
    """In TeV and as a cross section in pb/TeV, with all options in other units."""
    plain = search_of(Options(spectrum, "13000", "3000:3500:500", "20", "2500:5000"))
    counts = [float(line.split(",")[2]) for line in (tmp_path / "s.csv").read_text().splitlines()[1:]]
    edges = EDGES / 1000
    values = np.array(counts) / (50 * 20)
    (tmp_path / "tev.csv").write_text(
        "m_low [TeV],m_high [TeV],dsigma_dm [pb/TeV]\n"
        + "".join(f"{low:g},{high:g},{n:.8g}\n" for low, high, n in zip(edges, edges[1:], values, strict=False))
    )
    other = Options(str(tmp_path / "tev.csv"), "13 TeV", "3:3.5:0.5 TeV", "20000 /pb", "2.5:5TeV")
    found = search_of(other)
    assert found.spectrum.edges.tolist() == plain.spectrum.edges.tolist()
    assert found.spectrum.counts.tolist() == plain.spectrum.counts.tolist()
    assert (list(found.efficiencies), found.luminosity) == (list(plain.efficiencies), plain.luminosity)
    assert found.settings == plain.settings


def test_a_spectrum_in_tev_without_a_unit(monkeypatch, capsys, tmp_path):
    path = write(tmp_path / "s.csv", np.round(1e4 * np.exp(-np.arange(80) / 9)), EDGES / 1000)
    assert "--mass-unit TeV or GeV" in mistake(monkeypatch, capsys, path, tmp_path)
    for unit, end in (("TeV", 6000), ("GeV", 6)):
        found = search_of(Options(path, "13000", "3000:3000:1", mass_unit=unit))
        assert found.spectrum.edges[-1] == end


def test_no_output_is_the_spectrum(spectrum, tmp_path, monkeypatch, capsys):
    before = (tmp_path / "s.csv").read_bytes()
    (tmp_path / "s.csv").rename(tmp_path / "scan.csv")
    place = ["--spectrum", tmp_path / "scan.csv", "--masses", "3000:3000:1", "--output", tmp_path, "--sqrt-s", "13000"]
    assert resonaut(monkeypatch, "fit", "scan", *place, "--set", "toys=0") == 2
    assert "scan.csv" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"scan.csv": before}


def test_a_second_scan_leaves_what_it_did_not_write(spectrum, tmp_path, monkeypatch):
    for masses in ("3000:3500:500", "3500:3500:1"):
        assert scan(monkeypatch, spectrum, tmp_path, masses=masses) == 0
        (tmp_path / "workspace_1234.json").write_text("mine")
    assert scan(monkeypatch, spectrum, tmp_path, "--set", "bias.toys=10", masses="3500:3500:1", command="bias") == 0
    names = {path.name for path in tmp_path.iterdir() if not path.name.startswith(".")}
    assert names == {"s.csv", "scan.json", "scan.csv", "bias.json", "workspace_1234.json", "workspace_3500.json"}
    # Masses that differ by little have files of their own.
    assert scan(monkeypatch, spectrum, tmp_path, masses="3500:3500.002:0.001") == 0
    assert len(list(tmp_path.glob("workspace_3500*.json"))) == 3


def test_settings_are_the_defaults_with_overrides():
    defaults = settings_of([], 13000.0, [3000.0])
    assert (defaults.sqrt_s, defaults.masses) == (13000.0, [3000.0])
    assert (defaults.toys, defaults.background.f_test, defaults.signals) == (1000, 0.1, [])
    overrides = ["toys=50", "background.families=[dijet, exponential_power]", "background.shrink.step=0.5"]
    changed = settings_of([*overrides, "signal_width=0.05", "background.f_test=0"], 13000.0, [3000.0])
    assert (changed.toys, changed.signal_width) == (50, 0.05)
    assert changed.background.families == ["dijet", "exponential_power"]
    assert (changed.background.shrink.step, changed.background.shrink.below) == (0.5, 2.0)
    assert changed.background.f_test == 0
    assert changed.seed == defaults.seed


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("toyz=5", "toyz"),
        ("background.shrink.stepp=5", "stepp"),
        ("toys=many", "toys"),
        ("toys=1.5", "toys"),
        ("toys=-1", "toys"),
        ("signal_width=0", "signal_width"),
        ("background.families=[linear]", "linear"),
        ("background.shape_parameters=[2]", "shape_parameters"),
        ("toys", "key=value"),
        ("sqrt_s=8000", "sqrt_s"),
        ("masses=[3000]", "masses"),
        ("range=[2000, 3000]", "range"),
        ("bin_width=10", "bin_width"),
        ("signals=[w]", "signals"),
        ("max_efficiency_error=1", "max_efficiency_error"),
        ("background.families=[dijet", "background.families"),
        ("toys.number=5", "toys"),
    ],
)
def test_overrides_that_mean_nothing(override, sentence):
    with pytest.raises(ConfigError) as caught:
        settings_of(["toys=10", override], 13000.0, [3000.0])
    assert sentence in str(caught.value)


def test_masses_option():
    assert parse_masses("2000:2300:100") == [2000, 2100, 2200, 2300]
    assert parse_masses("2000:2250:100") == [2000, 2100, 2200]
    for text in ("2000", "2000:1000:100", "2000:3000:0", "a:b:c", "2000:3000:-100", "1000:inf:100", "0:2000:100"):
        with pytest.raises(ConfigError, match="first:last:step"):
            parse_masses(text)


def mistake(monkeypatch, capsys, spectrum, tmp_path, *options, **choices):
    """The one sentence that ``fit scan`` ends with."""
    assert scan(monkeypatch, spectrum, tmp_path / "out", *options, **choices) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("resonaut: ")
    assert line.endswith((".", "?"))
    assert not (tmp_path / "out/scan.json").exists()
    return line


HEADER = "m_low,m_high,counts\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (HEADER + "2000,2100,7\n2100,2200,nan\n", "NaN"),
        (HEADER + "2000,2100,7\n2100,2200,-3\n", "negative count"),
        (HEADER + "2000,2100,7\n2050,2200,3\n", "overlap"),
        (HEADER + "2100,2200,7\n2000,2100,3\n", "not in order"),
        (HEADER + "2000,2100,7\n2100,2100,3\n", "do not rise"),
        ("m_low,m_high,dsigma_dm\n2000,2100,7\n", "--luminosity"),
        ("", "no columns"),
    ],
)
def test_broken_spectra(monkeypatch, capsys, tmp_path, text, sentence):
    (tmp_path / "s.csv").write_text(text)
    line = mistake(monkeypatch, capsys, tmp_path / "s.csv", tmp_path)
    assert str(tmp_path / "s.csv") in line
    assert sentence in line


@pytest.mark.parametrize("populated", [[], [20], [20, 21, 22]])
def test_spectra_without_enough_events(monkeypatch, capsys, tmp_path, populated):
    counts = np.zeros(len(EDGES) - 1)
    counts[populated] = 100
    line = mistake(monkeypatch, capsys, write(tmp_path / "s.csv", counts), tmp_path)
    assert f"has {len(populated)} bins with events" in line


@pytest.mark.parametrize(
    ("options", "choices", "sentence"),
    [
        ([], {"masses": "7000:7000:1"}, "7000 GeV is outside the fit range 2000 to 6000 GeV"),
        ([], {"masses": "3000:8000:1000"}, "outside the fit range"),
        ([], {"masses": "3000"}, "--masses"),
        (["--range", "2000"], {}, "--range '2000' is not low:high"),
        (["--range", "nan:5000"], {}, "--range"),
        (["--range", "7000:8000"], {}, "no whole bin"),
        (["--range", "5000:2000"], {}, "no whole bin"),
        (["--signal", "{signal}"], {}, "file@mass"),
        (["--signal", "{signal}@heavy"], {}, "file@mass"),
        (["--signal", "{signal}@nan"], {}, "file@mass"),
        (["--signal", "{signal}@0"], {}, "file@mass"),
        (["--signal", "{signal}@-3000"], {}, "file@mass"),
        (["--signal", "nothing.csv@3000"], {}, "nothing.csv: no such file"),
        (["--luminosity", "0"], {}, "--luminosity"),
        (["--luminosity", "-5"], {}, "--luminosity"),
        (["--luminosity", "nan"], {}, "--luminosity"),
        (["--luminosity", "138000"], {}, "138000 /pb"),
        (["--luminosity", "138 pb"], {}, "unknown unit"),
        (["--sqrt-s", "13"], {}, "write '13 TeV' or '13 GeV'"),
        (["--sqrt-s", "nan"], {}, "--sqrt-s"),
        (["--contents", "weights"], {}, "--contents 'weights'"),
        (["--contents", "fb/GeV"], {}, "give --luminosity"),
        (["--mass-unit", "tev"], {}, "--mass-unit 'tev'"),
        (["--range", "2:5 PeV"], {}, "--range"),
        ([], {"masses": "nan:5000:100"}, "--masses"),
        ([], {"masses": "2000:5000:1e-6"}, "3e+09 masses"),
        ([], {"masses": "2000:5000:1e-320"}, "masses; give at most"),
        (["--sqrt-s", "5000"], {}, "sqrt(s)"),
        (["--sqrt-s", "0"], {}, "sqrt_s"),
        (["--set", "toyz=1"], {}, "toyz"),
        (["--set", "toys=many"], {}, "toys"),
        (["--set", "bump_widths=[6,2]"], {}, "window"),
        (["--set", "bias.masses=[3100]"], {"command": "bias"}, "bias.masses: 3100 GeV is not among --masses"),
        (["--set", "limit_checks.masses=[3100]"], {}, "limit_checks.masses: 3100 GeV is not among --masses"),
    ],
)
def test_wrong_options(monkeypatch, capsys, spectrum, signal, tmp_path, options, choices, sentence):
    options = [text.format(signal=signal) for text in options]
    assert sentence in mistake(monkeypatch, capsys, spectrum, tmp_path, *options, **choices)


def test_missing_spectrum(monkeypatch, capsys, tmp_path):
    assert "nothing.csv: no such file" in mistake(monkeypatch, capsys, tmp_path / "nothing.csv", tmp_path)


def test_a_signal_histogram_may_have_negative_bins(spectrum, tmp_path, caplog):
    contents = np.array([-1.0, 2.0, 30.0, -4.0, 90.0, 60.0, -3.0, 10.0, -2.0])
    edges = np.arange(3000.0, 3901.0, 100.0)
    rows = [f"{low},{low + 100},{value}" for low, value in zip(edges[:-1], contents, strict=True)]
    (tmp_path / "signal.csv").write_text(HEADER + "\n".join(rows))
    shape = search_of(Options(str(spectrum), "13000", "3500:3500:100", signal=f"{tmp_path / 'signal.csv'}@3500")).shape
    assert "negative sums of weights" in caplog.text
    below = shape.cumulative(3500, np.linspace(2900, 4000, 500) / 3500)
    assert (np.diff(below) >= 0).all()
    assert (below[0], below[-1]) == pytest.approx((0, 1))
    # What is below an edge that is kept is what the file says.
    assert shape.cumulative(3500, np.array([3500.0]) / 3500) == pytest.approx(117 / contents.sum())


def test_signal_histogram_without_events(monkeypatch, capsys, spectrum, tmp_path):
    empty = write(tmp_path / "empty.csv", np.zeros(4), np.linspace(2900, 3100, 5))
    line = mistake(monkeypatch, capsys, spectrum, tmp_path, "--signal", f"{empty}@3000")
    assert "empty.csv" in line


@pytest.mark.parametrize(("sigma", "z"), [(-4, -3), (60, 38)])
def test_extreme_signals_give_a_result(monkeypatch, tmp_path, sigma, z):
    """A strong deficit and a signal beyond what a p-value can hold."""
    background = 5e4 * np.exp(-(EDGES[:-1] - 2000) / 450)
    share = np.diff(Gaussian(0.03).cumulative(3000.0, EDGES / 3000))
    counts = background + sigma * np.sqrt(background[20] / share.max()) * share
    path = write(tmp_path / "s.csv", np.round(counts))
    overrides = [*FAST[1:], "toys=20", *(f"background.shrink.min_p_{p}=0" for p in ("background", "smooth"))]
    assert scan(monkeypatch, path, tmp_path / "out", masses="3000:3000:1", overrides=overrides) == 0
    (point,) = json.loads((tmp_path / "out/scan.json").read_text())["scan"]
    assert (point["z_local"] - z) * np.sign(z) > 0


@pytest.fixture
def steep(tmp_path):
    """A spectrum without events below 2500 GeV, where no fit at 1600 GeV describes it."""
    edges = np.arange(1000.0, 6001.0, 100.0)
    expected = np.exp(-edges[:-1] / 300) * (edges[:-1] >= 2500)
    return write(tmp_path / "s.csv", np.random.default_rng(0).poisson(3000 * expected / expected.sum()), edges)


def test_a_mass_at_which_the_fits_fail_is_null_and_the_others_stay(steep, tmp_path, monkeypatch, caplog):
    fast = ["toys=20", *FAST[1:], "background.resonances=null", "limit_checks.few_events=0"]
    assert scan(monkeypatch, steep, tmp_path / "all", masses="1600:4000:1200", overrides=fast) == 0
    assert "1600 GeV: no result: neither background nor signal describes the data around 1600 GeV" in caplog.text
    assert scan(monkeypatch, steep, tmp_path / "some", masses="2800:4000:1200", overrides=fast) == 0
    found, alone = (json.loads((tmp_path / name / "scan.json").read_text()) for name in ("all", "some"))
    failed = found["scan"].pop(0)
    assert found == alone
    assert failed.keys() == found["scan"][0].keys()
    known = {key: value for key, value in failed.items() if value is not None}
    assert known.keys() == {"mass", "limit_reason"}
    assert failed["limit_reason"] in caplog.text
    header, first, *rows = (tmp_path / "all/scan.csv").read_text().splitlines()
    assert [header, *rows] == (tmp_path / "some/scan.csv").read_text().splitlines()
    assert first.strip(",") == "1600.0"
    assert not (tmp_path / "all/workspace_1600.json").exists()


def test_fits_that_fail_at_every_mass_end_in_a_sentence(steep, tmp_path, monkeypatch, capsys):
    assert scan(monkeypatch, steep, tmp_path / "out", masses="1600:1600:1") == 2
    assert "neither background nor signal describes the data around 1600 GeV" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
