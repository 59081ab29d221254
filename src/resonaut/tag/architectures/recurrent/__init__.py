"""A recurrent network over the constituents by falling pT (D. Guest et al., arXiv:1607.08633, for flavour)."""

from typing import TYPE_CHECKING

from resonaut.tag.architectures import Network

if TYPE_CHECKING:
    from resonaut.tag.settings import NetworkConfig


def widest(settings: "NetworkConfig", places: int) -> int:
    """The four gates of all steps."""
    return places * 4 * settings.recurrent.hidden


NETWORKS = {"recurrent": Network("network.Recurrent", graph="graph.model", widest=widest, title="recurrent", year=2016)}
