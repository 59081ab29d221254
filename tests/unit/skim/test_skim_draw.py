"""Pseudo-data that are drawn from weighted simulation."""

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
from typer.testing import CliRunner

from resonaut.core import events, identifier
from resonaut.core.errors import ConfigError
from resonaut.core.events import Dataset
from resonaut.core.weights import Factor, Weights
from resonaut.skim.cli import app
from resonaut.skim.draw import draw

NUMBER, LUMINOSITY = 20_000, 10.0
FACTOR = {"reweight": Factor("reweight").metadata(), "reweight_folds": Factor("reweight", "folds", "toys").metadata()}


@pytest.fixture
def simulation(tmp_path, write_skimmed):
    """A function: the manifest of simulation of 0.04 fb an event, in two chunks, half of it with half the weight.

    ``x`` is uniform; the friend ``reweight`` is 1.5 x.
    """

    def write(name: str = "qcd", cross_section: float = 0.04, run: int = 1) -> Path:
        x = np.random.default_rng(run).uniform(size=NUMBER)
        columns = {"run": np.full(NUMBER, run), "luminosityBlock": np.zeros(NUMBER, int), "event": np.arange(NUMBER)}
        columns |= {"gen_weight": np.ones(NUMBER), "pileup": np.where(np.arange(NUMBER) % 2, 1.0, 0.5), "x": x}
        columns |= {"pileup_up": columns["pileup"], "j1_prongs": np.zeros(NUMBER, np.int8), "gen_x": x}
        columns |= {"shower_weight": ak.from_regular(np.ones((NUMBER, 2)))}
        notes = {"pileup": Factor("pileup").metadata(), "pileup_up": Factor("pileup", "pileup", "up").metadata()}
        halves = [slice(0, NUMBER // 2), slice(NUMBER // 2, None)]
        tables = [[events.table({n: v[half] for n, v in columns.items()}, name)] for half in halves]
        path = write_skimmed(
            tmp_path, name, tables, {"x": "GeV"}, notes, weight_scale=cross_section, events=NUMBER, luminosity=None
        )
        dataset = Dataset.open(path)
        for chunk in dataset.manifest.chunks:
            batches = []
            for batch in dataset.iterate_chunk(chunk, ["x"]):
                weight = 1.5 * ak.to_numpy(batch.x)
                friend = ak.with_field(batch[list(events.KEY)], weight, "reweight")
                toys = ak.from_regular(np.stack([weight, 9 * weight], axis=1))
                batches.append(ak.with_field(friend, toys, "reweight_folds"))
            events.write(dataset.path("reweight", chunk), batches, {}, FACTOR)
        return path

    return write


def drawn(tmp_path: Path, *parts: Path, seed: int = 1, luminosity: float = LUMINOSITY) -> Dataset:
    weighted = {path.stem: ["reweight"] for path in parts}
    draw(parts, [], weighted, luminosity, seed, tmp_path / "skim" / "pseudo.json")
    return Dataset.open(tmp_path / "skim" / "pseudo.json")


def test_events_are_drawn_once_with_all_their_weights(tmp_path, simulation):
    found = drawn(tmp_path, simulation(), simulation("tt", run=2))
    assert found.manifest.nature == "pseudo_data"
    assert found.manifest.luminosity == LUMINOSITY
    assert found.manifest.notes == ["drawn from qcd + tt with the weights of skim, reweight; 0.00% lack"]
    assert found.manifest.chunks == ["qcd-000", "qcd-001", "tt-000", "tt-001"]
    pseudo = found.read(["x", "weight"])
    assert len(pseudo) == found.manifest.events
    assert len(np.unique(identifier.keys(pseudo))) == len(pseudo)
    # Weight 1, and the density of 1.5 x of which half the events have the weight 1/2.
    assert ak.all(pseudo.weight == 1)
    expected = LUMINOSITY * 0.04 * 0.75 * 1.5 * np.diff(np.linspace(0, 1, 11) ** 2) / 2 * 2 * NUMBER
    counts = np.histogram(ak.to_numpy(pseudo.x), np.linspace(0, 1, 11))[0]
    assert np.sum((counts - expected) ** 2 / expected) < 32
    assert ak.mean(pseudo.event % 2) == pytest.approx(2 / 3, abs=0.02)


def test_pseudo_data_have_the_columns_of_data(tmp_path, simulation):
    found = drawn(tmp_path, simulation())
    path = found.path("skim", "qcd-000")
    assert events.columns(path) == [*events.KEY, "gen_weight", "x"]
    assert events.metadata(path)["x"]["unit"] == "GeV"
    assert Weights.of(found, ()).factors == {}


def test_another_seed_draws_others_and_the_same_one_the_same_bytes(tmp_path, simulation):
    path = simulation()
    first = {p.name: p.read_bytes() for p in (drawn(tmp_path, path).results / "skim" / "pseudo").iterdir()}
    again = {p.name: p.read_bytes() for p in (drawn(tmp_path, path).results / "skim" / "pseudo").iterdir()}
    assert first == again
    one, other = (identifier.keys(drawn(tmp_path, path, seed=seed).read(["x"])) for seed in (1, 2))
    # Of events with the probability p: p^2 is shared.
    assert len(np.intersect1d(one, other)) < 0.6 * len(one)
    # The draw knows nothing of the folds.
    folds = np.bincount(identifier.folds(one, 5, 1))
    assert np.sum((folds - folds.mean()) ** 2 / folds.mean()) < 20


def test_events_that_count_more_than_once_are_refused(tmp_path, simulation):
    path = simulation()
    with pytest.raises(ConfigError, match=r"datasets\.pseudo: 40/fb cannot be drawn .*\(up to 16\.7/fb none"):
        drawn(tmp_path, path, luminosity=40)
    assert drawn(tmp_path, path, luminosity=16.7).manifest.events > 0


def test_the_command_draws(tmp_path, simulation):
    output = tmp_path / "skim" / "pseudo.json"
    command = ["draw", simulation(), "--output", output, "--luminosity", 10, "--seed", 3, "--weights", "qcd=reweight"]
    assert CliRunner().invoke(app, list(map(str, command))).exit_code == 0
    number = Dataset.open(output).manifest.events
    assert number == drawn(tmp_path, tmp_path / "skim" / "qcd.json", seed=3).manifest.events
