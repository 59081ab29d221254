"""Compiled anti-kT jets against FastJet's."""

import awkward as ak
import fastjet
import numpy as np
import pytest

from resonaut.physics.anti_kt import anti_kt
from resonaut.physics.jets import cluster, four_momenta, of_particles


def events(number: int) -> ak.Array:
    """Particles in three bundles and everywhere, of up to 250 an event; the first event has none, the second one."""
    rng = np.random.default_rng(8)
    counts = np.concatenate([[0, 1], rng.integers(2, 250, number - 2)])
    n = counts.sum()
    bundle = rng.integers(0, 4, n)
    eta = np.where(bundle, bundle - 2, rng.normal(0, 2, n)) + rng.normal(0, 0.3, n)
    phi = np.where(bundle, 1.5 * bundle, rng.uniform(-np.pi, np.pi, n)) + rng.normal(0, 0.3, n)
    columns = {"pt": rng.exponential(3, n) + 0.1, "eta": eta, "phi": (phi + np.pi) % (2 * np.pi) - np.pi}
    return ak.unflatten(ak.zip(columns | {"mass": np.where(rng.random(n) < 0.5, 0, 0.14)}), counts)


@pytest.mark.parametrize("radius", [0.4, 0.8])
def test_all_jets_are_fastjets_to_the_last_bit(radius) -> None:
    momenta = four_momenta(events(60))
    flat, sizes = ak.flatten(momenta), ak.to_numpy(ak.num(momenta))
    columns = np.stack([ak.to_numpy(flat[name]) for name in ("px", "py", "pz", "E")])
    jets, counts, owner = anti_kt(columns, np.concatenate([[0], np.cumsum(sizes)]), radius)
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, radius)
    found = fastjet.ClusterSequence(momenta, definition).inclusive_jets(0)
    assert counts.tolist() == ak.num(found).to_list()
    ours = np.lexsort((jets[0], np.repeat(np.arange(60), counts)))
    for row, name in enumerate(("px", "py", "pz", "E")):
        assert jets[row][ours].tolist() == ak.flatten(found[name][ak.argsort(found.px)]).to_list()
    # Each particle is in the jet that it is said to be in.
    place = owner + np.repeat(np.cumsum(counts) - counts, sizes)
    assert np.bincount(place, columns[3]) == pytest.approx(jets[3])


def test_jets_with_their_constituents_are_those_of_cluster() -> None:
    particles = events(40)
    for one, other in zip(of_particles(particles, 0.4, 10), cluster(particles, 0.4, 10), strict=True):
        assert one.to_list() == other.to_list()


def test_too_many_particles() -> None:
    with pytest.raises(ValueError, match="more particles than labels"):
        anti_kt(np.ones((4, 65536)), np.array([0, 65536]), 0.4)
