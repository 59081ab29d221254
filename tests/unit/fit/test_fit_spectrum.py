"""Spectra from files: what is read, and the sentence that a broken one gives."""

import json

import hist
import numpy as np
import pytest
import uproot
from uhi.io.json import default

from resonaut.core.errors import ConfigError, InputFileError
from resonaut.fit.histograms import from_uhi
from resonaut.fit.spectrum import Spectrum, read, regular_edges

EDGES = np.array([1000.0, 1100.0, 1300.0, 1600.0])
COUNTS = np.array([7.0, 0.0, 3.0])


def csv(tmp_path, text):
    path = tmp_path / "spectrum.csv"
    path.write_text(text)
    return str(path)


def uhi(storage):
    histogram = hist.Hist(hist.axis.Variable(EDGES, name="m_jj"), storage=storage)
    histogram.fill(np.repeat([1050.0, 1500.0, 2000.0], [7, 3, 2]))
    return json.loads(json.dumps(histogram, default=default))


def test_csv_with_counts_and_comments(tmp_path):
    spectrum = read(csv(tmp_path, "# GeV\nm_low, m_high, counts\n1000,1100,7\n1100,1300,0\n1300,1600,3\n"), None)
    assert spectrum.edges.tolist() == EDGES.tolist()
    assert spectrum.counts.tolist() == COUNTS.tolist()


def test_cross_section_times_luminosity_is_a_whole_number(tmp_path):
    # 0.0501 fb/GeV x 100 GeV x 2/fb = 10.02 events, the published rounding of 10.
    spectrum = read(csv(tmp_path, "m_low,m_high,dsigma_dm\n1000,1100,0.0501\n"), 2.0)
    assert spectrum.counts.tolist() == [10.0]


@pytest.mark.parametrize("storage", [hist.storage.Int64(), hist.storage.Double(), hist.storage.Weight()])
def test_uhi_histogram(tmp_path, storage):
    path = tmp_path / "spectrum.json"
    path.write_text(json.dumps(uhi(storage)))
    spectrum = read(str(path), None)
    assert spectrum.edges.tolist() == EDGES.tolist()
    assert spectrum.counts.tolist() == COUNTS.tolist()


def test_root_histogram(tmp_path):
    path = tmp_path / "spectrum.root"
    with uproot.recreate(path) as file:
        file["m_jj"] = (COUNTS, EDGES)
    spectrum = read(f"{path}:m_jj", None)
    assert spectrum.edges.tolist() == EDGES.tolist()
    assert spectrum.counts.tolist() == COUNTS.tolist()
    with pytest.raises(InputFileError, match="no histogram 'm_pp'"):
        read(f"{path}:m_pp", None)
    with pytest.raises(InputFileError, match=r"name one: .*spectrum\.root:name"):
        read(str(path), None)


HEADER = "m_low,m_high,counts\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (HEADER + "1000,1100,7\n1050,1300,0\n", "overlap, leave gaps or are not in order"),
        (HEADER + "1100,1300,0\n1000,1100,7\n", "overlap, leave gaps or are not in order"),
        (HEADER + "1000,1100,7\n1100,1100,1\n", "edges do not rise"),
        (HEADER + "1000,1100,-7\n", "negative count"),
        (HEADER + "1000,1100,nan\n", "NaN or infinite"),
        (HEADER + "1000,1100,many\n", "not a number"),
        (HEADER + "1000,1100\n", "line 2: 'counts' is '', which is not a number"),
        (HEADER, "no rows below"),
        ("", "no columns m_low"),
        ("m_low,m_high,weights\n1000,1100,7\n", "no columns m_low, m_high and counts or dsigma_dm"),
        ("m_low,m_high,dsigma_dm\n1000,1100,7\n", "give --luminosity in 1/fb"),
        ("m_low,m_high,counts,dsigma_dm\n1000,1100,7,1\n", r"holds 'counts' and 'dsigma_dm', .* name one: .*:counts"),
    ],
)
def test_broken_csv(tmp_path, text, sentence):
    with pytest.raises(InputFileError, match=sentence):
        read(csv(tmp_path, text), None)


def test_missing_file(tmp_path):
    with pytest.raises(InputFileError, match=r"nothing\.csv: no such file"):
        read(str(tmp_path / "nothing.csv"), None)
    with pytest.raises(InputFileError, match=r"^an empty path: no such file; give the path of a CSV"):
        read("", None)


def test_two_dimensional_histogram_is_refused():
    histogram = hist.Hist(hist.axis.Regular(2, 0, 1), hist.axis.Regular(2, 0, 1))
    with pytest.raises(InputFileError, match="not a one-dimensional UHI histogram"):
        from_uhi(json.loads(json.dumps(histogram, default=default)), "x.json")


def test_a_column_of_two_is_named(tmp_path):
    path = csv(tmp_path, "m_low,m_high,counts,dsigma_dm\n1000,1100,7,1\n")
    assert read(f"{path}:counts", None).counts.tolist() == [7]


def test_a_histogram_of_another_version_of_uhi_is_refused():
    histogram = json.loads(json.dumps(hist.Hist(hist.axis.Regular(2, 1, 3)), default=default))
    assert histogram["uhi_schema"] == 1
    with pytest.raises(InputFileError, match="its uhi_schema is 99, and 1 is known"):
        from_uhi(histogram | {"uhi_schema": 99}, "x.json")


def test_json_that_is_no_histogram():
    with pytest.raises(InputFileError, match="not a one-dimensional UHI histogram"):
        from_uhi({"counts": [1]}, "x.json")


def test_rebinned_sums_whole_bins():
    fine = Spectrum(np.linspace(0, 10, 11), np.arange(10.0))
    coarse = fine.rebinned(np.array([2.0, 4.0, 8.0]), "fit.range")
    assert coarse.counts.tolist() == [2 + 3, 4 + 5 + 6 + 7]
    assert fine.rebinned(np.array([8.0, 10.0]), "fit.range").counts.tolist() == [17]


@pytest.mark.parametrize("edges", [[2.0, 4.5], [-1.0, 4.0], [8.0, 11.0]])
def test_rebinned_refuses_cut_bins(edges):
    fine = Spectrum(np.linspace(0, 10, 11), np.arange(10.0))
    with pytest.raises(ConfigError, match=r"change fit\.range"):
        fine.rebinned(np.array(edges), "fit.range")


def test_regular_edges():
    assert regular_edges(2500, 2800, 100, "GeV", "fit.range").tolist() == [2500, 2600, 2700, 2800]
    with pytest.raises(ConfigError, match=r"fit\.range"):
        regular_edges(2500, 2850, 100, "GeV", "fit.range")


@pytest.mark.parametrize(("low", "high", "counts"), [(0, 9e3, [7, 0, 3]), (1050, 1600, [0, 3]), (1100, 1300, [0])])
def test_between_keeps_whole_bins(low, high, counts):
    assert Spectrum(EDGES, COUNTS).between(low, high).counts.tolist() == counts


@pytest.mark.parametrize(("low", "high"), [(1150, 1250), (2000, 3000), (1300, 1100), (0, 500)])
def test_between_without_a_whole_bin(low, high):
    with pytest.raises(ConfigError, match="no whole bin"):
        Spectrum(EDGES, COUNTS).between(low, high)


@pytest.mark.parametrize(
    ("counts", "threshold"), [([0, 0, 2, 0], 3000.0), ([0, 1, 2, 0], 2500.0), ([1, 0, 0, 0], 0.0), ([0] * 4, np.inf)]
)
def test_threshold_of_a_spectrum(counts, threshold):
    assert Spectrum(np.arange(2000.0, 4001.0, 500.0), np.array(counts, dtype=float)).threshold == threshold
