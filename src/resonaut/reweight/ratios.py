"""One simulated sample weighted to another, or to itself with other weights: inputs, training, weights of events."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from resonaut.core import identifier
from resonaut.core.errors import EmptySelectionError, ResonautError, during
from resonaut.core.events import Dataset, require_finite, write
from resonaut.core.weights import Factor, Weights, relative
from resonaut.learn import ratio
from resonaut.learn.ratio import weights
from resonaut.learn.ratio.positive import is_signed
from resonaut.learn.ratio.sample import Balanced, Part, balanced, shared
from resonaut.learn.ratio.weights import Factors, Weigher
from resonaut.physics import features
from resonaut.reweight import lists
from resonaut.reweight.settings import RatioSettings, Side

FloatArray = NDArray[np.float64]

# Deals the halves of events that are compared with each other, independently of their folds.
HALVES = 2000003


@dataclass(frozen=True)
class Events:
    """One side of a ratio: the sample that trains, the dataset of each event (n,), what is ``compared`` (n, m)."""

    sample: ratio.Sample
    dataset: NDArray[np.int64]
    values: NDArray[np.float32]

    @classmethod
    def read(cls, datasets: Sequence[Dataset], side: Side, settings: RatioSettings) -> "Events":
        """All nominal events, with weights in fb times those that the side names.

        Raises:
            EmptySelectionError: a dataset has no events.
            NotFiniteError: a weight or a variable is no number.
        """
        own = [Weights.of(dataset, ()) for dataset in datasets]
        extra = () if side.weight is None else (side.weight,)
        parts = []
        for number, (dataset, factors) in enumerate(zip(datasets, own, strict=True)):
            columns = ("weight", *extra, *factors.columns, *stored(settings))
            for batch in dataset.iterate(columns):
                weight = ak.to_numpy(batch.weight) * factors.nominal(batch) * _relative(batch, side, dataset.name)
                require_finite(weight, "weight", dataset.name)
                values, seen = evaluated(batch, settings, dataset.name)
                sample = ratio.Sample(seen, weight, identifier.keys(batch))
                parts.append(cls(sample, np.full(len(batch), number), values))
            if not any(np.any(part.dataset == number) for part in parts):
                raise EmptySelectionError(f"dataset {dataset.name!r} has no events; give it some, or take it out.")
        sample = ratio.Sample.concatenate([part.sample for part in parts])
        return cls(sample, *(np.concatenate([getattr(p, name) for p in parts]) for name in ("dataset", "values")))

    def __getitem__(self, rows: NDArray[np.bool_]) -> "Events":
        """The events of a mask."""
        return Events(self.sample[rows], self.dataset[rows], self.values[rows])

    def named(self, weights: FloatArray) -> ratio.Sample:
        """The named variables as features, with other weights."""
        return ratio.Sample(self.values, weights, self.sample.keys)

    def sums(self, datasets: int) -> FloatArray:
        """The sum of the weights of each dataset, in fb."""
        return np.bincount(self.dataset, self.sample.weights, datasets).astype(np.float64)


def stored(settings: RatioSettings) -> tuple[str, ...]:
    """The columns that the variables and the lists need."""
    return tuple(dict.fromkeys([*features.stored(settings.variables), *settings.listed]))


def evaluated(
    events: ak.Array, settings: RatioSettings, source: str
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What is ``compared`` of events, (n, m), and what the classifier sees.

    Raises:
        ConfigError: the columns of a list do not fit together; see ``lists.particles``.
        NotFiniteError: a value is NaN or infinite.
    """
    values, found = features.evaluate(events, settings.variables, source), lists.particles(events, settings, source)
    seen = inputs(values, settings, found)
    return (np.concatenate([values, lists.summaries(found)], axis=1) if found else values), seen


def inputs(
    values: NDArray[np.float32], settings: RatioSettings, found: Sequence[NDArray[np.float32]] = ()
) -> NDArray[np.float32]:
    """What the classifier sees of the ``variables`` (n, m) of events: features, or a set of particles with their kinds.

    ``found`` are the particles in lists, as of ``lists.particles``. A published network sees all variables, and takes
    what it needs.
    """
    if settings.published is not None:
        return values
    entries = [*settings.particles, *settings.lists]
    if not entries:
        return values[:, : len(settings.features)]
    kinds, width = len(settings.particles), len(entries[0])
    return lists.joined(values[:, : kinds * width].reshape(len(values), kinds, width), found)


def read(
    numerator: Sequence[Path], denominator: Sequence[Path], settings: RatioSettings
) -> tuple[Events | None, Events]:
    """Both sides of a ratio, of manifests; there may be no numerator. See ``Events.read``.

    Raises:
        ResonautError: the weights of a side sum to no more than 0, or a feature has one value there.
    """
    above, below = ([Dataset.open(path) for path in paths] for paths in (numerator, denominator))
    target = None if settings.numerator is None else Events.read(above, settings.numerator, settings)
    events = Events.read(below, settings.denominator, settings)
    if target is not None and settings.numerator is not None:
        _require_usable(target, f"numerator ({', '.join(settings.numerator.datasets)})", settings)
    _require_usable(events, f"denominator ({', '.join(settings.denominator.datasets)})", settings)
    return target, events


def _require_usable(events: Events, side: str, settings: RatioSettings) -> None:
    """Stop where the weights of a side have no positive sum, a feature has one value only, or all lists are empty."""
    if (total := events.sample.weights.sum()) <= 0:
        raise ResonautError(
            f"reweight.ratios: the weights of the {side} sum to {total:g}, and a ratio needs more than 0; correct "
            "them, or use a larger sample."
        )
    for name, values in zip(settings.compared, events.values.T, strict=True):
        if name in settings.features and values.min() == values.max():
            raise ResonautError(
                f"reweight.ratios: {name!r} is {values[0]:g} in all events of the {side}; take it out of features."
            )
    if settings.lists and np.isnan(events.sample.features).all():
        raise EmptySelectionError(
            f"reweight.ratios: {' and '.join(map(repr, settings.listed))} are empty in all events of the {side}; take "
            "them out of lists."
        )


def halves(numerator: Events, denominator: Events, settings: RatioSettings) -> tuple[Events, Events]:
    """Independent events of both sides: of samples of the same events one half each, of others all."""
    if not _same_events(settings):
        return numerator, denominator
    first = identifier.folds(denominator.sample.keys, 2, settings.classifier.seed + HALVES) == 0
    return numerator[first], denominator[~first]


def labelled(numerator: Events, denominator: Events, exact: FloatArray | None, settings: RatioSettings) -> Balanced:
    """The events between which a classifier learns the ratio, with positive weights; ``exact`` as of ``truth``."""
    if exact is not None and not _signed(numerator, denominator):
        return shared(Part.of(denominator.sample), exact)
    samples = (numerator.sample, denominator.sample)
    first, second = (Part.of(ratio.made_positive(one, settings.classifier)[0]) for one in samples)
    return balanced(first, second)


def _signed(numerator: Events, denominator: Events) -> bool:
    return is_signed(numerator.sample) or is_signed(denominator.sample)


def _same_events(settings: RatioSettings) -> bool:
    return settings.numerator is not None and settings.numerator.datasets == settings.denominator.datasets


def _relative(events: ak.Array, side: Side, dataset: str) -> FloatArray:
    if side.weight is None:
        return np.ones(len(events))
    return relative(events, side.weight, side.place, "reweight.ratios", dataset)


@dataclass(frozen=True)
class Transfer:
    """A trained ratio, and for each dataset of the denominator what brings the sums of its weights to their value."""

    name: str
    weigher: Weigher
    settings: RatioSettings
    scales: list[Factors]

    @classmethod
    def train(cls, name: str, numerator: Events, denominator: Events, settings: RatioSettings) -> "Transfer":
        """Learn the ratio; each dataset keeps its sum of weights, or gets that of the numerator's of its name.

        Where both sides are the same events, it is the mean of their true ratios, which fluctuate less than the events.

        Args:
            name: of the ratio.
            numerator: what the weighted events are to look like.
            denominator: the events that get weights.
            settings: the section of the ratio.
        """
        exact, given = (
            truth(numerator, denominator, settings),
            (settings.classifier, settings.clip, settings.bootstraps),
        )
        calibrated = settings.classifier.calibration != "none"
        with during(f"reweight.ratios.{name}"):
            if exact is None or _signed(numerator, denominator):
                weigher = Weigher.fit(numerator.sample, denominator.sample, *given, calibrated=calibrated)
            else:
                weigher = Weigher.expectation(denominator.sample, exact, *given, calibrated=calibrated)
        return cls.of(name, weigher, numerator, denominator, settings)

    @classmethod
    def of(
        cls, name: str, weigher: Weigher, numerator: Events | None, denominator: Events, settings: RatioSettings
    ) -> "Transfer":
        """With a ratio that is there, such as that of a published network."""
        totals = expected(numerator, denominator, settings)
        made = weigher.factors(denominator.sample.features, denominator.sample.keys)
        scales = []
        for number, total in enumerate(totals):
            here = denominator.dataset == number
            scales.append(
                weights.scales({k: v[here] for k, v in made.items()}, denominator.sample.weights[here], total)
            )
        return cls(name, weigher, settings, scales)

    def factors(self, events: Events) -> Factors:
        """The factors of events of the denominator, (n, toys) by variation."""
        raw = self.weigher.factors(events.sample.features, events.sample.keys)
        by = {name: np.stack([scale[name] for scale in self.scales]) for name in raw}
        return weights.scaled(raw, {name: values[events.dataset] for name, values in by.items()})

    def apply(self, denominator: Sequence[Path]) -> None:
        """Write the friends of the datasets of the denominator, in its order: the weights of all their events."""
        for number, path in enumerate(denominator):
            self._apply(Dataset.open(path), number)

    def _apply(self, dataset: Dataset, number: int) -> None:
        column = f"reweight_{self.name}"
        sources = {source: f"{column}_{source}" if source else column for source in self.scales[number]}
        notes = {name: self._note(column, source) for source, name in sources.items()}

        def batches(chunk: str) -> Iterator[ak.Array]:
            for events in dataset.iterate_chunk(chunk, stored(self.settings), every=True):
                _, seen = evaluated(events, self.settings, dataset.name)
                raw = self.weigher.factors(seen, identifier.keys(events))
                made = weights.scaled(raw, self.scales[number])
                batch = events[["run", "luminosityBlock", "event"]]
                for source, name in sources.items():
                    batch = ak.with_field(batch, ak.from_regular(made[source]) if source else made[""][:, 0], name)
                yield batch

        for chunk in dataset.manifest.chunks:
            write(dataset.path(f"reweight/{self.name}", chunk), batches(chunk), {}, notes)

    def _note(self, column: str, source: str) -> dict[str, str]:
        """What later stages take a column for; the variations of what is itself one way of an uncertainty are none."""
        settings = self.settings
        if settings.role not in ("up", "down"):
            return Factor(column, source, "toys" if source else "").metadata()
        assert settings.source is not None
        return {} if source else Factor(settings.source, settings.source, settings.role).metadata()


def expected(numerator: Events | None, denominator: Events, settings: RatioSettings) -> FloatArray:
    """What the weights of each dataset of the denominator sum to afterwards, in fb."""
    names = settings.denominator.datasets
    before = denominator.sums(len(names))
    if settings.keep_sums:
        return before
    assert numerator is not None
    assert settings.numerator is not None
    after = dict(zip(settings.numerator.datasets, numerator.sums(len(settings.numerator.datasets)), strict=True))
    if after.keys() == set(names):
        return np.array([after[name] for name in names])
    scaled: FloatArray = before * (numerator.sample.weights.sum() / before.sum())
    return scaled


def truth(numerator: Events | None, denominator: Events, settings: RatioSettings) -> FloatArray | None:
    """The true ratio of each event of the denominator, where the numerator is the same events with other weights.

    It is scaled by dataset as the learned one is; None where it is not known.
    """
    if numerator is None or not _same_events(settings):
        return None
    base = denominator.sample.weights
    found = np.divide(numerator.sample.weights, base, out=np.zeros_like(base), where=base != 0)
    totals = expected(numerator, denominator, settings)
    reached = np.bincount(denominator.dataset, base * found, len(totals))
    scaled: FloatArray = found * (totals / reached)[denominator.dataset]
    return scaled
