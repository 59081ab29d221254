"""The section ``report`` of the configuration; its keys are explained in the schema."""

from dataclasses import dataclass
from pathlib import Path

from resonaut import config


@dataclass(frozen=True)
class Settings:
    """Frozen section ``report``: ``label`` stands above the figures of the search."""

    label: str


def label(path: Path | None) -> str:
    """The label of ``<results>/config/report.json``; none without the file."""
    return "" if path is None else config.read(path, Settings).label
