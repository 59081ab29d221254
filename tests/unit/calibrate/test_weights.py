import dataclasses
import logging

import awkward as ak
import numpy as np
import pytest

from resonaut.calibrate.bins import LundBins
from resonaut.calibrate.factors import only, products, table_alone, tables_of
from resonaut.calibrate.jets import jets_of
from resonaut.calibrate.lund import Planes
from resonaut.calibrate.matching import Quarks, match
from resonaut.calibrate.weights import Calibration, weigh
from resonaut.core.events import Dataset

from .conftest import correction_of

ONE_BIN = LundBins(subjet_pt=(0.0, 1000.0), ln_radius_over_delta=(0.0, 5.0), ln_kt=(-4.0, 4.0))


def planes_with(numbers_of_splittings: list[list[int]], pt: float = 100.0) -> Planes:
    """Jets of subjets with so many equal splittings."""
    splittings = np.array([n for jet in numbers_of_splittings for n in jet], int)
    size, total = len(splittings), int(splittings.sum())
    subjets = np.array([len(jet) for jet in numbers_of_splittings])
    zeros = np.zeros(size)
    return Planes(subjets, np.full(size, pt), zeros, zeros, splittings, np.full(total, 0.1), np.ones(total))


def test_weight_is_the_product_over_used_subjets():
    planes = planes_with([[0], [1, 2], [], [0, 3]])
    tables = tables_of(correction_of(ONE_BIN, 2.0), 1, 1)
    assert products(planes, np.array([True] * 5), tables)[:, 0] == pytest.approx([1, 8, 1, 8])
    used = np.array([True, True, False, True, True])
    assert products(planes, used, tables)[:, 0] == pytest.approx([1, 2, 1, 8])


@pytest.mark.parametrize(("value", "factor"), [(0.01, 0.2), (0.5, 0.5), (40.0, 5.0)])
def test_factors_are_clipped(value, factor):
    tables = tables_of(correction_of(ONE_BIN, value), 2, 1)
    for pt in (100.0, 500.0):
        assert products(planes_with([[1]], pt), np.array([True]), tables)[0] == pytest.approx(factor)


@pytest.mark.parametrize(
    ("pt", "factor"), [(14.9, 5.0), (15.0, 2.0), (349.0, 2.0), (350.0, 0.8 + 120 / 350), (1000.0, 0.92)]
)
def test_polynomial_in_inverse_pt_beyond_the_direct_range(pt, factor):
    """0.8 + 120 GeV / p_T, which is clipped at 5 below 15 GeV."""
    tables = tables_of(correction_of(ONE_BIN, 2.0, polynomial=[0.8, 120.0, 0.0]), 1, 1)
    assert products(planes_with([[1]], pt), np.array([True]), tables)[0, 0] == pytest.approx(factor)


def test_toys_move_bins_inside_and_polynomials_beyond_the_direct_range():
    correction = correction_of(ONE_BIN, 1.0, error=0.1, spread=0.2)
    tables = tables_of(correction, 4000, 3)
    for pt, statistical, extrapolation in ((100.0, 0.1, 0.0), (500.0, 0.0, 0.2)):
        found = products(planes_with([[1]], pt), np.array([True]), tables)[0]
        for name, sigma in (("statistical", statistical), ("pt_extrapolation", extrapolation)):
            toys = found[tables.names[name]]
            assert len(toys) == 4000
            assert toys.mean() == pytest.approx(1, abs=0.02)
            assert toys.std() == pytest.approx(sigma, rel=0.06)
    assert np.array_equal(tables.direct, tables_of(correction, 4000, 3).direct)
    assert not np.array_equal(tables.direct, tables_of(correction, 4000, 4).direct)


def test_extrapolation_toys_follow_the_covariance():
    """p0 and p1 fully anticorrelated such that nothing moves at 500 GeV."""
    correction = correction_of(ONE_BIN, 1.0)
    step = np.array([0.1, -50.0, 0.0])
    correction = dataclasses.replace(correction, covariance=np.outer(step, step).reshape(3, 3, 1, 1))
    tables = tables_of(correction, 2000, 1)
    for pt, sigma in ((500.0, 0.0), (1000.0, 0.05)):
        toys = products(planes_with([[1]], pt), np.array([True]), tables)[0][tables.names["pt_extrapolation"]]
        assert toys.std() == pytest.approx(sigma, rel=0.1, abs=1e-9)


def test_systematic_variations_and_one_of_them_alone():
    tables = tables_of(correction_of(ONE_BIN, 1.5, systematics=[("shower", 1.1, 0.9)]), 2, 1)
    planes = planes_with([[2]])
    found = products(planes, np.array([True]), tables)[0]
    assert found[tables.names["shower_up"]] == pytest.approx(1.65**2)
    assert found[tables.names["shower_down"]] == pytest.approx(1.35**2)
    alone = products(planes, np.array([True]), only(tables, "shower_up"))
    assert alone[0] == pytest.approx([1.65**2])


def test_a_table_alone_holds_for_every_pt():
    tables = table_alone(ONE_BIN, np.full(ONE_BIN.shape, 1.5), (0.2, 5.0), "b")
    assert products(planes_with([[1]], 3000.0), np.array([True]), tables)[0] == pytest.approx([1.5])


def matched(subjet_phi: list[float], quark_phi: list[float], b: list[bool] | None = None):
    size, n = len(subjet_phi), len(quark_phi)
    zeros = np.zeros(size)
    planes = Planes(np.array([size]), zeros + 100, zeros, np.array(subjet_phi), zeros.astype(int), *np.zeros((2, 0)))
    found = match(planes, Quarks(np.array([n]), np.zeros(n), np.array(quark_phi), np.array(b or [False] * n, bool)))
    return found, bool(found.bad(planes)[0])


def test_each_quark_goes_to_the_nearest_subjet():
    found, bad = matched([0.0, 0.5], [0.1, 0.45], [False, True])
    assert found.quarks.tolist() == [1, 1]
    assert found.is_b.tolist() == [False, True]
    assert not bad


@pytest.mark.parametrize(
    ("subjets", "quarks", "numbers"),
    [
        ([0.0, 0.5], [0.0, 0.75], [1, 0]),  # too far away
        ([0.0, 0.5], [0.0, 0.1], [2, 0]),  # two quarks in one subjet
        ([3.1, 0.0], [-3.1, 0.0], [1, 1]),  # across the cut in azimuth
        ([0.0], [], [0]),
    ],
)
def test_bad_matches(subjets, quarks, numbers):
    found, bad = matched(subjets, quarks)
    assert found.quarks.tolist() == numbers
    assert bad == (numbers != [1, 1])


@pytest.fixture
def toys(make_dataset):
    """Two-prong toy jets: hard axes at phi of -0.2 and 0.2."""
    dataset = Dataset.open(make_dataset("signal", "signal", [[400]]))
    return next(dataset.iterate([*(f"j1_pf_{n}" for n in ("pt", "eta", "phi", "mass")), *TRUTH]))


TRUTH = [f"j1_{n}" for n in ("pt", "eta", "phi", "prongs", "quark_pt", "quark_eta", "quark_phi", "quark_pdgid")]


def weighed(events, settings, bins, **correction):
    calibration = Calibration.of(correction_of(bins, **correction), settings)
    ones = table_alone(bins, np.ones(bins.shape), (0.2, 5.0), "distortion")
    return weigh(jets_of(events, "j1"), calibration, ones), calibration.variations


def test_no_difference_gives_weights_of_one_except_where_the_clustering_is_doubted(toys, settings, bins):
    found, variations = weighed(toys, settings, bins)
    unclustered = slice(variations["unclustered_up"].start, variations["unclustered_down"].stop)
    rest = np.delete(found.weight, np.r_[unclustered], axis=1)
    assert np.all(rest == 1)
    assert 0 < found.unclustered.sum() < found.bad_match.sum() < 200
    assert np.all(found.weight[found.unclustered, unclustered] == [5, 0.2])
    assert np.all(found.weight[~found.unclustered, unclustered] == 1)


def test_b_quarks_vary_by_their_ratio(toys, settings, bins):
    """All quarks of the toys are b quarks: b up is the product of b/light over all used splittings."""
    correction = dataclasses.replace(correction_of(bins, 1.1), b_light=np.full(bins.shape, 1.1))
    ones = table_alone(bins, np.ones(bins.shape), (0.2, 5.0), "distortion")
    wide = dataclasses.replace(settings, weight_range=(1e-9, 1e9), direct_pt_range=(0.0, 1e5))
    correction = dataclasses.replace(correction, direct_pt_range=(0.0, 1e5))
    calibration = Calibration.of(correction, wide)
    found = weigh(jets_of(toys, "j1"), calibration, ones).weight
    nominal = found[:, 0]
    up, down = (found[:, calibration.variations[f"b_quark_{way}"].start] for way in ("up", "down"))
    assert up == pytest.approx(nominal**2)
    assert down == pytest.approx(1)
    light = ak.with_field(toys, toys.j1_quark_pdgid - 4, "j1_quark_pdgid")
    found = weigh(jets_of(light, "j1"), calibration, ones).weight
    assert found[:, calibration.variations["b_quark_up"].start] == pytest.approx(found[:, 0])


def test_prongs_change_only_where_matching_is_bad_or_a_quark_is_at_the_edge(toys, settings, bins):
    found, variations = weighed(toys, settings, bins, value=np.random.default_rng(1).uniform(0.7, 1.4, bins.shape))
    for way in ("up", "down"):
        changed = found.weight[:, variations[f"prongs_{way}"].start] != found.weight[:, 0]
        assert not np.any(changed & ~found.bad_match)
        assert changed.any()
    outside = ak.with_field(toys, ak.ones_like(toys.j1_quark_phi) * 0.85, "j1_quark_phi")
    jets = jets_of(outside, "j1")
    assert jets.near_outside.all()
    assert not jets.near_inside.any()


def test_distortion_multiplies_up_and_divides_down(toys, settings, bins):
    calibration = Calibration.of(correction_of(bins), settings)
    table = table_alone(bins, np.full(bins.shape, 1.05), (0.2, 5.0), "distortion")
    found = weigh(jets_of(toys, "j1"), calibration, table).weight
    up, down = (found[:, calibration.variations[f"distortion_{way}"].start] for way in ("up", "down"))
    assert np.all(up >= 1)
    assert up.max() > 1.2
    assert up * down == pytest.approx(1)


def test_weights_are_clipped_in_every_variation(toys, settings, bins):
    found, _ = weighed(toys, settings, bins, value=3.0)
    assert found.weight.max() == 10
    assert found.weight.min() >= 0.1


def test_a_jet_with_too_few_constituents_has_weight_one(toys, settings, bins, caplog):
    few = ak.with_field(toys, ak.full_like(toys.j1_prongs, 40), "j1_prongs")
    with caplog.at_level(logging.WARNING):
        found, _ = weighed(few, settings, bins, value=2.0)
    assert not found.calibrated.any()
    assert np.all(found.weight == 1)
    assert not found.unclustered.any()
