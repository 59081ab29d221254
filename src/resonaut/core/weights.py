"""Weights of events, which any stage writes as columns of its friends, and later stages read without knowing the stage.

A column is a factor of its event's weight where its metadata say so (``Factor``). All those of a dataset and friends
multiply; an uncertainty is the same product with the columns of one source in place of the nominal ones of its group.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from typing import Literal, NamedTuple

import awkward as ak
import numpy as np
import numpy.typing as npt

from resonaut.core.errors import ConfigError, InputFileError
from resonaut.core.events import Dataset, metadata, require_finite
from resonaut.core.record import record

FloatArray = npt.NDArray[np.float64]

# By dataset, the folders of its friends that hold weights.
Weighted = Mapping[str, Sequence[str]]

KEY = "weight"


@dataclass(frozen=True)
class Factor:
    """What a column of weights is.

    ``group``: weights that belong together, such as ``lund``. ``source`` of an uncertainty, empty for the nominal
    weight, and the ``way`` it goes: up, down, or toys, a list of equally likely weights. Columns of one group, source
    and way multiply, such as those of two jets. ``keeps_total``: the weights move events in and out of a selection,
    and say nothing of how many there are.
    """

    group: str
    source: str = ""
    way: Literal["", "up", "down", "toys"] = ""
    keeps_total: bool = False

    def metadata(self) -> dict[str, str]:
        """What ``events.write`` stores with the column."""
        return {KEY: json.dumps(asdict(self), sort_keys=True)}

    @classmethod
    def read(cls, notes: Mapping[str, str]) -> "Factor":
        """What ``metadata`` has stored with a column."""
        return cls(**json.loads(notes[KEY]))


class Variation(NamedTuple):
    """One set of weights: the nominal one has neither group nor source; ``without`` has the group's weights as 1.

    Shifted objects (``core.variations``) are one, too, with the nominal weights of the events that pass with them.
    """

    group: str = ""
    source: str = ""
    way: Literal["", "up", "down", "toys", "without"] = ""

    @property
    def name(self) -> str:
        """``<group>_<source>_<way>``."""
        return "_".join(self)


NOMINAL = Variation()


def named(group: str, source: str) -> str:
    """What a source of uncertainty is called outside of its group.

    >>> named("lund", "b_quark"), named("jes", "jes_total"), named("pileup", "pileup")
    ('lund_b_quark', 'jes_total', 'pileup')
    """
    return source if f"{source}_".startswith(f"{group}_") else f"{group}_{source}"


def relative(events: ak.Array, column: str, place: int | None, where: str, dataset: str) -> FloatArray:
    """Weights (n,) of events relative to their own: a column of numbers, or those at a ``place`` of lists.

    ``where`` and ``dataset`` stand in the message.

    Raises:
        ConfigError: it is a list and no place is given, or the reverse, or the lists are shorter.
    """
    found = events[column]
    if (found.ndim > 1) != (place is not None):
        problem = "a list, give its place" if found.ndim > 1 else "no list, take place out"
        raise ConfigError(f"config: {where}: the weight {column!r} of {dataset!r} is {problem}.")
    if place is not None:
        if ak.any(ak.num(found) <= place):
            raise ConfigError(
                f"config: {where}: place {place} of {column!r} is beyond the lists of {dataset!r}; count from 0."
            )
        found = found[:, place]
    weights: FloatArray = ak.to_numpy(found).astype(np.float64)
    return weights


@dataclass(frozen=True)
class Weights:
    """The weights of a dataset and its ``friends``: the columns of each factor."""

    friends: tuple[str, ...]
    factors: Mapping[Factor, tuple[str, ...]]

    @classmethod
    def of(cls, dataset: Dataset, friends: Sequence[str]) -> "Weights":
        """Find the weights in a dataset's own chunks and in its friends, folders such as ``calibrate``.

        Raises:
            ConfigError: two folders have weights of one name, which would multiply or replace each other.
        """
        found: dict[Factor, list[str]] = {}
        homes: dict[Variation, set[str]] = {}
        for folder in (*friends, "skim"):
            for name, stored in metadata(dataset.path(folder, dataset.manifest.chunks[0])).items():
                if KEY in stored:
                    factor = Factor.read(stored)
                    found.setdefault(factor, []).append(name)
                    homes.setdefault(Variation(factor.group, factor.source, factor.way), set()).add(folder)
        _require_apart(dataset.name, homes)
        return cls(tuple(friends), {factor: tuple(names) for factor, names in found.items()})

    @property
    def columns(self) -> tuple[str, ...]:
        """The stored columns."""
        return tuple(name for names in self.factors.values() for name in names)

    def part(self, ending: str) -> "Weights":
        """Those columns alone that end so, such as the weights of one jet."""
        kept = {factor: tuple(n for n in names if n.endswith(ending)) for factor, names in self.factors.items()}
        return Weights(self.friends, kept)

    @property
    def groups(self) -> list[str]:
        """The groups of weights, each once."""
        return list(dict.fromkeys(factor.group for factor in self.factors))

    @property
    def variations(self) -> list[Variation]:
        """All sets of weights, the nominal one first."""
        varied = [Variation(factor.group, factor.source, factor.way) for factor in self.factors if factor.source]
        return [NOMINAL, *(Variation(group, way="without") for group in self.groups), *varied]

    def nominal(self, events: ak.Array) -> FloatArray:
        """The nominal weight of each event, shape (n,)."""
        return self.product(events, NOMINAL)[:, 0]

    def product(self, events: ak.Array, variation: Variation, *, changing: bool = False) -> FloatArray:
        """The weights of one variation, shape (n, 1) or for toys (n, toys).

        ``changing``: only those that change how many events there are.
        """
        chosen = self._chosen(variation, changing)
        return reduce(np.multiply, (self._values(events, names) for names in chosen), np.ones((len(events), 1)))

    def sums(self, rows: FloatArray, events: ak.Array, variation: Variation, *, changing: bool = False) -> FloatArray:
        """The sums of ``rows`` (rows, n) times the weights of one variation, shape (rows, 1) or (rows, toys)."""
        if not self._chosen(variation, changing):
            plain: FloatArray = rows.sum(axis=1, keepdims=True)
            return plain
        found: FloatArray = rows @ self.product(events, variation, changing=changing)
        return found

    def _chosen(self, variation: Variation, changing: bool) -> list[tuple[str, ...]]:
        """The columns of each factor in the product of a variation."""
        return [
            names
            for factor, names in self.factors.items()
            if self._holds(factor, variation) and not (changing and factor.keeps_total)
        ]

    def _holds(self, factor: Factor, variation: Variation) -> bool:
        """Whether a factor is in the product of a variation."""
        if factor.group == variation.group:
            return (factor.source, factor.way) == (variation.source, variation.way)
        return not factor.source

    def _values(self, events: ak.Array, names: Sequence[str]) -> FloatArray:
        product = np.ones((len(events), 1))
        for name in names:
            values = events[name]
            require_finite(values, name, "weights")
            dense = _toys(values, name) if values.ndim > 1 else ak.to_numpy(values)[:, None]
            product = product * dense
        return product


def _require_apart(dataset: str, homes: Mapping[Variation, set[str]]) -> None:
    """Stop where the weights of one way, or these and their group's nominal ones, are of two folders."""
    for one, folders in homes.items():
        both = sorted(folders | homes.get(Variation(one.group), set()))
        if len(both) > 1:
            raise ConfigError(
                f"dataset {dataset!r} has weights {one.group!r} in {both[0]!r} and in {both[1]!r}; give the ratio of "
                "reweight.ratios another source."
            )


def _toys(lists: ak.Array, name: str) -> FloatArray:
    """Equally likely weights, shape (n, toys); a lone one, such as of a file that has none, stands for all of them.

    Raises:
        InputFileError: events have different numbers of them.
    """
    counts = ak.to_numpy(ak.num(lists))
    most = counts.max(initial=1)
    _require_alike(name, counts)
    dense = np.repeat(ak.to_numpy(ak.flatten(lists)), np.where(counts == 1, most, 1).repeat(counts))
    return np.asarray(dense, np.float64).reshape(len(counts), most)


def _require_alike(name: str, counts: Iterable[int]) -> None:
    """Stop where events have different numbers of weights ``name``, but for a lone one."""
    *others, most = sorted(set(map(int, counts))) or [1]
    if not {1}.issuperset(others):
        problem = f"has {max(others)} equally likely weights in some events, and {most} in others"
        raise InputFileError(f"the column {name!r}", problem, "make a dataset of its own of the files of each kind")


def iterate(dataset: Dataset, columns: Sequence[str], friends: Sequence[str] = ()) -> Iterator[ak.Array]:
    """Yield the nominal events of a dataset in batches, with all their nominal weights.

    ``weight`` and ``gen_weight``, where they are among the ``columns``, include the weights in the dataset's own files,
    such as those for prescales and pile-up, and in its ``friends``.
    """
    weights = Weights.of(dataset, friends)
    for events in dataset.iterate(list(dict.fromkeys((*columns, *weights.columns))), friends):
        factor = weights.nominal(events)
        for name in {"weight", "gen_weight"}.intersection(columns):
            events[name] = ak.to_numpy(events[name]) * factor
        yield events


def by_dataset(pairs: Iterable[str]) -> dict[str, list[str]]:
    """The friends with weights of each dataset, from the options ``dataset=folder`` of a command.

    Raises:
        ConfigError: an option is none of that form.
    """
    found: dict[str, list[str]] = {}
    for pair in pairs:
        dataset, equals, folder = pair.partition("=")
        if not (dataset and equals and folder):
            raise ConfigError(f"--weights {pair!r} is not dataset=folder; give for example qcd=reweight.")
        found.setdefault(dataset, []).append(folder)
    return found


def require_none(datasets: Iterable[Dataset]) -> None:
    """Stop where the events of data have weights, for what counts events as they are.

    Raises:
        ConfigError: a dataset has weights.
    """
    for dataset in datasets:
        if names := Weights.of(dataset, ()).columns:
            raise ConfigError(
                f"dataset {dataset.name!r} has the weights {', '.join(names)}, and events of data count as one each; "
                "search with triggers that are not prescaled."
            )


@record
class Effect:
    """What the weights or shifts of one group do to the efficiency of a selection.

    ``scale_factor``: the efficiency over that with the group's weights as 1; of shifts 1. ``uncertainties``: its
    relative change by source, up and down; that of toys is their root mean square about the nominal weight, both ways.
    """

    scale_factor: float
    uncertainties: dict[str, tuple[float, float]]

    @property
    def total(self) -> float:
        """Relative uncertainty from all sources: their larger sides in quadrature."""
        return float(np.sqrt(sum(max(map(abs, sides)) ** 2 for sides in self.uncertainties.values())))


class Efficiency:
    """Sums of weights of all and of selected events in every variation, while batches stream by."""

    def __init__(self) -> None:
        # Rows: all events with the weights that change how many there are; all with all weights; those selected.
        self.sums: dict[Variation, FloatArray] = {}

    def add(
        self,
        weights: Weights,
        events: ak.Array,
        weight: FloatArray,
        selected: npt.NDArray[np.bool_],
        shift: Variation = NOMINAL,
    ) -> None:
        """Count a batch: what weights it has, the events' own ``weight``, and which are selected.

        ``shift``: of which shifted objects the events are; these count with their nominal weights.
        """
        if not len(weight):
            return
        rows = np.stack([weight, weight * selected])
        for variation in weights.variations if shift == NOMINAL else [NOMINAL]:
            changing = weights.sums(rows[:1], events, variation, changing=True)
            whole = weights.sums(rows, events, variation)
            found = np.stack([np.broadcast_to(changing[0], whole[0].shape), *whole])
            key = variation if shift == NOMINAL else shift
            before = self.sums.get(key, np.zeros((len(found), 1)))
            _require_alike(key.name, (before.shape[1], found.shape[1]))
            self.sums[key] = before + found

    def nominal(self) -> FloatArray:
        """The three sums with the nominal weights."""
        found: FloatArray = self.sums[NOMINAL][:, 0]
        return found

    def relative(self, one: Variation, other: Variation = NOMINAL) -> FloatArray:
        """The efficiency in each toy of a variation over that in another one."""
        (changing, everything, selected), (base, whole, kept) = self.sums[one], self.sums[other]
        found: FloatArray = (selected / everything) / (kept / whole) * (changing / base)
        return found

    def effects(self) -> dict[str, Effect]:
        """The effect of each group of weights or shifts, where something is selected."""
        return {
            group: Effect(
                scale_factor=self._scale_factor(Variation(group, way="without")),
                uncertainties=dict(self._uncertainties(group)),
            )
            for group in dict.fromkeys(variation.group for variation in self.sums if variation.group)
        }

    def _scale_factor(self, without: Variation) -> float:
        return float(self.relative(NOMINAL, without)[0]) if without in self.sums else 1.0

    def _uncertainties(self, group: str) -> Iterator[tuple[str, tuple[float, float]]]:
        mine = [one for one in self.sums if one.group == group]
        for source in dict.fromkeys(one.source for one in mine if one.source):
            ways = {one.way: self.relative(one) - 1 for one in mine if one.source == source}
            if "toys" in ways:
                rms = float(np.sqrt(np.mean(ways["toys"] ** 2)))
                yield source, (rms, -rms)
            else:
                # A source may have one way only, such as a smearing that is on or off.
                up, down = (float(ways[way][0]) if way in ways else 0.0 for way in ("up", "down"))
                yield source, (up, down)
