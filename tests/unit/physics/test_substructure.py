"""High-level observables of jets whose answers follow by hand, or from FastJet."""

import awkward as ak
import fastjet
import numpy as np
import pytest

from resonaut.physics.substructure import OBSERVABLES, n_subjettiness, observables


def four_vectors(pt, eta, phi):
    pt, eta, phi = (np.asarray(values, float) for values in (pt, eta, phi))
    return np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)], axis=-2)


def by_name(vectors, counts) -> dict[str, np.ndarray]:
    return dict(zip(OBSERVABLES, observables(vectors, np.asarray(counts)).T, strict=True))


def test_two_equal_prongs() -> None:
    """At the same azimuth, 0.2 from the axis: theta = 1/4, theta_12 = 1/2, m^2 = 2 pT^2 (cosh 0.4 - 1)."""
    found = by_name(four_vectors([[100, 100]], [[0.2, -0.2]], [[1.0, 1.0]]), [2])
    expected = {
        "log_pt": np.log(200),
        "log_mass": np.log(100 * np.sqrt(2 * (np.cosh(0.4) - 1))),
        "multiplicity": 2,
        "pt_dispersion": np.sqrt(0.5),
        "angularity_05": 0.5,
        "width": 0.25,
        "angularity_2": 1 / 16,
        "tau1": 0.25,
        "tau21": 0,
        "c2": 0,
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-4, abs=1e-6), name


def test_three_equal_prongs_on_a_triangle() -> None:
    """z = 1/3 and a side of 0.3: e_2 = 3 (1/9) (3/8) = 1/8, e_3 = (1/27) (3/8)^3."""
    turn, circumradius = 2 * np.pi * np.arange(3) / 3, 0.3 / np.sqrt(3)
    vectors = four_vectors([[50] * 3], [circumradius * np.cos(turn)], [1 + circumradius * np.sin(turn)])
    found, e3 = by_name(vectors, [3]), (3 / 8) ** 3 / 27
    assert found["c2"] == pytest.approx(e3 * 8**2, rel=1e-4)
    assert found["log_d2"] == pytest.approx(np.log(e3 * 8**3), rel=1e-4)
    # The closest pair merges half-way between its two: 0.15 / 0.8 from both, a third of the pT each.
    assert found["tau21"] * found["tau1"] == pytest.approx(2 / 3 * 0.15 / 0.8, rel=0.01)
    assert found["tau32"] == pytest.approx(0, abs=1e-5)


@pytest.fixture
def jets():
    """Three prongs each, of 1 to 30 constituents."""
    rng, n, places = np.random.default_rng(1), 300, 30
    counts = rng.integers(1, places + 1, n)
    turn = rng.uniform(0, 2 * np.pi, (n, 1)) + 2 * np.pi / 3 * rng.integers(0, 3, (n, places))
    pt = -np.sort(-rng.exponential(20, (n, places)) - 0.5, axis=1)
    eta = rng.uniform(-1.5, 1.5, (n, 1)) + 0.3 * np.cos(turn) + rng.normal(0, 0.1, (n, places))
    phi = 3 + 0.3 * np.sin(turn) + rng.normal(0, 0.1, (n, places))
    return four_vectors(pt, eta, phi), pt, counts


def test_n_subjettiness_is_that_of_fastjet(jets) -> None:
    """To the difference between pseudorapidity and rapidity of axes that have a mass."""
    vectors, pt, counts = jets
    real = np.arange(pt.shape[1]) < counts[:, None]
    columns = {name: ak.unflatten(vectors[:, i][real], counts) for i, name in enumerate(("px", "py", "pz", "E"))}
    momenta = ak.to_packed(ak.zip(columns, with_name="Momentum4D"))
    tree = fastjet.ClusterSequence(momenta, fastjet.JetDefinition(fastjet.cambridge_algorithm, 1000.0))
    expected = tree.njettiness(axes_definition="KT_Axes", njets=[1, 2, 3, 4], R0=0.8)
    for n, found in enumerate(n_subjettiness(pt, vectors, counts, 0.8)):
        np.testing.assert_allclose(found, ak.to_numpy(ak.flatten(expected[:, n : n + 1], axis=None)), atol=0.03)
        assert np.median(np.abs(found - ak.to_numpy(ak.flatten(expected[:, n : n + 1], axis=None)))) < 0.003


def test_they_do_not_depend_on_padding_order_or_other_jets(jets) -> None:
    vectors, _, counts = jets
    reference = observables(vectors, counts)
    assert np.isfinite(reference).all()
    padded = np.concatenate([vectors, vectors[..., :5]], axis=2)
    np.testing.assert_allclose(observables(padded, counts), reference, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(observables(vectors[7:8], counts[7:8]), reference[7:8], rtol=1e-5, atol=1e-6)
    turned = np.stack([np.roll(jet[:, ::-1], n, axis=1) for jet, n in zip(vectors, counts, strict=True)])
    np.testing.assert_allclose(observables(turned, counts), reference, rtol=1e-4, atol=1e-5)


def test_a_jet_of_one_constituent_has_finite_observables() -> None:
    found = observables(four_vectors([[500, 500]], [[0.3, 0.3]], [[1.0, 1.0]]), np.array([1]))
    assert np.isfinite(found).all()
    assert found[0, OBSERVABLES.index("width")] == pytest.approx(0, abs=1e-5)
    assert observables(np.empty((0, 4, 3)), np.empty(0, int)).shape == (0, len(OBSERVABLES))
