"""Pulls, impacts, correlations and scans of fitted models."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from resonaut.core.record import build
from resonaut.core.results import write
from resonaut.fit.histfactory.evaluate import evaluate
from resonaut.fit.inference import Inference
from resonaut.report.fit import model_comparison, model_correlations, model_impacts, model_scans

FIGURES = {"impacts": model_impacts, "correlations": model_correlations, "scans": model_scans}


def workspace():
    mu, norm = ({"name": name, "type": "normfactor", "data": None} for name in ("mu", "norm"))
    rate = {"name": "rate", "type": "normsys", "data": {"hi": 1.1, "lo": 0.9}}
    tilt = {
        "name": "tilt",
        "type": "histosys",
        "data": {"hi_data": [110.0, 95.0, 90.0], "lo_data": [90.0, 105.0, 110.0]},
    }
    samples = [
        {"name": "signal", "data": [2.0, 30.0, 2.0], "modifiers": [mu, rate]},
        {"name": "rest", "data": [100.0, 100.0, 100.0], "modifiers": [norm, tilt]},
    ]
    return {
        "channels": [{"name": "c", "samples": samples}],
        "observations": [{"name": "c", "data": [104, 133, 97]}],
        "measurements": [{"name": "m", "config": {"poi": "mu", "parameters": []}}],
    }


@pytest.fixture(scope="module")
def result():
    return evaluate(workspace(), build({"scan_points": 11, "limits": "none"}, Inference, "test"), Path("w.json"))


@pytest.fixture(scope="module")
def written(result, tmp_path_factory):
    """A good fit, and one that has not converged."""
    folder = tmp_path_factory.mktemp("models")
    broken = replace(result, converged=False, problem="no minimum was found", interests=[])
    paths = []
    for name, one in (("good", result), ("broken", broken)):
        paths.append(folder / name / "result.json")
        paths[-1].parent.mkdir()
        write(paths[-1], one)
    return paths


@pytest.mark.parametrize("name", FIGURES)
def test_figures_repeat_byte_for_byte(name, written, tmp_path) -> None:
    for again in ("a", "b"):
        (tmp_path / again / "models").mkdir(parents=True)
        FIGURES[name].draw(tmp_path / again, written, None)
    for model in ("good", "broken"):
        plots = [(tmp_path / again / "models" / f"{model}_{name}.png").read_bytes() for again in ("a", "b")]
        assert plots[0].startswith(b"\x89PNG")
        assert plots[0] == plots[1]


def test_drawn_numbers_are_those_of_the_fit(result, kept, tmp_path) -> None:
    model_impacts.impacts(result, "", tmp_path / "impacts.png")
    pulls, impacts = kept["impacts"].axes
    names = [label.get_text() for label in pulls.get_yticklabels()]
    (interest,) = result.interests
    assert names == [one.name for one in interest.impacts]
    drawn = {container.get_label(): [bar.get_width() for bar in container] for container in impacts.containers}
    assert drawn["up, error after the fit"] == pytest.approx([one.after[0] for one in interest.impacts])
    constrained = [one for one in result.parameters if one.pull is not None]
    # Bars of pulls, in the order of the lines.
    shown = {round(float(bar[0].get_ydata()[0])): float(bar[0].get_xdata()[0]) for bar in pulls.containers}
    assert {names[line]: value for line, value in shown.items()} == {
        one.name: pytest.approx(one.pull) for one in constrained
    }
    model_scans.scans(result, "", tmp_path / "scans.png")
    profiled, statistical = kept["scans"].axes[0].lines[:2]
    assert profiled.get_ydata() == pytest.approx(np.array(interest.scan.profiled))
    assert statistical.get_ydata() == pytest.approx(np.array(interest.scan.statistical))
    assert (np.array(interest.scan.statistical) >= np.array(interest.scan.profiled) - 1e-9).all()


def test_models_are_compared_where_they_share_a_parameter(result, kept, written, tmp_path) -> None:
    (interest,) = result.interests
    other = replace(result, interests=[interest, replace(interest, name="alone")])
    (tmp_path / "other").mkdir()
    write(tmp_path / "other/result.json", other)
    model_comparison.draw(tmp_path, [*written, tmp_path / "other/result.json"], None)
    panels = kept["model_comparison"].axes
    assert [ax.get_xlabel() for ax in panels] == ["mu", "mu"]
    for ax, heights, error in zip(
        panels,
        (interest.scan.profiled, interest.scan.statistical),
        (interest.error, interest.statistical_error),
        strict=True,
    ):
        curves = [line for line in ax.lines if len(line.get_xdata()) > 2]
        assert [line.get_label() for line in curves] == [f"{name}, ± {error:.3g}" for name in ("good", "other")]
        for line in curves:
            assert line.get_ydata() == pytest.approx(np.array(heights))
    # A fit without a scan is no reason to stop.
    model_comparison.draw(tmp_path, written, None)
    assert len(kept["model_comparison"].axes[0].lines) == 0


def test_only_large_correlations_are_shown() -> None:
    matrix = np.array([[1.0, 0.1, 0.5, 0.0], [0.1, 1.0, 0.0, 0.0], [0.5, 0.0, 1.0, 0.3], [0.0, 0.0, 0.3, 1.0]])
    names = ["a", "b", "c", "d"]
    assert model_correlations.chosen(names, matrix, []) == [0, 2, 3]
    assert model_correlations.chosen(names, matrix, ["b"]) == [1, 0, 2, 3]
    assert model_correlations.chosen([], np.zeros((0, 0)), ["b"]) == []
