"""Towers and muons of single particles, where helices, lines and sums have known answers."""

from math import asin, asinh, pi, sinh

import numpy as np
import pytest

from resonaut.simulate.level1 import towers
from resonaut.simulate.level1.towers import ETA_TOWERS, ETA_WIDTH, PHI_TOWERS, WIDTH, Deposits, digitise
from resonaut.simulate.particles import Particles


def particles(pt, eta, phi, pdgid, charge, event=None, events=None) -> Particles:
    columns = [np.atleast_1d(np.asarray(one, float)) for one in (pt, eta, phi)]
    event = np.arange(len(columns[0])) if event is None else np.asarray(event)
    energy = columns[0] * np.cosh(columns[1])
    number = int(event.max()) + 1 if events is None else events
    kinds = np.broadcast_to(np.asarray(pdgid), len(event)), np.broadcast_to(np.asarray(charge), len(event))
    return Particles(number, event, *columns, energy, *kinds)


def reached(*arguments, position=None):
    _, eta, phi, there = towers._at_calorimeter(particles(*arguments), position)
    return eta[0], phi[0], there[0]


def test_a_track_turns_on_its_way_to_the_barrel():
    """By the angle whose sine is half the distance over the radius, p_T / (0.3 B), against a positive charge."""
    for charge in (1, -1):
        eta, phi, there = reached(5, 0.3, 1.0, 211, charge)
        assert (eta, there) == (pytest.approx(0.3), True)
        assert phi == pytest.approx(1.0 - charge * asin(1.29 * 0.3 * 3.8 / (2 * 5)))
    assert reached(5, 0.3, 1.0, 22, 0) == (0.3, 1.0, True)


def test_a_track_spirals_to_the_endcap():
    """It has turned by z / (R sinh(eta)), and is 2 R sin of half of that away from the beam."""
    pt, eta = 1.0, 2.5
    radius = pt / (0.3 * 3.8)
    half = 3.17 / (2 * radius * sinh(eta))
    found, phi, there = reached(pt, -eta, 0.5, -211, -1)
    assert there
    assert phi == pytest.approx(0.5 + half)
    assert found == pytest.approx(-asinh(3.17 / (2 * radius * np.sin(half))))


def test_what_turns_too_much_does_not_arrive():
    assert not reached(0.5, 0.1, 0, 211, 1)[2]
    # The same as a photon, or fast enough along the beam.
    assert reached(0.5, 0.1, 0, 22, 0)[2]
    assert reached(0.5, 2.5, 0, 211, 1)[2]


def test_lines_from_far_away():
    """A photon across the beam from (0.6, 0, 0.5) m meets the barrel at its own z, one from beyond it nothing."""
    eta, phi, there = reached(10, 0, pi / 2, 22, 0, position=np.array([[600.0, 0, 500]]))
    y = np.sqrt(1.29**2 - 0.6**2)
    assert (eta, phi) == (pytest.approx(asinh(0.5 / 1.29)), pytest.approx(np.arctan2(y, 0.6)))
    assert there
    assert not reached(10, 0, 0, 22, 0, position=np.array([[1400.0, 0, 0]]))[2]
    assert not reached(10, 0, 0, 22, 0, position=np.array([[0.0, 0, 4000]]))[2]


def test_photons_fill_their_tower_and_hadrons_both_parts():
    n = 4000
    eta, phi = 10.5 * ETA_WIDTH, 7.5 * WIDTH
    found = digitise(
        particles(np.full(n, 40.0), np.full(n, eta), np.full(n, phi), [22, 130] * (n // 2), 0),
        None,
        np.random.default_rng(1),
    )
    assert (np.diff(found.towers) == 1).all()
    assert set(found.cell) == {(ETA_TOWERS // 2 + 10) * PHI_TOWERS + 7}
    photons, hadrons = found.em[::2], found.em[1::2] + found.had[1::2]
    assert (found.had[::2] == 0).all()
    energy = 40 * np.cosh(eta)
    for values, stochastic, constant in ((photons, 0.03, 0.005), (hadrons, 1.0, 0.05)):
        resolution = np.hypot(stochastic / np.sqrt(energy), constant)
        assert values.mean() == pytest.approx(40, abs=5 * 40 * resolution / np.sqrt(n / 2))
        assert values.std() == pytest.approx(40 * resolution, rel=5 / np.sqrt(n))
    share = found.em[1::2] / hadrons
    assert (share == 0).mean() == pytest.approx(0.4, abs=5 * np.sqrt(0.24 / (n / 2)))
    assert share[share > 0].mean() == pytest.approx(0.5, abs=5 / np.sqrt(12 * 0.6 * n / 2))


def test_particles_of_one_event_share_a_tower():
    found = digitise(
        particles([10, 20, 30], [0.01, 0.02, 0.01], [0.01, 0.02, 0.01], 22, 0, event=[0, 0, 2]),
        None,
        np.random.default_rng(1),
    )
    assert found.towers.tolist() == [0, 1, 1, 2]
    assert found.em == pytest.approx([30, 30], rel=0.1)


def test_muons_are_found_as_often_as_they_reach_the_chambers():
    n = 4000
    rng = np.random.default_rng(2)
    for pt, eta, share in ((10, 0.5, 0.95), (3, 0.5, 0), (3, 2.0, 0.95), (10, 2.5, 0)):
        made = particles(np.full(n, float(pt)), np.full(n, eta), np.zeros(n), 13, -1)
        found = digitise(made, None, rng)
        assert len(found.muon) / n == pytest.approx(share, abs=5 * np.sqrt(share * (1 - share) / n))
        assert len(found.cell) == 0
        if share:
            assert np.log(found.muon[:, 0] / pt).std() == pytest.approx(0.2, rel=5 / np.sqrt(2 * n))
            assert set(found.muon[:, 3]) == {-1}


def test_pions_and_kaons_decay_in_flight():
    """1 - exp(-L m / (p c tau)) with a muon in all or 64 % of the cases, if it keeps enough momentum."""
    n, pt = 200_000, 20.0
    rng = np.random.default_rng(3)
    for kind, mass, lifetime, branching in ((211, 0.1396, 7.80, 1.0), (321, 0.4937, 3.71, 0.64)):
        found = digitise(particles(np.full(n, pt), np.zeros(n), np.zeros(n), kind, 1), None, rng)
        # Of kaons those with less than 3.5 GeV of muon are lost.
        seen = 0.95 * (1 if kind == 211 else (1 - 3.5 / pt) / 0.95)
        wanted = branching * -np.expm1(-1.29 * mass / (pt * lifetime)) * seen
        assert len(found.muon) / n == pytest.approx(wanted, abs=5 * np.sqrt(wanted / n))


def test_collisions_are_joined():
    one = digitise(particles([10.0, 20], [0.1, 0.2], [0, 1], 22, 0, events=3), None, np.random.default_rng(1))
    both = Deposits.joined([one, one])
    assert len(both) == 6
    assert both.towers.tolist() == [0, 1, 2, 2, 3, 4, 4]
    np.testing.assert_array_equal(both.em, np.tile(one.em, 2))
