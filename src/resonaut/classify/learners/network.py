"""A multilayer perceptron, trained by the one loop; scores are made without torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resonaut.classify.learners import Labelled, Learned, State, softmax
from resonaut.classify.settings import Learning

# Rows that are evaluated at once.
ROWS = 20_000


@dataclass(frozen=True)
class Perceptron:
    """Layers as ``weight_<i>`` (out, in) and ``bias_<i>``, of inputs less their ``centre`` in units of ``scale``."""

    arrays: Mapping[str, NDArray[Any]]

    def state(self) -> State:
        """The arrays."""
        return dict(self.arrays)

    def probabilities(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Of each class (n, classes)."""
        parts = [self._softmax(values[start : start + ROWS]) for start in range(0, max(len(values), 1), ROWS)]
        return np.concatenate(parts)

    def _softmax(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        hidden = (values.astype(np.float64) - self.arrays["centre"]) / self.arrays["scale"]
        layers = sum(name.startswith("weight_") for name in self.arrays)
        for layer in range(layers):
            hidden = hidden @ self.arrays[f"weight_{layer}"].T.astype(np.float64) + self.arrays[f"bias_{layer}"]
            hidden = np.maximum(hidden, 0) if layer < layers - 1 else hidden
        return softmax(hidden)


def load(state: Mapping[str, NDArray[Any]]) -> Perceptron:
    """The model with these arrays."""
    return Perceptron(state)


def learn(seen: Labelled, validation: Labelled, settings: Learning, seed: int) -> Learned:
    """Minimise the weighted cross entropy in batches of events."""
    # torch takes seconds to load.
    import torch
    from torch import nn

    from resonaut.learn import training
    from resonaut.learn.losses import cross_entropy

    chosen, share = settings.network, seen.weights / seen.weights.sum()
    centre = share @ seen.values.astype(np.float64)
    spread = np.sqrt(share @ (seen.values - centre) ** 2)
    scale = np.where(spread > 1e-6 * np.abs(centre), spread, 1.0)

    def tensors(events: Labelled) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        values = torch.as_tensor((events.values - centre) / scale, dtype=torch.float32)
        return values, torch.as_tensor(events.labels), torch.as_tensor(events.weights, dtype=torch.float32)

    (x, y, w), (u, z, v) = tensors(seen), tensors(validation)
    sizes = [seen.values.shape[1], *chosen.hidden, int(seen.labels.max()) + 1]
    network = training.untrained(lambda: _module(sizes, nn), seed)
    history = training.fit(
        network,
        lambda rows: cross_entropy(network(x[rows]), y[rows], w[rows]).mean(),
        training.shuffled(len(x), chosen.batch_size, torch.Generator().manual_seed(seed)),
        torch.optim.AdamW(network.parameters(), lr=chosen.learning_rate, weight_decay=chosen.weight_decay),
        chosen.epochs,
        held_out=lambda: cross_entropy(network(u), z, v).mean(),
        keep_best=True,
        patience=chosen.patience,
        what="a classifier",
        key="classify.classifiers.<name>.network.learning_rate",
    )
    arrays = {"centre": centre, "scale": scale}
    layers = [layer for layer in network if isinstance(layer, nn.Linear)]
    for place, layer in enumerate(layers):
        arrays[f"weight_{place}"] = layer.weight.detach().numpy()
        arrays[f"bias_{place}"] = layer.bias.detach().numpy()
    best = int(np.argmin(history.held_out))
    return Learned(Perceptron(arrays), history.training, history.held_out, best)


def _module(sizes: list[int], nn: Any) -> Any:
    layers: list[Any] = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])
