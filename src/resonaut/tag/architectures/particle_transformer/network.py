"""weaver-core's Particle Transformer."""

import logging

import torch
from torch import Tensor, nn
from weaver.nn.model.ParticleTransformer import ParticleTransformer, to_m2

from resonaut.tag.heads import Constituents
from resonaut.tag.inputs import names
from resonaut.tag.settings import NetworkConfig

logging.getLogger("weaver").setLevel(logging.WARNING)

# Least values before a logarithm or a division, as in weaver-core.
LEAST, LEAST_ENERGY = 1e-8, 1e-20


class PairTransformer(nn.Module):
    """Particle Transformer; attention is biased by the pairs' features (ln kT, ln z, ln Delta, ln m2)."""

    def __init__(self, settings: NetworkConfig) -> None:
        super().__init__()
        sizes = settings.transformer
        # The name "mod" is the one in weaver's published state dictionaries. The lengths are trimmed
        # before the call; the dense pair embedding is the faster one for jets that fill their places.
        self.mod = ParticleTransformer(
            input_dim=len(names(settings.inputs)),
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
        self.mod.pair_embed.pairwise_lv_fts = pair_features
        self.constituents = Constituents(self.mod.blocks[-1], sizes.embed_dims[-1], features_last=True)

    def forward(self, features: Tensor, vectors: Tensor, mask: Tensor) -> Tensor:
        """Logits (n, outputs) from features (n, f, p), vectors (n, 4, p) and mask (n, 1, p)."""
        logits: Tensor = self.mod(features, v=vectors, mask=mask)
        return logits


def pair_features(p: Tensor, q: Tensor) -> Tensor:
    """The features ln k_T, ln z, ln Delta and ln m^2 of pairs, (n, 4, pairs), from their four-vectors (n, 4, pairs).

    arXiv:2202.03772, Eq. 3. Angles are differences in double precision: in single precision, as in weaver-core, those
    of constituents in nearly the same direction are rounding, which differs between libraries.
    """
    (px, py, pz, energy), (qx, qy, qz, other) = p.double().unbind(dim=1), q.double().unbind(dim=1)
    y = _rapidity(pz, energy) - _rapidity(qz, other)
    phi = torch.atan2((px * qy - py * qx).float(), (px * qx + py * qy).float())
    delta = torch.sqrt(y.float() ** 2 + phi**2)
    pt, qt = (one[:, :2].square().sum(dim=1).sqrt() for one in (p, q))
    softer = torch.minimum(pt, qt)
    z = softer / (pt + qt).clamp(min=LEAST)
    features = torch.stack([softer * delta, z, delta, to_m2(p + q, eps=None).squeeze(1)], dim=1)
    return features.clamp(min=LEAST).log()


def _rapidity(pz: Tensor, energy: Tensor) -> Tensor:
    return 0.5 * ((energy + pz).clamp(min=LEAST_ENERGY).log() - (energy - pz).clamp(min=LEAST_ENERGY).log())
