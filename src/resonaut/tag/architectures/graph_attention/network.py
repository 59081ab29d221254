"""Graph attention on all pairs of constituents: GATv2 (S. Brody, U. Alon, E. Yahav, arXiv:2105.14491)."""

import torch
from torch import Tensor, nn

from resonaut.tag.architectures.track_networks import TrackNetwork, attended, by_head
from resonaut.tag.architectures.track_sizes import SLOPE
from resonaut.tag.settings import NetworkConfig


class GraphAttention(TrackNetwork):
    """GN1's network: an embedding, graph attention, pooling."""

    def __init__(self, settings: NetworkConfig) -> None:
        super().__init__(settings, AttentionLayer)


class AttentionLayer(nn.Module):
    """Each constituent takes from the others, itself included: weights from a . LeakyReLU(W x_i + V x_j)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.target = nn.Linear(width, width)
        self.source = nn.Linear(width, width, bias=False)
        self.attention = nn.Parameter(torch.randn(heads, width // heads) / (width // heads) ** 0.5)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Constituents (n, p, width) and mask (n, 1, p) to constituents."""
        normed = self.norm(x)
        target, source = by_head(self.target(normed), self.heads), by_head(self.source(normed), self.heads)
        edges = nn.functional.leaky_relu(target[:, :, :, None] + source[:, :, None], SLOPE)
        logits = (edges * self.attention[:, None, None]).sum(dim=-1)
        return x + attended(logits, source, mask).relu()
