"""Fits, toys, scans, impacts and limits: known answers, pyhf with minuit, and degenerate models."""

import copy

import numpy as np
import pyhf
import pytest
from scipy.stats import chi2, norm, poisson

from resonaut.core.errors import FitError
from resonaut.fit.histfactory import Model, WorkspaceError, fit, fit_many, likelihood, reference, toys
from resonaut.fit.histfactory.goodness import goodness, toy_deviances
from resonaut.fit.histfactory.impacts import impacts
from resonaut.fit.histfactory.limits import Asymptotics, limits, significance, toy_limits
from resonaut.fit.histfactory.scans import interval, scan
from resonaut.fit.histfactory.yields import after, before


@pytest.fixture(scope="module")
def model(all_modifiers):
    return Model.of(all_modifiers)


@pytest.fixture(scope="module")
def fitted(model):
    return fit(model)


def fixed(model):
    """What minuit must not float: parameters of bins that no sample fills."""
    return (model.fixed | ((model.jacobian(model.start) == 0).all(axis=0) & (model.lower >= 0))).tolist()


def test_fit_is_that_of_pyhf_and_minuit(model, fitted) -> None:
    """Values and minimum of a minuit that goes on as far as it can, errors of pyhf's second derivatives.

    What minuit calls errors is changed by bounds, and known to 1e-3.
    """
    other, before, floating = reference.peer(model), pyhf.get_backend(), np.flatnonzero(~np.array(fixed(model)))
    pyhf.set_backend("numpy", pyhf.optimize.minuit_optimizer(tolerance=1e-7, strategy=2))
    data = model.data.tolist()
    values, minimum = pyhf.infer.mle.fit(data, other, fixed_params=fixed(model), return_fitted_val=True)
    pyhf.set_backend(*before)
    assert fitted.converged
    assert fitted.minimum == pytest.approx(float(minimum), rel=1e-10)
    assert fitted.minimum < float(minimum) + 1e-9
    away = (fitted.values - values)[floating] / fitted.errors[floating]
    assert away == pytest.approx(np.zeros(len(away)), abs=1e-5)
    covariance = np.linalg.inv(information(other, fitted, data, floating))
    assert fitted.covariance[np.ix_(floating, floating)] == pytest.approx(covariance, rel=1e-4, abs=1e-6)
    assert fitted.errors[floating] == pytest.approx(np.sqrt(np.diag(covariance)), rel=1e-5)


def information(other, fitted, data, places):
    """Second derivatives of pyhf's -ln L, by differences."""
    step = np.diag(2e-3 * fitted.errors)[places]

    def value(shift):
        return -other.logpdf(fitted.values + shift, data)[0]

    corners = [
        [sum(s * t * value(s * one + t * two) for s in (1, -1) for t in (1, -1)) for two in step[: row + 1]]
        for row, one in enumerate(step)
    ]
    size = 2e-3 * fitted.errors[places]
    half = np.array([row + [0.0] * (len(step) - len(row)) for row in corners]) / (4 * np.outer(size, size))
    return half + np.tril(half, -1).T


def test_backends_find_the_same_minimum(few_bins) -> None:
    """Minuit's goal is 2e-6 of -2 ln L, 1.4e-3 standard deviations."""
    fitted = fit(Model.of(few_bins))
    for backend in ("pyhf_numpy", "pyhf_torch"):
        other = fit(Model.of(few_bins, backend=backend))
        assert other.deviance == pytest.approx(fitted.deviance, abs=1e-5)
        assert other.value("mu") == pytest.approx(fitted.value("mu"), abs=5e-3 * fitted.error("mu"))


def test_counting_experiment_has_its_closed_form(counting) -> None:
    """n = s mu + b: mu = (n - b) / s with error sqrt(n) / s; -2 ln L is Poisson's."""
    model = Model.of(counting(14.0, 2.0, 5.0))
    found = fit(model)
    assert found.value("mu") == pytest.approx(4.5, rel=1e-9)
    assert found.error("mu") == pytest.approx(np.sqrt(14) / 2, rel=1e-6)
    assert found.minimum == pytest.approx(-2 * poisson.logpmf(14, 14), rel=1e-12)
    assert found.deviance == pytest.approx(0, abs=1e-12)

    def height(mu):
        return -2 * (poisson.logpmf(14, 2 * mu + 5) - poisson.logpmf(14, 14))

    ends = interval(model, found, "mu", 1.0)
    assert height(ends.low) == pytest.approx(1, abs=1e-6)
    assert height(ends.high) == pytest.approx(1, abs=1e-6)
    points = np.array([0.0, 3.0, 9.0])
    curve = scan(model, found, {"mu": points})
    assert curve.profiled == pytest.approx(height(points), abs=1e-9)
    assert curve.statistical == pytest.approx(height(points), abs=1e-9)
    assert significance(model, "mu").q0 == pytest.approx(height(0.0), rel=1e-9)


def test_gaussian_constraint_is_pulled_as_two_measurements_are(counting) -> None:
    """Many events and a linear shape: the mean of the constraint and the data, weighted by their variances."""
    up = {"name": "size", "type": "histosys", "data": {"hi_data": [10100.0], "lo_data": [9900.0]}}
    workspace = counting(10150.0, 0.0, 10000.0, modifiers=[up])
    workspace["channels"][0]["samples"].pop(0)
    workspace["measurements"][0]["config"] = {"poi": "", "parameters": []}
    found = fit(Model.of(workspace))
    # 10000 + 100 a = 10150 +- 101: a = 1.5 +- 1.01, and 0 +- 1.
    assert found.value("size") == pytest.approx(0.75, abs=0.01)
    assert found.error("size") == pytest.approx(np.sqrt(0.5), rel=0.01)


def test_many_fits_are_the_single_ones(model, fitted) -> None:
    some = toys(model, fitted.values, 12, 5)
    many = fit_many(model, some)
    assert many.converged.all()
    for row in (0, 7):
        alone = fit(model, some[row])
        assert many.values[row] == pytest.approx(alone.values, abs=1e-7)
        assert many.minimum[row] == pytest.approx(alone.minimum, rel=1e-12)
    held = fit_many(model, model.data, {"mu": np.array([0.5, 1.5])})
    assert held.value("mu").tolist() == [0.5, 1.5]
    assert held.deviance[0] == pytest.approx(fit(model, None, {"mu": 0.5}).deviance, rel=1e-10)


def test_toys_have_unit_pulls_and_their_seed(model, fitted) -> None:
    """400 toys: the mean of a pull is known to 0.05, its width to 0.035; four deviations each are allowed."""
    some = toys(model, fitted.values, 400, 11)
    assert np.array_equal(some, toys(model, fitted.values, 400, 11))
    many = fit_many(model, some, start=fitted.values)
    assert many.converged.all()
    assert (many.distance < 1e-6).all()
    for name in ("mu", "norm"):
        pull = (many.value(name) - fitted.value(name)) / many.errors(model)[:, model.place(name)]
        assert abs(pull.mean()) < 0.2
        assert pull.std() == pytest.approx(1, abs=0.16)
    assert many.errors(model)[:, model.place("mu")].mean() == pytest.approx(fitted.error("mu"), rel=0.1)


def test_deviances_of_toys_follow_chi_square(model, fitted) -> None:
    """Mean and share beyond the 5 % quantile of 400 toys, each within four deviations."""
    found, ndf = toy_deviances(model, fitted.values, 400, 3), goodness(model, fitted).ndf
    # Eleven bins, less mu, norm and one bin of the shapefactor that something fills.
    assert ndf == 8
    assert found.mean() == pytest.approx(ndf, abs=4 * np.sqrt(2 * ndf / 400))
    assert np.mean(found > chi2.isf(0.05, ndf)) == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 400))
    judged = goodness(model, fitted, 100, 2)
    assert judged.toys == 100
    assert judged.p_toys == pytest.approx(judged.p_value, abs=4 * np.sqrt(0.25 / 100))


def test_impacts_are_refits_with_the_nuisance_fixed(model, fitted) -> None:
    found = impacts(model, fitted, ["mu"], names=["jes", "norm", "mc_signal_region[0]"])
    place = model.place("jes")
    by_hand = fit(model, None, {"jes": fitted.values[place] + fitted.errors[place]})
    assert found.after[0, 0, 0] == pytest.approx(by_hand.value("mu") - fitted.value("mu"), abs=1e-7)
    by_hand = fit(model, None, {"jes": fitted.values[place] - 1.0})
    assert found.before[0, 0, 1] == pytest.approx(by_hand.value("mu") - fitted.value("mu"), abs=1e-7)
    # Of all nuisances at once, each fit with another parameter fixed.
    every = impacts(model, fitted, ["mu"])
    assert np.isfinite(every.after).all()
    for number, name in enumerate(every.names):
        moved = fitted.value(name) - fitted.error(name)
        by_hand = fit_many(model, model.data, {name: moved}).value("mu")[0]
        assert every.after[number, 0, 1] == pytest.approx(by_hand - fitted.value("mu"), abs=1e-7)
    # A parameter without a constraint has no width before the fit.
    assert np.isnan(found.before[1]).all()
    assert found.order("mu")[-1] == int(np.argmin(np.abs(found.after[:, 0]).max(axis=1)))
    # Half of the difference is what the covariance says, as the model is nearly linear in this one.
    linear = fitted.covariance[model.place("norm"), model.place("mu")] / fitted.error("norm")
    assert (found.after[1, 0, 0] - found.after[1, 0, 1]) / 2 == pytest.approx(linear, rel=0.1)


def test_asymptotic_limits_are_those_of_pyhf(few_bins) -> None:
    model = Model.of(few_bins)
    other, backend = reference.peer(model), pyhf.get_backend()
    pyhf.set_backend("numpy", pyhf.optimize.minuit_optimizer(tolerance=1e-5))
    found = limits(model, "mu")
    bands = Asymptotics.of(model, "mu").cls(np.array([found.observed]))[:, 0]
    observed, expected = pyhf.infer.hypotest(
        found.observed,
        model.data.tolist(),
        other,
        fixed_params=fixed(model),
        test_stat="qtilde",
        return_expected_set=True,
    )
    pyhf.set_backend(*backend)
    assert bands[0] == pytest.approx(0.05, rel=1e-7)
    assert float(observed) == pytest.approx(0.05, rel=1e-5)
    assert bands[1:] == pytest.approx([float(one) for one in expected], rel=1e-5)
    assert (np.diff(found.expected) > 0).all()


def test_limit_without_events_is_known(counting) -> None:
    """No event, no background: CLs = exp(-s), by toys as well; the asymptotic formulae do not hold there."""
    workspace = counting(0.0, 1.0, 1e-9)
    found = toy_limits(Model.of(workspace), "mu", 2000, 4)
    assert found.observed == pytest.approx(-np.log(0.05), rel=0.1)


def test_limits_by_toys_are_asymptotic_for_many_events(counting) -> None:
    model = Model.of(counting(400.0, 20.0, 400.0))
    one, other = limits(model, "mu"), toy_limits(model, "mu", 1500, 2)
    assert other.observed == pytest.approx(one.observed, rel=0.1)
    assert other.expected[2] == pytest.approx(one.expected[2], rel=0.1)
    assert one.expected[2] == pytest.approx(norm.isf(0.025), rel=0.05)


def test_interval_of_a_precise_measurement_at_its_bound(counting) -> None:
    """-2 Delta ln L = (mu s)^2 / b where the data are the background: 0.0316 b^(-1/2) of a range up to 50."""
    workspace = counting(1e10, 1e8, 1e10)
    workspace["measurements"][0]["config"]["parameters"][0]["bounds"] = [[0.0, 50.0]]
    model = Model.of(workspace)
    found = interval(model, fit(model), "mu", 1.0)
    assert found.low is None
    assert found.high == pytest.approx(1e-3, rel=1e-4)


def test_limit_far_beyond_what_is_expected(counting) -> None:
    """CLs of a normalisation of 10,000 events, expected without any, is too small for a number."""
    model = Model.of(counting(10000, 9000.0, 1.0))
    found = limits(model, "mu")
    assert found.observed == pytest.approx((10000 + 1.6449 * 100) / 9000, rel=1e-3)
    assert np.isfinite(Asymptotics.of(model, "mu").log_cls(np.array([2.0, 20.0]))).all()


def test_coverage_of_intervals(counting) -> None:
    """A signal of known size: 300 toys, 68.3 % within four deviations."""
    size = {"name": "rate", "type": "normsys", "data": {"hi": 1.05, "lo": 0.95}}
    model = Model.of(counting(150.0, 50.0, 100.0, modifiers=[size]))
    truth = model.start
    many = fit_many(model, toys(model, truth, 300, 9))
    held = fit_many(model, toys(model, truth, 300, 9), {"mu": truth[model.place("mu")]})
    inside = held.deviance - many.deviance < 1
    assert inside.mean() == pytest.approx(0.6827, abs=4 * np.sqrt(0.6827 * 0.3173 / 300))


def test_yields_are_exact_in_a_saturated_sum(model, fitted, counting) -> None:
    counted = Model.of(counting(14.0, 2.0, 5.0))
    found = after(counted, fit(counted))["bin"]
    assert found.total == pytest.approx([14.0])
    assert found.total_errors == pytest.approx([np.sqrt(14)], rel=1e-5)
    assert found.contents[:, 0] == pytest.approx([5.0, 9.0])
    prior = before(model)["signal_region"]
    rate = prior.sums[prior.samples.index("other")]
    # lumi 2 %, fakes 10 % in each bin, rate +20 -15 %, statistics.
    assert prior.sum_errors[prior.samples.index("other")] / rate == pytest.approx(0.18, abs=0.02)
    fitted_yields = after(model, fitted)["signal_region"]
    assert (fitted_yields.total_errors < prior.total_errors).all()


def without_effect(workspace):
    workspace["channels"][0]["samples"][2]["modifiers"].append(
        {"name": "nothing", "type": "normsys", "data": {"hi": 1.0, "lo": 1.0}}
    )


def test_nuisance_without_effect_stays_at_its_constraint(workspace, fitted) -> None:
    without_effect(workspace)
    found = fit(Model.of(workspace))
    assert found.converged
    assert found.value("nothing") == pytest.approx(0, abs=1e-9)
    assert found.error("nothing") == pytest.approx(1)
    assert found.value("mu") == pytest.approx(fitted.value("mu"), abs=1e-6)


def test_signal_that_nobody_selects_has_no_error_and_no_limit(workspace) -> None:
    for channel in workspace["channels"]:
        for sample in channel["samples"]:
            if sample["name"] == "signal":
                sample["data"] = [0.0] * len(sample["data"])
                sample["modifiers"] = [one for one in sample["modifiers"] if one["type"] == "normfactor"]
    model = Model.of(workspace)
    found = fit(model)
    assert found.converged
    assert found.without_effect[model.place("mu")]
    assert np.isnan(found.error("mu"))
    with pytest.raises(FitError, match="does not depend on mu, so that there is no limit"):
        limits(model, "mu")


def test_one_sided_templates_and_empty_bins_are_fitted(workspace) -> None:
    for channel, observed in zip(workspace["channels"], workspace["observations"], strict=True):
        observed["data"][-1] = 0
        for sample in channel["samples"]:
            sample["data"][-1] = 0.0
            for one in sample["modifiers"]:
                if one["type"] == "histosys":
                    one["data"]["hi_data"][-1] = one["data"]["lo_data"][-1] = 0.0
                    one["data"]["lo_data"] = copy.deepcopy(sample["data"])
    model = Model.of(workspace)
    found = fit(model)
    assert found.converged
    assert goodness(model, found).ndf == 6
    other = fit(Model.of(workspace, backend="pyhf_numpy"))
    assert found.deviance == pytest.approx(other.deviance, abs=1e-5)


def test_empty_bin_does_not_pay_for_contents_below_zero(counting) -> None:
    """40 - 50 alpha events where none are seen: at alpha = 0.8 nothing is left, and more would gain nothing."""
    shape = {"hi_data": [10000.0, -10.0], "lo_data": [10000.0, 90.0]}
    samples = [
        {"name": "rest", "data": [10000.0, 40.0], "modifiers": [{"name": "tilt", "type": "histosys", "data": shape}]}
    ]
    workspace = {
        "channels": [{"name": "c", "samples": samples}],
        "observations": [{"name": "c", "data": [10000, 0]}],
        "measurements": [{"name": "m", "config": {"poi": "", "parameters": []}}],
    }
    model = Model.of(workspace, histosys="code0")
    found = fit(model)
    assert found.converged
    assert found.value("tilt") == pytest.approx(0.8, abs=0.001)
    assert likelihood.below_zero(model, found.values) in ({}, {"c": [1]})
    assert (model.expected_data(found.values) >= 0).all()


def test_search_leaves_regions_far_from_the_minimum(counting) -> None:
    """Free bins that start at next to nothing, and end at hundreds of events; toys with very few."""
    free = {"name": "bins", "type": "shapefactor", "data": None}
    workspace = counting(300.0, 1.0, 10.0, modifiers=[free])
    workspace["measurements"][0]["config"]["parameters"] = [
        {"name": "mu", "bounds": [[0.0, 5.0]], "fixed": True},
        {"name": "bins", "inits": [1e-9], "bounds": [[0.0, 100.0]]},
    ]
    model = Model.of(workspace)
    found = fit(model)
    assert found.converged
    assert found.value("bins[0]") == pytest.approx(29.9, rel=1e-6)
    few = fit_many(model, toys(model, np.array([1.0, 0.05]), 50, 1))
    assert few.converged.all()
    assert few.value("bins[0]") == pytest.approx(np.maximum(few.data.counts[:, 0] - 1, 0) / 10, abs=1e-6)


def test_wrong_data_are_a_sentence(model) -> None:
    with pytest.raises(WorkspaceError, match="the data have 3 numbers; give 11 counts, or"):
        fit(model, np.ones(3))
    with pytest.raises(WorkspaceError, match="negative or not finite"):
        fit(model, -model.observed)
    with pytest.raises(WorkspaceError, match="no parameter 'kappa'"):
        fit(model, None, {"kappa": 1.0})


def quadratic(observed):
    """Yield 40 (kappa - 1)^2 + 5 over a background of 100: two minima for more than 105 events."""
    terms = {"parameters": ["kappa"], "terms": [[[0], 45.0], [[1], -80.0], [[2], 40.0]]}
    samples = [
        {"name": "signal", "data": [1.0], "modifiers": [{"name": "scaling", "type": "polynomial", "data": terms}]},
        {
            "name": "rest",
            "data": [100.0],
            "modifiers": [{"name": "size", "type": "normsys", "data": {"hi": 1.02, "lo": 0.98}}],
        },
    ]
    return {
        "channels": [{"name": "c", "samples": samples}],
        "observations": [{"name": "c", "data": [observed]}],
        "measurements": [
            {"name": "m", "config": {"poi": "kappa", "parameters": [{"name": "kappa", "bounds": [[-4.0, 6.0]]}]}}
        ],
    }


def test_coupling_is_found_from_the_vertex_of_its_parabola() -> None:
    """At kappa = 1, where fits start, the derivative is 0; both minima are as low, and the interval has two parts."""
    model = Model.of(quadratic(195.0))
    found = fit(model)
    assert found.converged
    assert abs(found.value("kappa") - 1) == pytest.approx(1.5, abs=1e-6)
    assert found.deviance == pytest.approx(0, abs=1e-9)
    ends = interval(model, found, "kappa", 1.0)
    assert len(ends.ranges) == 2
    (a, b), (c, d) = ends.ranges
    assert (a + d) / 2 == pytest.approx(1, abs=1e-4)
    assert (b + c) / 2 == pytest.approx(1, abs=1e-4)
    # pyhf knows polynomials by a modifier of its own.
    other = fit(Model.of(quadratic(195.0), backend="pyhf_numpy"))
    assert other.deviance == pytest.approx(0, abs=1e-5)
    assert abs(other.value("kappa") - 1) == pytest.approx(1.5, abs=1e-3)
    # Fewer events than any coupling makes: one minimum, at the vertex.
    low = interval(Model.of(quadratic(90.0)), fit(Model.of(quadratic(90.0))), "kappa", 3.84)
    assert len(low.ranges) == 1
    assert low.low < 1 < low.high
