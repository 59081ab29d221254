"""A variational autoencoder of Level-1 objects, of which the trigger has the encoder's means (CMS-DP-2023-079).

The inputs are hardware integers less an offset over a power of two, as firmware calculates them; the score is the sum
of the squares of the code's means, the only part of the loss that needs neither the decoder nor random numbers.
"""

from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from resonaut.core.errors import EmptySelectionError
from resonaut.core.record import build
from resonaut.learn import store, training
from resonaut.learn.losses import divergence
from resonaut.trigger.arithmetic import Raw
from resonaut.trigger.inputs import names
from resonaut.trigger.settings import Model

KIND = "autoencoder of Level-1 objects"
MIN_CROSSINGS = 100
# Half the range between these percentiles is the spread that a shift makes about 1.
RANGE = (16, 84)
# Inputs are limited to this before the network, as a format of so many bits before the point limits them.
LIMIT = 32.0


@dataclass(frozen=True)
class Scales:
    """Offset and power of two of each input, (inputs,) integers."""

    offsets: Raw
    shifts: Raw

    @classmethod
    def fit(cls, integers: Raw, energies: npt.NDArray[np.bool_]) -> "Scales":
        """Of hardware integers (n, inputs), of each its objects that are there: those whose energy is not 0."""
        offsets, shifts = np.zeros(integers.shape[1], np.int64), np.zeros(integers.shape[1], np.int64)
        of_object = integers[:, np.maximum.accumulate(np.where(energies, np.arange(len(energies)), 0))] > 0
        for column in range(integers.shape[1]):
            there = integers[of_object[:, column], column]
            if len(there) > 1:
                low, middle, high = np.percentile(there, [RANGE[0], 50, RANGE[1]])
                offsets[column] = round(middle)
                shifts[column] = round(np.log2(max(high - low, 1) / 2))
        return cls(offsets, shifts)

    def __call__(self, integers: Raw) -> npt.NDArray[np.float32]:
        """Scaled inputs, (n, inputs)."""
        found = np.ldexp((integers - self.offsets).astype(np.float64), -self.shifts)
        return np.clip(found, -LIMIT, LIMIT).astype(np.float32)


class Network(nn.Module):
    """Encoder to means and log variances, and decoder; with ReLU between their layers."""

    def __init__(self, inputs: int, settings: Model) -> None:
        super().__init__()
        sizes = [inputs, *settings.hidden]
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.mean = nn.Linear(sizes[-1], settings.latent)
        self.log_variance = nn.Linear(sizes[-1], settings.latent)
        back = [settings.latent, *settings.hidden[::-1], inputs]
        layers = [part for a, b in pairwise(back) for part in (nn.Linear(a, b), nn.ReLU())]
        self.decoder = nn.Sequential(*layers[:-1])

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Means and log variances, (n, latent) each."""
        for layer in self.hidden:
            x = layer(x).relu()
        return self.mean(x), self.log_variance(x).clamp(-10, 10)

    def loss(self, x: Tensor, generator: torch.Generator | None, weight: float) -> Tensor:
        """Mean squared error of the inputs and the divergence of the code, (n,); at the means without a generator."""
        mean, log_variance = self.encode(x)
        z = mean
        if generator is not None:
            z = mean + (log_variance / 2).exp() * torch.randn(mean.shape, generator=generator)
        error = (self.decoder(z) - x).square().mean(dim=1)
        loss: Tensor = error + weight / x.shape[1] * divergence(mean, log_variance)
        return loss


@dataclass(frozen=True)
class Autoencoder:
    """A trained network, and how its inputs are scaled."""

    network: Network
    scales: Scales
    settings: Model

    @property
    def inputs(self) -> list[str]:
        """Names of the inputs."""
        return names(asdict(self.settings.objects))

    @classmethod
    def fit(cls, integers: Raw, settings: Model, name: str) -> "Autoencoder":
        """Train on inputs in hardware integers (n, inputs).

        Raises:
            EmptySelectionError: there are too few crossings.
            NotFiniteError: the training diverges.
        """
        if len(integers) < MIN_CROSSINGS:
            raise EmptySelectionError(
                f"{len(integers)} crossings are too few to train trigger.models.{name}; name larger samples."
            )
        training.deterministic(settings.seed)
        inputs = names(asdict(settings.objects))
        energies = np.array([place % 3 == 0 for place in range(len(inputs))])
        scales = Scales.fit(integers, energies)
        network = training.untrained(lambda: Network(len(inputs), settings), settings.seed)
        x = torch.as_tensor(scales(integers))
        generator = torch.Generator().manual_seed(settings.seed)
        order = torch.randperm(len(x), generator=generator)
        held_out = max(round(settings.held_out * len(x)), 1)
        seen, x = x[order[:held_out]], x[order[held_out:]]
        optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
        steps = settings.epochs * -(-len(x) // settings.batch_size)
        training.fit(
            network,
            lambda rows: network.loss(x[rows], generator, settings.divergence_weight).mean(),
            training.shuffled(len(x), settings.batch_size, generator),
            optimizer,
            settings.epochs,
            rate=training.one_cycle(optimizer, settings.learning_rate, steps),
            held_out=lambda: network.loss(seen, None, settings.divergence_weight).mean(),
            keep_best=True,
            what=f"the model {name}",
            key=f"trigger.models.{name}.learning_rate",
        )
        return cls(network, scales, settings)

    def score(self, integers: Raw) -> npt.NDArray[np.float64]:
        """The score of inputs in hardware integers, (n,)."""
        self.network.eval()
        parts = []
        with torch.no_grad():
            for begin in range(0, len(integers), 50000):
                mean, _ = self.network.encode(torch.as_tensor(self.scales(integers[begin : begin + 50000])))
                parts.append(mean.double().square().sum(dim=1).numpy())
        return np.concatenate(parts) if parts else np.zeros(0)

    def save(self, path: Path) -> None:
        """Write it."""
        state = {name: value.numpy() for name, value in self.network.state_dict().items()}
        state |= {"offsets": self.scales.offsets, "shifts": self.scales.shifts}
        store.save(path, store.Model(KIND, asdict(self.settings), state))


def load(path: Path) -> Autoencoder:
    """The model in a file that ``Autoencoder.save`` wrote.

    Raises:
        InputFileError: the file is missing or none.
    """
    found = store.load(path, KIND, "make it with 'resonaut trigger train'")
    settings = build(found.settings, Model, f"{path}: settings")
    network = Network(len(names(asdict(settings.objects))), settings)
    own = {name: torch.as_tensor(value) for name, value in found.state.items() if name not in ("offsets", "shifts")}
    network.load_state_dict(own)
    return Autoencoder(network, Scales(found.state["offsets"], found.state["shifts"]), settings)
