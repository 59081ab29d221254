"""Histograms of events: of each sample of a channel, nominal and with its variations, streamed chunk by chunk."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from resonaut.core import formulas
from resonaut.core.collisions import Collisions
from resonaut.core.errors import ConfigError, InputFileError
from resonaut.core.events import Dataset, require_finite
from resonaut.core.variations import source_and_way
from resonaut.core.weights import Variation, Weighted, Weights, named, relative, require_none
from resonaut.fit.results.models import ChannelHistograms, Part, Varied
from resonaut.fit.templates.parts import joined
from resonaut.fit.templates.settings import Channel, HistogramsJob

Array = NDArray[np.float64]

# The folder of what says which events trained a tagger, whose selection would know them.
TAG = "tag"


def histograms(
    job: HistogramsJob, name: str, data: Sequence[Path], simulation: Sequence[Path], friends: Weighted
) -> ChannelHistograms:
    """The histograms of the channel ``name``; those of simulation are in fb.

    Args:
        job: the channel, its samples, and their variations.
        name: of the channel.
        data: manifests of data.
        simulation: manifests of the samples' datasets.
        friends: by dataset, the folders of its friends with weights and with columns.

    Raises:
        ConfigError: a formula, or an observable, is no number for each event; simulation has an era, and data none.
        InputFileError: a column is not there.
    """
    axis = _Axis.of(job.channel, name)
    collisions = Collisions.open(data)
    simulated = collisions.simulated(simulation) if data else tuple(map(Dataset.open, simulation))
    by_name = {one.name: one for one in simulated}
    notes: list[str] = []
    samples: dict[str, list[Part]] = {}
    for sample, names in job.members.items():
        wanted = job.variations.get(sample, ())
        column, place = job.weights.get(sample, (None, None))
        own = _Relative(column, place, sample)
        found = [_simulated(by_name[name], friends.get(name, ()), axis, own, wanted, notes) for name in names]
        samples[sample] = joined(found)
    require_none(collisions.datasets)
    counts = [_data(one, friends.get(one.name, ()), axis) for one in collisions.datasets]
    described = _described((*collisions.datasets, *simulated), job.channel)
    return ChannelHistograms(
        channel=name,
        observable=axis.observable,
        label=described["label"],
        unit=described["unit"],
        edges=axis.edges.tolist(),
        in_fb=True,
        luminosity=collisions.luminosity if data else None,
        samples=samples,
        data=np.sum(counts, axis=0).tolist() if data else None,
        notes=notes,
    )


def _described(datasets: Iterable[Dataset], channel: Channel) -> Mapping[str, str]:
    """Unit and label of the observable: those of ``skim``, or of a formula and another stage's column its own text."""
    for dataset in datasets:
        try:
            return dataset.described(channel.observable or "")
        except InputFileError:
            continue
    return {"unit": "1", "label": channel.observable or ""}


@dataclass(frozen=True)
class _Axis:
    """Where an event of a batch is counted."""

    channel: str
    observable: str
    edges: Array
    cut: str | None

    @classmethod
    def of(cls, channel: Channel, name: str) -> "_Axis":
        assert channel.observable is not None
        assert channel.edges is not None
        return cls(name, channel.observable, np.array(channel.edges), channel.cut)

    @property
    def columns(self) -> list[str]:
        """What is read of the events."""
        read = [*formulas.names(self.observable), *(formulas.names(self.cut) if self.cut else ())]
        return list(dict.fromkeys(read))

    def place(self, events: ak.Array) -> NDArray[np.intp]:
        """The bin of each event, shape (n,): N beyond the edges, -1 for events that do not pass the cut."""
        columns = {name: self._numbers(events[name], name) for name in self.columns}
        values = self._evaluated(self.observable, columns, len(events)).astype(np.float64)
        bins = len(self.edges) - 1
        place = np.searchsorted(self.edges, values, side="right") - 1
        # NaN is beyond the edges, too.
        place = np.where((place < 0) | (place >= bins), bins, place)
        if self.cut is not None:
            passes = self._evaluated(self.cut, columns, len(events))
            if passes.dtype != bool:
                raise ConfigError(
                    f"channel {self.channel!r}: the cut {self.cut!r} is a number and no condition; compare it, as in "
                    "'m_jj > 2000'."
                )
            place = np.where(passes, place, -1)
        return place

    def _numbers(self, values: ak.Array, name: str) -> np.ndarray:
        if values.ndim != 1:
            raise ConfigError(
                f"channel {self.channel!r} reads the column {name!r}, which is a list in each event; name a column of "
                "one number."
            )
        numbers: np.ndarray = ak.to_numpy(values)
        return numbers

    def _evaluated(self, formula: str, columns: Mapping[str, np.ndarray], n: int) -> np.ndarray:
        return np.broadcast_to(formulas.evaluate(formula, columns), n)


@dataclass
class _Filled:
    """Histograms of N bins and what is beyond them, (N + 1,), of one dataset, and varied ones by source and way."""

    values: Array
    variances: Array
    events: int = 0
    varied: dict[str, dict[str, Array]] = field(default_factory=dict)

    @classmethod
    def empty(cls, axis: _Axis) -> "_Filled":
        return cls(np.zeros(len(axis.edges)), np.zeros(len(axis.edges)))

    def part(self, era: str | None, factor: float) -> Part:
        """The record of it, times a factor."""
        return Part(
            era=era,
            values=(self.values[:-1] * factor).tolist(),
            variances=(self.variances[:-1] * factor**2).tolist(),
            events=self.events,
            outside=float(self.values[-1]) * factor,
            varied={
                source: Varied(
                    **{way: (ways[way][:-1] * factor).tolist() if way in ways else None for way in ("up", "down")}
                )
                for source, ways in self.varied.items()
                if ways
            },
        )


def sources(dataset: Dataset, weights: Weights) -> dict[str, dict[str, Variation | str]]:
    """The sources of uncertainty of a dataset: for each way the variation of its weights, or the name of its shift."""
    found: dict[str, dict[str, Variation | str]] = {}
    for one in weights.variations:
        if one.source:
            found.setdefault(named(one.group, one.source), {})[one.way] = one
    for shift in dataset.manifest.variations:
        source, way = source_and_way(shift)
        found.setdefault(source, {})[way] = shift
    return found


@dataclass(frozen=True)
class _Relative:
    """The column of a sample's weights relative to the events' own, and which of a list; None for none."""

    column: str | None
    place: int | None
    sample: str

    @property
    def columns(self) -> list[str]:
        """What is read of the events."""
        return [self.column] if self.column is not None else []

    def of(self, events: ak.Array, dataset: str) -> Array:
        """The weights (n,)."""
        if self.column is None:
            return np.ones(len(events))
        found = relative(events, self.column, self.place, f"fit.models: sample {self.sample!r}", dataset)
        require_finite(found, self.column, dataset)
        return found


def _simulated(
    dataset: Dataset, folders: Sequence[str], axis: _Axis, own: _Relative, wanted: Sequence[str], notes: list[str]
) -> Part:
    """A dataset's histograms in fb; events that trained a tagger are left out, and the others stand for them."""
    weights = Weights.of(dataset, folders)
    there = sources(dataset, weights)
    for source in wanted:
        if source not in there:
            notes.append(f"dataset {dataset.name!r} has no variation {source!r}, and is nominal in it")
    asked = {source: there[source] for source in wanted if source in there}
    filled, used, everything = _Filled.empty(axis), 0.0, 0.0
    varied: dict[Variation | str, Array] = {}
    add = partial(_add, dataset, folders, weights, axis, own)
    chosen = [one for ways in asked.values() for one in ways.values()]
    for batch in add(""):
        used, everything = used + batch.used, everything + batch.everything
        filled.events += int(np.count_nonzero((batch.place >= 0) & (batch.place < len(axis.edges) - 1)))
        filled.values += batch.filled(batch.nominal)
        filled.variances += batch.filled(batch.nominal**2)
        for one in chosen:
            if isinstance(one, Variation):
                rows = [batch.filled(batch.generated * column) for column in weights.product(batch.events, one).T]
                varied[one] = varied.get(one, 0) + np.array(rows)
    for shift in (one for one in chosen if isinstance(one, str)):
        varied[shift] = np.sum([np.zeros_like(filled.values), *(b.filled(b.nominal) for b in add(shift))], axis=0)[None]
    for source, ways in asked.items():
        # Of a dataset without events nothing is varied.
        found = {way: varied[one] for way, one in ways.items() if one in varied}
        filled.varied[source] = _sides(filled.values, found)
    return filled.part(dataset.manifest.era, everything / used if used else 1.0)


def _sides(nominal: Array, ways: Mapping[str, Array]) -> dict[str, Array]:
    """Up and down of a source, as far as there are; equally likely toys are up their root mean square in each bin."""
    if "toys" in ways:
        return {"up": nominal + np.sqrt(np.mean((ways["toys"] - nominal) ** 2, axis=0))}
    return {way: rows[0] for way, rows in ways.items()}


@dataclass(frozen=True)
class _Batch:
    """Events with their bins (n,), their ``generated`` and ``nominal`` weights (n,).

    ``used``, ``everything``: the weights of those that may be counted, and of all.
    """

    events: ak.Array
    place: NDArray[np.intp]
    generated: Array
    nominal: Array
    used: float
    everything: float
    bins: int

    def filled(self, weights: Array) -> Array:
        """Their histogram, (N + 1,)."""
        inside = self.place >= 0
        return np.bincount(self.place[inside], weights[inside], self.bins + 1).astype(np.float64)


def _add(
    dataset: Dataset, folders: Sequence[str], weights: Weights, axis: _Axis, own: _Relative, shift: str
) -> Iterable[_Batch]:
    """The batches of a dataset, or with its objects shifted."""
    known = ("tag_train",) if TAG in folders else ()
    columns = (*axis.columns, "weight", *known, *own.columns, *weights.columns)
    for events in dataset.iterate(list(dict.fromkeys(columns)), folders, shift):
        generated = ak.to_numpy(events.weight).astype(np.float64) * own.of(events, dataset.name)
        usable = ~ak.to_numpy(events.tag_train) if known else np.ones(len(events), bool)
        nominal = generated * weights.nominal(events)
        require_finite(nominal, "weight", dataset.name)
        place = np.where(usable, axis.place(events), -1)
        sums = float(generated[usable].sum()), float(generated.sum())
        yield _Batch(events, place, generated, nominal, *sums, bins=len(axis.edges) - 1)


def _data(dataset: Dataset, folders: Sequence[str], axis: _Axis) -> Array:
    """Counts of data, (N,)."""
    bins = len(axis.edges) - 1
    counts: Array = np.zeros(bins)
    for events in dataset.iterate(axis.columns, folders):
        place = axis.place(events)
        counts += np.bincount(place[(place >= 0) & (place < bins)], minlength=bins)
    return counts
