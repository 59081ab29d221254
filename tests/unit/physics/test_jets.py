import awkward as ak
import fastjet
import numpy as np
import pytest

from resonaut.physics.jets import cluster, find, four_momenta, groom, substructure

RADIUS, PT_MIN = 0.8, 50.0


def candidates(*events: list[tuple[float, float, float]]) -> ak.Array:
    """Massless neutral candidates from (pt, eta, phi)."""
    counts = [len(event) for event in events]
    pt, eta, phi = np.array([particle for event in events for particle in event]).T
    zero = np.zeros(len(pt))
    columns = {"pt": pt, "eta": eta, "phi": phi, "mass": zero, "charge": zero.astype(np.int8)}
    return ak.unflatten(ak.zip(columns | {"pdgid": np.full(len(pt), 22, np.int32)}), counts)


def test_jets_and_constituents_fall_in_pt() -> None:
    particles = candidates([(60, 0, 0), (200, 1, 2), (30, 0.1, 0.1), (5, 1.1, 2)], [(10, 0, 0)])
    jets, constituents = cluster(particles, RADIUS, PT_MIN)
    assert ak.num(jets).to_list() == [2, 0]
    assert jets.pt[0].to_list() == pytest.approx([205, 90], rel=1e-2)
    assert constituents.pt.to_list() == [[[200, 5], [60, 30]], []]
    assert find(four_momenta(particles), RADIUS, PT_MIN).to_list() == jets.to_list()
    assert ak.to_list(ak.num(constituents[np.array([True, False])], axis=2)) == [[2, 2]]


def test_a_jet_is_the_sum_of_its_constituents() -> None:
    rng = np.random.default_rng(5)
    event = list(zip(rng.exponential(20, 300), rng.uniform(-2, 2, 300), rng.uniform(-3.1, 3.1, 300), strict=True))
    jets, constituents = cluster(candidates(event), RADIUS, PT_MIN)
    summed = ak.sum(four_momenta(ak.flatten(constituents)), axis=1)
    assert len(summed) > 2
    assert ak.to_numpy(summed.pt) == pytest.approx(ak.to_numpy(jets.pt[0]))
    assert ak.to_numpy(summed.mass) == pytest.approx(ak.to_numpy(jets.mass[0]))


def test_two_prongs_and_a_soft_one() -> None:
    """Soft drop removes the soft prong; tau_2 counts it, tau_3 does not."""
    prongs = [(500, 0.0, 0.0), (400, 0.3, 0.0), (20, 0.0, 0.7)]
    _, constituents = cluster(candidates(prongs), RADIUS, PT_MIN)
    shapes, _ = substructure(constituents, RADIUS, 0.1, 0.0)
    mass = np.sqrt(2 * 500 * 400 * (np.cosh(0.3) - 1))
    assert shapes["softdrop_mass"].to_list()[0] == pytest.approx([mass])
    assert shapes["tau2"].to_list()[0] == pytest.approx([20 * 0.7 / (920 * 0.8)], rel=0.02)
    assert shapes["tau3"].to_list()[0] == pytest.approx([0], abs=1e-9)
    assert shapes["tau1"][0, 0] > 5 * shapes["tau2"][0, 0]


def test_jets_of_one_candidate_have_no_substructure() -> None:
    _, constituents = cluster(candidates([(500, 0.0, 0.0)]), RADIUS, PT_MIN)
    shapes, _ = substructure(constituents, RADIUS, 0.1, 0.0)
    assert all(values.to_list() == [[pytest.approx(0, abs=1e-3)]] for values in shapes.values())


def by_fastjet(constituents: ak.Array, zcut: float, beta: float) -> np.ndarray:
    tree = fastjet.ClusterSequence(
        four_momenta(ak.flatten(constituents)), fastjet.JetDefinition(fastjet.cambridge_algorithm, 1000.0)
    )
    groomed = tree.exclusive_jets_softdrop_grooming(njets=1, beta=beta, symmetry_cut=zcut, R0=RADIUS)
    return np.maximum(ak.to_numpy(ak.flatten(groomed.msoftdrop, axis=None)), 0)


@pytest.fixture(scope="module")
def on_cells() -> ak.Array:
    """Jets of particles at the centres of cells, where many distances are equal, and some in the same place."""
    rng = np.random.default_rng(8)
    events = []
    for _ in range(150):
        centre = rng.choice([-0.2, 0, 0.2, 0.3], (60, 2)) + np.array([rng.choice([-1.5, 0, 2]), rng.choice([0, 3.1])])
        place = np.round((centre + 0.1 * rng.standard_normal((60, 2))) / 0.087) * 0.087
        events.append([(pt, *at) for pt, at in zip(3 + rng.exponential(15, 60), place, strict=True)])
    return cluster(candidates(*events), RADIUS, PT_MIN)[1]


@pytest.mark.parametrize(("zcut", "beta"), [(0.1, 0.0), (0.2, 2.0), (0.1, 1.0), (0.05, -1.0), (0.0, 0.0)])
def test_soft_drop_is_fastjets(on_cells, zcut: float, beta: float) -> None:
    mass = ak.to_numpy(ak.flatten(groom(on_cells, RADIUS, zcut, beta)[0]))
    assert len(mass) >= 150
    # The square of a mass is the small difference of large numbers: 1e-4 GeV is rounding.
    assert mass == pytest.approx(by_fastjet(on_cells, zcut, beta), rel=1e-6, abs=1e-4)


def test_subjets_are_the_two_sides_of_the_splitting() -> None:
    prongs = [(500, 0.0, 0.0), (40, 0.1, 0.0), (400, 0.3, 0.0), (20, 0.0, 0.7)]
    _, constituents = cluster(candidates(prongs, [], [(300, 1.0, 1.0)]), RADIUS, PT_MIN)
    mass, subjets = groom(constituents, RADIUS, 0.1, 0.0)
    assert ak.num(subjets, axis=2).to_list() == [[2], [], [1]]
    assert subjets.pt[0, 0].to_list() == pytest.approx([540, 400], rel=1e-3)
    assert subjets.eta[0, 0].to_list() == pytest.approx([0.1 * 40 / 540, 0.3], abs=1e-3)
    assert four_momenta(subjets[0])[0].E.to_list() == pytest.approx([500 + 40 * np.cosh(0.1), 400 * np.cosh(0.3)])
    assert float(mass[0, 0]) == pytest.approx(np.hypot(ak.sum(four_momenta(subjets[0])[0]).mass, 0))
    assert subjets[2, 0].to_list() == [pytest.approx({"pt": 300, "eta": 1.0, "phi": 1.0, "mass": 0.0}, abs=1e-3)]
