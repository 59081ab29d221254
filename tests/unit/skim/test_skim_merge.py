"""The manifest: normalisation, lost files and events, copies, and the cut that left nothing."""

from dataclasses import replace
from pathlib import Path

import awkward as ak
import numpy as np
import pytest

from resonaut.core import events
from resonaut.core.errors import ConfigError, EmptySelectionError, InputFileError
from resonaut.core.manifest import Cut, Lost, Manifest
from resonaut.core.results import read, write
from resonaut.skim.merge import lost_fraction, merge
from resonaut.skim.pieces import not_fired
from resonaut.skim.results import Note, Summary


def row(cut: str, events: int, sum_weights: float) -> Cut:
    return Cut(cut=cut, events=events, sum_weights=sum_weights)


FLOW = [row("stored", 100, 60.0), row("pt", 10, 4.0), row("readable", 10, 4.0)]
GOOD = Summary(
    chunk="000",
    files=1,
    events=100,
    selected=10,
    generated=(500, 250.0),
    cutflow=FLOW,
    lost=[],
    broken=[],
    notes=[],
    variations={},
)


def lost(events: int | None) -> Lost:
    return Lost(file="bad.root", reason="truncated", events=events)


def rows(first: int, number: int, lumi: int = 1, m_jj: float | None = None) -> ak.Array:
    """Events numbered from ``first``."""
    event = np.arange(first, first + number)
    mass = np.full(number, m_jj) if m_jj else 1000.0 + event
    content = {"run": np.ones(number, np.int64), "luminosityBlock": np.full(number, lumi), "event": event}
    content |= {"gen_weight": np.full(number, 0.4), "m_jj": mass.astype(np.float32), "j1_pt": mass.astype(np.float32)}
    return ak.zip(content, depth_limit=1)


@pytest.fixture
def manifest(tmp_path: Path, settings, dataset):
    def make(
        *chunks: Summary,
        keys: dict | None = None,
        content: list[ak.Array] | None = None,
        before: list[ak.Array] | None = None,
        **fields,
    ) -> Manifest:
        paths = [tmp_path / "skim" / "sample" / f"{chunk.chunk}.json" for chunk in chunks]
        for number, (path, chunk) in enumerate(zip(paths, chunks, strict=True)):
            write(path, chunk)
            found = content[number] if content else rows(1 + 100 * number, chunk.selected)
            events.write(path.with_suffix(".parquet"), [found[:4], found[4:]], {})
        others = [tmp_path / "skim" / "other" / f"{number:03d}.parquet" for number in range(len(before or []))]
        for path, found in zip(others, before or [], strict=True):
            events.write(path, [found], {})
        output, config = tmp_path / "skim" / "sample.json", settings(**(keys or {}))
        merge(config, dataset(**fields), "sample", paths, output, before=tuple(others))
        return read(tmp_path / "skim" / "sample.json", Manifest)

    return make


def test_simulation_is_scaled_by_all_generated_weights(manifest) -> None:
    found = manifest(GOOD, replace(GOOD, chunk="001"), cross_section=1000.0)
    assert found.weight_scale == 1000.0 / 500.0
    assert found.chunks == ["000", "001"]
    assert found.events == 20
    assert [(line.cut, line.events) for line in found.cutflow] == [
        ("generated", 1000),
        ("stored", 200),
        ("pt", 20),
    ]


def test_data_loses_luminosity_with_its_files(manifest) -> None:
    keys = {"bad_files": {"action": "skip", "max_lost_fraction": 0.5}}
    found = manifest(
        GOOD, replace(GOOD, chunk="001", files=2, lost=[lost(50)]), nature="data", luminosity=10.0, keys=keys
    )
    assert found.luminosity == pytest.approx(10.0 * 200 / 250)
    assert found.weight_scale == 1
    assert found.lost == [lost(50)]
    assert found.cutflow[0].cut == "stored"


@pytest.mark.parametrize(
    ("entries", "files", "events", "fraction"),
    [([], 2, 100, 0), ([50], 2, 150, 0.25), ([None], 4, 300, 0.25), ([None, 50], 4, 250, 0.375), ([None], 1, 0, 1)],
)
def test_lost_fraction_counts_unknown_files_as_mean_ones(entries, files, events, fraction) -> None:
    chunk = replace(GOOD, files=files, events=events, lost=[lost(n) for n in entries])
    assert lost_fraction([chunk]) == pytest.approx(fraction)


def test_too_much_lost_stops(manifest, tmp_path) -> None:
    with pytest.raises(
        InputFileError, match=r"bad\.root: truncated; .* 'sample', 1 .* are 33\.3% of its events; .*max_lost"
    ):
        manifest(GOOD, replace(GOOD, chunk="001", files=2, lost=[lost(100)]))
    assert not (tmp_path / "sample.json").exists()


def test_empty_dataset_names_the_cut(manifest) -> None:
    empty = replace(GOOD, cutflow=[row("stored", 100, 60.0), row("eta", 0, 0.0), row("readable", 0, 0.0)])
    with pytest.raises(EmptySelectionError, match="sample: no event is left after the cut 'eta'"):
        manifest(empty)
    with pytest.raises(EmptySelectionError, match="its files hold no events"):
        manifest(replace(GOOD, events=0, cutflow=[]), nature="data")
    nothing = [row("stored", 9, 1.0), row("pt", 0, 0.0), row("readable", 0, 0.0)]
    assert manifest(replace(GOOD, chunk="001", selected=0, cutflow=nothing), GOOD).events == 10


def test_simulation_needs_a_cross_section_and_weights(manifest) -> None:
    with pytest.raises(ConfigError, match=r"datasets\.sample\.cross_section is null"):
        manifest(GOOD, cross_section=None)
    with pytest.raises(EmptySelectionError, match="generator weights sum to 0"):
        manifest(replace(GOOD, generated=(500, 0.0)))


def test_broken_events_are_lost_like_files(manifest, tmp_path) -> None:
    """A tenth of the selected events is left out, on top of a third in a lost file."""
    flow = [*FLOW[:2], row("readable", 9, 3.5)]
    one = Lost(file="a.root", reason="NaN", events=1)
    chunk = replace(GOOD, files=2, lost=[lost(50)], broken=[one], cutflow=flow, selected=9)
    keys = {"bad_files": {"action": "skip", "max_lost_fraction": 0.5}}
    data = manifest(chunk, nature="data", luminosity=10.0, keys=keys)
    assert data.luminosity == pytest.approx(10.0 * 2 / 3 * 0.9)
    assert data.lost == [lost(50), one]
    assert [line.cut for line in data.cutflow] == ["stored", "pt", "readable"]
    simulation = manifest(chunk, cross_section=100.0, keys=keys)
    assert simulation.weight_scale == pytest.approx(100.0 / (250.0 * 0.9))
    keys["bad_files"]["max_lost_fraction"] = 0.35
    with pytest.raises(InputFileError, match=r"bad\.root: .*, 2 such files, are 40\.0%"):
        manifest(chunk, nature="data", keys=keys)


def test_copies_stop_or_are_dropped(manifest, tmp_path) -> None:
    files = {"nature": "data", "files": ["a.root", "b.root"]}
    content = [rows(1, 10), ak.concatenate([rows(50, 7), rows(3, 3)])]
    chunks = (GOOD, replace(GOOD, chunk="001"))
    with pytest.raises(InputFileError, match=r"b\.root: 3 events of 'sample' .* first in a\.root; .*skim\.duplicates"):
        manifest(*chunks, content=content, **files)
    found = manifest(*chunks, content=content, keys={"duplicates": "drop"}, **files)
    assert found.dropped == {"001": [7, 8, 9]}
    assert (found.events, found.cutflow[-1].cut, found.cutflow[-1].events) == (17, "duplicates", 17)
    assert found.cutflow[-1].sum_weights == pytest.approx(8.0 - 1.2)
    read = events.Dataset.open(tmp_path / "skim" / "sample.json").read(["m_jj"])
    assert read.event.to_list() == [*range(1, 11), *range(50, 57)]
    assert manifest(*chunks, content=[rows(1, 10), rows(1, 10, lumi=2)], **files).dropped == {}


def test_events_of_another_primary_dataset_count_there(manifest) -> None:
    """One event in two chunks of the other dataset, which is that one's affair, and three of them here."""
    before, content = [rows(1, 5), rows(5, 5)], [ak.concatenate([rows(7, 5), rows(20, 4), rows(3, 1)])]
    given = {"before": before, "content": content, "nature": "data", "files": ["b.root"]}
    with pytest.raises(InputFileError, match=r"b\.root: 4 events of 'sample' .* first in .*other/001\.parquet; "):
        manifest(GOOD, **given)
    found = manifest(GOOD, keys={"duplicates": "drop"}, **given)
    assert found.dropped == {"000": [0, 1, 2, 9]}
    assert (found.events, found.cutflow[-1].cut) == (6, "duplicates")


def test_simulation_may_number_its_events_alike(manifest) -> None:
    """Other jets are another event; the weights of copies count for what is left."""
    chunks = (GOOD, replace(GOOD, chunk="001"))
    found = manifest(*chunks, content=[rows(1, 10), rows(1, 10, m_jj=500.0)])
    assert found.dropped == {}
    assert found.notes == ["10 events have the numbers (run, luminosityBlock, event) of another one"]
    with pytest.raises(InputFileError, match="10 events of 'sample' are there twice"):
        manifest(*chunks, content=[rows(1, 10), rows(1, 10)])
    halved = manifest(*chunks, content=[rows(1, 10), rows(1, 10)], keys={"duplicates": "drop"}, cross_section=100.0)
    assert halved.weight_scale == pytest.approx(100.0 / (500.0 / 2))


@pytest.mark.parametrize("policy", ["fail", "drop"])
@pytest.mark.parametrize("nature", ["data", "pseudo_data", "simulation"])
def test_events_without_numbers_are_refused(manifest, policy, nature) -> None:
    content = rows(0, 10)
    content["event"] = np.zeros(10, np.int64)
    with pytest.raises(InputFileError, match=r"a\.root: has events numbered 0"):
        manifest(GOOD, content=[content], nature=nature, files=["a.root"], keys={"duplicates": policy})


def test_one_event_numbered_zero_is_one_of_the_copies(manifest) -> None:
    chunks, files = (GOOD, replace(GOOD, chunk="001")), {"nature": "data", "files": ["a.root", "b.root"]}
    found = manifest(*chunks, content=[rows(0, 10), rows(0, 3)], keys={"duplicates": "drop"}, **files)
    assert found.dropped == {"001": [0, 1, 2]}


def test_copies_of_olympics_files_are_found_by_their_jets(manifest) -> None:
    """There the number of the file is in the identifier, so that it differs between copies."""
    chunks = (GOOD, replace(GOOD, chunk="001"))
    fields = {"nature": "data", "format": "lhco_features", "keys": {"duplicates": "drop"}}
    assert manifest(*chunks, content=[rows(0, 10), rows(0, 10, lumi=2)], **fields).dropped == {"001": list(range(10))}
    assert manifest(*chunks, content=[rows(0, 10), rows(0, 10, lumi=2, m_jj=7.0)], **fields).dropped == {}


def test_copies_are_found_in_several_passes(manifest, monkeypatch) -> None:
    monkeypatch.setattr("resonaut.skim.duplicates.BLOCK", 3)
    content = [ak.concatenate([rows(1, 8), rows(2, 2)]), ak.concatenate([rows(50, 9), rows(2, 1)])]
    chunks = (GOOD, replace(GOOD, chunk="001"))
    found = manifest(*chunks, content=content, nature="data", keys={"duplicates": "drop"})
    assert found.dropped == {"000": [8, 9], "001": [9]}


def test_what_was_missing_is_noted_once(manifest) -> None:
    noted = [Note(file=f"{name}.root", note="no counters") for name in "ab"]
    chunks = replace(GOOD, files=3, notes=noted[:1]), replace(GOOD, chunk="001", notes=noted[1:])
    assert manifest(*chunks).notes == ["2 of 4 files: no counters (first a.root)"]


def test_trigger_in_no_file_is_named(manifest) -> None:
    region = {"regions": {"dijet": {"trigger": ["HLT_A"]}}}
    absent = [Note(file="a.root", note=not_fired("HLT_A"))]
    chunks = replace(GOOD, notes=absent), replace(GOOD, chunk="001")
    assert manifest(*chunks, nature="data", keys=region).notes
    with pytest.raises(ConfigError, match=r"skim\.regions\.dijet\.trigger: no file of 'sample' has .*'HLT_A'"):
        manifest(chunks[0], nature="data", keys=region)


def test_copies_that_pass_only_in_a_variation_are_dropped_and_no_loss(manifest, tmp_path) -> None:
    """The copies are of an event that passes, and of one that passes only in the variation."""
    content = ak.concatenate([rows(1, 11), rows(3, 1), rows(11, 1)])
    content = ak.with_field(content, np.array([*[True] * 10, False, True, False]), "passes")
    flow = [row("stored", 100, 60.0), row("pt", 11, 4.4), row("readable", 11, 4.4)]
    chunk = replace(GOOD, cutflow=flow, selected=11, variations={"jes_up": "jets"})
    found = manifest(chunk, content=[content], keys={"duplicates": "drop"})
    assert found.dropped == {"000": [11, 12]}
    assert (found.events, found.cutflow[-1].cut) == (10, "duplicates")
    assert found.cutflow[-1].sum_weights == pytest.approx(4.4 - 0.4)
    assert found.variations == {"jes_up": "jets"}
    dataset = events.Dataset.open(tmp_path / "skim" / "sample.json")
    assert dataset.read([]).event.to_list() == list(range(1, 11))
    assert ak.concatenate(list(dataset.iterate([], every=True))).event.to_list() == list(range(1, 12))
