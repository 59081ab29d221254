"""The ROC curves of the taggers."""

import numpy as np
import pytest

from resonaut.core.errors import InputFileError
from resonaut.core.files import write_json
from resonaut.report.tag import tagger_attacks, tagger_calibration, tagger_decorrelation, tagger_inputs, taggers
from resonaut.tag.results import Network

ROC = {"signal_efficiency": [0.5], "qcd_efficiency": [0.1], "qcd_efficiency_low": [0.1], "qcd_efficiency_high": [0.1]}
OF = {"auc": {"2prong": 1}, "auc_error": {"2prong": 1}, "rejection": {"2prong": []}, "roc": {"2prong": ROC}}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"roc": ...}, r"no summary of a tagger \(it has no 'roc'\); make it with 'resonaut tag train'"),
        ({"roc": {"2prong": ROC | {"qcd_efficiency": ["a"]}}}, r"roc\.2prong\.qcd_efficiency\[0\] is 'a'"),
        ({"roc": {"2prong": ROC}, "auc": {}}, "auc and roc are of other classes"),
        (OF | {"held_out_jets": {"2prong": 9}}, "held_out_jets has no qcd"),
    ],
)
def test_a_wrong_file_ends_in_a_sentence(tmp_path, change, words, content_of) -> None:
    jets = {"background": "qcd", "held_out_jets": {"qcd": 9, "2prong": 9}}
    write_json(tmp_path / "x.json", content_of(Network, **jets | change))
    with pytest.raises(InputFileError, match=words):
        taggers.draw(tmp_path / "out", [tmp_path / "x.json"], None)
    assert not (tmp_path / "out").exists()


@pytest.fixture
def summary(content_of):
    """A function: a summary whose numbers all differ, of a network with or without an attack and importances."""

    def make(**changes):
        roc = {"signal_efficiency": [0.2, 0.6, 1], "qcd_efficiency": [0.02, 0.1, 1]}
        roc |= {"qcd_efficiency_low": [0.01, 0.09, 1], "qcd_efficiency_high": [0.03, 0.12, 1]}
        signal = {"auc": {"x": 0.8}, "auc_error": {"x": 0.01}, "rejection": {"x": []}, "roc": {"x": roc}}
        worse = signal | {"roc": {"x": roc | {"qcd_efficiency": [0.05, 0.2, 1]}}}
        attack = worse | {"accuracy": 0.5, "accuracy_error": 0.1, "auc_lost": {"x": {"value": 0.04, "error": 0.002}}}
        point = {"predicted": [0.1, 0.7], "observed": [0.2, 0.65], "error": [0.03, 0.04]}
        point |= {"calibration_error": 0.075, "if_calibrated": 0.03, "p_value": 0.01}
        lost = {"a": {"value": 0.2, "error": 0.01}, "b": {"value": 0.05, "error": 0.02}}
        sculpting = {"rejection": 10.0, "rejection_error": 1.0, "inverse_jsd": 20.0, "inverse_jsd_error": 3.0}
        shown = {"calibration": {"qcd": point, "x": point}, "importance": {"x": lost}, "under_attack": attack}
        shown |= {"sculpting": {"x": sculpting | {"inverse_jsd_independent": 200.0}}}
        jets = {"classes": ["qcd", "x"], "held_out_jets": {"qcd": 1000, "x": 500}}
        return content_of(Network, **signal | jets | shown | changes)

    return make


@pytest.fixture
def summaries(summary, tmp_path):
    """Of a network of our own and a published one, which was neither attacked nor shown other inputs."""
    write_json(tmp_path / "own.json", summary())
    write_json(tmp_path / "pnet.json", summary(importance={}, under_attack=None))
    return [tmp_path / "own.json", tmp_path / "pnet.json"]


def points(ax, name):
    """Values and errors in x and y of what the legend calls so."""
    (found,) = (one for one in ax.containers if one.get_label() == name)
    ends = [np.array(bars.get_segments()) for bars in found[2]]
    return found[0].get_xdata(), found[0].get_ydata(), [np.ptp(one, axis=1).max(axis=1) / 2 for one in ends]


def test_reliability_diagrams(summaries, kept, tmp_path) -> None:
    tagger_calibration.draw(tmp_path, summaries, None)
    assert {path.name for path in (tmp_path / "taggers").iterdir()} == {"own_calibration.png", "pnet_calibration.png"}
    axes = kept["own_calibration"].axes
    # In the order of the classes, not of their names.
    assert [ax.get_xlabel() for ax in axes[2:]] == ["score of qcd", "score of x"]
    x, y, (errors,) = points(axes[1], "x jets")
    assert (list(x), list(y)) == ([0.1, 0.7], [0.2, 0.65])
    assert errors == pytest.approx([0.03, 0.04])
    assert axes[3].containers[0][0].get_ydata() == pytest.approx([0.1, -0.05])
    assert axes[1].texts[0].get_text() == "ECE 7.5 %\nif calibrated 3.0 %\np = 0.01"


def test_inputs_that_matter(summaries, kept, tmp_path) -> None:
    tagger_inputs.draw(tmp_path, summaries[:1], None)
    (ax,) = kept["tagger_inputs"].axes
    x, y, (errors,) = points(ax, "own")
    assert (list(x), list(y)) == ([0.2, 0.05], [0, 1])
    assert errors == pytest.approx([0.01, 0.02])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]


def test_rejection_against_sculpting(summaries, kept, tmp_path) -> None:
    tagger_decorrelation.draw(tmp_path, summaries, None)
    (ax,) = kept["tagger_decorrelation"].axes
    x, y, errors = points(ax, "own")
    assert (list(x), list(y)) == ([20], [10])
    assert [one[0] for one in errors] == pytest.approx([3, 1])
    lines = [[float(end) for end in line.get_xdata()] for line in ax.lines if line.get_linestyle() == ":"]
    assert [20, 200] in lines
    published = {line.get_label(): line.get_xydata() for line in ax.lines if "W jets" in str(line.get_label())}
    assert sorted({tuple(map(float, end)) for ends in published.values() for end in ends}) == [
        (3.8, 27.2),
        (656.0, 7.9),
        (1077.0, 7.9),
    ]


def test_curves_under_attack(summaries, kept, tmp_path) -> None:
    tagger_attacks.draw(tmp_path, summaries, None)
    (ax,) = kept["tagger_attacks"].axes
    assert ax.get_title("left") == "own"
    nominal, attacked, _ = (line.get_ydata() for line in ax.lines)
    assert (list(nominal), list(attacked)) == ([50, 10, 1], [20, 5, 1])
    assert ax.lines[0].get_label() == "x: AUC 0.8000, lost 0.0400 ± 0.0020"


def test_published_weights_alone_are_not_attacked(summaries, kept, tmp_path) -> None:
    tagger_attacks.draw(tmp_path, summaries[1:], None)
    assert kept["tagger_attacks"].axes[0].texts[0].get_text() == "no network was trained"
