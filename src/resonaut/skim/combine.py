"""Simulation of several eras that is one dataset: each part stands for its era's part of the luminosity of data."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path

import awkward as ak
import numpy as np

from resonaut.core import events, manifest, weights
from resonaut.core.errors import InputFileError
from resonaut.core.events import Dataset, metadata
from resonaut.core.manifest import Cut, Manifest
from resonaut.core.results import write
from resonaut.core.variations import PASSES
from resonaut.core.weights import Factor


def combine(parts: Sequence[Path], data: Sequence[Path], output: Path) -> None:
    """Write the events of simulated datasets as chunks ``<part>-<chunk>`` of one, and its manifest.

    Its generator weights are in fb, so that its ``weight_scale`` is 1. Of the manifests of ``data`` the luminosities
    are read. All chunks hold all columns of weights: what a part lacks changes nothing of its events.

    Raises:
        InputFileError: a manifest is none, or its chunks do not hold its events; or the parts have different columns,
            masses or cross sections.
        ConfigError: a part is of an era that the data do not have, or an era has no luminosity.
    """
    opened = [Dataset.open(path) for path in parts]
    found = [part.manifest for part in opened]
    collisions = manifest.read(data)
    scales = [one.weight_scale * manifest.share(one, collisions) for one in found]
    described = _weights(opened)
    factors = {name: Factor.read(notes) for name, notes in described.items()}
    toys = {name: _length(opened, name) for name, factor in factors.items() if factor.way == "toys"}
    variations = {name: group for one in found for name, group in one.variations.items()}
    for part, scale in zip(opened, scales, strict=True):
        for chunk in part.manifest.chunks:
            path = part.path("skim", chunk)
            stored = metadata(path)
            lacking = _lacking(factors, stored)
            whole = described | stored | ({PASSES: {}} if variations else {})
            rows = events.iterate([path], list(stored), part.manifest.dropped.get(chunk, ()))
            events.write(
                output.with_suffix("") / f"{part.name}-{chunk}.parquet",
                _filled(rows, scale, lacking, toys, bool(variations)),
                {name: notes.get("unit", "1") for name, notes in whole.items()},
                whole,
            )
    joined = replace(
        found[0],
        name=output.stem,
        era=None,
        chunks=[f"{one.name}-{chunk}" for one in found for chunk in one.chunks],
        events=sum(one.events for one in found),
        weight_scale=1.0,
        cutflow=_cutflow(found, scales),
        lost=[lost for one in found for lost in one.lost],
        notes=[f"{one.name}: {note}" for one in found for note in one.notes],
        dropped={},
        variations=variations,
    )
    write(output, joined)


def _weights(parts: Sequence[Dataset]) -> dict[str, dict[str, str]]:
    """What is stored of the columns of weights of all parts; stop where the parts differ in anything else."""
    stored = [_columns(part) for part in parts]
    found = {name: notes for columns in reversed(stored) for name, notes in columns.items() if weights.KEY in notes}
    for part, columns in zip(parts, stored, strict=True):
        one, first = part.manifest, parts[0].manifest
        unlike = [key for key in ("mass", "cross_section") if getattr(one, key) != getattr(first, key)]
        names = sorted((columns.keys() ^ stored[0].keys()) - found.keys())
        names += [n for n in columns if n in found and columns[n].get(weights.KEY) != found[n][weights.KEY]]
        unlike += [f"the column {name!r}" for name in names]
        if unlike:
            raise _unlike(part, unlike[0])
    return found


def _columns(part: Dataset) -> dict[str, dict[str, str]]:
    """The columns that every chunk has; those of a variation may be missing."""
    stored = metadata(part.path("skim", part.manifest.chunks[0]))
    return {name: notes for name, notes in stored.items() if name != PASSES and "__" not in name}


def _length(parts: Sequence[Dataset], name: str) -> int:
    """How many equally likely weights a column has for each event."""
    holders = [part for part in parts if name in _columns(part)]
    lists = ((part, rows[name]) for part in holders for rows in part.iterate([name], every=True) if len(rows))
    found = {int(ak.max(ak.num(values))): part for part, values in lists}
    # A lone weight, of a file that has none, stands for all.
    found.pop(1, None)
    if len(found) > 1:
        raise _unlike(list(found.values())[-1], f"the number of weights {name!r}, {' or '.join(map(str, found))}")
    return max(found, default=1)


def _unlike(part: Dataset, what: str) -> InputFileError:
    path = part.results / "skim" / f"{part.name}.json"
    return InputFileError(path, f"differs from the other parts in {what}", "skim the parts of 'combine' alike")


def _lacking(factors: Mapping[str, Factor], stored: Mapping[str, object]) -> dict[str, list[str]]:
    """The columns of weights that a chunk lacks, each with the columns whose product it is.

    An uncertainty that the chunk lacks is its nominal weight of that group. Columns of one factor multiply, so that
    only one of them is that, and the others are 1.
    """
    there = {factor for name, factor in factors.items() if name in stored}
    found: dict[str, list[str]] = {}
    for name, factor in factors.items():
        if name not in stored:
            nominal = [n for n, one in factors.items() if n in stored and (one.group, one.source) == (factor.group, "")]
            found[name] = [] if factor in there else nominal
            there.add(factor)
    return found


def _filled(
    rows: Iterator[ak.Array], scale: float, lacking: Mapping[str, list[str]], toys: Mapping[str, int], shifted: bool
) -> Iterator[ak.Array]:
    """The batches of a chunk with weights in fb, the columns it lacks, and where there are variations ``passes``."""
    for batch in rows:
        batch["gen_weight"] = batch.gen_weight * scale
        for name, nominal in lacking.items():
            values = reduce(np.multiply, (np.asarray(batch[n]) for n in nominal), np.ones(len(batch), np.float32))
            repeated = np.repeat(values[:, None], toys.get(name, 1), axis=1)
            batch[name] = ak.from_regular(ak.Array(repeated)) if name in toys else values
        if shifted and PASSES not in batch.fields:
            batch[PASSES] = np.ones(len(batch), bool)
        yield batch


def _cutflow(found: Sequence[Manifest], scales: Sequence[float]) -> list[Cut]:
    """The events and weights (fb) of all parts, by cut; where cuts differ, only what was generated and what is left."""
    flows, names = [one.cutflow for one in found], [[row.cut for row in one.cutflow] for one in found]
    if any(one != names[0] for one in names):
        flows, names = [[flow[0], flow[-1]] for flow in flows], [["generated", "selected"]]
    return [
        Cut(
            cut=name,
            events=sum(row.events for row in rows),
            sum_weights=sum(row.sum_weights * scale for row, scale in zip(rows, scales, strict=True)),
        )
        for name, rows in zip(names[0], zip(*flows, strict=True), strict=True)
    ]
