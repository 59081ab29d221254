"""Classifiers of showers: areas that are known, and a judgement of everything together."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from resonaut.core.results import read, write
from resonaut.emulate.results import Evaluation
from resonaut.physics.showers.files import Showers
from resonaut.physics.showers.geometry import Geometry, Layer

torch = pytest.importorskip("torch")

from resonaut.emulate.evaluate import classifier  # noqa: E402
from resonaut.emulate.evaluate.distances import normalised, of_gaussians  # noqa: E402
from resonaut.emulate.evaluate.inputs import features, high_level, low_level  # noqa: E402
from resonaut.emulate.evaluate.judge import evaluate  # noqa: E402
from resonaut.emulate.evaluate.settings import Classifier, Evaluate  # noqa: E402
from resonaut.physics.showers.observables import observables  # noqa: E402

SMALL = Classifier(hidden=[16], epochs=10, patience=3, learning_rate=0.02, batch_size=512, seeds=3)


def gaussians(n: int, shift: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    first, second = draw.normal(size=(2, n, 3)).astype(np.float32)
    return first, second + np.float32(shift) * np.array([1, 0, 0], np.float32)


def test_area_of_alike_samples_is_one_half() -> None:
    found = classifier.area(*gaussians(4000, 0, 1), SMALL, 1)
    # Three networks judge 800 showers of each sample of 4,000, so that their parts hardly overlap.
    assert found.error == pytest.approx(np.sqrt(1600 / (12 * 800**2)))
    assert abs(found.auc - 0.5) < 4 * found.error / np.sqrt(3)
    assert -0.03 < found.jsd < 0.005
    assert found.auc == pytest.approx(np.mean(found.seeds))


def test_area_and_divergence_of_gaussians() -> None:
    """Shifted by d: AUC = Phi(d / sqrt 2); the divergence by integration."""
    settings = replace(SMALL, showers=40_000, epochs=4)
    found = classifier.area(*gaussians(40_000, 1.0, 2), settings, 1)
    # Three networks judge 8,000 showers of each sample, of which the area has an error of 0.004.
    assert found.auc == pytest.approx(norm.cdf(1 / np.sqrt(2)), abs=0.01)
    # A calibration with 16,000 showers loses about 0.01.
    assert found.jsd == pytest.approx(divergence_of_gaussians(1.0), abs=0.03)


def divergence_of_gaussians(shift: float) -> float:
    x = np.linspace(-8, 8 + shift, 4001)
    p, q = norm.pdf(x), norm.pdf(x - shift)
    return sum(np.sum(one * np.log2(2 * one / (p + q))) * (x[1] - x[0]) / 2 for one in (p, q))


def test_divergence_of_exact_probabilities() -> None:
    simulated, emulated = np.random.default_rng(5).normal([[0], [1]], size=(2, 40_000))
    probability = [norm.pdf(x - 1) / (norm.pdf(x) + norm.pdf(x - 1)) for x in (emulated, simulated)]
    # The logarithms have a spread of 0.8 bits: 4 standard deviations of the mean of 80,000.
    assert classifier.divergence(*probability) == pytest.approx(divergence_of_gaussians(1.0), abs=0.011)


def test_displaced_sample_is_told_apart() -> None:
    found = classifier.area(*gaussians(500, 20, 3), SMALL, 1)
    assert found.auc == 1
    assert found.jsd == pytest.approx(1, abs=1e-3)
    assert found.seeds == [1, 1, 1]


def test_judged_showers_have_not_trained() -> None:
    """Noise in many inputs: a network that knows its showers by heart finds nothing in others."""
    noise = np.random.default_rng(4).normal(size=(2, 300, 200)).astype(np.float32)
    settings = Classifier(hidden=[64], epochs=8, patience=8, learning_rate=0.01, seeds=3)
    parts = classifier.Part.divided(*noise, np.random.default_rng(1))
    rows = [{tuple(row) for row in part.inputs[:, :4].tolist()} for part in parts]
    assert [len(own) for own in rows] == [360, 120, 120]
    assert not rows[0] & rows[1]
    assert not (rows[0] | rows[1]) & rows[2]
    found = classifier.area(*noise, settings, 1)
    assert abs(found.auc - 0.5) < 4 * found.error  # A part that trained has an area of nearly 1.


GEOMETRY = Geometry("photon", (Layer(0, (0, 5, 10), 1), Layer(1, (0, 5, 10, 20), 4)))


def toys(energies: np.ndarray, seed: int, leak: float = 0.0) -> Showers:
    """Showers that deposit about 90 % of their energy, less a share ``leak``."""
    draw = np.random.default_rng(seed)
    total = energies * (1 - leak) * (0.9 + 0.02 * draw.normal(size=len(energies)))
    return Showers(energies, (total[:, None] * draw.dirichlet(np.full(14, 2.0), len(energies))).astype(np.float32))


def test_inputs_are_those_of_the_calochallenge() -> None:
    showers = toys(np.array([1000.0, 2000.0]), 1)
    low = low_level(showers)
    np.testing.assert_allclose(low[:, 0], [3, np.log10(2000)], rtol=1e-6)
    np.testing.assert_allclose(low[:, 1:].sum(axis=1), 100 * showers.voxels.sum(axis=1) / showers.energies, rtol=1e-5)
    found = observables(showers, GEOMETRY)
    high, plain = high_level(showers, found), features(showers, found)
    # Two energies; of two layers energy, sparsity, centre and width in r; of one layer centres and widths in x and y.
    assert high.shape == (2, 2 + 2 * 4 + 4)
    np.testing.assert_allclose(10 ** plain[:, 1], showers.voxels.sum(axis=1), rtol=1e-5)
    np.testing.assert_allclose(high[:, 1], np.log10(found["response"]), rtol=1e-5)
    # Only the energies differ.
    np.testing.assert_allclose(np.delete(plain - high, [1, 2, 6], axis=1), 0, atol=1e-6)
    np.testing.assert_allclose((plain - high)[:, [1, 2, 6]], [[3] * 3, [np.log10(2000)] * 3], rtol=1e-5)


@pytest.fixture(scope="module")
def judged() -> dict[str, Evaluation]:
    """The floor, models that lose energy, and one that copies."""
    energies = np.repeat([500.0, 4000.0], 300)
    simulated, training = toys(energies, 1), toys(energies, 2)
    settings = Evaluate(
        bins=10,
        shown=[4096],
        classifier=Classifier(hidden=[16], seeds=2, epochs=12, patience=4, batch_size=64, learning_rate=0.01),
        nearest=100,
    )
    samples = {
        "simulation": None,
        "leaking": toys(energies, 3, leak=0.03),
        "copy": training,
        "half": toys(energies, 4, leak=0.5),
    }
    return {name: evaluate(simulated, training, made, GEOMETRY, settings, 0.5, name) for name, made in samples.items()}


def test_the_floor_is_that_of_two_simulated_samples(judged, tmp_path) -> None:
    floor = judged["simulation"]
    assert (floor.name, floor.showers, floor.overtraining) == ("simulation", 600, None)
    assert [one.energy for one in floor.responses] == [500, 4000]
    assert [one.showers for one in floor.responses] == [300, 300]
    chi2, ndof = np.array([(test.chi2, test.ndof) for one in floor.observables for test in one.tests]).sum(axis=0)
    # Observables are correlated: the sum of many fluctuates more than its degrees of freedom say.
    assert 0.7 < chi2 / ndof < 1.4
    assert max(one.separation for one in floor.observables) < 0.05
    assert abs(floor.low_level.auc - 0.5) < 0.12
    write(tmp_path / "evaluation.json", floor)
    assert read(tmp_path / "evaluation.json", Evaluation) == floor


def test_a_model_that_loses_energy_is_found_where_it_does(judged) -> None:
    leaking = judged["leaking"]
    for one in leaking.responses:
        lost = one.simulated.mean - one.emulated.mean
        assert lost == pytest.approx(0.027, abs=4 * np.hypot(one.simulated.mean_error, one.emulated.mean_error))
        assert one.emulated.width == pytest.approx(one.simulated.width, rel=0.25)
    tests = {one.name: one for one in leaking.observables}
    assert all(test.p_value < 1e-6 for test in tests["response"].tests)
    # The shape is that of the simulation.
    assert all(test.p_value > 1e-5 for test in tests["width_x_1"].tests)
    assert tests["response"].separation > 0.1
    assert leaking.high_level.auc > 0.75
    assert not leaking.overtraining.memorised
    assert [one.energy for one in leaking.means] == [4000]
    # Voxels below the threshold are empty in all samples: at 500 MeV there are some.
    assert np.mean(leaking.means[0].simulated) == pytest.approx(4000 * 0.9 / 14, rel=0.02)
    assert {one.name for one in leaking.spectra} == {*tests}


def test_distance_of_a_model_that_loses_half_of_the_energy(judged) -> None:
    """Fréchet's is mostly that of the logarithms of three energies, which are less by log 2: of all, and of the layers.

    That of 20,000 showers, without an extrapolation, has what the threshold does to other features, too.
    """
    largest, alike, lossy = many(1), many(2), many(3, leak=0.5)
    shift = np.sum((np.log10(2) / largest.max(axis=0)[[1, 2, 6]]) ** 2)
    one, other = normalised(alike, lossy)
    true = of_gaussians((one.mean(axis=0), other.mean(axis=0)), (np.cov(one.T), np.cov(other.T)))
    assert shift < true < 1.3 * shift
    found, floor = judged["half"].frechet, judged["simulation"].frechet
    # Twelve pairs of 600 showers have a spread of 14 %, of which these are four.
    assert found.value == pytest.approx(true, rel=0.56)
    assert floor.value < 4 * floor.error
    assert floor.value < found.value / 3
    assert judged["half"].kernel.value > 4 * judged["half"].kernel.error


def many(seed: int, leak: float = 0.0) -> np.ndarray:
    """The features of 20,000 showers as they are judged."""
    showers = toys(np.repeat([500.0, 4000.0], 10_000), seed, leak)
    showers = replace(showers, voxels=np.where(showers.voxels < 0.5, np.float32(0), showers.voxels))
    return features(showers, observables(showers, GEOMETRY))


def test_a_model_that_copies_is_as_good_as_the_floor_and_found(judged) -> None:
    copy, floor = judged["copy"], judged["simulation"]
    assert copy.overtraining.memorised
    assert copy.overtraining.share == 1
    assert copy.low_level == floor.low_level
