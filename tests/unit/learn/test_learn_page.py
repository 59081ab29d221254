"""The examples of docs/learn.md, run as they stand there."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

PAGE = Path(__file__).parents[3] / "docs" / "learn.md"


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """What the examples of the page, run one after the other, define."""
    rng = np.random.default_rng(1)
    given = {
        "data": rng.normal(0.3, 1, (600, 2)),
        "simulation": rng.normal(0, 1, (1200, 2)),
        "m_jj": rng.uniform(2000, 5000, 600),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("notebook"))
        for example in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL):
            exec(example, given)
    return given


def test_the_weights_bring_the_simulation_to_the_data(names):
    before, after = (np.average(names["simulation"], axis=0, weights=w) for w in (None, names["weights"]))
    assert np.all(np.abs(after - 0.3) < 0.15)
    assert np.all(np.abs(before) < 0.1)


def test_the_comparison_sees_what_the_weights_mend(names):
    for before, after in zip(names["before"].variables, names["after"].variables, strict=True):
        assert before.test.p_value < 1e-3
        beyond = [
            one.divergences["wasserstein"].value - one.divergences["wasserstein"].alike for one in (before, after)
        ]
        assert beyond[1] < beyond[0] / 2
        assert after.test.ndof > 3 * before.test.ndof
    assert names["before"].classifier.auc > 0.55


def test_the_density_is_one_of_the_features(names):
    assert names["log_p"].shape == (600,)
    assert names["log_p"].mean() == pytest.approx(-(1 + np.log(2 * np.pi)), abs=0.25)
    assert names["events"].shape == (1000, 2)
    assert names["events"].mean() == pytest.approx(0.3, abs=0.25)


def test_events_far_from_the_simulation_are_anomalous(names):
    far = np.abs(names["data"]).max(axis=1) > 2.5
    assert names["anomaly"][far].mean() > 2 * names["anomaly"][~far].mean()


def test_sculpting_and_shifts_are_the_analytic_ones(names):
    # 1 / (1 - Φ(0.3)), and Φ(0.3 √2 / √2)
    assert names["cut"].rejection == pytest.approx(2.62, abs=5 * names["cut"].rejection_error)
    assert names["auc"] == pytest.approx(0.618, abs=4 * names["error"] + 0.02)
    length = ((names["moved"] - names["inputs"]).squeeze(2) / names["spreads"]).norm(dim=1)
    assert length.detach().numpy() == pytest.approx(0.1, rel=1e-4)
    assert 0 <= names["penalty"].item() < 0.05


def test_the_network_learns_and_comes_back_from_its_file(names):
    losses = names["history"].training
    assert losses[-1] < losses[0]
    assert losses[-1] < np.log(2)
    assert names["found"].settings == {"inputs": 2}
    back = torch.from_numpy(names["found"].state["weight"])
    assert torch.equal(back, names["network"].weight)


def test_the_mean_weight_follows_the_weights(names):
    assert np.corrcoef(names["mean_weight"], names["weights"])[0, 1] > 0.8


def test_calibrated_outputs_are_probabilities(names):
    before, after = names["slopes"]
    # From so few events the maps have noise of their own.
    assert abs(after - 1) < abs(before - 1)


def test_the_uncertainty_with_nuisances_is_larger_and_near_that_of_the_ratio(names):
    found = names["result"]
    # 0.190 is that of the likelihood ratio without statistics of the simulation, √1605 / 100 that of one bin with them.
    assert 0.19 < found.fixed["mu"] < found.uncertainty["mu"] < 0.40
