"""Simulation of several eras that is one dataset: each part stands for its era's part of the luminosity of data."""

from collections.abc import Iterator, Mapping, Sequence
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
    joined = Manifest(
        name=output.stem,
        nature="simulation",
        era=None,
        chunks=[f"{one.name}-{chunk}" for one in found for chunk in one.chunks],
        events=sum(one.events for one in found),
        luminosity=None,
        cross_section=found[0].cross_section,
        mass=found[0].mass,
        weight_scale=1.0,
        cutflow=_cutflow(found, scales),
        lost=[lost for one in found for lost in one.lost],
        notes=[f"{one.name}: {note}" for one in found for note in one.notes],
        dropped={},
        variations=variations,
    )
    write(output, joined)


def _weights(parts: Sequence[Dataset]) -> dict[str, dict[str, str]]:
    """What is stored of the columns of weights of all parts; stop where these differ in anything else."""
    found: dict[str, dict[str, str]] = {}
    for part in parts:
        columns = _columns(part)
        found |= {name: notes for name, notes in columns.items() if weights.KEY in notes}
    first = parts[0]
    for part in parts[1:]:
        for key in ("mass", "cross_section"):
            one, other = (getattr(dataset.manifest, key) for dataset in (part, first))
            if one != other:
                raise _unlike(part, f"the {key} {one}, and {first.name!r} {other}")
        for name in sorted((_columns(first).keys() ^ _columns(part).keys()) - found.keys()):
            raise _unlike(part, f"{'a' if name in _columns(part) else 'no'} column {name!r}, unlike {first.name!r}")
    for part in parts:
        for name, notes in _columns(part).items():
            if name in found and notes.get(weights.KEY) != found[name][weights.KEY]:
                raise _unlike(part, f"in {name!r} another weight than the parts after it")
    return found


def _columns(part: Dataset) -> dict[str, dict[str, str]]:
    """The columns of nominal values, in every chunk; those of a variation may be missing."""
    stored = metadata(part.path("skim", part.manifest.chunks[0]))
    return {name: notes for name, notes in stored.items() if name != PASSES and "__" not in name}


def _unlike(part: Dataset, has: str) -> InputFileError:
    path = part.results / "skim" / f"{part.name}.json"
    return InputFileError(path, f"has {has}", "skim the parts of 'combine' alike, or take one out")


def _length(parts: Sequence[Dataset], name: str) -> int:
    """How many equally likely weights a column has for each event."""
    holders = [part for part in parts if name in _columns(part)]
    lengths = {len(rows[name][0]): part for part in holders for rows in part.iterate([name], every=True) if len(rows)}
    if len(lengths) > 1:
        raise _unlike(list(lengths.values())[-1], f"other numbers of weights {name!r}: {sorted(lengths)}")
    return max(lengths, default=1)


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
        made: dict[str, ak.Array | np.ndarray] = {"gen_weight": batch.gen_weight * scale}
        for name, nominal in lacking.items():
            values = np.ones(len(batch), np.float32)
            for column in nominal:
                values = values * np.asarray(batch[column])
            repeated = np.repeat(values[:, None], toys.get(name, 1), axis=1)
            made[name] = ak.from_regular(ak.Array(repeated)) if name in toys else values
        if shifted and PASSES not in batch.fields:
            made[PASSES] = np.ones(len(batch), bool)
        for name, added in made.items():
            batch[name] = added
        yield batch


def _cutflow(found: Sequence[Manifest], scales: Sequence[float]) -> list[Cut]:
    """The events and weights (fb) of all parts, by cut; where cuts differ, only what was generated and what is left."""
    flows = [
        [Cut(cut=row.cut, events=row.events, sum_weights=row.sum_weights * scale) for row in one.cutflow]
        for one, scale in zip(found, scales, strict=True)
    ]
    names = [row.cut for row in flows[0]]
    if any([row.cut for row in flow] != names for flow in flows):
        names, flows = ["generated", "selected"], [[flow[0], flow[-1]] for flow in flows if flow]
    return [
        Cut(cut=name, events=sum(row.events for row in rows), sum_weights=sum(row.sum_weights for row in rows))
        for name, rows in zip(names, zip(*flows, strict=True), strict=True)
    ]
