"""Datasets as arrays: the inputs of a classifier from formulas of columns, expected events, and shifted values."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from resonaut.classify.settings import Learning, Training
from resonaut.core import formulas, identifier
from resonaut.core.errors import ConfigError, EmptySelectionError, NotFiniteError
from resonaut.core.events import Dataset
from resonaut.core.events import columns as stored
from resonaut.core.identifier import Keys
from resonaut.core.variations import PASSES, shifted_name
from resonaut.core.weights import Weights

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
Values = NDArray[np.float32]

# The folder of what says which events trained a tagger.
TAG = "tag"


@dataclass(frozen=True)
class Events:
    """Events of all classes: inputs (n, m), the class of each, its expected number ``weights``, which may have signs.

    ``keys`` are those of the identifiers, by which events are dealt into folds; all but ``values`` have shape (n,).
    """

    values: Values
    labels: Numbers
    weights: Floats
    keys: Keys

    def __getitem__(self, rows: NDArray[np.bool_] | Numbers) -> "Events":
        """The events of a mask or an index array."""
        return Events(self.values[rows], self.labels[rows], self.weights[rows], self.keys[rows])

    def of(self, which: int) -> "Events":
        """Those of one class."""
        return self[self.labels == which]


def names(settings: Learning) -> list[str]:
    """The columns that the inputs are made of."""
    return list(dict.fromkeys(name for formula in settings.inputs for name in formulas.names(formula)))


def inputs(
    columns: Mapping[str, NDArray[np.generic]], settings: Learning, used: NDArray[np.bool_], source: str
) -> Values:
    """The inputs (n, m) of events with these columns, each (n,); 0 for what is no number in events that are not used.

    Raises:
        NotFiniteError: an input of a ``used`` event is NaN or infinite.
        ConfigError: a column is a list, or a formula cannot be calculated.
    """
    found = np.empty((len(used), len(settings.inputs)), np.float32)
    for place, formula in enumerate(settings.inputs):
        with np.errstate(over="ignore"):
            values = np.broadcast_to(formulas.evaluate(formula, columns), used.shape).astype(np.float32)
        finite = np.isfinite(values)
        if bad := np.count_nonzero(used & ~finite):
            raise NotFiniteError(
                f"{source}: the input {formula!r} is NaN or infinite in {bad} of {np.count_nonzero(used)} events; give "
                "the formula a value there, or cut these events."
            )
        found[:, place] = np.where(finite, values, 0)
    return found


def flat(batch: ak.Array, wanted: Sequence[str], source: str) -> dict[str, NDArray[np.generic]]:
    """Columns of one number an event as arrays.

    Raises:
        ConfigError: a column is a list.
    """
    for name in wanted:
        if batch[name].ndim > 1:
            raise ConfigError(f"{source}: the column {name!r} is a list in each event; name one of a single number.")
    return {name: ak.to_numpy(batch[name]) for name in wanted}


def training(manifests: Sequence[Path], weights: Mapping[str, Sequence[str]], settings: Training) -> Events:
    """The nominal events of all classes that pass the cut, in the order of the classes and their datasets.

    Args:
        manifests: of the datasets of all classes.
        weights: by dataset, the folders of its friends with weights.
        settings: of the training.

    Raises:
        ConfigError: a dataset is of no class, or a dataset of a class is missing; an input is the same everywhere.
        EmptySelectionError: no event of a class passes the cut.
        NotFiniteError: an input is NaN or infinite.
    """
    given = {dataset.name: dataset for dataset in map(Dataset.open, manifests)}
    classes = settings.classifier.classes
    wanted = [name for which in sorted(classes) for name in classes[which]]
    if odd := set(given).symmetric_difference(wanted):
        where = "is of no class" if min(odd) in given else "of a class is missing"
        raise ConfigError(f"classify train: dataset {min(odd)!r} {where}; give the manifests of the classes' datasets.")
    parts = []
    for label, which in enumerate(sorted(classes)):
        several = [_nominal(given[name], weights.get(name, ()), settings, label) for name in classes[which]]
        parts += several
        if not sum(len(one.keys) for one in several):
            raise EmptySelectionError(
                f"class {which!r}: no event of {', '.join(classes[which])} passes the cut; widen it, or use larger "
                "samples."
            )
    found = joined(parts)
    _require_different(found, settings.classifier)
    return found


def _require_different(events: Events, settings: Learning) -> None:
    """Stop at an input that is equal in all events, from which nothing can be learned: it is a mistake."""
    for formula, values in zip(settings.inputs, events.values.T, strict=True):
        if values.min() == values.max():
            raise ConfigError(
                f"the input {formula!r} is {values[0]:g} in all {len(values)} events that train; correct it, or take "
                "it out."
            )


def joined(parts: Sequence[Events]) -> Events:
    """Several as one."""
    return Events(*(np.concatenate([getattr(one, name) for one in parts]) for name in vars(parts[0])))


def _nominal(dataset: Dataset, weighted: Sequence[str], settings: Training, label: int) -> Events:
    """The events of a dataset; those that trained a tagger, which knows them, are left out: others stand for them."""
    classifier, own = settings.classifier, Weights.of(dataset, weighted)
    columns = names(classifier)
    cut = formulas.names(classifier.cut) if classifier.cut else []
    folders = list(dict.fromkeys([*classifier.friends, *weighted]))
    parts, used, everything = [], 0.0, 0.0
    for batch in dataset.iterate(
        list(dict.fromkeys([*columns, *cut, *trained(classifier), "weight", *own.columns])), folders
    ):
        arrays = flat(batch, list(dict.fromkeys([*columns, *cut])), dataset.name)
        kept = usable(batch, classifier)
        generated = ak.to_numpy(batch.weight) * settings.luminosities[dataset.name]
        used, everything = used + generated[kept].sum(), everything + generated.sum()
        if classifier.cut:
            kept = kept & condition(classifier.cut, arrays, len(batch))
        parts.append(
            Events(
                values=inputs(arrays, classifier, kept, dataset.name),
                labels=np.full(len(batch), label),
                weights=generated * own.nominal(batch),
                keys=identifier.keys(batch),
            )[kept]
        )
    found = joined(parts)
    return replace(found, weights=found.weights * (everything / used)) if used else found


def trained(settings: Learning) -> list[str]:
    """The column that says which events trained a tagger, where its scores are read."""
    return ["tag_train"] if TAG in settings.friends else []


def usable(events: ak.Array, settings: Learning) -> NDArray[np.bool_]:
    """Which events may train (n,): a tagger knows those that trained it."""
    return ~ak.to_numpy(events.tag_train).astype(bool) if trained(settings) else np.ones(len(events), bool)


def condition(formula: str, columns: Mapping[str, NDArray[np.generic]], n: int) -> NDArray[np.bool_]:
    """In which of ``n`` events a formula is true.

    Raises:
        ConfigError: its value is a number.
    """
    value = np.broadcast_to(formulas.evaluate(formula, columns), (n,))
    if value.dtype != bool:
        raise ConfigError(f"{formula!r} is a number and no condition; compare it, as in '{formula} > 0'.")
    return value


@dataclass(frozen=True)
class Batch:
    """Rows of a chunk: the identifier, and by variation ("" for the nominal one) the columns and who passes."""

    identifier: dict[str, NDArray[np.generic]]
    keys: Keys
    columns: dict[str, dict[str, NDArray[np.generic]]]
    passes: dict[str, NDArray[np.bool_]]


def batches(dataset: Dataset, chunk: str, columns: Sequence[str], friends: Sequence[str]) -> Iterator[Batch]:
    """All rows of a chunk with the columns, nominal and in each variation that shifts one of them, or who passes."""
    found = {name for folder in ("skim", *friends) for name in stored(dataset.path(folder, chunk))}
    shifted = [
        one
        for one in dataset.manifest.variations
        if any(shifted_name(name, one) in found for name in (*columns, PASSES))
    ]
    read = [*dict.fromkeys([*columns, PASSES])]
    several = [dataset.iterate_chunk(chunk, read, friends, one, every=True) for one in ("", *shifted)]
    for rows in zip(*several, strict=True):
        by = dict(zip(("", *shifted), rows, strict=True))
        yield Batch(
            identifier={name: ak.to_numpy(by[""][name]) for name in identifier.KEY},
            keys=identifier.keys(by[""]),
            columns={one: flat(batch, columns, dataset.name) for one, batch in by.items()},
            passes={one: ak.to_numpy(batch[PASSES]).astype(bool) for one, batch in by.items()},
        )


def scaled_to_equal_yields(labels: Numbers, weights: Floats) -> Floats:
    """Weights (n,) with the same sum for each class, and on average 1."""
    sums = np.bincount(labels, weights)
    found: Floats = weights / sums[labels] * (len(labels) / np.count_nonzero(sums))
    return found
