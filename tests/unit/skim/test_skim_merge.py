"""The manifest: normalisation, lost files, and the cut that left nothing."""

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from resonaut import config
from resonaut.errors import ConfigError, EmptySelectionError, InputFileError
from resonaut.events import Manifest
from resonaut.files import write_json
from resonaut.skim.chunk import Summary
from resonaut.skim.cutflow import row
from resonaut.skim.merge import lost_fraction, merge

GOOD = Summary("000", 1, 100, 10, (500, 250.0), [row("stored", 100, 60.0), row("pt", 10, 4.0)], [])


def lost(events: int | None) -> dict:
    return {"file": "bad.root", "reason": "truncated", "events": events}


@pytest.fixture
def manifest(tmp_path: Path, settings, dataset):
    def make(*chunks: Summary, keys: dict | None = None, **fields) -> Manifest:
        paths = [tmp_path / f"{number}.json" for number in range(len(chunks))]
        for path, chunk in zip(paths, chunks, strict=True):
            write_json(path, asdict(chunk))
        merge(settings(**(keys or {})), dataset(**fields), "sample", paths, tmp_path / "sample.json")
        return config.read(tmp_path / "sample.json", Manifest)

    return make


def test_simulation_is_scaled_by_all_generated_weights(manifest) -> None:
    found = manifest(GOOD, replace(GOOD, chunk="001"), cross_section=1000.0)
    assert found.weight_scale == 1000.0 / 500.0
    assert found.chunks == ["000", "001"]
    assert found.events == 20
    assert [(line["cut"], line["events"]) for line in found.cutflow] == [
        ("generated", 1000),
        ("stored", 200),
        ("pt", 20),
    ]


def test_data_loses_luminosity_with_its_files(manifest) -> None:
    keys = {"bad_files": {"action": "skip", "max_lost_fraction": 0.5}}
    found = manifest(GOOD, replace(GOOD, files=2, lost=[lost(50)]), role="data", luminosity=10.0, keys=keys)
    assert found.luminosity == pytest.approx(10.0 * 200 / 250)
    assert found.weight_scale == 1
    assert found.lost == [lost(50)]
    assert found.cutflow[0]["cut"] == "stored"


@pytest.mark.parametrize(
    ("entries", "files", "events", "fraction"),
    [([], 2, 100, 0), ([50], 2, 150, 0.25), ([None], 4, 300, 0.25), ([None, 50], 4, 250, 0.375), ([None], 1, 0, 1)],
)
def test_lost_fraction_counts_unknown_files_as_mean_ones(entries, files, events, fraction) -> None:
    chunk = replace(GOOD, files=files, events=events, lost=[lost(n) for n in entries])
    assert lost_fraction([chunk]) == pytest.approx(fraction)


def test_too_much_lost_stops(manifest, tmp_path) -> None:
    with pytest.raises(InputFileError, match=r"bad\.root: .* of 'sample' are lost, 33\.3% of the events; .*max_lost"):
        manifest(GOOD, replace(GOOD, files=2, lost=[lost(100)]))
    assert not (tmp_path / "sample.json").exists()


def test_empty_dataset_names_the_cut(manifest) -> None:
    empty = replace(GOOD, cutflow=[row("stored", 100, 60.0), row("eta", 0, 0.0), row("m_jj", 0, 0.0)])
    with pytest.raises(EmptySelectionError, match="sample: no event is left after the cut 'eta'"):
        manifest(empty)
    with pytest.raises(EmptySelectionError, match="its files hold no events"):
        manifest(replace(GOOD, events=0, cutflow=[]), role="data")
    assert manifest(replace(GOOD, cutflow=[row("stored", 9, 1.0), row("pt", 0, 0.0)]), GOOD).events == 10


def test_simulation_needs_a_cross_section_and_weights(manifest) -> None:
    with pytest.raises(ConfigError, match=r"datasets\.sample\.cross_section is null"):
        manifest(GOOD, cross_section=None)
    with pytest.raises(EmptySelectionError, match="generator weights sum to 0"):
        manifest(replace(GOOD, generated=(500, 0.0)))
