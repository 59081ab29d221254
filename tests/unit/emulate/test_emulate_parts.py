"""Parts of the models with known answers: mixtures, and the way along a field."""

import math

import pytest
import torch
from scipy import integrate, stats
from torch import Tensor, nn

from resonaut.emulate.models.flow_matching.field import TIMES, Field, shares
from resonaut.emulate.models.vae.mixture import LEAST, OUTPUTS, Mixture
from resonaut.emulate.networks import Residual
from resonaut.learn.training import untrained


def normal(*size: int, seed: int = 1) -> Tensor:
    return torch.randn(*size, generator=torch.Generator().manual_seed(seed))


def mixture(logit: float, outputs: tuple[float, ...], n: int = 1) -> Mixture:
    return Mixture.of(torch.tensor([[logit, *outputs]], dtype=torch.float32).expand(n, OUTPUTS))


def test_untrained_mixture_is_that_of_two_gaussians() -> None:
    x = torch.linspace(-3, 3, 7)[:, None]
    density = sum(stats.norm.pdf(x[:, 0].numpy(), mean, 1 + LEAST) / 2 for mean in (-1, 1))
    torch.testing.assert_close(mixture(0, (0, 0, 0, 0), 7).log_prob(x), torch.as_tensor(density).log().float())


def test_mixture_is_a_density_and_draws_from_it() -> None:
    one = mixture(0.7, (-1.0, 2.0, -1.5, 0.3), 200_000)
    single = mixture(0.7, (-1.0, 2.0, -1.5, 0.3))

    def density(x: float) -> float:
        return math.exp(single.log_prob(torch.tensor([[x]])).item())

    total, *moments = (integrate.quad(lambda x, p=p: x**p * density(x), -15, 20, points=(-2, 3))[0] for p in range(3))
    assert total == pytest.approx(1, abs=1e-5)
    found = one.draw(normal(200_000, 2)).double()
    # 5 standard deviations of the means of so many.
    assert found.mean().item() == pytest.approx(moments[0], abs=5 * found.std().item() / math.sqrt(2e5))
    assert found.square().mean().item() == pytest.approx(
        moments[1], abs=5 * found.square().std().item() / math.sqrt(2e5)
    )


def test_mixture_is_of_each_number_alone() -> None:
    outputs = normal(6, 2 * OUTPUTS)
    both, x = Mixture.of(outputs), normal(6, 2, seed=2)
    alone = [Mixture.of(outputs[:, place::2]).log_prob(x[:, place : place + 1]) for place in range(2)]
    torch.testing.assert_close(both.log_prob(x), alone[0] + alone[1])


def field(size: int, known: int, width: int = 8) -> Field:
    return untrained(lambda: Field(Residual(size, known + TIMES, size, width, 1)), 1)


def test_untrained_field_is_that_of_normal_data() -> None:
    """It leaves noise where it is; what is left of the loss is the spread of the velocity, 1."""
    one, noise, context = field(3, 1), normal(50_000, 3), torch.zeros(50_000, 1)
    torch.testing.assert_close(one.move(noise, context, 2), noise, rtol=0, atol=0)
    loss = one.loss(normal(50_000, 3, seed=2), context, noise, shares(50_000, torch.Generator().manual_seed(3)))
    assert loss.mean().item() == pytest.approx(1, abs=0.03)


class Gaussian(Field):
    """The field of data N(MEAN, SPREAD²), of which the velocity's mean is a regression by hand."""

    MEAN, SPREAD = 1.5, 0.4

    def forward(self, x: Tensor, theta: Tensor, context: Tensor) -> Tensor:
        noise, data = theta.cos(), theta.sin()
        slope = noise * data * (self.SPREAD**2 - 1) / (noise**2 + (data * self.SPREAD) ** 2)
        return slope * (x - data * self.MEAN) + noise * self.MEAN


def test_way_along_a_known_field_is_of_second_order() -> None:
    """Normal noise x ends at MEAN + SPREAD x; half the step has a quarter of the error."""
    one, noise = Gaussian(nn.Identity()), normal(200, 1).double()
    expected = Gaussian.MEAN + Gaussian.SPREAD * noise
    errors = [(one.move(noise, noise, steps) - expected).abs().max().item() for steps in (8, 16, 32)]
    assert errors[-1] < 0.01
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.3)
    assert errors[1] / errors[2] == pytest.approx(4, rel=0.3)


def test_flow_matching_recovers_a_gaussian() -> None:
    """A mean that follows the context, spreads, and a correlation of 0.8."""
    one, generator = field(2, 1, 48), torch.Generator().manual_seed(1)
    optimizer = torch.optim.Adam(one.parameters(), lr=0.005)
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 400)

    def data(context: Tensor) -> Tensor:
        first, second = torch.randn(2, len(context), 1, generator=generator)
        return torch.cat([context + 0.5 * first, 0.8 * first + 0.6 * second], dim=1)

    for _ in range(400):
        context = 2 * torch.rand(256, 1, generator=generator) - 1
        noise = torch.randn(256, 2, generator=generator)
        optimizer.zero_grad()
        one.loss(data(context), context, noise, shares(256, generator)).mean().backward()
        optimizer.step()
        rate.step()
    for mean in (-0.8, 0.8):
        with torch.no_grad():
            found = one.move(normal(5000, 2, seed=4), torch.full((5000, 1), mean), 8)
        torch.testing.assert_close(found.mean(dim=0), torch.tensor([mean, 0.0]), atol=0.12, rtol=0)
        expected = torch.tensor([[0.25, 0.4], [0.4, 1.0]])
        torch.testing.assert_close(found.T.cov(), expected, atol=0.12, rtol=0)


def test_shares_are_one_in_each_part() -> None:
    found = shares(1000, torch.Generator().manual_seed(1)).squeeze()
    torch.testing.assert_close((found * 1000).floor(), torch.arange(1000.0))
