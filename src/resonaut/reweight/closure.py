"""Does the reweighted simulation look like data? Histograms, chi2, and a classifier that tries to tell them apart.

Weights follow the fluctuations of the data that trained their models, and each event of the data trained those of all
folds but its own. So a fold of the data is compared with the same fold of the simulation only, whose models have seen
neither, and what the folds say is added up afterwards: then the difference is what Poisson errors say if there is none.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import hist
import numpy as np
from numpy.typing import NDArray

from resonaut.core import observables
from resonaut.learn import ratio
from resonaut.learn.ratio.conditional import Observed
from resonaut.learn.ratio.weights import Spread
from resonaut.learn.twosample.classifier import area
from resonaut.physics import features
from resonaut.physics.observables import OBSERVABLES
from resonaut.reweight.results import Closure, Compared, Feature, Kept, Region
from resonaut.reweight.settings import Settings
from resonaut.reweight.train import FloatArray, Reweighter, inputs

Range = tuple[float, float]


def closure(data: Observed, simulation: Mapping[str, Observed], reweighter: Reweighter, luminosity: float) -> Closure:
    """Compare data with the simulation before and after, in the sidebands and in the validation ranges.

    Args:
        data: those of the sidebands and of the validation ranges.
        simulation: all of it by dataset, weights in fb.
        reweighter: what was trained on both.
        luminosity: 1/fb.
    """
    settings, whole = reweighter.settings, Observed.concatenate(list(simulation.values()))
    factors = reweighter.factors(whole)
    after = whole.weighted(luminosity).weighted(factors[""][:, 0])
    pairs = whole, after
    beside = whole.within(settings.sidebands)
    nominal = factors[""][beside]
    checked = _compared(data, pairs, settings.validation, reweighter, luminosity) if settings.validation else None
    smooth = _smooth(data, whole, reweighter)
    return Closure(
        **vars(_compared(data, pairs, settings.sidebands, reweighter, luminosity)),
        condition=settings.observable if settings.condition else None,
        weight_range=(float(nominal.min()), float(nominal.max())),
        clipping=reweighter.weigher.clipping(inputs(whole[beside], settings)),
        weights=Spread.of(after.sample.weights[beside]),
        spread={
            name: float(np.sqrt(np.mean((values[beside] / nominal - 1) ** 2)))
            for name, values in factors.items()
            if name
        },
        regions=list(_regions(data, pairs, smooth, luminosity, settings)),
        sums=list(_sums(simulation, after.sample.weights / luminosity, smooth / luminosity)),
        validation=checked,
    )


def _compared(
    data: Observed, pairs: tuple[Observed, Observed], ranges: Sequence[Range], reweighter: Reweighter, luminosity: float
) -> Compared:
    """Data and simulation in some ranges; of the simulation the weights before, in fb, and after, in events.

    Before, the simulation is scaled to the data, so that shapes are compared.
    """
    settings = reweighter.settings
    observed, before, after = (inputs(one[one.within(ranges)], settings) for one in (data, *pairs))
    scaled = before.weights * (observed.weights.sum() / before.weights.sum())
    samples = {"before": ratio.Sample(before.features, scaled, before.keys), "after": after}
    folds = [reweighter.weigher.nominal.folds(sample.keys) for sample in (observed, before)]
    areas = {name: area(observed, sample, folds, settings.classifier) for name, sample in samples.items()}
    names = [*settings.features, *([settings.observable] if settings.condition else [])]
    return Compared(
        data_events=len(observed.keys),
        simulation_events=len(before.keys),
        normalisation_before=float(before.weights.sum() * luminosity),
        features=[
            compared(name, i, observed, samples, folds, settings.histogram_bins, _fixed(name, ranges, settings))
            for i, name in enumerate(names)
        ],
        **{f"auc_{name}": area for name, (area, _) in areas.items()},
        **{f"auc_error_{name}": error for name, (_, error) in areas.items()},
    )


def _fixed(name: str, ranges: Sequence[Range], settings: Settings) -> int:
    """How many numbers of a feature's histogram the simulation got from the data: its sum, and the spectrum's shape."""
    if list(ranges) != list(settings.sidebands):
        return 0
    return 1 + (settings.spectrum_degree if settings.condition and name == settings.observable else 0)


def _smooth(data: Observed, whole: Observed, reweighter: Reweighter) -> FloatArray:
    """What makes events of weights in fb, (n,), without the ratio: the factor of the spectrum, normalised."""
    factor = np.ones(len(whole.values)) if reweighter.prior is None else reweighter.prior(whole.values)
    sidebands = reweighter.settings.sidebands
    wanted = data.sample.weights[data.within(sidebands)].sum()
    reached = (whole.sample.weights * factor)[whole.within(sidebands)].sum()
    found: FloatArray = factor * (wanted / reached)
    return found


def _regions(
    data: Observed, pairs: tuple[Observed, Observed], smooth: FloatArray, luminosity: float, settings: Settings
) -> Iterator[Region]:
    """The sidebands, what lies between them, and the validation ranges; ``smooth`` (n,) as ``_smooth`` makes it."""
    seen = [*settings.sidebands, *settings.validation]
    between = [(one[1], other[0]) for one, other in pairwise(sorted(settings.sidebands)) if one[1] < other[0]]
    before, after = pairs
    for low, high in sorted({*seen, *between}):
        rows = before.within([(low, high)])
        weights, reached = before.sample.weights[rows], float(after.sample.weights[rows].sum())
        alone = float((weights * smooth[rows]).sum())
        known = data.sample.weights[data.within([(low, high)])].sum() if (low, high) in seen else None
        yield Region(
            range=(low, high),
            data=None if known is None else float(known),
            before=float(weights.sum() * luminosity),
            after=reached,
            kept=reached / alone - 1 if alone else 0.0,
        )


def _sums(simulation: Mapping[str, Observed], learned: FloatArray, smooth: FloatArray) -> Iterator[Kept]:
    """The sum of each dataset; ``learned`` (n,): all weights in fb afterwards, ``smooth`` (n,): factors of weights."""
    first = 0
    for name, one in simulation.items():
        rows, first = slice(first, first + len(one.values)), first + len(one.values)
        weights = one.sample.weights
        yield Kept(
            dataset=name,
            before=float(weights.sum()),
            learned=float(learned[rows].sum()),
            expected=float(weights @ smooth[rows]),
        )


def compared(
    name: str,
    i: int,
    data: ratio.Sample,
    samples: Mapping[str, ratio.Sample],
    folds: Sequence[NDArray[np.int64]],
    bins: int,
    fixed: int,
) -> Feature:
    """Histograms of feature number ``i`` in data and in simulation, fold by fold of both; see ``closure``.

    ``fixed``: so many numbers of the simulation's are the data's.
    """
    # Bins of equal data content: every one counts in chi2, whatever the feature's tails.
    quantiles = np.quantile(data.features[:, i], np.linspace(0, 1, bins + 1))
    edges = np.unique(quantiles.astype(np.float64))
    edges[-1] = np.nextafter(edges[-1], np.inf)
    unit = OBSERVABLES[name].unit if name in OBSERVABLES else features.feature(name).unit
    axis = hist.axis.Variable(edges, name=name, label=observables.axis(name, unit))
    number = int(max(map(np.max, folds))) + 1

    def fill(sample: ratio.Sample, fold: NDArray[np.int64]) -> hist.Hist:
        both = hist.Hist(axis, hist.axis.Integer(0, number, name="fold"), storage=hist.storage.Weight())
        return both.fill(sample.features[:, i], fold, weight=sample.weights)

    filled = fill(data, folds[0])
    simulated: dict[str, Any] = {}
    for when, sample in samples.items():
        histogram = fill(sample, folds[1])
        difference, variance = filled.values() - histogram.values(), filled.variances() + histogram.variances()
        chi2 = np.divide(difference**2, variance, where=variance > 0, out=0 * variance).sum()
        simulated |= {when: histogram[:, sum], f"chi2_{when}": float(chi2)}
    return Feature(name=name, data=filled[:, sum], ndof=(len(edges) - 1) * number - fixed, **simulated)
