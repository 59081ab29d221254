"""Compiled models against pyhf, and what is refused."""

import numpy as np
import pyhf
import pytest

from resonaut.core.errors import InputFileError
from resonaut.fit.histfactory import Model, WorkspaceError, interpolation, likelihood, read_workspace, reference
from resonaut.fit.histfactory.likelihood import Data

CODES = [("code4", "code4p"), ("code1", "code0")]


def points(model, number=30):
    """Parameters around the start, far from it, and on the edges of the interpolations."""
    rng = np.random.default_rng(2)
    scale = np.where(model.lower < -1, 1.5, 0.2)
    theta = model.start + scale * rng.normal(size=(number, len(model.start)))
    theta = np.clip(theta, np.maximum(model.lower, 1e-3 * (model.lower >= 0)), model.upper)
    alphas = model.lower < -1
    for row, value in enumerate((-1.0, 0.0, 1.0)):
        theta[row, alphas] = value
    theta[3, model.place("mu")] = 0.0
    return theta


@pytest.mark.parametrize(("normsys", "histosys"), CODES)
def test_expectation_and_likelihood_are_those_of_pyhf(all_modifiers, normsys, histosys) -> None:
    model = Model.of(all_modifiers, None, normsys, histosys)
    other = reference.peer(model)
    assert list(model.parameters) == other.config.par_names
    assert np.array_equal(model.start, other.config.suggested_init())
    assert np.array_equal(np.stack([model.lower, model.upper], axis=1), other.config.suggested_bounds())
    assert model.fixed.tolist() == other.config.suggested_fixed()
    observed = {one["name"]: one["data"] for one in all_modifiers["observations"]}
    data = np.array([*observed["control_region"], *observed["signal_region"], *other.config.auxdata])
    assert np.array_equal(model.data, data)
    theta = points(model)
    assert model.expected_data(theta) == pytest.approx(np.array([other.expected_data(one) for one in theta]), rel=1e-12)
    given = Data.of(model, data).repeated(len(theta))
    minus_two_log = likelihood.deviance(model, theta, given) + likelihood.saturated(model, given)
    assert minus_two_log == pytest.approx([-2 * other.logpdf(one, data)[0] for one in theta], rel=1e-10)


@pytest.mark.parametrize("code", ["code0", "code4p"])
def test_additive_interpolation_is_that_of_pyhf(code) -> None:
    alpha = np.array([-2.5, -1.0, -0.7, 0.0, 0.3, 1.0, 1.7])
    low, nominal, high = np.array([80.0, 0.0, 99.0]), np.array([100.0, 5.0, 100.0]), np.array([130.0, 7.0, 100.0])
    found = getattr(pyhf.interpolators, code)([[[low, nominal, high]]], subscribe=False)(alpha[None])[0, 0]
    bend = interpolation.bend(alpha, code)[0]
    mine = np.outer(alpha, (high - low) / 2) + np.outer(bend, (high + low - 2 * nominal) / 16)
    assert mine == pytest.approx(np.array(found), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("code", ["code1", "code4"])
def test_multiplicative_interpolation_is_that_of_pyhf(code) -> None:
    alpha = np.array([-2.5, -1.0, -0.7, 0.0, 0.3, 1.0, 1.7])
    high, low = np.array([1.3, 1.0, 0.2, 1.5]), np.array([0.8, 1.0, 0.7, 1.5])
    sets = [[[low, np.ones(4), high]]]
    found = getattr(pyhf.interpolators, code)(sets, subscribe=False)(alpha[None])[0, 0]
    value, slope = interpolation.factor(
        np.repeat(alpha[:, None], 4, axis=1), high, low, interpolation.polynomial(high, low), code
    )
    assert value == pytest.approx(np.array(found), rel=1e-12)
    step, away = 1e-6, alpha[[0, 2, 4, 6]]
    ends = [
        interpolation.factor(
            np.repeat(away[:, None], 4, axis=1) + s * step, high, low, interpolation.polynomial(high, low), code
        )[0]
        for s in (1, -1)
    ]
    assert slope[[0, 2, 4, 6]] == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-6, abs=1e-8)


def test_derivatives_are_those_of_differences(all_modifiers) -> None:
    model = Model.of(all_modifiers)
    theta, step = points(model)[3:], 1e-6
    units = step * np.eye(len(model.start))
    numerical = np.stack(
        [(model.expected(theta + one) - model.expected(theta - one)) / (2 * step) for one in units], -1
    )
    assert model.jacobian(theta) == pytest.approx(numerical, rel=1e-6, abs=1e-5)
    data = Data.of(model, model.data).repeated(len(theta))
    slopes = [
        (likelihood.deviance(model, theta + one, data) - likelihood.deviance(model, theta - one, data)) / (4 * step)
        for one in units
    ]
    assert likelihood.gradient(model, theta, data) == pytest.approx(np.stack(slopes, -1), rel=1e-5, abs=1e-4)


def test_statistical_parameters_are_of_one_bin_alone(all_modifiers) -> None:
    model = Model.of(all_modifiers)
    own = {model.names[place].split("[")[0] for place in model.own if place >= 0}
    assert own == {"mc_signal_region", "mc_control_region"} or own <= {
        "shape",
        "fakes_signal_region",
        "fakes_control_region",
        "mc_signal_region",
        "mc_control_region",
    }
    assert len(set(model.own)) == len(model.observed)
    assert sorted([*model.shared, *model.own]) == list(range(len(model.names)))


def test_polynomial_multiplies_and_may_be_negative() -> None:
    terms = [[[0, 0], 1.0], [[1, 0], -1.5], [[2, 0], 0.5], [[1, 2], 0.25]]
    kappa = {"name": "scale", "type": "polynomial", "data": {"parameters": ["kappa", "other"], "terms": terms}}
    samples = [
        {"name": "signal", "data": [10.0, 4.0], "modifiers": [kappa]},
        {"name": "rest", "data": [50.0, 60.0], "modifiers": []},
    ]
    workspace = {
        "channels": [{"name": "c", "samples": samples}],
        "observations": [{"name": "c", "data": [50, 60]}],
        "measurements": [{"name": "m", "config": {"poi": "kappa", "parameters": []}}],
    }
    model = Model.of(workspace)
    theta = np.array([[0.0, 0.0], [1.5, 0.3], [-2.0, 1.0], [1.2, 0.0]])
    k, o = theta.T
    factor = 1 - 1.5 * k + 0.5 * k**2 + 0.25 * k * o**2
    assert factor[3] < 0
    assert model.expected(theta) == pytest.approx(factor[:, None] * [10, 4] + [50, 60])
    slopes = np.stack([-1.5 + k + 0.25 * o**2, 0.5 * k * o], axis=-1)
    assert model.jacobian(theta) == pytest.approx(slopes[:, None] * np.array([10.0, 4.0])[:, None])


def samples(workspace, channel=0):
    return workspace["channels"][channel]["samples"]


FAULTS = {
    "observation of a channel": (lambda w: w["observations"].pop(), "channel 'control_region' has no observation"),
    "channels": (lambda w: w.pop("channels"), "the workspace has no 'channels'"),
    "no channel": (lambda w: w.update(channels=[]), "the workspace has no channel;"),
    "twice": (lambda w: w["channels"].append(w["channels"][0]), "has the channel 'signal_region' 2 times"),
    "sample twice": (lambda w: samples(w).append(samples(w)[0]), "has the sample 'signal' 2 times"),
    "modifier twice": (
        lambda w: samples(w)[0]["modifiers"].append(samples(w)[0]["modifiers"][0]),
        "has the modifier 'mu (normfactor)' 2 times",
    ),
    "NaN": (lambda w: samples(w)[0].update(data=[float("nan")] * 6), "has nan in bin 0; give a finite number"),
    "text": (lambda w: samples(w)[0].update(data=["1"] * 6), "has '1' in bin 0"),
    "bins": (lambda w: samples(w)[1].update(data=[1.0] * 5), "has 5 bins, and there are 6"),
    "negative": (
        lambda w: [sample.update(data=[-1.0] * 6) for sample in samples(w)],
        "the samples of channel 'signal_region' sum to a negative number",
    ),
    "unfilled": (
        lambda w: (
            [sample["data"].__setitem__(0, 0.0) for sample in samples(w)]
            + [
                samples(w)[n]["modifiers"][m]["data"][key].__setitem__(0, 0.0)
                for n, m in ((0, 3), (1, 1))
                for key in ("hi_data", "lo_data")
            ]
        ),
        "bin 0 of channel 'signal_region' has",
    ),
    "count": (lambda w: w["observations"][0]["data"].__setitem__(0, -1), "has a negative count"),
    "type": (
        lambda w: samples(w)[0]["modifiers"][0].update(type="magic"),
        "has the type 'magic'; give one of histosys",
    ),
    "normsys": (
        lambda w: samples(w)[0]["modifiers"][2]["data"].update(lo=0.0),
        "multiplies by 0; a normsys needs factors above 0",
    ),
    "one side": (lambda w: samples(w)[0]["modifiers"][2]["data"].pop("lo"), "has no 'hi' and 'lo'"),
    "uncertainty": (
        lambda w: samples(w)[1]["modifiers"][3].update(data=[-1.0] * 6),
        "has a negative uncertainty",
    ),
    "conflict": (lambda w: samples(w)[0]["modifiers"][0].update(name="rate"), "'rate' is the name of a"),
    "shapesys twice": (
        lambda w: samples(w)[0]["modifiers"].append(samples(w)[2]["modifiers"][2] | {"data": [1.0] * 6}),
        "the shapesys 'fakes_signal_region' is there twice",
    ),
    "interest": (
        lambda w: w["measurements"][0]["config"].update(poi="kappa"),
        "the parameter of interest 'kappa' of measurement 'measured' belongs to no modifier",
    ),
    "lumi": (
        lambda w: w["measurements"][0]["config"].update(parameters=[]),
        "the measurement does not say what 'lumi' is",
    ),
    "bounds": (
        lambda w: w["measurements"][0]["config"]["parameters"][1].update(bounds=[[5, 1]]),
        "'bounds' of parameter 'mu' of the measurement are upside down",
    ),
    "start": (
        lambda w: w["measurements"][0]["config"]["parameters"][1].update(inits=[-3.0]),
        "parameter 'mu' starts outside its bounds",
    ),
    "length": (
        lambda w: w["measurements"][0]["config"]["parameters"][1].update(inits=[1.0, 1.0]),
        "'inits' of parameter 'mu' has 2 values, and needs 1",
    ),
    "huge": (
        lambda w: w["observations"][0].update(data=[1e308, *w["observations"][0]["data"][1:]]),
        "has 1e+308 in bin 0, of which no likelihood can be calculated; give one below 1e+100.",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_a_sentence(workspace, fault) -> None:
    change, sentence = FAULTS[fault]
    change(workspace)
    with pytest.raises(WorkspaceError, match=r"^[^\n]+\.$") as error:
        Model.of(workspace)
    assert sentence in str(error.value)


def test_unknown_names_are_a_sentence(all_modifiers) -> None:
    with pytest.raises(WorkspaceError, match="the workspace has no measurement 'other'; there are measured"):
        Model.of(all_modifiers, "other")
    with pytest.raises(WorkspaceError, match="the model has no parameter 'nu'; there are jes, lumi"):
        Model.of(all_modifiers).place("nu")


def test_files_are_read_strictly(tmp_path) -> None:
    path = tmp_path / "w.json"
    with pytest.raises(InputFileError, match="no such file"):
        read_workspace(path)
    for text, sentence in (("{", "not valid JSON"), ("[]", "no HistFactory workspace"), ('{"a": NaN}', "finite")):
        path.write_text(text)
        with pytest.raises(InputFileError, match=sentence):
            read_workspace(path)
    path.write_text('{"a": [1]}')
    patch = tmp_path / "p.json"
    patch.write_text('[{"op": "replace", "path": "/a/0", "value": 2}]')
    assert read_workspace(path, [patch]) == {"a": [2]}
    patch.write_text('[{"op": "remove", "path": "/b/0"}]')
    with pytest.raises(InputFileError, match=r"no patch of .*w\.json"):
        read_workspace(path, [patch])
