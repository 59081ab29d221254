"""What the methods with densities share: a density for each fold, learned without it, and masses to sample at."""

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from resonaut.core import identifier, weights
from resonaut.core.events import Dataset
from resonaut.core.identifier import Keys
from resonaut.learn import density, ratio
from resonaut.learn.density.flow import Density
from resonaut.select.inputs import Inputs
from resonaut.select.settings import Window


def densities(
    sample: ratio.Sample,
    mass: NDArray[np.floating] | None,
    classifier: ratio.FeatureSettings,
    settings: density.Settings,
    purpose: int = 0,
) -> list[Density]:
    """For each fold of the classifier a density p(x | mass) of the sample's events that are not in the fold.

    Args:
        sample: the events to learn from.
        mass: their values of the observable, shape (n,), or None for a density without a condition.
        classifier: the ratio step, whose folds these are.
        settings: the section ``density``.
        purpose: tells the seeds of several densities of a method apart.
    """
    fold = identifier.folds(sample.keys, classifier.folds, classifier.seed)
    result = []
    for number in range(classifier.folds):
        rows = fold != number
        seen, masses = sample[rows], None if mass is None else mass[rows]
        seed = identifier.derived_seed(classifier.seed, purpose, number)
        result.append(Density.fit(seen.features, masses, seen.weights, seen.keys, settings, seed))
    return result


def masses(observed: NDArray[np.floating], n: int, window: Window, seed: int) -> NDArray[np.float64]:
    """``n`` masses in the signal region, drawn from a kernel density estimate of the ``observed`` ones there, in GeV.

    A Gaussian kernel of Scott's width; what it puts beyond an edge is reflected there, which keeps the density up to
    the edge.
    """
    low, high = window.signal_region
    rng = np.random.default_rng(seed)
    width = np.std(observed) * len(observed) ** -0.2
    # Sorted: the order of the events changes nothing.
    drawn = rng.choice(np.sort(observed.astype(np.float64)), n) + width * rng.standard_normal(n)
    drawn = low + np.abs(drawn - low)
    drawn = high - np.abs(high - drawn)
    result: NDArray[np.float64] = np.clip(drawn, low, np.nextafter(high, low))
    return result


def simulated(
    inputs: Inputs, dataset: Dataset, low: float = 0.0, high: float = np.inf
) -> tuple[ratio.Sample, NDArray[np.float32]]:
    """The events of a simulated dataset with a mass from ``low`` to ``high``, and their masses.

    Their weights include those of the dataset's own files, such as those for pile-up.
    """
    events = ak.concatenate(list(weights.iterate(dataset, (inputs.observable, "weight", *inputs.columns))))
    mass = inputs.mass(events)
    rows = (mass >= low) & (mass < high)
    (values,) = inputs.compute(events[rows], dataset.name)
    weight = ak.to_numpy(events.weight)[rows].astype(np.float64)
    return ratio.Sample(values, weight, identifier.keys(events[rows])), mass[rows]


def artificial(features: NDArray[np.float32], seed: int) -> ratio.Sample:
    """Sampled events with weight 1 and keys of their own."""
    keys: Keys = identifier.mix(identifier.mix(np.arange(len(features), dtype=np.uint64)) ^ np.uint64(seed))
    return ratio.Sample(features, np.ones(len(features)), keys)
