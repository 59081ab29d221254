"""Training jets that are not all in memory, and trainings that go on where they were killed."""

import dataclasses
import itertools
import json

import numpy as np
import pytest
import torch

from resonaut.core.errors import ConfigError
from resonaut.core.record import build
from resonaut.learn import checkpoint
from resonaut.tag import sample, training
from resonaut.tag.selection import BINS, select
from resonaut.tag.settings import NetworkTraining
from resonaut.tag.stream import Stream


class Part:
    def __init__(self, hashes, labels):
        self.known = hashes, labels

    def labels(self):
        return self.known


@pytest.fixture
def parts():
    """Twelve parts with jets of three classes, some with the hash of another."""
    rng = np.random.default_rng(1)
    hashes = rng.uniform(size=6000).round(5)
    return [Part(h, rng.choice(3, len(h), p=[0.8, 0.15, 0.05])) for h in np.array_split(hashes, 12)]


@pytest.mark.parametrize("most", [1, 37, 200, 1000, 10**6])
def test_the_smallest_hashes_are_found_as_if_all_were_sorted(parts, most):
    low, high = 0.1, 0.7
    found = select(parts, 3, low, high, most)
    hashes, labels = (np.concatenate(values) for values in zip(*(part.labels() for part in parts), strict=True))
    for label in range(3):
        inside = np.sort(hashes[(labels == label) & (hashes >= low) & (hashes < high)])
        assert found.ends[label] == (high if len(inside) <= most else inside[most])
    for part, counts in zip(parts, found.counts, strict=True):
        h, n = part.labels()
        np.testing.assert_array_equal(counts, np.bincount(n[(h >= low) & (h < found.ends[n])], minlength=3))


def test_jets_that_share_a_bin_of_the_hash_are_told_apart():
    hashes = np.linspace(0.5, 0.5 + 0.4 / BINS, 101)
    found = select([Part(hashes, np.zeros(101, int))], 1, 0.0, 1.0, 40)
    assert found.ends[0] == hashes[40]
    assert found.counts.tolist() == [[40]]


@pytest.fixture
def many(make_events, write_dataset, settings):
    """400 QCD and 500 signal events in parts of 50, and settings with which 100 jets are in memory."""
    qcd = write_dataset("qcd", [make_events(50, seed) for seed in range(8)])
    signal = write_dataset("signal", [make_events(50, 10 + seed) for seed in range(10)])
    plan = dataclasses.replace(settings.training, max_jets=100, batch_size=10, jets_in_memory=100, epochs=2)
    return sample.Simulation.open([qcd], [signal]), dataclasses.replace(settings, training=plan)


@pytest.fixture
def stream(many):
    source, settings = many
    stored = sample.choose(source, settings, settings.networks["part"], "train")
    return Stream(stored, settings.training, 1, 1, "cpu")


def seen(stream, epoch, batch=0):
    """The momenta of the first constituents of each batch of an epoch."""
    shard = [stream.first]
    batches = next(stream.passes(epoch, batch, lambda jets: shard.__setitem__(0, jets)))
    return [shard[0].inputs[1][rows, 0, 0].tolist() for rows in batches]


def test_every_epoch_sees_all_jets_once_in_shards_of_their_own(stream):
    assert stream.shards == 4
    everything = sorted(stream.stored.read().inputs.vectors[:, 0, 0].tolist())
    epochs = [seen(stream, epoch) for epoch in (1, 2)]
    for batches in epochs:
        assert len(batches) == stream.steps == len(stream.stored) // 10
        assert sorted(itertools.chain(*batches)) == everything
    assert epochs[0] != epochs[1]
    assert seen(stream, 1) == epochs[0]
    for epoch in (1, 2, 3):
        for shard, steps in stream.dealt(epoch):
            shares = stream.stored.selection.counts[shard].sum(axis=0)
            assert stream.size(shard) <= 200
            assert abs(steps - stream.size(shard) / 10) <= 1.1
            assert shares[0] > 0


def test_a_pass_goes_on_after_any_batch(stream):
    whole = seen(stream, 3)
    for batch in (0, 1, 7, 12, 25, 30, 10**4):
        assert seen(stream, 3, batch) == whole[batch:]


def test_a_fair_sample_stands_for_all_jets(stream):
    everything = stream.stored.read()
    first = stream.begin()
    assert 0.15 < len(first.labels) / len(everything) < 0.35
    found, true = (np.bincount(labels, minlength=4) / len(labels) for labels in (first.labels, everything.labels))
    np.testing.assert_allclose(found, true, atol=0.12)
    assert stream.first is None


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            {"accumulate": 300, "jets_in_memory": 10**5},
            r"accumulate: \d+ training jets make no 300 batches of at least 2",
        ),
        ({"accumulate": 20}, r"jets_in_memory: 100 jets are fewer than the 200 of a step"),
    ],
)
def test_a_step_without_jets_is_one_sentence(many, changed, sentence):
    source, settings = many
    stored = sample.choose(source, settings, settings.networks["part"], "train")
    with pytest.raises(ConfigError, match=sentence):
        Stream(stored, dataclasses.replace(settings.training, **changed), 1, 1, "cpu")


class Killed(BaseException):
    """What no training survives."""


def killed_after(monkeypatch, saves):
    """Have the process die after so many checkpoints, and never thereafter."""
    save, number = checkpoint.Checkpoint.save, itertools.count(1)

    def once(self, *words):
        save(self, *words)
        if next(number) == saves:
            raise Killed

    monkeypatch.setattr(checkpoint.Checkpoint, "save", once)


SPECIAL = {
    "plain": ({}, {}),
    "streamed": ({}, {"jets_in_memory": 60, "accumulate": 2, "precision": "bfloat16", "schedule": "cosine"}),
    "early": (
        {"decorrelation": {"method": "adversary", "strength": 1}},
        {"batch_size": 128, "patience": 2, "max_jets": 200, "epochs": 3},
    ),
    "robust": ({"robust": {"every": 2}, "domain": {"other": "simulation"}}, {"jets_in_memory": 60}),
}


@pytest.mark.parametrize("kind", SPECIAL)
def test_a_killed_training_ends_with_the_same_weights(kind, settings, many, other, tmp_path, monkeypatch):
    source, (own, plan) = many[0], SPECIAL[kind]
    network = dataclasses.replace(settings.networks["part"], dropout=0.2, training=build(own, NetworkTraining, ""))
    plan = dataclasses.replace(settings.training, **plan)
    settings = dataclasses.replace(settings, networks={"part": network}, training=plan)
    seen = sample.choose(source, settings, network, "train")
    judged = sample.load(source, settings, network, "validation" if plan.patience else "held_out")
    others = sample.load(sample.Simulation.open(other[:1], other[1:2]), settings, network, "train")
    steps, step = [], torch.optim.AdamW.step
    monkeypatch.setattr(torch.optim.AdamW, "step", lambda self: steps.append(1) or step(self))

    def trained(name):
        run = training.Run(tmp_path / f"{name}.checkpoint", 1)
        module, loss = training.train(network, settings, seen, judged, others, run)
        return {key: values.tolist() for key, values in module.state_dict().items()}, loss

    whole, total = trained("whole"), len(steps)
    done = np.random.default_rng(sum(map(ord, kind))).integers(1, total + 1)
    with monkeypatch.context() as patch:
        killed_after(patch, done)
        with pytest.raises(Killed):
            trained("killed")
    assert trained("killed") == whole
    # It did go on, and not begin anew.
    assert len(steps) == 2 * total


def test_a_checkpoint_of_other_settings_inputs_or_code_is_left_alone(settings, labelled, tmp_path, monkeypatch, caplog):
    run, files = training.Run(tmp_path / "c.checkpoint", 1), (tmp_path / "m.npz", tmp_path / "m.json")
    training.make_model(settings, "part", labelled, *files)
    whole = files[0].read_bytes()

    def kill(of):
        with monkeypatch.context() as patch:
            killed_after(patch, 3)
            with pytest.raises(Killed):
                training.make_model(of, "part", labelled, *files, run=run)

    kill(dataclasses.replace(settings, seed=2))
    training.make_model(settings, "part", labelled, *files, run=run)
    assert "a checkpoint of another configuration, other inputs or other code; the training begins anew" in caplog.text
    assert files[0].read_bytes() == whole
    kill(settings)
    caplog.clear()
    chunk = labelled.background[0].path("skim", labelled.background[0].manifest.chunks[0])
    chunk.touch()
    training.make_model(settings, "part", labelled, *files, run=run)
    assert "other inputs" in caplog.text
    run.checkpoint.write_bytes(b"no checkpoint")
    training.make_model(settings, "part", labelled, *files, run=run)
    assert "c.checkpoint: not a checkpoint, or a damaged one; the training begins anew" in caplog.text
    assert files[0].read_bytes() == whole


def test_one_shard_or_many_train_alike(many, tmp_path):
    source, settings = many
    areas = []
    for memory in (100, 1000):
        plan = dataclasses.replace(settings.training, jets_in_memory=memory)
        of = dataclasses.replace(settings, training=plan)
        training.make_model(of, "particlenet", source, tmp_path / "m.npz", tmp_path / "m.json")
        summary = json.loads((tmp_path / "m.json").read_text())
        assert summary["train_jets"] == dict.fromkeys(summary["classes"], 100)
        areas.append(summary["loss"]["train"])
    np.testing.assert_allclose(*areas, rtol=0.1)
