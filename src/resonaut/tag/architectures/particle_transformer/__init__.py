"""Particle Transformer (H. Qu et al., arXiv:2202.03772)."""

from typing import TYPE_CHECKING

from resonaut.tag.architectures import Network

if TYPE_CHECKING:
    from resonaut.tag.settings import NetworkConfig


def problem(settings: "NetworkConfig") -> str | None:
    """Heads that do not share the width."""
    width, heads = settings.transformer.embed_dims[-1], settings.transformer.heads
    if not width % heads:
        return None
    return f"transformer: {heads} heads do not divide the last of embed_dims, {width}; change one"


def widest(settings: "NetworkConfig", places: int) -> int:
    """A dense layer of a block; those of the pairs are larger, but so small for each pair that it does not matter."""
    return places * 4 * settings.transformer.embed_dims[-1]


NETWORKS = {
    "particle_transformer": Network(
        "network.PairTransformer",
        graph="graph.model",
        widest=widest,
        problem=problem,
        title="Particle Transformer",
        year=2022,
    )
}
