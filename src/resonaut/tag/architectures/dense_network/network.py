"""A dense network on high-level observables, which are made once, before it is trained."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from resonaut.learn import training as loop
from resonaut.learn.losses import cross_entropy
from resonaut.tag.architectures.layers import dense
from resonaut.tag.architectures.observables import observed
from resonaut.tag.inputs import Inputs
from resonaut.tag.learning import OPERATIONS, Labelled, Learned
from resonaut.tag.results import Loss
from resonaut.tag.settings import NetworkConfig, TrainingConfig


class Observing(nn.Module):
    """Standardised observables (n, 13) to logits (n, outputs)."""

    mean: Tensor
    scale: Tensor

    def __init__(self, observables: Tensor, settings: NetworkConfig) -> None:
        super().__init__()
        self.register_buffer("mean", observables.mean(dim=0))
        spread = observables.std(dim=0)
        # What is the same for all jets tells nothing, and must not where other jets differ.
        self.register_buffer("scale", torch.where(spread > 1e-6, 1 / spread, 0))
        widths = [observables.shape[1], *settings.dense_network.hidden, len(settings.outputs)]
        self.jet = dense(widths, settings.dropout)

    def forward(self, observables: Tensor) -> Tensor:
        """Logits of raw observables."""
        logits: Tensor = self.jet((observables - self.mean) * self.scale)
        return logits


def learn(seen: Labelled, held_out: Labelled, settings: NetworkConfig, training: TrainingConfig, seed: int) -> Learned:
    """Minimise the weighted cross entropy with AdamW in one cycle, as the other networks do.

    Raises:
        NotFiniteError: the training diverged.
    """
    loop.deterministic(seed)
    module, batch = Observing(torch.from_numpy(observed(seen.inputs)), settings), training.batch_size
    optimizer = torch.optim.AdamW(module.parameters(), training.learning_rate, weight_decay=training.weight_decay)
    measured, jets = _loss(module, held_out), torch.arange(len(held_out.labels))
    history = loop.fit(
        module,
        _loss(module, seen),
        loop.shuffled(len(seen.labels), batch, torch.Generator().manual_seed(seed)),
        optimizer,
        training.epochs,
        rate=loop.one_cycle(optimizer, training.learning_rate, training.epochs * -(-len(seen.labels) // batch)),
        held_out=lambda: measured(jets),
        what="a dense_network",
        key="tag.training.learning_rate",
    )

    def outputs(inputs: Inputs) -> np.ndarray:
        with torch.inference_mode():
            probabilities: np.ndarray = module(torch.from_numpy(observed(inputs))).softmax(dim=1).numpy()
        return probabilities

    weights = [layer.weight.numel() for layer in module.jet if isinstance(layer, nn.Linear)]
    state = {name: values.numpy() for name, values in module.state_dict().items()}
    return Learned(
        state | {OPERATIONS: np.array(2.0 * sum(weights))},
        sum(parameter.numel() for parameter in module.parameters()),
        outputs,
        Loss(train=history.training, held_out=history.held_out),
    )


def _loss(module: nn.Module, jets: Labelled) -> Callable[[Tensor], Tensor]:
    """The mean loss of some jets by their row numbers."""
    x, labels = torch.from_numpy(observed(jets.inputs)), torch.from_numpy(jets.labels)
    weights = torch.from_numpy(jets.weights.astype(np.float32))
    return lambda rows: cross_entropy(module(x[rows]), labels[rows], weights[rows]).mean()
