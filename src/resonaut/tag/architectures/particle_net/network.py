"""weaver-core's ParticleNet, with neighbours that do not depend on a jet's batch."""

import logging

import torch
from torch import Tensor, nn
from weaver.nn.model.ParticleNet import EdgeConvBlock, ParticleNet, get_graph_feature

from resonaut.tag.heads import Constituents
from resonaut.tag.inputs import names
from resonaut.tag.settings import NetworkConfig

logging.getLogger("weaver").setLevel(logging.WARNING)


class PointNet(nn.Module):
    """ParticleNet: edge convolutions over each constituent's nearest neighbours."""

    def __init__(self, settings: NetworkConfig) -> None:
        super().__init__()
        sizes = settings.edge_conv
        self.mod = ParticleNet(
            input_dims=len(names(settings.inputs)),
            num_classes=len(settings.outputs),
            conv_params=[(sizes.neighbours, tuple(channels)) for channels in sizes.channels],
            fc_params=[(width, settings.dropout) for width in sizes.dense],
            use_fusion=False,
            use_fts_bn=True,
            use_counts=True,
            trim=False,
        )
        # weaver makes the layers as it always does; what differs is the choice of neighbours.
        for block in self.mod.edge_convs:
            block.__class__ = EdgeConvolution
        self.constituents = Constituents(self.mod.edge_convs[-1], sizes.channels[-1][-1])

    def forward(self, features: Tensor, vectors: Tensor, mask: Tensor) -> Tensor:
        """Logits (n, outputs); the points of the graph are delta_eta and delta_phi; no four-vectors."""
        del vectors
        logits: Tensor = self.mod(features[:, 5:7], features, mask)
        return logits


class EdgeConvolution(EdgeConvBlock):  # type: ignore[misc]
    """weaver's edge convolution over ``nearest`` neighbours."""

    def forward(self, points: Tensor, features: Tensor) -> Tensor:
        """Features (n, c, p) of places at points (n, d, p) to features (n, c', p)."""
        edges = get_graph_feature(features, self.k, nearest(points, self.k))
        for convolution, normalisation, activation in zip(self.convs, self.bns, self.acts, strict=True):
            edges = activation(normalisation(convolution(edges)))
        shortcut = self.sc_bn(self.sc(features)) if self.sc else features
        output: Tensor = self.sc_act(shortcut + edges.mean(dim=-1))
        return output


def nearest(points: Tensor, k: int) -> Tensor:
    """The k nearest other places of each, (n, p, k), for points (n, d, p); of equally near ones the first.

    weaver takes them as ``topk`` gives them, which differs between batches: constituents in the same direction are
    equally near, and near ones may be ordered by the rounding of single precision. It also takes the first of them for
    the constituent itself.
    """
    x = points.detach().double()
    # |x_j|^2 - 2 x_i x_j, which has the order of the distances from x_i.
    distance = x.square().sum(dim=1, keepdim=True) - 2 * x.transpose(1, 2) @ x
    distance.diagonal(dim1=1, dim2=2).fill_(torch.inf)
    return distance.sort(dim=-1, stable=True).indices[..., :k]
