"""The section ``report`` of the configuration; its keys are explained in the schema."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Frozen section ``report``: ``label`` stands above the figures of the search."""

    label: str
