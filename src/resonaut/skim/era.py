"""What the era of a dataset says for it: triggers, filters, certified sections, corrections. Imports nothing heavy."""

import gzip
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from resonaut.core.datasets import DatasetConfig
from resonaut.core.errors import ConfigError
from resonaut.skim.corrections.settings import DataCorrections, DataJets, SimulatedCorrections, SimulatedJets, Table
from resonaut.skim.settings import Region, Skim


@dataclass(frozen=True)
class Era:
    """What holds for one dataset.

    ``region`` has the era's triggers and filters in place of its own. Events of data that have fired one of ``others``
    are left to another dataset. ``certified`` and ``prescales`` are files.
    """

    name: str
    region: Region
    others: tuple[str, ...]
    certified: str | None
    prescales: str | None
    corrections: DataCorrections | SimulatedCorrections

    @classmethod
    def of(cls, config: Skim, dataset: DatasetConfig, name: str) -> "Era":
        """What the era of the dataset ``name`` says.

        Raises:
            ConfigError: there is no region of its name, or its triggers are none of the era.
        """
        block, region, data = config.era(dataset), config.region(dataset.region, name), dataset.nature == "data"
        order = region.trigger if block.trigger is None else block.trigger
        filters = region.met_filters if block.met_filters is None else block.met_filters
        own = dataset.trigger or order
        if dataset.trigger is not None:
            _require_own(name, dataset.trigger, order, data)
        return cls(
            dataset.era or "",
            replace(region, trigger=own, met_filters=filters),
            tuple(before(order, own)),
            (dataset.certified or block.certified) if data else None,
            block.prescales if data else None,
            block.corrections.data if data else block.corrections.simulation,
        )


def before(order: Sequence[str], own: Sequence[str]) -> list[str]:
    """The triggers that stand in the ``order`` before the first of a dataset's ``own``.

    >>> before(["HLT_IsoMu24", "HLT_Ele32", "HLT_PFHT1050"], ["HLT_Ele32"])
    ['HLT_IsoMu24']
    """
    return list(order[: min(map(order.index, own), default=0)])


def _require_own(name: str, own: Sequence[str], order: Sequence[str], data: bool) -> None:
    where = f"config: datasets.{name}.trigger"
    if not data:
        raise ConfigError(f"{where}: only data are recorded by some of the triggers; set it to null.")
    for trigger in own:
        if trigger not in order:
            known = ", ".join(order) or "none"
            raise ConfigError(
                f"{where}: {trigger!r} is no trigger of the dataset's era, which has {known}; correct one of them."
            )


def files(block: Mapping[str, Any], nature: str) -> list[str]:
    """The files that a dataset of this nature reads by an era's block (plain data), each once."""
    data = nature == "data"
    found = [block["certified"], block["prescales"]] if data else []
    found += _named(block["corrections"]["data" if data else "simulation"])
    return list(dict.fromkeys(filter(None, found)))


def _named(value: Any) -> Iterator[str | None]:
    """What stands under ``file`` in a section, at any depth."""
    for name, entry in value.items() if isinstance(value, dict) else ():
        if name == "file":
            yield entry
        else:
            yield from _named(entry)


def tables(made: DataCorrections | SimulatedCorrections) -> Iterator[tuple[str, str | None]]:
    """The tables of corrections: file and name, None for the only one of a file."""
    jets = [one for one in (made.large_jet, made.small_jet) if one is not None]
    for one in jets:
        yield from ((one.file, f"{name}_{one.algorithm}") for name in _parts(one))
        if (identification := one.identification) is not None:
            yield identification.file, identification.tight
            if identification.lepton_veto is not None:
                yield identification.file, identification.lepton_veto
    if (subjets := made.subjets) is not None and subjets.file is not None:
        yield from ((subjets.file, f"{one}_{subjets.levels}_{subjets.algorithm}") for one in _campaigns(subjets.scale))
    if (small := made.small_jet) is not None and (met := made.missing_momentum) is not None and met.offset is not None:
        yield from ((small.file, f"{one}_{met.offset}_{small.algorithm}") for one in _campaigns(small.scale))
    others: list[Table | None] = [made.jet_veto]
    if isinstance(made, SimulatedCorrections):
        others += [made.pileup, *made.particles.values()]
    yield from ((table.file, table.table) for table in others if table is not None)


def _parts(jets: DataJets | SimulatedJets) -> Iterator[str]:
    """The names of the tables of jets but for their last part, the algorithm."""
    yield from (f"{campaign}_{jets.levels}" for campaign in _campaigns(jets.scale))
    if isinstance(jets, SimulatedJets):
        yield from (f"{jets.scale}_{table}" for table in jets.uncertainties.values())
        if jets.resolution is not None:
            yield from (f"{jets.resolution}_{part}" for part in ("PtResolution", "ScaleFactor"))


def _campaigns(scale: str | Mapping[str, object]) -> list[str]:
    return [scale] if isinstance(scale, str) else list(scale)


def of_nature(block: Mapping[str, Any], nature: str) -> dict[str, Any]:
    """The part of an era's block (plain data) that is for datasets of one nature."""
    data = nature == "data"
    left_out = {} if data else {"certified": None, "prescales": None}
    part = "data" if data else "simulation"
    return {**block, **left_out, "corrections": {part: block["corrections"][part]}}


def require(era: Era, where: str, name: str, format_: str, flags: bool) -> None:
    """Stop with ``ConfigError`` where an era's block contradicts itself, or names missing files.

    Args:
        era: what holds for the dataset.
        where: the block, for messages.
        name: the dataset.
        format_: its format, of which ``flags`` says whether its files have what corrections read.
        flags: see there.
    """
    made = era.corrections
    part = f"{where}.corrections.{'data' if isinstance(made, DataCorrections) else 'simulation'}"
    if made != type(made)() and not flags:
        raise ConfigError(
            f"{part} is for datasets.{name}, whose format {format_} has nothing to correct; set its era to null, or to "
            "one without corrections."
        )
    if made.missing_momentum is not None and made.small_jet is None:
        raise ConfigError(f"{part}.missing_momentum needs the corrections of small_jet; give them, or set it to null.")
    if made.subjets is not None and made.subjets.file is not None and not made.subjets.scale:
        raise ConfigError(f"{part}.subjets has a file and no scale; give the campaign, the first part of its tables.")
    if isinstance(made, DataCorrections):
        for kind, jets in (("large_jet", made.large_jet), ("small_jet", made.small_jet), ("subjets", made.subjets)):
            require_runs(f"{part}.{kind}.scale", {} if jets is None else jets.scale)
    if era.prescales is not None and not era.region.trigger:
        raise ConfigError(f"{where}.prescales is for triggers, of which there is none; give the era's trigger.")
    if isinstance(made, SimulatedCorrections):
        known = [*made.shifts, *made.weights]
        for source in known:
            if known.count(source) > 1:
                raise ConfigError(f"{part} has two sources {source!r}, which would be one; rename one of them.")
        for source in made.uncorrelated:
            if source not in known:
                raise ConfigError(
                    f"{part}.uncorrelated: {source!r} is no source of the era, which has {', '.join(known) or 'none'}; "
                    "correct it."
                )


def require_runs(where: str, scale: Mapping[str, tuple[int, int]]) -> None:
    """Stop with ``ConfigError`` where the first and last runs of campaigns are upside down, or two have one run."""
    for name, (first, last) in scale.items():
        if last < first:
            raise ConfigError(f"{where}.{name} is [{first}, {last}]; give the first run first.")
    ranges = sorted(scale.items(), key=lambda one: one[1])
    for (one, (_, last)), (other, (first, _)) in pairwise(ranges):
        if first <= last:
            raise ConfigError(f"{where}: {one} and {other} both have the run {first}; correct one of them.")


def require_tables(made: DataCorrections | SimulatedCorrections) -> None:
    """Stop where a file of tables does not have one of a given name.

    It is searched as a text, which takes a twentieth of the time of reading the tables.

    Raises:
        InputFileError: it does not, or is no file of tables.
    """
    for path, name in tables(made):
        if name is not None and f'"{name}"'.encode() not in _text(path):
            from resonaut.skim.corrections import tables as opened

            opened.Table.of(path, name)


@lru_cache(maxsize=2)
def _text(path: str) -> bytes:
    """The content of a file, which may be compressed; empty where it cannot be read."""
    try:
        return gzip.open(path).read() if path.endswith(".gz") else Path(path).read_bytes()
    except (OSError, EOFError, zlib.error):
        return b""


def require_files(where: str, paths: Sequence[str]) -> None:
    """Stop with ``ConfigError`` where one of the files that an era names is not there."""
    for path in paths:
        if not Path(path).is_file():
            raise ConfigError(f"{where}: no file {path!r}; correct the path (relative to {Path.cwd()}).")
