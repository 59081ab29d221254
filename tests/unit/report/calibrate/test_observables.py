"""Figures of the calibration: the error of a mean weight."""

import json

import numpy as np
import pytest

from resonaut.core.files import write_json
from resonaut.core.histograms import from_json
from resonaut.report.calibrate import observables

PNG = b"\x89PNG\r\n\x1a\n"


def test_figures_repeat_byte_for_byte(summaries, tmp_path) -> None:
    for again in ("a", "b"):
        observables.draw(tmp_path / again, summaries, None)
    made = {path.name: path.read_bytes() for path in (tmp_path / "a/calibration").iterdir()}
    assert made == {path.name: path.read_bytes() for path in (tmp_path / "b/calibration").iterdir()}
    assert set(made) == {"one.png", "two.png"}
    assert all(content.startswith(PNG) for content in made.values())
    # Seven observables in three columns, one in one.
    assert len(made["two.png"]) > 2 * len(made["one.png"])


def test_signals_of_which_nothing_is_drawn(tmp_path) -> None:
    write_json(tmp_path / "summary.json", {"dataset": "none", "selections": {}, "histograms": {}, "prongs": {}})
    observables.draw(tmp_path, [tmp_path / "summary.json"], None)
    assert (tmp_path / "calibration/none.png").read_bytes().startswith(PNG)


def test_mean_weight_and_its_error(pair) -> None:
    # 400 jets of the same event weight in a bin: the error is that of the mean of their calibration weights.
    weights = np.random.default_rng(1).uniform(0.5, 1.5, 400)
    ratio, error = observables.mean_weight(*pair(np.full(400, 0.1), weights, scale=0.02))
    assert ratio[0] == pytest.approx(weights.mean())
    assert error[0] == pytest.approx(weights.std(ddof=1) / np.sqrt(400))
    # Empty bins have neither, nor those with four jets.
    assert np.all(np.isnan(ratio[1:]))
    few, _ = observables.mean_weight(*pair(np.full(4, 0.1), np.ones(4)))
    enough, _ = observables.mean_weight(*pair(np.full(5, 0.1), np.ones(5)))
    assert np.isnan(few[0])
    assert enough[0] == 1


def test_equal_weights_have_no_error(pair) -> None:
    ratio, error = observables.mean_weight(*pair(np.full(50, 0.1), np.full(50, 1.3)))
    assert ratio[0] == pytest.approx(1.3)
    assert error[0] == pytest.approx(0, abs=1e-6)


def test_drawn_values_are_fractions_and_mean_weights(summaries, kept, tmp_path) -> None:
    observables.draw(tmp_path, summaries[1:], None)
    content = json.loads(summaries[1].read_text())["histograms"]["tau21"]
    before, after = from_json(content["before"]), from_json(content["after"])
    upper, lower = kept["one"].axes
    drawn = {patch.get_label(): patch.get_data().values for patch in upper.patches}
    assert drawn["before"] == pytest.approx(before.values() / 500)
    assert drawn["after calibration"] == pytest.approx(after.values() / 500)
    assert lower.containers[0][0].get_ydata() == pytest.approx(after.values() / before.values())
