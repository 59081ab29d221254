"""A transformer's encoder with normalisation before each part (arXiv:2002.04745), pooled."""

from torch import Tensor, nn

from resonaut.tag.architectures.track_networks import TrackNetwork, attended, by_head
from resonaut.tag.settings import NetworkConfig


class TrackTransformer(TrackNetwork):
    """GN2's network: an embedding, blocks of a transformer, pooling."""

    def __init__(self, settings: NetworkConfig) -> None:
        super().__init__(settings, Block)


class Block(nn.Module):
    """Scaled dot-product attention between the constituents, then a dense layer on each."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm, self.dense_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.output = nn.Linear(width, width)
        self.first, self.second = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Constituents (n, p, width) and mask (n, 1, p) to constituents."""
        normed = self.norm(x)
        query, key, value = (by_head(part(normed), self.heads) for part in (self.query, self.key, self.value))
        logits = query @ key.transpose(2, 3) / query.shape[3] ** 0.5
        x = x + self.output(attended(logits, value, mask))
        made: Tensor = x + self.second(self.first(self.dense_norm(x)).relu())
        return made
