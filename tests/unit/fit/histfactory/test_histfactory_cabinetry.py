"""The same workspace through cabinetry: fit, yields, impacts and goodness of fit."""

import copy

import numpy as np
import pytest

from resonaut.fit.histfactory import Model, fit
from resonaut.fit.histfactory.goodness import goodness
from resonaut.fit.histfactory.impacts import impacts
from resonaut.fit.histfactory.yields import yields

cabinetry = pytest.importorskip("cabinetry", reason="cabinetry is not installed")
# Of pyhf's way to validate JSON.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def both(few_bins):
    """Models and fits of both; bounds are far away, as near ones change minuit's errors."""
    workspace = copy.deepcopy(few_bins)
    for channel in workspace["channels"]:
        channel["samples"] = [sample for sample in channel["samples"] if sample["name"] != "free"]
        for sample in channel["samples"]:
            # Few parameters, as cabinetry takes its time.
            kept = [one for one in sample["modifiers"] if not one["name"].startswith(("fakes", "mc_control"))]
            sample["modifiers"] = kept
    names = ("jes", "rate", "theory", "mu", "norm")
    wide = [{"name": name, "bounds": [[-300.0, 300.0]]} for name in names]
    workspace["measurements"][0]["config"]["parameters"] = [
        workspace["measurements"][0]["config"]["parameters"][0],
        *wide,
    ]
    model = Model.of(workspace)
    other, data = cabinetry.model_utils.model_and_data(workspace)
    found = cabinetry.fit.fit(other, data, goodness_of_fit=True, tolerance=1e-7, strategy=2)
    return model, fit(model), other, data, found


def test_values_errors_and_minimum(both) -> None:
    """minuit's numerical second derivatives are good to 1e-3."""
    _, fitted, _, _, found = both
    assert fitted.names == tuple(found.labels)
    assert (fitted.values - found.bestfit) / fitted.errors == pytest.approx(np.zeros(len(fitted.names)), abs=1e-5)
    assert fitted.minimum == pytest.approx(found.best_twice_nll, rel=1e-9)
    assert fitted.errors == pytest.approx(found.uncertainty, rel=2e-3)
    assert fitted.correlation == pytest.approx(found.corr_mat, abs=5e-3)


def test_yields_and_their_errors(both) -> None:
    """With the same parameters, errors and correlations."""
    model, _, other, _, found = both
    theirs = cabinetry.model_utils.prediction(other, fit_results=found)
    mine = yields(model, found.bestfit, found.uncertainty, found.corr_mat)
    for number, channel in enumerate(other.config.channels):
        assert mine[channel].contents == pytest.approx(np.array(theirs.model_yields[number]), rel=1e-9)
        errors = np.array(theirs.total_stdev_model_bins[number])
        assert mine[channel].errors == pytest.approx(errors[:-1], rel=1e-6)
        assert mine[channel].total_errors == pytest.approx(errors[-1], rel=1e-6)
        sums = np.array(theirs.total_stdev_model_channels[number])
        assert mine[channel].sum_errors == pytest.approx(sums, rel=1e-6)


def test_goodness_of_fit(both) -> None:
    model, fitted, _, _, found = both
    assert goodness(model, fitted).p_value == pytest.approx(found.goodness_of_fit, rel=1e-6)


def test_impacts(both) -> None:
    model, fitted, other, data, found = both
    theirs = cabinetry.fit.ranking(other, data, fit_results=found, tolerance=1e-5)
    mine = impacts(model, fitted, ["mu"], names=[str(name) for name in theirs.labels])
    size = fitted.error("mu")
    for side, after, before in (
        (0, theirs.postfit_up, theirs.prefit_up),
        (1, theirs.postfit_down, theirs.prefit_down),
    ):
        assert mine.after[:, 0, side] / size == pytest.approx(np.array(after) / size, abs=2e-3)
        # cabinetry has 0 where there is no constraint.
        assert np.nan_to_num(mine.before[:, 0, side]) / size == pytest.approx(np.array(before) / size, abs=2e-3)
