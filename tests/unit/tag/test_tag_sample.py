import dataclasses

import awkward as ak
import numpy as np
import pytest

from resonaut.core.errors import EmptySelectionError
from resonaut.tag import sample


def test_a_background_jet_is_qcd_and_a_signal_jet_counts_by_its_decay(settings):
    found = [[], [1], [5, -5], [1, -2, 5], [5, 4, -3, 2], [1, 1, 1, 1, 1], [5, -5, 11, -12]]
    batch = ak.Array({"j1_decay_pdgid": found})
    network = settings.networks["part"]
    assert network.classes == ["qcd", "2prong", "3prong", "4prong"]
    assert sample.class_index(batch, "j1", False, network).tolist() == [-1, -1, 1, 2, 3, -1, 1]
    assert sample.class_index(batch, "j1", True, network).tolist() == [0] * 7
    named = {"outputs": ["heavy", "light"], "decays": {"light": ["qcd", "cc"], "heavy": ["bb", "bqq"]}}
    network = dataclasses.replace(network, **named)
    assert sample.class_index(batch, "j1", True, network).tolist() == [1] * 7
    assert sample.class_index(batch, "j1", False, network).tolist() == [-1, -1, 0, 0, -1, -1, -1]


def test_training_and_held_out_jets_are_bounded_and_disjoint(simulation, settings):
    opened = sample.Simulation.open(simulation[:1], simulation[1:])
    network = settings.networks["part"]
    seen = sample.load(opened, settings, network, "train")
    held_out = sample.load(opened, settings, network, "held_out")
    for jets, most in ((seen, 40), (held_out, 30)):
        counts = np.bincount(jets.labels, minlength=4)
        assert (counts >= 20).all()
        assert (counts <= most).all()
        assert len(jets.inputs) == len(jets.pt) == len(jets)
        assert jets.inputs.features.shape[1:] == (7, 10)
    assert np.bincount(seen.labels)[0] >= 39  # enough jets for the bound, up to the event's other jet
    both = np.concatenate([seen.inputs.vectors, held_out.inputs.vectors]).reshape(len(seen) + len(held_out), -1)
    assert len(np.unique(both, axis=0)) == len(both)


def test_training_jets_come_from_marked_events_only(make_events, write_dataset, settings):
    batch = make_events(120, 3)
    paths = write_dataset("qcd", [make_events(120, 4)]), write_dataset("signal", [batch])
    marked = sample.in_training(batch, settings)
    jets = sample.load(sample.Simulation.open(paths[:1], paths[1:]), settings, settings.networks["part"], "train")
    trained = set(jets.pt[jets.labels > 0].tolist())
    assert trained <= set(ak.concatenate([batch.j1_pt[marked], batch.j2_pt[marked]]).tolist())
    assert not trained & set(ak.concatenate([batch.j1_pt[~marked], batch.j2_pt[~marked]]).tolist())


def test_published_weights_mark_nothing(make_events, settings):
    batch = make_events(200, seed=1)
    assert 60 < sample.in_training(batch, settings).sum() < 140
    networks = {name: dataclasses.replace(n, weights="some.pt") for name, n in settings.networks.items()}
    published = dataclasses.replace(settings, networks=networks)
    assert not sample.in_training(batch, published).any()


def test_a_class_without_jets_is_an_error_that_names_it(make_events, write_dataset, settings):
    batch = make_events(100, 2)
    for jet, prongs in (("j1", 2), ("j2", 4)):
        quarks = ak.unflatten(np.ones(100 * prongs, "i1"), prongs)
        batch = ak.with_field(batch, quarks, f"{jet}_decay_pdgid")
    paths = [write_dataset("qcd", [make_events(80, 1)]), write_dataset("s", [batch])]
    with pytest.raises(EmptySelectionError, match="only 0 jets of class '3prong'"):
        sample.load(sample.Simulation.open(paths[:1], paths[1:]), settings, settings.networks["part"], "train")


def test_events_that_pass_only_in_a_variation_train_nothing(simulation, settings, add_failing):
    network = settings.networks["part"]
    before = sample.load(sample.Simulation.open(simulation[:1], simulation[1:]), settings, network, "train")
    assert all(add_failing(path) for path in simulation)
    after = sample.load(sample.Simulation.open(simulation[:1], simulation[1:]), settings, network, "train")
    np.testing.assert_array_equal(after.inputs.vectors, before.inputs.vectors)
    np.testing.assert_array_equal(after.labels, before.labels)
