"""Small-radius jets in the place of the large ones: flavour, candidates, impact parameters and origins of tracks."""

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from resonaut.core import events
from resonaut.core.datasets import DatasetConfig
from resonaut.core.errors import ConfigError, InputFileError
from resonaut.core.record import build
from resonaut.simulate.chunk import simulate
from resonaut.simulate.settings import Simulate
from resonaut.skim.chunk import skim_chunk
from resonaut.skim.region import require_jets
from resonaut.skim.settings import Region, Skim

BRANCHES = {"jets": "Jet", "links": "JetPFCands", "softdrop_mass": "mass", "n_subjettiness": False}
REGION = {"pt_min": 25, "delta_eta_max": None, "tracks": True, "flavours": ["jets", "tracks"]}
LABELS = {f"j{jet}_{name}" for jet in (1, 2) for name in ("flavour", "pf_origin", "pf_vertex")}


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    path: Path = tmp_path_factory.mktemp("small") / "tt.root"
    generator = {"events_per_chunk": 100, "tracks": True, "components": [{"process": "tt", "events": 25}]}
    entry = {"nature": "simulation", "region": "all", "generator": generator}
    simulate(Simulate(), build(entry, DatasetConfig, "tt"), "tt", 0, path)
    return path


def skim(file: Path, output: Path, nature: str = "simulation", **keys: object) -> ak.Array:
    config = build({"branches": BRANCHES, "regions": {"small": REGION | keys}}, Skim, "skim")
    dataset = build({"nature": nature, "region": "small", "files": [str(file)]}, DatasetConfig, "tt")
    skim_chunk(config, dataset, "tt", 1, [str(file)], output, output.with_suffix(".json"))
    return ak.concatenate(list(events.iterate([output], events.columns(output))))


def test_jets_have_their_flavour_and_their_tracks(file: Path, tmp_path: Path) -> None:
    rows = skim(file, tmp_path / "a.parquet")
    assert len(rows) > 15
    assert "j1_tau1" not in rows.fields
    with uproot.open(file) as opened:
        raw = {event["event"]: event for event in opened["Events"].arrays().to_list()}
    for row in rows.to_list():
        event = raw[row["event"]]
        for jet in ("j1", "j2"):
            (place,) = np.flatnonzero(np.float32(event["Jet_pt"]) == np.float32(row[f"{jet}_pt"]))
            links = zip(event["JetPFCands_jetIdx"], event["JetPFCands_pFCandsIdx"], strict=True)
            mine = sorted((i for of, i in links if of == place), key=lambda i: -event["PFCands_pt"][i])[:100]
            tau = event["Jet_tauFlavour"][place]
            assert row[f"{jet}_flavour"] == (event["Jet_hadronFlavour"][place] or tau)
            for field, branch in {"d0": "d0", "dz_error": "dzErr"}.items():
                stored = [event[f"PFCands_{branch}"][i] for i in mine]
                track = [event["PFCands_trkChi2"][i] != -1 for i in mine]
                assert row[f"{jet}_pf_{field}"] == [a if there else 0 for a, there in zip(stored, track, strict=True)]
                assert row[f"{jet}_pf_has_track"] == track
            for field, branch in {"origin": "genOrigin", "vertex": "genVertex"}.items():
                assert row[f"{jet}_pf_{field}"] == [event[f"PFCands_{branch}"][i] for i in mine]
    flavours = np.concatenate([ak.to_numpy(rows[f"{jet}_flavour"]) for jet in ("j1", "j2")])
    assert {0, 5} <= set(flavours.tolist())


def test_data_have_tracks_and_no_labels(file: Path, tmp_path: Path) -> None:
    fields = skim(file, tmp_path / "a.parquet", "data").fields
    assert "j1_pf_d0" in fields
    assert not LABELS & set(fields)
    assert set(skim(file, tmp_path / "b.parquet").fields) >= LABELS
    assert not {"j1_pf_d0", *LABELS} & set(skim(file, tmp_path / "c.parquet", tracks=False, flavours=[]).fields)


def test_what_the_file_lacks_is_one_sentence(file: Path, tmp_path: Path) -> None:
    with uproot.open(file) as opened:
        tree = opened["Events"].arrays()
    kept = {name: tree[name] for name in tree.fields if "gen" not in name and not name.startswith("n")}
    bare = tmp_path / "bare.root"
    with uproot.recreate(bare) as written:
        written.mktree("Events", {name: values.type.content for name, values in kept.items()}).extend(kept)
    with pytest.raises(InputFileError, match="PFCands_genOrigin"):
        skim(bare, tmp_path / "a.parquet", flavours=["tracks"])


def test_tracks_want_jets() -> None:
    with pytest.raises(ConfigError, match="tracks"):
        require_jets("region", Region(jets=0, tracks=True, pt_min=300, delta_eta_max=1.3))
