"""weaver-core's ParticleNet."""

import logging

from torch import Tensor, nn
from weaver.nn.model.ParticleNet import ParticleNet

from resonaut.tag.inputs import FEATURES
from resonaut.tag.settings import NetworkConfig

logging.getLogger("weaver").setLevel(logging.WARNING)


class PointNet(nn.Module):
    """ParticleNet: edge convolutions over each constituent's nearest neighbours."""

    def __init__(self, settings: NetworkConfig) -> None:
        super().__init__()
        sizes = settings.edge_conv
        self.mod = ParticleNet(
            input_dims=len(FEATURES),
            num_classes=len(settings.outputs),
            conv_params=[(sizes.neighbours, tuple(channels)) for channels in sizes.channels],
            fc_params=[(width, settings.dropout) for width in sizes.dense],
            use_fusion=False,
            use_fts_bn=True,
            use_counts=True,
            trim=False,
        )

    def forward(self, features: Tensor, vectors: Tensor, mask: Tensor) -> Tensor:
        """Logits (n, outputs); the points of the graph are delta_eta and delta_phi; no four-vectors."""
        del vectors
        logits: Tensor = self.mod(features[:, 5:7], features, mask)
        return logits
