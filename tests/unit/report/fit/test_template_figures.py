"""The figure and the tables of template models show what fits and descriptions say."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from resonaut.core.results import write
from resonaut.fit.results.histfactory import (
    ChannelYields,
    Correlations,
    DiscoverySignificance,
    FitInterval,
    Goodness,
    Interest,
    ModelResult,
    SampleYields,
)
from resonaut.fit.results.models import ModelChannel, ModelDescription
from resonaut.report.fit import model_spectra, model_summary

EDGES = {"sr": [0.0, 1.0, 2.0, 4.0], "cr": [0.0, 1.0, 2.0, 3.0]}
# Two that are one process, and two signals.
NAMES = ["signal", "other", *(f"b{i}" for i in range(11)), "qcd_0", "qcd_1"]


def sample(rng: np.random.Generator) -> SampleYields:
    numbers = {name: rng.uniform(1, 9, 3) for name in ("before", "before_errors", "after", "after_errors")}
    sums = {f"sum_{name}": float(numbers[name].sum()) for name in ("before", "after")}
    sums |= {f"sum_{name}_error": float(rng.uniform(1, 2)) for name in ("before", "after")}
    return SampleYields(**{name: values.tolist() for name, values in numbers.items()}, **sums)


def total(samples) -> SampleYields:
    made = sample(np.random.default_rng(9))
    return replace(
        made,
        **{
            name: np.sum([getattr(one, name) for one in samples.values()], axis=0).tolist()
            for name in ("before", "after")
        },
    )


@pytest.fixture
def result() -> ModelResult:
    rng = np.random.default_rng(4)
    yields = {}
    for channel in EDGES:
        samples = {name: sample(rng) for name in NAMES}
        yields[channel] = ChannelYields(observed=[50.0, 0.0, 70.0], samples=samples, total=total(samples))
    return ModelResult(
        workspace="workspace.json",
        measurement="m",
        backend="batched",
        converged=True,
        problem=None,
        minimum=1.0,
        distance=0.0,
        goodness=Goodness(deviance=1.0, ndf=2, p_value=None, p_toys=None, toys=0),
        parameters=[],
        correlations=Correlations(names=[], matrix=[]),
        interests=[],
        yields=yields,
        warnings=[],
    )


@pytest.fixture
def described() -> ModelDescription:
    channels = {
        name: ModelChannel(observable="x", label="x", unit="GeV", edges=edges, samples={}, data=[50.0, 0.0, 70.0])
        for name, edges in EDGES.items()
    }
    processes = {name: name.split("_")[0] for name in NAMES}
    nothing = {name: [] for name in ("nuisances", "treatments", "transfer", "transferred", "notes")}
    signals = {"parameters_of_interest": ["mu"], "signals": ["signal", "other"]}
    more = {"luminosity": 30.0, "asimov": False, "channels": channels, "processes": processes}
    return ModelDescription(model="m", **more, **signals, **nothing)


@pytest.fixture
def drawn(result, described, tmp_path, kept):
    """``drawn(result)``: the axes of the figure, and the rows of the table."""

    def make(one: ModelResult = result):
        folder = tmp_path / "model"
        write(folder / "result.json", one)
        write(folder / "model.json", described)
        model_spectra.draw(tmp_path, [folder / "result.json"], [folder / "model.json"], None)
        with (tmp_path / "model_yields.csv").open() as file:
            return kept["model_spectra"].axes, list(csv.DictReader(file))

    return make


def test_each_panel_shows_its_channel_before_and_after(drawn, result):
    axes, _ = drawn()
    titles = [ax.get_title(loc="left") for ax in axes if ax.get_title(loc="left")]
    assert titles == ["cr, before the fit", "cr, as fitted", "sr, before the fit", "sr, as fitted"]
    for ax in axes:
        title = ax.get_title(loc="left")
        if not title:
            continue
        name, when = title[:2], "before" if "before" in title else "after"
        widths = np.diff(EDGES[name]) if name == "sr" else np.ones(3)
        stack = [patch for patch in ax.patches if patch.get_label() != "uncertainty"]
        # The largest ones, all others together, and both signals as one on top.
        assert len(stack) == model_spectra.MOST
        assert stack[-1].get_label() == "signal"
        samples = result.yields[name].samples
        total = np.sum([getattr(one, when) for one in samples.values()], axis=0)
        np.testing.assert_allclose(stack[-1].get_data().values, total / widths)
        shown = {patch.get_label(): patch.get_data().values - patch.get_data().baseline for patch in stack}
        both = np.add(getattr(samples["signal"], when), getattr(samples["other"], when))
        np.testing.assert_allclose(shown["signal"], both / widths)
        parts = np.add(getattr(samples["qcd_0"], when), getattr(samples["qcd_1"], when))
        np.testing.assert_allclose(shown["qcd"], parts / widths)
        assert not {"qcd_0", "other"} & shown.keys()
        (points,) = ax.containers
        np.testing.assert_allclose(points[0].get_ydata(), np.array([50.0, 0.0, 70.0]) / widths)


def test_the_table_has_every_sample_and_the_data(drawn, result):
    _, rows = drawn()
    assert len(rows) == 2 * (len(NAMES) + 1)
    (row,) = (row for row in rows if row["channel"] == "cr" and row["sample"] == "b3")
    assert float(row["after"]) == pytest.approx(result.yields["cr"].samples["b3"].sum_after, rel=1e-5)
    (row,) = (row for row in rows if row["channel"] == "sr" and row["sample"] == "total")
    assert (row["observed"], row["model"]) == ("120", "model")


def test_a_fit_that_did_not_converge_has_no_yields_after_it(drawn, result):
    axes, rows = drawn(replace(result, converged=False, problem="no minimum"))
    assert "sr, no fit: it did not converge" in [ax.get_title(loc="left") for ax in axes]
    assert {row["after"] for row in rows} == {""}


def test_the_summary_has_a_line_for_each_parameter_of_interest(result, tmp_path):
    interval = FitInterval(confidence_level=0.95, level=3.84, low=-0.4, high=None, ranges=[], reason="no end")
    known = {"statistical_error": 0.3, "expected_error": 0.45, "scan": None, "limits": None, "impacts": []}
    significance = DiscoverySignificance(q0=4.0, p_value=0.02, z=2.0, z_expected=3.0)
    mu = Interest(
        name="mu", value=1.25, error=0.5, intervals=[interval], significance=significance, reason="no end", **known
    )
    good = replace(result, interests=[mu], goodness=replace(result.goodness, p_value=0.3, p_toys=0.25))
    write(tmp_path / "good/result.json", good)
    write(tmp_path / "bad/result.json", replace(result, converged=False, problem="no minimum"))
    model_summary.draw(tmp_path, [tmp_path / "good/result.json", tmp_path / "bad/result.json"])
    with (tmp_path / "models.csv").open() as file:
        first, second = csv.DictReader(file)
    wanted = {"model": "good", "value": "1.25", "error": "0.5", "low_95": "-0.4", "high_95": "", "low_68": "", "z": "2"}
    assert {name: first[name] for name in wanted} == wanted
    assert (first["goodness_p"], first["problem"]) == ("0.25", "no end")
    assert (second["model"], second["parameter"], second["problem"]) == ("bad", "", "no minimum")
