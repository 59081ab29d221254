"""Training of models whose loss is a mean over showers, by the one loop."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from resonaut.emulate import symmetry
from resonaut.emulate.preprocessing import Prepared, Preprocessing
from resonaut.learn import training
from resonaut.learn.progress import History
from resonaut.physics.showers.files import Showers

# The learning rate rises in so much of all steps.
RISING = 0.1
KEY = "emulate.models.<name>.settings.learning_rate"


@dataclass(frozen=True)
class Batches:
    """Training showers by their rows, each time turned or mirrored, and with other noise for what is empty."""

    preprocessing: Preprocessing
    energies: Tensor
    voxels: Tensor
    images: Tensor
    generator: torch.Generator

    @classmethod
    def of(cls, preprocessing: Preprocessing, showers: Showers, generator: torch.Generator, seed: int) -> "Batches":
        """Those of showers, from which the preprocessing learns first."""
        preprocessing.learn(showers, seed)
        images = torch.as_tensor(symmetry.images(preprocessing.geometry))
        energies, voxels = torch.as_tensor(showers.energies), torch.as_tensor(showers.voxels)
        return cls(preprocessing, energies, voxels, images, generator)

    def __call__(self, rows: Tensor) -> Prepared:
        """The showers of some rows (n,)."""
        voxels = symmetry.turned(self.voxels[rows], self.images, self.generator)
        return self.preprocessing.prepare(self.energies[rows], voxels, self.generator)


def fit(
    module: nn.Module,
    preprocessing: Preprocessing,
    loss: Callable[[Prepared, torch.Generator], Tensor],
    showers: Showers,
    held_out: Showers,
    schedule: training.Schedule,
    seed: int,
    what: str,
) -> History:
    """Minimise the mean ``loss`` (n,) of showers, which draws from a generator; the best state on ``held_out`` is kept.

    The preprocessing learns first.

    Raises:
        NotFiniteError: the training diverges.
    """
    generator = torch.Generator().manual_seed(seed)
    batches = Batches.of(preprocessing, showers, generator, seed)
    seen = preprocessing.prepare(torch.as_tensor(held_out.energies), torch.as_tensor(held_out.voxels), generator)
    optimizer = torch.optim.Adam(module.parameters(), lr=schedule.learning_rate, fused=True)
    steps = schedule.epochs * -(-len(showers) // schedule.batch_size)
    return training.fit(
        module,
        lambda rows: loss(batches(rows), generator).mean(),
        training.shuffled(len(showers), schedule.batch_size, generator),
        optimizer,
        schedule.epochs,
        rate=training.one_cycle(optimizer, schedule.learning_rate, steps, rising=RISING),
        # The same draws each time, so that epochs can be compared.
        held_out=lambda: loss(seen, torch.Generator().manual_seed(seed)).mean(),
        keep_best=True,
        what=what,
        key=KEY,
    )
