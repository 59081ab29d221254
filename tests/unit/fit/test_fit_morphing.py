"""Morphing: exact at the inputs, right elsewhere, and the same likelihood in plain pyhf."""

from pathlib import Path
from typing import Literal

import numpy as np
import pyhf
import pytest
from numpy.testing import assert_allclose

from resonaut.core.errors import ConfigError
from resonaut.core.record import build
from resonaut.fit.histfactory import reference
from resonaut.fit.histfactory.limits import limits
from resonaut.fit.histfactory.model import Model
from resonaut.fit.morphing.basis import Basis, Morphing
from resonaut.fit.morphing.modifier import modifier_set
from resonaut.fit.morphing.scan import cross_section, intervals, scanned
from resonaut.fit.morphing.settings import CouplingsJob, Morphed
from resonaut.fit.morphing.workspace import HistFactory, morphed, shares
from resonaut.fit.results.couplings import CouplingScan

KAPPA = [{}, {"kappa": 1}]
VBF = [{"kappa_V": 2}, {"kappa_2V": 1}, {"kappa_V": 1, "kappa_lambda": 1}]
VBF_POINTS = {
    "sm": (1, 1, 1),
    "c2v_0": (1, 0, 1),
    "c2v_2": (1, 2, 1),
    "cv_1p5": (1.5, 1, 1),
    "kl_0": (1, 1, 0),
    "kl_2": (1, 1, 2),
}


def vbf_points() -> dict[str, dict[str, float]]:
    names = ("kappa_V", "kappa_2V", "kappa_lambda")
    return {sample: dict(zip(names, map(float, point), strict=True)) for sample, point in VBF_POINTS.items()}


def squared(amplitudes: np.ndarray, terms: list[dict[str, int]], point: dict[str, float]) -> np.ndarray:
    """|sum g_i A_i|^2 of complex amplitudes (terms, bins)."""
    factors = [np.prod([point[name] ** n for name, n in term.items()]) for term in terms]
    found: np.ndarray = np.abs(np.array(factors) @ amplitudes) ** 2
    return found


def amplitudes(terms: int, bins: int = 7) -> np.ndarray:
    rng = np.random.default_rng(3)
    found: np.ndarray = rng.normal(size=(terms, bins)) + 1j * rng.normal(size=(terms, bins))
    return found


def test_monomials_of_two_couplings_are_six() -> None:
    assert Basis.of([{}, {"a": 1}, {"b": 1}]).names == ["1", "a", "b", "a^2", "a b", "b^2"]
    assert len(Basis.of(VBF).names) == 6


@pytest.mark.parametrize(
    ("terms", "points"),
    [(KAPPA, {f"s{k}": {"kappa": k} for k in (0.0, 1.0, 2.5)}), (VBF, vbf_points())],
    ids=["three", "six"],
)
def test_every_point_of_a_squared_amplitude_follows_from_the_samples(
    terms: list[dict[str, int]], points: dict[str, dict[str, float]]
) -> None:
    solved, parts = Morphing.of(terms, points), amplitudes(len(terms))
    contents = np.array([squared(parts, terms, point) for point in points.values()])
    assert_allclose(solved.weights(solved.points), np.eye(len(points)), atol=1e-12)
    assert_allclose(solved.contents(contents, solved.points), contents, rtol=1e-12)
    for seed in range(5):
        away = np.random.default_rng(seed).uniform(-3, 3, len(solved.basis.couplings))
        wanted = squared(parts, terms, dict(zip(solved.basis.couplings, away, strict=True)))
        assert_allclose(solved.contents(contents, away), wanted, rtol=1e-9, atol=1e-9)
        assert_allclose(solved.basis.monomials(away) @ solved.polynomials(contents), wanted, rtol=1e-9, atol=1e-9)


def test_variances_are_those_of_toys() -> None:
    points = {f"s{k}": {"kappa": float(k)} for k in (0, 1, 2)}
    solved, means = Morphing.of(KAPPA, points), np.array([[40.0], [90.0], [60.0]])
    toys = np.random.default_rng(5).poisson(means, (4000, 3, 1))
    found = (solved.weights([-1.5]) @ toys).var()
    assert found == pytest.approx(solved.variances(means, [-1.5])[0], rel=0.12)
    assert_allclose(solved.variances(means, [1.0]), means[1])


def test_more_samples_than_monomials_share_the_work() -> None:
    points = {f"s{k}": {"kappa": k} for k in (0.0, 1.0, 2.0, 4.0)}
    parts = amplitudes(2)
    contents = np.array([squared(parts, KAPPA, point) for point in points.values()])
    solved, best = Morphing.of(KAPPA, points), Morphing.of(KAPPA, points, errors=[1, 1, 1, 1000])
    assert_allclose(solved.contents(contents, [3.0]), squared(parts, KAPPA, {"kappa": 3.0}), rtol=1e-10)
    without = Morphing.of(KAPPA, {name: points[name] for name in ("s0.0", "s1.0", "s2.0")})
    assert_allclose(best.weights([3.0])[:3], without.weights([3.0]), atol=1e-3)
    # Of equal errors the variance is smaller than without the fourth sample.
    assert solved.variances(np.ones((4, 1)), [3.0])[0] < without.variances(np.ones((3, 1)), [3.0])[0]


@pytest.mark.parametrize(
    ("points", "sentence"),
    [
        ({"a": {"kappa": 0.0}, "b": {"kappa": 1.0}}, "2 samples for 3 products of couplings"),
        ({"a": {"kappa": 0.0}, "b": {"kappa": 1.0}, "c": {"kappa": 1.0}}, "do not fix kappa, kappa^2"),
        ({"a": {"kappa": 0.0}, "b": {"kappa": 1.0}, "c": {"kappa": 1.0001}}, "do not fix"),
        ({"a": {"kappa": 0.0}, "b": {"lambda": 1.0}, "c": {"kappa": 1.0}}, "'b' has values of lambda; give kappa"),
    ],
)
def test_degenerate_points_are_a_sentence(points: dict[str, dict[str, float]], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence.replace("^", r"\^")):
        Morphing.of(KAPPA, points)


EDGES = [100.0, 120.0, 140.0]


def process(**more: object) -> Morphed:
    points = {f"s{k}": {"kappa": float(k)} for k in (0, 1, 2)}
    return build({"amplitude": KAPPA, "samples": points, **more}, Morphed, "config")


def workspace() -> HistFactory:
    """A background and the samples of a signal whose cross section is (1, 4) * kappa^2 - (2, 6) * kappa + (3, 5)."""
    signal = {"s0": [3.0, 5.0], "s1": [2.0, 3.0], "s2": [3.0, 9.0]}
    factor = {"name": "mu", "type": "normfactor", "data": None}
    errors = {"name": "staterror_one", "type": "staterror", "data": [0.5, 0.5]}
    rate = {"name": "rate", "type": "normsys", "data": {"hi": 1.1, "lo": 0.9}}
    return {
        "version": "1.0.0",
        "channels": [
            {
                "name": "one",
                "samples": [
                    {"name": "background", "data": [10.0, 6.0], "modifiers": [rate, errors]},
                    *({"name": n, "data": d, "modifiers": [factor, rate, errors]} for n, d in signal.items()),
                ],
            }
        ],
        "observations": [{"name": "one", "data": [13.0, 11.0]}],
        "measurements": [{"name": "limit", "config": {"poi": "mu", "parameters": []}}],
    }


def pyhf_model(made: HistFactory, measurement: str, batch_size: int | None = None) -> pyhf.Model:
    """As ``pyhf.Workspace.model``, whose validation of a measurement is deprecated in jsonschema."""
    (config,) = [one["config"] for one in made["measurements"] if one["name"] == measurement]
    spec = {"channels": made["channels"], "parameters": config["parameters"]}
    return pyhf.Model(spec, poi_name=config["poi"], modifier_set=modifier_set(), validate=False, batch_size=batch_size)


@pytest.mark.parametrize("backend", ["numpy", "pytorch"])
def test_pyhf_knows_the_polynomial(backend: Literal["numpy", "pytorch"]) -> None:
    plain = workspace()
    # With torch, pyhf's own staterror makes tensors in a way that torch warns of.
    del plain["channels"][0]["samples"][0]["modifiers"][1]
    made = morphed(plain, {"hh": process(statistics=False)})
    with reference.backend(backend):
        model = pyhf_model(made, "kappa")
        assert model.config.poi_name == "kappa"
        at = dict(zip(model.config.par_names, model.config.suggested_init(), strict=True))
        for kappa in (-1.0, 0.0, 1.0, 3.0):
            values = list((at | {"kappa": kappa}).values())
            expected = pyhf.tensorlib.tolist(model.expected_actualdata(values))
            signal = np.array([1, 4]) * kappa**2 - np.array([2, 6]) * kappa + np.array([3, 5])
            assert_allclose(expected, np.array([10, 6]) + signal)
        batched = pyhf_model(made, "kappa", batch_size=2)
        rows = [list((at | {"kappa": kappa}).values()) for kappa in (0.5, 2.0)]
        one_by_one = [pyhf.tensorlib.tolist(model.expected_actualdata(row)) for row in rows]
        assert_allclose(pyhf.tensorlib.tolist(batched.expected_actualdata(rows)), one_by_one)


def test_pyhf_fits_the_coupling() -> None:
    made = morphed(workspace(), {"hh": process(couplings={"kappa": {"range": [1, 4]}})})
    model = pyhf_model(made, "kappa")
    truth = dict(zip(model.config.par_names, model.config.suggested_init(), strict=True)) | {"kappa": 2.3}
    best = pyhf.infer.mle.fit(model.expected_data(list(truth.values())), model)
    assert best[model.config.poi_index] == pytest.approx(2.3, abs=1e-3)


def test_measurements_say_what_floats() -> None:
    made = morphed(workspace(), {"hh": process(couplings={"kappa": {"range": [-2, 4]}})})
    mu, kappa = made["measurements"]
    assert mu["config"]["parameters"] == [{"name": "kappa", "inits": [1.0], "bounds": [[-2.0, 4.0]], "fixed": True}]
    assert (kappa["name"], kappa["config"]["poi"]) == ("kappa", "kappa")
    assert kappa["config"]["parameters"] == [
        {"name": "mu", "inits": [1.0], "fixed": True},
        {"name": "kappa", "inits": [1.0], "bounds": [[-2.0, 4.0]]},
    ]


def test_statistical_errors_are_those_of_each_sample() -> None:
    before = workspace()
    made = morphed(before, {"hh": process()})
    assert before == workspace()
    (background, *signals) = made["channels"][0]["samples"]
    assert {one["type"] for one in background["modifiers"]} == {"normsys", "staterror"}
    for sample in signals:
        (own,) = [one for one in sample["modifiers"] if one["type"] == "shapesys"]
        assert own["data"] == [0.5, 0.5]
        assert "staterror" not in {one["type"] for one in sample["modifiers"]}
    narrow = process(couplings={"kappa": {"fixed": True}})
    one = next(s for s in morphed(before, {"hh": narrow})["channels"][0]["samples"] if s["name"] == "s0")
    assert "shapesys" not in {modifier["type"] for modifier in one["modifiers"]}


@pytest.mark.parametrize(
    ("processes", "sentence"),
    [
        ({"hh": process(), "other": process()}, "'s0' is in morphing.hh and morphing.other"),
        (
            {"hh": process(samples={f"t{k}": {"kappa": float(k)} for k in (0, 1, 2)})},
            "that the model has not: t0, t1, t2",
        ),
    ],
)
def test_wrong_samples_are_a_sentence(processes: dict[str, Morphed], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        morphed(workspace(), processes)


def test_wrong_keys_are_a_sentence() -> None:
    with pytest.raises(ConfigError, match="'other' is in no term of the amplitude"):
        process(couplings={"other": {}})
    with pytest.raises(ConfigError, match="range"):
        process(couplings={"kappa": {"range": [2, 1]}})


def test_a_wrong_modifier_is_a_sentence_of_pyhf() -> None:
    made = morphed(workspace(), {"hh": process()})
    made["channels"][0]["samples"][1]["modifiers"][-2]["data"] = {"parameters": ["kappa"], "terms": [[[-1], 1.0]]}
    with pytest.raises(pyhf.exceptions.InvalidModifier, match="no polynomial"):
        pyhf_model(made, "kappa")


def scan(**couplings: object) -> CouplingScan:
    signal = process(couplings={"kappa": {"range": [-2, 4], "points": 13} | couplings})
    job = CouplingsJob(processes={"hh": signal}, strength="mu", confidence_level=0.95)
    made = morphed(workspace(), {"hh": signal})
    (found,) = scanned(made, job, {"one": EDGES}, "toy", Path("workspace.json")).scans
    return found


def test_limits_against_a_coupling_are_those_at_each_value() -> None:
    found, plain = scan(), workspace()
    for value in (-0.5, 2.5):
        signal = np.array([1, 4]) * value**2 - np.array([2, 6]) * value + np.array([3, 5])
        # One sample with the signal at this value, and no coupling.
        (channel,) = workspace()["channels"]
        one = {**channel["samples"][1], "name": "signal", "data": signal.tolist()}
        one["modifiers"] = [modifier for modifier in one["modifiers"] if modifier["type"] != "staterror"]
        direct = plain | {"channels": [{"name": "one", "samples": [channel["samples"][0], one]}]}
        alone = limits(Model.of(direct), "mu")
        place = found.values.index(value)
        # Of the morphed samples the statistical errors count, too.
        assert found.observed[place] == pytest.approx(alone.observed, rel=0.08)
        assert found.expected[2][place] == pytest.approx(alone.expected[2], rel=0.04)
        assert found.observed[place] > alone.observed
    ((low, high),) = found.allowed
    assert low is not None
    assert high is not None
    for end in (low, high):
        assert np.interp(end, found.values, np.log(found.observed)) == pytest.approx(0, abs=0.05)
    assert scan(fixed=False, range=[0, 1]).allowed == [(None, None)]


def test_expected_limits_have_the_background_from_beside_the_interval() -> None:
    signal = process(
        couplings={"kappa": {"range": [-2, -1], "points": 5, "value": -1}},
        expected_beside={"one": [120, 140]},
        statistics=False,
    )
    job = CouplingsJob(processes={"hh": signal}, strength="mu", confidence_level=0.95)
    # Of the second bin, with 6 expected where the first one is right, the data have ten times as many.
    made, asimov = (
        morphed({**workspace(), "observations": [{"name": "one", "data": [10.0, second]}]}, {"hh": signal})
        for second in (60.0, 6.0)
    )
    found = scanned(made, job, {"one": EDGES}, "toy", Path("workspace.json"))
    wanted = limits(Model.of(asimov), "mu")
    assert found.expected_beside == {"one": (120, 140)}
    (one,) = found.scans
    assert_allclose(np.array(one.expected)[:, -1], wanted.expected, rtol=1e-3)
    assert one.observed[-1] > 2 * wanted.observed


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"one": [110, 140]}, r"give two edges of the channel's bins with others beside them \(100, 120, 140\)"),
        ({"one": [100, 140]}, "with others beside them"),
        ({"one": [140, 120]}, "give the lower end first"),
    ],
)
def test_a_wrong_interval_is_a_sentence(more: dict[str, list[float]], sentence: str) -> None:
    def asked() -> None:
        signal = process(expected_beside=more)
        job = CouplingsJob(processes={"hh": signal}, strength="mu", confidence_level=0.95)
        scanned(morphed(workspace(), {"hh": signal}), job, {"one": EDGES}, "toy", Path("workspace.json"))

    with pytest.raises(ConfigError, match=sentence):
        asked()


def test_two_processes_have_one_interval_in_a_channel() -> None:
    first, second = process(expected_beside={"one": [100, 120]}), process(expected_beside={"one": [120, 140]})
    with pytest.raises(ConfigError, match=r"other\.expected_beside\.one is \[120, 140\].*give both the same"):
        intervals({"hh": first, "other": second})


def test_the_likelihood_of_a_coupling_has_its_minimum_at_the_truth() -> None:
    signal = process(couplings={"kappa": {"range": [-4, 5], "points": 5}}, statistics=False)
    made = morphed(workspace(), {"hh": signal})
    model = Model.of(made, "kappa")
    truth = model.start.copy()
    truth[model.place("kappa")] = 3.0
    made["observations"][0]["data"] = model.expected(truth).tolist()
    job = CouplingsJob(processes={"hh": signal}, strength="mu", confidence_level=0.95)
    (found,) = scanned(made, job, {"one": EDGES}, "toy", Path("workspace.json")).scans
    assert found.best == pytest.approx(3, abs=1e-3)
    assert found.interval_95 is not None
    assert any(low is not None and high is not None and low < 3 < high for low, high in found.interval_95)


def test_the_cross_section_of_theory_is_the_quadratic() -> None:
    signal = process(cross_sections={"s0": 27.08, "s1": 1.726, "s2": 14.2178}, couplings={"kappa": {"range": [0, 2]}})
    found = cross_section({"hh": signal}, "kappa", np.array([0.0, 1.0, 1.5, 2.0]))
    assert found is not None
    assert_allclose(found, [27.08, 1.726, 0.75 * 1.726 + 0.375 * 14.2178 - 0.125 * 27.08, 14.2178])
    assert cross_section({"hh": signal, "other": process()}, "kappa", np.zeros(1)) is None
    with pytest.raises(ConfigError, match="one for each, or none"):
        process(cross_sections={"s0": 1.0})


def test_the_weights_where_couplings_have_their_values() -> None:
    found = shares({"hh": process(couplings={"kappa": {"value": 2}})})
    assert_allclose(list(found.values()), [0, 0, 1], atol=1e-12)
