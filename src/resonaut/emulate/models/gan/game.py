"""A critic that tells made showers from true ones, and a generator that learns from it.

The critic's loss is its mean on made showers, less that on true ones, and the gradient penalty of I. Gulrajani et al.
(arXiv:1704.00028, eq. 3). The difference of true and made is its estimate of their Wasserstein distance.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from resonaut.emulate.models.gan import Settings
from resonaut.learn.progress import History
from resonaut.learn.training import warm_up_cosine

Critic = Callable[[Tensor, Tensor], Tensor]
# Decay rates of Adam's averages, as in the paper's algorithm 1; the part of all steps in which the rate rises.
BETAS, RISING = (0.0, 0.9), 0.02


def penalty(critic: Critic, true: Tensor, made: Tensor, condition: Tensor, share: Tensor) -> Tensor:
    """(|slope of the critic|₂ - 1)² at ``share`` (n, 1) of the way from made showers to true ones (n, d): (n,)."""
    between = (share * true + (1 - share) * made).detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(between, condition).sum(), between, create_graph=True)
    # The root has no derivative at 0, where an untrained critic begins.
    length = (slope.square().sum(dim=1) + 1e-12).sqrt()
    return (length - 1).square()


class Opponent:
    """A network with its optimizer."""

    def __init__(self, network: nn.Module, learning_rate: float, steps: int) -> None:
        self.network = network
        self.optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate, betas=BETAS)
        self.rate = warm_up_cosine(self.optimizer, learning_rate, steps, RISING)

    def step(self, loss: Tensor) -> None:
        """Follow the gradient of a loss."""
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.rate.step()


@dataclass
class Game:
    """The training as a learner of the one loop.

    ``true`` gives the showers of a batch and their condition, ``make`` others of the same energies. ``batches`` are
    those of an epoch, ``held_out`` one that does not train. There is no best state, because the distance that a critic
    finds says how good the critic is, too: the generator ends as the average over its last steps.
    """

    generator: nn.Module
    critic: nn.Module
    settings: Settings
    true: Callable[[Tensor], tuple[Tensor, Tensor]]
    make: Callable[[Tensor], Tensor]
    passes: Iterator[tuple[Tensor, ...]]
    held_out: Tensor
    steps: int
    random: torch.Generator
    history: History = field(default_factory=History)

    def __post_init__(self) -> None:
        of_critic, of_generator = self.steps, self.steps // self.settings.critic_steps
        self.judge = Opponent(self.critic, self.settings.learning_rate, of_critic)
        self.forger = Opponent(self.generator, self.settings.learning_rate, of_generator)
        average = get_ema_multi_avg_fn(self.settings.averaging)  # type: ignore[no-untyped-call]
        self.averaged = AveragedModel(self.generator, multi_avg_fn=average)

    def advance(self) -> None:
        """A pass: steps of the critic, and now and then one of the generator."""
        distances = []
        for rows in next(self.passes):
            distances.append(self._teach_critic(rows))
            self.history.steps += 1
            if self.history.steps % self.settings.critic_steps == 0:
                self._teach_generator(rows)
        self.history.training.append(torch.stack(distances).mean().item())
        self.history.rate.append(self.judge.optimizer.param_groups[0]["lr"])

    def _teach_critic(self, rows: Tensor) -> Tensor:
        (true, condition), made = self.true(rows), self.make(rows).detach()
        distance = self._distance(true, made, condition)
        share = torch.rand(len(rows), 1, generator=self.random)
        self.judge.step(self.settings.penalty * penalty(self.critic, true, made, condition, share).mean() - distance)
        return distance.detach()

    def _teach_generator(self, rows: Tensor) -> None:
        _, condition = self.true(rows)
        self.forger.step(-self.critic(self.make(rows), condition).mean())
        self.averaged.update_parameters(self.generator)

    def _distance(self, true: Tensor, made: Tensor, condition: Tensor) -> Tensor:
        distance: Tensor = (self.critic(true, condition) - self.critic(made, condition)).mean()
        return distance

    @torch.no_grad()
    def loss(self) -> Tensor:
        """The distance of held-out showers, (1,)."""
        true, condition = self.true(self.held_out)
        self.history.held_out.append(float(self._distance(true, self.make(self.held_out), condition)))
        return torch.tensor(self.history.held_out[-1:], dtype=torch.float64)

    def keep(self, better: Tensor) -> None:
        """Nothing: see the class."""

    def leave(self, patient: Tensor) -> None:
        """Nothing is left of one model that leaves."""
