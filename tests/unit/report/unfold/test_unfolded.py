"""What the figures of an unfolding show is what its summary says."""

import numpy as np
import pytest

from resonaut.core.errors import InputFileError
from resonaut.core.files import write_json
from resonaut.report.unfold import iterations, unfolded
from resonaut.unfold.results import Compared, Iteration, Publication, Run, Summary

EDGES = [200.0, 230, 300]
# With underflow and overflow.
PRIOR, OMNIFOLD, ERROR, BAYES, TRUTH = [9, 30, 70, 9], [9, 36, 77, 9], [1, 3, 7, 1], [9, 33, 63, 9], [9, 40, 70, 9]
RUNS = {"ensemble_0": 1.0, "ensemble_1": 2.0, "bootstrap_mc_0": 3.0, "jes_up": 4.0}


@pytest.fixture
def summary(tmp_path, content_of):
    """``summary(**changes)`` writes a summary of an observable with that many events, and its description."""

    def written(**changes):
        counts = {"edges": EDGES, "prior": PRIOR, "omnifold": OMNIFOLD, "omnifold_error": ERROR, "bayes": BAYES}
        areas = {"triangular_prior": 13.0, "triangular_bayes": 0.6, "triangular_omnifold": 0.2}
        compared = content_of(Compared, **counts | {"truth": TRUTH} | areas | changes)
        numbers = {"auc_error": 0.01, "auc_before": 0.6, "auc_after": 0.51, "effective": 900.0, "largest": 6.0}
        runs = [
            content_of(Run, run=name, iterations=[content_of(Iteration, change=k / i, **numbers) for i in (1, 2, 3)])
            for name, k in RUNS.items()
        ]
        columns = {
            "pT_ll": {"column": "gen_pt_ll", "unit": "GeV", "label": "$p_T$"},
            "m_j1": {"column": "gen_m_j1", "unit": "GeV", "label": "gen_m_j1"},
        }
        write_json(tmp_path / "events.json", content_of(Publication, observables=columns))
        write_json(
            tmp_path / "summary.json", content_of(Summary, observables=dict.fromkeys(columns, compared), runs=runs)
        )
        return tmp_path / "summary.json", tmp_path / "events.json"

    return written


def stairs(ax, name):
    (found,) = (patch.get_data() for patch in ax.patches if patch.get_label() == name)
    return found.values


def test_observables_beside_the_truth(summary, tmp_path, kept) -> None:
    unfolded.draw(tmp_path, *summary(), [], None)
    # Names are sorted in JSON.
    _, upper, other, lower = kept["unfolded"].axes
    for ax, unit in ((upper, [30, 70]), (lower, [40, 70])):
        np.testing.assert_allclose(stairs(ax, "simulation"), np.divide([30, 70], unit))
        np.testing.assert_allclose(stairs(ax, "iterative unfolding"), np.divide([33, 63], unit))
        (band,) = (patch.get_data() for patch in ax.patches if patch.get_fill())
        np.testing.assert_allclose(band.values, np.divide([39, 84], unit))
        np.testing.assert_allclose(band.baseline, np.divide([33, 70], unit))
    np.testing.assert_allclose(stairs(upper, "OmniFold"), [36 / 30, 77 / 70])
    np.testing.assert_allclose(upper.lines[0].get_ydata(), [40 / 30, 1])
    assert upper.get_title("left").endswith("13.00, 0.60, 0.20")
    assert (lower.get_xlabel(), other.get_ylabel()) == ("$p_T$ [GeV]", "ratio to truth")
    # The name of a column is no label.
    assert other.get_xlabel() == "$m_{j1}$ [GeV]"


def test_of_data_the_ratio_is_to_the_simulation(summary, tmp_path, kept) -> None:
    none = dict.fromkeys(("truth", "triangular_prior", "triangular_bayes", "triangular_omnifold"))
    unfolded.draw(tmp_path, *summary(**none), [], None)
    upper, _, lower, _ = kept["unfolded"].axes
    np.testing.assert_allclose(stairs(lower, "OmniFold"), [36 / 30, 77 / 70])
    assert lower.get_ylabel() == "ratio to simulation"
    assert upper.get_title("left") == ""


def test_a_bin_without_truth_has_no_ratio(summary, tmp_path, kept) -> None:
    unfolded.draw(tmp_path, *summary(truth=[0, 0, 70, 0]), [], None)
    assert np.isnan(stairs(kept["unfolded"].axes[2], "OmniFold")[0])


def test_a_description_of_another_unfolding_stops(summary, tmp_path, content_of) -> None:
    found, description = summary()
    write_json(description, content_of(Publication))
    with pytest.raises(InputFileError, match=r"events\.json: no observable 'm_j1'; give that of the unfolding of"):
        unfolded.draw(tmp_path, found, description, [], None)


def test_iterations_of_every_run(summary, tmp_path, kept) -> None:
    iterations.draw(tmp_path, summary()[0], None)
    changed, areas, effective, largest = kept["iterations"].axes
    lines = {line.get_label(): line.get_ydata() for line in changed.lines}
    np.testing.assert_allclose(lines["variations"], [4, 2, 4 / 3])
    np.testing.assert_allclose(lines["bootstrap mc"], [3, 1.5, 1])
    # The ensemble is drawn above all others.
    assert [line.get_label() for line in changed.lines][2:] == 2 * ["ensemble"]
    assert areas.lines[-1].get_ydata() == pytest.approx([0.6, 0.6])
    for ax, value in ((areas, 0.51), (effective, 900), (largest, 6)):
        np.testing.assert_allclose(ax.lines[0].get_ydata(), 3 * [value])
    (band,) = areas.patches
    assert (band.get_y(), band.get_height()) == pytest.approx((0.49, 0.02))
