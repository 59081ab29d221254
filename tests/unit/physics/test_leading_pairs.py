"""Masses of pairs of leading objects: those of the rapidity-mass matrix, and 0 where there is no pair."""

import awkward as ak
import numpy as np
import pytest

from resonaut.physics.leading_pairs import OBSERVABLES, PAIRS
from resonaut.physics.observables import MOMENTUM
from resonaut.physics.rapidity_mass import KINDS, Layout, matrices

SQRT_S = 13000.0
# Kinds as a region calls them.
LAYOUT = Layout(SQRT_S, {"light_jet" if kind == "jet" else kind: most for kind, most in KINDS.items()})


def test_masses_are_cells_of_the_matrix() -> None:
    rng, n = np.random.default_rng(4), 60
    padded, lists = {}, {}
    for kind, most in LAYOUT.kinds.items():
        there = np.arange(most) < rng.integers(0, 3, (n, 1))
        pt = np.sort(rng.exponential(100, (n, most)), axis=1)[:, ::-1] * there
        of = {"pt": pt, "eta": rng.normal(0, 1, pt.shape), "phi": rng.uniform(-3, 3, pt.shape)}
        # Heavy enough that the order in transverse energy is another one.
        padded[kind] = of | {"mass": rng.uniform(0, 0.8, pt.shape) * pt}
        lists[kind] = ak.zip({name: ak.from_regular(padded[kind][name])[ak.from_regular(there)] for name in MOMENTUM})
    met = {"pt": np.zeros(n), "phi": np.zeros(n)}
    cells = matrices(padded, met, LAYOUT) * SQRT_S
    assert len(OBSERVABLES) == 9
    for (one, two), observable in zip(PAIRS, OBSERVABLES.values(), strict=True):
        found = observable.formula(lists)
        row, column = LAYOUT.mass(one, two)
        np.testing.assert_allclose(found, cells[:, row, column], rtol=1e-9, atol=1e-6)
        assert 5 < np.count_nonzero(found) < n
        assert set(observable.objects) == {one, two}


def test_one_pair() -> None:
    jets = ak.Array([[{"pt": 50.0, "eta": 0.0, "phi": 0.0, "mass": 0.0}], []])
    muons = ak.Array([[{"pt": 80.0, "eta": 0.0, "phi": np.pi, "mass": 0.0}]] * 2)
    found = OBSERVABLES["m_pair_jmu"].formula({"light_jet": jets, "muon": muons})
    assert found.tolist() == [pytest.approx(2 * np.sqrt(50 * 80)), 0]
    assert OBSERVABLES["m_pair_jj"].formula({"light_jet": jets}).tolist() == [0, 0]
