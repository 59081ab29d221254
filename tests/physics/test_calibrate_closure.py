"""Closure of the Lund-plane calibration where the difference between "data" and simulation is known."""

import awkward as ak
import numpy as np
import pytest

from resonaut.calibrate.bins import LundBins, splittings_of
from resonaut.calibrate.correction import LundRatio
from resonaut.calibrate.lund import lund_plane
from resonaut.calibrate.measure import Planes, ratio_of
from resonaut.calibrate.weights import jet_weights

BINS = LundBins((0.0, 150.0, 600.0), (0.0, 1.0, 2.0, 3.0, 5.0), (-4.0, -2.0, -1.0, 0.0, 1.0, 4.0))


def density_factor(subjet_pt, delta, kt):
    """Density of splittings in "data" relative to simulation, constant in each bin: more soft, fewer hard ones."""
    soft = np.where(kt < np.exp(-1.0), 1.5, np.where(kt < 1.0, 1.0, 0.75))
    return soft * np.where(delta < 0.8 * np.exp(-2.0), 1.1, 0.95) * np.where(subjet_pt < 150, 1.0, 0.9)


def toy_planes(jets: int, data: bool, seed: int) -> ak.Array:
    """Two subjets per jet, each with a Poisson number of independent splittings."""
    rng = np.random.default_rng(seed)
    pt = rng.uniform(50, 400, 2 * jets)
    # Simulation keeps half of the candidates, "data" half the factor: two independent Poisson processes.
    number = rng.poisson(16, 2 * jets)
    owner = np.repeat(pt, number)
    delta = 0.8 * np.exp(-rng.uniform(0, 4, len(owner)))
    kt = np.exp(rng.normal(-0.5, 1.2, len(owner)))
    kept = rng.uniform(size=len(owner)) < 0.5 * (density_factor(owner, delta, kt) if data else 1.0)
    splittings = ak.unflatten(ak.zip({"delta": delta, "kt": kt}), number)[ak.unflatten(kept, number)]
    subjets = ak.zip({"pt": pt, "eta": 0 * pt, "phi": 0 * pt, "splittings": splittings}, depth_limit=1)
    return ak.unflatten(subjets, 2)


def filled(subjets: ak.Array, weight: np.ndarray | None = None) -> Planes:
    planes = Planes(BINS)
    planes.fill(subjets, np.ones(len(subjets)) if weight is None else weight)
    return planes


def exact_ratio() -> LundRatio:
    centres = [np.array(edges)[:-1] + np.diff(edges) / 2 for edges in BINS.edges]
    pt, x, y = np.meshgrid(*centres, indexing="ij")
    factor = density_factor(pt, 0.8 * np.exp(-x), np.exp(y))
    return LundRatio(BINS, factor, np.zeros(BINS.shape))


def chi2(a: Planes, b: Planes) -> float:
    """Chi-square per bin between two planes' densities."""
    error2 = sum(p.squares / np.maximum(p.subjets, 1e-9)[:, None, None] ** 2 for p in (a, b))
    used = (a.entries() >= 10) & (b.entries() >= 10)
    return float(np.mean((a.density() - b.density())[used] ** 2 / error2[used]))


def test_measured_ratio_is_the_known_one_within_its_error():
    ratio = ratio_of(filled(toy_planes(4000, True, 1)), filled(toy_planes(4000, False, 2)), minimum_entries=10)
    measured = ratio.error < 1
    pulls = (ratio.ratio - exact_ratio().ratio)[measured] / ratio.error[measured]
    assert measured.sum() >= 30
    # 39 bins: mean of pulls^2 has a standard deviation of 0.23.
    assert 0.4 < np.mean(pulls**2) < 1.8
    assert np.median(ratio.error[measured]) < 0.1


def test_weights_of_the_exact_ratio_turn_simulation_into_data():
    simulation, data = toy_planes(4000, False, 3), toy_planes(4000, True, 4)
    factors = exact_ratio().ratio.reshape(1, -1)
    weight = jet_weights(simulation, BINS, factors, (1e-9, 1e9))[:, 0]
    assert chi2(filled(data), filled(simulation)) > 10
    assert chi2(filled(data), filled(simulation, weight)) < 1.6


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


def test_closure_through_the_declustering():
    """An observable outside the plane, the number of constituents, moves to the data's distribution."""
    data, control, signal = (emission_jets(6000, kind, seed) for kind, seed in ((True, 5), (False, 6), (False, 7)))
    ratio = ratio_of(filled(lund_plane(data, 2)), filled(lund_plane(control, 2)), minimum_entries=10)
    planes = lund_plane(signal, 2)
    weight = jet_weights(planes, BINS, np.clip(ratio.ratio, 0.2, 5).reshape(1, -1), (0.1, 10.0))[:, 0]
    weight /= weight.mean()
    truth, before = (np.mean(ak.to_numpy(ak.num(jets))) for jets in (data, signal))
    after = np.mean(weight * ak.to_numpy(ak.num(signal)))
    # Secondary emissions, off the primary plane, are not corrected: what remains is their share.
    assert abs(before - truth) > 0.3
    assert abs(after - truth) < 0.4 * abs(before - truth)
    assert chi2(filled(lund_plane(data, 2)), filled(planes)) > 10
    assert chi2(filled(lund_plane(data, 2)), filled(planes, weight)) < 2.5


def test_constructed_emissions_are_found_where_they_were_put():
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
    found = splittings_of(lund_plane(jet, 1))
    assert found.ln_kt == pytest.approx(np.log([0.5, 0.4]), abs=0.02)
    assert found.ln_radius_over_delta == pytest.approx(np.log([8, 40]), abs=0.02)
