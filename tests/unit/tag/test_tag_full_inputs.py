"""The inputs `full`: charge, kind and impact parameters beside the kinematic features."""

import json

import awkward as ak
import numpy as np
import pytest
import torch

from resonaut.core.errors import ConfigError, InputFileError
from resonaut.core.record import build
from resonaut.simulate.tracks import impact_parameters
from resonaut.tag import networks
from resonaut.tag.architectures import require_consistent
from resonaut.tag.inputs import FEATURES, columns, jet_inputs, names
from resonaut.tag.objective import Jets
from resonaut.tag.sample import Sample, load
from resonaut.tag.settings import TagConfig
from resonaut.tag.tagger import load as load_tagger


@pytest.fixture
def with_tracks(make_events):
    """A function: random events whose constituents have charges, kinds and impact parameters (cm)."""

    def make(n: int, seed: int) -> ak.Array:
        events, rng = make_events(n, seed), np.random.default_rng(seed)
        for jet in ("j1", "j2"):
            counts = ak.num(events[f"{jet}_pf_pt"])
            total = int(ak.sum(counts))
            kind = rng.choice([211, -211, 130, 22, 11, -13], total)
            track = np.isin(np.abs(kind), (211, 11, 13))
            values = {"charge": np.sign(kind) * track, "pdgid": kind}
            for name in ("d0", "dz"):
                values[name] = np.where(track, rng.normal(0, 0.02, total), 0).astype("f4")
                values[f"{name}_error"] = np.where(track, rng.uniform(0.001, 0.2, total), 0).astype("f4")
            for name, of in values.items():
                events[f"{jet}_pf_{name}"] = ak.unflatten(of, counts)
        return events

    return make


def test_features_of_tracks_have_jetclass_units_and_sign(with_tracks) -> None:
    events = with_tracks(40, 5)
    full, plain = jet_inputs(events, "j1", 12, "full"), jet_inputs(events, "j1", 12)
    np.testing.assert_array_equal(full.features[:, : len(FEATURES)], plain.features)
    found = dict(zip(names("full"), full.features.transpose(1, 0, 2), strict=True))
    counts = full.counts
    for name, column, value in (
        ("charge", "charge", lambda x: x),
        ("is_charged_hadron", "pdgid", lambda x: np.abs(x) == 211),
        ("is_neutral_hadron", "pdgid", lambda x: x == 130),
        ("is_photon", "pdgid", lambda x: x == 22),
        ("is_electron", "pdgid", lambda x: np.abs(x) == 11),
        ("is_muon", "pdgid", lambda x: np.abs(x) == 13),
        # mm, and d0 with the sign of Delphes.
        ("tanh_d0", "d0", lambda x: np.tanh(-10 * x)),
        ("tanh_dz", "dz", lambda x: np.tanh(10 * x)),
        ("d0_error", "d0_error", lambda x: np.minimum(10 * x, 1)),
        ("dz_error", "dz_error", lambda x: np.minimum(10 * x, 1)),
    ):
        for jet in range(len(events)):
            stored = value(ak.to_numpy(events[f"j1_pf_{column}"][jet])[: counts[jet]])
            np.testing.assert_allclose(found[name][jet, : counts[jet]], stored, rtol=1e-5, err_msg=name)


def test_significances_have_the_sign_of_the_lifetime() -> None:
    # A decay 0.5 cm along the jet, two tracks to the left and right of it, one along it, and a photon.
    axis, flight = {"eta": -0.4, "phi": 3.0}, 0.5
    eta, phi = np.array([-0.5, -0.25, -0.4, -0.3]), np.array([3.1, 2.8, 3.0, 3.05])
    point = np.tile(flight * np.array([np.cos(axis["phi"]), np.sin(axis["phi"]), np.sinh(axis["eta"])]), (4, 1))
    d0, dz = impact_parameters(point, eta, phi)
    columns = {"j1_pt": [90.0], "j1_eta": [axis["eta"]], "j1_phi": [axis["phi"]], "j1_mass": [5.0]}
    lists = {"pt": [40.0, 30.0, 20.0, 10.0], "eta": eta, "phi": phi, "mass": np.zeros(4)}
    lists |= {"charge": [1, 1, 1, 0], "pdgid": [211, 211, 211, 22]}
    lists |= {"d0": np.where(np.arange(4) < 3, d0, 0), "dz": np.where(np.arange(4) < 3, dz, 0)}
    lists |= {f"{name}_error": [0.01, 0.01, 0.01, 0] for name in ("d0", "dz")}
    events = ak.zip(columns | {f"j1_pf_{name}": ak.Array([list(of)]) for name, of in lists.items()}, depth_limit=1)
    found = jet_inputs(events, "j1", 4, "flavour")
    assert found.features.shape == (1, 19, 4)
    transverse, longitudinal = found.features[0, -2:]
    np.testing.assert_allclose(transverse[:2], np.arcsinh(np.abs(d0[:2]) / 0.01), rtol=1e-4)
    np.testing.assert_allclose(longitudinal[:2], np.arcsinh(np.abs(dz[:2]) / 0.01), rtol=1e-4)
    np.testing.assert_allclose(found.features[0, -2:, 2:], 0, atol=1e-4)
    # From behind, all signs are turned.
    for name in ("j1_pf_d0", "j1_pf_dz"):
        events[name] = -events[name]
    behind = jet_inputs(events, "j1", 4, "flavour").features[0, -2:, :2]
    np.testing.assert_allclose(behind, -found.features[0, -2:, :2])
    seen = jet_inputs(events, "j1", 4, "flavour").seen("full")
    np.testing.assert_array_equal(seen.features, jet_inputs(events, "j1", 4, "full").features)


NETWORKS = {
    "gat": {"architecture": "graph_attention", "tracks": {"width": 8, "heads": 2, "layers": 2, "dense": [6]}},
    "transformer": {"architecture": "track_transformer", "tracks": {"width": 8, "heads": 4, "layers": 2, "dense": []}},
    "sets": {"architecture": "deep_sets", "dropout": 0.1},
    "lstm": {"architecture": "recurrent"},
}


@pytest.mark.parametrize("kind", ["flavour", "kinematic"])
@pytest.mark.parametrize("name", ["part", "particlenet", *NETWORKS])
def test_graphs_give_the_modules_scores(section, with_tracks, tmp_path, name: str, kind: str) -> None:
    given = section["networks"] | NETWORKS
    network = build(section | {"networks": {name: given[name] | {"inputs": kind}}}, TagConfig, "tag").networks[name]
    torch.manual_seed(3)
    module = networks.build(network).eval()
    networks.save(tmp_path / "model.npz", name, network, module.state_dict())
    inputs = jet_inputs(with_tracks(30, 6), "j1", network.max_constituents, kind)
    scores = networks.from_module(name, network, module, "cpu").scores(inputs, 16)
    np.testing.assert_allclose(load_tagger(tmp_path / "model.npz", "cpu").scores(inputs, 16), scores, atol=1e-5)
    assert scores.std(axis=0).min() > 1e-4
    # Neither padding nor the other jets of a batch count.
    alone = networks.from_module(name, network, module, "cpu")
    np.testing.assert_allclose(
        np.concatenate([alone.scores(inputs.take(np.array([i])), 1) for i in range(5)]), scores[:5], atol=1e-5
    )


def test_heads_that_do_not_divide_the_width_are_refused(section) -> None:
    wrong = {"gat": NETWORKS["gat"] | {"tracks": {"width": 8, "heads": 3}}}
    network = build(section | {"networks": wrong}, TagConfig, "tag").networks["gat"]
    with pytest.raises(ConfigError, match="3 heads do not divide the width, 8"):
        require_consistent("gat", network)


def test_charge_and_kind_are_not_moved_against_a_network(with_tracks) -> None:
    events = with_tracks(60, 7)
    one = np.zeros(len(events), int)
    jets = Jets.of(Sample(jet_inputs(events, "j1", 12, "full"), one, one, one), np.ones(len(events)), "cpu")
    moved = dict(zip(names("full"), (jets.spreads[0] > 0).tolist(), strict=True))
    integers = {"charge", *(name for name in moved if name.startswith("is_"))}
    assert {name for name, moves in moved.items() if not moves} == integers


def test_events_without_tracks_are_one_sentence(section, labelled) -> None:
    section["networks"]["part"]["inputs"] = "full"
    settings = build(json.loads(json.dumps(section)), TagConfig, "tag")
    assert set(columns("j1")) < set(columns("j1", "full"))
    with pytest.raises(InputFileError, match="j1_pf_charge"):
        load(labelled, settings, settings.networks["part"], "train")
