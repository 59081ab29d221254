"""Known answers of pairs of Higgs bosons: the amplitude at high mass, the weights' sums, Pythia's scalars."""

from collections.abc import Callable
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import pythia8mc
import uproot
from numpy.testing import assert_allclose

from resonaut.core.datasets import DatasetConfig
from resonaut.core.errors import ConfigError
from resonaut.core.record import build
from resonaut.fit.morphing.basis import Morphing
from resonaut.physics import couplings, higgs_pairs
from resonaut.simulate.chunk import simulate
from resonaut.simulate.settings import Simulate

VECTOR = [
    "Higgs:useBSM = on",
    "HiggsBSM:ff2H2ff(t:WW) = on",
    "HiggsBSM:ff2H2ff(t:ZZ) = on",
    "HiggsH2:coup2W = 1",
    "HiggsH2:coup2Z = 1",
    "35:doForceWidth = on",
    "35:oneChannel = 1 1. 103 25 36",
    "36:m0 = 125",
    "36:mWidth = 0.001",
    "36:doForceWidth = on",
    "36:mMin = 124.5",
    "36:mMax = 125.5",
]
GLUON = [
    "Higgs:useBSM = on",
    "HiggsBSM:gg2H2 = on",
    "35:doForceWidth = on",
    "35:oneChannel = 1 1. 101 25 36",
    "35:addChannel = 0 0.000000001 0 21 21",
    *VECTOR[-5:],
]
# fb at 13 TeV of (kappa_V, kappa_2V, kappa_lambda), as CMS's combinations of HH have them: leading order by MadGraph
# times 1.035.
PUBLISHED = {
    (1.0, 1.0, 1.0): 1.7260,
    (1.0, 1.0, 0.0): 4.6089,
    (1.0, 1.0, 2.0): 1.4228,
    (1.0, 0.0, 1.0): 27.0800,
    (1.0, 2.0, 1.0): 14.2178,
    (0.5, 1.0, 1.0): 10.8237,
    (1.5, 1.0, 1.0): 66.0185,
}
NAMES = ("kappa_V", "kappa_2V", "kappa_lambda")


def scalars(settings: list[str], mass: float, width: float, low: float, high: float, events: int) -> tuple:
    """Masses of Pythia's scalars at parton level, and their cross section in fb."""
    pythia = pythia8mc.Pythia("", False)
    run = ["Print:quiet = on", "Beams:eCM = 13000", "PartonLevel:all = off", "HadronLevel:all = off"]
    run += ["Random:setSeed = on", "Random:seed = 7", f"35:m0 = {mass}", f"35:mWidth = {width}"]
    run += [f"35:mMin = {low}", f"35:mMax = {high}", f"PhaseSpace:mHatMin = {low}"]
    for line in [*run, *settings, *([f"PhaseSpace:mHatMax = {high}"] if "gg2H2" in settings[1] else [])]:
        assert pythia.readString(line), line
    assert pythia.init()
    found = []
    while len(found) < events:
        assert pythia.next()
        found += [particle.m() for particle in pythia.process if particle.id() == 35]
    return np.array(found), pythia.infoPython().sigmaGen() * 1e12


def test_the_amplitude_grows_with_kappa_2v_minus_kappa_v_squared_alone() -> None:
    mass, cosine = np.array([1500.0, 3000.0, 6000.0]), np.full(3, 0.3)
    sizes = {}
    for kappa_v, kappa_2v in ((1.0, 1.0), (1.2, 1.44), (1.0, 0.0), (1.0, 2.0), (0.5, 1.0)):
        terms = higgs_pairs.vector_fusion(mass, cosine)
        # Over v; that of one scalar is (s - 2 m_W^2) / v.
        total = np.array([kappa_v**2, kappa_2v, kappa_v]) @ terms * (mass**2 - 2 * higgs_pairs.M_W**2)
        sizes[kappa_v, kappa_2v] = total / higgs_pairs.VACUUM**2
        wanted = (kappa_2v - kappa_v**2) * mass**2 / higgs_pairs.VACUUM**2
        assert np.abs(sizes[kappa_v, kappa_2v] - wanted).max() < 1.5 * max(kappa_v, 1) ** 2
    # In the standard model it stays, elsewhere four times the energy squared is four times the amplitude.
    assert abs(sizes[1.0, 1.0][2] / sizes[1.0, 1.0][1] - 1) < 0.02
    assert sizes[1.0, 0.0][2] / sizes[1.0, 0.0][1] == pytest.approx(4, rel=0.02)


def test_pairs_in_gluon_fusion_vanish_at_threshold() -> None:
    at = higgs_pairs.gluon_fusion(np.array([2 * higgs_pairs.M_H]), np.zeros(1))
    assert_allclose(at.sum(axis=0), 0, atol=1e-12)


@pytest.mark.parametrize("kind", ["vector_fusion", "gluon_fusion"])
def test_weights_are_the_quadratic_of_their_couplings(kind: couplings.Kind) -> None:
    rng = np.random.default_rng(11)
    mass, cosine = rng.uniform(260, 2500, 500), rng.uniform(-1, 1, 500)
    names = couplings.names(kind)
    drawn = rng.uniform(-1.5, 2.5, (7, len(names)))
    points = {f"p{k}": dict(zip(names, map(float, point), strict=True)) for k, point in enumerate(drawn)}
    made = np.array([higgs_pairs.relative(kind, mass, cosine, point) for point in points.values()])
    terms = couplings.TERMS[kind]
    count = len(terms) * (len(terms) + 1) // 2
    solved = Morphing.of(terms, dict(list(points.items())[:count]))
    # Event by event, and so of each histogram.
    assert_allclose(solved.contents(made[:count], drawn), made, rtol=1e-6, atol=1e-9 * made.max())


def test_the_mean_weight_is_the_integral_of_the_pairs_spectrum() -> None:
    mass, width, low, high = 900.0, 600.0, 300.0, 3000.0
    grid = np.linspace(low, high, 20001)
    spread = 2 * grid * higgs_pairs.running(grid**2, mass, width)
    rng = np.random.default_rng(2)
    cumulative = np.concatenate([[0], np.cumsum((spread[1:] + spread[:-1]) / 2 * np.diff(grid))])
    drawn = np.interp(rng.uniform(0, cumulative[-1], 40000), cumulative, grid)
    point = {"kappa_V": 0.0}
    found = higgs_pairs.weights("vector_fusion", drawn, rng.uniform(-1, 1, len(drawn)), point, mass, width)
    wanted = np.trapezoid(higgs_pairs.relative("vector_fusion", grid, np.zeros_like(grid), point), grid)
    assert found.mean() * cumulative[-1] == pytest.approx(wanted, rel=5 * found.std() / found.mean() / 200)


def test_the_angle_is_that_of_the_decay() -> None:
    rng = np.random.default_rng(4)
    cosine, phi, beta = rng.uniform(-1, 1, 100), rng.uniform(0, 6, 100), rng.uniform(-0.9, 0.9, 100)
    energy, momentum = 500.0, np.sqrt(500.0**2 - 125.0**2)
    sine, gamma = np.sqrt(1 - cosine**2), 1 / np.sqrt(1 - beta**2)

    def along(sign: float) -> dict[str, np.ndarray]:
        pz = sign * momentum * cosine
        transverse = {"px": sign * momentum * sine * np.cos(phi), "py": sign * momentum * sine * np.sin(phi)}
        return transverse | {"pz": gamma * (pz + beta * energy), "e": gamma * (energy + beta * pz)}

    assert_allclose(higgs_pairs.cosine(along(1), along(-1)), cosine, atol=1e-9)


@pytest.mark.parametrize("settings", [VECTOR, GLUON], ids=["vector", "gluon"])
def test_pythias_broad_scalars_have_the_spectrum_that_is_divided_out(settings: list[str]) -> None:
    """Their density over the cross section of narrow ones is the Breit-Wigner."""
    kind: couplings.Kind = "vector_fusion" if settings is VECTOR else "gluon_fusion"
    mass, width = 700.0, 400.0
    broad, total = scalars(settings, mass, width, 300, 2500, 4000)
    for at, half in ((450.0, 30.0), (700.0, 50.0), (950.0, 60.0)):
        _, narrow = scalars(settings, at, 2.0, at - 100, at + 100, 400)
        edges = np.linspace(at - half, at + half, 101)
        share = np.trapezoid(2 * edges * higgs_pairs.SPECTRA[kind](edges**2, mass, width), edges)
        count = np.count_nonzero(np.abs(broad - at) < half)
        # The cross section falls by a third within the interval, nearly linearly; 3 % of its mean remain.
        assert total * count / len(broad) / share == pytest.approx(narrow, rel=4 / np.sqrt(count) + 0.06)


def test_cross_sections_are_the_published_ones() -> None:
    """Without a free number; in the standard model the transverse bosons that are left out matter."""
    mass, total = scalars(VECTOR, 900.0, 600.0, 251, 4000, 4000)
    cosine = np.random.default_rng(1).uniform(-1, 1, len(mass))
    for point, published in PUBLISHED.items():
        given = dict(zip(NAMES, point, strict=True))
        found = total * higgs_pairs.weights("vector_fusion", mass, cosine, given, 900.0, 600.0).mean()
        assert found == pytest.approx(published, rel=0.3 if published > 5 else 0.9), point


def test_six_published_cross_sections_give_the_seventh() -> None:
    points = {str(point): dict(zip(NAMES, point, strict=True)) for point in PUBLISHED}
    left = (0.5, 1.0, 1.0)
    six = {name: point for name, point in points.items() if name != str(left)}
    solved = Morphing.of(couplings.TERMS["vector_fusion"], six)
    found = solved.contents([[PUBLISHED[key]] for key in PUBLISHED if key != left], left)[0]
    assert found == pytest.approx(PUBLISHED[left], rel=0.01)


@pytest.fixture(scope="module")
def chunk(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    folder = tmp_path_factory.mktemp("pairs")

    def make(points: list[dict[str, float]], events: int, low: float = 300.0) -> Path:
        lines = [*VECTOR, "35:m0 = 900", "35:mWidth = 600", f"35:mMin = {low}", "35:mMax = 3000"]
        process = {"settings": lines, "pairs": {"kind": "vector_fusion", "points": points}}
        config = build({"processes": {"hh": process}}, Simulate, "simulate", merge=True)
        generator = {"components": [{"process": "hh", "events": events}], "objects": False, "seed": 3}
        entry = {"nature": "simulation", "region": "boosted_w", "cross_section": 1.0, "generator": generator}
        simulate(config, build(entry, DatasetConfig, "hh"), "hh", 0, folder / "hh.root")
        return folder / "hh.root"

    return make


def test_files_hold_the_weights_of_all_points(chunk: Callable[..., Path]) -> None:
    points = [{"kappa_2V": 0.0}, {}, {"kappa_2V": 2.0}, {"kappa_2V": 1.0, "kappa_V": 1.0}]
    with uproot.open(chunk(points, 60)) as file:
        events, run = file["Events"].arrays(), file["Runs"].arrays()
    relative = ak.to_numpy(events.LHEReweightingWeight)
    assert 0 < len(events) < 60
    assert relative.shape == (len(events), 4)
    assert_allclose(relative[:, 0], 1)
    assert_allclose(relative[:, 1], relative[:, 3])
    # Each event's own quadratic: from the matrix elements at 0, 1 and 2 none is negative between.
    own = events.genWeight[:, None] * relative
    assert ak.min(own) >= 0
    assert run.genEventSumw[0] > ak.sum(events.genWeight) > 0
    assert run.genEventCount[0] == 60


def test_a_first_point_without_events_is_a_sentence(chunk: Callable[..., Path]) -> None:
    with pytest.raises(ConfigError, match="weighs an event with 0"):
        chunk([{"kappa_2V": 0.0, "kappa_V": 0.0, "kappa_lambda": 1.0}], 20)
    with pytest.raises(ConfigError, match="no coupling 'kappa_t'"):
        chunk([{"kappa_t": 0.0}], 20)
