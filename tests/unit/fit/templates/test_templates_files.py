"""Histograms of files: ROOT, and JSON as lists by era or in UHI's form, give the same channel."""

import gzip
import json

import hist
import numpy as np
import pytest
import uproot

from resonaut.core.errors import ResonautError
from resonaut.core.histograms import to_json
from resonaut.core.record import build
from resonaut.fit.templates import files
from resonaut.fit.templates.settings import HistogramsJob

EDGES = [0.0, 10.0, 20.0, 30.0]
# By region and sample; of the eras 1 and 2 a third and two thirds.
CONTENT = {
    "sr/tt": [30.0, 20.0, 10.0],
    "sr/tt_btag_up": [33.0, 22.0, 11.0],
    "sr/tt_btag_down": [27.0, 18.0, 9.0],
    "sr/st": [3.0, 2.0, 0.0],
    "sr/Data": [36.0, 21.0, 9.0],
    "sr_JES_up/tt": [27.0, 20.0, 13.0],
    "sr_JES_down/tt": [33.0, 20.0, 7.0],
}


def histogram(values) -> hist.Hist:
    made = hist.Hist(hist.axis.Variable(EDGES, name="mass", label="mass [GeV]"), storage=hist.storage.Weight())
    made.values()[:] = values
    made.variances()[:] = np.multiply(values, 2.0)
    return made


@pytest.fixture
def stored(tmp_path):
    """The three files by kind."""
    nested: dict = {}
    uhi: dict = {}
    with uproot.recreate(tmp_path / "h.root") as file:
        for name, values in CONTENT.items():
            file[name] = histogram(values)
            region, sample = name.split("/")
            eras = {
                era: [[v * part for v in values], [2 * v * part for v in values]]
                for era, part in (("1", 1 / 3), ("2", 2 / 3))
            }
            nested.setdefault(region, {})[sample] = eras
            uhi.setdefault(region, {})[sample] = to_json(histogram(values))
    (tmp_path / "lists.json.gz").write_bytes(gzip.compress(json.dumps(nested).encode()))
    (tmp_path / "uhi.json").write_text(json.dumps(uhi))
    return {"root": tmp_path / "h.root", "lists": tmp_path / "lists.json.gz", "uhi": tmp_path / "uhi.json"}


def job(path, edges=EDGES, **changes) -> HistogramsJob:
    given = {
        "channel": {"edges": edges, "name": "sr"},
        "members": {"top": ["tt", "st"]},
        "variations": {"top": ["btag", "JES"]},
        "file": {"path": str(path)},
        "observed": True,
    }
    return build(given | changes, HistogramsJob, "test")


@pytest.mark.parametrize("kind", ["root", "lists", "uhi"])
def test_files_of_all_kinds_give_the_same(stored, kind):
    found = files.histograms(job(stored[kind]), "signal_region")
    assert (found.edges, found.channel, found.in_fb) == (EDGES, "signal_region", False)
    np.testing.assert_allclose(found.data, CONTENT["sr/Data"])
    parts = found.samples["top"]
    assert [one.era for one in parts] == (["1", "2"] if kind == "lists" else [None])

    def total(get) -> np.ndarray:
        return np.sum([get(one) for one in parts], axis=0)

    np.testing.assert_allclose(total(lambda one: one.values), [33.0, 22.0, 10.0])
    np.testing.assert_allclose(total(lambda one: one.variances), [66.0, 44.0, 20.0])
    # What one of the two lacks stays nominal.
    np.testing.assert_allclose(total(lambda one: one.varied["btag"].up), [36.0, 24.0, 11.0])
    np.testing.assert_allclose(total(lambda one: one.varied["JES"].down), [36.0, 22.0, 7.0])
    assert found.notes == [f"'st' has no variation {name!r}, and is nominal in it" for name in ("btag", "JES")]


@pytest.mark.parametrize("kind", ["root", "uhi"])
def test_bins_are_merged_at_edges_of_the_file(stored, kind):
    found = files.histograms(job(stored[kind], edges=[10.0, 30.0]), "sr")
    assert (found.data, found.samples["top"][0].values, found.edges) == ([30.0], [32.0], [10.0, 30.0])
    found = files.histograms(job(stored[kind], edges=None), "sr")
    assert found.edges == EDGES
    assert found.label.startswith("mass")


@pytest.mark.parametrize(
    ("kind", "changes", "sentence"),
    [
        ("root", {"edges": [0.0, 12.0, 30.0]}, "no bins between the edges"),
        ("lists", {"edges": [0.0, 30.0]}, "has 3 bins, and 2 edges are given; give 4"),
        ("lists", {"edges": None}, "has lists, without edges"),
        ("uhi", {"members": {"top": ["ttbar"]}}, "no histogram 'sr/ttbar'; correct file.nominal, or name the channels"),
        ("root", {"file": {"data": "Observed"}}, "no histogram 'sr/Observed'; correct file.data, or set"),
    ],
)
def test_what_does_not_fit_is_one_sentence(stored, kind, changes, sentence):
    changes = dict(changes)
    edges = changes.pop("edges", EDGES)
    if "file" in changes:
        changes["file"] = changes["file"] | {"path": str(stored[kind])}
    with pytest.raises(ResonautError, match=sentence):
        files.histograms(job(stored[kind], edges, **changes), "sr")


def test_histograms_of_a_channel_have_the_same_bins(tmp_path):
    """As many bins between other edges are other bins, of samples, data and variations; common edges are a way out."""
    path = tmp_path / "h.root"
    other = hist.Hist(hist.axis.Variable([0.0, 5.0, 20.0, 30.0]), storage=hist.storage.Weight())
    other.values()[:] = [1.0, 2.0, 3.0]
    for name in ("sr/st", "sr/Data", "sr_JES_up/tt"):
        with uproot.recreate(path) as file:
            for one, values in CONTENT.items():
                file[one] = other if one == name else histogram(values)
        with pytest.raises(ResonautError, match=r"have different bins in channel 'sr'|has other bins or eras than"):
            files.histograms(job(path, edges=None), "sr")
        if name != "sr_JES_up/tt":
            assert files.histograms(job(path, edges=[0.0, 20.0, 30.0]), "sr").edges == [0.0, 20.0, 30.0]


def test_data_are_counts_of_the_eras_of_the_simulation(tmp_path):
    path = tmp_path / "h.json"

    def read(data, sample) -> None:
        path.write_text(json.dumps({"sr": {"tt": sample, "Data": data}}))
        files.histograms(job(path, [0.0, 1.0, 2.0], members={"tt": ["tt"]}, variations={}), "sr")

    two = [[3.0, 4.0], [1.0, 1.0]]
    read({"1": two, "2": two}, {"2": two})
    read(two, {"2": two})
    read({"1": two}, two)
    with pytest.raises(ResonautError, match="the sample 'tt' of the era '2', and data of '1'; add the data"):
        read({"1": two}, {"1": two, "2": two})
    with pytest.raises(ResonautError, match="the data of channel 'sr' have a bin below 0"):
        read([[3.0, -1.0], [1.0, 1.0]], two)


def test_a_bin_of_a_variation_that_is_not_finite_is_nominal_where_that_is_empty_alone(tmp_path):
    path = tmp_path / "lists.json"

    def write(nominal) -> None:
        content = {"tt": [nominal, [1.0, 1.0]], "tt_pdf_up": [[3.0, float("nan")], [1.0, 1.0]]}
        path.write_text(json.dumps({"sr": content}))

    one = job(path, [0.0, 1.0, 2.0], members={"tt": ["tt"]}, variations={"tt": ["pdf"]}, observed=False)
    write([2.0, 0.0])
    assert files.histograms(one, "sr").samples["tt"][0].varied["pdf"].up == [3.0, 0.0]
    write([2.0, 1.0])
    with pytest.raises(ResonautError, match="'sr/tt_pdf_up' has a bin that is NaN or infinite"):
        files.histograms(one, "sr")


@pytest.mark.parametrize("spoilt", [{"tt": [[1.0, 1e308], [1.0, 1.0]]}, {"tt": [[1.0, 1.0], [1.0, 1e200]]}])
def test_a_content_that_is_no_number_of_events_is_a_sentence(tmp_path, spoilt):
    path = tmp_path / "lists.json"
    path.write_text(json.dumps({"sr": spoilt}))
    one = job(path, [0.0, 1.0, 2.0], members={"tt": ["tt"]}, variations={}, observed=False)
    with pytest.raises(ResonautError, match=r"'sr/tt' has a content or variance of 1e\+\d+, which is no number of"):
        files.histograms(one, "sr")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("x.json", b"{", "not valid JSON"),
        ("x.json.gz", b"{}", "not valid JSON"),
        ("x.root", b"nothing", "not a readable ROOT file"),
        ("x.json", b'{"sr": {"tt": [[1, 2], [1]]}}', "'sr/tt' is no histogram of one axis"),
        ("x.json", b'{"sr": {"tt": "abc"}}', "'sr/tt' is no histogram of one axis"),
    ],
)
def test_a_broken_file_is_one_sentence(tmp_path, name, content, sentence):
    (tmp_path / name).write_bytes(content)
    one = job(tmp_path / name, members={"tt": ["tt"]}, variations={}, observed=False)
    with pytest.raises(ResonautError, match=sentence):
        files.histograms(one, "sr")
    (tmp_path / name).unlink()
    with pytest.raises(ResonautError, match="no such file"):
        files.histograms(one, "sr")
