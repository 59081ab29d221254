"""A trained autoencoder and its integers: same scores to their last bit's order, signals above zero bias."""

import numpy as np
import pytest
import torch

from resonaut.core.errors import ConfigError
from resonaut.core.record import build
from resonaut.trigger import arithmetic, emulator
from resonaut.trigger.autoencoder import Autoencoder, Network, Scales, load
from resonaut.trigger.quantise import quantise
from resonaut.trigger.settings import Model, Quantisation

from .toy_networks import hardware

SETTINGS = build({"hidden": [16], "latent": 4, "epochs": 10, "batch_size": 256}, Model, "model")


def soft_and_hard():
    """Crossings whose objects are hard or soft together, with energies that fall steeply, and some far beyond these.

    What is common to all objects is what a few numbers can tell, so that the code must hold it.
    """
    rng = np.random.default_rng(1)

    def crossings(scale):
        found = hardware(len(scale), seed=9)
        energies = scale[:, None] * rng.uniform(0.8, 1.2, (len(scale), 19))
        found[:, 0::3] = np.minimum(energies, 500).astype(int) + 1
        return found

    return crossings(rng.exponential(40, 4000)), crossings(np.full(500, 400.0))


@pytest.fixture(scope="module")
def trained():
    return Autoencoder.fit(soft_and_hard()[0], SETTINGS, "toy")


def test_offsets_and_shifts_are_those_of_objects_that_are_there():
    rng = np.random.default_rng(2)
    raw = np.zeros((1000, 3), np.int64)
    raw[::10, 0] = 100 + rng.integers(-32, 33, 100)
    raw[::10, 1] = 40
    found = Scales.fit(raw, np.array([True, False, False]))
    assert found.offsets[0] == pytest.approx(100, abs=8)
    # The middle 68 % of 65 numbers is half of that to each side: 22, of which the next power of two is 16.
    assert found.shifts[0] == 4
    assert (found.offsets[1], found.offsets[2]) == (40, 0)


def test_the_loss_is_that_of_a_variational_autoencoder():
    network = Network(57, SETTINGS)
    x = torch.randn(8, 57, generator=torch.Generator().manual_seed(1))
    mean, log_variance = network.encode(x)
    divergence = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(dim=1)
    wanted = ((network.decoder(mean) - x) ** 2).mean(dim=1) + 0.3 / 57 * divergence
    torch.testing.assert_close(network.loss(x, None, 0.3), wanted)


def test_hard_crossings_stand_out(trained):
    soft, hard = soft_and_hard()
    assert np.median(trained.score(hard)) > np.quantile(trained.score(soft), 0.99)


def test_a_model_is_read_as_written_and_depends_on_its_seed_alone(trained, tmp_path):
    trained.save(tmp_path / "model.npz")
    raw = hardware(10)
    np.testing.assert_array_equal(load(tmp_path / "model.npz").score(raw), trained.score(raw))
    again = Autoencoder.fit(soft_and_hard()[0], SETTINGS, "toy")
    np.testing.assert_array_equal(again.score(raw), trained.score(raw))


def test_integers_follow_the_floating_point_numbers(trained):
    """With many bits they are the same numbers; with the usual ones they are close."""
    raw = soft_and_hard()[0]
    wanted = trained.score(raw)
    fine = Quantisation(
        input="ap_fixed<14,6,AP_RND_CONV,AP_SAT>",
        weight="ap_fixed<12,3>",
        bias="ap_fixed<14,5>",
        activation="ap_ufixed<14,7,AP_RND_CONV,AP_SAT>",
        mean="ap_fixed<14,7,AP_RND_CONV,AP_SAT>",
        score="ap_ufixed<24,15,AP_RND_CONV,AP_SAT>",
    )
    for settings, most in ((fine, 0.01), (Quantisation(), 0.05)):
        network = quantise(trained, settings)
        found = arithmetic.values(emulator.score(network, raw), emulator.score_format(network))
        assert np.abs(found - wanted).mean() < most * wanted.std()
        assert np.corrcoef(found, wanted)[0, 1] > 0.99


def test_accumulators_lose_nothing(trained):
    """No crossing, however large, makes a sum that wraps: a wider accumulator gives the same."""
    network = quantise(trained, Quantisation())
    raw = np.sign(np.random.default_rng(4).normal(size=(500, 57))).astype(np.int64) * 4095
    wide = [
        type(one)(**{**vars(one), "accumulator": _wider(one.accumulator), "result": _wider(one.result)})
        if hasattr(one, "weights")
        else one
        for one in network.operations
    ]
    other = type(network)(**{**vars(network), "operations": wide})
    np.testing.assert_array_equal(emulator.score(network, raw), emulator.score(other, raw))


def _wider(text):
    width, rest = text.removeprefix("ap_fixed<").split(",", 1)
    integer, modes = rest.split(",", 1)
    return f"ap_fixed<{int(width) + 2},{int(integer) + 2},{modes}"


def test_sums_of_too_many_bits_are_refused(trained):
    settings = Quantisation(input="ap_fixed<24,6,AP_RND,AP_SAT>", weight="ap_fixed<24,3>")
    with pytest.raises(ConfigError, match="sums of 'hidden1' need"):
        quantise(trained, settings)
