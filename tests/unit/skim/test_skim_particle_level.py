"""Regions with a particle level: which events are kept, their columns at both levels, and who sees them."""

from pathlib import Path

import awkward as ak
import numpy as np
import pytest

from resonaut.core import events
from resonaut.core.errors import ConfigError, NotFiniteError
from resonaut.core.events import Dataset
from resonaut.skim.chunk import skim_chunk
from resonaut.skim.merge import merge

NUMBER = 6
# Leading muons, GeV: events 0 and 1 pass at both levels, 2 at detector level, 3 at particle level, 4 and 5 at none.
RECONSTRUCTED = [[60.0, 50.0], [90.0, 55.0, 40.0], [61.0, 30.5], [59.0], [], [20.0]]
GENERATED = [[62.0, 49.0], [91.0, 54.0], [60.0], [58.0, 45.0], [29.0], []]
REGION = {
    "jets": 0,
    "objects": {"muon": {"pt_min": 30, "number": [2, None], "keep": 2}, "track_jet": {"keep": 1, "fields": ["tau1"]}},
    "observables": ["pt_ll", "y_ll"],
    "particle_level": {
        "objects": {"muon": {"pt_min": 30, "number": [2, 2], "keep": 2}, "track_jet": {"keep": 1, "fields": ["tau1"]}},
        "observables": ["pt_ll"],
    },
}


def leptons(pt: list[list[float]], **more: float) -> ak.Array:
    """Massless, one at phi = 0 and the others above it."""
    values = ak.values_astype(ak.Array(pt), np.float32)
    place = ak.values_astype(ak.local_index(values), np.float32)
    fields = {"pt": values, "eta": 0.5 * place, "phi": 0.3 * place, "mass": 0 * values}
    return ak.zip(fields | {name: ak.full_like(values, value) for name, value in more.items()})


@pytest.fixture
def content():
    """Six events; the file's leptons of particle level are muons but for a hard electron in each."""
    muons, generated, electron = (leptons(pt) for pt in (RECONSTRUCTED, GENERATED, [[500.0]] * NUMBER))
    muons = ak.with_field(muons, ak.values_astype(ak.ones_like(muons.pt), np.int32), "charge")
    pdgid = ak.Array([[11, *[13, -13][: len(one)]] for one in GENERATED])
    dressed = ak.with_field(ak.concatenate([electron, generated], axis=1), ak.values_astype(pdgid, np.int32), "pdgId")
    jets = {name: leptons([[pt]] * NUMBER, tau1=tau1) for name, pt, tau1 in (("", 40, 0.2), ("Gen", 44, 0.25))}
    found = {f"{name}TrackJet": jet for name, jet in jets.items()}
    found |= {"run": np.ones(NUMBER, np.uint32), "luminosityBlock": np.ones(NUMBER, np.uint32)}
    found |= {"event": np.arange(NUMBER, dtype=np.uint64), "genWeight": np.ones(NUMBER, np.float32)}
    return found | {"Muon": muons, "GenDressedLepton": dressed}


@pytest.fixture
def skim(tmp_path, settings, dataset):
    """The folder of results of a file."""

    def run(file: Path, region: dict = REGION, nature: str = "simulation") -> Path:
        chunk = tmp_path / "skim" / "x" / "000"
        chunk.parent.mkdir(parents=True, exist_ok=True)
        keys = settings(regions={"dijet": region})
        one = dataset(nature=nature, files=[str(file)])
        outputs = chunk.with_suffix(".parquet"), chunk.with_suffix(".json")
        skim_chunk(keys, one, "x", 1, [str(file)], *outputs)
        return chunk.with_suffix(".parquet")

    return run


def test_events_of_either_level_are_kept(skim, write, content, tmp_path) -> None:
    path = skim(write(tmp_path / "a.root", content))
    rows = next(events.iterate([path], events.columns(path)))
    assert rows.event.to_list() == [0, 1, 2, 3]
    assert rows.passes.to_list() == [True, True, True, False]
    assert rows.fiducial.to_list() == [True, True, False, True]
    assert rows.muon2_pt.to_list() == [50, 55, 30.5, 0]
    assert rows.gen_muon1_pt.to_list() == [62, 91, 0, 58]
    assert rows.n_muon.to_list() == [2, 3, 2, 0]
    assert rows.gen_n_muon.to_list() == [2, 2, 0, 2]
    assert rows.gen_track_jet1_tau1.to_list() == pytest.approx([0.25, 0.25, 0, 0.25])
    assert rows.track_jet1_tau1.to_list() == pytest.approx([0.2, 0.2, 0.2, 0])
    pt = np.hypot(62 + 49 * np.cos(0.3), 49 * np.sin(0.3))
    assert rows.gen_pt_ll[0] == pytest.approx(pt)
    assert rows.gen_pt_ll[2] == rows.pt_ll[3] == rows.y_ll[3] == 0
    assert "gen_y_ll" not in rows.fields
    pz, energy = 50 * np.sinh(0.5), 60 + 50 * np.cosh(0.5)
    assert rows.y_ll[0] == pytest.approx(np.arctanh(pz / energy))


def test_other_stages_see_what_passes_at_detector_level(skim, write, content, tmp_path, settings, dataset) -> None:
    path = skim(write(tmp_path / "a.root", content))
    manifest = tmp_path / "skim" / "x.json"
    merge(settings(regions={"dijet": REGION}), dataset(), "x", [path.with_suffix(".json")], manifest)
    opened = Dataset.open(manifest)
    assert opened.manifest.events == 3
    assert opened.read(["muon1_pt"]).event.to_list() == [0, 1, 2]
    (every,) = opened.iterate(["passes", "fiducial"], every=True)
    assert every.event.to_list() == [0, 1, 2, 3]
    assert every.passes.to_list() == [True, True, True, False]


def test_collisions_have_detector_level_alone(skim, write, content, tmp_path) -> None:
    del content["GenDressedLepton"], content["GenTrackJet"]
    path = skim(write(tmp_path / "a.root", content), nature="data")
    assert not [name for name in events.columns(path) if name.startswith(("gen_m", "gen_t", "fiducial", "passes"))]
    assert events.count(path) == 3


def test_a_broken_value_at_particle_level_costs_its_event(skim, write, content, tmp_path, settings, dataset) -> None:
    pt = ak.to_list(content["GenDressedLepton"].pt)
    pt[1][1] = np.nan
    content["GenDressedLepton"] = ak.with_field(content["GenDressedLepton"], ak.values_astype(pt, np.float32), "pt")
    keys = settings(regions={"dijet": REGION}, bad_files={"action": "skip", "retry_wait": 0})
    file, output = write(tmp_path / "a.root", content), tmp_path / "000.parquet"
    skim_chunk(keys, dataset(files=[str(file)]), "x", 1, [str(file)], output, output.with_suffix(".json"))
    assert next(events.iterate([output], [])).event.to_list() == [0, 2, 3]


def test_what_is_broken_in_an_event_of_particle_level_alone_stops_the_job(skim, write, content, tmp_path) -> None:
    pt = ak.to_list(content["GenDressedLepton"].pt)
    pt[3][1] = np.nan
    content["GenDressedLepton"] = ak.with_field(content["GenDressedLepton"], ak.values_astype(pt, np.float32), "pt")
    with pytest.raises(NotFiniteError, match=r"in 'GenDressedLepton_pt' \(1 selected event\)"):
        skim(write(tmp_path / "a.root", content))


def test_what_a_particle_level_cannot_be(skim, write, content, tmp_path) -> None:
    file = write(tmp_path / "a.root", content)
    with pytest.raises(ConfigError, match="large-radius jets have none; set jets to 0"):
        skim(file, REGION | {"jets": 1})
    level = REGION["particle_level"] | {"objects": {"photon": {}}}
    with pytest.raises(ConfigError, match=r"particle_level.objects.photon: no collection .* small_jet, track_jet"):
        skim(file, REGION | {"particle_level": level})
    level = REGION["particle_level"] | {"objects": {}}
    with pytest.raises(ConfigError, match=r"particle_level.observables: 'pt_ll' needs 'lepton'"):
        skim(file, REGION | {"particle_level": level})


def test_events_of_one_number_that_pass_at_particle_level_alone_are_no_copies(
    skim, write, content, tmp_path, settings, dataset
) -> None:
    content["event"][2:] = 3
    content["Muon"] = content["Muon"][[0, 1, 4, 3, 4, 5]]
    content["GenDressedLepton"] = content["GenDressedLepton"][[0, 1, 1, 3, 4, 5]]
    path = skim(write(tmp_path / "a.root", content))
    merge(
        settings(regions={"dijet": REGION}), dataset(), "x", [path.with_suffix(".json")], tmp_path / "skim" / "x.json"
    )
    (every,) = Dataset.open(tmp_path / "skim" / "x.json").iterate(["gen_muon1_pt"], every=True)
    assert every.gen_muon1_pt.to_list() == [62, 91, 91, 58]
