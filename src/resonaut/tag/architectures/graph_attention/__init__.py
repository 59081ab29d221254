"""A graph attention network over the constituents of small jets, as ATLAS's GN1 (ATL-PHYS-PUB-2022-027)."""

from typing import TYPE_CHECKING

from resonaut.tag.architectures import Network
from resonaut.tag.architectures.track_sizes import problem

if TYPE_CHECKING:
    from resonaut.tag.settings import NetworkConfig


def widest(settings: "NetworkConfig", places: int) -> int:
    """The features of all edges."""
    return places * places * settings.tracks.width


NETWORKS = {
    "graph_attention": Network(
        "network.GraphAttention",
        graph="graph.model",
        widest=widest,
        problem=problem,
        title="attention, GN1",
        year=2022,
    )
}
