"""Jet images and a convolutional network (L. de Oliveira et al., arXiv:1511.05190)."""

from typing import TYPE_CHECKING

from resonaut.tag.architectures import Network

if TYPE_CHECKING:
    from resonaut.tag.settings import NetworkConfig


def problem(settings: "NetworkConfig") -> str | None:
    """More poolings than the image has pixels for."""
    pixels, layers = settings.jet_image.pixels, len(settings.jet_image.channels)
    if pixels >= 2**layers:
        return None
    return f"jet_image: {pixels} pixels cannot be halved {layers} times; lower the number of channels"


def widest(settings: "NetworkConfig", places: int) -> int:
    """The first convolution, whose maps are the largest."""
    del places
    sizes = settings.jet_image
    return sizes.pixels**2 * sizes.channels[0]


NETWORKS = {
    "jet_image": Network(
        "network.JetImage", graph="graph.model", widest=widest, problem=problem, title="jet image", year=2015
    )
}
