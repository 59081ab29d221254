"""Known answers of the observables."""

import awkward as ak
import numpy as np
import pytest

from resonaut.physics.observables import MOMENTUM, OBSERVABLES, delta_phi


def objects(*momenta: tuple[float, ...], **more) -> ak.Array:
    """One event with objects (pt, eta, phi, mass)."""
    return ak.Array([[dict(zip(MOMENTUM, momentum, strict=True)) | more for momentum in momenta]])


def value(name: str, **given: ak.Array) -> float:
    (found,) = np.asarray(OBSERVABLES[name].formula(given))
    return float(found)


def test_masses_of_massless_pairs() -> None:
    """m^2 = 2 pT1 pT2 (cosh(delta eta) - cos(delta phi))."""
    pair = objects((45.0, 0.3, 3.0, 0.0), (40.0, -0.5, -3.0, 0.0))
    apart = 2 * np.pi - 6.0
    for name, kind in (("ll", "lepton"), ("bb", "b_jet"), ("gamma_gamma", "photon"), ("small_jj", "small_jet")):
        expected = np.sqrt(2 * 45 * 40 * (np.cosh(0.8) - np.cos(apart)))
        assert value(f"m_{name}", **{kind: pair}) == pytest.approx(expected)
        assert value(f"delta_phi_{name}", **{kind: pair}) == pytest.approx(apart)
        assert value(f"delta_eta_{name}", **{kind: pair}) == pytest.approx(0.8)
        assert value(f"delta_r_{name}", **{kind: pair}) == pytest.approx(np.hypot(0.8, apart))
        assert value(f"pt_{name}", **{kind: pair}) == pytest.approx(
            np.sqrt(45**2 + 40**2 + 2 * 45 * 40 * np.cos(apart))
        )


def test_masses_add_momenta() -> None:
    """At rest in sum: three objects of pT 50 and mass 10, 120 degrees apart."""
    star = objects(*((50.0, 0.0, turn * 2 * np.pi / 3, 10.0) for turn in range(3)))
    whole = 3 * np.hypot(50, 10)
    assert value("m_small_jjj", small_jet=star) == pytest.approx(whole)
    assert value("m_llj", lepton=star[:, :2], small_jet=star[:, 2:]) == pytest.approx(whole)
    assert value("m_jj", large_jet=star) == pytest.approx(np.sqrt((2 * np.hypot(50, 10)) ** 2 - 50**2))
    assert value("m_jet", large_jet=ak.with_field(star, [[7.0, 8.0, 9.0]], "softdrop_mass")) == 7


def test_missing_momentum_and_sums() -> None:
    lepton = objects((30.0, 1.0, 3.0, 0.1), charge=-1)
    jets = objects((100.0, 0.0, 0.0, 5.0), (50.5, 2.0, 1.0, 5.0))
    met = ak.Array([{"pt": 40.0, "phi": -3.0}])
    apart = 2 * np.pi - 6.0
    assert value("m_t", lepton=lepton, met=met) == pytest.approx(np.sqrt(2 * 30 * 40 * (1 - np.cos(apart))))
    assert value("h_t", small_jet=jets) == 150.5
    assert value("s_t", small_jet=jets, lepton=lepton, met=met) == 220.5
    assert (value("met_pt", met=met), value("met_phi", met=met)) == (40, -3)
    assert value("h_t", small_jet=jets[:, :0]) == 0


def test_charges_add() -> None:
    pair = objects((30.0, 1.0, 3.0, 0.1), (20.0, 1.0, 3.0, 0.1))
    for charges in ((1, -1), (1, 1), (-1, -1)):
        charged = ak.with_field(pair, ak.values_astype(ak.Array([list(charges)]), np.int32), "charge")
        assert value("charge_ll", lepton=charged) == sum(charges)


def test_azimuths_differ_by_pi_at_most() -> None:
    found = delta_phi(np.array([3.1, -3.1, 0.0, 1.0]), np.array([-3.1, 3.1, np.pi, 1.5]))
    assert found == pytest.approx([2 * np.pi - 6.2, 2 * np.pi - 6.2, np.pi, 0.5])


def test_every_observable_says_what_it_is() -> None:
    for name, one in OBSERVABLES.items():
        assert one.label.startswith("$"), name
        assert one.unit in ("GeV", "rad", "1"), name
