from dataclasses import replace

import awkward as ak
import numpy as np
import pytest

from resonaut.core import identifier
from resonaut.learn import ratio
from resonaut.learn.ratio import trees
from resonaut.select import kinematics
from resonaut.select import method as methods
from resonaut.select.inputs import Inputs
from resonaut.select.methods.cwola import CwolaSettings
from resonaut.select.regions import Regions
from resonaut.select.selector import Selector
from resonaut.select.training_data import TrainingData


@pytest.fixture
def events(toys) -> ak.Array:
    return ak.concatenate([toys(4000, 1), toys(40, 2, signal=True)])


def training_of(settings, events) -> TrainingData:
    window = settings.windows["w3500"]
    regions = Regions.of(ak.to_numpy(events.m_jj), window)
    return TrainingData(events, regions, window, "data", [], [], None)


def train(settings, events):
    cwola = methods.make("cwola", settings, "w3500")
    training = training_of(settings, events)
    numbers = cwola.fit(training)
    return cwola, training.regions, numbers


@pytest.fixture
def given(monkeypatch) -> list[tuple[ratio.Sample, ratio.Sample]]:
    """The samples of each training."""
    found = []
    fit = ratio.CrossFit.fit
    monkeypatch.setattr(ratio.CrossFit, "fit", lambda *args: found.append(args[:2]) or fit(*args))
    return found


def test_cwola_compares_the_signal_region_with_sidebands_that_count_the_same(settings, events, given):
    _, regions, _ = train(replace(settings, pt_bins=0), events)
    ((signal, sideband),) = given
    counts = regions.counts()
    assert (len(signal.keys), len(sideband.keys)) == (counts[1], counts[0] + counts[2])
    lower = ak.to_numpy(events.m_jj)[regions.sideband] < 3250
    assert sideband.weights[lower].sum() == pytest.approx(sideband.weights[~lower].sum())


@pytest.mark.parametrize("inputs", ["event", "jets"])
def test_cwola_sees_sidebands_with_the_pt_spectra_of_the_signal_region(settings, events, given, inputs):
    _, regions, _ = train(
        replace(settings, pt_bins=10, cwola=CwolaSettings(inputs=inputs, combination="maximum")), events
    )
    assert len(given) == {"event": 1, "jets": 2}[inputs]
    for signal, sideband in given:
        assert np.all(signal.weights == 1)
        for name in kinematics.PT:
            pt = ak.to_numpy(events[name])
            edges = np.quantile(pt[regions.signal | regions.sideband], np.linspace(0, 1, 11)[1:-1])
            spectra = [
                np.bincount(np.digitize(pt[rows], edges), sample.weights, 10) / sample.weights.sum()
                for sample, rows in ((signal, regions.signal), (sideband, regions.sideband))
            ]
            assert spectra[1] == pytest.approx(spectra[0], rel=0.01)


def test_the_dijet_mass_and_transverse_momenta_are_no_inputs_of_cwola(settings, events):
    cwola, _, _ = train(settings, events)
    assert "m_jj" not in cwola.columns
    moved = events
    for name in ("m_jj", *kinematics.PT):
        moved = ak.with_field(moved, ak.to_numpy(events[name])[::-1].copy(), name)
    assert np.array_equal(cwola.raw(events, "data").value, cwola.raw(moved, "data").value)


def test_columns_of_transverse_momenta_are_read_only_for_weights(settings):
    assert set(kinematics.PT) <= set(methods.make("cwola", settings, "w3500").columns)
    assert not set(kinematics.PT) & set(methods.make("cwola", replace(settings, pt_bins=0), "w3500").columns)


@pytest.mark.parametrize("inputs", ["event", "jets"])
def test_no_event_is_scored_by_a_model_that_saw_it(settings, events, monkeypatch, inputs):
    seen = []
    fit = trees._train

    def record(training, validation, *rest):
        seen.append(set(training.keys.tolist()) | set(validation.keys.tolist()))
        return fit(training, validation, *rest)

    monkeypatch.setattr(trees, "_train", record)
    cwola, regions, _ = train(replace(settings, cwola=CwolaSettings(inputs=inputs, combination="maximum")), events)
    model = cwola.raw(events, "data").model
    keys, used = identifier.keys(events), regions.signal | regions.sideband
    parts, folds = settings.classifier.trees.validation_parts, settings.classifier.folds
    assert len(seen) == folds * parts * len(cwola.models)
    for number, trained_on in enumerate(seen):
        fold = number // parts % folds
        assert not set(keys[model == fold].tolist()) & trained_on
        # And it was trained on all others of the window: the test above can fail.
        assert set(keys[(model != fold) & used].tolist()) == trained_on


def mixture(n, n_signal, seed, jets):
    """Events with one mass for each jet; a resonance at 3.5 TeV with a 500 GeV jet in ``jets`` and nothing else."""
    rng = np.random.default_rng(seed)
    is_signal = np.arange(n + n_signal) >= n
    total = n + n_signal
    columns = {"run": np.full(total, seed), "luminosityBlock": is_signal.astype(int), "event": np.arange(total)}
    m_jj = np.where(is_signal, rng.normal(3500, 80, total), 2900 + rng.exponential(600, total))
    columns["m_jj"] = m_jj.astype(np.float32)
    for jet in ("j1", "j2"):
        mass = 20 + rng.exponential(120, total)
        peak = np.where(is_signal & (jet in jets), rng.normal(500, 20, total), mass)
        tau21 = np.where(is_signal & (jet in jets), rng.uniform(0.1, 0.4, total), rng.uniform(0.2, 0.95, total))
        columns |= {f"{jet}_softdrop_mass": peak.astype(np.float32), f"{jet}_tau1": np.ones(total, np.float32)}
        columns |= {f"{jet}_tau2": tau21.astype(np.float32), f"{jet}_pt": (m_jj / 2).astype(np.float32)}
    return ak.Array(columns)


@pytest.fixture
def per_jet(settings):
    small = replace(settings.classifier.trees, max_iterations=40, min_leaf_events=30)
    classifier = replace(settings.classifier, folds=3, trees=small)
    return replace(
        settings,
        classifier=classifier,
        cwola=CwolaSettings(inputs="jets", combination="maximum"),
        background_efficiency=0.02,
        pt_bins=5,
    )


@pytest.mark.parametrize("rule", ["maximum", "product", "sum"])
def test_a_signal_in_one_jet_only_is_found(per_jet, rule):
    settings = replace(per_jet, cwola=CwolaSettings(inputs="jets", combination=rule))
    events = mixture(10_000, 400, 1, ["j2"])
    training = training_of(settings, events)
    method = methods.make("cwola", settings, "w3500")
    selector = Selector.train("cwola", method, training)
    assert list(selector.training) == ["auc_j1", "auc_error_j1", "auc_j2", "auc_error_j2"]
    areas = {j: (selector.training[f"auc_{j}"] - 0.5) / selector.training[f"auc_error_{j}"] for j in ("j1", "j2")}
    assert areas["j2"] > 5 > 4 > abs(areas["j1"])
    selected = selector.selected(selector.score(events, "data", is_data=True))
    is_signal, region = ak.to_numpy(events.luminosityBlock) == 1, training.regions
    assert selected[region.sideband & ~is_signal].mean() == pytest.approx(0.02, abs=0.01)
    background = selected[region.signal & ~is_signal]
    assert background.mean() == pytest.approx(0.02, abs=4 * np.sqrt(0.02 / len(background)))
    # One jet is at random, so that a product or a sum keeps fewer of them than the maximum.
    assert selected[is_signal].mean() > {"maximum": 0.4, "product": 0.1, "sum": 0.05}[rule]


def test_each_jet_has_its_own_model_and_column(per_jet):
    events = mixture(6000, 200, 2, ["j1"])
    cwola, _, _ = train(per_jet, events)
    raw = cwola.raw(events, "data")
    assert raw.value.shape == (len(events), 2)
    assert raw.combination == "maximum"
    other = ak.with_field(events, ak.to_numpy(events.j2_softdrop_mass)[::-1].copy(), "j2_softdrop_mass")
    changed = cwola.raw(other, "data").value
    assert np.array_equal(changed[:, 0], raw.value[:, 0])
    assert not np.array_equal(changed[:, 1], raw.value[:, 1])
    # The first model learned the resonance, and the second one has nothing to learn.
    assert raw.value[-200:, 0].mean() > raw.value[:, 0].mean() + 0.1
    assert abs(raw.value[-200:, 1].mean() - raw.value[:, 1].mean()) < 0.02


def test_the_event_s_auc_has_no_suffix(settings, events):
    _, _, numbers = train(settings, events)
    assert list(numbers) == ["auc", "auc_error"]


def test_cwola_uses_the_features_that_the_inputs_name(settings, events, given):
    names = ["tau21_j2", "m_j2"]
    settings = replace(settings, features=names)
    train(settings, events)
    (expected,) = Inputs.of(settings, "event").compute(events, "data")
    assert expected.shape == (len(events), 2)
    regions = training_of(settings, events).regions
    assert np.array_equal(given[0][0].features, expected[regions.signal])
    assert np.array_equal(given[0][1].features, expected[regions.sideband])
