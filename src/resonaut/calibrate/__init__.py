"""The stage calibrate; ``lund_plane`` is its function for notebooks."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from resonaut.calibrate.lund import lund_plane

__all__ = ["lund_plane"]


def __getattr__(name: str) -> Any:
    """Import what needs the compiler only when it is asked for: the command line must answer at once."""
    if name == "lund_plane":
        from resonaut.calibrate.lund import lund_plane

        return lund_plane
    raise AttributeError(name)
