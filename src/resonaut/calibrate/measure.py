"""Lund planes of boosted W jets in data and simulation, and their ratio."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
from tqdm import tqdm

from resonaut.calibrate.columns import JETS
from resonaut.calibrate.correction import INPUTS, Factors, LundCorrection
from resonaut.calibrate.counts import Counts, quotient
from resonaut.calibrate.extrapolate import extrapolate
from resonaut.calibrate.jets import constituent_columns, constituents_of, jets_of, planes_in, truth_columns
from resonaut.calibrate.matching import BoolArray, match
from resonaut.calibrate.results import Edges, Planes
from resonaut.calibrate.settings import Settings
from resonaut.core import weights
from resonaut.core.collisions import Collisions
from resonaut.core.errors import ConfigError, EmptySelectionError
from resonaut.core.events import Dataset
from resonaut.physics.clustering import FloatArray

W_PRONGS = 2
JET = "j1"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Samples:
    """W jets of data, their simulation and that of the background in data, and jets with b quarks."""

    data: Collisions
    simulation: Sequence[Dataset]
    background: Sequence[Dataset]
    b_quarks: Sequence[Dataset]

    @classmethod
    def open(
        cls, data: Sequence[Path], simulation: Sequence[Path], background: Sequence[Path], b_quarks: Sequence[Path]
    ) -> "Samples":
        """The same of the datasets' manifests."""
        collisions = Collisions.open(data)
        return cls(
            collisions,
            collisions.simulated(simulation),
            collisions.simulated(background),
            [Dataset.open(path) for path in b_quarks],
        )


@dataclass(frozen=True)
class Ratio:
    """Data/simulation ratio, nominal first, then up and down of each source: (variations, *bins.shape).

    ``error`` is statistical, of the nominal one. Where a bin is not ``known``, ratios and error are 1.
    """

    values: FloatArray
    error: FloatArray
    known: BoolArray


def sources(settings: Settings) -> list[str]:
    """Names of the systematic sources, in the order of the variations."""
    return ["background", *settings.systematics.weights]


def ratio_of(data: Counts, simulation: Counts, background: Counts, settings: Settings) -> Ratio:
    """Ratio of the densities of splittings, (data - background) / simulation, slice by slice of p_T.

    ``background`` and ``simulation`` hold the nominal weights and those of ``settings.systematics.weights``, up and
    down; ``background`` is scaled to the data. A bin with fewer effective entries than ``minimum_entries``
    (or none) on either side, or none left above the background, says nothing: 1 with error 1.
    """
    shift = settings.systematics.background
    scales = np.array([1.0, 1 + shift, 1 - shift, *np.ones(simulation.variations - 1)])
    which = np.array([0, 0, 0, *range(1, simulation.variations)])
    subtracted = data.weights[0] - scales[:, None, None, None] * background.weights[which]
    subjets = data.subjets[0] - scales[:, None] * background.subjets[which]
    numerator = quotient(subtracted, np.maximum(subjets, 0)[:, :, None, None])
    denominator = simulation.density()[which]
    entries = np.minimum(data.entries(), simulation.entries())
    known = (entries >= max(settings.minimum_entries, np.finfo(float).tiny)) & (numerator[0] > 0) & (denominator[0] > 0)
    values, error = np.ones(numerator.shape), np.ones(known.shape)
    values[:, known] = (numerator / np.where(denominator > 0, denominator, 1))[:, known]
    variance = quotient(data.squares[0] + background.squares[0], subtracted[0] ** 2) + quotient(
        simulation.squares[0], simulation.weights[0] ** 2
    )
    error[known] = values[0][known] * np.sqrt(variance[known])
    return Ratio(values, error, known)


def measure(samples: Samples, settings: Settings) -> tuple[LundCorrection, dict[str, Any], Planes]:
    """Measure the correction in the control region of boosted W jets.

    Returns:
        The correction; what it comes from, for its metadata; and planes and ratio.

    Raises:
        EmptySelectionError: data or simulation has no jet with two prongs' constituents.
        ConfigError: a dataset lacks the luminosity, or the weights of a systematic variation.
    """
    luminosity = samples.data.luminosity if samples.background else 0.0
    columns = [pair.column for pair in settings.systematics.weights.values()]
    data = _counts(samples.data.datasets, settings, [], lambda events, _: ak.to_numpy(events.weight)[None])
    simulated = _simulated_weights(settings)
    simulation = _counts(samples.simulation, settings, columns, simulated)
    background = _counts(samples.background, settings, columns, lambda e, name: luminosity * simulated(e, name))
    for datasets, counts in ((samples.data.datasets, data), (samples.simulation, simulation)):
        if not counts.jets:
            raise EmptySelectionError(
                f"datasets {', '.join(dataset.name for dataset in datasets)}: no jet with {W_PRONGS} or more "
                "constituents; loosen their region in `skim.regions` or give more events."
            )
    ratio = ratio_of(data, simulation, background, settings)
    inverse_pt = quotient(simulation.inverse_pt, simulation.subjets[0])
    polynomials, covariance = extrapolate(inverse_pt, ratio.values, ratio.error, ratio.known)
    low, high = settings.factor_range
    factors = [Factors(np.clip(v, low, high), p) for v, p in zip(ratio.values, polynomials, strict=True)]
    b_light, b_jets = _b_light(samples.b_quarks, settings)
    correction = LundCorrection(
        declustering=settings.declustering,
        minimum_delta=settings.minimum_delta,
        minimum_kt=settings.minimum_kt,
        bins=settings.bins,
        direct_pt_range=settings.direct_pt_range,
        factor_range=settings.factor_range,
        nominal=factors[0],
        error=ratio.error,
        covariance=covariance,
        systematics={name: (factors[1 + 2 * i], factors[2 + 2 * i]) for i, name in enumerate(sources(settings))},
        b_light=b_light,
        density=simulation.density()[0],
    )
    sides = {"data": data, "simulation": simulation, "background": background}
    for side, counts in sides.items():
        logger.info("%s: %d W jets, and %d with too few constituents", side, counts.jets, counts.uncalibrated)
    source = {f"{side}_jets": counts.jets for side, counts in sides.items()} | {
        "subjets_background_over_data": quotient(background.subjets[0], data.subjets[0]).tolist(),
        "measured_bins": int(ratio.known.sum()),
        "b_quark_jets": b_jets,
    }
    varied = zip(ratio.values[1::2].tolist(), ratio.values[2::2].tolist(), strict=True)
    planes = Planes(
        edges=Edges(**dict(zip(INPUTS, map(list, settings.bins.edges), strict=True))),
        **{side: counts.counted() for side, counts in sides.items()},
        ratio=ratio.values[0].tolist(),
        ratio_error=ratio.error.tolist(),
        systematics=dict(zip(sources(settings), varied, strict=True)),
    )
    return correction, source, planes


def _counts(
    datasets: Iterable[Dataset],
    settings: Settings,
    columns: Sequence[str],
    weight: Callable[[ak.Array, str], FloatArray],
) -> Counts:
    """Count the W jets of datasets; ``weight`` gives (variations, events) from events with ``columns``, and a name."""
    counts: Counts | None = None
    for dataset in datasets:
        batches = weights.iterate(dataset, [*constituent_columns(JET), "weight", *columns])
        for batch in tqdm(batches, desc=f"Lund planes of {dataset.name}", unit="batch", disable=None):
            w = weight(batch, dataset.name)
            counts = counts or Counts(settings.bins, len(w))
            counts.fill(planes_in(constituents_of(batch, JET), W_PRONGS, settings), w)
    return counts or Counts(settings.bins, 1 + 2 * len(settings.systematics.weights))


def _simulated_weights(settings: Settings) -> Callable[[ak.Array, str], FloatArray]:
    """The weights of simulated events: nominal, then up and down of each source of ``systematics.weights``."""

    def varied(events: ak.Array, name: str) -> FloatArray:
        nominal = ak.to_numpy(events.weight).astype(np.float64)
        columns = [nominal]
        for source, pair in settings.systematics.weights.items():
            lists = events[pair.column]
            if len(lists) and ak.min(ak.num(lists)) <= max(pair.up, pair.down):
                raise ConfigError(
                    f"dataset {name!r} has no {max(pair.up, pair.down) + 1} weights {pair.column!r} in every event, "
                    f"which calibrate.systematics.weights.{source} asks for; take it out, or give a file that has them."
                )
            columns += [nominal * ak.to_numpy(lists[:, place]) for place in (pair.up, pair.down)]
        return np.stack(columns)

    return varied


def _b_light(datasets: Iterable[Dataset], settings: Settings) -> tuple[FloatArray, int]:
    """Ratio of the densities of subjets with a b quark and with another one, and the number of the former."""
    b_quarks, light = Counts(settings.bins), Counts(settings.bins)
    number = 0
    for dataset in datasets:
        for jet in JETS:
            for events in weights.iterate(dataset, [*constituent_columns(jet), *truth_columns(jet), "weight"]):
                jets = jets_of(events, jet)
                planes = jets.planes(settings)
                found = match(planes, jets.quarks)
                good = np.repeat(~found.bad(planes), planes.subjets)
                weight = ak.to_numpy(events.weight)[None]
                b_quarks.fill(planes, weight, good & found.is_b)
                light.fill(planes, weight, good & ~found.is_b)
                number += int(np.count_nonzero(good & found.is_b))
    known = np.minimum(b_quarks.entries(), light.entries()) >= max(settings.minimum_entries, np.finfo(float).tiny)
    ratio = np.ones(settings.bins.shape)
    ratio[known] = np.clip(b_quarks.density()[0][known] / light.density()[0][known], *settings.factor_range)
    return ratio, number
