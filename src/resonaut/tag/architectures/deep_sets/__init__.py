"""Deep sets: an energy- or particle-flow network (P. Komiske, E. Metodiev, J. Thaler, arXiv:1810.05165)."""

from typing import TYPE_CHECKING

from resonaut.tag.architectures import Network

if TYPE_CHECKING:
    from resonaut.tag.settings import NetworkConfig


def widest(settings: "NetworkConfig", places: int) -> int:
    """A layer on the constituents."""
    return places * max(settings.deep_sets.constituent)


NETWORKS = {"deep_sets": Network("network.DeepSets", graph="graph.model", widest=widest, title="deep sets", year=2018)}
