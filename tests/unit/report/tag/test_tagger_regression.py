"""The regressions of the taggers: every number stands where it belongs."""

import numpy as np
import pytest

from resonaut.core.errors import InputFileError
from resonaut.core.files import write_json
from resonaut.report.tag import tagger_regression
from resonaut.tag.results import Network


def closure(response: float, resolution: float, covered: float) -> dict:
    found = {"jets": 400, "response": response, "response_error": 0.01, "median_response": 1.0, "covered": covered}
    found |= {"resolution": resolution, "resolution_error": 0.004, "covered_error": 0.02}
    return found | {"response_without": 0.8, "resolution_without": 0.16}


@pytest.fixture
def summary(content_of, tmp_path):
    mass = {"all": closure(1.0, 0.1, 0.68), "classes": {"qcd": closure(1.25, 0.15, 0.6), "x": closure(0.98, 0.09, 0.7)}}
    ends = ((200, 300), (300, 500))
    mass["by_pt"] = [
        {"pt_low": low, "pt_median": low + 30, "pt_high": high, "closure": closure(at, 0.1 * at, 0.66)}
        for at, (low, high) in zip((1.01, 0.97), ends, strict=True)
    ]
    nothing = {"all": None, "classes": {}, "by_pt": []}
    write_json(tmp_path / "own.json", content_of(Network, regression={"mass": mass, "pt": nothing}))
    return tmp_path / "own.json"


def points(ax, name):
    """Places and values of what the legend calls so, and the errors of the values."""
    (found,) = (one for one in ax.containers if one.get_label() == name)
    bars = [np.ptp(np.array(one.get_segments())[..., 1], axis=1) / 2 for one in found[2]]
    return found[0].get_xdata(), found[0].get_ydata(), bars[-1] if found.has_yerr else None


def test_responses_resolutions_and_coverages(summary, kept, tmp_path) -> None:
    tagger_regression.draw(tmp_path, [summary], None)
    assert {path.name for path in (tmp_path / "taggers").iterdir()} == {"own_regression.png"}
    axes = np.reshape(kept["own_regression"].axes, (3, 4))
    assert [label.get_text() for label in axes[2, 0].get_xticklabels()] == ["all", "qcd", "x"]
    for row, by_class, by_pt, errors in (
        (0, [1, 1.25, 0.98], [1.01, 0.97], [0.01, 0.01, 0.01]),
        (1, [0.1, 0.12, 0.09 / 0.98], [0.1, 0.1], [0.004, 0.0032, 0.004 / 0.98]),
        (2, [0.68, 0.6, 0.7], [0.66, 0.66], [0.02, 0.02, 0.02]),
    ):
        x, y, bars = points(axes[row, 0], "regression")
        assert list(x) == [0, 1, 2]
        assert y == pytest.approx(by_class)
        assert bars == pytest.approx(errors)
        x, y, _ = points(axes[row, 1], "regression")
        assert list(x) == [230, 330]
        assert y == pytest.approx(by_pt)
    assert points(axes[0, 0], "as reconstructed")[1] == pytest.approx([0.8] * 3)
    assert points(axes[1, 1], "as reconstructed")[1] == pytest.approx([0.2] * 2)
    assert [ax.get_title() or ax.get_title("left") for ax in axes[0]] == [
        "mass",
        "mass, all jets",
        "pt",
        "pt, all jets",
    ]
    assert [[one.get_text() for one in ax.texts] for ax in axes[0]] == [[], [], *[["too few held-out jets"]] * 2]


def test_a_network_without_a_regression_is_named(content_of, tmp_path) -> None:
    write_json(tmp_path / "x.json", content_of(Network, regression={}))
    with pytest.raises(InputFileError, match=r"x\.json: the network has no regression; name networks that have one"):
        tagger_regression.draw(tmp_path, [tmp_path / "x.json"], None)
