"""What the figures and the table of a ratio show is what its closure says."""

import csv
import html
import re

import hist
import numpy as np
import pytest

from resonaut.core.errors import InputFileError
from resonaut.core.files import write_json
from resonaut.core.histograms import to_json
from resonaut.learn.twosample.results import Calibration, Classifier, Divergence, TwoSample, Variable
from resonaut.report.reweight import divergences, ratio_checks, ratio_closure
from resonaut.reweight.results import RatioClosure

EDGES = [0.0, 10, 20, 60]


def filled(values):
    found = hist.Hist(hist.axis.Variable(EDGES, name="m_j1", label="m_j1"), storage=hist.storage.Weight())
    found.view().value, found.view().variance = np.array(values), np.array(values) / 100
    return to_json(found)


@pytest.fixture
def ratio(tmp_path, content_of):
    """``ratio(**changes)`` writes the closure of a ratio of two variables, of which the second was no input."""

    def compared(shares, p_value, auc):
        found = {"value": 0.25, "error": 0.04, "alike": 0.01, "alike_spread": 0.004, "p_value": p_value}
        measured = {
            "kl": content_of(Divergence, **found),
            "renyi": content_of(Divergence, **dict.fromkeys(found)),
        }
        test = {"chi2": 40 * auc, "ndof": 10, "p_value": p_value}
        both = {"numerator": filled([0.2, 0.5, 0.3]), "denominator": filled(shares), "test": test, "ks_p_value": 0.5}
        variables = [
            content_of(Variable, name=name, input=seen, divergences=measured, **both)
            for name, seen in (("m_j1", True), ("x", False))
        ]
        curve = {"predicted": [0.4, auc], "observed": [0.45, auc], "error": [0.01, 0.02], "test": test}
        numbers = {"auc": auc, "auc_error": 0.01, "calibration": content_of(Calibration, **curve)}
        judged = content_of(Classifier, **numbers, output=variables[0] | {"name": "classifier output"})
        pair = {"names": ["m_j1", "x"], "test": test, "largest_pull": 3.5, "numerator": None, "denominator": None}
        warnings = ["1 % of the numerator are <nowhere>"]
        return content_of(TwoSample, variables=variables, classifier=judged, pairs=[pair], warnings=warnings)

    def written(**changes):
        spread = {"effective": 0.8, "largest": 4.0}
        parts = {"low": [0.0, 1.0, 2.0], "closure": [0.004, -0.031, 0.0], "error": [0.001, 0.002, 0.003]}
        content = {
            "clipping": {"events": 3000, "below": 3, "above": 4, "share": 0.01},
            "sums": [{"dataset": "qcd", "before": 10.0, "learned": 10.2, "expected": 10.0}],
            "learned": spread,
            "exact": spread | {"effective": 0.75},
            "calibration": {
                "slope": 0.9,
                "slope_error": 0.02,
                "predicted": [0.3, 0.6],
                "observed": [0.35, 0.58],
                "error": [0.01, 0.01],
                "difference": 0.035,
                "if_calibrated": 0.008,
            },
            "truth": [parts | {"variable": name} for name in ("weight", "x")],
            "before": compared([0.4, 0.4, 0.2], 0.001, 0.6),
            "after": compared([0.2, 0.45, 0.35], 0.3, 0.51),
        }
        path = tmp_path / "results/reweight/up/closure.json"
        write_json(path, content_of(RatioClosure, **content | changes))
        return path

    return written


def test_variables_before_and_after_are_ratios_to_the_target(ratio, tmp_path, kept) -> None:
    ratio_closure.draw(tmp_path, [ratio()], None)
    assert (tmp_path / "ratios/up/closure.png").read_bytes()[1:4] == b"PNG"
    upper, other, lower = kept["closure"].axes[:3]
    width, target = np.diff(EDGES), np.array([0.2, 0.5, 0.3])
    for patches, unit in ((upper.patches, width), (lower.patches, target)):
        drawn = [patch.get_data().values * unit for patch in patches if not patch.get_fill()]
        np.testing.assert_allclose(drawn, [[0.4, 0.4, 0.2], [0.2, 0.45, 0.35]])
    points = upper.containers[0][0].get_ydata()
    np.testing.assert_allclose(points * width, target)
    assert upper.get_title("left") == r"$\chi^2$/ndf: 2.4 before, 2.0 after"
    assert other.get_title("left").endswith("no input")
    assert lower.get_xlabel() == r"$m_{j1}$ [GeV]"
    said = kept["closure"].get_suptitle()
    assert "AUC of a fresh classifier: 0.600 ± 0.010 before, 0.510 ± 0.010 after" in said
    assert "effective sample size 80.0 % (true weights: 75.0 %), 7 of 3,000 ratios clipped" in said


def test_calibration_and_learned_against_true_weights(ratio, tmp_path, kept) -> None:
    ratio_checks.draw(tmp_path, [ratio()], None)
    curve, own, by_weight, by_x = (ax for ax in kept["checks"].axes if ax.axison)
    np.testing.assert_allclose(own.containers[0][0].get_xydata().T, [[0.3, 0.6], [0.35, 0.58]])
    assert own.get_title("left") == "slope of its logit: 0.900 ± 0.020"
    before, after = (container[0].get_xydata().T for container in curve.containers)
    np.testing.assert_allclose(before, [[0.4, 0.6], [0.45, 0.6]])
    np.testing.assert_allclose(after, [[0.4, 0.51], [0.45, 0.51]])
    assert by_weight.get_xlabel() == "part by learned weight"
    for ax in (by_weight, by_x):
        np.testing.assert_allclose(ax.containers[0][0].get_ydata(), [0.4, -3.1, 0])
        assert ax.get_title("left") == "largest: -3.10 ± 0.20 %"
        low, high = ax.get_ylim()
        assert low < -3.3
        assert high == -low


def test_without_a_known_ratio_and_a_classifier_there_is_less_to_see(ratio, tmp_path, content_of, kept) -> None:
    few = content_of(TwoSample, classifier=None)
    path = ratio(truth=[], exact=None, before=few, after=few)
    ratio_checks.draw(tmp_path, [path], None)
    curve, _ = kept["checks"].axes
    assert "too few events" in curve.texts[0].get_text()
    ratio_closure.draw(tmp_path, [path], None)
    assert "unknown (too few events) after" in kept["closure"].get_suptitle()
    assert "true weights" not in kept["closure"].get_suptitle()


def test_the_table_has_every_divergence_beside_that_of_samples_alike(ratio, tmp_path) -> None:
    divergences.draw(tmp_path, [ratio()], None)
    rows = list(csv.DictReader((tmp_path / "ratios/up/divergences.csv").read_text().splitlines()))
    assert [(row["when"], row["variable"]) for row in rows[::2]] == [
        (when, name) for when in ("before", "after") for name in ("m_j1", "x", "classifier output")
    ]
    assert rows[0] == {
        "when": "before", "variable": "m_j1", "divergence": "kl", "value": "0.25", "error": "0.04", "alike": "0.01",
        "alike_spread": "0.004", "p_value": "0.001",
    }  # fmt: skip
    assert rows[1]["value"] == rows[1]["p_value"] == ""
    page = (tmp_path / "ratios/up/divergences.html").read_text()
    assert "<nowhere>" not in page
    text = html.unescape(re.sub("<[^>]+>", " ", page))
    for words in (
        "0.25 ± 0.04 (0.01)",
        "3, 4 of 3,000 (1 % of the weights)",
        "80.00 %",
        "0.900 ± 0.020",
        "3.50 %, 0.80 %",
        "+2.00 %",
        "After: 1 % of the numerator are <nowhere>.",
        "m_j1 × x",
    ):
        assert words in text
    # Of the sums 2 % is too much; before the weights three variables and the pair afterwards not.
    assert page.count('bold"') == 1 + 3 * 2


@pytest.mark.parametrize("module", [ratio_closure, ratio_checks, divergences])
def test_what_compares_no_samples_ends_in_a_sentence(ratio, tmp_path, module) -> None:
    with pytest.raises(InputFileError, match=r"closure\.json: compares no samples; give the ratio a numerator"):
        module.draw(tmp_path, [ratio(before=None, after=None)], None)
