"""Selections trained again with injected signal: p-values, the excluded against the injected plane, limits."""

import json
import sys
from dataclasses import asdict, replace

import hist
import numpy as np
import pytest
from uhi.io.json import default

from resonaut import cli
from resonaut.core.errors import FitError, InputFileError
from resonaut.core.manifest import Manifest
from resonaut.fit import limits, scan
from resonaut.fit.bare import settings_of
from resonaut.fit.retrained import retrained
from resonaut.select.results import Experiment, Injected, Signal, Trained

SETTINGS = settings_of(["toys=0"], 13000.0, [3500.0])
LUMINOSITY = 20.0


def histogram(values, weight=None):
    h = hist.Hist(hist.axis.Regular(1200, 2000, 8000, name="m_jj"), storage=hist.storage.Weight())
    h.fill(values, weight=weight)
    return json.loads(json.dumps(h, default=default))


@pytest.fixture
def experiment(content_of):
    """Make a selection that keeps ``efficiency`` of a signal of ``amount`` fb."""

    def make(amount, seed, efficiency, background=300, retrained=None, kind=Experiment, **injection):
        rng = np.random.default_rng([seed, int(amount * 10)])
        signal = rng.normal(3500, 120, rng.poisson(amount * efficiency * LUMINOSITY))
        spectrum = histogram(np.r_[2500 + rng.exponential(500, background), signal])
        simulated = content_of(
            Signal,
            dataset="signal_3500",
            mass=3500,
            efficiency=efficiency,
            efficiency_error=efficiency / 20,
            weights={"lund": {"scale_factor": 1.0, "uncertainties": {"a": [0.05, -0.05]}}},
            moved={},
            spectrum=histogram(rng.normal(3500, 120, 400), np.full(400, efficiency / 400)),
        )
        names = {"method": "cwola", "window": "w3500", "signal_region": [3250, 3750], "data": "pool"}
        names |= {"observable": "m_jj", "label": "m_jj", "unit": "GeV"}
        made = content_of(kind, **names, spectrum=spectrum, signals=[simulated])
        if kind is Experiment:
            base = {"base": "pseudo_data", "base_reason": None, "shared": 0.0, "retrained": retrained or {}}
            drawn = {"signal": "signal_3500", "amount": amount, "unit": "fb", "seed": seed, "events": len(signal)}
            made |= {"luminosity": LUMINOSITY, "injection": content_of(Injected, **base | drawn | injection)}
        return made

    return make


@pytest.fixture
def write(tmp_path):
    """Write experiments, named by a prefix and their seeds."""

    def write(name, *contents):
        paths = [tmp_path / f"{name}_{seed}.json" for seed in range(len(contents))]
        for path, content in zip(paths, contents, strict=True):
            path.write_text(json.dumps(content))
        return paths

    return write


@pytest.fixture
def files(write, tmp_path, experiment, content_of):
    """Efficiencies that grow with the injected signal, three seeds each; a selection without a signal; the data."""
    paths = []
    for amount, efficiency in ((0, 0.001), (5, 0.02), (20, 0.2), (60, 0.4)):
        draws = [experiment(amount, seed, draw * efficiency) for seed, draw in enumerate((0.9, 1.0, 1.1))]
        paths += write(f"amount{amount}", *draws)
    (actual,) = write("actual", experiment(0, 9, 0.2, kind=Trained))
    data = tmp_path / "data.json"
    data.write_text(json.dumps(content_of(Manifest, luminosity=LUMINOSITY)))
    return paths, actual, data


@pytest.fixture
def settings():
    return replace(SETTINGS, range=(2600, 6000), bin_width=50)


def test_the_limit_is_where_injected_and_excluded_meet(files, settings):
    paths, actual, data = files
    result = retrained(settings, actual, [data], paths)
    rows = result.amounts
    assert [row.amount for row in rows] == [0, 5, 20, 60]
    assert [row.efficiency for row in rows] == pytest.approx([0.001, 0.02, 0.2, 0.4])
    assert [row.efficiency_fitted for row in rows] == pytest.approx([0.001, 0.02, 0.2, 0.4], rel=0.01)
    # The same data exclude a smaller cross section where the efficiency is larger.
    excluded = [row.excluded for row in rows]
    assert excluded[1] > 5 * excluded[2] > 5 * excluded[3]
    # Where 5 fb are injected next to nothing is found; at 20 fb the data exclude less than that.
    assert excluded[2] < 20
    assert excluded[2] < result.limit < 20
    assert 5 < result.limit_expected < 20
    assert (result.method, result.window, result.signal) == ("cwola", "w3500", "signal_3500")
    assert (result.base, result.limit_reason) == ("pseudo_data", None)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {"base": "data", "base_reason": "there is none"},
            "into the data, which may hold one already, as there is none; give the search a",
        ),
        ({"unit": "events"}, "as a number of events"),
        ({"shared": 0.95}, "the trainings have nearly the same events"),
    ],
)
def test_experiments_that_give_no_limit_say_why(write, files, settings, change, reason, experiment):
    _, actual, data = files
    paths = write("other", *(experiment(20, seed, 0.2, **change) for seed in (1, 2)))
    result = retrained(settings, actual, [data], paths)
    assert result.limit is result.limit_expected is None
    assert reason in result.limit_reason


def test_one_training_gives_no_limit(files, settings):
    paths, actual, data = files
    result = retrained(settings, actual, [data], [*paths[:7], paths[9]])
    assert result.limit is None
    assert result.limit_reason == "there is one training with 20, 60 fb, which does not tell how much trainings differ"
    assert result.amounts[2].efficiency_spread is result.amounts[2].efficiency_uncertainty is None
    assert result.amounts[2].five_sigma_expected is not None


def test_another_luminosity_than_the_datas_gives_no_limit(files, settings, tmp_path, content_of):
    paths, actual, data = files
    data.write_text(json.dumps(content_of(Manifest, luminosity=2 * LUMINOSITY)))
    result = retrained(settings, actual, [data], paths)
    assert (result.limit, result.amounts[3].excluded) == (None, None)
    assert result.limit_reason == "an experiment has 20/fb and the data 40/fb; give it as much background"


def test_a_training_that_found_nothing_leaves_the_amounts_up_to_its_own_out(write, files, settings, experiment):
    paths, actual, data = files
    blind = [experiment(20, seed, efficiency) for seed, efficiency in enumerate((0.2, 0.2, 0.0))]
    result = retrained(settings, actual, [data], [*paths[:6], *write("blind", *blind), *paths[9:]])
    assert [row.excluded is None for row in result.amounts] == [True, True, True, False]
    # 60 fb are the least of which it is known that they are found.
    assert result.limit == 60
    result = retrained(settings, actual, [data], write("all", *blind))
    assert result.limit is None
    assert result.limit_reason == "with 20 fb or more a training found none of the signal"


def test_an_experiment_whose_fit_fails_is_left_out(files, settings, monkeypatch, caplog):
    paths, actual, data = files
    whole, search, seen = retrained(settings, actual, [data], paths), scan.search, []

    def failing(model):
        seen.append(model)
        if len(seen) == 1:
            raise FitError("the signal fit does not converge.")
        return search(model)

    monkeypatch.setattr(scan, "search", failing)
    found = retrained(settings, actual, [data], paths)
    (left_out,) = found.failed
    assert left_out.reason == "the signal fit does not converge."
    assert "left out" in caplog.text
    assert len(found.experiments) == len(whole.experiments) - 1
    assert not any((one.amount, one.seed) == (left_out.amount, left_out.seed) for one in found.experiments)
    seen.clear()
    monkeypatch.setattr(scan, "search", lambda _: failing(seen.clear()))
    with pytest.raises(FitError, match="all experiments"):
        retrained(settings, actual, [data], paths)


def test_data_without_a_limit_say_why(files, settings, monkeypatch):
    def nowhere(model, confidence_level):
        raise FitError("CLs crosses the level nowhere")

    monkeypatch.setattr(limits, "upper_limits", nowhere)
    paths, actual, data = files
    result = retrained(settings, actual, [data], paths[9:])
    assert (result.limit, result.limit_reason) == (None, "with 60 fb CLs crosses the level nowhere")
    assert result.five_sigma_expected is not None


def test_expected_results_are_of_experiments_without_a_signal(write, files, settings, experiment):
    """Data that hold a signal change what is observed and not what is expected."""
    paths, actual, data = files
    (signal,) = write("signal", experiment(40, 9, 0.3, kind=Trained))
    without, beside = (retrained(settings, one, [data], paths) for one in (actual, signal))
    assert beside.limit > 1.5 * without.limit
    for key in ("limit_expected", "five_sigma_expected"):
        assert getattr(beside, key) == pytest.approx(getattr(without, key), rel=1e-6)
    # Nor do the 480 events of the experiments with 60 fb, of which a fit of the background alone absorbs some.
    (alone,) = retrained(settings, actual, [data], paths[9:]).amounts
    assert alone.five_sigma_expected == pytest.approx(without.amounts[3].five_sigma_expected, rel=0.1)
    usual = replace(settings, background=replace(settings.background, expected="background_only"))
    (absorbed,) = retrained(usual, actual, [data], paths[9:]).amounts
    assert absorbed.five_sigma_expected > 1.1 * alone.five_sigma_expected


def test_significances_rise_with_the_injected_signal(files, settings):
    paths, actual, data = files
    result = retrained(settings, actual, [data], paths)
    z = [row.z_local for row in result.amounts]
    assert z[3] > z[2] > 5 > max(z[0], z[1])
    assert abs(z[0]) < 3.5
    assert 5 < result.five_sigma < 20
    # Expected with the efficiency found at 20 fb: less than that is enough.
    assert result.amounts[2].five_sigma_expected < result.five_sigma_expected < 20
    assert len(result.experiments) == 12
    for row in result.experiments:
        assert (row.p_local < 0.5) == (row.z_local > 0)
    for row in result.amounts:
        values = [e.z_local for e in result.experiments if e.amount == row.amount]
        assert row.z_local == np.median(values)
        assert row.z_local_range == (min(values), max(values))


def test_the_spread_of_the_draws_widens_the_limit(write, files, settings, experiment):
    paths, actual, data = files
    wide = write("wide", *(experiment(20, seed, draw * 0.2) for seed, draw in enumerate((0.4, 1.0, 1.6))))
    (narrow,) = retrained(settings, actual, [data], paths[6:9]).amounts
    (row,) = retrained(settings, actual, [data], wide).amounts
    assert row.efficiency == pytest.approx(narrow.efficiency)
    assert row.efficiency_spread == pytest.approx(0.12)
    assert row.efficiency_uncertainty > 3 * narrow.efficiency_uncertainty
    assert row.excluded > 1.05 * narrow.excluded


def test_trainings_that_share_events_differ_more_from_the_data_than_from_each_other(write, files, settings, experiment):
    paths, actual, data = files
    shared = write("shared", *(experiment(20, seed, draw * 0.2, shared=0.5) for seed, draw in enumerate((0.9, 1, 1.1))))
    (row,) = retrained(settings, actual, [data], shared).amounts
    (independent,) = retrained(settings, actual, [data], paths[6:9]).amounts
    # Log-normal, of 3 trainings: sqrt(3 + 1/3) instead of sqrt(1 + 1/3).
    sizes = [np.log1p(one.efficiency_uncertainty) for one in (row, independent)]
    assert sizes[0] == pytest.approx(np.sqrt(2.5) * sizes[1])
    assert row.excluded > independent.excluded


def test_retrained_variations_replace_evaluated_ones(settings, files, write, experiment):
    _, actual, data = files
    excluded = []
    for change in ({}, {"lund_a_up": 0.8, "lund_a_down": -0.8}):
        paths = write("x", *(experiment(20, seed, 0.2 + 0.01 * seed, retrained=change) for seed in (1, 2)))
        excluded.append(retrained(settings, actual, [data], paths).amounts[0].excluded)
    assert excluded[1] > 1.1 * excluded[0]


def test_every_experiment_has_a_part_in_the_signals_shape_and_errors(settings, files, write, experiment):
    _, actual, data = files
    broad = experiment(20, 2, 0.2)
    values = np.random.default_rng(1).normal(3500, 400, 400)
    broad["signals"][0] |= {"spectrum": histogram(values, np.full(400, 0.0005)), "efficiency_error": 0.06}
    narrow = experiment(20, 1, 0.21)
    excluded = []
    for number, contents in enumerate(((narrow, broad), (broad, narrow), (narrow, narrow | {}))):
        excluded.append(retrained(settings, actual, [data], write(f"m{number}", *contents)).amounts[0].excluded)
    assert excluded[0] == pytest.approx(excluded[1], rel=0.03)
    assert excluded[0] > 1.1 * excluded[2]


def test_data_without_luminosity_have_no_limit_and_other_files_are_no_manifests(files, settings, content_of):
    paths, actual, data = files
    data.write_text(json.dumps(content_of(Manifest, luminosity=None)))
    assert retrained(settings, actual, [data], paths[6:9]).limit_reason == "the data have no luminosity"
    data.write_text("[]")
    with pytest.raises(InputFileError, match=r"data\.json: no manifest of a dataset"):
        retrained(settings, actual, [data], paths[6:9])


def test_pseudo_data_have_significances_and_no_limit(files, settings):
    paths, *_ = files
    result = retrained(settings, None, [], paths[:3])
    assert result.limit is result.limit_expected is None
    assert result.limit_reason == "there is no selection of data"
    assert result.amounts[0].excluded is None


def test_a_selection_that_keeps_everything_needs_a_large_signal(settings, tmp_path, experiment):
    path = tmp_path / "inclusive.json"
    path.write_text(json.dumps(experiment(0, 1, 0.5, background=20_000)))
    (row,) = retrained(settings, None, [], [path]).amounts
    # 5 sigma over the background under the peak, of which the fitted shape hides a part.
    assert 3 < row.five_sigma_expected * 0.5 * LUMINOSITY / np.sqrt(20_000 * 0.065) < 15


def test_files_of_different_methods_are_not_mixed(files, settings, tmp_path, experiment):
    paths, *_ = files
    other = tmp_path / "other.json"
    other.write_text(json.dumps(experiment(0, 1, 0.1) | {"method": "tnt"}))
    with pytest.raises(InputFileError, match=r"other\.json: is of \('tnt', 'w3500', 'signal_3500'\), not of"):
        retrained(settings, None, [], [paths[0], other])
    for text in ("{}", "[]", "null", '{"injection": 1}'):
        other.write_text(text)
        with pytest.raises(InputFileError, match=r"other\.json: no experiment with injected signal"):
            retrained(settings, None, [], [other])


def test_the_command(files, settings, tmp_path, monkeypatch):
    paths, actual, data = files
    (tmp_path / "fit.json").write_text(json.dumps(asdict(settings)))
    words = ["resonaut", "fit", "retrained", "--config", tmp_path / "fit.json", "--selection", actual]
    words += ["--data", data]
    monkeypatch.setattr(sys, "argv", list(map(str, [*words, "--output", tmp_path / "out.json", *paths])))
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert not stopped.value.code
    assert json.loads((tmp_path / "out.json").read_text())["limit"] < 20
