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
# Noise for what is empty that a shower gets, and showers that are prepared at once.
COPIES, BLOCK = 4, 4096
KEY = "emulate.models.<name>.settings.learning_rate"


@dataclass(frozen=True)
class Batches:
    """Prepared training showers by their rows, each time turned or mirrored.

    There are ``COPIES`` of each, with other noise for what is empty, of which one is drawn each time; the numbers of
    a turned shower are those of the shower, turned.
    """

    condition: Tensor
    context: Tensor
    layers: Tensor
    voxels: Tensor
    images: Tensor
    generator: torch.Generator

    @classmethod
    def of(cls, preprocessing: Preprocessing, showers: Showers, generator: torch.Generator, seed: int) -> "Batches":
        """Those of showers, from which the preprocessing learns first."""
        preprocessing.learn(showers, seed)
        copies = [prepared(preprocessing, showers, generator) for _ in range(COPIES)]
        return cls(
            condition=copies[0].condition,
            context=copies[0].context,
            layers=torch.stack([one.layers for one in copies]),
            voxels=torch.stack([one.voxels for one in copies]),
            images=torch.as_tensor(symmetry.images(preprocessing.geometry)),
            generator=generator,
        )

    def __call__(self, rows: Tensor) -> Prepared:
        """The showers of some rows (n,)."""
        copy = torch.randint(COPIES, rows.shape, generator=self.generator)
        voxels = symmetry.turned(self.voxels[copy, rows], self.images, self.generator)
        return Prepared(self.condition[rows], self.layers[copy, rows], self.context[rows], voxels)


def prepared(preprocessing: Preprocessing, showers: Showers, generator: torch.Generator) -> Prepared:
    """All showers, prepared in blocks, which take less memory."""
    energies, voxels = torch.as_tensor(showers.energies), torch.as_tensor(showers.voxels)
    blocks = zip(energies.split(BLOCK), voxels.split(BLOCK), strict=True)  # type: ignore[no-untyped-call]
    return Prepared.joined([preprocessing.prepare(*block, generator) for block in blocks])


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
    seen = prepared(preprocessing, held_out, generator)
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
