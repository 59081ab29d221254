"""Does the reweighted simulation look like data? Histograms, chi2, and a classifier that tries to tell them apart.

Weights follow the fluctuations of the data that trained their models, and each event of the data trained those of all
folds but its own. So a fold of the data is compared with the same fold of the simulation only, whose models have seen
neither, and what the folds say is added up afterwards: then the difference is what Poisson errors say if there is none.
"""

from dataclasses import replace
from typing import Any

import hist
import numpy as np
from numpy.typing import NDArray

from resonaut.learn import ratio
from resonaut.learn.twosample.classifier import area
from resonaut.physics import features
from resonaut.reweight.results import Closure, Feature
from resonaut.reweight.settings import Settings
from resonaut.reweight.train import Reweighter


def closure(
    data: ratio.Sample, simulation: ratio.Sample, reweighter: Reweighter, luminosity: float, settings: Settings
) -> Closure:
    """Compare data with the simulation before and after, in the sidebands.

    Before, the simulation is scaled to the data, so that shapes are compared.

    Args:
        data: sideband data.
        simulation: sideband simulation, weights in fb.
        reweighter: what was trained on both.
        luminosity: 1/fb.
        settings: the section ``reweight``.
    """
    reweight = reweighter.weights(simulation.features, simulation.keys)
    after = simulation.weights * luminosity * reweight
    before = simulation.weights * (data.weights.sum() / simulation.weights.sum())
    samples = {"before": replace(simulation, weights=before), "after": replace(simulation, weights=after)}
    folds = [reweighter.models.folds(sample.keys) for sample in (data, simulation)]
    areas = {name: area(data, sample, folds, settings.classifier) for name, sample in samples.items()}
    return Closure(
        data_events=len(data.keys),
        simulation_events=len(simulation.keys),
        normalisation_before=float(simulation.weights.sum() * luminosity),
        weight_range=(float(reweight.min()), float(reweight.max())),
        features=[
            compared(name, i, data, samples, folds, settings.histogram_bins) for i, name in enumerate(settings.features)
        ],
        **{f"auc_{name}": area for name, (area, _) in areas.items()},
        **{f"auc_error_{name}": error for name, (_, error) in areas.items()},
    )


def compared(
    name: str,
    i: int,
    data: ratio.Sample,
    samples: dict[str, ratio.Sample],
    folds: list[NDArray[np.int64]],
    bins: int,
) -> Feature:
    """Histograms of feature number ``i`` in data and in simulation, fold by fold of both; see ``closure``."""
    # Bins of equal data content: every one counts in chi2, whatever the feature's tails.
    quantiles = np.quantile(data.features[:, i], np.linspace(0, 1, bins + 1))
    edges = np.unique(quantiles.astype(np.float64))
    edges[-1] = np.nextafter(edges[-1], np.inf)
    unit = features.feature(name).unit
    axis = hist.axis.Variable(edges, name=name, label=name if unit == "1" else f"{name} [{unit}]")
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
    return Feature(name=name, data=filled[:, sum], ndof=(len(edges) - 1) * number - 1, **simulated)
