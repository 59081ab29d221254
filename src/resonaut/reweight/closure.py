"""Does the reweighted simulation look like data? Histograms, chi2, and a classifier that tries to tell them apart."""

from dataclasses import replace
from typing import Any

import hist
import numpy as np
from numpy.typing import NDArray

from resonaut import features, ratio, spectrum
from resonaut.reweight.settings import Settings

# The fresh classifier deals the events into other folds than the one that made the weights.
FRESH_SEED = 1000003


def closure(
    data: ratio.Sample, simulation: ratio.Sample, reweight: NDArray[np.float64], luminosity: float, settings: Settings
) -> dict[str, Any]:
    """Compare data with the simulation before and after, in the sidebands.

    Before, the simulation is scaled to the number of data events, so that shapes are compared.

    Args:
        data: sideband data, weight 1.
        simulation: sideband simulation, weights in fb.
        reweight: the held-out weight of each simulated event.
        luminosity: 1/fb.
        settings: the section ``reweight``.

    Returns:
        ``features``: for each, the UHI histograms ``data``, ``before``, ``after`` and the ``chi2_before``,
        ``chi2_after`` of ``ndof`` bins; ``auc_before`` and ``auc_after`` of a fresh classifier (0.5 where it
        cannot tell) with their ``auc_error_*``; events, and the weights' range.
    """
    after = simulation.weights * luminosity * reweight
    before = simulation.weights * (len(data.keys) / simulation.weights.sum())
    samples = {"before": replace(simulation, weights=before), "after": replace(simulation, weights=after)}
    result: dict[str, Any] = {
        "data_events": len(data.keys),
        "simulation_events": len(simulation.keys),
        "normalisation_before": float(simulation.weights.sum() * luminosity),
        "weight_range": [float(reweight.min()), float(reweight.max())],
        "features": [_feature(i, data, samples, settings) for i in range(len(settings.features))],
    }
    for name, sample in samples.items():
        result[f"auc_{name}"], result[f"auc_error_{name}"] = _auc(data, sample, settings)
    return result


def _feature(i: int, data: ratio.Sample, samples: dict[str, ratio.Sample], settings: Settings) -> dict[str, Any]:
    name = settings.features[i]
    # Bins of equal data content: every one counts in chi2, whatever the feature's tails.
    quantiles = np.quantile(data.features[:, i], np.linspace(0, 1, settings.histogram_bins + 1))
    edges = np.unique(quantiles.astype(np.float64))
    edges[-1] = np.nextafter(edges[-1], np.inf)
    unit = features.FEATURES[name].unit
    axis = hist.axis.Variable(edges, name=name, label=name if unit == "1" else f"{name} [{unit}]")

    def fill(sample: ratio.Sample) -> hist.Hist:
        return hist.Hist(axis, storage=hist.storage.Weight()).fill(sample.features[:, i], weight=sample.weights)

    filled = fill(data)
    result: dict[str, Any] = {"name": name, "data": spectrum.to_json(filled), "ndof": len(edges) - 2}
    for when, sample in samples.items():
        histogram = fill(sample)
        difference = filled.values() - histogram.values()
        result[when] = spectrum.to_json(histogram)
        result[f"chi2_{when}"] = float(np.sum(difference**2 / (filled.variances() + histogram.variances())))
    return result


def _auc(data: ratio.Sample, simulation: ratio.Sample, settings: Settings) -> tuple[float, float]:
    """Held-out AUC of a classifier trained afresh between data and the weighted simulation."""
    # As small as can be: the weights follow the data's fluctuations, which an average over many parts shows, too.
    fresh = replace(settings.classifier, seed=settings.classifier.seed + FRESH_SEED, validation_parts=2)
    models = ratio.CrossFit.fit(data, simulation, fresh)
    scores = [models.probability(s.features, s.keys) for s in (data, simulation)]
    return ratio.auc(scores[0], scores[1], data.weights, simulation.weights)
