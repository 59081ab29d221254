"""Where a training on the uncertainty may begin: at the best bins of a network that cross entropy has trained.

From random weights a network finds bins that its few training events happen to fill well. What separates the classes is
learned with less noise from the cross entropy, a mean over events; the uncertainty then moves the borders of the bins.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from resonaut.learn import training
from resonaut.learn.autoencoder.plain import perceptron
from resonaut.learn.inference.binning import best_bins
from resonaut.learn.inference.events import Events
from resonaut.learn.inference.measurement import Measurement
from resonaut.learn.inference.settings import Settings

if TYPE_CHECKING:
    from resonaut.learn.inference.network import Network

# Of the network that imitates the bins: passes over the training events, and events in a step.
PASSES, BATCH = 30, 500


def classes_of(measurement: Measurement) -> list[int]:
    """A class for each sample: one for the signals of each parameter of interest, and one for each background."""
    signals = {name: k for k, names in enumerate(measurement.signals.values()) for name in names}
    others = (name for name in measurement.samples if name not in signals)
    classes = signals | {name: k for k, name in enumerate(others, start=len(measurement.signals))}
    return [classes[name] for name in measurement.samples]


def cross_entropy(
    events: Events, held_out: Events, classes: Sequence[int], settings: Settings, epochs: int, seed: int
) -> Callable[[Tensor], Tensor]:
    """Probabilities (n, classes) of features (n, d), by a network of the same size; classes count the same.

    ``classes``: of each sample. The best epoch is that of the smallest cross entropy of ``held_out``.
    """
    of_sample = torch.tensor(classes)
    number = int(of_sample.max()) + 1
    network = training.untrained(
        lambda: perceptron([events.features.shape[1], *settings.hidden, number], nn.ReLU), seed
    )
    centre, spread = events.features.mean(dim=0), events.features.std(dim=0).clamp(min=1e-6)
    rate = settings.warm_up_rate or settings.learning_rate
    optimizer = torch.optim.Adam(network.parameters(), lr=rate)
    steps = epochs * -(-len(events) // settings.batch_size)

    def balanced(of: Events) -> Tensor:
        own = of_sample[of.sample]
        sums = torch.zeros(number, dtype=torch.float64).index_add(0, own, of.weights)
        return (of.weights / sums[own] * len(of) / number).float()

    weights = {id(of): balanced(of) for of in (events, held_out)}

    def loss(rows: Tensor | slice, of: Events = events) -> Tensor:
        logits = network((of.features[rows] - centre) / spread)
        each = nn.functional.cross_entropy(logits, of_sample[of.sample[rows]], reduction="none")
        return (each * weights[id(of)][rows]).mean()

    training.fit(
        network,
        loss,
        training.shuffled(len(events), settings.batch_size, torch.Generator().manual_seed(seed)),
        optimizer,
        epochs,
        rate=training.warm_up_cosine(optimizer, rate, steps, rising=0),
        held_out=lambda: loss(slice(None), held_out),
        keep_best=True,
        what="a classifier on cross entropy",
        key="its warm_up_rate",
    )
    return lambda features: torch.softmax(network((features - centre) / spread), dim=1)


def imitate(
    network: "Network",
    measurement: Measurement,
    events: Events,
    held_out: Events,
    classes: Sequence[int],
    seed: int,
) -> None:
    """Teach a network the best bins of one that cross entropy has trained for the ``classes`` of the samples."""
    settings = network.settings
    values = cross_entropy(events, held_out, classes, settings, settings.warm_up, seed)
    with torch.no_grad():
        bin_of = best_bins(measurement, values, [events, held_out], settings.bins)
        bins, held_out_bins = bin_of(events.features), bin_of(held_out.features)
    rate = settings.warm_up_rate or settings.learning_rate
    optimizer = torch.optim.Adam(network.parameters(), lr=rate)
    training.fit(
        network,
        lambda rows: network.distance(events.features[rows], bins[rows]),
        training.shuffled(len(events), BATCH, torch.Generator().manual_seed(seed)),
        optimizer,
        PASSES,
        rate=training.warm_up_cosine(optimizer, rate, PASSES * -(-len(events) // BATCH), rising=0),
        held_out=lambda: network.distance(held_out.features, held_out_bins),
        keep_best=True,
        what="an imitation of the bins of cross entropy",
        key="its warm_up_rate",
    )
