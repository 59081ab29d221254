"""Histograms of events: of each sample of a channel, nominal and with its variations, streamed chunk by chunk."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from resonaut.core.collisions import Collisions
from resonaut.core.errors import InputFileError, NotFiniteError
from resonaut.core.events import Dataset, require_finite
from resonaut.core.variations import source_and_way
from resonaut.core.weights import NOMINAL, Variation, Weighted, Weights, named, relative, require_none
from resonaut.fit.histfactory.specification import LARGEST
from resonaut.fit.results.models import ChannelHistograms, Part, Varied
from resonaut.fit.templates.axis import Axis
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
        NotFiniteError: a weight is no number, or too large to be added and squared.
    """
    axis = Axis.of(job.channel, name)
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
        label=job.channel.label or described["label"],
        unit=job.channel.unit or described["unit"],
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


@dataclass
class _Filled:
    """Histograms of one set of weights, equally likely toys or one, while batches stream by.

    ``rows``, ``squares`` (toys, N + 1): sums of weights and of their squares in the bins and beyond them. ``changing``,
    ``whole`` (toys,): of all events, with the weights that change how many there are, and with all; the others move
    events in and out of a selection, and the total stays.
    """

    rows: Array
    squares: Array
    changing: Array
    whole: Array

    @classmethod
    def empty(cls, axis: Axis) -> "_Filled":
        """Before the first batch."""
        none = np.zeros((1, len(axis.edges)))
        return cls(none, none, np.zeros(1), np.zeros(1))

    def add(self, batch: "_Batch", weights: Weights, variation: Variation) -> None:
        """Fill the events of a batch."""
        with np.errstate(over="ignore"):
            product = weights.product(batch.events, variation) * batch.generated[:, None]
        _require_countable(product, batch.dataset)
        self.rows = self.rows + np.array([batch.filled(column) for column in product.T])
        self.squares = self.squares + np.array([batch.filled(column**2) for column in product.T])
        self.changing = self.changing + weights.sums(batch.generated[None], batch.events, variation, changing=True)[0]
        self.whole = self.whole + product.sum(axis=0)

    @property
    def factor(self) -> Array:
        """What keeps the total, (toys, 1)."""
        kept = np.divide(self.changing, self.whole, out=np.ones_like(self.whole), where=self.whole != 0)
        return np.asarray(kept[:, None])

    @property
    def contents(self) -> Array:
        """The contents (toys, N + 1)."""
        return self.rows * self.factor


def _simulated(
    dataset: Dataset, folders: Sequence[str], axis: Axis, own: _Relative, wanted: Sequence[str], notes: list[str]
) -> Part:
    """A dataset's histograms in fb; events that trained a tagger are left out, and the others stand for them."""
    weights = Weights.of(dataset, folders)
    there = sources(dataset, weights)
    for source in wanted:
        if source not in there:
            notes.append(f"dataset {dataset.name!r} has no variation {source!r}, and is nominal in it")
    asked = {source: there[source] for source in wanted if source in there}
    chosen = [one for ways in asked.values() for one in ways.values()]
    filled = {one: _Filled.empty(axis) for one in (NOMINAL, *chosen)}
    events, used, everything = 0, 0.0, 0.0
    for batch in _batches(dataset, folders, weights, axis, own, ""):
        used, everything = used + batch.used, everything + batch.everything
        events += int(np.count_nonzero((batch.place >= 0) & (batch.place < len(axis.edges) - 1)))
        for one in (NOMINAL, *chosen):
            if isinstance(one, Variation):
                filled[one].add(batch, weights, one)
    for shift in (one for one in chosen if isinstance(one, str)):
        for batch in _batches(dataset, folders, weights, axis, own, shift):
            filled[shift].add(batch, weights, NOMINAL)
    scale, nominal = everything / used if used else 1.0, filled[NOMINAL]
    contents = {one: each.contents[:, :-1] * scale for one, each in filled.items()}
    return Part(
        era=dataset.manifest.era,
        values=contents[NOMINAL][0].tolist(),
        variances=(nominal.squares * (nominal.factor * scale) ** 2)[0, :-1].tolist(),
        events=events,
        outside=float(nominal.contents[0, -1]) * scale,
        varied={
            source: _sides(contents[NOMINAL][0], {way: contents[one] for way, one in ways.items()})
            for source, ways in asked.items()
        },
    )


def _sides(nominal: Array, ways: Mapping[str, Array]) -> Varied:
    """Up and down of a source, as far as there are; equally likely toys are up their root mean square in each bin."""
    if "toys" in ways:
        return Varied(up=(nominal + np.sqrt(np.mean((ways["toys"] - nominal) ** 2, axis=0))).tolist(), down=None)
    return Varied(**{way: ways[way][0].tolist() if way in ways else None for way in ("up", "down")})


@dataclass(frozen=True)
class _Batch:
    """Events with their bins (n,), and their ``generated`` weights (n,).

    ``used``, ``everything``: the weights of those that may be counted, and of all.
    """

    dataset: str
    events: ak.Array
    place: NDArray[np.intp]
    generated: Array
    used: float
    everything: float
    bins: int

    def filled(self, weights: Array) -> Array:
        """Their histogram, (N + 1,)."""
        inside = self.place >= 0
        return np.bincount(self.place[inside], weights[inside], self.bins + 1).astype(np.float64)


def _batches(
    dataset: Dataset, folders: Sequence[str], weights: Weights, axis: Axis, own: _Relative, shift: str
) -> Iterable[_Batch]:
    """The batches of a dataset, or with its objects shifted."""
    known = ("tag_train",) if TAG in folders else ()
    columns = (*axis.columns, "weight", *known, *own.columns, *weights.columns)
    for events in dataset.iterate(list(dict.fromkeys(columns)), folders, shift):
        found = ak.to_numpy(events.weight).astype(np.float64)
        require_finite(found, "weight", dataset.name)
        with np.errstate(over="ignore"):
            generated = found * own.of(events, dataset.name)
        _require_countable(generated, dataset.name)
        usable = ~ak.to_numpy(events.tag_train) if known else np.ones(len(events), bool)
        place = np.where(usable, axis.place(events), -1)
        sums = float(generated[usable].sum()), float(generated.sum())
        yield _Batch(dataset.name, events, place, generated, *sums, bins=len(axis.edges) - 1)


def _require_countable(weights: Array, dataset: str) -> None:
    """Stop where the sums of weights, or of their squares, would be no numbers."""
    if (largest := float(np.abs(weights).max(initial=0))) > LARGEST:
        raise NotFiniteError(
            f"dataset {dataset!r} has an event of weight {largest:.3g}, which counts for no number of events; correct "
            "its weights, or cut the event."
        )


def _data(dataset: Dataset, folders: Sequence[str], axis: Axis) -> Array:
    """Counts of data, (N,)."""
    bins = len(axis.edges) - 1
    counts: Array = np.zeros(bins)
    for events in dataset.iterate(axis.columns, folders):
        place = axis.place(events)
        counts += np.bincount(place[(place >= 0) & (place < bins)], minlength=bins)
    return counts
