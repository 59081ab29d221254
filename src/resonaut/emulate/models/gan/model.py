"""Two generators, each with a critic: one makes layer energies given the incident energy, the other voxels given both.

What is made is noise plus what a network makes of it. The noise is normal, as all that is learned: from the first step
on each number has its own distribution, and the critics find how numbers depend on each other.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from resonaut.emulate.models.gan import Settings
from resonaut.emulate.models.gan.critics import Critics
from resonaut.emulate.networks import Residual
from resonaut.emulate.preprocessing import Prepared, Preprocessing
from resonaut.emulate.training import KEY, RISING, Batches
from resonaut.emulate.turning import Turning
from resonaut.learn import training
from resonaut.learn.progress import History
from resonaut.physics.showers.files import Showers
from resonaut.physics.showers.geometry import Geometry

# Steps of an epoch, after which the loss is noted.
EPOCH = 100
# Of the mean of the generators' states: so much of it is older ones (Y. Yazici et al., arXiv:1806.04498).
OLDER = 0.995
# First and second momenta of Adam (arXiv:1704.00028, algorithm 1).
MOMENTA = (0.0, 0.9)


class Generators(nn.Module):
    """Of layers and of voxels: noise plus what a network makes of it."""

    def __init__(self, geometry: Geometry, settings: Settings) -> None:
        super().__init__()
        layers = len(geometry.layers)
        self.of_layers = Residual(layers, 1, layers, settings.layer_width, settings.layer_blocks)
        self.of_voxels = Turning(geometry, 1 + layers, settings.width, settings.blocks)

    def layers(self, noise: Tensor, condition: Tensor) -> Tensor:
        """``Prepared.layers`` (n, L)."""
        made: Tensor = noise + self.of_layers(noise, condition)
        return made

    def voxels(self, noise: Tensor, context: Tensor) -> Tensor:
        """``Prepared.voxels`` (n, voxels)."""
        made: Tensor = noise + self.of_voxels(noise, context)
        return made


class Model(nn.Module):
    """Both generators with their preprocessing; the critics end with the training."""

    def __init__(self, geometry: Geometry, threshold: float, settings: Settings) -> None:
        super().__init__()
        self.settings, self.geometry, self.layers = settings, geometry, len(geometry.layers)
        self.noise = self.layers + geometry.voxels
        self.preprocessing = Preprocessing(geometry, threshold)
        self.generators = Generators(geometry, settings)

    def learn(self, showers: Showers, held_out: Showers, seed: int) -> History:
        """Play against the critics; no held-out showers are looked at, as no loss says how good a generator is."""
        del held_out
        settings, generator = self.settings, torch.Generator().manual_seed(seed)
        batches = Batches.of(self.preprocessing, showers, generator, seed)
        critics = training.untrained(lambda: Critics(self.geometry, settings), seed)
        opponent = torch.optim.Adam(critics.parameters(), settings.learning_rate, MOMENTA, fused=True)
        optimizer = torch.optim.Adam(self.generators.parameters(), settings.learning_rate, MOMENTA, fused=True)
        mean = AveragedModel(self.generators, multi_avg_fn=get_ema_multi_avg_fn(OLDER))  # type: ignore[no-untyped-call]
        size, epochs = settings.batch_size, -(-settings.steps // EPOCH)

        def loss(rows: Tensor) -> Tensor:
            """After the critics' steps, how far the generators' showers are from simulated ones."""
            mean.update_parameters(self.generators)
            for own in rows.split(size):  # type: ignore[no-untyped-call]
                batch = batches(own)
                layers, voxels = self._made(batch, generator)
                opponent.zero_grad()
                critics.loss(batch, layers.detach(), voxels.detach(), generator).backward()  # type: ignore[no-untyped-call]
                opponent.step()
            return -critics.seen(batch, layers, voxels)

        history = training.fit(
            self.generators,
            loss,
            _drawn(len(showers), size * settings.critic_steps, generator),
            optimizer,
            epochs,
            rate=training.one_cycle(optimizer, settings.learning_rate, epochs * EPOCH, rising=RISING),
            what="a GAN of showers",
            key=KEY,
        )
        self.generators.load_state_dict(mean.module.state_dict())
        return history

    def _made(self, batch: Prepared, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Layers, and voxels of the simulated showers' layers."""
        noise = torch.randn(len(batch.layers), self.noise, generator=generator)
        layers = self.generators.layers(noise[:, : self.layers], batch.condition)
        return layers, self.generators.voxels(noise[:, self.layers :], batch.context)

    def forward(self, noise: Tensor, energies: Tensor) -> Tensor:
        """The voxels in MeV (n, voxels) of showers of particles of these energies in MeV (n,)."""
        layers = self.generators.layers(noise[:, : self.layers], self.preprocessing.condition(energies))
        deposits = self.preprocessing.deposits(energies, layers)
        context = self.preprocessing.context(energies, deposits)
        return self.preprocessing.shower(energies, deposits, self.generators.voxels(noise[:, self.layers :], context))


def _drawn(n: int, size: int, generator: torch.Generator) -> Iterator[list[Tensor]]:
    """Row numbers for the EPOCH steps of an epoch, ``size`` each, without end."""
    while True:
        yield [torch.randint(n, (size,), generator=generator) for _ in range(EPOCH)]
