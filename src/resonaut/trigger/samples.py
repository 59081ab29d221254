"""Samples of crossings as networks see them: without what is saturated, with the decisions of a menu."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from resonaut.core.errors import ConfigError, EmptySelectionError
from resonaut.physics.level1 import files, menu
from resonaut.physics.level1.crossings import Crossings
from resonaut.trigger import emulator
from resonaut.trigger.arithmetic import Raw, values
from resonaut.trigger.inputs import integers
from resonaut.trigger.measure import FloatArray, Scored
from resonaut.trigger.results import IntegerNetwork

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Source:
    """Files of a sample: crossings, and for each of them the seeds' decisions, if they are in files of their own."""

    name: str
    crossings: Sequence[Path]
    seeds: Sequence[Path] = ()

    def __post_init__(self) -> None:
        if self.seeds and len(self.seeds) != len(self.crossings):
            raise ConfigError(
                f"the sample {self.name!r} has {len(self.crossings)} files of crossings and {len(self.seeds)} of "
                "seeds; give as many of one as of the other, or no seeds."
            )

    def pairs(self) -> list[tuple[Path, Path | None]]:
        """Each file with that of its seeds."""
        seeds: Sequence[Path | None] = self.seeds or [None] * len(self.crossings)
        return list(zip(self.crossings, seeds, strict=True))


@dataclass(frozen=True)
class Seen:
    """What is left of a sample: its scores, how many crossings had a saturated sum, and the menu's seeds."""

    scored: Scored
    saturated: int
    evaluated: list[str]
    unknown: list[str]


def training_inputs(sources: Sequence[Source], inputs: Sequence[str]) -> Raw:
    """The inputs of all crossings of samples in hardware integers, (n, inputs).

    Raises:
        InputFileError: a file is none.
    """
    parts = [integers(_usable(files.read(path))[0].masked(), inputs) for source in sources for path in source.crossings]
    return np.concatenate(parts) if parts else np.zeros((0, len(inputs)), np.int64)


def scored(
    sources: Sequence[Source],
    network: IntegerNetwork,
    floating: Callable[[Raw], FloatArray] | None,
    own_menu: menu.Menu | None,
) -> Seen:
    """The scores of all crossings of samples together.

    Args:
        sources: the samples.
        network: in integers.
        floating: the scores of inputs by the model of which it was made, if that is known.
        own_menu: the menu beside it.

    Raises:
        EmptySelectionError: no crossing is left.
        InputFileError: a file is none.
    """
    form = emulator.score_format(network)
    columns: dict[str, list[FloatArray]] = {}
    saturated, evaluated, unknown = 0, list[str](), list[str]()
    for path, seeds in (pair for source in sources for pair in source.pairs()):
        crossings, lost = _usable(files.read(path, seeds))
        saturated += lost
        raw = integers(crossings.masked(), network.inputs)
        found = {
            "score": values(emulator.score(network, raw), form),
            "missed": np.ones(len(crossings)),
            "pileup": crossings.pileup.astype(np.float64),
            "jets": (crossings.objects["jets"].et > 0).sum(axis=1).astype(np.float64),
        }
        if own_menu is not None:
            decision = menu.decide(own_menu, crossings)
            found["missed"], evaluated, unknown = decision.missed, decision.evaluated, decision.unknown
        if floating is not None:
            found["floating"] = floating(raw)
        for name, one in found.items():
            columns.setdefault(name, []).append(one)
        logger.info("%s: %d crossings", path, len(crossings))
    if not columns or not sum(map(len, columns["score"])):
        names = ", ".join(source.name for source in sources)
        raise EmptySelectionError(f"no crossing is left of the sample {names}; give larger ones.")
    joined = {name: np.concatenate(several) for name, several in columns.items()}
    return Seen(
        Scored(joined["score"], joined.get("floating"), joined["missed"], joined["pileup"], joined["jets"]),
        saturated,
        evaluated,
        unknown,
    )


def _usable(crossings: Crossings) -> tuple[Crossings, int]:
    """Those without a saturated sum, and how many had one."""
    lost = crossings.saturated
    return crossings[~lost], int(lost.sum())
