"""What the flavour taggers of tracks have in common: an embedding of each constituent, layers between them, a pooling.

As in ATLAS's GN1 (ATL-PHYS-PUB-2022-027) and GN2 (arXiv:2505.19689). The constituents' features after the layers are
what auxiliary tasks see.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from resonaut.tag.architectures.layers import dense
from resonaut.tag.heads import Constituents
from resonaut.tag.inputs import names
from resonaut.tag.settings import NetworkConfig


class TrackNetwork(nn.Module):
    """Constituents that see each other through ``layers``, which map (n, p, width) and the mask to (n, p, width)."""

    def __init__(self, settings: NetworkConfig, layer: Callable[[int, int], nn.Module]) -> None:
        super().__init__()
        sizes = settings.tracks
        self.embed = dense([len(names(settings.inputs)), sizes.width, sizes.width])
        self.layers = nn.ModuleList(layer(sizes.width, sizes.heads) for _ in range(sizes.layers))
        self.norm = nn.LayerNorm(sizes.width)
        self.constituents = Constituents(self.norm, sizes.width, features_last=True)
        self.weight = nn.Linear(sizes.width, 1)
        self.jet = dense([sizes.width, *sizes.dense, len(settings.outputs)], settings.dropout)

    def forward(self, features: Tensor, vectors: Tensor, mask: Tensor) -> Tensor:
        """Logits (n, outputs) from features (n, f, p) and mask (n, 1, p); no four-vectors."""
        del vectors
        each = self.embed(features.transpose(1, 2)).relu()
        for layer in self.layers:
            each = layer(each, mask)
        each = self.norm(each)
        weight = self.weight(each).masked_fill(~mask.transpose(1, 2), -torch.inf).softmax(dim=1)
        logits: Tensor = self.jet((weight * each).sum(dim=1))
        return logits


def by_head(x: Tensor, heads: int) -> Tensor:
    """Rows (n, p, width) as (n, heads, p, width / heads)."""
    return x.reshape(*x.shape[:2], heads, -1).transpose(1, 2)


def attended(logits: Tensor, values: Tensor, mask: Tensor) -> Tensor:
    """The mean over real places of values (n, heads, p, d), weights from logits (n, heads, p, p); (n, p, width)."""
    weights = logits.masked_fill(~mask[:, None], -torch.inf).softmax(dim=-1)
    return (weights @ values).transpose(1, 2).flatten(2)
