"""A long short-term memory that reads the constituents by falling pT, and dense layers on its last state."""

from torch import Tensor, nn

from resonaut.tag.architectures.layers import dense
from resonaut.tag.inputs import names
from resonaut.tag.settings import NetworkConfig


class Recurrent(nn.Module):
    """The order of the constituents counts; what follows the last one does not."""

    def __init__(self, settings: NetworkConfig) -> None:
        super().__init__()
        sizes = settings.recurrent
        self.memory = nn.LSTM(len(names(settings.inputs)), sizes.hidden, batch_first=True)
        self.jet = dense([sizes.hidden, *sizes.dense, len(settings.outputs)], settings.dropout)

    def forward(self, features: Tensor, vectors: Tensor, mask: Tensor) -> Tensor:
        """Logits (n, outputs) from features (n, f, p) and mask (n, 1, p); no four-vectors."""
        del vectors
        states, _ = self.memory(features.transpose(1, 2))
        last = mask.sum(dim=2, keepdim=True) - 1
        logits: Tensor = self.jet(states.gather(1, last.expand(-1, -1, states.shape[2])).squeeze(1))
        return logits
