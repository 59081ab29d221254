from dataclasses import replace

import awkward as ak
import numpy as np
import pytest
import torch

from resonaut.core import identifier
from resonaut.core.errors import EmptySelectionError
from resonaut.learn import ratio
from resonaut.learn.autoencoder import Settings
from resonaut.learn.autoencoder.plain import Autoencoder
from resonaut.learn.autoencoder.variational import Variational
from resonaut.learn.ratio import trees
from resonaut.select import kinematics
from resonaut.select import method as methods
from resonaut.select.methods.tnt import TntSettings
from resonaut.select.regions import Regions
from resonaut.select.selector import Selector
from resonaut.select.training_data import TrainingData

SMALL = Settings(latent=1, hidden=[16, 16], resolution=0.3, epochs=10, batch_size=128, learning_rate=0.01)


def training_of(settings, events) -> TrainingData:
    window = settings.windows["w3500"]
    return TrainingData(events, Regions.of(ak.to_numpy(events.m_jj), window), window, "data", [], [], None)


def mixture(n, n_signal, seed, jets=("j1", "j2")):
    """Events with a mass and tau21 of each jet; a resonance at 3.5 TeV with two jets of 500 GeV in ``jets``."""
    rng = np.random.default_rng(seed)
    is_signal = np.arange(n + n_signal) >= n
    total = n + n_signal
    columns = {"run": np.full(total, seed), "luminosityBlock": is_signal.astype(int), "event": np.arange(total)}
    m_jj = np.where(is_signal, rng.normal(3500, 80, total), 2900 + rng.exponential(600, total))
    columns["m_jj"] = m_jj.astype(np.float32)
    for jet in ("j1", "j2"):
        peak = is_signal & (jet in jets)
        mass = np.where(peak, rng.normal(500, 20, total), 20 + rng.exponential(120, total))
        tau21 = np.where(peak, rng.uniform(0.1, 0.4, total), rng.uniform(0.2, 0.95, total))
        columns |= {f"{jet}_softdrop_mass": mass.astype(np.float32), f"{jet}_tau1": np.ones(total, np.float32)}
        columns |= {f"{jet}_tau2": tau21.astype(np.float32), f"{jet}_pt": (m_jj / 2).astype(np.float32)}
    return ak.Array(columns)


@pytest.fixture
def tnt_settings(settings):
    small = replace(settings.classifier.trees, max_iterations=30, min_leaf_events=20, learning_rate=0.1)
    return replace(
        settings,
        classifier=replace(settings.classifier, trees=small),
        autoencoder=SMALL,
        tnt=TntSettings(signal_like=0.2, background_like=0.4, combination="product"),
        background_efficiency=0.02,
        pt_bins=5,
    )


@pytest.fixture(params=[Autoencoder, Variational])
def autoencoder(request):
    """``fit(features, keys, seed)`` and what gives its score."""
    kind = request.param

    def fit(features, keys, seed=1):
        model = kind.fit(features, keys, replace(SMALL, epochs=40), seed)
        return model.error if kind is Autoencoder else model.loss

    return fit


def circle(n, seed):
    """Points of a half circle in the plane, of radius 2, and keys."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, np.pi, n)
    points = 2 * np.column_stack([np.cos(angle), np.sin(angle)]) + 0.05 * rng.standard_normal((n, 2))
    return points.astype(np.float32), rng.integers(0, 2**63, n).astype(np.uint64)


def test_an_autoencoder_knows_a_curve_and_flags_what_lies_beside_it(autoencoder):
    score = autoencoder(*circle(2000, 1))
    on, _ = circle(500, 2)
    beside = on * np.float32(0.4)
    far = np.array([[20, 20], [-30, 5], [0, 50]], np.float32)
    assert np.mean(score(beside) > np.quantile(score(on), 0.95)) > 0.9
    assert score(far).min() > score(beside).max()


def test_an_autoencoder_depends_on_events_and_seed_alone(autoencoder):
    points, keys = circle(300, 1)
    order = np.random.default_rng(0).permutation(300)
    before = torch.random.get_rng_state()
    first = autoencoder(points, keys)(points)
    torch.rand(3)
    assert np.array_equal(autoencoder(points[order], keys[order])(points), first)
    torch.random.set_rng_state(before)
    autoencoder(points, keys)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert not np.array_equal(autoencoder(points, keys, seed=2)(points), first)


def test_an_event_has_the_same_score_in_any_company(autoencoder):
    points, keys = circle(300, 1)
    score = autoencoder(points, keys)
    assert np.array_equal(score(points)[:7], score(points[:7]))
    assert score(points[:0]).shape == (0,)


def test_too_few_events_for_an_autoencoder(autoencoder):
    with pytest.raises(EmptySelectionError, match="10 events are too few"):
        autoencoder(*circle(10, 1))


def test_tnt_finds_a_signal_with_two_anomalous_jets(tnt_settings):
    events = mixture(9_000, 400, 1)
    selector = Selector.train("tnt", methods.make("tnt", tnt_settings, "w3500"), training_of(tnt_settings, events))
    assert list(selector.training) == ["auc_j1", "auc_error_j1", "auc_j2", "auc_error_j2"]
    for jet in ("j1", "j2"):
        assert (selector.training[f"auc_{jet}"] - 0.5) / selector.training[f"auc_error_{jet}"] > 3
    selected = selector.selected(selector.score(events, "data", is_data=True))
    is_signal = ak.to_numpy(events.luminosityBlock) == 1
    background = selected[Regions.of(ak.to_numpy(events.m_jj), selector.window).signal & ~is_signal]
    assert background.mean() == pytest.approx(0.02, abs=4 * np.sqrt(0.02 / len(background)))
    assert selected[is_signal].mean() > 0.5


def test_tnt_finds_nothing_where_there_is_nothing(tnt_settings):
    tnt = methods.make("tnt", tnt_settings, "w3500")
    numbers = tnt.fit(training_of(tnt_settings, mixture(9_000, 0, 1)))
    for jet in ("j1", "j2"):
        assert abs(numbers[f"auc_{jet}"] - 0.5) < 4 * numbers[f"auc_error_{jet}"]


def test_the_two_samples_of_tnt(tnt_settings, monkeypatch):
    """Signal-like only from the signal region, where the other jet is unlike most, with its pT spectrum."""
    given = []
    fit = ratio.CrossFit.fit_pairs
    monkeypatch.setattr(ratio.CrossFit, "fit_pairs", lambda *args: given.append(args[0]) or fit(*args))
    events = mixture(5_000, 0, 1)
    training = training_of(tnt_settings, events)
    tnt = methods.make("tnt", tnt_settings, "w3500")
    tnt.fit(training)
    (pairs,) = given
    keys = identifier.keys(events)
    code = dict(zip(keys.tolist(), training.regions.code.tolist(), strict=True))
    pt = dict(zip(keys.tolist(), ak.to_numpy(events.j1_pt).tolist(), strict=True))
    for first, second in pairs:
        inside = training.regions.signal.sum() * 2 / 2  # Two jets of half of the events: one of two folds.
        assert {code[key] for key in first.keys.tolist()} == {1}
        assert len(first.keys) == pytest.approx(0.2 * inside, rel=0.2)
        regions = np.array([code[key] for key in second.keys.tolist()])
        assert set(regions.tolist()) == {0, 1, 2}
        assert np.sum(regions == 1) == pytest.approx(0.4 * inside, rel=0.2)
        momenta = [np.array([pt[key] for key in sample.keys.tolist()]) for sample in (first, second)]
        edges = np.quantile(np.concatenate(momenta), np.linspace(0, 1, 6)[1:-1])
        wanted, plain, weighted = (
            np.bincount(np.digitize(pt_jet, edges), weights, 5) / weights.sum()
            for pt_jet, weights in zip(
                momenta + momenta[1:], (*map(np.ones_like, momenta), second.weights), strict=True
            )
        )
        assert weighted == pytest.approx(wanted, abs=0.03)
        assert np.abs(plain - wanted).max() > 0.1


def test_the_dijet_mass_and_transverse_momenta_are_no_inputs_of_tnt(tnt_settings):
    events = mixture(3_000, 0, 1)
    tnt = methods.make("tnt", tnt_settings, "w3500")
    tnt.fit(training_of(tnt_settings, events))
    assert "m_jj" not in tnt.columns
    moved = events
    for name in ("m_jj", *kinematics.PT):
        moved = ak.with_field(moved, ak.to_numpy(events[name])[::-1].copy(), name)
    assert np.array_equal(tnt.raw(events, "data").value, tnt.raw(moved, "data").value)


def test_no_event_is_scored_by_a_tag_or_a_classifier_that_saw_it(tnt_settings, monkeypatch):
    seen, tagged = [], []
    fit_trees, fit_tag = trees._train, Variational.fit

    def record(training, validation, *rest):
        seen.append(set(training.keys.tolist()) | set(validation.keys.tolist()))
        return fit_trees(training, validation, *rest)

    def record_tag(features, keys, *rest):
        tagged.append(set(keys.tolist()))
        return fit_tag(features, keys, *rest)

    monkeypatch.setattr(trees, "_train", record)
    monkeypatch.setattr(Variational, "fit", record_tag)
    events = mixture(3_000, 0, 1)
    training = training_of(tnt_settings, events)
    tnt = methods.make("tnt", tnt_settings, "w3500")
    tnt.fit(training)
    model, keys = tnt.raw(events, "data").model, identifier.keys(events)
    used = training.regions.signal | training.regions.sideband
    parts, folds = tnt_settings.classifier.trees.validation_parts, tnt_settings.classifier.folds
    assert (len(seen), len(tagged)) == (parts * folds, folds)
    for number, trained_on in enumerate(seen):
        assert trained_on
        assert not set(keys[model == number // parts].tolist()) & trained_on
    for fold, trained_on in enumerate(tagged):
        assert trained_on == set(keys[(model != fold) & used].tolist())


def test_tnt_is_reproducible_and_indifferent_to_the_order_of_events(tnt_settings):
    events = mixture(3_000, 50, 1)
    order = np.random.default_rng(0).permutation(len(events))
    values = []
    for sample in (events, events, events[order]):
        tnt = methods.make("tnt", tnt_settings, "w3500")
        tnt.fit(training_of(tnt_settings, sample))
        values.append(tnt.raw(events, "data").value)
    assert np.array_equal(values[0], values[1])
    assert values[2] == pytest.approx(values[0], abs=1e-6)
