"""Transfer factors: plain pyhf fits them, known ratios are found, and a wrong polynomial shows."""

import json
from typing import Any

import numpy as np
import pyhf
import pytest
from numpy.testing import assert_allclose

from resonaut.core.errors import ConfigError
from resonaut.core.record import build
from resonaut.fit.histfactory import Model, fallback, fit_many, toys
from resonaut.fit.results.models import ChannelHistograms, Part
from resonaut.fit.templates import build as templates
from resonaut.fit.templates.settings import Model as Settings
from resonaut.fit.transfer.bias import bias_tests
from resonaut.fit.transfer.blind import without
from resonaut.fit.transfer.ftest import ordered
from resonaut.fit.transfer.polynomial import basis, points
from resonaut.fit.transfer.settings import Polynomial, Transfer
from resonaut.fit.transfer.workspace import HistFactory, transferred

pytestmark = pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")

EDGES = np.linspace(50.0, 250.0, 13).tolist()
BINS = len(EDGES) - 1
X = (np.arange(BINS) + 0.5) / BINS
FAIL = 40_000 * np.exp(-3 * X)


def transfer(orders: list[int] | None = None, **keys: Any) -> dict[str, Transfer]:
    polynomial = {"regions": {"pass": {"fail": "fail"}}, "orders": orders} | keys
    return {"qcd": build({"polynomials": {"one": polynomial}, "toys": 60}, Transfer, "test")}


def workspace(ratio: np.ndarray, fail: np.ndarray = FAIL, simulated: float = 300.0) -> HistFactory:
    """A peak of other simulation in both channels, a signal where it passes, and a background of a known ratio."""
    peak = np.exp(-0.5 * ((X - 0.6) / 0.1) ** 2)
    other = {"fail": simulated * peak, "pass": 0.2 * simulated * peak}
    signal = {"name": "signal", "data": (30 * np.exp(-0.5 * ((X - 0.35) / 0.08) ** 2)).tolist()}
    signal["modifiers"] = [{"name": "mu", "type": "normfactor", "data": None}]
    channels = []
    for name, contents in other.items():
        size = {"name": "other_size", "type": "normsys", "data": {"hi": 1.1, "lo": 0.9}}
        samples = [{"name": "other", "data": contents.tolist(), "modifiers": [size]}]
        channels.append({"name": name, "samples": [*samples, signal] if name == "pass" else samples})
    data = {"fail": fail + other["fail"], "pass": ratio * fail + other["pass"]}
    interest = {"name": "mu", "inits": [1.0], "bounds": [[-20.0, 20.0]]}
    return {
        "channels": channels,
        "observations": [{"name": name, "data": counts.tolist()} for name, counts in data.items()],
        "measurements": [{"name": "test", "config": {"poi": "mu", "parameters": [interest]}}],
        "version": "1.0.0",
    }


def made(ratio: np.ndarray, orders: list[int], **keys: Any) -> HistFactory:
    return transferred(workspace(ratio), {"pass": EDGES}, transfer(orders, **keys))


@pytest.mark.parametrize("kind", ["bernstein", "exponential"])
@pytest.mark.parametrize("orders", [[0], [3], [2, 1]])
def test_basis_is_nowhere_negative_and_as_large_as_the_orders_say(kind: Any, orders: list[int]) -> None:
    at = np.random.default_rng(1).random((9, len(orders)))
    found = basis(at, orders, kind)
    assert found.shape == (np.prod(np.array(orders) + 1), 9)
    assert (found >= 0).all()
    if kind == "bernstein":
        assert_allclose(found.sum(axis=0), 1, rtol=1e-12)
    assert np.linalg.matrix_rank(found) == len(found)


def test_bernstein_of_first_order_is_a_straight_line() -> None:
    assert_allclose(basis(X[:, None], [1]), [1 - X, X], rtol=1e-12)


def test_rho_and_pt_are_scaled_over_all_regions() -> None:
    regions = {"a": {"fail": "fa", "pt": 500}, "b": {"fail": "fb", "pt": 1000}}
    found = points(
        build({"regions": regions, "variables": ["rho", "pt"]}, Polynomial, "test"),
        {"a": [100, 200, 300], "b": [100, 200, 300]},
    )
    rho = {name: 2 * np.log(np.array([150, 250]) / pt) for name, pt in (("a", 500), ("b", 1000))}
    low, high = rho["b"][0], rho["a"][1]
    for name, pt in (("a", 0.0), ("b", 1.0)):
        assert_allclose(found[name][:, 0], (rho[name] - low) / (high - low), atol=1e-12)
        assert_allclose(found[name][:, 1], pt)


def test_plain_pyhf_expects_and_fits_the_same() -> None:
    specification = made(0.01 + 0.02 * X, [1])
    theirs = pyhf.Workspace(json.loads(json.dumps(specification)))
    model, ours = theirs.model(), Model.of(specification)
    rng = np.random.default_rng(2)
    values = np.clip(rng.normal(ours.start, 0.1), ours.lower, ours.upper)
    assert list(ours.parameters) == model.config.par_names
    assert_allclose(model.expected_data(values, include_auxdata=False), ours.expected(values), rtol=1e-12)
    q = values[ours.place("qcd_fail[0]") :][:BINS] * FAIL
    c = [values[ours.place(f"qcd_one_{k}")] for k in (0, 1)]
    scale = np.sum((0.01 + 0.02 * X) * FAIL) / FAIL.sum()
    one = ours.samples["pass"]
    passing = ours.by_sample(values[None])[0][[one.index("qcd_0"), one.index("qcd_1")]].sum(axis=0)[
        ours.channels["pass"]
    ]
    assert_allclose(passing, scale * (c[0] * (1 - X) + c[1] * X) * q, rtol=1e-9)
    pyhf.set_backend("numpy", pyhf.optimize.minuit_optimizer(tolerance=1e-3))
    counts = [*rng.poisson(ours.expected(ours.start)), *ours.auxiliary]
    best, minimum = pyhf.infer.mle.fit(counts, model, return_fitted_val=True)
    mine = fit_many(ours, np.array(counts, float))
    assert mine.converged.all()
    assert_allclose(mine.minimum[0], minimum, rtol=1e-6)
    assert_allclose(mine.value("mu")[0], best[model.config.poi_index], atol=2e-3)


def test_known_ratio_is_found_in_data_without_fluctuations() -> None:
    specification = made(0.01 + 0.02 * X, [1])
    found = fit_many(Model.of(specification), np.array(Model.of(specification).data))
    scale = np.sum((0.01 + 0.02 * X) * FAIL) / FAIL.sum()
    assert_allclose([found.value("qcd_one_0")[0] * scale, found.value("qcd_one_1")[0] * scale], [0.01, 0.03], rtol=1e-5)
    assert_allclose(found.value("mu"), 0, atol=1e-5)
    assert found.deviance[0] < 1e-8


def test_more_simulation_than_data_makes_no_negative_background() -> None:
    specification = workspace(np.full(BINS, 0.02))
    failing = specification["observations"][0]["data"]
    failing[7], failing[11] = 0.3 * specification["channels"][0]["samples"][0]["data"][7], 0.0
    model = Model.of(transferred(specification, {"pass": EDGES}, transfer([1])))
    start = model.nominal[model.samples["fail"].index("qcd"), model.channels["fail"]]
    assert_allclose(start[7], np.sqrt(failing[7]))
    assert_allclose(start[11], 1)
    found = fit_many(model, model.data)
    assert found.converged.all()
    passing = model.by_sample(found.values)[0][:, model.channels["pass"]]
    names = model.samples["pass"]
    background = passing[[names.index("qcd_0"), names.index("qcd_1")]].sum(axis=0)
    assert (background >= 0).all()
    assert background[7] < 1e-3 * background[6]


@pytest.mark.parametrize(
    ("ratio", "orders"), [(0.02 + 0 * X, [0]), (0.005 + 0.05 * X, [1]), (0.05 * (X - 0.5) ** 2 + 0.01, [2])]
)
def test_f_test_finds_the_order(ratio: np.ndarray, orders: list[int]) -> None:
    specification = workspace(ratio)
    rng = np.random.default_rng(5)
    for one in specification["observations"]:
        one["data"] = rng.poisson(one["data"]).astype(float).tolist()
    found, steps = ordered(specification, {"pass": EDGES}, transfer())
    assert found["qcd"].polynomials["one"].orders == orders
    assert [step.taken for step in steps] == [True] * orders[0] + [False]
    assert all(step.deviance_higher <= step.deviance_lower for step in steps)


def test_bias_test_passes_the_true_polynomial_and_not_another() -> None:
    ratio = 0.03 * (1 - X) ** 2 + 0.004
    truth, right, wrong = (Model.of(made(ratio, [order])) for order in (2, 2, 0))
    (good,) = bias_tests(truth, right, [0.5], 150, 3)
    (bad,) = bias_tests(truth, wrong, [0.5], 150, 3)
    assert abs(good.pull_mean) < 4.5 * good.pull_mean_error
    assert abs(good.coverage_68 - 0.683) < 4.5 * good.coverage_68_error
    assert abs(bad.pull_mean) > 2
    assert bad.coverage_95 < 0.8


def test_exponentials_are_another_truth() -> None:
    (found,) = bias_tests(
        Model.of(made(0.01 + 0.02 * X, [1], basis="exponential")), Model.of(made(0.01 + 0.02 * X, [2])), [1.0], 60, 4
    )
    assert abs(found.pull_mean) < 4.5 * found.pull_mean_error + 0.3


def test_data_without_a_window_are_what_the_others_say() -> None:
    specification = made(0.01 + 0.02 * X, [1])
    signal = np.array(specification["channels"][1]["samples"][1]["data"])
    for one in specification["observations"]:
        if one["name"] == "pass":
            one["data"] = (np.array(one["data"]) + 3 * signal).tolist()
    model = Model.of(specification)
    found = without(model, {"pass": (3, 7)}, {"mu": 0.0})
    window = slice(model.channels["pass"].start + 3, model.channels["pass"].start + 7)
    expected = Model.of(made(0.01 + 0.02 * X, [1])).observed
    assert_allclose(found[window], expected[window], rtol=0.02)
    assert model.observed[window].sum() > 1.15 * expected[window].sum()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"regions": {"passing": {"fail": "fail"}}}, "names the channel 'passing', and there are fail, pass"),
        ({"regions": {"pass": {"fail": "pass"}}}, "passes and fails at once"),
        ({"orders": None}, "has no orders"),
        ({"orders": [1, 1]}, "give one for each variable"),
        ({"variables": ["rho"]}, "has no pt"),
    ],
)
def test_faults_are_sentences(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        transferred(workspace(0.02 + 0 * X), {"pass": EDGES}, transfer(**({"orders": [1]} | change)))


def test_a_model_of_templates_takes_it() -> None:
    rng = np.random.default_rng(8)
    counts = {"fail": rng.poisson(FAIL).astype(float), "pass": rng.poisson((0.005 + 0.05 * X) * FAIL).astype(float)}
    settings = build(
        {
            "channels": {name: {} for name in counts},
            "samples": {"signal": {"signal": True, "channels": ["pass"]}},
            "transfer": {"qcd": {"polynomials": {"one": {"regions": {"pass": {"fail": "fail"}}}}, "toys": 40}},
        },
        Settings,
        "test",
    )
    signal = (10 * np.exp(-0.5 * ((X - 0.4) / 0.1) ** 2)).tolist()
    part = Part(era=None, values=signal, variances=[0.1] * BINS, events=None, outside=None, varied={})
    channels = [
        ChannelHistograms(
            channel=name,
            observable="mass",
            label="mass",
            unit="GeV",
            edges=EDGES,
            in_fb=False,
            luminosity=None,
            samples={"signal": [part]} if name == "pass" else {},
            data=observed.tolist(),
            notes=[],
        )
        for name, observed in counts.items()
    ]
    found, described = templates.build("test", settings, channels)
    assert [(step.lower, step.taken) for step in described.transfer] == [([0], True), ([1], False)]
    assert [sample["name"] for sample in found["channels"][1]["samples"]] == ["signal", "qcd_0", "qcd_1"]
    fitted = fit_many(Model.of(found), Model.of(found).data)
    assert fitted.converged.all()
    assert 5 < fitted.deviance[0] < 30


def test_a_simulated_sample_of_the_name_is_refused() -> None:
    specification = workspace(0.02 + 0 * X)
    specification["channels"][1]["samples"].append({"name": "qcd", "data": [1.0] * BINS, "modifiers": []})
    with pytest.raises(ConfigError, match="makes the sample 'qcd'"):
        transferred(specification, {"pass": EDGES}, transfer([0]))
    specification = workspace(0.02 + 0 * X)
    specification["observations"][0]["data"].append(1.0)
    with pytest.raises(ConfigError, match="has 12 bins, and 'fail', which fails, 13"):
        transferred(specification, {"pass": EDGES}, transfer([0]))


def few_events() -> Model:
    """Two events pass where none fails, beside a simulated sample with its statistics."""
    counts = {"fail": [4, 3, 2, 0, 1, 0, 0, 0, 0, 0], "pass": [0, 0, 0, 0, 0, 0, 0, 0, 0, 2]}
    other = {"fail": [3, 2, 2, 3, 5, 9, 4, 2, 0, 1], "pass": [0.3, 0.2, 0.1, 0.05, 0.1, 0.4, 0.2, 0, 0, 0]}
    size = {"name": "other_size", "type": "normsys", "data": {"hi": 1.1, "lo": 0.9}}
    channels = []
    for name, contents in other.items():
        error = {"name": f"staterror_{name}", "type": "staterror", "data": (0.3 * np.sqrt(contents)).tolist()}
        channels.append({"name": name, "samples": [{"name": "other", "data": contents, "modifiers": [size, error]}]})
    plain: HistFactory = {
        "channels": channels,
        "observations": [{"name": name, "data": data} for name, data in counts.items()],
        "measurements": [{"name": "test", "config": {"poi": "", "parameters": []}}],
        "version": "1.0.0",
    }
    edges = np.linspace(50.0, 250.0, 11).tolist()
    return Model.of(transferred(plain, {"pass": edges, "fail": edges}, transfer([0])))


def test_events_that_pass_where_none_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """The factor runs to its bound along a bent valley; the end is found, and the search for it has a bound, too."""
    model = few_events()
    found = fit_many(model, model.data)
    assert found.converged.all()
    assert found.value("qcd_one_0")[0] == pytest.approx(100, rel=1e-3)
    thrown = toys(model, found.values[0], 30, seed=71)
    calls: list[int] = []
    search = fallback.minimise

    def counted(*given: Any) -> Any:
        result = search(*given)
        calls.append(result[1])
        return result

    monkeypatch.setattr(fallback, "minimise", counted)
    assert fit_many(model, thrown).converged.all()
    assert len(calls) > 3
    calls.clear()
    monkeypatch.setattr(fallback, "CALLS_OF_ALL", 100)
    hurried = fit_many(model, thrown)
    assert 0 < (~hurried.converged).sum() < 15
    assert np.isfinite(hurried.minimum).all()
    # The last search begins within the bound, and none after it.
    assert sum(calls[:-1]) < 100 <= sum(calls)
