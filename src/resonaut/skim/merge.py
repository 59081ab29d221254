"""Merge the chunks of a dataset into its manifest: the cutflow, the normalisation, what was lost."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from resonaut import config as frozen
from resonaut.dataset import BLIND_ROLES, DatasetConfig
from resonaut.errors import ConfigError, EmptySelectionError, InputFileError
from resonaut.events import Manifest
from resonaut.files import write_json
from resonaut.skim import cutflow
from resonaut.skim.chunk import Summary
from resonaut.skim.settings import Skim


def merge(config: Skim, dataset: DatasetConfig, name: str, summaries: list[Path], output: Path) -> None:
    """Write the manifest of a dataset from the summaries of its chunks.

    Raises:
        InputFileError: more than the configured fraction of the events was lost.
        ConfigError: simulation without a cross section.
        EmptySelectionError: no event is left.
    """
    chunks = [frozen.read(path, Summary) for path in summaries]
    lost = [entry for chunk in chunks for entry in chunk.lost]
    fraction = lost_fraction(chunks)
    if fraction > config.bad_files.max_lost_fraction:
        raise InputFileError(
            lost[0]["file"],
            f"this and {len(lost) - 1} more files of {name!r} are lost, {fraction:.1%} of the events",
            "replace them, or raise skim.bad_files.max_lost_fraction",
        )
    flow = cutflow.total(chunk.cutflow for chunk in chunks if chunk.cutflow)
    scale = 1.0
    if dataset.role not in BLIND_ROLES:
        count, weights = (sum(chunk.generated[i] for chunk in chunks) for i in (0, 1))
        flow = [cutflow.row("generated", int(count), float(weights)), *flow]
        scale = weight_scale(dataset, name, float(weights))
    require_events(flow, name)
    manifest = Manifest(
        name=name,
        role=dataset.role,
        chunks=[chunk.chunk for chunk in chunks],
        events=flow[-1]["events"],
        luminosity=None if dataset.luminosity is None else dataset.luminosity * (1 - fraction),
        cross_section=dataset.cross_section,
        mass=dataset.mass,
        weight_scale=scale,
        cutflow=flow,
        lost=lost,
    )
    write_json(output, asdict(manifest))


def lost_fraction(chunks: list[Summary]) -> float:
    """The part of a dataset's events that is in lost files; a file of unknown size counts as a mean one."""
    files = sum(chunk.files for chunk in chunks)
    lost: list[int | None] = [entry["events"] for chunk in chunks for entry in chunk.lost]
    if not lost:
        return 0.0
    known = [events for events in lost if events is not None]
    readable = sum(chunk.events for chunk in chunks) + sum(known)
    unknown = len(lost) - len(known)
    if not readable:
        return len(lost) / files
    mean = readable / (files - unknown)
    return (sum(known) + unknown * mean) / (readable + unknown * mean)


def weight_scale(dataset: DatasetConfig, name: str, sum_weights: float) -> float:
    """The factor from a generator weight to fb: cross section over the weights of all generated events."""
    if dataset.cross_section is None:
        raise ConfigError(f"config: datasets.{name}.cross_section is null; simulation needs one, in fb.")
    if sum_weights <= 0:
        raise EmptySelectionError(f"{name}: the generator weights sum to {sum_weights:g}; correct the dataset's files.")
    return dataset.cross_section / sum_weights


def require_events(flow: list[dict[str, Any]], name: str) -> None:
    """Stop where nothing is left, and name the cut that took the last event."""
    for line in flow:
        if not line["events"]:
            raise EmptySelectionError(
                f"{name}: no event is left after the cut {line['cut']!r}; loosen it in skim.regions, "
                "or correct the dataset's region or files."
            )
    if not flow or flow[-1]["cut"] == "generated":
        raise EmptySelectionError(f"{name}: its files hold no events; correct datasets.{name}.files.")
