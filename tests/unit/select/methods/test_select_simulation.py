"""The methods that learn from simulation: salad, quak."""

from dataclasses import replace
from pathlib import Path

import awkward as ak
import numpy as np
import pytest

from resonaut.core import events, identifier
from resonaut.core.errors import ConfigError
from resonaut.core.events import Dataset
from resonaut.core.weights import Factor
from resonaut.learn import density, ratio
from resonaut.select import template
from resonaut.select.inputs import Inputs
from resonaut.select.methods.quak.method import Quak
from resonaut.select.methods.salad.method import Salad
from resonaut.select.regions import Regions
from resonaut.select.settings import Window
from resonaut.select.training_data import TrainingData

WINDOW = Window(signal_region=(3250, 3750), sidebands=((2900, 3250), (3750, 4250)))
FLOW = density.Settings(
    transforms=1, hidden=[8], bins=4, steps=20, batch_size=256, learning_rate=0.01, validation_fraction=0.2
)


def training_of(events: ak.Array, backgrounds: list[Path], signals: list[Path]) -> TrainingData:
    regions = Regions.of(ak.to_numpy(events.m_jj), WINDOW)
    background, signal = ([Dataset.open(path) for path in paths] for paths in (backgrounds, signals))
    return TrainingData(events, regions, WINDOW, "data", background, signal, None)


def scaled(events: ak.Array, fold: int, seed: int) -> ak.Array:
    """The same events, but those of a fold with other jet masses."""
    rows = identifier.folds(identifier.keys(events), 2, seed) == fold
    factor = np.where(rows, np.random.default_rng(1).uniform(0.5, 2, len(events)), 1)
    mass = (ak.to_numpy(events.j1_softdrop_mass) * factor).astype(np.float32)
    return ak.with_field(events, mass, "j1_softdrop_mass")


@pytest.fixture
def quick(settings):
    return replace(settings, density=FLOW)


@pytest.mark.parametrize("method", [Salad, Quak])
def test_no_model_of_a_fold_knows_an_event_of_the_fold(quick, toys, write_dataset, method):
    samples = toys(3000, 1), toys(3000, 3), toys(600, 4, signal=True)
    seed = quick.classifier.seed
    unseen = toys(1000, 9)
    found = []
    for number, (data, background, signal) in enumerate((samples, [scaled(s, 0, seed) for s in samples])):
        qcd = write_dataset(f"qcd{number}", "background", [background])
        resonance = write_dataset(f"signal{number}", "signal", [signal])
        model = method(quick)
        model.fit(training_of(data, [qcd], [resonance]))
        found.append(model.raw(unseen, "toys"))
    first, second = found
    assert set(first.model) == {0, 1}
    assert np.array_equal(first.value[first.model == 0], second.value[first.model == 0])
    assert not np.array_equal(first.value[first.model == 1], second.value[first.model == 1])


def test_salad_recovers_the_weights_that_the_simulation_lacks(quick, toys, write_dataset, monkeypatch):
    pairs = []
    fit = ratio.CrossFit.fit_pairs
    monkeypatch.setattr(ratio.CrossFit, "fit_pairs", lambda *args: pairs.append(args[0]) or fit(*args))
    simulation = toys(50_000, 3)
    # Lost: more events at low tau21 than at high tau21.
    kept = 0.25 + ak.to_numpy(simulation.j1_tau2 / simulation.j1_tau1) * 0.75
    simulation = simulation[np.random.default_rng(5).uniform(size=len(kept)) < kept]
    trees = replace(quick.classifier.trees, max_iterations=80, learning_rate=0.1)
    settings = replace(quick, features=["tau21_j1"], classifier=replace(quick.classifier, trees=trees))
    numbers = Salad(settings).fit(training_of(toys(32_000, 1), [write_dataset("qcd", "background", [simulation])], []))
    (second_step,) = pairs
    for _, corrected in second_step:
        tau21 = corrected.features[:, 0]
        truth = 1 / (0.25 + 0.75 * tau21)
        scale = corrected.weights.sum() / truth.sum()
        for low in (0.2, 0.35, 0.5, 0.65, 0.8):
            rows = (tau21 >= low) & (tau21 < low + 0.15)
            assert corrected.weights[rows].sum() == pytest.approx(scale * truth[rows].sum(), rel=0.12)
    assert numbers["sideband_auc"] > 0.55
    assert abs(numbers["auc"] - 0.5) < 4 * numbers["auc_error"]


def test_simulation_has_the_weights_of_its_own_files(quick, toys, write_dataset):
    """Such as those for pile-up: half of the events have none, and their cross section is that of the others."""
    simulation = toys(400, 3)
    dataset = Dataset.open(write_dataset("qcd", "background", [simulation], weight_scale=2.0))
    number = ak.to_numpy(simulation.event)
    for chunk in dataset.manifest.chunks:
        path = dataset.path("skim", chunk)
        batches = list(events.iterate([path], [name for name in events.columns(path) if name not in events.KEY]))
        found = [ak.with_field(batch, batch.event % 2 * 1.5, "pileup") for batch in batches]
        events.write(path, found, {}, {"pileup": Factor("pileup").metadata()})
    sample, mass = template.simulated(Inputs.of(quick, "event"), dataset)
    assert sample.weights == pytest.approx(number % 2 * 3.0)
    assert mass == pytest.approx(ak.to_numpy(simulation.m_jj))


def test_salad_needs_simulated_background(quick, toys):
    with pytest.raises(ConfigError, match="'salad' corrects simulated background"):
        Salad(quick).fit(training_of(toys(100, 1), [], []))


@pytest.mark.parametrize("simulated", [True, False])
def test_quak_ranks_what_resembles_the_prior_first(quick, toys, write_dataset, simulated):
    settings = replace(quick, density=replace(FLOW, hidden=[16], steps=100))
    signal = write_dataset("signal", "signal", [toys(1000, 4, signal=True)])
    qcd = [write_dataset("qcd", "background", [toys(4000, 3)])] if simulated else []
    model = Quak(settings)
    numbers = model.fit(training_of(toys(5000, 1), qcd, [signal]))
    background, found = (model.raw(sample, "toys").value[:, 0] for sample in (toys(2000, 8), toys(500, 9, signal=True)))
    assert numbers["auc"] > 0.95
    assert np.mean(found > np.quantile(background, 0.98)) > 0.8


def test_quak_weighs_the_signals_of_its_prior_equally(quick, toys, write_dataset, monkeypatch):
    pairs = []
    fit = ratio.CrossFit.fit_pairs
    monkeypatch.setattr(ratio.CrossFit, "fit_pairs", lambda *args: pairs.extend(args[0]) or fit(*args))
    signals = [
        write_dataset(name, "signal", [toys(n, seed, signal=True)], weight_scale=scale)
        for name, n, seed, scale in (("a", 800, 4, 1.0), ("b", 400, 5, 0.01), ("c", 400, 6, 1.0))
    ]
    Quak(replace(quick, quak=replace(quick.quak, prior=["a", "b"]))).fit(training_of(toys(3000, 1), [], signals))
    for prior, _ in pairs:
        first = np.isin(prior.keys, identifier.keys(toys(800, 4, signal=True)))
        assert 0.3 < np.mean(~first) < 0.4
        assert prior.weights[first].sum() == pytest.approx(prior.weights[~first].sum(), rel=0.2)


def test_quak_sees_further_features_once(quick):
    names = ["tau32_j1", quick.features[0]]
    model = Quak(replace(quick, quak=replace(quick.quak, features=names)))
    assert model.inputs.names == [[*quick.features, "tau32_j1"]]
    assert set(model.columns) > set(Quak(quick).columns)


@pytest.mark.parametrize(("prior", "problem"), [([], "simulated signals"), (["signal"], "signal")])
def test_quak_needs_the_signals_of_its_prior(quick, toys, prior, problem):
    with pytest.raises(ConfigError, match=f"learns its prior from {problem}, and the signals .* are none"):
        Quak(replace(quick, quak=replace(quick.quak, prior=prior))).fit(training_of(toys(100, 1), [], []))
