"""What the stage ``report`` wants of a configuration."""

from typing import Any

NEEDS: tuple[str, ...] = ("select", "fit")
AFTER: tuple[str, ...] = ()


def section() -> type:
    """The record of the section ``report``."""
    from resonaut.report.settings import Section

    return Section


def check(config: dict[str, Any]) -> None:
    """Nothing: the stages that it shows have checked what it reads."""
