"""Many sources of uncertainty as three nuisances: what these do, and what each source is of them."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from resonaut.fit import impacts
from resonaut.fit.sides import logarithms
from resonaut.fit.sources import Combined, Source, interpolated, named, together

SEVERAL = {
    "jes_a": Source(0.06, 0.012, 0.03),
    "jes_b": Source((-0.05, 1 / 0.95 - 1), 0.006, -0.02),
    "jer": Source(0.02, 0.0, 0.05),
    "luminosity": Source(0.016),
}


def effects(source):
    """What it does to rate (logarithm, up), position and width."""
    return np.array([logarithms(source.rate)[0], source.position, source.width])


def covariance(sources):
    return sum(np.outer(effects(one), effects(one)) for one in sources)


def test_three_nuisances_have_the_covariance_of_all_sources():
    found = Combined.of(SEVERAL).nuisances
    assert covariance(found.values()) == pytest.approx(covariance(SEVERAL.values()))
    assert (found["resolution"].position, found["normalisation"].moves) == (0, False)


def test_one_source_that_does_everything_is_one_nuisance():
    source = Source((0.1, -0.3), -0.01, 0.02)
    found = Combined.of({"jes": source}).nuisances
    # The nuisance moves the peak up, which this source does when it goes down.
    assert found["scale"].rate == pytest.approx((-0.3, 0.1))
    assert (found["scale"].position, found["scale"].width) == (0.01, -0.02)
    assert found["resolution"].size == found["normalisation"].size == 0


def test_sides_stay_apart():
    found = Combined.of({"a": Source((0.1, 0.0), 0.01), "b": Source((0.0, -0.2)), "c": Source((0.3, -0.1))}).nuisances
    assert found["scale"].rate == pytest.approx((0.1, 0.0))
    assert found["normalisation"].rate == pytest.approx(
        (0.3, math.expm1(-math.hypot(math.log(0.8), math.log(0.9)))), rel=1e-12
    )


def test_each_source_has_its_share_and_all_of_them_are_whole():
    combined = Combined.of(SEVERAL)
    shares = np.array([combined.shares([name], np.zeros(3), np.ones(3)) for name in SEVERAL])
    assert shares.T @ shares == pytest.approx(np.eye(3))
    # Together they do what the nuisance does.
    made = np.array([effects(one) for one in combined.nuisances.values()])
    assert np.array([effects(one) for one in SEVERAL.values()]).T @ shares == pytest.approx(made.T)
    # All of them together are what the yield depends on, such that they raise it.
    both = combined.shares(list(SEVERAL), np.zeros(3), np.array([-2.0, 1.0, -1.0]))
    assert both == pytest.approx(np.array([2.0, -1.0, 1.0]) / math.sqrt(6))


def test_shares_of_a_group():
    combined, covariance = Combined.of(SEVERAL), np.array([-3.0, 1.0, -2.0])
    jes = ["jes_a", "jes_b"]
    each = np.array([combined.shares([name], np.zeros(3), covariance) for name in jes])
    found = combined.shares(jes, np.zeros(3), covariance)
    # No combination of both changes the yield more; of several rates it is their sum in quadrature.
    assert abs(found @ covariance) == pytest.approx(np.linalg.norm(each @ covariance))
    rates = Combined.of(named({"a": 0.03, "b": 0.04, "c": 0.12}))
    part = math.hypot(math.log1p(0.03), math.log1p(0.04))
    assert rates.shares(["a", "b"], np.zeros(3), covariance)[2] == pytest.approx(
        part / math.hypot(part, math.log1p(0.12))
    )


def test_sizes():
    assert [one.size for one in (Source((0.1, -0.3), 0.5), Source(0.0, -0.02), Source(width=0.1), Source())] == [
        0.3,
        0.02,
        0.1,
        0,
    ]
    one = together([Source(0.1, 0.03, 0.0), Source(0.0, -0.04, 0.2)])
    assert (one.rate, one.position, one.width) == (pytest.approx(0.1), pytest.approx(0.05), 0.2)


def test_between_masses_each_effect_is_linear():
    found = interpolated(3500.0, np.array([3000.0, 4000.0]), [Source((0.1, -0.1), 0.01), Source(0.0, -0.03, 0.2)])
    assert found.rate == pytest.approx((0.05, -0.05))
    assert (found.position, found.width) == pytest.approx((-0.01, 0.1))


def test_a_source_whose_name_begins_like_a_group_is_not_of_it():
    """Pile-up that is independent in one era and not in others, and a calibration of two sources."""
    sources = {name: Source(size) for name, size in {"pileup": 0.03, "pileup_2017": 0.04, "lund_b": 0.06}.items()}
    sources["lund_statistics"] = Source(0.08)
    groups = {"pileup": ["pileup"], "pileup_2017": ["pileup_2017"], "lund": ["lund_statistics", "lund_b"]}
    search = SimpleNamespace(groups=groups, shifted=())
    assert impacts.groups(search, sources) == {"lund": ["lund_b", "lund_statistics"]}
    found = {name: one.size for name, one in impacts.exported(search, sources).items()}
    assert found == pytest.approx({"pileup": 0.03, "pileup_2017": 0.04, "lund": 0.1}, rel=0.02)
