"""A particle-flow network: each constituent embedded, summed over the jet, and dense layers."""

from torch import Tensor, nn

from resonaut.tag.architectures.layers import dense
from resonaut.tag.inputs import names
from resonaut.tag.settings import NetworkConfig


class DeepSets(nn.Module):
    """F(sum_i Phi(x_i)), arXiv:1810.05165; the sum is over ``max_constituents`` to begin near 1."""

    def __init__(self, settings: NetworkConfig) -> None:
        super().__init__()
        sizes = settings.deep_sets
        self.most = settings.max_constituents
        self.constituent = dense([len(names(settings.inputs)), *sizes.constituent])
        self.jet = dense([sizes.constituent[-1], *sizes.dense, len(settings.outputs)], settings.dropout)

    def forward(self, features: Tensor, vectors: Tensor, mask: Tensor) -> Tensor:
        """Logits (n, outputs) from features (n, f, p) and mask (n, 1, p); no four-vectors."""
        del vectors
        each = self.constituent(features.transpose(1, 2)).relu() * mask.transpose(1, 2)
        logits: Tensor = self.jet(each.sum(dim=1) / self.most)
        return logits
