"""Objects of towers that are put there by hand, and the mixing of collisions."""

import numpy as np
import pytest

from resonaut.physics.level1.scales import COLLECTIONS
from resonaut.simulate.level1 import objects
from resonaut.simulate.level1.pool import Pool
from resonaut.simulate.level1.sample import Mixer
from resonaut.simulate.level1.towers import PHI_TOWERS, WIDTH, Deposits

MIDDLE = objects.MIDDLE


def deposits(*collisions, muons=()) -> Deposits:
    """Collisions as lists of (eta tower from the middle, phi tower, em, had), and a list of muons of each."""
    flat = [tower for one in collisions for tower in one]
    cells = [(MIDDLE + eta) * PHI_TOWERS + phi for eta, phi, _, _ in flat]
    em, had = (np.array([tower[k] for tower in flat], np.float32) for k in (2, 3))
    muons = list(muons) + [[]] * (len(collisions) - len(muons))
    starts = [np.concatenate([[0], np.cumsum([len(one) for one in several])]) for several in (collisions, muons)]
    muon = np.array([one for several in muons for one in several], np.float32).reshape(-1, 4)
    return Deposits(starts[0], np.array(cells, np.int16), em, had, starts[1], muon)


def seen(*collisions, chosen=None, turn=0, flip=False):
    """The objects of one crossing of these collisions."""
    made = deposits(*collisions)
    chosen = np.arange(len(collisions)) if chosen is None else np.asarray(chosen)
    turns, flips = np.full(len(chosen), turn), np.full(len(chosen), flip)
    first = np.array([0, len(chosen)])
    found = objects.crossings(first, chosen, turns, flips, made.towers, made.cell, made.em, made.had)
    return [one[0] for one in found]


def test_a_photon_is_an_isolated_electron_a_tau_and_a_jet():
    jets, electrons, taus, sums = seen([(5, 3, 20.2, 0.0), (5, 4, 3.0, 0.0), (8, 3, 1.0, 0.0)])
    # 20.2 GeV are 40 units; the third tower is beyond 3 x 5 and within 9 x 9.
    assert electrons[0].tolist() == [46, 11, 7, 3]
    assert taus[0].tolist() == [46, 11, 7, 3]
    assert jets[0].tolist() == [48, 11, 7, 0]
    assert electrons[1:].sum() == 0
    assert (sums[objects.ET], sums[objects.EM], sums[objects.HT]) == (48, 48, 0)


def test_hadrons_are_no_electrons_and_company_is_no_isolation():
    _, electrons, taus, _ = seen([(5, 3, 20.0, 4.0)])
    assert (electrons.sum(), taus[0, 0]) == (0, 48)
    for beside, quality in ((6.0, 3), (6.5, 2), (10.0, 2), (10.5, 0)):
        _, electrons, _, _ = seen([(5, 3, 20.0, 0.0), (5, 7, 0.0, beside)])
        assert electrons[0].tolist() == [40, 11, 7, quality]


def test_a_jet_is_less_by_the_three_quieter_strips_beside_it():
    around = [(6, 0, 0.0, 2.0), (-6, 0, 0.0, 3.0), (0, 6, 0.0, 1.0), (0, 66, 0.0, 8.0)]
    jets, *_ = seen([(0, 0, 0.0, 50.0), (4, 4, 0.0, 3.0), *around])
    # 53 - 2 - 3 - 1 GeV; around phi = 0 the strip at 66 is six towers away.
    assert jets[0].tolist() == [94, 1, 1, 0]
    # The fourth strip is a jet of its own.
    assert jets[1:, 0].tolist() == [16, *[0] * 10]


def test_of_equal_towers_one_is_the_peak():
    jets, *_ = seen([(0, 10, 0.0, 20.0), (1, 10, 0.0, 20.0), (1, 11, 0.0, 20.0)])
    assert (jets[:, 0] > 0).sum() == 1
    assert jets[0].tolist() == [120, 1, 21, 0]


def test_sums_balance_and_know_what_is_forward():
    jets, _, _, sums = seen([(10, 0, 0.0, 100.0), (20, 18, 0.0, 40.0), (50, 36, 0.0, 60.0)])
    assert (jets[:, 0] > 0).sum() == 3

    def missing(*towers):
        x, y = (sum(et * f((phi + 0.5) * WIDTH) for et, phi in towers) for f in (np.cos, np.sin))
        return int(np.hypot(x, y)), int(np.floor(np.arctan2(-y, -x) / (2 * np.pi / 144))) % 144

    central, all_of_them = ((200, 0), (80, 18)), ((200, 0), (80, 18), (120, 36))
    for size, towers in (
        (objects.MET, central),
        (objects.MHT, central),
        (objects.FET, all_of_them),
        (objects.FHT, all_of_them),
    ):
        assert (sums[size], sums[size + 4]) == missing(*towers)
    assert (sums[objects.HT], sums[objects.ET]) == (280, 280)


def test_energies_of_collisions_are_added_before_they_are_counted():
    single = [(0, 0, 0.3, 0.0)]
    *_, sums = seen(single, chosen=[0, 0, 0])
    # 0.9 GeV is one unit, where three times 0.3 are none.
    assert sums[objects.EM] == 1


def test_a_turned_and_exchanged_collision():
    jets, *_ = seen([(10, 70, 0.0, 50.0)], turn=5, flip=True)
    assert jets[0].tolist() == [100, -21, 7, 0]


def test_twelve_of_many_are_kept_in_their_order():
    towers = [(-30 + 10 * row, 4 + 9 * column, 0.0, 10.0 + 8 * row + column) for row in range(7) for column in range(7)]
    jets, *_ = seen(towers)
    energies = sorted((int(2 * tower[3]) for tower in towers), reverse=True)
    assert jets[:, 0].tolist() == energies[:12]


def pool() -> Pool:
    soft = [[(0, 0, 0.0, 1.0)]] * 30
    hard = [[(0, 36, 0.0, 40.0 + k)] for k in range(10)]
    muons = [[]] * 30 + [[(20.0, 0.5, 1.0, 1)]] * 10
    return Pool(deposits(*soft, *hard, muons=muons), np.array([30, 10]), np.array([0.9, 0.1]))


def test_parts_come_as_often_as_their_cross_sections():
    n = 3000
    found = Mixer(5.0, pool()).crossings(n, None, np.random.default_rng(4), "x")
    assert found.pileup.mean() == pytest.approx(5, abs=5 * np.sqrt(5 / n))
    hard = (found.objects["muons"].et > 0).sum(axis=1)
    assert hard.mean() == pytest.approx(0.5, abs=5 * np.sqrt(0.5 / n))
    # Both ends and all directions.
    assert set(np.sign(found.objects["muons"].eta[found.objects["muons"].et > 0])) == {-1, 1}
    phi = found.objects["muons"].phi[found.objects["muons"].et > 0]
    assert np.bincount(phi * 8 // 576, minlength=8).min() > 0.7 * len(phi) / 8
    assert found.objects["muons"].et.max() == COLLECTIONS["muons"].units(np.array([20.0]))[0]


def test_each_hard_collision_is_in_its_crossing():
    hard = deposits(*[[(0, k % 72, 0.0, 60.0 + k)] for k in range(100)])
    found = Mixer(0.0, None).crossings(100, hard, np.random.default_rng(1), "x")
    jets = found.objects["jets"]
    np.testing.assert_array_equal(jets.et[:, 0], 120 + 2 * np.arange(100))
    np.testing.assert_array_equal(jets.phi[:, 0], 2 * (np.arange(100) % 72) + 1)
    assert (found.pileup == 0).all()


def test_the_same_seed_gives_the_same_crossings():
    first, second = (Mixer(5.0, pool()).crossings(50, None, np.random.default_rng(9), "x") for _ in range(2))
    np.testing.assert_array_equal(first.objects["jets"].et, second.objects["jets"].et)
    np.testing.assert_array_equal(first.objects["muons"].phi, second.objects["muons"].phi)
