"""An image of the constituents' pT around the jet axis, and a convolutional network."""

import itertools

import torch
from torch import Tensor, nn

from resonaut.tag.architectures.layers import dense
from resonaut.tag.settings import NetworkConfig


class JetImage(nn.Module):
    """Two channels: the constituents' share of the pT, and their number.

    Each constituent is shared between the four pixels around it in proportion to its nearness, so that the image
    changes smoothly with its direction, and is the same in every library.
    """

    centres: Tensor

    def __init__(self, settings: NetworkConfig) -> None:
        super().__init__()
        sizes = settings.jet_image
        self.register_buffer("centres", centres(sizes.pixels, sizes.half_width), persistent=False)
        self.pixel = 2 * sizes.half_width / (sizes.pixels - 1)
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise([2, *sizes.channels]):
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        self.convolutions = nn.Sequential(*layers)
        side = sizes.pixels // 2 ** len(sizes.channels)
        widths = [sizes.channels[-1] * side**2, *sizes.dense, len(settings.outputs)]
        self.jet = dense(widths, settings.dropout)

    def image(self, features: Tensor, vectors: Tensor, mask: Tensor) -> Tensor:
        """The images (n, 2, pixels, pixels); of its sides the first is eta."""
        pt = vectors[:, :2].square().sum(dim=1, keepdim=True).sqrt() * mask
        shares = torch.cat([pt / pt.sum(dim=2, keepdim=True), mask.to(pt.dtype)], dim=1)
        eta, phi = (
            (1 - (features[:, None, axis] - self.centres[:, None]).abs() / self.pixel).relu() for axis in (5, 6)
        )
        # (n, 2, pixels, p) times (n, 1, p, pixels).
        return (shares[:, :, None] * eta[:, None]) @ phi[:, None].transpose(2, 3)

    def forward(self, features: Tensor, vectors: Tensor, mask: Tensor) -> Tensor:
        """Logits (n, outputs) from features (n, 7, p), vectors (n, 4, p) and mask (n, 1, p)."""
        logits: Tensor = self.jet(self.convolutions(self.image(features, vectors, mask)).flatten(1))
        return logits


def centres(pixels: int, half_width: float) -> Tensor:
    """Where the pixels are, (pixels,)."""
    return torch.linspace(-half_width, half_width, pixels)
