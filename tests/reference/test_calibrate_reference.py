"""Lund planes of real jets and weights with CMS's published ratio, against slow code written from the method's text."""

import functools
import os
from dataclasses import dataclass
from pathlib import Path

import awkward as ak
import fastjet
import h5py
import numpy as np
import pytest
import uproot

from resonaut.calibrate import columns, normalise
from resonaut.calibrate.factors import table_alone, tables_of
from resonaut.calibrate.jets import jets_of
from resonaut.calibrate.lund import lund_plane
from resonaut.calibrate.published import read_published
from resonaut.calibrate.settings import Settings, Systematics
from resonaut.calibrate.weights import Calibration, weigh
from resonaut.core import events
from resonaut.core.weights import NOMINAL, Efficiency, Weights

DATA = Path(os.environ.get("RESONAUT_REFERENCE_DATA", Path(__file__).parents[3] / "shared" / "data"))
MINIMUM_DELTA, MINIMUM_KT = 0.005, 0.02
TOYS, SEED = 20, 11


def reference(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"reference file {path} is absent; set RESONAUT_REFERENCE_DATA")
    return path


# One jet at a time with FastJet's objects.


@dataclass
class SlowSubjet:
    pt: float
    eta: float
    phi: float
    splittings: list[tuple[float, float]]


def delta_phi(a, b):
    return np.abs((np.asarray(a) - b + np.pi) % (2 * np.pi) - np.pi)


def pseudojets(particles) -> list[fastjet.PseudoJet]:
    """Of a list of (pt, eta, phi, mass)."""
    found = []
    for pt, eta, phi, mass in particles:
        energy = np.sqrt((pt * np.cosh(eta)) ** 2 + mass**2)
        found.append(fastjet.PseudoJet(*map(float, (pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), energy))))
    return found


def slow_subjets(particles, n_prongs: int, declustering: str) -> list[SlowSubjet]:
    sequence = fastjet.ClusterSequence(pseudojets(particles), fastjet.JetDefinition(fastjet.kt_algorithm, 1000.0))
    found = []
    for subjet in sequence.exclusive_jets(n_prongs):
        branch = subjet
        if declustering == "ca":
            definition = fastjet.JetDefinition(fastjet.cambridge_algorithm, 1000.0)
            tree = fastjet.ClusterSequence(list(subjet.constituents()), definition)
            (branch,) = tree.exclusive_jets(1)
        splittings = []
        one, two = fastjet.PseudoJet(), fastjet.PseudoJet()
        while branch.has_parents(one, two):
            harder, softer = (one, two) if one.pt() > two.pt() else (two, one)
            delta = harder.delta_R(softer)
            if delta > MINIMUM_DELTA and softer.pt() * delta > MINIMUM_KT:
                splittings.append((delta, softer.pt() * delta))
            branch = fastjet.PseudoJet(harder)
        found.append(SlowSubjet(subjet.pt(), subjet.eta(), subjet.phi(), splittings))
    return found


class Published:
    """The factors of one splitting, straight from the ROOT file."""

    def __init__(self, path: Path) -> None:
        self.file = uproot.open(path)
        self.tables = {}
        for name in ("ratio_nom", "ratio_sys_tot_up", "ratio_sys_tot_down", "h_bl_ratio"):
            self.tables[name] = self.file[name].to_numpy()[0], self.file[name].errors()
        self.edges = [axis.edges() for axis in self.file["ratio_nom"].axes]
        rng = np.random.default_rng(SEED)
        shape = self.tables["ratio_nom"][0].shape
        self.noise = rng.standard_normal((TOYS, *shape))
        self.directions = rng.standard_normal((TOYS, *shape[1:], 3))

    def bin(self, axis: int, value: float) -> int:
        return int(min(max(np.digitize(value, self.edges[axis]) - 1, 0), len(self.edges[axis]) - 2))

    @staticmethod
    def masked(j: int) -> bool:
        return j == 19

    @functools.cache  # noqa: B019
    def function(self, name: str, j: int, k: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Coefficients and the matrix that turns normal numbers into their variations."""
        if self.masked(j):
            return np.array([1.0]), np.array([[1.0]])
        found = self.file[f"pt_extrap/{name}_{j + 1}_{k + 1}"]
        values = np.array(list(found.member("fFormula").member("fClingParameters")))
        if name != "func":
            return values, None
        covariance = np.diag(np.array(list(found.member("fParErrors"))) ** 2)
        if len(values) == 2:
            covariance[0, 1] = covariance[1, 0] = self.file[f"pt_extrap/func_covar_{j + 1}_{k + 1}"].member("fVal")
        return values, np.linalg.cholesky(covariance)

    def direct(self, name: str, pt: float, j: int, k: int) -> tuple[float, float, tuple[int, int, int]]:
        where = (self.bin(0, pt), j, k)
        values, errors = self.tables[name]
        nominal, error = self.tables["ratio_nom"]
        empty = nominal[where] <= 1e-4 and error[where] <= 1e-4
        if name == "h_bl_ratio":
            empty = values[where] <= 1e-4 and errors[where] <= 1e-4
        if empty or self.masked(j):
            return 1.0, 1.0, where
        return float(np.clip(values[where], 0.2, 5)), float(errors[where]), where

    def factor(self, variation: str, pt: float, delta: float, kt: float):
        """A number, or an array of toys."""
        j, k = self.bin(1, np.log(0.8 / delta)), self.bin(2, np.log(kt))
        if variation == "h_bl_ratio":
            return self.direct(variation, pt, j, k)[0]
        name = variation if variation.startswith("ratio") else "ratio_nom"
        if 15 <= pt < 350:
            value, error, where = self.direct(name, pt, j, k)
            if variation == "statistical":
                return np.clip(value + error * self.noise[(slice(None), *where)], 0.2, 5)
            return value
        values, root = self.function(name.replace("ratio_nom", "func").replace("ratio_", "func_"), j, k)
        if variation == "pt_extrapolation":
            values = values + self.directions[:, j, k, : len(values)] @ root.T
        powers = (1 / pt) ** np.arange(values.shape[-1])
        return np.clip(values @ powers, 0.2, 5)

    def weight(self, variation: str, subjets: list[SlowSubjet], used):
        product = 1.0
        for subjet, use in zip(subjets, used, strict=True):
            for delta, kt in subjet.splittings if use else ():
                product = product * self.factor(variation, subjet.pt, delta, kt)
        return product


def slow_match(subjets: list[SlowSubjet], quarks) -> tuple[list[int], list[bool], list[int | None]]:
    """Quarks and whether there is a b quark of each subjet, the subjet of each quark; quarks are (eta, phi, pdgid)."""
    owners = []
    for eta, phi, _ in quarks:
        distances = [np.hypot(s.eta - eta, delta_phi(s.phi, phi)) for s in subjets]
        nearest = int(np.argmin(distances))
        owners.append(nearest if distances[nearest] < 0.2 else None)
    number = [owners.count(i) for i in range(len(subjets))]
    is_b = [any(o == i and abs(q[2]) == 5 for o, q in zip(owners, quarks, strict=True)) for i in range(len(subjets))]
    return number, is_b, owners


def slow_weights(published: Published, particles, jet, quarks) -> dict[str, object]:
    """All weights of one jet and its flags; ``jet`` is (eta, phi)."""
    distances = [np.hypot(eta - jet[0], delta_phi(phi, jet[1])) for eta, phi, _ in quarks]
    prongs = max(sum(bool(d < 0.8) for d in distances), 1)
    subjets = slow_subjets(particles, prongs, "kt")
    number, is_b, _ = slow_match(subjets, quarks)
    used = [n > 0 for n in number]
    bad = any(n != 1 for n in number)
    names = ("ratio_nom", "ratio_sys_tot_up", "ratio_sys_tot_down", "statistical", "pt_extrapolation")
    found = {name: published.weight(name, subjets, used) for name in names}
    nominal = found["ratio_nom"]
    b_factor = published.weight("h_bl_ratio", subjets, is_b)
    found |= {"b_quark_up": nominal * b_factor, "b_quark_down": nominal / b_factor}
    found |= {"prongs_up": nominal, "prongs_down": nominal}
    lost = False
    for name, n, edge in (
        ("prongs_up", prongs + 1, any(0.8 <= d < 0.9 for d in distances)),
        ("prongs_down", prongs - 1, any(0.7 < d < 0.8 for d in distances)),
    ):
        if n < 1 or not (bad or edge):
            continue
        others = slow_subjets(particles, n, "kt")
        counts = slow_match(others, quarks)[0]
        found[name] = published.weight("ratio_nom", others, [c > 0 for c in counts])
        # Repaired: no subjet has two quarks; with one more subjet, one of them has none.
        lost |= bad and not (max(counts) == 1 and sum(counts) == min(n, prongs))
    found |= {"unclustered_up": nominal * (5 if lost else 1), "unclustered_down": nominal / (5 if lost else 1)}
    return {name: np.clip(value, 0.1, 10) for name, value in found.items()} | {"bad": bad, "lost": lost}


# The data.


@pytest.fixture(scope="module")
def cms_jets() -> ak.Array:
    with uproot.open(reference("pfnano/pfnano.root")) as file:
        tree = file["Events"]
        names = ("pt", "eta", "phi", "mass")
        events = tree.arrays([f"PFCands_{n}" for n in names] + ["FatJetPFCands_jetIdx", "FatJetPFCands_pFCandsIdx"])
    jets = []
    for event in events:
        for jet in np.unique(event.FatJetPFCands_jetIdx):
            index = event.FatJetPFCands_pFCandsIdx[event.FatJetPFCands_jetIdx == jet]
            jets.append([{n: float(event[f"PFCands_{n}"][i]) for n in names} for i in index])
    return ak.Array(jets)


def example_columns(file: h5py.File, number: int, as_b: int | None) -> dict[str, ak.Array]:
    """The columns of ``skim`` for jet ``number``; quarks with the identity ``as_b`` are called b quarks."""
    px, py, pz, energy = np.moveaxis(file[f"jet{number}_PFCands"][:].astype(np.float64), -1, 0)
    pt = np.hypot(px, py)
    eta = np.arcsinh(np.divide(pz, pt, out=np.zeros_like(pt), where=pt > 0))
    mass = np.sqrt(np.maximum(energy**2 - px**2 - py**2 - pz**2, 0))
    particles = {"pt": pt, "eta": eta, "phi": np.arctan2(py, px), "mass": mass}
    jet = file["jet_kinematics"][:, 2 + 4 * (number - 1) : 6 + 4 * (number - 1)].astype(np.float64)
    gen = file["gen_info"][:].astype(np.float64)
    distance = np.hypot(gen[..., 1] - jet[:, 1, None], delta_phi(gen[..., 2], jet[:, 2, None]))
    near = ak.from_regular(ak.Array(distance)) < 0.9
    pdgid = gen[..., 3].astype(np.int64)
    if as_b is not None:
        pdgid = np.where(np.abs(pdgid) == as_b, 5 * np.sign(pdgid), pdgid)
    quarks = {"pt": gen[..., 0], "eta": gen[..., 1], "phi": gen[..., 2], "pdgid": pdgid}
    tau = file[f"jet{number}_extraInfo"][:].astype(np.float64)
    j = f"j{number}"
    return (
        {f"{j}_pf_{name}": ak.from_regular(ak.Array(values)) for name, values in particles.items()}
        | {f"{j}_{name}": ak.Array(jet[:, i]) for i, name in enumerate(("pt", "eta", "phi", "mass"))}
        | {f"{j}_prongs": ak.Array(np.maximum((distance < 0.8).sum(axis=1), 1))}
        | {f"{j}_quark_{name}": ak.from_regular(ak.Array(values))[near] for name, values in quarks.items()}
        | {f"{j}_tau{i + 1}": ak.Array(tau[:, i]) for i in range(4)}
    )


def example(as_b: int | None = None) -> ak.Array:
    with h5py.File(reference("lund/example_signal.h5")) as file:
        columns = example_columns(file, 1, as_b) | example_columns(file, 2, as_b)
    size = len(columns["j1_pt"])
    key = {"run": np.ones(size, np.int64), "luminosityBlock": np.ones(size, np.int64), "event": np.arange(size)}
    return ak.zip(key | {"gen_weight": np.ones(size)} | columns, depth_limit=1)


@pytest.fixture(scope="module")
def correction():
    return read_published(reference("lund/ratio_2018.root"))[0]


@pytest.fixture(scope="module")
def settings(correction) -> Settings:
    return Settings(
        correction=None,
        declustering="kt",
        minimum_delta=MINIMUM_DELTA,
        minimum_kt=MINIMUM_KT,
        bins=correction.bins,
        minimum_entries=5.0,
        direct_pt_range=(15.0, 350.0),
        systematics=Systematics(background=0.0, weights={}),
        factor_range=(0.2, 5.0),
        weight_range=(0.1, 10.0),
        jets_per_bin=250,
        toys=TOYS,
        seed=SEED,
        selections={},
        histograms={},
    )


# Planes.


def compare(jets: ak.Array, n_prongs: int, declustering: str) -> None:
    planes = lund_plane(jets, n_prongs, declustering=declustering, minimum_delta=MINIMUM_DELTA, minimum_kt=MINIMUM_KT)
    for jet, plane in zip(jets, planes, strict=True):
        particles = [(p.pt, p.eta, p.phi, p.mass) for p in jet if p.pt > 0]
        want = sorted(slow_subjets(particles, n_prongs, declustering), key=lambda s: -s.pt)
        assert plane.pt.to_list() == pytest.approx([s.pt for s in want], rel=1e-6)
        assert plane.eta.to_list() == pytest.approx([s.eta for s in want], rel=1e-6, abs=1e-9)
        assert delta_phi(plane.phi.to_list(), [s.phi for s in want]) == pytest.approx(0, abs=1e-9)
        for have, subjet in zip(plane.splittings, want, strict=True):
            deltas, kts = zip(*subjet.splittings, strict=True) if subjet.splittings else ((), ())
            assert have.delta.to_list() == pytest.approx(list(deltas), rel=1e-6)
            assert have.kt.to_list() == pytest.approx(list(kts), rel=1e-6)


@pytest.mark.parametrize("declustering", ["ca", "kt"])
@pytest.mark.parametrize("n_prongs", [1, 2, 3, 4])
def test_planes_of_cms_jets(cms_jets, n_prongs, declustering):
    assert len(cms_jets) == 24
    compare(cms_jets[:12], n_prongs, declustering)


@pytest.mark.parametrize("declustering", ["ca", "kt"])
def test_planes_of_the_example_signal(declustering):
    # Padded with zeros: the slow code gets the real particles only.
    jets = ak.zip({name: example()[f"j1_pf_{name}"] for name in ("pt", "eta", "phi", "mass")})
    compare(jets[:40], 2, declustering)


def test_planes_of_real_jets_are_physical():
    """The plane is filled about evenly: k_t from the non-perturbative edge to a fraction of the jet's p_T."""
    planes = lund_plane(ak.zip({name: example()[f"j1_pf_{name}"] for name in ("pt", "eta", "phi", "mass")}), 2)
    assert ak.all(ak.num(planes) == 2)
    kt, delta = (ak.flatten(planes.splittings[name], axis=None) for name in ("kt", "delta"))
    assert 5 < len(kt) / ak.sum(ak.num(planes)) < 15
    assert 0.3 < np.exp(np.mean(np.log(kt))) < 3
    assert ak.max(delta) < 1.6


# Weights.


@pytest.fixture(scope="module")
def with_b_quarks() -> ak.Array:
    """The example has no b quark; its strange quarks stand in."""
    return example(as_b=3)


def slow_table(example: ak.Array, jet: str) -> dict[str, np.ndarray]:
    """The slow weights of all jets: by variation, (jets,) or (jets, toys)."""
    published = Published(reference("lund/ratio_2018.root"))
    rows = []
    for event in example.to_list():
        particles = list(zip(*(event[f"{jet}_pf_{name}"] for name in ("pt", "eta", "phi", "mass")), strict=True))
        quarks = list(zip(*(event[f"{jet}_quark_{name}"] for name in ("eta", "phi", "pdgid")), strict=True))
        axis = event[f"{jet}_eta"], event[f"{jet}_phi"]
        rows.append(slow_weights(published, [p for p in particles if p[0] > 0], axis, quarks))
    toys = ("statistical", "pt_extrapolation")
    return {
        name: np.array([np.broadcast_to(row[name], TOYS if name in toys else ()) for row in rows]) for name in rows[0]
    }


@pytest.mark.parametrize("jet", ["j1", "j2"])
def test_weights_equal_the_slow_ones(with_b_quarks, correction, settings, jet):
    slow = slow_table(with_b_quarks, jet)
    calibration = Calibration.of(correction, settings)
    undistorted = table_alone(correction.bins, np.ones(correction.bins.shape), correction.factor_range, "distortion")
    found = weigh(jets_of(with_b_quarks, jet), calibration, undistorted)
    assert found.calibrated.all()
    assert np.array_equal(found.bad_match, slow["bad"])
    assert np.array_equal(found.unclustered, slow["lost"])
    assert 0.02 < slow["bad"].mean() < 0.2
    theirs = {"nominal": "ratio_nom", "systematic_up": "ratio_sys_tot_up", "systematic_down": "ratio_sys_tot_down"}
    for name, where in calibration.variations.items():
        want = slow["ratio_nom" if name.startswith("distortion") else theirs.get(name, name)]
        assert found.weight[:, where] == pytest.approx(want.reshape(len(want), -1), rel=1e-5), name
    # The comparison means something: the variations move weights, and some meet the outermost limit.
    for name in slow.keys() - {"ratio_nom", "bad", "lost", "unclustered_up", "unclustered_down"}:
        moved = slow[name].reshape(len(slow["bad"]), -1) != slow["ratio_nom"][:, None]
        assert moved.any(axis=1).mean() > 0.02, name
    assert slow["statistical"].max() == 10
    if jet == "j2":
        assert slow["lost"].any()


def test_toys_vary_the_factors_by_their_errors(correction):
    toys = 2000
    tables = tables_of(correction, toys, seed=5)
    value, error = correction.nominal.table.ravel(), correction.error.ravel()
    free = (value - 4 * error > 0.2) & (value + 4 * error < 5)
    assert free.sum() > 300
    drawn = tables.direct[free, tables.names["statistical"]]
    pulls = (drawn.mean(axis=1) - value[free]) / (error[free] / np.sqrt(toys))
    assert pulls.std() == pytest.approx(1, abs=0.1)
    assert np.abs(pulls).max() < 5
    assert drawn.std(axis=1) / error[free] == pytest.approx(1, abs=5 / np.sqrt(2 * toys))
    # Empty bins are 1 +- 1.
    assert np.median(tables.direct[error == 1, tables.names["statistical"]]) == pytest.approx(1, abs=0.02)

    coefficients = tables.polynomial[:, :, tables.names["pt_extrapolation"]]
    covariance = correction.covariance.reshape(3, 3, -1)
    (linear,) = np.nonzero(covariance[1, 1])
    assert len(linear) == 4
    for b in range(covariance.shape[-1]):
        n = 2 if b in linear else 1
        scale = np.sqrt(np.outer(*2 * [np.diag(covariance[:n, :n, b])]))
        found = np.atleast_2d(np.cov(coefficients[:n, b]))
        assert found / scale == pytest.approx(covariance[:n, :n, b] / scale, abs=0.16)


@pytest.fixture(scope="module")
def calibrated(correction, settings, tmp_path_factory, write_skimmed):
    """The example as a dataset with its weights, normalised."""
    results = tmp_path_factory.mktemp("results")
    skimmed = example()
    dataset = events.Dataset.open(write_skimmed(results, "example", [[skimmed]]))
    means = normalise.normalise(dataset, correction, settings)
    batches = normalise.apply(dataset, "000", correction, means, settings, results / "normalisation.json")
    notes = columns.notes(Calibration.of(correction, settings).variations)
    events.write(dataset.path("calibrate", "000"), batches, {}, notes)
    return dataset, means


def test_normalised_weights_keep_yield_and_pt_spectrum(calibrated):
    dataset, means = calibrated
    both = Weights.of(dataset, ["calibrate"])
    truth = [f"{jet}_{name}" for name in ("pt", "prongs") for jet in columns.JETS]
    stored = dataset.read([*both.columns, *truth], ["calibrate"])
    prongs, pt = (np.concatenate([stored[f"{j}_{name}"] for j in columns.JETS]) for name in ("prongs", "pt"))
    by_jet = [both.part(f"_{jet}") for jet in columns.JETS]
    assert set(means.prongs) == set(map(str, np.unique(prongs)))
    weights = {name: np.concatenate([one.product(stored, name) for one in by_jet]) for name in both.variations}
    for name in both.variations:
        for n in means.prongs:
            assert weights[name][prongs == int(n)].mean(axis=0) == pytest.approx(1, rel=1e-5)
    nominal, two = weights[NOMINAL][:, 0], prongs == 2
    assert 0.3 < nominal[two].std() < 1
    edges = np.quantile(pt[two], [0, 0.25, 0.5, 0.75, 1])
    before, after = (np.histogram(pt[two], edges, weights=w)[0] for w in (None, nominal[two]))
    assert after / before == pytest.approx(1, abs=0.05)


def test_scale_factor_of_a_tau21_cut(calibrated, capsys):
    dataset, means = calibrated
    weights = Weights.of(dataset, ["calibrate"]).part("_j1")
    stored = dataset.read(["j1_tau1", "j1_tau2", *weights.columns], ["calibrate"])
    efficiency = Efficiency()
    selected = np.asarray(stored.j1_tau2 / stored.j1_tau1 < 0.34)
    efficiency.add(weights, stored, np.ones(len(stored)), selected)
    found = efficiency.effects()["lund"]
    with capsys.disabled():
        print(f"\ntau21 < 0.34, jet 1: efficiency {selected.mean():.3f}, scale factor {found.scale_factor:.4f}")
        for source, (up, down) in found.uncertainties.items():
            print(f"  {source:17s} {100 * up:+.2f} % {100 * down:+.2f} %")
        print(f"  {'all':17s} {100 * found.total:.2f} %")
        for n, count in means.prongs.items():
            bad, lost = (100 * x / count.jets for x in (count.badly_matched_jets, count.unclustered_jets))
            print(f"  {count.jets} jets with {n} prongs: {bad:.1f} % badly matched, {lost:.1f} % unclustered")
    sources = {"statistical", "pt_extrapolation", "systematic", "b_quark", "prongs", "unclustered", "distortion"}
    assert found.uncertainties.keys() == sources
    assert found.uncertainties["b_quark"] == (0, 0)
    assert 0.7 < found.scale_factor < 1.1
    assert 0.01 < found.total < 0.4
