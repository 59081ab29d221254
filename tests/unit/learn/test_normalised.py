"""Normalised autoencoders: chains with a gradient, and the distance of optimal transport as a loss."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.datasets import make_s_curve

from resonaut.core.errors import NotFiniteError
from resonaut.learn.autoencoder import Normalised, Settings, normalised
from resonaut.learn.autoencoder.normalised import Chain, NormalisedAutoencoder, Objective, Sampler
from resonaut.learn.losses import wasserstein

PLAIN = Settings(latent=32, hidden=[32], epochs=20, batch_size=125, learning_rate=0.003)
TRANSPORT = Normalised(
    loss="wasserstein", temperature=0.05, latent_steps=5, steps=8, buffer=1000, batch_size=125, learning_rate=0.003
)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def curve(seed: int) -> np.ndarray:
    """500 points of an S in the plane."""
    return make_s_curve(500, noise=0.1, random_state=seed)[0][:, [0, 2]].astype(np.float32)


def test_transport_of_points_in_any_order_costs_nothing():
    points = torch.randn(50, 3, generator=generator(1))
    assert wasserstein(points, points[torch.randperm(50, generator=generator(2))]).item() == 0


def test_transport_by_a_shift_costs_its_square():
    points, shift = torch.randn(40, 2, generator=generator(1)), torch.tensor([3.0, -4.0])
    moved = (points + shift)[torch.randperm(40, generator=generator(2))]
    assert wasserstein(points, moved).item() == pytest.approx(25, rel=1e-5)


def test_on_a_line_transport_keeps_the_order_and_the_gradient_points_at_the_partner():
    first, second = (torch.randn(30, 1, generator=generator(seed)) for seed in (1, 2))
    second.requires_grad_()
    distance = wasserstein(first, second)
    assert distance.item() == pytest.approx((first.sort(0).values - second.sort(0).values).square().mean().item())
    distance.backward()
    partner = first.sort(0).values[second.detach().argsort(0)[:, 0].argsort()]
    assert second.grad.numpy() == pytest.approx((2 / 30 * (second.detach() - partner)).numpy(), abs=1e-6)


def chain(steps: int) -> Chain:
    box = torch.full((2,), 100.0, dtype=torch.float64)
    return Chain(steps, 0.5, 0.7, -box, box)


def test_the_gradient_of_a_chain_goes_through_all_its_steps():
    start = torch.randn(20, 2, generator=generator(1), dtype=torch.float64)
    stiffness = torch.tensor([1.0, 0.3], dtype=torch.float64, requires_grad=True)

    def energy(x):
        return (stiffness * x.square()).sum(dim=1) / 2 + 0.1 * (stiffness * x).sum(dim=1).cos()

    def ends(values):
        with torch.no_grad():
            stiffness.copy_(values)
        return chain(4)(energy, start, generator(2)).square().sum()

    values = stiffness.detach().clone()
    found = chain(4)(energy, start, generator(2), through=True).square().sum()
    (gradient,) = torch.autograd.grad(found, stiffness)
    steps = 1e-5 * torch.eye(2, dtype=torch.float64)
    numerical = [(ends(values + step) - ends(values - step)).item() / 2e-5 for step in steps]
    assert gradient.tolist() == pytest.approx(numerical, rel=1e-6)
    assert ends(values).item() == found.item()


def test_a_chain_without_gradient_has_none():
    weight = torch.ones(2, requires_grad=True)
    start = torch.zeros(5, 2, dtype=torch.float64)
    assert not chain(3)(lambda x: (weight * x).sum(dim=1), start, generator(1)).requires_grad


def test_without_chains_of_codes_those_of_events_go_on_where_they_ended(monkeypatch):
    monkeypatch.setattr(normalised, "FRESH", 0.0)
    points = 1000 * torch.randn(400, 2, generator=generator(1))
    # A walk at random, as nothing has an energy; no point of it comes near the box.
    nothing = SimpleNamespace(encoder=lambda x: x[:, :1], error=lambda x: 0 * x.sum(dim=1))
    settings = Normalised(latent_steps=0, steps=5, step_size=0.1, buffer=400)
    sampler = Sampler(nothing, points, settings, generator(2))
    start = sampler.buffer.clone()
    assert sorted(start.tolist()) == sorted(points.tolist())
    drawn = [sampler.draw(400, through=number % 2 == 0).detach() for number in range(30)][-1]
    # Of 400 chains that are chosen 400 times a share of 1 - 1/e moves, by 5 steps of 0.1 in two dimensions.
    moved = (sampler.buffer - start).square().sum(dim=1).mean().item()
    assert moved == pytest.approx(30 * (1 - np.exp(-1)) * 5 * 0.1**2 * 2, rel=0.2)
    assert torch.cdist(sampler.buffer, drawn).amin(dim=1).eq(0).float().mean() > 0.5


def test_the_distance_falls_and_stays_small_and_the_best_epoch_is_kept(monkeypatch):
    points, energies, distance = curve(1), [], Objective.distance

    def noted(objective):
        energies.append(objective.sampler.network.error(objective.x).double().numpy())
        return distance(objective)

    monkeypatch.setattr(Objective, "distance", noted)
    model = NormalisedAutoencoder.fit(points, None, PLAIN, replace(TRANSPORT, epochs=30), 1)
    distances = np.array(model.distances)
    assert distances[-10:].mean() < 0.85 * distances[:3].mean()
    assert distances[-10:].max() < distances[:3].mean()
    assert distances.argmin() < 29
    assert model.energy(points) == pytest.approx(energies[distances.argmin()], abs=1e-7)
    assert np.abs(model.energy(points) - energies[-1]).max() > 1e-4
    # In the two bays of the curve, and on it.
    bays = model.energy(np.array([[0.0, 1.0], [0.0, -1.0]], np.float32))
    assert bays.min() > 3 * np.median(model.energy(points))


def test_an_energy_that_is_no_number_ends_the_training():
    points = curve(2)
    with pytest.raises(NotFiniteError, match=r"nae\.learning_rate"):
        NormalisedAutoencoder.fit(points, None, PLAIN, replace(TRANSPORT, epochs=3, learning_rate=1e20), 1)
