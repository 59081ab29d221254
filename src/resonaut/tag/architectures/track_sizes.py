"""Which sizes of the flavour taggers contradict each other, and what their modules and graphs share."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resonaut.tag.settings import NetworkConfig

# Slope of the leaky ReLU of graph attention below 0.
SLOPE = 0.2


def problem(settings: "NetworkConfig") -> str | None:
    """Heads that do not share the width."""
    width, heads = settings.tracks.width, settings.tracks.heads
    return f"tracks: {heads} heads do not divide the width, {width}; change one" if width % heads else None
