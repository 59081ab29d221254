"""A transformer over the constituents of small jets, as ATLAS's GN2 (arXiv:2505.19689)."""

from typing import TYPE_CHECKING

from resonaut.tag.architectures import Network
from resonaut.tag.architectures.track_sizes import problem

if TYPE_CHECKING:
    from resonaut.tag.settings import NetworkConfig


def widest(settings: "NetworkConfig", places: int) -> int:
    """A dense layer of a block, or the attention of all heads."""
    return places * max(4 * settings.tracks.width, places * settings.tracks.heads)


NETWORKS = {
    "track_transformer": Network(
        "network.TrackTransformer",
        graph="graph.model",
        widest=widest,
        problem=problem,
        title="transformer, GN2",
        year=2025,
    )
}
