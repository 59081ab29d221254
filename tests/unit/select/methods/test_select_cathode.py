"""The methods with a template of the background: cathode, anode, r_anode, lacathode."""

from collections.abc import Callable
from dataclasses import replace

import awkward as ak
import numpy as np
import pytest
from scipy import stats

from resonaut.core import identifier
from resonaut.learn import density, ratio
from resonaut.select import template
from resonaut.select.methods.anode.method import Anode
from resonaut.select.methods.cathode.method import Cathode
from resonaut.select.methods.lacathode.method import Lacathode
from resonaut.select.methods.r_anode.method import RAnode, falling
from resonaut.select.regions import SIGNAL, Regions
from resonaut.select.settings import Settings, Window
from resonaut.select.training_data import TrainingData

WINDOW = Window(signal_region=(3250, 3750), sidebands=((2900, 3250), (3750, 4250)))
METHODS = [Cathode, Anode, RAnode, Lacathode]
FLOW = density.Settings(
    transforms=1, hidden=[32], bins=8, steps=200, batch_size=256, learning_rate=0.01, validation_fraction=0.2
)


def training_of(events: ak.Array) -> TrainingData:
    return TrainingData(events, Regions.of(ak.to_numpy(events.m_jj), WINDOW), WINDOW, "data", [], [], None)


def changed(events: ak.Array, **columns: np.ndarray | ak.Array) -> ak.Array:
    for name, values in columns.items():
        events = ak.with_field(events, ak.to_numpy(values).astype(np.float32), name)
    return events


def quick(settings: Settings) -> Settings:
    trees = replace(settings.classifier.trees, max_iterations=5, min_leaf_events=20)
    classifier = replace(settings.classifier, trees=trees)
    features = ["m_j1", "tau21_j1"]
    settings = replace(settings, r_anode=replace(settings.r_anode, members=2))
    return replace(settings, features=features, classifier=classifier, density=replace(FLOW, hidden=[8], steps=10))


@pytest.fixture
def events(toys) -> ak.Array:
    return toys(2500, 1)


@pytest.fixture
def pairs(monkeypatch) -> list[tuple[ratio.Sample, ratio.Sample]]:
    """The samples that the classifiers of each fold learned from."""
    found = []
    fit = ratio.CrossFit.fit_pairs
    monkeypatch.setattr(ratio.CrossFit, "fit_pairs", lambda *args: found.extend(args[0]) or fit(*args))
    return found


@pytest.mark.parametrize("method", METHODS)
def test_no_model_of_a_fold_knows_an_event_of_the_fold(settings, events, toys, method):
    settings = quick(settings)
    fold = identifier.folds(identifier.keys(events), 2, settings.classifier.seed)
    # Other features and other masses, but in the same region; the first event inside leaves for the sideband.
    noise = np.random.default_rng(1).uniform(0.5, 2, len(events))
    code = Regions.of(ak.to_numpy(events.m_jj), WINDOW).code
    moved = np.where(code == SIGNAL, 3500.0, ak.to_numpy(events.m_jj))
    moved[np.flatnonzero((code == SIGNAL) & (fold == 0))[0]] = 3000.0
    mass = ak.to_numpy(events.j1_softdrop_mass)
    other = changed(
        events, j1_softdrop_mass=np.where(fold == 0, noise * mass, mass), m_jj=np.where(fold == 0, moved, events.m_jj)
    )
    unseen = toys(1000, 9)
    trained = [method(settings), method(settings)]
    for model, sample in zip(trained, (events, other), strict=True):
        model.fit(training_of(sample))
    first, second = (model.raw(unseen, "toys") for model in trained)
    assert set(first.model) == {0, 1}
    assert np.array_equal(first.value[first.model == 0], second.value[first.model == 0])
    assert not np.array_equal(first.value[first.model == 1], second.value[first.model == 1])


@pytest.mark.parametrize("method", METHODS)
def test_the_order_and_the_batches_of_events_change_nothing(settings, events, toys, method):
    settings = quick(settings)
    order = np.random.default_rng(2).permutation(len(events))
    trained = [method(settings), method(settings)]
    numbers = [m.fit(training_of(sample)) for m, sample in zip(trained, (events, events[order]), strict=True)]
    unseen = toys(1000, 9)
    whole = trained[0].raw(unseen, "toys").value
    assert numbers[0] == pytest.approx(numbers[1])
    assert np.array_equal(trained[1].raw(unseen, "toys").value, whole)
    batches = [trained[0].raw(unseen[rows], "toys").value for rows in (slice(1), slice(1, 700), slice(700, None))]
    assert np.array_equal(np.concatenate(batches), whole)


@pytest.mark.parametrize("method", [Cathode, Anode, RAnode])
def test_the_score_does_not_know_m_jj(settings, events, toys, method):
    model = method(quick(settings))
    model.fit(training_of(events))
    unseen = toys(500, 9)
    other = changed(unseen, m_jj=ak.to_numpy(unseen.m_jj)[::-1])
    assert np.array_equal(model.raw(unseen, "toys").value, model.raw(other, "toys").value)


def test_events_beyond_the_data_count_as_at_their_edge(settings, events, toys):
    model = Lacathode(quick(settings))
    model.fit(training_of(events))
    unseen = toys(200, 9)
    for inside, outside in ((ak.min(events.m_jj), 100.0), (ak.max(events.m_jj), 20_000.0)):
        first, second = (changed(unseen, m_jj=np.full(200, m)) for m in (inside, outside))
        assert np.array_equal(model.raw(first, "toys").value, model.raw(second, "toys").value)


@pytest.mark.parametrize(("method", "oversampling"), [(Cathode, 4), (Lacathode, 2.5)])
def test_each_fold_compares_its_data_with_so_many_samples(settings, events, pairs, method, oversampling):
    settings = replace(quick(settings), cathode=replace(settings.cathode, oversampling=oversampling))
    method(settings).fit(training_of(events))
    inside = events[Regions.of(ak.to_numpy(events.m_jj), WINDOW).signal]
    keys = identifier.keys(inside)
    for number, (data, samples) in enumerate(pairs):
        seen = identifier.folds(keys, 2, settings.classifier.seed) != number
        assert set(data.keys) == set(keys[seen])
        assert len(samples.keys) == round(oversampling * np.sum(seen))
        assert len(set(samples.keys)) == len(samples.keys)


def shifted(toys: Callable[..., ak.Array], background: int, signal: int) -> ak.Array:
    """Background whose masses grow with m_jj, and a resonance."""
    sample = ak.concatenate([toys(background, 1), toys(signal, 2, signal=True)])
    return changed(sample, j1_softdrop_mass=sample.j1_softdrop_mass + 0.3 * (sample.m_jj - 2000))


def test_the_template_is_the_background_of_the_signal_region(settings, toys, pairs):
    settings = replace(settings, density=FLOW, features=["m_j1", "tau21_j1"])
    sample = shifted(toys, 20_000, 0)
    numbers = Cathode(settings).fit(training_of(sample))
    assert 0.45 < numbers["auc"] < 0.55
    for data, samples in pairs:
        # In the sidebands the masses are 150 GeV higher or lower.
        assert samples.features.mean(axis=0) == pytest.approx(data.features.mean(axis=0), rel=0.05)
        assert samples.features.std(axis=0) == pytest.approx(data.features.std(axis=0), rel=0.1)


@pytest.mark.parametrize("method", [Cathode, Lacathode])
def test_a_signal_is_found_among_features_that_depend_on_m_jj(settings, toys, method):
    trees = replace(settings.classifier.trees, max_iterations=60, learning_rate=0.1)
    settings = replace(settings, density=FLOW, classifier=replace(settings.classifier, trees=trees))
    settings = replace(settings, features=["m_j1", "tau21_j1"])
    sample = shifted(toys, 8000, 200)
    training = training_of(sample)
    model = method(settings)
    numbers = model.fit(training)
    value = model.raw(sample, "toys").value[:, 0]
    is_signal = (np.arange(len(sample)) >= 8000) & training.regions.signal
    background = (np.arange(len(sample)) < 8000) & training.regions.signal
    efficiency = np.mean(value[is_signal] > np.quantile(value[background], 0.95))
    assert efficiency > 0.6
    assert numbers["auc"] > 0.52


def test_anode_is_the_ratio_of_the_densities(settings, toys):
    """A tenth of the signal region's events are signal: p(x | data) / p(x | background) is known."""
    rng = np.random.default_rng(3)
    sample = toys(20_000, 1)
    m_jj = rng.uniform(2900, 4250, len(sample))
    is_signal = (m_jj >= 3250) & (m_jj < 3750) & (rng.uniform(size=len(sample)) < 0.1)
    mass = np.where(is_signal, rng.normal(500, 40, len(sample)), rng.normal(300, 100, len(sample)))
    method = Anode(replace(settings, density=replace(FLOW, steps=400), features=["m_j1"]))
    losses = method.fit(training_of(changed(sample, m_jj=m_jj, j1_softdrop_mass=mass)))
    points = np.arange(150.0, 550.0, 50)
    truth = np.log(0.9 + 0.1 * stats.norm.pdf(points, 500, 40) / stats.norm.pdf(points, 300, 100))
    asked = changed(toys(len(points), 9), m_jj=np.full(len(points), 3500.0), j1_softdrop_mass=points)
    assert truth.max() > 1
    assert method.raw(asked, "toys").value[:, 0] == pytest.approx(truth, abs=0.25)
    assert set(losses) == {"density_loss_signal_region", "density_loss_beside"}


def test_r_anode_finds_a_signal_among_features_that_depend_on_m_jj(settings, toys):
    settings = replace(settings, density=FLOW, features=["m_j1", "tau21_j1"])
    settings = replace(settings, r_anode=replace(settings.r_anode, members=1))
    sample = shifted(toys, 8000, 200)
    training, model = training_of(sample), RAnode(settings)
    numbers = model.fit(training)
    assert set(numbers) == {"signal_share", "residual_loss", "density_loss_beside"}
    is_signal = np.arange(len(sample)) >= 8000
    share = np.mean(is_signal[training.regions.signal])
    assert numbers["signal_share"] > 0.6 * share
    value, inside = model.raw(sample, "toys").value[:, 0], training.regions.signal
    cut = np.quantile(value[inside & ~is_signal], 0.95)
    assert np.mean(value[inside & is_signal] > cut) > 0.6


@pytest.mark.parametrize("scale", [300.0, -400.0])
def test_the_spectrum_of_the_background_is_an_exponential_through_both_sidebands(scale):
    (low, _), (_, high) = WINDOW.sidebands
    places = np.random.default_rng(5).uniform(size=200_000)
    masses = low - scale * np.log1p(-places * -np.expm1(-(high - low) / scale))
    first, last = WINDOW.signal_region
    log_density = falling(masses[(masses < first) | (masses >= last)], WINDOW)
    points = np.linspace(first, last, 101)
    assert np.trapezoid(np.exp(log_density(points)), points) == pytest.approx(1, abs=1e-3)
    assert np.diff(log_density(points)) == pytest.approx(-5 / scale, rel=0.03)


def test_masses_to_sample_at_are_those_of_the_signal_region():
    # A steep spectrum: at the edges a kernel without reflection loses half of the density.
    observed = 3250 + np.random.default_rng(4).exponential(150, 20_000)
    observed = observed[observed < 3750]
    drawn = template.masses(observed, 100_000, WINDOW, 5)
    assert drawn.min() >= 3250
    assert drawn.max() < 3750
    edges = np.linspace(3250, 3750, 11)
    shares = [np.histogram(m, edges)[0] / len(m) for m in (observed, drawn)]
    assert shares[1] == pytest.approx(shares[0], rel=0.1)
    assert np.array_equal(template.masses(observed[::-1], 100, WINDOW, 5), template.masses(observed, 100, WINDOW, 5))


def test_cathode_b_sees_further_features(settings):
    settings = replace(settings, cathode=replace(settings.cathode, b_features=["n_constituents_j1"]))
    cathode, with_b = Cathode(settings), Cathode(settings, tuple(settings.cathode.b_features))
    assert set(with_b.columns) - set(cathode.columns) == {"j1_n_constituents"}
