"""Counts from what a file says of its contents: titles, units, errors; and what is asked back."""

import json

import hist
import numpy as np
import pytest
import uproot
from uhi.io.json import default

from resonaut.core.errors import ConfigError, InputFileError
from resonaut.fit.contents import COUNTS, Contents, Measured, counts, energy_unit, option, said, without_unit
from resonaut.fit.spectrum import read

EDGES = np.append(np.arange(1000.0, 2000.0, 50.0), [2100.0, 2300.0])
WIDTHS = np.diff(EDGES)
EVENTS = np.array([900, 701, 555, 420, 333, 250, 199, 151, 120, 88, 73, 57, 45, 33, 28, 19, 17, 11, 8, 7, 5.0])
BOX = Measured("spectrum", "h", EDGES, EVENTS)


def measured(values, title="", errors=None, exact=False):
    return Measured("spectrum", "h", EDGES, values, title, None, errors, exact)


@pytest.mark.parametrize(
    ("title", "contents"),
    [
        ("Events", COUNTS),
        ("Entries", COUNTS),
        ("counts", COUNTS),
        ("Events / bin", COUNTS),
        ("Events / GeV", Contents(None, 1.0)),
        ("Events per GeV", Contents(None, 1.0)),
        ("Events / 50 GeV", Contents(None, 50.0)),
        ("Events / (0.1 TeV)", Contents(None, 100.0)),
        ("dsigma_dm", Contents(1.0, 1.0)),
        ("events_per_gev", Contents(None, 1.0)),
        ("d#sigma/dm_{jj} [pb/TeV]", Contents(1e3, 1e3)),
        ("dsigma/dm [fb/GeV]", Contents(1.0, 1.0)),
        ("D(SIG)/DM [PB/GEV]", Contents(1e3, 1.0)),
        (r"$\mathrm{d}\sigma/\mathrm{d}m$ [fb TeV$^{-1}$]", Contents(1.0, 1e3)),
        ("Cross section [fb]", Contents(1.0, None)),
        ("CMS, 138 fb^{-1} (13 TeV)", None),
        ("Data with 138/fb", None),
        ("Events with b jets", COUNTS),
        ("m_bb", None),
        ("events_weighted", None),
        ("", None),
    ],
)
def test_titles(title, contents):
    assert said(measured(EVENTS, title)) == contents


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("m_{#mu#mu} [GeV]", "m_{#mu#mu}"),
        ("$M_{\\mathrm{jj}}$ [$\\mathrm{TeV}$]", "$M_{\\mathrm{jj}}$"),
        ("M(4j) (GeV/c^2)", "M(4j)"),
        ("Dijet mass in GeV", "Dijet mass"),
        ("m_jj, TeV", "m_jj"),
        ("m_jj", "m_jj"),
        ("", ""),
    ],
)
def test_an_observable_is_named_without_its_unit(title, name):
    assert without_unit(title) == name


@pytest.mark.parametrize("title", ["d#sigma/dm", "cross section", "D(SIG)/DM"])
def test_a_cross_section_without_a_unit(title):
    with pytest.raises(InputFileError, match="no unit of a cross section; give it with --contents"):
        said(measured(EVENTS, title))


def test_units_of_mass():
    titles = {
        "m_{jj} [TeV]": "TeV",
        "m_low [GeV]": "GeV",
        "M(JJ) [TEV]": "TeV",
        "m (GeV/c^2)": "GeV",
        "m_low_tev": "TeV",
    }
    assert {title: energy_unit(title) for title in titles} == titles
    assert {energy_unit(title) for title in ("m_jj", "TeV scale mass", "", "steve")} == {None}


@pytest.mark.parametrize(
    ("name", "values", "luminosity"),
    [
        ("dsigma_dm", EVENTS / WIDTHS / 20, 20),
        ("pb/TeV", EVENTS / WIDTHS / 20, 20),
        ("fb/TeV", 1e3 * EVENTS / WIDTHS / 20, 20),
        ("fb", EVENTS / 20, 20),
        ("events_per_gev", EVENTS / WIDTHS, None),
        ("events/TeV", 1e3 * EVENTS / WIDTHS, None),
        ("counts", EVENTS, None),
    ],
)
def test_counts_of_contents(name, values, luminosity):
    assert counts(measured(values), EDGES, option(name), luminosity).tolist() == EVENTS.tolist()
    # To four digits, as in a published table, and with its errors.
    rounded = np.array([float(f"{value:.4g}") for value in values])
    errors = np.array([float(f"{value:.3g}") for value in values / np.sqrt(EVENTS)])
    assert counts(measured(rounded, errors=errors), EDGES, option(name), luminosity).tolist() == EVENTS.tolist()


def test_unknown_contents():
    for text in ("weights", "", "GeV"):
        with pytest.raises(ConfigError, match="--contents"):
            option(text)


def test_contents_that_nobody_names():
    for values in (EVENTS / WIDTHS, EVENTS / 2, EVENTS + 0.001):
        for title in ("", "Events"):
            with pytest.raises(InputFileError, match=r"whole numbers.*--contents"):
                counts(measured(values, title), EDGES, None, 20)
    assert counts(BOX, EDGES, None, None).tolist() == EVENTS.tolist()


def test_expected_counts_where_that_is_said():
    assert counts(measured(EVENTS + 0.25), EDGES, COUNTS, None).tolist() == (EVENTS + 0.25).tolist()


def test_a_density_of_whole_numbers_is_asked_back():
    with pytest.raises(InputFileError, match="'Events / GeV' is a density"):
        counts(measured(EVENTS, "Events / GeV"), EDGES, None, None)
    first = Measured("spectrum", "h", EDGES[:10], EVENTS[:9], "Events / 50 GeV")
    assert counts(first, EDGES[:10], None, None).tolist() == EVENTS[:9].tolist()


@pytest.mark.parametrize("luminosity", [2, 7, 10, 19, 30, 61, 0.02])
def test_a_wrong_luminosity_shows_in_fractions_of_events(luminosity):
    with pytest.raises(InputFileError, match=r"no whole numbers of events|multiples of"):
        counts(measured(EVENTS / WIDTHS / 20, "fb/GeV"), EDGES, None, luminosity)


@pytest.mark.parametrize("luminosity", [40, 60])
def test_a_multiple_of_the_luminosity_shows_in_multiples(luminosity):
    with pytest.raises(InputFileError, match=f"all counts are multiples of {luminosity // 20}"):
        counts(measured(EVENTS / WIDTHS / 20, "fb/GeV"), EDGES, None, luminosity)


def test_rounding_to_few_digits_is_no_mistake(caplog):
    rounded = np.array([float(f"{value:.2g}") for value in EVENTS / WIDTHS / 20])
    found = counts(measured(rounded, "fb/GeV"), EDGES, None, 20)
    assert np.abs(found / EVENTS - 1).max() < 0.1
    assert "not close to whole numbers" not in caplog.text
    # 20.1 instead of 20: half a percent, of 45 events a quarter of one.
    counts(measured(EVENTS / WIDTHS / 20, "fb/GeV"), EDGES, None, 20.1)
    assert "not close to whole numbers" in caplog.text


@pytest.mark.parametrize("factor", [0.5, 2, 10])
def test_published_errors_know_the_luminosity(factor):
    values = EVENTS[:9] / WIDTHS[:9] / 20
    table = Measured("spectrum", "h", EDGES[:10], values, "fb/GeV", None, values / np.sqrt(EVENTS[:9]))
    assert counts(table, EDGES[:10], None, 20).tolist() == EVENTS[:9].tolist()
    with pytest.raises(InputFileError, match=r"errors imply 3629 events .* would be"):
        counts(table, EDGES[:10], None, 20 * factor)


def root(tmp_path, histogram):
    with uproot.recreate(tmp_path / "h.root") as file:
        file["h"] = histogram
    return f"{tmp_path / 'h.root'}:h"


def uhi(tmp_path, histogram):
    (tmp_path / "h.json").write_text(json.dumps(histogram, default=default))
    return str(tmp_path / "h.json")


@pytest.mark.parametrize("write", [root, uhi])
def test_weighted_histograms_are_no_counts(tmp_path, write):
    histogram = hist.Hist(hist.axis.Variable(EDGES, name="m"), storage=hist.storage.Weight())
    centres = np.repeat((EDGES[1:] + EDGES[:-1]) / 2, EVENTS.astype(int))
    histogram.fill(centres)
    assert read(write(tmp_path, histogram), None).counts.tolist() == EVENTS.tolist()
    # Whole numbers still, but twice as many as there were events.
    path = write(tmp_path, 2 * histogram)
    with pytest.raises(InputFileError, match=r"errors imply 4020 events where its contents would be 8040"):
        read(path, None)
    assert read(path, None, COUNTS).counts.tolist() == (2 * EVENTS).tolist()
    assert read(path, None, shape=True).counts.tolist() == (2 * EVENTS).tolist()
    histogram.fill(centres[:1], weight=[0.5])
    with pytest.raises(InputFileError, match="no counts of events"):
        read(write(tmp_path, histogram), None)


def test_profiles_are_no_counts(tmp_path):
    profile = hist.Hist(hist.axis.Variable(EDGES), storage=hist.storage.Mean())
    # Twice in each bin, so that every variance is a number.
    profile.fill(np.repeat(np.convolve(EDGES, [0.5, 0.5], "valid"), 2), sample=np.arange(2.0 * (len(EDGES) - 1)))
    with pytest.raises(InputFileError, match="a profile"):
        read(uhi(tmp_path, profile), None)


@pytest.mark.parametrize(
    "axes",
    [[hist.axis.Regular(2, 0, 1)] * 2, [hist.axis.StrCategory(["a"])], [hist.axis.Regular(4, 0, 1, circular=True)]],
)
def test_uhi_histograms_of_something_else(tmp_path, axes):
    with pytest.raises(InputFileError, match="not a one-dimensional UHI histogram"):
        read(uhi(tmp_path, hist.Hist(*axes)), None)


def test_titles_of_root_histograms(tmp_path):
    def titled(x, y, scale=1.0):
        values, identify = EVENTS / WIDTHS * scale, uproot.writing.identify
        axis = identify.to_TAxis("xaxis", x, len(values), EDGES[0] / 1000, EDGES[-1] / 1000, EDGES / 1000)
        other = identify.to_TAxis("yaxis", y, 1, 0.0, 1.0)
        sums = [0.0] * 5
        return root(tmp_path, identify.to_TH1x("h", "", np.pad(values, 1), *sums, np.zeros(0), axis, fYaxis=other))

    assert read(titled("m_{jj} [TeV]", "Events / GeV"), None).counts.tolist() == EVENTS.tolist()
    spectrum = read(titled("m_{jj} [TeV]", "d#sigma/dm_{jj} [fb/TeV]", 50), 20)
    assert spectrum.counts.tolist() == EVENTS.tolist()
    assert spectrum.edges.tolist() == EDGES.tolist()
    with pytest.raises(InputFileError, match=r"masses end at 2\.3 without a unit"):
        read(titled("m_{jj}", "Events / GeV"), None)


def test_root_files_without_the_histogram(tmp_path):
    with uproot.recreate(tmp_path / "h.root") as file:
        file["a/m_jj"] = (EVENTS, EDGES)
        file["two"] = np.histogram2d([1.0], [1.0], bins=2)
        file.mktree("tree", {"x": "f8"})
    for name, sentence in (
        ("m_pp", "no histogram 'm_pp'"),
        ("two", "not a histogram of one dimension but a TH2D"),
        ("tree", "but a TTree"),
        ("a", "but a TDirectory"),
    ):
        with pytest.raises(InputFileError, match=rf"{sentence}; name one: .*\(TH1 in it: a/m_jj\)"):
            read(f"{tmp_path / 'h.root'}:{name}", None)
    content = (tmp_path / "h.root").read_bytes()
    for broken in (b"", content[:100], content[:500], b"no ROOT file"):
        (tmp_path / "h.root").write_bytes(broken)
        with pytest.raises(InputFileError, match="cannot be read as ROOT"):
            read(f"{tmp_path / 'h.root'}:a/m_jj", None)
