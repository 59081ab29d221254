"""Merge the chunks of a dataset into its manifest: the cutflow, the normalisation, what was lost."""

import logging
import operator
from collections import defaultdict
from functools import reduce
from pathlib import Path

import awkward as ak
import numpy as np

from resonaut.core import events, formats
from resonaut.core.datasets import BLIND, DatasetConfig
from resonaut.core.errors import ConfigError, EmptySelectionError, InputFileError
from resonaut.core.events import KEY
from resonaut.core.manifest import Cut, Manifest
from resonaut.core.results import read, write
from resonaut.core.variations import PASSES
from resonaut.skim import cutflow, duplicates
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
    dropped = _drop_copies(config, dataset, name, paths, before, sections, flow, notes)
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


def _drop_copies(
    config: Skim,
    dataset: DatasetConfig,
    name: str,
    paths: list[Path],
    before: tuple[Path, ...],
    sections: bool,
    flow: list[Cut],
    notes: list[str],
) -> dict[str, list[int]]:
    """The rows of each chunk that are copies of earlier events, with a row in the cutflow if there are any."""
    if not flow or not flow[-1].events:
        return {}
    repeated = _repeated(config, dataset, name, paths, before, sections, notes)
    if not len(repeated):
        return {}
    rows = {file: repeated["row"][repeated["file"] == file] for file in np.unique(repeated["file"])}
    counts = [_nominal(paths[file], dropped) for file, dropped in rows.items()]
    number, weight = (sum(lost) for lost in zip(*counts, strict=True))
    left = Cut(cut="duplicates", events=flow[-1].events - int(number), sum_weights=flow[-1].sum_weights - weight)
    flow.append(left)
    return {paths[file].stem: dropped.tolist() for file, dropped in rows.items()}


def _repeated(
    config: Skim,
    dataset: DatasetConfig,
    name: str,
    paths: list[Path],
    before: tuple[Path, ...],
    sections: bool,
    notes: list[str],
) -> np.ndarray:
    """The events that are copies of earlier ones, where they may be dropped; others with their numbers are noted."""
    repeated = duplicates.find(paths, KEY, before)
    columns = duplicates.identity(dataset, sections, config.region(dataset.region, name))
    if sections and len(repeated) and not repeated["event"].any():
        # Folds and training samples are chosen by the numbers, too.
        first = _inputs(dataset, paths, repeated["first"][0], before)
        raise InputFileError(first, "has events numbered 0, which cannot be told from one another", "number them")
    if columns != KEY and (len(repeated) or not sections):
        alike, repeated = len(repeated), duplicates.find(paths, columns)
        if alike > len(repeated):
            text = "events have the numbers (run, luminosityBlock, event) of another one"
            notes.append(f"{alike - len(repeated)} {text}")
    if not len(repeated):
        return repeated
    if config.duplicates == "fail":
        first, copy = (_inputs(dataset, paths, repeated[place][0], before) for place in ("first", "file"))
        problem = f"{len(repeated)} events of {name!r} are there twice" + f", first in {first}" * (first != copy)
        raise InputFileError(copy, problem, "leave the copies out, or set skim.duplicates to drop")
    return repeated


def _inputs(dataset: DatasetConfig, paths: list[Path], number: int, before: tuple[Path, ...] = ()) -> str:
    """The files that a chunk was read from, as far as the configuration tells; a chunk of another dataset itself."""
    if number < 0:
        return str(before[number])
    path = paths[number]
    first = int(path.stem) * dataset.files_per_chunk if path.stem.isdecimal() else 0
    return ", ".join(dataset.files[first : first + dataset.files_per_chunk]) or str(path)


def _nominal(path: Path, rows: np.ndarray) -> tuple[int, float]:
    """How many of some rows of a chunk pass the nominal selection, and their summed generator weights."""
    stored = [name for name in ("gen_weight", PASSES) if name in events.columns(path)]
    found = ak.concatenate(list(events.iterate([path], stored)))[rows]
    if PASSES in stored:
        found = found[found[PASSES]]
    return len(found), float(ak.to_numpy(found.gen_weight).sum())


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
