"""What an experiment draws: pseudo-data from a pool of background, and signal by its weights."""

from dataclasses import dataclass
from typing import Literal

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from resonaut.core.collisions import Collisions
from resonaut.core.errors import ConfigError, EmptySelectionError
from resonaut.core.events import Dataset
from resonaut.core.record import record
from resonaut.core.weights import NOMINAL, Variation, Weights
from resonaut.select.regions import Regions
from resonaut.select.settings import Window

Mask = NDArray[np.bool_]
FloatArray = NDArray[np.float64]

# Above this part of the simulated signal in the data too little is left to measure the efficiency.
MOST_INJECTED = 0.5
# Largest probability of one event to be drawn: else nothing would stand for it in the efficiency.
MOST_LIKELY = 0.8
# Quantiles of a feature, and the part of their Poisson error from which on a shift of one is large.
BINS, LARGE_SHIFT = 10, 0.2


@record
class Injection:
    """How much signal: ``amount`` is a cross section in fb, or exactly so many events in the signal region.

    ``luminosity`` in 1/fb is how much background is drawn, None for all pseudo-data and as much simulation as there are
    data; ``seed`` of the draws and the training.
    ``systematics``: train again for each variation of the weights that would change what is learned.
    """

    amount: float
    unit: Literal["fb", "events"]
    luminosity: float | None
    systematics: bool
    seed: int

    def generator(self, stream: int, seed: int | None = None) -> np.random.Generator:
        """Random numbers of one purpose; other amounts draw others, so that their experiments are independent too."""
        amount = int(np.float64(self.amount).view(np.uint64))
        return np.random.default_rng((self.seed if seed is None else seed, stream, amount))


@dataclass(frozen=True)
class Drawn:
    """Which events are drawn, shape (n,), and with what probability each was to be."""

    mask: Mask
    probability: FloatArray

    @property
    def remaining(self) -> FloatArray:
        """By what the weights of the others are multiplied to stand for the drawn ones, so that sums are unbiased."""
        factor: FloatArray = ~self.mask / (1 - self.probability)
        return factor

    @property
    def shared(self) -> float:
        """The part of the drawn events that another draw is expected to hold too."""
        return float(np.square(self.probability).sum() / max(self.probability.sum(), 1.0))


def draw_base(base: Collisions, n_events: int, injection: Injection) -> tuple[Mask, float, float]:
    """Which of the ``n_events`` of the data or pseudo-data are taken, their luminosity in 1/fb, and the part shared.

    No two of the first ``whole // injection.luminosity`` seeds share an event, nor of the next as many; but each of the
    next shares a part of its events with each of the first.

    Raises:
        ConfigError: the data have no luminosity, or less of it than is to be drawn.
    """
    whole = base.luminosity
    luminosity = injection.luminosity or whole
    if injection.luminosity and (not base.without_signal or luminosity > whole):
        kind = "pseudo-data" if base.without_signal else "data"
        raise ConfigError(
            f"config: select.injection.luminosity {luminosity:g}/fb cannot be drawn from {base.name!r}, {kind} of "
            f"{whole:g}/fb; give null, or in search.samples.pseudo_data a dataset that has more."
        )
    part = luminosity / whole
    # The pool is dealt out to as many seeds as it is enough for, so that these experiments are independent; then again.
    hands = int(1 / part + 1e-9)
    deal, place = divmod(injection.seed, hands)
    position = injection.generator(0, deal).random(n_events)
    return (place * part <= position) & (position < (place + 1) * part), luminosity, 1 / hands if deal else 0.0


def signal_weights(signal: Dataset, events: ak.Array, weights: Weights, variation: Variation = NOMINAL) -> FloatArray:
    """Cross section of each event in fb for a signal of 1 fb, with the ``weights`` of a variation.

    Weights that keep the total change which events there are, not how many before the selection (docs/select.md).
    """
    assert signal.manifest.cross_section is not None
    weight: FloatArray = np.asarray(events.weight, dtype=np.float64) / signal.manifest.cross_section
    changing = weight * weights.product(events, variation, changing=True).mean(axis=1)
    varied: FloatArray = weight * weights.product(events, variation).mean(axis=1)
    varied *= changing.sum() / varied.sum()
    return varied


def draw_signal(
    signal: Dataset, events: ak.Array, weights: FloatArray, window: Window, luminosity: float, injection: Injection
) -> Drawn:
    """Which of the signal's events are put into the background.

    An event is drawn at most once, with a probability proportional to its weight and at most ``MOST_LIKELY``; those of
    negative weight are not drawn.

    Raises:
        EmptySelectionError: the dataset has too few events for so large a signal.
    """
    rng = injection.generator(1)
    counted = np.ones(len(weights), dtype=np.bool_)
    if injection.unit == "events":
        counted = Regions.among(events, window).signal
        number = int(injection.amount)
    else:
        number = int(rng.poisson(weights.sum() * injection.amount * luminosity))
    available = int(np.count_nonzero(counted & (weights > 0)))
    if number > MOST_INJECTED * available:
        raise EmptySelectionError(
            f"dataset {signal.name!r} has {available} events and select.injection wants {number} of "
            f"them, more than {MOST_INJECTED:.0%}; inject less, or give it more events."
        )
    probability = _probabilities(weights, counted, number)
    # Systematic sampling: steps of one through the probabilities of the events in random order, the counted ones first.
    # Each event has its probability, and the number of counted ones is exact.
    order = rng.permutation(len(weights))
    order = order[np.argsort(~counted[order], kind="stable")]
    steps = np.floor(np.cumsum(probability[order]) + rng.random())
    drawn = np.zeros(len(weights), dtype=np.bool_)
    drawn[order] = np.diff(steps, prepend=0.0) > 0
    return Drawn(drawn, probability)


def _probabilities(weights: FloatArray, counted: Mask, number: int) -> FloatArray:
    """Capped probabilities in proportion to the weights; those of the ``counted`` events sum to ``number``."""
    free = weights > 0
    probability: FloatArray = np.zeros(len(weights))
    while number:
        left = number - np.sum(probability[counted & ~free])
        probability[free] = weights[free] * (left / weights[counted & free].sum())
        over = probability > MOST_LIKELY
        if not over.any():
            break
        probability[over] = MOST_LIKELY
        free &= ~over
    return probability


def shifts_a_feature(features: NDArray[np.float32], nominal: FloatArray, varied: FloatArray, events: float) -> bool:
    """Whether a variation moves a feature's spectrum by more than a fifth of the injected sample's Poisson error.

    Args:
        features: of the simulated signal, shape (n, features).
        nominal: weights, shape (n,).
        varied: weights of the variation, shape (n,).
        events: number of injected events; the error of a bin with m of them is sqrt(m).
    """
    for values in features.T:
        edges = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)))
        before, after = (np.histogram(values, edges, weights=w * (events / w.sum()))[0] for w in (nominal, varied))
        if np.any(np.abs(after - before) > LARGE_SHIFT * np.sqrt(np.maximum(before, 0))):
            return True
    return False
