import awkward as ak
import fastjet
import numpy as np
import pytest

from resonaut.calibrate.lund import lund_plane
from resonaut.core.errors import NotFiniteError


def particle(pt: float, phi: float, eta: float = 0.0) -> dict[str, float]:
    return {"pt": pt, "eta": eta, "phi": phi, "mass": 0.0}


def test_three_particle_jet_by_hand():
    # At eta = 0 all is in the transverse plane. The pair at 0.01 joins first in the C/A tree; the first
    # declustering is then the 5 GeV particle against the pair, whose direction is the vector sum.
    jet = ak.Array([[particle(100, 0.0), particle(10, 0.01), particle(5, 0.3)]])
    (subjet,) = lund_plane(jet, 1)[0].to_list()
    pair = np.arctan2(10 * np.sin(0.01), 100 + 10 * np.cos(0.01))
    assert [s["delta"] for s in subjet["splittings"]] == pytest.approx([0.3 - pair, 0.01])
    assert [s["kt"] for s in subjet["splittings"]] == pytest.approx([5 * (0.3 - pair), 0.1])
    x = 100 + 10 * np.cos(0.01) + 5 * np.cos(0.3)
    y = 10 * np.sin(0.01) + 5 * np.sin(0.3)
    assert [subjet["pt"], subjet["eta"], subjet["phi"]] == pytest.approx([np.hypot(x, y), 0, np.arctan2(y, x)])


def test_two_prongs_keep_their_own_splittings():
    # Prongs 0.6 apart: the one of 80 GeV has no emission, the one of 50 GeV has two.
    jet = ak.Array([[particle(50, 0.6), particle(80, 0.0), particle(2, 0.65), particle(1, 0.58, 0.1)]])
    soft, hard = sorted(lund_plane(jet, 2)[0].to_list(), key=lambda subjet: subjet["pt"])
    assert (hard["pt"], hard["splittings"]) == (pytest.approx(80), [])
    assert soft["pt"] == pytest.approx(53, abs=0.1)
    wide, narrow = soft["splittings"]
    # Delta is in rapidity and azimuth, measured from the sum of the 50 and 2 GeV particles.
    centre = np.arctan2(50 * np.sin(0.6) + 2 * np.sin(0.65), 50 * np.cos(0.6) + 2 * np.cos(0.65))
    assert wide["delta"] == pytest.approx(np.hypot(centre - 0.58, 0.1), rel=1e-6)
    assert wide["kt"] == pytest.approx(wide["delta"], rel=1e-6)
    assert (narrow["delta"], narrow["kt"]) == (pytest.approx(0.05), pytest.approx(0.1))


def test_cuts_are_strict_and_drop_the_step_not_the_tree():
    jet = ak.Array([[particle(100, 0.0), particle(10, 0.004), particle(0.05, 0.3)]])
    assert lund_plane(jet, 1)[0, 0].splittings.to_list() == []
    loose = lund_plane(jet, 1, minimum_delta=0.0, minimum_kt=0.0)[0, 0].splittings.kt
    assert ak.to_numpy(loose) == pytest.approx([0.05 * 0.3, 0.04], rel=1e-2)


def test_cambridge_aachen_and_kt_trees_differ():
    # The nearest pair are the hard particles; the smallest k_t is that of the 1 GeV particle and its neighbour.
    jet = ak.Array([[particle(100, 0.0), particle(50, 0.1), particle(1, 0.3)]])
    (ca,), (kt,) = (lund_plane(jet, 1, declustering=d)[0].splittings.to_list() for d in ("ca", "kt"))
    hard = np.arctan2(50 * np.sin(0.1), 100 + 50 * np.cos(0.1))
    assert [s["delta"] for s in ca] == pytest.approx([0.3 - hard, 0.1])
    assert [s["kt"] for s in ca] == pytest.approx([0.3 - hard, 5.0])
    x, y = 50 * np.cos(0.1) + np.cos(0.3), 50 * np.sin(0.1) + np.sin(0.3)
    delta = np.arctan2(y, x)
    # The softer branch of the first step holds the 1 GeV particle, so that the primary plane ends there.
    assert kt == [{"delta": pytest.approx(delta), "kt": pytest.approx(delta * np.hypot(x, y))}]


def by_fastjet(jet: list[tuple[float, ...]], n_prongs: int, declustering: str) -> list[tuple[float, list[float]]]:
    """p_T of the subjets, by falling p_T, and k_t of their splittings, one FastJet object at a time."""
    particles = [fastjet.PseudoJet(*p) for p in jet]
    sequence = fastjet.ClusterSequence(particles, fastjet.JetDefinition(fastjet.kt_algorithm, 1000.0))
    found = []
    for subjet in sorted(sequence.exclusive_jets(n_prongs), key=lambda subjet: -subjet.pt()):
        branch = subjet
        if declustering == "ca":
            definition = fastjet.JetDefinition(fastjet.cambridge_algorithm, 1000.0)
            tree = fastjet.ClusterSequence(list(subjet.constituents()), definition)
            (branch,) = tree.exclusive_jets(1)
        kt, one, two = [], fastjet.PseudoJet(), fastjet.PseudoJet()
        while branch.has_parents(one, two):
            hard, soft = (one, two) if one.pt() > two.pt() else (two, one)
            kt += [soft.pt() * soft.delta_R(hard)] if soft.delta_R(hard) > 0.005 else []
            branch = fastjet.PseudoJet(hard)
        found.append((subjet.pt(), [k for k in kt if k > 0.02]))
    return found


@pytest.mark.parametrize("declustering", ["ca", "kt"])
def test_fastjet_agrees(declustering):
    """Jets of 4 to 60 particles, across the seam of azimuth, with 1 to 4 prongs."""
    rng = np.random.default_rng(1)
    numbers = rng.integers(4, 61, 40)
    total = numbers.sum()
    columns = {
        "pt": rng.pareto(1.5, total) + 0.3,
        "eta": rng.normal(1.5, 0.3, total),
        "phi": rng.choice([-np.pi, 0.1, np.pi], 40).repeat(numbers) + rng.normal(0, 0.3, total),
        "mass": rng.choice([0.0, 0.1396], total),
    }
    jets = ak.unflatten(ak.zip(columns), numbers)
    prongs = np.arange(40) % 4 + 1
    planes = lund_plane(jets, prongs, declustering=declustering)
    for jet, n, plane in zip(jets, prongs, planes, strict=True):
        pt, eta, phi, mass = (ak.to_numpy(jet[name]) for name in columns)
        energy = np.hypot(pt * np.cosh(eta), mass)
        momenta = np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), energy], axis=1).tolist()
        want = by_fastjet(momenta, int(n), declustering)
        assert plane.pt.to_list() == pytest.approx([pt for pt, _ in want])
        for kt, (_, expected) in zip(plane.splittings.kt, want, strict=True):
            assert kt.to_list() == pytest.approx(expected, rel=1e-6)
    assert np.all(np.abs(ak.flatten(planes.phi)) <= np.pi)


def test_number_of_prongs_per_jet_and_order_of_jets():
    jets = ak.Array(
        [
            [particle(10, 0.0), particle(9, 0.3), particle(8, -0.3)],
            [particle(20, 0.0)],
            [],
            [particle(30, 0.0), particle(29, 0.3)],
            [particle(40, 0.0), particle(39, 0.3)],
        ]
    )
    planes = lund_plane(jets, [3, 2, 1, 1, 2])
    # Too few constituents (rows 1 and 2): no subjet. The others have as many as asked for.
    assert ak.num(planes).to_list() == [3, 0, 0, 1, 2]
    assert sorted(planes[0].pt.to_list()) == pytest.approx([8, 9, 10])
    assert planes[3, 0].splittings.kt.to_list() == pytest.approx([29 * 0.3])
    assert sorted(planes[4].pt.to_list()) == pytest.approx([39, 40])
    assert ak.num(lund_plane(jets, 0)).to_list() == [0] * 5


def test_one_constituent_is_a_prong_without_splittings():
    planes = lund_plane(ak.Array([[particle(20, 1.0)]]), 1)
    assert planes[0, 0].pt == pytest.approx(20)
    assert planes[0, 0].splittings.to_list() == []


@pytest.mark.parametrize("declustering", ["ca", "kt"])
def test_padding_and_collinear_duplicates_change_nothing(declustering):
    jet = [particle(100, 0.0), particle(10, 0.2)]
    padded = [particle(0, 0.0), *jet, particle(0, 0.1), particle(0, 0.0)]
    # Identical momenta join first, at Delta = 0, and that splitting is dropped.
    twins = [particle(50, 0.0), particle(50, 0.0), particle(10, 0.2)]
    soft_twins = [particle(100, 0.0), *[particle(2.5, 0.2)] * 4]
    planes = lund_plane(ak.Array([jet, padded, twins, soft_twins]), 1, declustering=declustering)
    assert planes.splittings.kt.to_list() == [[[pytest.approx(2.0)]]] * 4
    assert planes.pt.to_list() == [[pytest.approx(planes.pt[0, 0])]] * 4
    regular = ak.from_regular(ak.Array([padded] * 3))
    assert lund_plane(ak.to_regular(regular), 1).to_list() == lund_plane(regular, 1).to_list()


@pytest.mark.parametrize("declustering", ["ca", "kt"])
def test_identical_particles_only(declustering):
    jets = ak.Array([[particle(20, 1.0, 0.5)] * n for n in (1, 2, 3, 7)])
    planes = lund_plane(jets, 1, declustering=declustering, minimum_delta=0.0, minimum_kt=0.0)
    assert planes.pt.to_list() == [[pytest.approx(20 * n)] for n in (1, 2, 3, 7)]
    # Sums of parallel momenta are parallel to rounding only.
    assert ak.all(planes.splittings.delta < 1e-6)
    assert ak.num(ak.flatten(lund_plane(jets, 1, declustering=declustering)).splittings).to_list() == [0] * 4
    pairs = lund_plane(jets[1:], 2, declustering=declustering)
    assert ak.sum(pairs.pt, axis=1).to_list() == pytest.approx([40, 60, 140])


def test_padding_is_no_constituent():
    # One constituent is left, which cannot be two prongs; and none, which cannot be one.
    jets = ak.Array([[particle(100, 0.0), particle(0, 0.1)], [particle(0, 0.0)] * 3])
    assert ak.num(lund_plane(jets, 2)).to_list() == [0, 0]
    assert ak.num(lund_plane(jets, 1)).to_list() == [1, 0]


def test_as_many_prongs_as_constituents():
    jet = ak.Array([[particle(1, 0.0), particle(3, 0.001), particle(2, 0.5)]])
    planes = lund_plane(jet, 3)
    assert planes.pt.to_list() == [pytest.approx([3, 2, 1])]
    assert ak.num(planes.splittings, axis=2).to_list() == [[0, 0, 0]]


def test_direction_of_subjets_and_single_precision():
    columns = {"pt": [30.0], "eta": [-2.1], "phi": [-3.0], "mass": [5.0]}
    jet = ak.unflatten(ak.zip({name: np.array(values, np.float32) for name, values in columns.items()}), 1)
    (subjet,) = lund_plane(jet, 1)[0].to_list()
    assert [subjet["pt"], subjet["eta"], subjet["phi"]] == pytest.approx([30.0, -2.1, -3.0])


def test_one_number_of_prongs_for_each_jet():
    with pytest.raises(ValueError, match="broadcast"):
        lund_plane(ak.Array([[particle(1, 0.0)]] * 3), [1, 1])


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["pt", "eta", "phi", "mass"])
def test_a_momentum_that_is_not_finite_is_an_error(name, value):
    with pytest.raises(NotFiniteError, match=rf"'{name}' has 1 NaN or infinite"):
        lund_plane(ak.Array([[particle(10, 0.0), particle(10, 0.1) | {name: value}]]), 1)


def test_no_jets():
    none = ak.Array([[particle(1, 0.0)]])[:0]
    planes = lund_plane(none, 2)
    assert len(planes) == 0
    assert planes.splittings.kt.to_list() == []
    assert planes.type.content == lund_plane(ak.Array([[particle(1, 0.0)]]), 1).type.content
