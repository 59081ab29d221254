import awkward as ak
import fastjet
import numpy as np
import pytest

from resonaut.errors import ConfigError
from resonaut.simulate import substructure
from resonaut.simulate.jets import cluster, four_momenta, passes
from resonaut.simulate.settings import Filter, Jets

JETS = Jets(radius=0.8, pt_min=50, softdrop_zcut=0.1, softdrop_beta=0.0)


def candidates(*events: list[tuple[float, float, float]]) -> ak.Array:
    """Massless neutral candidates from (pt, eta, phi)."""
    counts = [len(event) for event in events]
    pt, eta, phi = np.array([particle for event in events for particle in event]).T
    zero = np.zeros(len(pt))
    columns = {"pt": pt, "eta": eta, "phi": phi, "mass": zero, "charge": zero.astype(np.int8)}
    return ak.unflatten(ak.zip(columns | {"pdgid": np.full(len(pt), 22, np.int32)}), counts)


def random_jets(n: int) -> ak.Array:
    rng = np.random.default_rng(3)
    counts = rng.integers(1, 80, n)
    total = counts.sum()
    columns = {
        "pt": rng.exponential(10, total) + 0.5,
        "eta": rng.normal(0, 0.3, total),
        "phi": rng.normal(3, 0.3, total),  # across the seam at pi
        "mass": np.full(total, 0.14),
    }
    return four_momenta(ak.unflatten(ak.zip(columns), counts))


def test_jets_and_constituents_fall_in_pt() -> None:
    clustered = cluster(candidates([(60, 0, 0), (200, 1, 2), (30, 0.1, 0.1), (5, 1.1, 2)], [(10, 0, 0)]), JETS)
    assert ak.num(clustered.jets).to_list() == [2, 0]
    assert clustered.jets.pt[0].to_list() == pytest.approx([205, 90], rel=1e-2)
    assert clustered.constituents.pt.to_list() == [[[200, 5], [60, 30]], []]
    assert ak.to_list(ak.num(clustered[np.array([True, False])].constituents, axis=2)) == [[2, 2]]


def test_a_jet_is_the_sum_of_its_constituents() -> None:
    rng = np.random.default_rng(5)
    event = list(zip(rng.exponential(20, 300), rng.uniform(-2, 2, 300), rng.uniform(-3.1, 3.1, 300), strict=True))
    clustered = cluster(candidates(event), JETS)
    summed = ak.sum(four_momenta(ak.flatten(clustered.constituents)), axis=1)
    assert len(summed) > 2
    assert ak.to_numpy(summed.pt) == pytest.approx(ak.to_numpy(clustered.jets.pt[0]))
    assert ak.to_numpy(summed.mass) == pytest.approx(ak.to_numpy(clustered.jets.mass[0]))


def test_filter_keeps_what_it_says() -> None:
    events = candidates(
        [(500, 0.0, 0), (480, 0.5, 3)],  # passes; m_jj about 1011
        [(500, 0.0, 0), (280, 0.5, 3)],  # second jet too soft
        [(500, 0.0, 0), (480, 1.5, 3)],  # too far apart
        [(500, 2.2, 0), (480, 2.6, 3)],  # second jet too far forward
        [(350, 0.0, 0), (340, 0.1, 3)],  # mass too small
        [(900, 0.0, 0)],
    )
    jets = cluster(events, JETS).jets
    assert passes(jets, Filter(2, 300, 2.5, 1.3, 800)).tolist() == [True, False, False, False, False, False]
    assert passes(jets, Filter(2, 300, 2.5, None, None)).tolist() == [True, False, True, False, True, False]
    assert passes(jets, Filter(1, 300, 2.5, None, None)).tolist() == [True] * 6


def test_filter_of_one_jet_cannot_cut_on_two() -> None:
    with pytest.raises(ConfigError, match="jets"):
        Filter(1, 300, 2.5, 1.3, None)


@pytest.mark.parametrize(("zcut", "beta"), [(0.1, 0.0), (0.1, 1.0), (0.2, 0.5)])
def test_softdrop_mass_agrees_with_fastjet(zcut, beta) -> None:
    particles = random_jets(200)
    sequence = fastjet.ClusterSequence(particles, fastjet.JetDefinition(fastjet.cambridge_algorithm, 1000.0))
    groomed = sequence.exclusive_jets_softdrop_grooming(njets=1, beta=beta, symmetry_cut=zcut, R0=0.8)
    ours = substructure.softdrop_mass(particles, Jets(0.8, 50, zcut, beta))
    many = ak.num(particles).to_numpy() > 1
    assert ours[many] == pytest.approx(ak.to_numpy(groomed.msoftdrop)[many], rel=1e-6, abs=1e-3)


def test_two_prongs_and_a_soft_one() -> None:
    """Soft drop removes the soft prong; tau_2 counts it, tau_3 does not."""
    prongs = [(500, 0.0, 0.0), (400, 0.3, 0.0), (20, 0.0, 0.7)]
    clustered = cluster(candidates(prongs), JETS)
    shapes = substructure.substructure(clustered, JETS)
    mass = np.sqrt(2 * 500 * 400 * (np.cosh(0.3) - 1))
    assert shapes["msoftdrop"].to_list()[0] == pytest.approx([mass])
    assert shapes["tau2"].to_list()[0] == pytest.approx([20 * 0.7 / (920 * 0.8)], rel=0.02)
    assert shapes["tau3"].to_list()[0] == pytest.approx([0], abs=1e-9)
    assert shapes["tau1"][0, 0] > 5 * shapes["tau2"][0, 0]


def test_jets_of_one_candidate_have_no_substructure() -> None:
    shapes = substructure.substructure(cluster(candidates([(500, 0.0, 0.0)]), JETS), JETS)
    assert all(values.to_list() == [[pytest.approx(0, abs=1e-3)]] for values in shapes.values())
