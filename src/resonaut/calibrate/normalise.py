"""Weights of a dataset: normalised for each number of prongs, hard scale and p_T of the jets."""

import logging
import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import awkward as ak
import numpy as np
from tqdm import tqdm

from resonaut.calibrate.columns import JETS, TOYS
from resonaut.calibrate.columns import column as column_of
from resonaut.calibrate.correction import LundCorrection
from resonaut.calibrate.counts import Counts, quotient
from resonaut.calibrate.factors import table_alone
from resonaut.calibrate.jets import Jets, constituent_columns, jets_of, truth_columns
from resonaut.calibrate.matching import BoolArray, match
from resonaut.calibrate.results import JetEdges, Normalisation, ProngCount
from resonaut.calibrate.settings import Settings
from resonaut.calibrate.weights import Calibration, JetWeights, weigh
from resonaut.core import weights
from resonaut.core.errors import InputFileError, NotFiniteError
from resonaut.core.events import KEY, Dataset
from resonaut.core.variations import PASSES
from resonaut.physics.clustering import FloatArray, IntArray

COLUMNS = [name for jet in JETS for name in (*constituent_columns(jet), *truth_columns(jet))]
# Fewer well matched jets tell too little of a dataset's own Lund plane.
DISTORTION_JETS = 1000
# More bins of either kind bring nothing but a longer file.
MAX_BINS = 10
# Fewer have a mean that takes their own fluctuations out of the weights.
FEW_JETS = 30

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class JetBins:
    """Bins with equally many jets: by their hard scale, and within each by p_T."""

    edges: JetEdges

    @classmethod
    def of(cls, hard_scale: FloatArray, pt: FloatArray, jets_per_bin: int) -> "JetBins":
        """At least two bins of p_T where there are two of hard scale, and at most ``MAX_BINS`` of either kind."""
        edges = _inner_quantiles(hard_scale, int(np.clip(len(pt) / (2 * jets_per_bin), 1, MAX_BINS)))
        # Jets of one prong all have the scale 0.
        edges = [edge for edge in dict.fromkeys(edges) if edge > hard_scale.min()]
        scales = len(edges) + 1
        which = np.searchsorted(edges, hard_scale, side="right")
        number = int(np.clip(len(pt) / (scales * jets_per_bin), 1, MAX_BINS))
        return cls(JetEdges(hard_scale=edges, pt=[_inner_quantiles(pt[which == k], number) for k in range(scales)]))

    @property
    def size(self) -> int:
        """Number of bins."""
        return len(self.edges.pt) * (len(self.edges.pt[0]) + 1)

    def index(self, hard_scale: FloatArray, pt: FloatArray) -> IntArray:
        """Bin of each jet; the first and last bins also hold what lies beyond."""
        which = np.searchsorted(self.edges.hard_scale, hard_scale, side="right")
        found = which * (len(self.edges.pt[0]) + 1)
        for k, edges in enumerate(self.edges.pt):
            found[which == k] += np.searchsorted(edges, pt[which == k], side="right")
        return found


def _inner_quantiles(values: FloatArray, bins: int) -> list[float]:
    """The edges between ``bins`` bins with equally many values."""
    steps = np.linspace(0, 1, bins + 1)[1:-1]
    return [float(edge) for edge in (np.quantile(values, steps) if len(values) else 0 * steps)]


def doubtful_fraction(prongs: int) -> float:
    """Fraction of badly matched jets above which the calibration is doubtful (CMS-DP-2023-046)."""
    return 0.1 * prongs


def normalise(dataset: Dataset, correction: LundCorrection, settings: Settings) -> Normalisation:
    """Mean weights of a dataset's jets by number of prongs, matching, hard scale and p_T, over both jets of the events.

    Dividing by them keeps the number of jets and their p_T spectrum. The product of the ratios of emissions is
    their likelihood ratio but for the probability of no further emission, which depends on the phase space that the
    prongs leave each other: the mean in bins of the hard scale stands for it. A badly matched jet lacks factors of some
    splittings, so that its mean is another.

    Raises:
        NotFiniteError: the generator weights of the jets in some bin cancel.
    """
    distortion, bins = _survey(dataset, correction, settings)
    calibration = Calibration.of(correction, settings)
    tables = table_alone(correction.bins, distortion, correction.factor_range, "distortion")
    size = max(s.stop for s in calibration.variations.values())
    counts: dict[int, IntArray] = defaultdict(lambda: np.zeros(4, np.int64))
    # Columns: number of jets, their generator weight, and that times their weight in each variation.
    sums = {n: np.zeros((2 * b.size, 2 + size)) for n, b in bins.items()}
    for events in _batches(dataset, "Lund weights"):
        gen_weight = ak.to_numpy(events.gen_weight)
        for jet in JETS:
            jets = jets_of(events, jet)
            found = weigh(jets, calibration, tables)
            for n in np.unique(jets.prongs):
                alike = jets.prongs == n
                used = alike & found.calibrated
                flags = (alike, alike & ~used, used & found.bad_match, used & found.unclustered)
                counts[int(n)] += [np.count_nonzero(flag) for flag in flags]
                index = _bin(bins[int(n)], jets, found, used)
                w = gen_weight[used]
                np.add.at(sums[int(n)], index, np.column_stack([np.ones(len(w)), w, w[:, None] * found.weight[used]]))
    # The one source that doubts how many badly matched jets there are.
    free = [calibration.variations[f"unclustered_{way}"].start for way in ("up", "down")]
    prongs = {str(n): _prong_count(dataset.name, n, counts[n], bins[n], sums[n], free) for n in sorted(counts)}
    _warn(dataset.name, prongs)
    return Normalisation(
        dataset=dataset.name,
        correction=correction.checksum,
        prongs=prongs,
        distortion=distortion.ravel().tolist(),
    )


def _survey(dataset: Dataset, correction: LundCorrection, settings: Settings) -> tuple[FloatArray, dict[int, JetBins]]:
    """A first look at all jets: the factors from their own plane to that of the simulated W jets; bins of jets."""
    counts = Counts(correction.bins)
    seen: dict[int, list[FloatArray]] = defaultdict(list)
    well_matched = 0
    for events in _batches(dataset, "Lund planes"):
        gen_weight = ak.to_numpy(events.gen_weight).astype(np.float64)[None]
        for jet in JETS:
            jets = jets_of(events, jet)
            planes = jets.planes(settings)
            good = ~match(planes, jets.quarks).bad(planes)
            well_matched += int(np.count_nonzero(good))
            # Beyond, the only slice to compare with is that of softer subjets.
            counts.fill(planes, gen_weight * good, planes.pt < correction.direct_pt_range[1])
            for n in np.unique(jets.prongs):
                alike = (jets.prongs == n) & (planes.subjets > 0)
                seen[int(n)].append(np.stack([jets.hard_scale[alike], jets.pt[alike]]))
    if well_matched < DISTORTION_JETS:
        logger.warning(
            "%s: %d well matched jets, fewer than %d: the uncertainty from the Lund plane's distortion is inflated",
            dataset.name, well_matched, DISTORTION_JETS,
        )  # fmt: skip
    distortion = _distortion(counts, well_matched, correction, settings)
    jets_by_prongs = {n: np.concatenate(parts, axis=1) for n, parts in seen.items()}
    return distortion, {n: JetBins.of(scale, pt, settings.jets_per_bin) for n, (scale, pt) in jets_by_prongs.items()}


def _distortion(counts: Counts, jets: int, correction: LundCorrection, settings: Settings) -> FloatArray:
    """Factors from the plane of ``jets`` well matched jets to that of the simulated W jets.

    Fewer than ``DISTORTION_JETS`` say little of how the planes differ: a bin with too few splittings takes the ratio
    at the same k_t of all angles and p_T, and the factors' logarithms grow with the statistical error.
    """
    # Each slice of both planes has the sum 1 over the bins with W jets: more or fewer splittings are none.
    both = (np.where(correction.density > 0, counts.weights[0], 0.0), correction.density)
    own, of_w = (quotient(plane, plane.sum(axis=(1, 2), keepdims=True)) for plane in both)
    entries, least = counts.entries(), max(settings.minimum_entries, 1)
    known = (of_w > 0) & (own > 0) & (entries >= least)
    ratio = np.ones(known.shape)
    ratio[known] = of_w[known] / own[known]
    if jets < DISTORTION_JETS:
        # Of the slices as they are filled here.
        filled = both[0].sum(axis=(1, 2), keepdims=True)
        together = [plane.sum(axis=(0, 1)) for plane in (of_w * filled, own * filled)]
        seen = (together[0] > 0) & (together[1] > 0) & (entries.sum(axis=(0, 1)) >= least)
        by_kt = np.where(seen, quotient(*together), 1.0)
        ratio = np.where(known, ratio, by_kt) ** math.sqrt(DISTORTION_JETS / max(jets, 1))
    return np.clip(ratio, *correction.factor_range)


def _prong_count(
    dataset: str, prongs: int, counts: IntArray, bins: JetBins, sums: FloatArray, free: list[int]
) -> ProngCount:
    """Mean weights of the jets with one number of prongs.

    Each variation keeps the numbers of well and of badly matched jets in a bin, but the ``free`` ones only their sum.
    """
    number, total, weighted = sums[:, :1], sums[:, 1:2], sums[:, 2:]
    # Bins with few jets, mostly of badly matched ones, share the mean of all such bins that are matched alike.
    few = number < FEW_JETS
    shared = (few * sums).reshape(2, bins.size, -1).sum(axis=1).repeat(bins.size, axis=0)
    counted = np.where(few, shared, sums)
    means = np.divide(counted[:, 2:], counted[:, 1:2], out=np.full_like(weighted, np.nan), where=counted[:, 1:2] != 0)
    means = np.where(counted[:, :1] > 0, means, 1.0)
    if not np.all(means > 0):
        raise NotFiniteError(
            f"{dataset}: the generator weights of jets with {prongs} prongs cancel in a bin; give more events, or "
            "raise calibrate.jets_per_bin."
        )
    nominal = means[:, :1]
    varied = (weighted[:, free] / nominal).reshape(2, bins.size, -1).sum(axis=0)
    all_jets = total.reshape(2, bins.size, 1).sum(axis=0)
    change = np.divide(varied, all_jets, out=np.ones_like(varied), where=all_jets != 0)
    means[:, free] = nominal * np.tile(change, (2, 1))
    jets, uncalibrated, badly_matched, unclustered = map(int, counts)
    return ProngCount(
        jets=jets,
        uncalibrated_jets=uncalibrated,
        badly_matched_jets=badly_matched,
        unclustered_jets=unclustered,
        bins=bins.edges,
        means=means.tolist(),
    )


def _warn(dataset: str, prongs: dict[str, ProngCount]) -> None:
    """Say how many jets are badly matched, and warn where they are many."""
    for n, count in prongs.items():
        fraction, limit = count.bad_fraction, doubtful_fraction(int(n))
        logger.log(
            logging.WARNING if fraction > limit else logging.INFO,
            "%s: %d jets with %s prongs, %d uncalibrated, %.1f %% badly matched%s",
            dataset, count.jets, n, count.uncalibrated_jets, 100 * fraction,
            f", more than {100 * limit:.0f} %: their calibration is doubtful" if fraction > limit else "",
        )  # fmt: skip


def apply(
    dataset: Dataset,
    chunk: str,
    correction: LundCorrection,
    normalisation: Normalisation,
    settings: Settings,
    source: Path,
) -> Iterator[ak.Array]:
    """Yield the friend columns of one chunk, batch by batch; ``source`` is the file of ``normalisation``.

    Raises:
        InputFileError: the normalisation is of other events or of other variations.
    """
    calibration = Calibration.of(correction, settings)
    values = np.array(normalisation.distortion)
    if values.size != correction.error.size:
        raise _of_something_else(source, "the correction's bins")
    if normalisation.dataset != dataset.name:
        raise _of_something_else(source, f"{dataset.name!r}, but for {normalisation.dataset!r}")
    if normalisation.correction != correction.checksum:
        raise _of_something_else(source, "this correction, but for another one")
    distortion = table_alone(correction.bins, values, correction.factor_range, "distortion")
    for events in dataset.iterate_chunk(chunk, [*COLUMNS, PASSES], every=True):
        columns = {name: events[name] for name in KEY}
        for jet in JETS:
            jets = jets_of(events, jet)
            found = weigh(jets, calibration, distortion)
            means = _means(jets, found, normalisation, ak.to_numpy(events[PASSES]), source)
            weight = (found.weight / means).astype(np.float32)
            for name, where in calibration.variations.items():
                column = weight[:, where] if name in TOYS else weight[:, where.start]
                columns[column_of(name, jet)] = ak.Array(np.ascontiguousarray(column))
            columns[f"lund_calibrated_{jet}"] = found.calibrated
            columns[f"lund_bad_match_{jet}"] = found.bad_match
        yield ak.zip(columns, depth_limit=1)


def _means(jets: Jets, found: JetWeights, normalisation: Normalisation, nominal: BoolArray, source: Path) -> FloatArray:
    """The mean weights to divide each jet's weights by; 1 where it is not calibrated.

    The means are of ``nominal`` events: others may have jets with a number of prongs that has none.
    """
    means = np.ones_like(found.weight)
    for n in np.unique(jets.prongs[found.calibrated]):
        rows = found.calibrated & (jets.prongs == n)
        count = normalisation.prongs.get(str(n))
        if count is None and not (rows & nominal).any():
            continue
        if count is None or len(count.means[0]) != found.weight.shape[-1]:
            raise _of_something_else(source, f"these variations of jets with {n} prongs")
        means[rows] = np.array(count.means)[_bin(JetBins(count.bins), jets, found, rows)]
    return means


def _bin(bins: JetBins, jets: Jets, found: JetWeights, rows: BoolArray) -> IntArray:
    """Bin of some of the jets; those of badly matched jets follow those of the others."""
    return bins.index(jets.hard_scale[rows], jets.pt[rows]) + bins.size * found.bad_match[rows]


def _of_something_else(source: Path, what: str) -> InputFileError:
    return InputFileError(source, f"not made for {what}", "make it again with `resonaut calibrate normalise`")


def _batches(dataset: Dataset, what: str) -> Iterator[ak.Array]:
    batches = weights.iterate(dataset, [*COLUMNS, "gen_weight"])
    yield from tqdm(batches, desc=f"{what} of {dataset.name}", unit="batch", disable=None)
