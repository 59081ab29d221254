"""Weights of multi-prong jets from the measured ratio, with statistical toys, normalised over a dataset.

In every array of weights the last axis is the nominal weight followed by the toys.
"""

import logging
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import awkward as ak
import numpy as np
from tqdm import tqdm

from resonaut.calibrate import jets
from resonaut.calibrate.bins import FloatArray, IntArray, LundBins, splittings_of
from resonaut.calibrate.correction import LundRatio
from resonaut.calibrate.settings import Settings
from resonaut.errors import InputFileError
from resonaut.events import KEY, Dataset, require_finite

JETS = ("j1", "j2")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ProngCount:
    """All jets of a dataset with one number of prongs; the mean weights are those of its calibrated jets."""

    jets: int
    uncalibrated_jets: int
    mean_weight: float
    mean_weight_toys: list[float]


@dataclass(frozen=True)
class Normalisation:
    """Content of ``normalisation.json``, by number of prongs."""

    prongs: dict[str, ProngCount]


def factor_tables(ratio: LundRatio, settings: Settings) -> FloatArray:
    """Factors of a splitting: the ratio and its toys, clipped to ``factor_range``; ``(1 + toys, bins)``.

    A toy moves every bin by its error times a normal number. The numbers depend on the seed alone, so
    the same toy is the same correction in every dataset.
    """
    pattern = np.random.default_rng(settings.seed).standard_normal((settings.toys, ratio.ratio.size))
    toys = ratio.ratio.ravel() + ratio.error.ravel() * pattern
    return np.clip(np.vstack([ratio.ratio.reshape(1, -1), toys]), *settings.factor_range)


def jet_weights(
    subjets: ak.Array, bins: LundBins, factors: FloatArray, weight_range: tuple[float, float]
) -> FloatArray:
    """Product of the factors of all splittings in each jet, clipped to ``weight_range``: ``(jets, 1 + toys)``."""
    splittings = splittings_of(subjets)
    index = bins.flat(splittings)
    logarithms = [np.bincount(splittings.jet, log[index], minlength=len(subjets)) for log in np.log(factors)]
    return np.clip(np.exp(np.stack(logarithms, axis=-1)), *weight_range)


@dataclass(frozen=True)
class JetBatch:
    """One jet of each event: ``weight`` before normalisation, ``prongs``, and whether it is calibrated."""

    weight: FloatArray
    prongs: IntArray
    calibrated: np.ndarray[tuple[int], np.dtype[np.bool_]]


def weigh(events: ak.Array, jet: str, ratio: LundRatio, factors: FloatArray, settings: Settings) -> JetBatch:
    """Weights of one jet per event; 1 for a jet without prongs or with fewer constituents than prongs."""
    prongs = ak.to_numpy(events[f"{jet}_prongs"]).astype(np.int64)
    subjets = jets.subjets_of(events, jet, prongs, settings)
    weight = jet_weights(subjets, ratio.bins, factors, settings.weight_range)
    return JetBatch(weight, prongs, ak.to_numpy(ak.num(subjets)) > 0)


def normalise(dataset: Dataset, ratio: LundRatio, settings: Settings) -> Normalisation:
    """Mean weights of a dataset's calibrated jets for each number of prongs, over both jets of the events.

    Raises:
        NotFiniteError: the generator weights of the jets with some number of prongs add up to zero.
    """
    factors = factor_tables(ratio, settings)
    counts: dict[int, IntArray] = defaultdict(lambda: np.zeros(2, np.int64))
    sums: dict[int, FloatArray] = defaultdict(lambda: np.zeros(1 + len(factors)))
    batches = dataset.iterate([*_columns(), "gen_weight"])
    for events in tqdm(batches, desc=f"Lund weights of {dataset.name}", unit="batch", disable=None):
        gen_weight = ak.to_numpy(events.gen_weight)
        for jet in JETS:
            batch = weigh(events, jet, ratio, factors, settings)
            for n in np.unique(batch.prongs):
                alike = batch.prongs == n
                used = alike & batch.calibrated
                counts[int(n)] += np.count_nonzero(alike), np.count_nonzero(alike & ~used)
                sums[int(n)] += gen_weight[used].sum(), *(gen_weight[used] @ batch.weight[used])
    prongs = {str(n): _prong_count(dataset.name, n, counts[n], sums[n]) for n in sorted(counts)}
    for n, count in prongs.items():
        logger.info("%s prongs: %d jets, %d of them uncalibrated", n, count.jets, count.uncalibrated_jets)
    return Normalisation(prongs)


def _prong_count(dataset: str, prongs: int, counts: IntArray, sums: FloatArray) -> ProngCount:
    uncalibrated = counts[0] == counts[1]
    mean = (
        np.ones(len(sums) - 1)
        if uncalibrated
        else np.divide(sums[1:], sums[0], out=sums[1:] * np.nan, where=sums[0] != 0)
    )
    require_finite(mean, f"mean Lund weight of jets with {prongs} prongs", dataset)
    return ProngCount(int(counts[0]), int(counts[1]), float(mean[0]), mean[1:].tolist())


def apply(
    dataset: Dataset, chunk: str, ratio: LundRatio, normalisation: Normalisation, settings: Settings, source: Path
) -> Iterator[ak.Array]:
    """Yield the friend columns of one chunk, batch by batch; ``source`` is the file of ``normalisation``.

    Raises:
        InputFileError: the normalisation is of other events or of another number of toys.
    """
    factors = factor_tables(ratio, settings)
    for events in dataset.iterate_chunk(chunk, _columns()):
        columns = {name: events[name] for name in KEY}
        product = np.ones((len(events), len(factors)))
        for jet in JETS:
            batch = weigh(events, jet, ratio, factors, settings)
            weight = batch.weight / _means(batch, normalisation, len(factors), source)
            columns[f"lund_weight_{jet}"] = weight[:, 0].copy()
            columns[f"lund_calibrated_{jet}"] = batch.calibrated
            product *= weight
        columns["lund_weight_toys"] = ak.Array(product[:, 1:].copy())
        yield ak.zip(columns, depth_limit=1)


def _means(batch: JetBatch, normalisation: Normalisation, size: int, source: Path) -> FloatArray:
    """The mean weight to divide each jet's weight by; 1 where it is not calibrated."""
    means = np.ones((len(batch.prongs), size))
    for n in np.unique(batch.prongs[batch.calibrated]):
        count = normalisation.prongs.get(str(n))
        if count is None or len(count.mean_weight_toys) != size - 1:
            raise InputFileError(
                source,
                f"no {size - 1} toys of jets with {n} prongs",
                "make it again with `resonaut calibrate normalise`",
            )
        means[batch.calibrated & (batch.prongs == n)] = [count.mean_weight, *count.mean_weight_toys]
    return means


def _columns() -> list[str]:
    return [name for jet in JETS for name in (*jets.columns(jet), f"{jet}_prongs")]
