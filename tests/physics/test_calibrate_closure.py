"""Closure of the Lund-plane calibration where the difference between "data" and simulation is known."""

import awkward as ak
import numpy as np
import pytest

from resonaut.calibrate.bins import LundBins
from resonaut.calibrate.counts import Counts
from resonaut.calibrate.factors import products, table_alone
from resonaut.calibrate.lund import Planes, planes_of
from resonaut.calibrate.measure import Ratio, ratio_of
from resonaut.calibrate.settings import Settings

BINS = LundBins(subjet_pt=(10, 150, 600), ln_radius_over_delta=(0, 1, 2, 3, 5), ln_kt=(-4, -2, -1, 0, 1, 4))
SETTINGS = Settings(bins=BINS, minimum_entries=10)


def density_factor(subjet_pt, delta, kt):
    """Density of splittings in "data" relative to simulation, constant in each bin: more soft, fewer hard ones."""
    soft = np.where(kt < np.exp(-1.0), 1.5, np.where(kt < 1.0, 1.0, 0.75))
    return soft * np.where(delta < 0.8 * np.exp(-2.0), 1.1, 0.95) * np.where(subjet_pt < 150, 1.0, 0.9)


def toy_planes(jets: int, data: bool, seed: int) -> Planes:
    """Two subjets per jet, each with a Poisson number of independent splittings."""
    rng = np.random.default_rng(seed)
    pt = rng.uniform(50, 400, 2 * jets)
    # Simulation keeps half of the candidates, "data" half the factor: two independent Poisson processes.
    number = rng.poisson(16, 2 * jets)
    subjet = np.repeat(np.arange(2 * jets), number)
    delta = 0.8 * np.exp(-rng.uniform(0, 4, len(subjet)))
    kt = np.exp(rng.normal(-0.5, 1.2, len(subjet)))
    kept = rng.uniform(size=len(subjet)) < 0.5 * (density_factor(pt[subjet], delta, kt) if data else 1.0)
    splittings = np.bincount(subjet[kept], minlength=2 * jets)
    return Planes(np.full(jets, 2), pt, 0 * pt, 0 * pt, splittings, delta[kept], kt[kept])


def counted(planes: Planes, weight: np.ndarray | float = 1.0) -> Counts:
    counts = Counts(BINS)
    counts.fill(planes, np.broadcast_to(weight, (1, len(planes.subjets))))
    return counts


def weights(planes: Planes, table: np.ndarray, factor_range=(1e-9, 1e9)) -> np.ndarray:
    used = np.ones(len(planes.pt), bool)
    return products(planes, used, table_alone(BINS, table, factor_range, "test"))[:, 0]


def exact_table() -> np.ndarray:
    centres = [np.array(edges)[:-1] + np.diff(edges) / 2 for edges in BINS.edges]
    pt, x, y = np.meshgrid(*centres, indexing="ij")
    return density_factor(pt, 0.8 * np.exp(-x), np.exp(y))


def ratio(data: Planes, simulation: Planes, background: Counts | None = None) -> Ratio:
    return ratio_of(counted(data), counted(simulation), background or Counts(BINS), SETTINGS)


def chi2(a: Counts, b: Counts) -> float:
    """Chi-square per bin between two planes' densities."""
    error2 = sum(c.squares[0] / np.maximum(c.subjets[0], 1e-9)[:, None, None] ** 2 for c in (a, b))
    used = (a.entries() >= 10) & (b.entries() >= 10)
    return float(np.mean((a.density()[0] - b.density()[0])[used] ** 2 / error2[used]))


def pulls(found: Ratio, truth: np.ndarray | float) -> np.ndarray:
    return ((found.values[0] - truth) / found.error)[found.known]


def test_measured_ratio_is_the_known_one_within_its_error():
    found = ratio(toy_planes(4000, True, 1), toy_planes(4000, False, 2))
    assert found.known.sum() >= 30
    # 39 bins: mean of pulls^2 has a standard deviation of 0.23.
    assert 0.4 < np.mean(pulls(found, exact_table()) ** 2) < 1.8
    assert np.median(found.error[found.known]) < 0.1


def test_two_samples_of_one_shower_have_a_ratio_of_one():
    found = ratio(toy_planes(4000, False, 11), toy_planes(4000, False, 12))
    assert 0.4 < np.mean(pulls(found, 1.0) ** 2) < 1.8


def test_background_is_subtracted_within_the_errors():
    """A third of the "data" are background jets with half as many splittings, subtracted by their simulation."""
    rng = np.random.default_rng(5)

    def background(seed: int) -> Planes:
        full = toy_planes(2000, False, seed)
        subjet = np.repeat(np.arange(4000), full.splittings)
        kept = rng.uniform(size=len(subjet)) < 0.5
        return full._replace(
            splittings=np.bincount(subjet[kept], minlength=4000), delta=full.delta[kept], kt=full.kt[kept]
        )

    data, mixed = toy_planes(4000, True, 1), background(6)
    both = Planes(*(np.concatenate(pair) for pair in zip(data, mixed, strict=True)))
    simulation = toy_planes(4000, False, 2)
    subtracted = ratio(both, simulation, counted(background(7)))
    assert 0.4 < np.mean(pulls(subtracted, exact_table()) ** 2) < 1.8
    assert np.mean(pulls(ratio(both, simulation), exact_table()) ** 2) > 5


def test_weights_of_the_exact_ratio_turn_simulation_into_data():
    simulation, data = toy_planes(4000, False, 3), toy_planes(4000, True, 4)
    weight = weights(simulation, exact_table())
    assert chi2(counted(data), counted(simulation)) > 10
    assert chi2(counted(data), counted(simulation, weight)) < 1.6


def emission_jets(jets: int, data: bool, seed: int) -> ak.Array:
    """Constituents of two-prong jets with few soft emissions, mostly primary ones, for the whole chain."""
    rng = np.random.default_rng(seed)
    number = rng.poisson(4, jets)
    prong = rng.integers(0, 2, number.sum())
    delta = np.exp(rng.uniform(np.log(0.008), np.log(0.14), len(prong)))
    kt = np.exp(rng.uniform(np.log(0.05), np.log(1.5), len(prong)))
    kept = rng.uniform(size=len(prong)) < 0.5 * (density_factor(250.0, delta, kt) if data else 1.0)
    angle = rng.uniform(0, 2 * np.pi, len(prong))
    soft = {"pt": kt / delta, "eta": delta * np.sin(angle), "phi": 0.3 * prong + delta * np.cos(angle)}
    soft = ak.unflatten(ak.zip(soft), number)[ak.unflatten(kept, number)]
    hard = ak.unflatten(
        ak.zip({"pt": np.full(2 * jets, 250.0), "eta": np.zeros(2 * jets), "phi": np.tile([0, 0.3], jets)}), 2
    )
    particles = ak.concatenate([hard, soft], axis=1)
    return ak.with_field(particles, 0.0, "mass")


@pytest.mark.parametrize(("declustering", "remaining"), [("ca", 0.4), ("kt", 0.65)])
def test_closure_through_the_declustering(declustering, remaining):
    """An observable outside the plane, the number of constituents, moves to the data's distribution."""
    data, control, signal = (emission_jets(6000, kind, seed) for kind, seed in ((True, 5), (False, 6), (False, 7)))
    planes = [planes_of(jets, 2, declustering, 0.005, 0.02) for jets in (data, control, signal)]
    measured = ratio(planes[0], planes[1])
    weight = np.clip(weights(planes[2], measured.values[0], (0.2, 5.0)), 0.1, 10.0)
    weight /= weight.mean()
    truth, before = (np.mean(ak.to_numpy(ak.num(jets))) for jets in (data, signal))
    after = np.mean(weight * ak.to_numpy(ak.num(signal)))
    # Secondary emissions, off the primary plane, are not corrected: what remains is their share. A kT tree joins more
    # of the soft emissions with each other before they reach the prong.
    assert abs(before - truth) > 0.3
    assert abs(after - truth) < remaining * abs(before - truth)
    assert chi2(counted(planes[0]), counted(planes[2])) > 10
    assert chi2(counted(planes[0]), counted(planes[2], weight)) < 2.5


@pytest.mark.parametrize("declustering", ["ca", "kt"])
def test_constructed_emissions_are_found_where_they_were_put(declustering):
    """Two emissions of one prong: coordinates as generated, to the size of the recoil."""
    jet = ak.Array(
        [
            [
                {"pt": 250.0, "eta": 0.0, "phi": 0.0, "mass": 0.0},
                {"pt": 5.0, "eta": 0.1, "phi": 0.0, "mass": 0.0},
                {"pt": 20.0, "eta": 0.0, "phi": 0.02, "mass": 0.0},
            ]
        ]
    )
    found = planes_of(jet, 1, declustering, 0.005, 0.02)
    # The emissions' order is their algorithm's affair.
    order = np.argsort(found.delta)[::-1]
    assert np.log(found.kt[order]) == pytest.approx(np.log([0.5, 0.4]), abs=0.02)
    assert np.log(0.8 / found.delta[order]) == pytest.approx(np.log([8, 40]), abs=0.02)
