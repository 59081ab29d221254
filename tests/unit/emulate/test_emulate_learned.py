"""What autoencoder and flow matching learn of showers that are known."""

import numpy as np
import pytest
import torch
from scipy.special import expit

from resonaut.core.record import build
from resonaut.emulate.models import architectures
from resonaut.learn.training import untrained
from resonaut.physics.showers.files import Showers
from resonaut.physics.showers.geometry import Geometry, Layer

SMALL = {
    "vae": {"layer_latent": 2, "latent": 2, "layer_width": 24, "width": 24, "blocks": 1},
    "flow_matching": {"layer_width": 24, "layer_blocks": 1, "width": 24, "blocks": 1, "steps": 4},
}
LENGTHS = {
    "vae": {"epochs": 20, "batch_size": 100, "learning_rate": 0.02},
    "flow_matching": {"epochs": 12, "batch_size": 100, "learning_rate": 0.01},
}
LOW, HIGH = 1000.0, 64000.0
TWO = Geometry("photon", (Layer(0, (0, 10, 30), 1), Layer(1, (0, 10, 30), 1)))


def untrained_model(name: str, geometry: Geometry, **changes):
    entry = architectures()[name]
    settings = build(SMALL[name] | changes, entry.settings, "settings")
    return untrained(lambda: entry.find()(geometry, 1.0, settings), 1)


def known(n: int, seed: int, energies=(LOW, HIGH)) -> Showers:
    """Showers in two layers of two voxels, in which the preprocessing knows each number, but not how they correlate.

    Response and share of the first layer have a correlation of 0.9 at LOW and -0.9 at HIGH, and the shares of the inner
    voxels one of 0.8.
    """
    rng = np.random.default_rng(seed)
    incident = rng.choice(energies, n)
    response, of_first, inner, of_inner = rng.normal(size=(4, n))
    first = np.where(incident == LOW, 0.9, -0.9) * response + np.sqrt(1 - 0.9**2) * of_first
    share, inside = expit(0.5 * first), expit(0.4 * np.stack([inner, 0.8 * inner + 0.6 * of_inner]))
    layers = incident * np.exp(0.1 * response - 0.3) * np.stack([share, 1 - share])
    voxels = np.stack([layers * inside, layers * (1 - inside)], axis=2).transpose(1, 0, 2)
    return Showers(incident, voxels.reshape(n, 4).astype(np.float32))


def correlations(sample: Showers) -> tuple[float, float]:
    """Of response and share of the first layer, and of the shares of the inner voxels."""
    layers = sample.voxels.reshape(-1, 2, 2)
    total = layers.sum(axis=2)
    response, inside = np.log(total.sum(axis=1) / sample.energies), layers[:, :, 0] / total
    return np.corrcoef(response, total[:, 0] / total.sum(axis=1))[0, 1], np.corrcoef(inside.T)[0, 1]


def drawn(model, energies, seed: int) -> Showers:
    noise = torch.randn(len(energies), model.noise, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        return Showers(energies, model(noise, torch.as_tensor(energies, dtype=torch.float32)).numpy())


@pytest.mark.parametrize("name", SMALL)
def test_learns_what_each_energy_has_of_its_own(name) -> None:
    model = untrained_model(name, TWO, **LENGTHS[name])
    history = model.learn(known(3000, 1), known(300, 2), 1)
    assert len(history.training) == len(history.held_out) == LENGTHS[name]["epochs"]
    for energy, correlation in ((LOW, 0.9), (HIGH, -0.9)):
        sample, truth = drawn(model, np.full(3000, energy), 3), known(3000, 4, (energy,))
        of_response, of_shares = correlations(sample)
        assert of_response == pytest.approx(correlation, abs=0.2)
        assert of_shares == pytest.approx(0.8, abs=0.2)
        responses = [one.voxels.sum(axis=1) / energy for one in (sample, truth)]
        assert responses[0].mean() == pytest.approx(responses[1].mean(), rel=0.03)
        assert responses[0].std() == pytest.approx(responses[1].std(), rel=0.2)
