"""ParticleNet (H. Qu and L. Gouskos, arXiv:1902.08570)."""

from typing import TYPE_CHECKING

from resonaut.tag.architectures import Network

if TYPE_CHECKING:
    from resonaut.tag.settings import NetworkConfig


def problem(settings: "NetworkConfig") -> str | None:
    """More neighbours than there are constituents."""
    if shortest(settings) <= settings.max_constituents:
        return None
    return (
        f"edge_conv.neighbours is {settings.edge_conv.neighbours}, not below max_constituents, "
        f"{settings.max_constituents}; lower it"
    )


def shortest(settings: "NetworkConfig") -> int:
    """A constituent and its neighbours."""
    return settings.edge_conv.neighbours + 1


def widest(settings: "NetworkConfig", places: int) -> int:
    """A layer on the edges."""
    return places * settings.edge_conv.neighbours * max(max(channels) for channels in settings.edge_conv.channels)


NETWORKS = {
    "particle_net": Network(
        "network.PointNet",
        graph="graph.model",
        widest=widest,
        problem=problem,
        shortest=shortest,
        title="ParticleNet",
        year=2019,
    )
}
