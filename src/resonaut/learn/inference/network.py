"""The network: features in, a bin of the fitted histogram out, trained on the uncertainty that the histogram gives."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from resonaut.core.errors import EmptySelectionError
from resonaut.core.record import build, plain
from resonaut.learn import store, training
from resonaut.learn.autoencoder.plain import perceptron
from resonaut.learn.blocks import in_blocks
from resonaut.learn.inference.events import Events, one_hot
from resonaut.learn.inference.histograms import equal_bins, gaussian_bins, softmax_bins
from resonaut.learn.inference.likelihood import Likelihood
from resonaut.learn.inference.measurement import Measurement
from resonaut.learn.inference.settings import Settings
from resonaut.learn.inference.start import classes_of, imitate
from resonaut.learn.progress import History

KIND = "classifier trained on the uncertainty"
DEFAULT = Settings()
# Fewer events make no histogram.
MIN_EVENTS = 20


class Network(nn.Module):
    """A perceptron of standardised features, with an output for each bin, or one of all."""

    centre: Tensor
    scale: Tensor

    def __init__(self, features: int, settings: Settings) -> None:
        super().__init__()
        self.settings = settings
        self.register_buffer("centre", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))
        outputs = settings.bins if settings.histogram == "softmax" else 1
        self.layers = perceptron([features, *settings.hidden, outputs], nn.ReLU)

    def standardise(self, features: Tensor) -> None:
        """Learn mean and spread of features, (n, d)."""
        self.centre, spread = features.mean(dim=0), features.std(dim=0)
        self.scale = spread.where(spread > 0, torch.ones_like(spread))

    def forward(self, features: Tensor) -> Tensor:
        """Probability of each bin, (n, bins), or the score from 0 to 1, (n, 1), of features (n, d)."""
        logits = self._logits(features)
        return torch.softmax(logits, dim=1) if self.settings.histogram == "softmax" else logits.sigmoid()

    def shares(self, features: Tensor) -> Tensor:
        """How much of each event is in each bin, (n, bins), with a gradient."""
        logits = self._logits(features)
        if self.settings.histogram == "softmax":
            return softmax_bins(logits, self.settings.temperature)
        return gaussian_bins(logits.sigmoid().squeeze(1), self.settings.bins)

    def bin(self, features: Tensor) -> Tensor:
        """The number of the bin that holds each event, (n,)."""
        logits = self._logits(features)
        if self.settings.histogram == "softmax":
            return logits.argmax(dim=1)
        return equal_bins(logits.sigmoid().squeeze(1), self.settings.bins)

    def hard(self, features: Tensor) -> Tensor:
        """1 in the bin that holds an event and 0 in the others, (n, bins)."""
        return one_hot(self.settings.bins, self.bin)(features)

    def distance(self, features: Tensor, bins: Tensor) -> Tensor:
        """How far events (n, d) are from the ``bins`` (n,) that they should be in: a number, with a gradient."""
        logits = self._logits(features)
        if self.settings.histogram == "softmax":
            return nn.functional.cross_entropy(logits / self.settings.temperature, bins)
        return nn.functional.mse_loss(self.settings.bins * logits.sigmoid().squeeze(1), bins + 0.5)

    def _logits(self, features: Tensor) -> Tensor:
        logits: Tensor = self.layers((features - self.centre) / self.scale)
        return logits


@dataclass(frozen=True)
class Classifier:
    """A trained network."""

    network: Network
    history: History

    @classmethod
    def fit(
        cls,
        measurement: Measurement,
        events: Events,
        held_out: Events,
        settings: Settings = DEFAULT,
        seed: int = 1,
        classes: Sequence[int] | None = None,
        what: str = "a classifier on the uncertainty",
        name: str = "its learning_rate",
    ) -> "Classifier":
        """Train on events; the best state is that of the smallest uncertainty with hard histograms of ``held_out``.

        Args:
            measurement: what is measured.
            events: that train, with weights that sum to the expected yields.
            held_out: others of the same samples, also with weights that sum to the expected yields.
            settings: of network and training.
            seed: of first weights and batches.
            classes: of each sample, for ``start: cross_entropy``; one for each background by default.
            what: the network's name in the sentence of an error, with its article.
            name: the configuration key of the learning rate.

        Raises:
            EmptySelectionError: there are too few events.
            NotFiniteError: the training diverges.
        """
        samples = len(measurement.samples)
        for part in (events, held_out):
            if len(part) < MIN_EVENTS:
                raise EmptySelectionError(
                    f"{len(part)} events are too few to train {what}; simulate more, or widen the cuts."
                )
        seen, judging = (
            Likelihood(measurement, list(part.variations), part.share if settings.statistics else 0)
            for part in (events, held_out)
        )
        network = training.untrained(lambda: Network(events.features.shape[1], settings), seed)
        network.standardise(events.features)
        generator = torch.Generator().manual_seed(seed)
        steps = max(len(events) // settings.batch_size, 1)

        def loss_of(profiled: bool) -> Callable[[Tensor], Tensor]:
            return lambda rows: seen.loss(events.fill(network.shares, samples, rows), profiled)

        def phase(profiled: bool, epochs: int, rate: float, kept: bool) -> History:
            optimizer = torch.optim.Adam(network.parameters(), lr=rate)
            return training.fit(
                network,
                loss_of(profiled),
                training.stratified(events.sample, samples, settings.batch_size, generator),
                optimizer,
                epochs,
                rate=training.warm_up_cosine(optimizer, rate, epochs * steps, rising=0),
                held_out=lambda: judging.loss(held_out.filled(network.hard, samples), profiled),
                keep_best=kept,
                what=what,
                key=name,
            )

        if settings.warm_up and settings.start == "cross_entropy":
            imitate(network, measurement, events, held_out, classes or classes_of(measurement), seed)
        elif settings.warm_up:
            phase(False, settings.warm_up, settings.warm_up_rate or settings.learning_rate, False)
        return cls(network, phase(True, settings.epochs, settings.learning_rate, True))

    def bin(self, features: ArrayLike) -> NDArray[np.int64]:
        """The bin of each event, from 0, (n,)."""
        numbers: NDArray[np.int64] = in_blocks(self.network.bin, _tensor(features)).numpy()
        return numbers

    def outputs(self, features: ArrayLike) -> NDArray[np.float64]:
        """Probability of each bin, (n, bins), or the score, (n, 1)."""
        values: NDArray[np.float64] = in_blocks(self.network, _tensor(features)).double().numpy()
        return values

    @property
    def model(self) -> store.Model:
        """What a file holds of it."""
        state = {name: values.numpy() for name, values in self.network.state_dict().items()}
        return store.Model(KIND, {"settings": plain(self.network.settings, Settings)}, state)

    @classmethod
    def of(cls, model: store.Model) -> "Classifier":
        """That of a file (``store.load``)."""
        return cls.restored(model.state, build(model.settings["settings"], Settings, KIND))

    @classmethod
    def restored(cls, state: Mapping[str, NDArray[Any]], settings: Settings) -> "Classifier":
        """That with these arrays."""
        network = Network(len(state["centre"]), settings)
        network.load_state_dict({name: torch.from_numpy(values) for name, values in state.items()})
        return cls(network.eval(), History())


def _tensor(features: ArrayLike) -> Tensor:
    return torch.as_tensor(np.asarray(features), dtype=torch.float32)
