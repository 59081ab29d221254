"""Taggers on toy jets whose answers are known: prongs told apart, nothing learnt where there is nothing."""

import awkward as ak
import numpy as np
import pytest

from resonaut.core.record import build
from resonaut.learn.training import deterministic
from resonaut.tag import networks, training
from resonaut.tag.architectures import networks as architectures
from resonaut.tag.inputs import jet_inputs
from resonaut.tag.learning import Labelled, learn
from resonaut.tag.roc import measure
from resonaut.tag.sample import Sample
from resonaut.tag.settings import TagConfig

SECTION = {
    "training": {"epochs": 6, "batch_size": 32, "pt_bins": 1},
    "networks": {
        "part": {
            "architecture": "particle_transformer",
            "max_constituents": 16,
            "outputs": ["qcd", "2prong"],
            "transformer": {"embed_dims": [16], "pair_embed_dims": [8], "layers": 1},
        },
        "particlenet": {
            "architecture": "particle_net",
            "max_constituents": 16,
            "outputs": ["qcd", "2prong"],
            "edge_conv": {"neighbours": 4, "channels": [[8], [16]], "dense": [16]},
        },
        **{
            name.replace("_", ""): {"architecture": name, "max_constituents": 16, "outputs": ["qcd", "2prong"]}
            for name in ("boosted_trees", "dense_network", "recurrent", "jet_image", "deep_sets")
        },
    },
}
NAMES = tuple(SECTION["networks"])


@pytest.fixture
def settings():
    return build(SECTION, TagConfig, "tag")


def toy_jets(prongs, seed):
    """One jet per entry of ``prongs``: so many axes 0.3 from the jet's, particles 0.1 around the axes."""
    rng = np.random.default_rng(seed)
    n, particles = len(prongs), 20
    turn = (
        rng.uniform(0, 2 * np.pi, n)[:, None]
        + 2 * np.pi * rng.integers(prongs[:, None], size=(n, particles)) / (prongs[:, None])
    )
    distance = np.where(prongs == 1, 0.0, 0.3)[:, None]
    pt = -np.sort(-rng.exponential(40, (n, particles)), axis=1)
    eta = distance * np.cos(turn) + rng.normal(0, 0.1, (n, particles))
    phi = distance * np.sin(turn) + rng.normal(0, 0.1, (n, particles))
    columns = {"j1_pt": pt.sum(axis=1), "j1_eta": np.zeros(n), "j1_phi": np.zeros(n), "j1_mass": np.full(n, 100.0)}
    columns |= {"j1_pf_pt": pt, "j1_pf_eta": eta, "j1_pf_phi": phi, "j1_pf_mass": np.zeros((n, particles))}
    return ak.zip({name: ak.from_numpy(values, regulararray=False) for name, values in columns.items()}, depth_limit=1)


def sample(prongs, seed):
    jets = toy_jets(prongs, seed)
    return Sample(jet_inputs(jets, "j1", 16), prongs - 1, ak.to_numpy(jets.j1_pt), np.full(len(jets), 100.0))


def trained(settings, name, seen, held_out):
    network = settings.networks[name]
    if architectures()[network.architecture].learner:
        given = (Labelled(one.inputs, one.labels, np.ones(len(one))) for one in (seen, held_out))
        return learn(name, network, settings, *given)[0]
    module, _ = training.train(network, settings, seen, held_out)
    return networks.from_module(name, network, module, "cpu")


def trained_auc(settings, name, seen, held_out):
    network = settings.networks[name]
    scores = trained(settings, name, seen, held_out).scores(held_out.inputs, 64)
    return measure(scores, held_out.labels, network.classes, network.background).auc["2prong"]


@pytest.mark.parametrize("name", NAMES)
def test_two_prongs_are_told_from_one(name, settings):
    prongs = np.arange(600) % 2 + 1
    auc = trained_auc(settings, name, sample(prongs, 1), sample(prongs, 2))
    assert auc > 0.97


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_learnt_from_shuffled_labels(name, settings):
    rng = np.random.default_rng(3)
    prongs = np.full(600, 2)
    seen, held_out = sample(prongs, 1), sample(prongs, 2)
    seen, held_out = (Sample(s.inputs, rng.integers(0, 2, 600), s.pt, s.softdrop_mass) for s in (seen, held_out))
    # The AUC of no separation varies by 1/sqrt(12 · 300 · 300 / 601) = 0.024.
    assert trained_auc(settings, name, seen, held_out) == pytest.approx(0.5, abs=4 * 0.024)


@pytest.mark.parametrize("name", NAMES[:2])
def test_the_order_of_the_constituents_does_not_matter(name, settings):
    deterministic(1)
    network = settings.networks[name]
    tagger = networks.from_module(name, network, networks.build(network), "cpu")
    jets = toy_jets(np.full(20, 2), 4)
    turned = ak.zip(
        {field: jets[field][:, ::-1] if "_pf_" in field else jets[field] for field in jets.fields}, depth_limit=1
    )
    # Both with all 20 places filled, so that the order alone differs.
    one, other = (tagger.outputs(jet_inputs(jets, "j1", 20)) for jets in (jets, turned))
    np.testing.assert_allclose(one, other, atol=1e-5)
    assert one.std(axis=0).min() > 1e-3
