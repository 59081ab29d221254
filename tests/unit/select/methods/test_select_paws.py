"""PAWS: networks that know a class of signals, and what the data say of it."""

from dataclasses import replace

import awkward as ak
import numpy as np
import pytest
from scipy import stats

from resonaut.core import identifier
from resonaut.core.errors import ConfigError
from resonaut.core.events import Dataset
from resonaut.select.methods.paws.method import Paws, learned
from resonaut.select.regions import Regions
from resonaut.select.settings import Window
from resonaut.select.training_data import TrainingData

WINDOW = Window(signal_region=(3250, 3750), sidebands=((2900, 3250), (3750, 4250)))
GRID = np.array([[x, y] for x in (-2.0, 0.0, 2.0) for y in (-2.0, 0.0, 2.0)])
PLACE, SHARE = np.array([1.3, -0.8]), 0.02


class Exact:
    """The classifier between N(parameters, width) and N(0, 1) in the plane, of features and parameters."""

    def __init__(self, width: float = 0.4) -> None:
        self.width = width

    def probability(self, features: np.ndarray) -> np.ndarray:
        x, parameters = features[:, :2].astype(float), features[:, 2:]
        logits = (stats.norm.logpdf(x, parameters, self.width) - stats.norm.logpdf(x)).sum(axis=1)
        return 1 / (1 + np.exp(-logits))


def plane(n: int, signal: int, seed: int, place: np.ndarray = PLACE, width: float = 0.4) -> np.ndarray:
    """Background and signal, shape (n, 2)."""
    rng = np.random.default_rng(seed)
    parts = rng.normal(size=(n - signal, 2)), place + width * rng.normal(size=(signal, 2))
    return np.concatenate(parts).astype(np.float32)


def test_share_and_parameters_between_the_points_of_the_grid_are_the_true_ones():
    data, reference = plane(10_000, 200, 1), plane(20_000, 0, 2)
    found = learned(Exact(), data, reference, np.full(20_000, 1 / 20_000), GRID)
    assert found.share == pytest.approx(SHARE, rel=0.35)
    assert found.parameters == pytest.approx(PLACE, abs=0.15)
    assert found.loss < -1e-4


def test_a_signal_far_from_all_that_are_simulated_is_found():
    """At none of the simulated ones the ratio of this one's events is above 1."""
    place = np.array([1.0, 1.0])
    data, reference = plane(10_000, 200, 1, place, 0.2), plane(20_000, 0, 2)
    found = learned(Exact(0.2), data, reference, np.full(20_000, 1 / 20_000), GRID)
    assert found.parameters == pytest.approx(place, abs=0.1)
    assert found.share == pytest.approx(SHARE, rel=0.35)


def test_without_a_signal_no_loss_is_won():
    data, reference = plane(10_000, 0, 1), plane(20_000, 0, 2)
    found = learned(Exact(), data, reference, np.full(20_000, 1 / 20_000), GRID)
    assert found.share < 0.01
    assert found.loss > -2e-4


def heavy(events: ak.Array, mass: float, seed: int) -> ak.Array:
    """Signal events whose heavier jet has another mass."""
    drawn = np.random.default_rng(seed).normal(mass, 50, len(events)).astype(np.float32)
    return ak.with_field(events, drawn, "j1_softdrop_mass")


@pytest.fixture
def simulated(toys, write_dataset):
    """Background, and signals of four masses."""
    signals = {mass: heavy(toys(1500, mass, signal=True), mass, mass) for mass in (300, 400, 500, 600)}
    paths = {f"s{mass}": write_dataset(f"s{mass}", "signal", [events]) for mass, events in signals.items()}
    background = write_dataset("qcd", "background", [toys(12_000, 3)])
    return Dataset.open(background), {name: Dataset.open(path) for name, path in paths.items()}


@pytest.fixture
def paws_settings(settings):
    network = replace(settings.classifier.network, hidden=[32, 32], epochs=15, restarts=1, learning_rate=0.003)
    classifier = replace(settings.classifier, network=network)
    own = replace(settings.paws, parameters={f"s{mass}": [float(mass)] for mass in (300, 400, 500, 600)})
    return replace(settings, features=["m_j1", "tau21_j1"], classifier=classifier, paws=own)


def training_of(events, background, signals) -> TrainingData:
    regions = Regions.of(ak.to_numpy(events.m_jj), WINDOW)
    return TrainingData(events, regions, WINDOW, "data", [background], list(signals.values()), None)


def test_paws_finds_a_signal_between_those_that_it_knows(paws_settings, simulated, toys):
    data = ak.concatenate([toys(8000, 1), heavy(toys(80, 2, signal=True), 450, 8)])
    training = training_of(data, *simulated)
    model = Paws(paws_settings)
    numbers = model.fit(training)
    assert set(numbers) == {"signal_share", "loss", "parameter_1"}
    assert numbers["parameter_1"] == pytest.approx(450, abs=60)
    assert numbers["loss"] < -1e-3
    is_signal, inside = np.arange(len(data)) >= 8000, training.regions.signal
    value = model.raw(data, "toys").value[:, 0]
    cut = np.quantile(value[inside & ~is_signal], 0.99)
    assert np.mean(value[inside & is_signal] > cut) > 0.5


def test_no_model_and_no_parameter_of_a_fold_knows_an_event_of_the_fold(paws_settings, simulated, toys):
    data = toys(3000, 1)
    fold = identifier.folds(identifier.keys(data), 2, paws_settings.classifier.seed)
    factor = np.where(fold == 0, np.random.default_rng(1).uniform(0.5, 2, len(data)), 1)
    other = ak.with_field(data, (ak.to_numpy(data.j1_softdrop_mass) * factor).astype(np.float32), "j1_softdrop_mass")
    network = replace(paws_settings.classifier.network, hidden=[8], epochs=2)
    quick = replace(paws_settings, classifier=replace(paws_settings.classifier, network=network))
    unseen, found = toys(500, 9), []
    for events in (data, other):
        model = Paws(quick)
        model.fit(training_of(events, *simulated))
        found.append(model)
    chosen = [[(one.share, *one.parameters) for one in model.found] for model in found]
    assert chosen[0][0] == chosen[1][0]
    assert chosen[0][1] != chosen[1][1]
    first, second = (model.raw(unseen, "toys") for model in found)
    assert np.array_equal(first.value[first.model == 0], second.value[first.model == 0])


def test_a_signal_that_is_missing_is_named(paws_settings, simulated, toys):
    background, signals = simulated
    del signals["s500"]
    with pytest.raises(ConfigError, match=r"select\.paws\.parameters names 's500'"):
        Paws(paws_settings).fit(training_of(toys(1000, 1), background, signals))
