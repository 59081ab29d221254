from dataclasses import replace
from statistics import NormalDist

import awkward as ak
import numpy as np
import pytest

from resonaut.core import identifier
from resonaut.core.errors import ConfigError, EmptySelectionError
from resonaut.core.events import Dataset
from resonaut.learn.ratio import trees
from resonaut.select import method as methods
from resonaut.select.regions import Regions
from resonaut.select.training_data import TrainingData

APART = 50.0  # GeV, between signal and background, of masses which both have a spread of 50 GeV.


def gaussian(n: int, seed: int, mean: float, m_jj=(3250, 3750)) -> ak.Array:
    """Two masses with a spread of 50 GeV each; m_jj anywhere in its range."""
    rng = np.random.default_rng(seed)
    columns = {"run": np.full(n, seed), "luminosityBlock": np.zeros(n, int), "event": np.arange(n)}
    columns |= {"gen_weight": np.ones(n), "m_jj": rng.uniform(*m_jj, n).astype(np.float32)}
    return ak.Array(columns | {f"{j}_softdrop_mass": rng.normal(mean, 50, n).astype(np.float32) for j in ("j1", "j2")})


@pytest.fixture
def masses(settings):
    small = replace(settings.classifier.trees, max_iterations=60)
    return replace(settings, features=["m_j1", "m_j2"], classifier=replace(settings.classifier, folds=3, trees=small))


@pytest.fixture
def make(write_dataset):
    def write(name, role, *chunks, **manifest) -> Dataset:
        return Dataset.open(write_dataset(name, role, list(chunks), **manifest))

    return write


def fit(name, settings, data, backgrounds=(), signals=(), injected=None):
    window = settings.windows["w3500"]
    method = methods.make(name, settings, "w3500")
    regions = Regions.of(ak.to_numpy(data.m_jj), window)
    return method, method.fit(TrainingData(data, regions, window, "data", [*backgrounds], [*signals], injected))


def test_the_supervised_classifier_has_the_area_of_the_likelihood_ratio(masses, make):
    background = make("qcd", "background", gaussian(8000, 1, 200))
    signal = make("signal", "signal", gaussian(4000, 2, 200 + APART))
    _, numbers = fit("supervised", masses, gaussian(10, 3, 200), [background], [signal])
    # Of two Gaussians sqrt(2) spreads apart: Phi(sqrt(2) / sqrt(2)).
    best = NormalDist().cdf(np.hypot(APART, APART) / 50 / np.sqrt(2))
    assert numbers["auc"] == pytest.approx(best, abs=0.02)
    assert numbers["auc"] < best + 4 * numbers["auc_error"]


def test_the_ideal_classifier_finds_nothing_without_a_signal(masses, make):
    background = make("qcd", "background", gaussian(8000, 1, 200))
    _, numbers = fit("ideal", masses, gaussian(5000, 2, 200), [background])
    assert abs(numbers["auc"] - 0.5) < 4 * numbers["auc_error"]


def test_the_ideal_classifier_ranks_a_signal_like_the_supervised_one(masses, make):
    background = make("qcd", "background", gaussian(8000, 1, 200))
    signal = make("signal", "signal", gaussian(4000, 2, 200 + 3 * APART))
    data = ak.concatenate([gaussian(5000, 3, 200), gaussian(250, 4, 200 + 3 * APART)])
    new = ak.concatenate([gaussian(2000, 5, 200), gaussian(2000, 6, 200 + 3 * APART)])
    found = {}
    for name in ("ideal", "supervised"):
        method, numbers = fit(name, masses, data, [background], [signal])
        value = method.raw(new, "new").value[:, 0]
        cut = np.quantile(value[:2000], 0.95)
        found[name] = np.mean(value[2000:] > cut)
        assert numbers["auc"] > 0.5 + 3 * numbers["auc_error"]
    assert 0.8 < found["ideal"] < found["supervised"] + 0.02


def test_the_ideal_classifier_learns_from_the_signal_region_only(masses, make):
    inside, outside = gaussian(600, 1, 200), gaussian(600, 2, 900, m_jj=(3750, 5000))
    background = make("qcd", "background", inside, outside)
    signal = make("signal", "signal", gaussian(600, 3, 250), gaussian(600, 4, 900, m_jj=(2000, 3250)))
    data = ak.concatenate([gaussian(900, 5, 200), gaussian(900, 6, 900, m_jj=(3000, 3250))])
    method = methods.make("ideal", masses, "w3500")
    sample = method.simulated([background], masses.windows["w3500"], "background")
    assert set(sample.keys.tolist()) == set(identifier.keys(inside).tolist())
    # The jets of 900 GeV are no different from those of 500 GeV, which it did not learn from.
    method, _ = fit("ideal", masses, data, [background], [signal])
    assert method.raw(gaussian(500, 7, 900), "").value.max() == method.raw(gaussian(500, 8, 1500), "").value.max()


def test_the_supervised_classifier_learns_from_all_masses(masses, make, seen):
    samples = [gaussian(300, seed, 200, m_jj) for seed, m_jj in ((1, (3250, 3750)), (2, (3750, 5000)))]
    signals = [gaussian(300, seed, 300, m_jj) for seed, m_jj in ((3, (3250, 3750)), (4, (2000, 3250)))]
    fit(
        "supervised",
        masses,
        gaussian(10, 5, 200),
        [make("qcd", "background", *samples)],
        [make("signal", "signal", *signals)],
    )
    assert set.union(*seen) == set(np.concatenate([identifier.keys(one) for one in samples + signals]).tolist())


def test_datasets_and_their_events_count_with_their_weights(masses, make):
    weighted = ak.with_field(gaussian(300, 1, 200), np.where(np.arange(300) < 100, 3.0, 1.0), "gen_weight")
    datasets = [make("a", "background", weighted), make("b", "background", gaussian(50, 2, 200), weight_scale=1e-3)]
    sample = methods.make("ideal", masses, "w3500").simulated(datasets, masses.windows["w3500"], "background")
    assert sample.weights[300:] == pytest.approx(1e-3)
    assert sample.weights[:100] == pytest.approx(3 * sample.weights[100:101].repeat(100))


@pytest.fixture
def seen(monkeypatch):
    found = []
    train = trees._train

    def record(training, validation, *rest):
        found.append(set(training.keys.tolist()) | set(validation.keys.tolist()))
        return train(training, validation, *rest)

    monkeypatch.setattr(trees, "_train", record)
    return found


@pytest.mark.parametrize("name", ["ideal", "supervised"])
def test_no_event_is_scored_by_a_model_that_saw_it(masses, make, seen, name):
    samples = {"data": gaussian(400, 1, 200), "qcd": gaussian(400, 2, 200), "signal": gaussian(400, 3, 300)}
    background, signal = make("qcd", "background", samples["qcd"]), make("signal", "signal", samples["signal"])
    method, _ = fit(name, masses, samples["data"], [background], [signal])
    learned = ("data" if name == "ideal" else "signal", "qcd")
    folds, parts = masses.classifier.folds, masses.classifier.trees.validation_parts
    assert len(seen) == folds * parts
    for events in samples.values():
        keys, model = identifier.keys(events), method.raw(events, "").model
        for number, trained_on in enumerate(seen):
            assert not set(keys[model == number // parts].tolist()) & trained_on
    for number, trained_on in enumerate(seen):
        keys = np.concatenate([identifier.keys(samples[one]) for one in learned])
        assert trained_on == set(
            keys[identifier.folds(keys, folds, masses.classifier.seed) != number // parts].tolist()
        )


def test_of_several_signals_the_injected_one_is_learned(masses, make, seen):
    background = make("qcd", "background", gaussian(300, 1, 200))
    events = {name: gaussian(300, seed, 300) for name, seed in (("first", 2), ("second", 3))}
    signals = [make(name, "signal", one) for name, one in events.items()]
    keys = {name: set(identifier.keys(one).tolist()) for name, one in events.items()}
    fit("supervised", masses, gaussian(10, 4, 200), [background], signals, injected="second")
    assert not keys["first"] & set.union(*seen)
    assert keys["second"] == keys["second"] & set.union(*seen)
    seen.clear()
    fit("supervised", masses, gaussian(10, 4, 200), [background], signals)
    assert keys["first"] | keys["second"] <= set.union(*seen)


def test_what_a_bound_cannot_do_without_is_named(masses, make):
    data = gaussian(300, 1, 200)
    for name in ("ideal", "supervised"):
        signals = [make("signal", "signal", gaussian(300, 2, 300))]
        with pytest.raises(ConfigError, match=r"the search has no simulated background, which this"):
            fit(name, masses, data, [], signals)
    background = make("qcd", "background", gaussian(300, 3, 200))
    with pytest.raises(ConfigError, match=r"the search has no simulated signal, which this method"):
        fit("supervised", masses, data, [background], [])
    elsewhere = make("far", "background", gaussian(300, 4, 300, m_jj=(6000, 7000)))
    with pytest.raises(EmptySelectionError, match=r"has only \d+ against 0 events"):
        fit("ideal", masses, data, [elsewhere])
