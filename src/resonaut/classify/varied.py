"""Events with all variations of a measurement, for a training on its uncertainty."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import awkward as ak
import numpy as np
import torch
from numpy.typing import NDArray

from resonaut.classify import read
from resonaut.classify.settings import Measured, Training
from resonaut.core import formulas, identifier
from resonaut.core.errors import ConfigError
from resonaut.core.events import Dataset
from resonaut.core.identifier import Keys
from resonaut.core.variations import PASSES, source_and_way
from resonaut.core.weights import Variation, Weights, named
from resonaut.learn.inference import events as inference
from resonaut.learn.inference.measurement import Measurement, Nuisance

Floats = NDArray[np.float64]
Rows = NDArray[np.bool_] | NDArray[np.int64]
WAYS = ("down", "up")


@dataclass(frozen=True)
class Events:
    """What is measured, and events of all its datasets that are selected in it or in a variation.

    ``keys`` (n,) are those of the identifiers, ``labels`` (n,) the classes.
    """

    measurement: Measurement
    events: inference.Events
    keys: Keys
    labels: NDArray[np.int64]

    def __getitem__(self, rows: NDArray[np.bool_]) -> "Events":
        """The events of a mask, with weights that sum to the yields of all."""
        kept, share = torch.from_numpy(rows), max(rows.mean(), 1 / len(rows))
        return replace(self, events=self.events.rows(kept, 1 / share), keys=self.keys[rows], labels=self.labels[rows])


def measurement(measured: Measured) -> Measurement:
    """What a job is asked to measure; its samples are datasets."""
    nuisances = {name: Nuisance(one.width, one.factors) for name, one in measured.nuisances.items()}
    return Measurement(list(measured.scales), measured.signals, nuisances)


def training(manifests: Sequence[Path], weights: Mapping[str, Sequence[str]], settings: Training) -> Events:
    """The events of all datasets of a measurement, in the order of their identifiers.

    Args:
        manifests: of the datasets.
        weights: by dataset, the folders of its friends with weights.
        settings: of the training.

    Raises:
        ConfigError: a dataset lacks a variation that the measurement asks for.
        EmptySelectionError: no event of a signal passes the cut.
        NotFiniteError: an input or weight is NaN or infinite.
    """
    assert settings.measured is not None
    asked = measurement(settings.measured)
    parts = [_dataset(Dataset.open(path), weights, settings, settings.measured) for path in manifests]
    labels = {name: k for k, which in enumerate(sorted(settings.classifier.classes.items())) for name in which[1]}
    names = np.concatenate([np.full(len(one.keys), one.name) for one in parts])
    keys = np.concatenate([one.keys for one in parts])
    order = np.lexsort([names, keys])

    def both(of: str, nominal: str, name: str) -> tuple[Floats, Floats]:
        """A variation down and up; of datasets that it leaves alone the nominal values."""
        down, up = (
            np.concatenate([getattr(one, of).get((name, way), getattr(one, nominal)) for one in parts])[order]
            for way in WAYS
        )
        return down, up

    varied = {of: {name for one in parts for name, _ in getattr(one, of)} for of in ("shifted", "reweighted")}
    events = inference.Events.of(
        asked,
        np.concatenate([one.values for one in parts])[order],
        np.concatenate([one.weights for one in parts])[order],
        names[order],
        shifted={name: both("shifted", "values", name) for name in sorted(varied["shifted"])},
        reweighted={name: both("reweighted", "weights", name) for name in sorted(varied["reweighted"])},
    )
    return Events(asked, events, keys[order], np.array([labels[name] for name in names.tolist()])[order])


@dataclass(frozen=True)
class _Part:
    """Events of one dataset; ``shifted`` values (n, m) and ``reweighted`` weights (n,) by nuisance and way.

    ``used``, ``everything``: the generated weights of those that may train, as they trained no tagger, and of all.
    """

    name: str
    keys: Keys
    values: read.Values
    weights: Floats
    shifted: dict[tuple[str, str], read.Values]
    reweighted: dict[tuple[str, str], Floats]
    used: float
    everything: float


def _dataset(dataset: Dataset, weights: Mapping[str, Sequence[str]], settings: Training, measured: Measured) -> _Part:
    own = Weights.of(dataset, weights.get(dataset.name, ()))
    factor = settings.luminosities[dataset.name] * measured.scales[dataset.name]
    wanted = {
        name: _ways(dataset, own, one.variations[dataset.name], name)
        for name, one in measured.nuisances.items()
        if dataset.name in one.variations
    }
    parts = [
        _batch(rows, own, factor, wanted, settings, dataset.name) for rows in _rows(dataset, own, wanted, settings)
    ]
    first = parts[0]
    used, everything = (sum(getattr(one, name) for one in parts) for name in ("used", "everything"))
    # What trained a tagger is left out; the others stand for it.
    stands = everything / used if used else 1.0
    return _Part(
        dataset.name,
        np.concatenate([one.keys for one in parts]),
        np.concatenate([one.values for one in parts]),
        np.concatenate([one.weights for one in parts]) * stands,
        {key: np.concatenate([one.shifted[key] for one in parts]) for key in first.shifted},
        {key: np.concatenate([one.reweighted[key] for one in parts]) * stands for key in first.reweighted},
        used,
        everything,
    )


Way = Variation | str


def _ways(dataset: Dataset, weights: Weights, source: str, nuisance: str) -> dict[str, Way]:
    """Up and down of a source: a variation of weights, or the name of a shift; one that is missing is nominal."""
    found: dict[str, Way] = {
        one.way: one for one in weights.variations if one.source and named(one.group, one.source) == source
    }
    found |= {source_and_way(one)[1]: one for one in dataset.manifest.variations if source_and_way(one)[0] == source}
    if not found.keys() & set(WAYS):
        raise ConfigError(
            f"dataset {dataset.name!r} has no variation {source!r} up or down, which the nuisance {nuisance} of the "
            "classifier's model asks for; take the dataset out of its samples, or add the variation."
        )
    return {way: found[way] for way in WAYS if way in found}


def _rows(
    dataset: Dataset, weights: Weights, wanted: Mapping[str, Mapping[str, Way]], settings: Training
) -> Iterator[dict[str, ak.Array]]:
    """All rows in batches, by shift ("" for the nominal one)."""
    classifier = settings.classifier
    cut = formulas.names(classifier.cut) if classifier.cut else []
    trained = read.trained(classifier)
    columns = list(dict.fromkeys([*read.names(classifier), *cut, *trained, "weight", PASSES, *weights.columns]))
    folders = list(dict.fromkeys([*classifier.friends, *weights.friends]))
    shifts = sorted({one for ways in wanted.values() for one in ways.values() if isinstance(one, str)})
    for chunk in dataset.manifest.chunks:
        several = [dataset.iterate_chunk(chunk, columns, folders, one, every=True) for one in ("", *shifts)]
        for rows in zip(*several, strict=True):
            yield dict(zip(("", *shifts), rows, strict=True))


def _batch(
    rows: Mapping[str, ak.Array],
    own: Weights,
    factor: float,
    wanted: Mapping[str, Mapping[str, Way]],
    settings: Training,
    source: str,
) -> _Part:
    classifier = settings.classifier
    columns = list(
        dict.fromkeys([*read.names(classifier), *(formulas.names(classifier.cut) if classifier.cut else [])])
    )
    arrays = {shift: read.flat(batch, columns, source) for shift, batch in rows.items()}
    passes = {
        shift: ak.to_numpy(batch[PASSES]).astype(bool)
        & (read.condition(classifier.cut, arrays[shift], len(batch)) if classifier.cut else True)
        for shift, batch in rows.items()
    }
    usable = read.usable(rows[""], classifier)
    kept = np.any(list(passes.values()), axis=0) & usable
    values = {shift: read.inputs(arrays[shift], classifier, passes[shift], source)[kept] for shift in rows}
    weights = {
        shift: (ak.to_numpy(batch.weight) * own.nominal(batch) * factor * passes[shift])[kept]
        for shift, batch in rows.items()
    }
    shifted: dict[tuple[str, str], read.Values] = {}
    reweighted: dict[tuple[str, str], Floats] = {}
    generated = ak.to_numpy(rows[""].weight) * factor * passes[""]
    for name, ways in wanted.items():
        for way in WAYS:
            one = ways.get(way, "")
            if isinstance(one, str):
                shifted[name, way], reweighted[name, way] = values[one], weights[one]
            else:
                reweighted[name, way] = (generated * own.product(rows[""], one)[:, 0])[kept]
    selected = ak.to_numpy(rows[""].weight) * ak.to_numpy(rows[""][PASSES])
    sums = float(selected[usable].sum()), float(selected.sum())
    return _Part(source, identifier.keys(rows[""])[kept], values[""], weights[""], shifted, reweighted, *sums)
