"""Merge the chunks of a dataset into its manifest: the cutflow, the normalisation, what was lost."""

import logging
import operator
from collections import defaultdict
from functools import reduce
from pathlib import Path

from resonaut.core import formats
from resonaut.core.datasets import BLIND, DatasetConfig
from resonaut.core.errors import ConfigError, EmptySelectionError, InputFileError
from resonaut.core.manifest import Cut, Manifest
from resonaut.core.results import read, write
from resonaut.skim import cutflow
from resonaut.skim.copies import Copies
from resonaut.skim.era import Era
from resonaut.skim.pieces import not_fired
from resonaut.skim.results import Summary
from resonaut.skim.settings import Skim

log = logging.getLogger(__name__)


def merge(
    config: Skim,
    dataset: DatasetConfig,
    name: str,
    summaries: list[Path],
    output: Path,
    code: tuple[str, ...] = (),
    before: tuple[Path, ...] = (),
) -> None:
    """Write the manifest of a dataset from the summaries of its chunks and, beside them, their events.

    ``code``: the user's own files, in which the format may be. ``before``: chunks of data of the same era, whose events
    count there.

    Raises:
        InputFileError: more than the configured fraction of the events was lost, or events are there twice.
        ConfigError: simulation without a cross section, or a trigger that no file has.
        EmptySelectionError: no event is left.
    """
    chunks = [read(path, Summary) for path in summaries]
    _require_flags(config, dataset, name, chunks)
    flow = cutflow.total(chunk.cutflow for chunk in chunks if chunk.cutflow)
    fraction = _require_few_lost(config, name, chunks, 1 - (1 - lost_fraction(chunks)) * (1 - _broken(flow)))
    if flow and not _broken(flow):
        del flow[-1]
    notes = _notes(chunks)
    sections = formats.entry(dataset.format, code).sections
    paths = [path.with_suffix(".parquet") for path in summaries]
    dropped = Copies(config, dataset, name, paths, before, sections).drop(flow, notes)
    scale = 1.0
    if dataset.nature not in BLIND:
        count, sum_weights = (sum(chunk.generated[i] for chunk in chunks) for i in (0, 1))
        flow = [Cut(cut="generated", events=int(count), sum_weights=float(sum_weights)), *flow]
    require_events(flow, name)
    if dataset.nature not in BLIND:
        # The events that are left stand for those that were left out.
        scale = weight_scale(dataset, name, float(sum_weights) * _kept(flow))
    for note in notes:
        log.warning("%s: %s", name, note)
    manifest = Manifest(
        name=name,
        nature=dataset.nature,
        chunks=[chunk.chunk for chunk in chunks],
        events=flow[-1].events,
        luminosity=None if dataset.luminosity is None else dataset.luminosity * (1 - fraction),
        cross_section=dataset.cross_section,
        mass=dataset.mass,
        weight_scale=scale,
        cutflow=flow,
        lost=[entry for chunk in chunks for entry in chunk.lost + chunk.broken],
        notes=notes,
        dropped=dropped,
        era=dataset.era,
        variations=reduce(operator.or_, (chunk.variations for chunk in chunks)),
    )
    write(output, manifest)


def _require_flags(config: Skim, dataset: DatasetConfig, name: str, chunks: list[Summary]) -> None:
    """Stop where no file of the dataset has a trigger or filter of the region."""
    region, block = Era.of(config, dataset, name).region, config.era(dataset)
    read = sum(chunk.files - len(chunk.lost) for chunk in chunks)
    for key, flags in (("trigger", region.trigger), ("met_filters", region.met_filters)):
        for flag in flags:
            lacking = sum(entry.note == not_fired(flag) for chunk in chunks for entry in chunk.notes)
            if lacking and lacking == read:
                where = (
                    f"skim.eras.{dataset.era}" if getattr(block, key) is not None else f"skim.regions.{dataset.region}"
                )
                raise ConfigError(
                    f"config: {where}.{key}: no file of {name!r} has the branch {flag!r}; correct it, or take it out."
                )


def _require_few_lost(config: Skim, name: str, chunks: list[Summary], fraction: float) -> float:
    """The lost fraction, if it is allowed."""
    lost = [entry for chunk in chunks for entry in chunk.lost + chunk.broken]
    if fraction > config.bad_files.max_lost_fraction:
        raise InputFileError(
            lost[0].file,
            f"{lost[0].reason}; the losses of {name!r}, {len(lost)} such files, are {fraction:.1%} of its events",
            "replace the files, or raise skim.bad_files.max_lost_fraction",
        )
    return fraction


def _broken(flow: list[Cut]) -> float:
    """The part of the selected events that is left out for broken values, by the last cut."""
    selected = flow[-2].events if flow else 0
    return 1 - flow[-1].events / selected if selected else 0.0


def _kept(flow: list[Cut]) -> float:
    """The part of the selected events that is neither broken nor a copy of another."""
    left_out = [number for number, line in enumerate(flow) if line.cut in (cutflow.READABLE, "duplicates")]
    return float(flow[-1].events / flow[left_out[0] - 1].events) if left_out else 1.0


def _notes(chunks: list[Summary]) -> list[str]:
    """What was noted of the files, each once, with the number of files."""
    files = sum(chunk.files for chunk in chunks)
    found: dict[str, list[str]] = defaultdict(list)
    for chunk in chunks:
        for entry in chunk.notes:
            found[entry.note].append(entry.file)
    return [f"{len(names)} of {files} files: {note} (first {names[0]})" for note, names in found.items()]


def lost_fraction(chunks: list[Summary]) -> float:
    """The part of a dataset's events that is in lost files; a file of unknown size counts as a mean one."""
    files = sum(chunk.files for chunk in chunks)
    lost: list[int | None] = [entry.events for chunk in chunks for entry in chunk.lost]
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


def require_events(flow: list[Cut], name: str) -> None:
    """Stop where nothing is left, and name the cut that took the last event."""
    for line in flow:
        if not line.events:
            raise EmptySelectionError(
                f"{name}: no event is left after the cut {line.cut!r}; loosen it in skim.regions, "
                "or correct the dataset's region, files or list of certified sections."
            )
    if not flow or flow[-1].cut == "generated":
        raise EmptySelectionError(f"{name}: its files hold no events; correct datasets.{name}.files.")
