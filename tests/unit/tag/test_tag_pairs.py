"""Pairs of constituents as a further task, and what flavour taggers learn of tracks."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import torch

from resonaut.core.errors import ConfigError
from resonaut.core.record import build
from resonaut.learn.training import deterministic
from resonaut.tag import networks, targets, training
from resonaut.tag.heads import Pairs, _of_pairs, heads
from resonaut.tag.inputs import jet_inputs
from resonaut.tag.objective import Jets
from resonaut.tag.sample import Sample, Stored
from resonaut.tag.selection import Selection
from resonaut.tag.settings import AuxiliaryConfig, TagConfig

TASKS = {
    "origin": {"target": "pf_origin", "classes": 6, "weight": 0.5},
    "vertex": {"target": "pf_vertex", "pairs": True, "weight": 1.5},
}
SECTION = {
    "classes": {"light": ["light jet"], "b": ["b jet"]},
    "training": {"epochs": 8, "batch_size": 32, "pt_bins": 1, "learning_rate": 0.01},
    "networks": {
        "gn": {
            "architecture": "graph_attention",
            "max_constituents": 10,
            "inputs": "full",
            "background": "light",
            "tracks": {"width": 16, "heads": 2, "layers": 1, "dense": []},
            "auxiliary": TASKS,
        }
    },
}


def test_pairs_are_counted_once_and_where_both_have_a_target() -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(3, 5, 5))
    target = np.array([[0, 1, 1, -1, -1], [2, 2, 2, 2, 2], [-1, -1, -1, 4, -1]])
    weights = np.array([1.0, 3.0, 7.0])
    losses, total = 0.0, 0.0
    for jet, (i, j) in itertools.product(range(3), itertools.combinations(range(5), 2)):
        if target[jet, i] >= 0 and target[jet, j] >= 0:
            sign = 1 if target[jet, i] == target[jet, j] else -1
            losses += weights[jet] * np.log1p(np.exp(-sign * logits[jet, i, j]))
            total += weights[jet]
    found = _of_pairs(*(torch.from_numpy(values) for values in (logits, target, weights)))
    assert found.item() == pytest.approx(losses / total)
    none = _of_pairs(torch.zeros(1, 2, 2), torch.tensor([[0, -1]]), torch.ones(1))
    assert none.item() == 0


def test_the_order_of_a_pair_does_not_matter() -> None:
    torch.manual_seed(2)
    logits = Pairs(6)(torch.randn(4, 5, 6))
    torch.testing.assert_close(logits, logits.transpose(1, 2))
    assert logits.std() > 0.01


@pytest.mark.parametrize("wrong", [{"target": "flavour"}, {"classes": 3}])
def test_pairs_are_of_constituents_and_have_no_classes(wrong) -> None:
    with pytest.raises(ConfigError, match="pairs are of a list"):
        build({"target": "pf_vertex", "pairs": True} | wrong, AuxiliaryConfig, "")


def jets(n: int, seed: int) -> ak.Array:
    """Toy jets of eight tracks: in b jets half of them come from a vertex of their own, with d0 of a millimetre."""
    rng = np.random.default_rng(seed)
    beauty = np.arange(n) % 2
    displaced = (rng.random((n, 8)) < 0.5) & (beauty[:, None] == 1)
    columns = {"j1_pt": np.full(n, 100.0), "j1_eta": np.zeros(n), "j1_phi": np.zeros(n), "j1_mass": np.full(n, 10.0)}
    pt = -np.sort(-rng.exponential(10, (n, 8)), axis=1) + 1
    lists = {
        "pt": pt,
        "eta": rng.normal(0, 0.1, (n, 8)),
        "phi": rng.normal(0, 0.1, (n, 8)),
        "mass": np.full((n, 8), 0.1),
    }
    lists |= {"charge": rng.choice([-1, 1], (n, 8)), "pdgid": np.full((n, 8), 211)}
    lists |= {"d0": rng.normal(0, np.where(displaced, 0.1, 0.005)), "dz": rng.normal(0, 0.01, (n, 8))}
    lists |= {"d0_error": np.full((n, 8), 0.005), "dz_error": np.full((n, 8), 0.01)}
    # The last track has no truth.
    known = np.arange(8) < 7
    lists |= {"origin": np.where(known, displaced, -1), "vertex": np.where(known, displaced, -1)}
    columns |= {f"j1_pf_{name}": ak.from_regular(values) for name, values in lists.items()}
    return ak.zip(columns | {"j1_flavour": 5.0 * beauty}, depth_limit=1)


def sample(settings: TagConfig, n: int, seed: int) -> Sample:
    network, events = settings.networks["gn"], jets(n, seed)
    inputs = jet_inputs(events, "j1", 10, "full")
    plain = np.arange(n) % 2, np.full(n, 100.0), np.full(n, 10.0)
    return Sample(inputs, *plain, targets.targets(events, "j1", network))


@dataclass(frozen=True)
class Held:
    """Jets in memory, as if they were a part of a file."""

    sample: Sample
    path: Path = Path("jets")

    def labels(self) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(len(self.sample)), self.sample.labels

    def read(self, low: float, ends: np.ndarray) -> Iterator[Sample]:
        yield self.sample


def stored(of: Sample) -> Stored:
    return Stored([Held(of)], Selection(0.0, np.ones(2), np.bincount(of.labels, minlength=2)[None]))


def further(module: torch.nn.Module, held_out: Sample) -> float:
    """The loss of the further tasks of held-out jets."""
    of, rows = Jets.of(held_out, np.ones(len(held_out)), "cpu"), torch.arange(len(held_out))
    module.eval()
    with torch.no_grad():
        module(*of.given(rows))
        return float(of.further(module, rows))


def test_a_network_learns_origins_and_vertices_beside_the_flavour() -> None:
    settings = build(SECTION, TagConfig, "tag")
    seen, held_out = sample(settings, 600, 1), sample(settings, 200, 2)
    network = settings.networks["gn"]
    deterministic(settings.seed)
    before = further(networks.build(network), held_out)
    module, _ = training.train(network, settings, stored(seen), held_out)
    after = further(module, held_out)
    assert after < 0.5 * before
    scores = networks.from_module("gn", network, module, "cpu").scores(held_out.inputs, 64)
    assert np.mean(scores.argmax(axis=1) == held_out.labels) > 0.85
    # The tasks are a part of the module, and the classes come first.
    assert heads(module) is not None
    assert scores.shape == (200, 2)


def test_nothing_is_learned_of_shuffled_vertices() -> None:
    settings = build(SECTION, TagConfig, "tag")
    seen, held_out = sample(settings, 600, 1), sample(settings, 200, 2)
    network, rng = settings.networks["gn"], np.random.default_rng(3)
    for one in (seen, held_out):
        for name, values in one.targets.items():
            known = values >= 0
            one.targets[name][known] = rng.integers(0, 2, known.sum())
    module, _ = training.train(network, settings, stored(seen), held_out)
    # Two classes of equal size, and pairs that are equal as often as not: ln 2 each.
    assert further(module, held_out) > 0.98 * (0.5 + 1.5) * np.log(2)
