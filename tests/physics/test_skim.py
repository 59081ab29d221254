"""Known physics through the stage: a boosted W among soft particles, its decay and its mass."""

from pathlib import Path

import awkward as ak
import numpy as np
import pytest

from resonaut.physics.jets import cluster, substructure

W_MASS = 80.4
RADIUS, PT_MIN = 0.8, 200.0


def boosted_pairs(jets: int, pt: float, rng: np.random.Generator) -> ak.Array:
    """Two massless quarks from an isotropic decay at rest, boosted to ``pt`` along x: jets * 2."""
    cos, phi = rng.uniform(-0.9, 0.9, jets), rng.uniform(0, 2 * np.pi, jets)
    sin, half = np.sqrt(1 - cos**2), W_MASS / 2
    gamma, momentum = np.hypot(pt, W_MASS) / W_MASS, pt / W_MASS
    legs = []
    for sign in (1, -1):
        px = gamma * sign * half * cos + momentum * half
        py, pz = sign * half * sin * np.cos(phi), sign * half * sin * np.sin(phi)
        leg_pt = np.hypot(px, py)
        legs.append({"pt": leg_pt, "eta": np.arcsinh(pz / leg_pt), "phi": np.arctan2(py, px)})
    return ak.from_regular(ak.zip({name: np.stack([leg[name] for leg in legs], axis=1) for name in legs[0]}), axis=1)


def with_soft_particles(hard: ak.Array, number: int, rng: np.random.Generator) -> ak.Array:
    """Add ``number`` particles of 0.4 GeV, uniform within +-0.7 of the x axis."""
    shape = (len(hard), number)
    soft = {"pt": np.full(shape, 0.4), "eta": rng.uniform(-0.7, 0.7, shape), "phi": rng.uniform(-0.7, 0.7, shape)}
    particles = ak.concatenate([hard, ak.from_regular(ak.zip(soft), axis=1)], axis=1)
    return ak.with_field(particles, ak.zeros_like(particles.pt), "mass")


@pytest.fixture(scope="module")
def jets() -> dict[str, ak.Array]:
    """Leading jets of 300 W bosons and of 300 single quarks of the same momentum."""
    rng = np.random.default_rng(7)
    pairs = boosted_pairs(300, 500.0, rng)
    single = ak.from_regular(
        ak.zip({"pt": np.full((300, 1), 500.0), "eta": np.zeros((300, 1)), "phi": np.zeros((300, 1))})
    )
    found = {}
    for name, hard in (("w", pairs), ("quark", single)):
        all_jets, constituents = cluster(with_soft_particles(hard, 25, rng), RADIUS, PT_MIN)
        shapes, _ = substructure(constituents, RADIUS, 0.1, 0.0)
        found[name] = ak.zip({"mass": all_jets.mass, **shapes})[:, 0]
    return found


def test_soft_drop_recovers_the_mass_of_a_w(jets) -> None:
    """Grooming takes away the soft particles' share of the mass, sqrt(m_W^2 + pT sum pT_i R_i^2) for the whole jet."""
    assert np.median(jets["w"].softdrop_mass) == pytest.approx(W_MASS, rel=0.02)
    assert np.median(jets["w"].mass) > W_MASS + 5
    assert np.median(jets["quark"].softdrop_mass) < 5
    assert np.median(jets["quark"].mass) > 30


def test_two_prongs_have_small_tau21(jets) -> None:
    tau21 = {name: (found["tau2"] / found["tau1"]).to_numpy() for name, found in jets.items()}
    assert np.median(tau21["w"]) < 0.3
    assert np.median(tau21["quark"]) > 0.7
    assert (tau21["w"] < 0.45).mean() > 0.9


def test_tau1_of_two_equal_particles() -> None:
    """Any axis between two equal particles D apart gives tau1 = D / (2 R) (Thaler, Van Tilburg, eq. 2.1)."""
    particles = ak.Array([[{"pt": 300.0, "eta": 0.0, "phi": phi, "mass": 0.0} for phi in (0.0, 0.3)]])
    _, constituents = cluster(particles, RADIUS, PT_MIN)
    found, _ = substructure(constituents, RADIUS, 0.1, 0.0)
    assert found["tau1"][0, 0] == pytest.approx(0.3 / (2 * 0.8), rel=1e-3)
    assert found["tau2"][0, 0] == pytest.approx(0.0, abs=1e-9)
    assert ak.num(constituents, axis=2).to_list() == [[2]]


def test_distant_particles_are_two_jets() -> None:
    particles = ak.Array(
        [[{"pt": pt, "eta": eta, "phi": 0.0, "mass": 0.0} for pt, eta in ((300, 0), (250, 0.9), (100, 2))]]
    )
    found, _ = cluster(particles, RADIUS, PT_MIN)
    assert sorted(found.pt.to_list()[0]) == pytest.approx([250, 300])


def test_cutflow_carries_the_cross_section(tmp_path: Path) -> None:
    """Weights kept times the manifest's scale are cross section times acceptance, filter before storage included."""
    import uproot

    from resonaut.core import events
    from resonaut.core.datasets import DatasetConfig
    from resonaut.core.record import build
    from resonaut.skim.chunk import skim_chunk
    from resonaut.skim.merge import merge
    from resonaut.skim.settings import Skim

    keys = {"regions": {"dijet": {}}, "read_constituents": False, "truth": False}
    settings = build(keys, Skim, "skim")
    fields = {
        "nature": "simulation",
        "format": "nanoaod",
        "region": "dijet",
        "files": [],
        "files_per_chunk": 1,
        "mass": None,
    }
    dataset = build(
        fields
        | {
            "generator": None,
            "labelled": None,
            "certified": None,
            "expected": None,
            "luminosity": None,
            "cross_section": 50.0,
        },
        DatasetConfig,
        "d",
    )
    pt = ak.Array([[400.0, 350.0]] * 30 + [[400.0, 200.0]] * 10)
    jets = {name: ak.zeros_like(pt) for name in ("eta", "phi", "mass", "msoftdrop", "tau1", "tau2", "tau3", "tau4")}
    for number in range(2):
        path = tmp_path / f"{number}.root"
        with uproot.recreate(path) as file:
            tree = {"FatJet": ak.zip({"pt": pt} | jets), "genWeight": np.full(40, 3.0), "event": np.arange(40)}
            tree |= {"run": np.ones(40, int), "luminosityBlock": np.full(40, number)}
            file.mktree("Events", {k: getattr(v, "dtype", None) or ak.type(v).content for k, v in tree.items()})
            file["Events"].extend(tree)
            runs = {"genEventCount": np.array([100]), "genEventSumw": np.array([300.0])}
            file.mktree("Runs", {name: values.dtype for name, values in runs.items()}).extend(runs)
        output = tmp_path / "skim" / "signal" / f"{number}.parquet"
        skim_chunk(settings, dataset, "signal", 1, [str(path)], output, output.with_suffix(".json"))
    summaries = [tmp_path / "skim" / "signal" / f"{number}.json" for number in range(2)]
    merge(settings, dataset, "signal", summaries, tmp_path / "skim" / "signal.json")
    found = events.Dataset.open(tmp_path / "skim" / "signal.json").read(["weight"])
    # 30 of 100 generated events of each file are kept.
    assert ak.sum(found.weight) == pytest.approx(50.0 * 0.3)
