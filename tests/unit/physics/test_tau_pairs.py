"""Known answers of the observables of tau pairs."""

import awkward as ak
import numpy as np
import pytest

from resonaut.physics.kinematics import MOMENTUM
from resonaut.physics.observables import OBSERVABLES
from resonaut.physics.tau_pairs import neutrinos


def one(*momentum: float, **more: float) -> ak.Array:
    """One event with one object (pt, eta, phi, mass)."""
    return ak.Array([[dict(zip(MOMENTUM, momentum, strict=True)) | more]])


def missing(x: float, y: float) -> ak.Array:
    return ak.Array([{"pt": np.hypot(x, y), "phi": np.arctan2(y, x)}])


def value(name: str, **given: ak.Array) -> float:
    (found,) = np.asarray(OBSERVABLES[name].formula(given))
    return float(found)


def test_neutrinos_along_their_taus_give_the_mass_back() -> None:
    """Two massless taus of 60 and 80 GeV leave half and three quarters of their momenta."""
    phi = (0.3, 2.1)
    lepton, tau = one(30.0, 0.5, phi[0], 0.0), one(60.0, -0.7, phi[1], 0.0)
    met = missing(30 * np.cos(phi[0]) + 20 * np.cos(phi[1]), 30 * np.sin(phi[0]) + 20 * np.sin(phi[1]))
    true = np.sqrt(2 * 60 * 80 * (np.cosh(1.2) - np.cos(1.8)))
    assert value("m_coll", lepton=lepton, tau=tau, met=met) == pytest.approx(true)
    assert value("m_vis", lepton=lepton, tau=tau) == pytest.approx(true * np.sqrt(0.5 * 0.75))
    whole = np.hypot(60 * np.cos(0.3) + 80 * np.cos(2.1), 60 * np.sin(0.3) + 80 * np.sin(2.1))
    assert value("pt_tau_tau", lepton=lepton, tau=tau, met=met) == pytest.approx(whole)


@pytest.mark.parametrize(
    ("met", "expected"),
    [((10, 5), (0.5, 0.5)), ((-10, 5), (0, 0.5)), ((10, -5), (0.5, 0)), ((-10, -5), (0, 0)), ((0, 0), (0, 0))],
)
def test_no_neutrino_has_a_negative_momentum(met, expected) -> None:
    """Lepton along x with 20 GeV, tau along y with 10 GeV."""
    found = neutrinos(np.array([[20.0], [0.0]]), np.array([[0.0], [10.0]]), np.array(met, float)[:, None])
    assert found[:, 0] == pytest.approx(expected)


def test_neutrinos_explain_as_much_of_missing_momentum_as_they_can() -> None:
    """Against all pairs of a grid, also where lepton and tau are back to back."""
    rng = np.random.default_rng(1)
    one, two, met = rng.normal(0, 30, (3, 2, 200))
    two[:, :50] = -1.5 * one[:, :50]
    found = neutrinos(one, two, met)
    assert (found >= 0).all()
    rest = np.hypot(*(met - found[0] * one - found[1] * two))
    grid = np.linspace(0, 4, 60)
    for a in grid:
        away = met[None] - a * one[None] - grid[:, None, None] * two[None]
        assert (rest <= np.hypot(away[:, 0], away[:, 1]).min(axis=0) + 1e-9).all()


def test_transverse_masses() -> None:
    lepton, tau, met = one(30.0, 0.0, 0.0, 0.1), one(40.0, 1.0, np.pi, 1.0), missing(0, 50)
    pairs = {"lepton_met": 2 * 30 * 50, "tau_met": 2 * 40 * 50, "lepton_tau": 4 * 30 * 40}
    given = {"lepton": lepton, "tau": tau, "met": met}
    assert value("m_t_tau", **given) == pytest.approx(np.sqrt(pairs["tau_met"]))
    assert value("m_t_total", **given) == pytest.approx(np.sqrt(sum(pairs.values())))
    assert value("delta_phi_lepton_tau", **given) == pytest.approx(np.pi)
    assert value("delta_phi_lepton_met", **given) == value("delta_phi_tau_met", **given) == pytest.approx(np.pi / 2)
    assert value("delta_r_lepton_tau", **given) == pytest.approx(np.hypot(1, np.pi))


def test_d_zeta_is_that_of_the_bisector() -> None:
    """Lepton along x, tau along y: the bisector is at 45 degrees."""
    given = {"lepton": one(30.0, 0.0, 0.0, 0.0), "tau": one(40.0, 0.0, np.pi / 2, 0.0), "met": missing(10, 10)}
    assert value("d_zeta", **given) == pytest.approx((20 - 0.85 * 70) / np.sqrt(2))


def test_jets_of_a_pair_that_is_not_there_are_zero() -> None:
    jets = ak.Array([[dict(zip(MOMENTUM, (50.0, eta, phi, 0.0), strict=True)) for eta, phi in ((2, 0), (-1.5, 3))]])
    assert value("delta_eta_dijet", small_jet=jets) == 3.5
    assert value("m_dijet", small_jet=jets) == pytest.approx(np.sqrt(2 * 50**2 * (np.cosh(3.5) - np.cos(3))))
    for fewer in (jets[:, :1], jets[:, :0]):
        assert value("m_dijet", small_jet=fewer) == value("delta_eta_dijet", small_jet=fewer) == 0


def test_charges_of_opposite_sign_cancel() -> None:
    for charges in ((1, -1), (1, 1)):
        lepton, tau = (one(30.0, 0.0, 0.0, 0.0, charge=charge) for charge in charges)
        assert value("charge_lepton_tau", lepton=lepton, tau=tau) == sum(charges)
