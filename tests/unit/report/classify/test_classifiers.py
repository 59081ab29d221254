"""The figures of a classifier."""

import numpy as np
import pytest

from resonaut.classify.results import Area, Distribution, Importance, Losses, Overtraining, Summary, Yield
from resonaut.core.results import write
from resonaut.report.classify import classifier_scores, classifier_training

EDGES = np.linspace(0, 1, 41)


def shape(power: int, total: float) -> np.ndarray:
    return total * np.diff(EDGES**power)


@pytest.fixture
def summary(tmp_path):
    """The file of a classifier of two classes, with made-up numbers."""
    powers = {"background": 1, "signal": 4}
    found = Summary(
        name="bdt",
        learner="trees",
        inputs=["m_jj", "j1_pt / j2_pt"],
        classes=[
            Yield(name=name, datasets=[name], events=4000, expected=1e3, effective=4000.0, negative=0.0, clipped=0.0)
            for name in powers
        ],
        loss=0.5,
        areas=[
            Area(first="background", second="signal", auc=0.8, error=0.01, training=0.82,
                 efficiency=np.linspace(0, 1, 101).tolist(), other=(np.linspace(0, 1, 101) ** 2).tolist())
        ],
        losses=[Losses(training=[0.69, 0.5, 0.4], validation=[0.69, 0.55, 0.52], best=2)] * 2,
        overtraining=[Overtraining(name=name, score=name, distance=0.01, p_value=0.4) for name in powers],
        importance=[
            Importance(name="m_jj", increase=0.2, error=0.01),
            Importance(name="j1_pt / j2_pt", increase=0.05, error=0.01),
        ],
        edges=EDGES.tolist(),
        distributions=[
            Distribution(
                score=score,
                name=name,
                held_out=shape(power, 1e3)[:: 1 if score == "signal" else -1].tolist(),
                errors=np.sqrt(shape(power, 1e3) / 4).tolist(),
                training=shape(power, 1e3)[:: 1 if score == "signal" else -1].tolist(),
            )
            for score in powers
            for name, power in powers.items()
        ],
        binned=None,
        uncertainties=[],
    )  # fmt: skip
    path = tmp_path / "classify" / "bdt.json"
    path.parent.mkdir()
    write(path, found)
    return path


def test_scores_are_distributions_of_area_one(summary, tmp_path, kept) -> None:
    classifier_scores.draw(tmp_path, [summary], None)
    (plot,) = kept.values()
    (signal,) = plot.axes
    assert signal.get_xlabel() == "score of signal"
    steps = [patch.get_data() for patch in signal.patches]
    for one, power in zip(steps, (1, 4), strict=True):
        assert np.sum(one.values * np.diff(one.edges)) == pytest.approx(1)
        np.testing.assert_allclose(one.values, shape(power, 1) / np.diff(EDGES))
    # Points lie on the steps, as training and held-out events are alike.
    for container, one in zip(signal.containers, steps, strict=True):
        np.testing.assert_allclose(container.lines[0].get_ydata(), one.values)
    assert signal.get_ylim()[0] == 0
    assert (tmp_path / "classifiers/bdt_scores.png").is_file()


def test_training_shows_areas_importances_and_losses(summary, tmp_path, kept) -> None:
    classifier_training.draw(tmp_path, [summary], None)
    (plot,) = kept.values()
    curve, bars, losses = plot.axes
    assert curve.get_legend().get_texts()[0].get_text() == "background and signal: 0.800 ± 0.010"
    np.testing.assert_allclose(curve.lines[0].get_xdata(), np.linspace(0, 1, 101) ** 2)
    # The most important one is above.
    assert [text.get_text() for text in bars.get_yticklabels()] == ["j1_pt / j2_pt", "m_jj"]
    assert [bar.get_width() for bar in bars.patches] == [0.05, 0.2]
    assert losses.get_xlabel() == "trees"
    np.testing.assert_allclose(losses.lines[1].get_ydata(), [0.69, 0.55, 0.52])
    (mark,) = {
        (float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in losses.lines if len(line.get_xdata()) == 1
    }
    assert mark == (2, 0.52)
