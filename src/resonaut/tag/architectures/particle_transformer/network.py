"""weaver-core's Particle Transformer."""

import logging

from torch import Tensor, nn
from weaver.nn.model.ParticleTransformer import ParticleTransformer

from resonaut.tag.inputs import FEATURES
from resonaut.tag.settings import NetworkConfig

logging.getLogger("weaver").setLevel(logging.WARNING)


class PairTransformer(nn.Module):
    """Particle Transformer; attention is biased by the pairs' features (ln kT, ln z, ln Delta, ln m2)."""

    def __init__(self, settings: NetworkConfig) -> None:
        super().__init__()
        sizes = settings.transformer
        # The name "mod" is the one in weaver's published state dictionaries. The lengths are trimmed
        # before the call; the dense pair embedding is the faster one for jets that fill their places.
        self.mod = ParticleTransformer(
            input_dim=len(FEATURES),
            num_classes=len(settings.outputs),
            embed_dims=sizes.embed_dims,
            pair_embed_dims=sizes.pair_embed_dims,
            pair_embed_sparse_eval=(False, False),
            num_heads=sizes.heads,
            num_layers=sizes.layers,
            num_cls_layers=sizes.class_layers,
            block_params=dict.fromkeys(("dropout", "attn_dropout", "activation_dropout"), settings.dropout),
            trim=False,
        )

    def forward(self, features: Tensor, vectors: Tensor, mask: Tensor) -> Tensor:
        """Logits (n, outputs) from features (n, 7, p), vectors (n, 4, p) and mask (n, 1, p)."""
        logits: Tensor = self.mod(features, v=vectors, mask=mask)
        return logits
