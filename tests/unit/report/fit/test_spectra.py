"""The figure of a bare spectrum: the spectrum's own bins, events per GeV, and the observable's name."""

import json

import numpy as np
import pytest
import yaml
from matplotlib.patches import StepPatch

from resonaut.core import style
from resonaut.fit.bare import Options, scan_spectrum, search_of
from resonaut.report import cli, intervals
from resonaut.report.fit import results, spectra

# The validator of hepdata_lib imports deprecated names and leaves files for the garbage collector to close.
pytestmark = [
    pytest.mark.filterwarnings("ignore:jsonschema:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
]

# Twenty bins of 10.8 GeV with next to no events, and wide ones over more than a decade of the mass.
DIMUON = np.linspace(392, 608, 21)
WIDE = 500 * 1.3 ** np.arange(11)
SPECTRA = {
    "dimuon": (DIMUON, np.random.default_rng(4).poisson(7 * np.exp(-(DIMUON[:-1] - 392) / 200)), "m_{#mu#mu}", 500),
    "wide": (WIDE, np.round(3e5 * np.diff(-((WIDE / 500) ** -4.0))), None, 2000),
}


@pytest.fixture(scope="module", params=SPECTRA)
def scanned(request, tmp_path_factory):
    """Name, edges, counts, and the file of the scan."""
    edges, counts, observable, mass = SPECTRA[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    rows = [f"{low:.10g},{high:.10g},{n:g}" for low, high, n in zip(edges, edges[1:], counts, strict=False)]
    (folder / "spectrum.csv").write_text("\n".join(["m_low,m_high,counts", *rows]))
    settings = ("signal_width=0.02", "toys=20", "background.shape_parameters=[2,2]")
    path, masses = str(folder / "spectrum.csv"), f"{mass}:{mass}:1"
    search = search_of(Options(path, "13 TeV", masses, observable=observable, settings=settings))
    scan_spectrum(search, path, folder / "scan")
    return request.param, edges, counts, folder / "scan" / "scan.json"


@pytest.fixture
def axes(scanned, tmp_path, monkeypatch):
    """The panels of the figure, as drawn."""
    figures = []
    monkeypatch.setattr(style.plt, "close", figures.append)
    (result,) = results.read([scanned[-1]])
    spectra.spectrum(result, "", tmp_path / "spectrum.png")
    monkeypatch.undo()
    yield figures[0].axes
    style.plt.close(figures[0])


def test_data_are_events_per_gev_in_the_bins_of_the_file(scanned, axes):
    name, edges, counts, _ = scanned
    (data,) = (one for one in axes[0].containers if one.get_label() == "data")
    points, _, (across, up) = data
    assert points.get_xdata() == pytest.approx((edges[1:] + edges[:-1]) / 2)
    assert points.get_ydata() == pytest.approx(counts / np.diff(edges))
    bars = {bar: np.array(bar.get_segments()) for bar in (across, up)}
    assert bars[across][:, :, 0] == pytest.approx(np.stack([edges[:-1], edges[1:]], axis=1))
    most = intervals.poisson_interval(np.asarray(counts, dtype=float))[1]
    assert bars[up][:, 1, 1] == pytest.approx(most / np.diff(edges))
    assert axes[0].get_ylabel() == "events / GeV"
    assert len(counts) == (20 if name == "dimuon" else 10)


def test_fits_are_drawn_in_the_same_bins(scanned, axes):
    """Not in those of the chi2, in which bins with few events are merged."""
    _, edges, _, file = scanned
    content = json.loads(file.read_text())
    drawn = [patch for patch in axes[0].patches if isinstance(patch, StepPatch)]
    curves = {patch.get_label().partition(" ")[0]: patch.get_data() for patch in drawn}
    for name, key in (("background,", "background"), ("with", "signal_plus_background")):
        values, at, _ = curves[name]
        assert at == pytest.approx(edges)
        assert values * np.diff(edges) == pytest.approx(content["scan"][0]["fit"]["curves"][key])
        assert (values * np.diff(edges)).sum() == pytest.approx(sum(content["scan"][0]["fit"][key]))


def test_axes_are_named_by_the_observable_and_logarithmic_over_decades(scanned, axes):
    name, edges, *_ = scanned
    wide = name == "wide"
    assert axes[1].get_xlabel() == ("mass [GeV]" if wide else r"$m_{\mu\mu}$ [GeV]")
    assert axes[1].get_xlim() == pytest.approx((edges[0], edges[-1]))
    assert [ax.get_xscale() for ax in axes] == ["linear" if edges[-1] < 10 * edges[0] else "log"] * 2
    assert axes[0].get_yscale() == ("log" if wide else "linear")
    assert axes[0].get_ylim()[0] == 0 or wide


def test_tables_do_not_call_it_dijets(scanned, tmp_path):
    name, _, _, file = scanned
    cli.search([file], tmp_path / "report")
    text = (tmp_path / "report/hepdata/submission.yaml").read_text()
    assert ("JET JET" in text, "Dijet" in text, "dijet mass" in text) == (False, False, False)
    table = yaml.safe_load((tmp_path / "report/hepdata/spectrum_of_spectrum.yaml").read_text())
    assert table["independent_variables"][0]["header"]["name"] == ("mass" if name == "wide" else "m_{#mu#mu}")


def test_chi2_and_bumps_are_in_units_of_the_signals_width(scanned):
    name, edges, counts, file = scanned
    content = json.loads(file.read_text())
    assert content["resolution"] == 0.02
    assert content["spectrum"]["edges"] == pytest.approx(edges)
    assert content["spectrum"]["counts"] == counts.tolist()
    # Edges of the chi2 are among those of the file, and bins of less than 5 events are merged.
    assert set(content["background"]["edges"]) <= set(content["spectrum"]["edges"])
    assert content["background"]["ndf"] >= (7 if name == "dimuon" else 5)
    assert content["bump_hunter"]["high"] - content["bump_hunter"]["low"] < (70 if name == "dimuon" else 1e4)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("m_jj", "$m_{jj}$"),
        ("m_{#mu#mu}", r"$m_{\mu\mu}$"),
        ("$M_{4j}$", "$M_{4j}$"),
        ("mass of two jets", "mass of two jets"),
        ("dijet mass m_jj", "dijet mass $m_{jj}$"),
        ("$m_{jj", r"\$m_{jj"),
        (r"m_{\nothing}", r"m_{\nothing}"),
        ("", ""),
    ],
)
def test_names_of_observables(name, shown):
    assert style.mathematical(name) == shown
