import dataclasses
import json
import time
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot
from coffea.nanoevents import NanoEventsFactory, PFNanoAODSchema
from typer.testing import CliRunner

from resonaut.core.errors import ConfigError, EmptySelectionError
from resonaut.simulate import nanoaod
from resonaut.simulate.chunk import simulate, slots
from resonaut.simulate.cli import app

MIXTURE = [{"process": "qcd", "events": 30}, {"process": "x_to_yy", "mass": 3500.0, "events": 10}]


def content(path: Path) -> dict[str, list]:
    with uproot.open(path) as file:
        return {name: file["Events"][name].array().to_list() for name in file["Events"].keys()}  # noqa: SIM118


def test_every_event_is_in_one_chunk(dataset) -> None:
    mixture = dataset(components=MIXTURE, events_per_chunk=15)
    chunks = [slots(mixture, "data", n) for n in range(mixture.n_chunks())]
    assert [len(chunk) for chunk in chunks] == [15, 15, 10]
    assert np.bincount(np.concatenate(chunks)).tolist() == [30, 10]


def test_the_mixture_has_no_order(dataset) -> None:
    mixture = dataset(components=[{"process": "qcd", "events": 5000}, {"process": "ww", "events": 5000}])
    signal = np.flatnonzero(np.concatenate([slots(mixture, "data", n) for n in range(mixture.n_chunks())]))
    # The mean place of 5,000 of 10,000 in random order: 4,999.5 with standard deviation 28.9.
    assert abs(signal.mean() - 4999.5) < 5 * 28.9
    assert slots(mixture, "data", 0).tolist() != slots(mixture, "other", 0).tolist()


@pytest.fixture(scope="module")
def files(simulate_config, dataset, tmp_path_factory) -> dict[str, Path]:
    """Two chunks of a blind mixture, the first of them twice, and one of simulation."""
    folder = tmp_path_factory.mktemp("simulate")
    data = dataset("data", components=MIXTURE)
    for name, entry, chunk in [("data_0", data, 0), ("again_0", data, 0), ("data_1", data, 1)]:
        simulate(simulate_config, entry, "data", chunk, folder / f"{name}.root")
    simulate(simulate_config, dataset(components=MIXTURE), "mc", 0, folder / "mc.root")
    return {path.stem: path for path in folder.glob("*.root")}


def test_same_config_same_bytes_at_any_time_and_place(files, tmp_path) -> None:
    assert content(files["data_0"]) != content(files["data_1"])
    assert files["data_0"].read_bytes() == files["again_0"].read_bytes()
    events = {"event": np.arange(3)}
    nanoaod.write(tmp_path / "a" / "one.root", events, nanoaod.runs(np.ones(3)))
    # ROOT's times are in seconds.
    time.sleep(1.1)
    nanoaod.write(tmp_path / "another.root", events, nanoaod.runs(np.ones(3)))
    assert (tmp_path / "a" / "one.root").read_bytes() == (tmp_path / "another.root").read_bytes()


def test_readers_can_tell_files_apart(files) -> None:
    """By the UUID, under which uproot keeps what it has read."""
    ids = {}
    for name, path in files.items():
        with uproot.open(path) as file:
            ids[name] = file.file.hex_uuid
    assert ids["data_0"] == ids["again_0"]
    assert len(set(ids.values())) == 3


def test_events_are_unique_and_ordered(files) -> None:
    numbers = [content(files[name])["event"] for name in ("data_0", "data_1")]
    assert numbers == [sorted(set(chunk)) for chunk in numbers]
    assert numbers[0][0] >= 1
    assert numbers[0][-1] <= 20 < numbers[1][0]
    assert numbers[1][-1] <= 40
    assert set(content(files["data_1"])["luminosityBlock"]) == {2}


def test_truth_is_only_in_simulation(files) -> None:
    data, simulation = content(files["data_0"]).keys(), content(files["mc"]).keys()
    assert {name for name in data if name.startswith(("Gen", "gen", "nGen", "LHE"))} == set()
    assert {"genWeight", "GenPart_pdgId", "GenPart_genPartIdxMother"} <= simulation
    with uproot.open(files["data_0"]) as file:
        assert file["Runs"].keys() == ["run"]
    with uproot.open(files["mc"]) as file:
        # All generated events, not only those that pass the filter.
        assert file["Runs"].arrays().to_list() == [
            {"run": 1, "genEventCount": 20, "genEventSumw": 20.0, "genEventSumw2": 20.0}
        ]
        assert file["Events"].num_entries < 20


def test_shower_weights_stay_with_their_events(simulate_config, dataset, tmp_path) -> None:
    """The weights of the events that pass a filter are those that the same events have without it."""
    filters = {"dijet": dataclasses.replace(simulate_config.filters["dijet"], pt_min=900)}
    weights = []
    for region in ("dijet", "elsewhere"):
        entry = dataset(region=region, shower_variations=True)
        path = tmp_path / f"{region}.root"
        simulate(dataclasses.replace(simulate_config, filters=filters), entry, "mc", 0, path)
        events = content(path)
        weights.append(dict(zip(events["event"], events["PSWeight"], strict=True)))
    passed, everything = weights
    assert 0 < len(passed) < len(everything) == 20
    assert {event: everything[event] for event in passed} == passed
    table = np.array(list(everything.values()))
    assert table.shape == (20, 4)
    assert len(np.unique(table)) > 70
    assert np.all(table > 0)


def test_only_simulation_has_variations(simulate_config, dataset, files, tmp_path) -> None:
    assert "PSWeight" not in content(files["mc"])
    with pytest.raises(ConfigError, match=r"datasets.x stands for collisions.* generator.shower_variations to false"):
        simulate(simulate_config, dataset("data", shower_variations=True), "x", 0, tmp_path / "0.root")


def test_coffea_follows_the_links(files, monkeypatch) -> None:
    # The schema expects leptons and other collections that a dijet search does not have.
    monkeypatch.setattr(PFNanoAODSchema, "warn_missing_crossrefs", False)
    events = NanoEventsFactory.from_root(
        {str(files["mc"]): "Events"}, schemaclass=PFNanoAODSchema, mode="eager"
    ).events()
    candidates = events.FatJetPFCands.pf
    assert ak.num(candidates.pt).to_list() == ak.num(events.PFCands.pt).to_list()
    for jet in range(2):
        inside = candidates[events.FatJetPFCands.jetIdx == jet]
        assert ak.num(inside.pt).to_list() == events.FatJet.nConstituents[:, jet].to_list()
        energy = ak.sum(np.sqrt((inside.pt * np.cosh(inside.eta)) ** 2 + inside.mass**2), axis=1)
        assert ak.to_numpy(energy) == pytest.approx(ak.to_numpy(events.FatJet.energy[:, jet]), rel=1e-4)
        assert ak.all(inside.pt[:, 1:] <= inside.pt[:, :-1])
    assert ak.all(events.FatJet.pt[:, 1:] <= events.FatJet.pt[:, :-1])


def test_a_region_without_filter_stores_all(simulate_config, dataset, tmp_path) -> None:
    entry = dataset(region="elsewhere", components=[{"process": "qcd", "events": 20}])
    simulate(simulate_config, entry, "all", 0, tmp_path / "0.root")
    assert content(tmp_path / "0.root")["event"] == list(range(1, 21))


def test_no_event_passes(simulate_config, dataset, tmp_path) -> None:
    impossible = dataclasses.replace(simulate_config.filters["dijet"], pt_min=1e5)
    config = dataclasses.replace(simulate_config, filters={"dijet": impossible})
    simulate(config, dataset(components=[{"process": "qcd", "events": 5}]), "none", 0, tmp_path / "0.root")
    assert content(tmp_path / "0.root")["FatJet_pt"] == []


def test_mistakes_are_one_sentence(simulate_config, dataset, tmp_path) -> None:
    entry = dataset()
    with pytest.raises(ConfigError, match=r"datasets.x has chunks 0 to 1, not 2\."):
        simulate(simulate_config, entry, "x", 2, tmp_path / "0.root")
    with pytest.raises(ConfigError, match="no 'generator'"):
        simulate(simulate_config, dataclasses.replace(entry, generator=None), "x", 0, tmp_path / "0.root")
    nothing = dataset(components=[{"process": "qcd", "events": 0}])
    with pytest.raises(EmptySelectionError, match="no events"):
        simulate(simulate_config, nothing, "x", 0, tmp_path / "0.root")


def test_command_reads_the_frozen_keys(simulate_config, dataset, tmp_path) -> None:
    entry = dataset(components=[{"process": "qcd", "events": 5}])
    frozen = {"simulate": dataclasses.asdict(simulate_config), "dataset": dataclasses.asdict(entry)}
    (tmp_path / "keys.json").write_text(json.dumps(frozen))
    output = tmp_path / "out" / "000.root"
    words = ["chunk", "--config", str(tmp_path / "keys.json")]
    result = CliRunner().invoke(app, [*words, "--name", "qcd", "--chunk", "0", "--output", str(output)])
    assert result.exit_code == 0, result.output
    assert output.is_file()
