"""The rapidity-mass matrix: an event by hand, what it is blind to, and its zones."""

from math import acosh, atan2, cosh, hypot, log, sinh, sqrt
from typing import Any

import numpy as np
import pytest

from resonaut.physics import observables
from resonaut.physics.rapidity_mass import KINDS, Layout, Numbers, matrices, zones

SQRT_S = 13000.0
LAYOUT = Layout(SQRT_S)
FIELDS = ("pt", "eta", "phi", "mass")
Objects = dict[str, dict[str, Numbers]]
Four = tuple[float, float, float, float]


def event(**kinds: list[Four]) -> Objects:
    """One event with objects (pt, eta, phi, mass) of each kind."""
    return {
        kind: {name: np.array([column]) for name, column in zip(FIELDS, zip(*given, strict=True), strict=True)}
        for kind, given in kinds.items()
    }


def met(pt: float, phi: float) -> dict[str, Numbers]:
    return {"pt": np.array([pt]), "phi": np.array([phi])}


def sample(n: int = 40, seed: int = 3, mass: float = 0.15) -> tuple[Objects, dict[str, Numbers]]:
    """Events with any number of objects; masses are a part of the transverse momenta."""
    rng, found = np.random.default_rng(seed), {}
    for kind, most in KINDS.items():
        shape = (n, most + 2)
        pt = rng.exponential(80, shape) * (np.arange(most + 2) < rng.integers(0, most + 3, (n, 1)))
        of = {"pt": pt, "eta": rng.normal(0, 1.5, shape), "phi": rng.uniform(-np.pi, np.pi, shape)}
        found[kind] = of | {"mass": mass * rng.random(shape) * pt}
    return found, {"pt": rng.exponential(60, n), "phi": rng.uniform(-np.pi, np.pi, n)}


def leading(of: dict[str, Numbers]) -> dict[str, Numbers]:
    """The object of the largest transverse energy, shape (n, 1)."""
    first = np.argmax(np.hypot(of["pt"], of["mass"] / np.cosh(of["eta"])), axis=1)
    return {name: values[np.arange(len(first)), first][:, np.newaxis] for name, values in of.items()}


def changed(objects: Objects, **by: Any) -> Objects:
    return {kind: of | {name: of[name] + by[name] for name in by} for kind, of in objects.items()}


def boosted(objects: Objects, rapidity: float) -> Objects:
    """Seen from a frame that moves along the beam."""
    found = {}
    for kind, of in objects.items():
        pz, energy = of["pt"] * np.sinh(of["eta"]), np.hypot(of["pt"] * np.cosh(of["eta"]), of["mass"])
        along = np.cosh(rapidity) * pz + np.sinh(rapidity) * energy
        found[kind] = of | {"eta": np.arcsinh(along / np.maximum(of["pt"], 1e-300)) * (of["pt"] > 0)}
    return found


def test_a_hand_made_event() -> None:
    """Two jets, a muon, missing momentum: every cell from four-vectors, one number after the other."""
    jets, muon, missing = [(90.0, -1.2, 2.9, 12.0), (150.0, 0.7, -0.4, 20.0)], (45.0, 1.9, 1.3, 0.106), (60.0, -2.5)
    (matrix,) = matrices(event(jet=jets, muon=[muon]), met(*missing), LAYOUT)

    def vector(pt: float, eta: float, phi: float, mass: float) -> list[float]:
        px, py, pz = pt * np.cos(phi), pt * np.sin(phi), pt * sinh(eta)
        return [sqrt(px**2 + py**2 + pz**2 + mass**2), px, py, pz]

    met_x, met_y = missing[0] * np.cos(missing[1]), missing[0] * np.sin(missing[1])
    rows = {1: vector(*jets[1]), 2: vector(*jets[0]), 26: vector(*muon)}
    expected = np.zeros((36, 36))
    expected[0, 0] = 60 / SQRT_S
    y = {row: log((e + pz) / (e - pz)) / 2 for row, (e, _, _, pz) in rows.items()}
    e_t = {row: e * hypot(px, py) / sqrt(px**2 + py**2 + pz**2) for row, (e, px, py, pz) in rows.items()}
    for row, (_, px, py, _) in rows.items():
        expected[0, row] = sqrt((e_t[row] + 60) ** 2 - (px + met_x) ** 2 - (py + met_y) ** 2) / SQRT_S
        expected[row, 0] = 0.15 * (cosh(y[row]) - 1)
    expected[1, 1], expected[26, 26] = e_t[1] / SQRT_S, e_t[26] / SQRT_S
    expected[2, 2] = (e_t[1] - e_t[2]) / (e_t[1] + e_t[2])
    for i, j in ((1, 2), (1, 26), (2, 26)):
        e, px, py, pz = (a + b for a, b in zip(rows[i], rows[j], strict=True))
        expected[i, j] = sqrt(e**2 - px**2 - py**2 - pz**2) / SQRT_S
        expected[j, i] = 0.15 * (cosh((y[i] - y[j]) / 2) - 1)
    np.testing.assert_allclose(matrix, expected, rtol=1e-12, atol=1e-16)
    assert np.count_nonzero(matrix) == 1 + 2 * 3 + 3 + 2 * 3


def test_massless_objects_have_textbook_numbers() -> None:
    """Two jets back to back at rapidities of 1 and -1, a photon along the missing momentum."""
    pair = [(100.0, 1.0, 0.0, 0.0), (100.0, -1.0, np.pi, 0.0)]
    (matrix,) = matrices(event(b_jet=pair, photon=[(30.0, 0.0, 0.5, 0.0)]), met(50.0, 0.5), LAYOUT)
    assert matrix[LAYOUT.mass("b_jet", "b_jet")] * SQRT_S == pytest.approx(200 * cosh(1), rel=1e-12)
    assert matrix[12, 11] == pytest.approx(0.15 * (cosh(1) - 1), rel=1e-12)
    assert matrix[12, 12] == 0
    assert matrix[0, 31] == pytest.approx(0, abs=1e-9)
    assert matrix[0, 11] * SQRT_S == pytest.approx(sqrt(2 * 100 * 50 * (1 - np.cos(0.5))), rel=1e-12)
    assert acosh(1 + matrix[11, 0] / 0.15) == pytest.approx(1, rel=1e-12)


def test_cells_of_searched_masses() -> None:
    """Of 36 x 36 cells nine are the masses of the search; each is that of the leading pair, above the diagonal."""
    pairs = [("jet", "jet"), ("b_jet", "b_jet"), ("jet", "b_jet")]
    pairs += [(jet, other) for jet in ("jet", "b_jet") for other in ("electron", "muon", "photon")]
    inputs = LAYOUT.inputs(pairs)
    assert LAYOUT.size == 36
    assert len(inputs) == 1287
    assert LAYOUT.mass("jet", "jet") == (1, 2)
    assert LAYOUT.mass("photon", "b_jet") == LAYOUT.mass("b_jet", "photon") == (11, 31)
    left_out = set(range(1296)) - set(inputs.tolist())
    assert {divmod(cell, 36) for cell in left_out} == {
        (1, 2),
        (11, 12),
        (1, 11),
        (1, 21),
        (1, 26),
        (1, 31),
        (11, 21),
        (11, 26),
        (11, 31),
    }
    objects, missing = sample()
    flat = matrices(objects, missing, LAYOUT).reshape(-1, 1296)
    for one, two in pairs[2:]:
        first, second = leading(objects[one]), leading(objects[two])
        both = ((first["pt"] > 0) & (second["pt"] > 0))[:, 0]
        mass = observables.mass((first, 0), (second, 0)) * both
        row, column = LAYOUT.mass(one, two)
        assert both.sum() > 10
        np.testing.assert_allclose(flat[:, 36 * row + column] * SQRT_S, mass, rtol=1e-9, atol=1e-6)


def test_rotation_mirror_and_order_change_nothing() -> None:
    objects, missing = sample()
    nominal = matrices(objects, missing, LAYOUT)
    turned = matrices(changed(objects, phi=2.1), {"pt": missing["pt"], "phi": missing["phi"] + 2.1}, LAYOUT)
    np.testing.assert_allclose(turned, nominal, atol=1e-10)
    # The missing momentum alone is seen to turn, by the transverse masses and nothing else.
    apart = matrices(objects, {"pt": missing["pt"], "phi": missing["phi"] + 2.1}, LAYOUT) != nominal
    assert apart[:, 0, 1:].any()
    assert not apart[:, 1:].any()
    mirrored = {kind: of | {"eta": -of["eta"]} for kind, of in objects.items()}
    np.testing.assert_allclose(matrices(mirrored, missing, LAYOUT), nominal, rtol=1e-12)
    # One kind alone is seen to be mirrored, by masses and h of pairs with others, not by h_L.
    one = matrices(objects | {"muon": mirrored["muon"]}, missing, LAYOUT)
    assert not np.isclose(one[:, 1:11, 26:31], nominal[:, 1:11, 26:31], rtol=1e-6).all()
    assert not np.isclose(one[:, 26:31, 1:11], nominal[:, 26:31, 1:11], rtol=1e-6).all()
    np.testing.assert_allclose(one[:, :, 0], nominal[:, :, 0], rtol=1e-12)
    order = np.random.default_rng(5).permutation(7)
    shuffled = {
        kind: {name: values[:, order] for name, values in of.items()} if kind == "muon" else of
        for kind, of in objects.items()
    }
    assert np.array_equal(matrices(shuffled, missing, LAYOUT), nominal)


@pytest.mark.parametrize("mass", [0.0, 0.3])
def test_boosts_along_the_beam(mass: float) -> None:
    """Pairs look the same; so do transverse energies and masses of massless objects, and no h_L."""
    objects, missing = sample(mass=mass)
    # Fewer objects than the matrix has, so that the order in E_T, which a boost changes, decides on none of them.
    few = {kind: {name: values[:, :1] for name, values in of.items()} for kind, of in objects.items()}
    nominal, seen = matrices(few, missing, LAYOUT), matrices(boosted(few, 0.8), missing, LAYOUT)
    pairs = ~np.eye(36, dtype=bool)
    pairs[0], pairs[:, 0] = False, False
    np.testing.assert_allclose(seen[:, pairs], nominal[:, pairs], rtol=1e-9, atol=1e-13)
    assert np.count_nonzero(nominal[:, pairs]) > 200
    longitudinal = nominal[:, 1:, 0] > 0
    assert not np.isclose(seen[:, 1:, 0], nominal[:, 1:, 0], rtol=1e-3)[longitudinal].any()
    transverse = np.diagonal(nominal, axis1=1, axis2=2), nominal[:, 0]
    same = [
        np.allclose(after, before, rtol=1e-9, atol=1e-9)
        for before, after in zip(transverse, (np.diagonal(seen, axis1=1, axis2=2), seen[:, 0]), strict=True)
    ]
    assert same == [mass == 0] * 2


def test_the_hardest_objects_count() -> None:
    """More objects than the layout has, objects of other kinds, and events without any."""
    small = Layout(SQRT_S, {"jet": 2, "tau": 0, "muon": 1})
    jets = [(30.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0), (50.0, 0.0, 1.0, 0.0), (40.0, 0.0, 2.0, 0.0)]
    (matrix,) = matrices(event(jet=jets, photon=[(99.0, 0.0, 0.0, 0.0)]), met(0.0, 0.0), small)
    expected = np.zeros((4, 4))
    expected[1, 1], expected[2, 2] = 50 / SQRT_S, 10 / 90
    expected[1, 2] = sqrt(2 * 50 * 40 * (1 - np.cos(1))) / SQRT_S
    np.testing.assert_allclose(matrix, expected, rtol=1e-12)
    assert not matrices({}, met(0.0, 1.0), small).any()
    # A heavy jet may have less pT and more E_T.
    heavy = [(100.0, 0.0, 0.0, 80.0), (110.0, 0.0, 1.0, 0.0)]
    (matrix,) = matrices(event(jet=heavy), met(0.0, 0.0), small)
    assert matrix[1, 1] * SQRT_S == pytest.approx(hypot(100, 80))


def test_zones_have_every_cell_once() -> None:
    """46 numbers; together their squares are those of all cells, each zone of its own kinds."""
    objects, missing = sample()
    matrix = matrices(objects, missing, LAYOUT)
    found = zones(matrix, LAYOUT)
    assert found.shape == (40, 46)
    np.testing.assert_allclose((found**2).sum(axis=1), (matrix**2).sum(axis=(1, 2)), rtol=1e-12)
    jets, muons = slice(1, 11), slice(26, 31)
    kinds = list(KINDS)
    order = [(earlier, later) for number, later in enumerate(kinds) for earlier in kinds[: number + 1]]
    pair = order.index(("jet", "muon"))
    np.testing.assert_allclose(found[:, 0], matrix[:, 0, 0])
    np.testing.assert_allclose(found[:, 1] ** 2, (np.diagonal(matrix, axis1=1, axis2=2)[:, jets] ** 2).sum(axis=1))
    np.testing.assert_allclose(found[:, 6 + 3] ** 2, (matrix[:, 0, muons] ** 2).sum(axis=1))
    np.testing.assert_allclose(found[:, 11] ** 2, (matrix[:, jets, 0] ** 2).sum(axis=1))
    np.testing.assert_allclose(found[:, 16 + pair] ** 2, (matrix[:, muons, jets] ** 2).sum(axis=(1, 2)))
    np.testing.assert_allclose(found[:, 31 + pair] ** 2, (matrix[:, jets, muons] ** 2).sum(axis=(1, 2)))
    np.testing.assert_allclose(found[:, 31] ** 2, (np.triu(matrix[:, jets, jets], 1) ** 2).sum(axis=(1, 2)))


def test_angle_of_the_missing_momentum() -> None:
    """m_T vanishes where the missing momentum is along a massless object."""
    phi = atan2(3, -4)
    (along,) = matrices(event(muon=[(25.0, 1.1, phi, 0.0)]), met(25.0, phi), LAYOUT)
    (against,) = matrices(event(muon=[(25.0, 1.1, phi, 0.0)]), met(25.0, phi + np.pi), LAYOUT)
    assert along[0, 26] * SQRT_S == pytest.approx(0, abs=1e-5)
    assert against[0, 26] * SQRT_S == pytest.approx(50)
