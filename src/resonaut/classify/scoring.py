"""Friends with scores and categories of events: nominal ones, and those that a variation of objects shifts."""

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from resonaut.classify import read
from resonaut.classify.classifier import load
from resonaut.classify.read import Batch
from resonaut.classify.settings import Application, Categories
from resonaut.core import events, formulas
from resonaut.core.events import Dataset
from resonaut.core.variations import GROUP, only_different, shifted_name

log = logging.getLogger(__name__)

Columns = dict[str, NDArray[np.generic]]


def apply(name: str, model: Path, settings: Application, manifest: Path, chunk: str, output: Path) -> None:
    """Write the scores of a chunk: ``class_<name>_<class>``, and ``bin_<name>`` where there are bins.

    Events of a dataset that trained are scored by the model of their fold; others as ``settings.unseen`` says.

    Raises:
        InputFileError: the model is none, or a file or column is missing.
        NotFiniteError: an input is NaN or infinite.
    """
    classifier, dataset = load(model), Dataset.open(manifest)
    learned = [one for several in classifier.settings.classes.values() for one in several]
    mean = settings.unseen == "mean" and dataset.name not in learned

    def made(batch: Batch, variation: str) -> Columns:
        values = read.inputs(batch.columns[variation], classifier.settings, batch.passes[variation], dataset.name)
        scores = classifier.mean(values) if mean else classifier.scores(values, batch.keys)
        found: Columns = {
            f"class_{name}_{one}": column for one, column in zip(classifier.classes, scores.T, strict=True)
        }
        if classifier.binned is not None:
            found[f"bin_{name}"] = classifier.bins(scores, batch.keys, mean=mean)
        if classifier.settings.loss == "uncertainty":
            found[f"bin_{name}"] = classifier.own_bins(values, batch.keys)
        return found

    _write(dataset, chunk, read.names(classifier.settings), classifier.settings.friends, made, output)
    log.info("scored %s/%s with %s%s", dataset.name, chunk, name, ", the mean of all folds" if mean else "")


def categorise(name: str, settings: Categories, manifest: Path, chunk: str, output: Path) -> None:
    """Write ``category_<name>`` of a chunk: the number of the first category whose cut is true, -1 for none.

    Raises:
        ConfigError: a cut is no condition.
        InputFileError: a file or column is missing.
    """
    dataset = Dataset.open(manifest)
    columns = list(dict.fromkeys(one for category in settings.categories for one in formulas.names(category.cut)))

    def made(batch: Batch, variation: str) -> Columns:
        found = np.full(len(batch.keys), -1, np.int32)
        for number, category in reversed(list(enumerate(settings.categories))):
            found[read.condition(category.cut, batch.columns[variation], len(found))] = number
        return {f"category_{name}": found}

    _write(dataset, chunk, columns, settings.friends, made, output)
    log.info("made the categories %s of %s/%s", name, dataset.name, chunk)


def _write(
    dataset: Dataset,
    chunk: str,
    columns: Sequence[str],
    friends: Sequence[str],
    made: Callable[[Batch, str], Columns],
    output: Path,
) -> None:
    """Write what is ``made`` of a batch, nominal (variation "") and, where it differs, of each variation."""
    notes: dict[str, dict[str, str]] = {}

    def tables() -> Iterator[pa.Table]:
        for batch in read.batches(dataset, chunk, columns, friends):
            nominal = made(batch, "")
            found = batch.identifier | nominal
            for variation in list(batch.passes)[1:]:
                for name, values in made(batch, variation).items():
                    twin = shifted_name(name, variation)
                    # What does not pass with the shift is not seen with it.
                    shifted = np.where(batch.passes[variation], values, nominal[name])
                    found[twin] = only_different(shifted, nominal[name])
                    notes[twin] = {GROUP: dataset.manifest.variations[variation]}
            yield events.table(found, output)

    events.write(output, tables(), {}, notes)
