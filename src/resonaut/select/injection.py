"""What is drawn: pseudo-data from a pool of background, and signal by its weights."""

from dataclasses import dataclass
from typing import Literal

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from resonaut import lund_weights
from resonaut.errors import ConfigError, EmptySelectionError
from resonaut.events import Dataset
from resonaut.select.regions import Regions
from resonaut.select.settings import Window

Mask = NDArray[np.bool_]
FloatArray = NDArray[np.float64]

# Above this part of the simulated signal in the data too little is left to measure the efficiency.
MOST_INJECTED = 0.5
# Quantiles of a feature, and the part of their Poisson error from which on a shift of one is large.
BINS, LARGE_SHIFT = 10, 0.2


@dataclass(frozen=True)
class Injection:
    """How much signal: ``amount`` is a cross section in fb, or exactly so many events in the signal region.

    ``luminosity`` in 1/fb is how much pseudo-data is drawn, None for all of it; ``seed`` of the draws and the training.
    ``systematics``: train again for each variation of the Lund weights that would change what is learned.
    """

    amount: float
    unit: Literal["fb", "events"]
    luminosity: float | None
    systematics: bool
    seed: int


def draw_base(base: Dataset, n_events: int, injection: Injection) -> tuple[Mask, float]:
    """Which of the ``n_events`` of the data or pseudo-data are taken, and their luminosity in 1/fb.

    No two of the first ``whole // injection.luminosity`` seeds share an event, nor of the next as many.

    Raises:
        ConfigError: the dataset has another role or no luminosity, or less of it than is to be drawn.
    """
    if base.manifest.role not in ("data", "pseudo_data"):
        raise ConfigError(
            f"dataset {base.name!r} has the role {base.manifest.role!r}; signal goes into 'data' or 'pseudo_data'."
        )
    whole = base.manifest.luminosity
    if whole is None:
        raise ConfigError(f"dataset {base.name!r} has no luminosity; set datasets.{base.name}.luminosity.")
    if injection.luminosity is None:
        return np.ones(n_events, dtype=np.bool_), whole
    if base.manifest.role == "data" or injection.luminosity > whole:
        raise ConfigError(
            f"config: select.injection.luminosity {injection.luminosity:g}/fb cannot be drawn from {base.name!r}, "
            f"{base.manifest.role} of {whole:g}/fb; give null, or a dataset with the role 'pseudo_data' that has more."
        )
    part = injection.luminosity / whole
    # The pool is dealt out to as many seeds as it is enough for, so that these experiments are independent; then again.
    deal, place = divmod(injection.seed, int(1 / part + 1e-9))
    position = np.random.default_rng((deal, 0)).random(n_events)
    return (place * part <= position) & (position < (place + 1) * part), injection.luminosity


def signal_weights(signal: Dataset, events: ak.Array, variation: str | None) -> FloatArray:
    """Cross section of each event in fb for a signal of 1 fb; with the Lund weights of ``variation``, None for none.

    The calibration changes which events there are, not how many before the selection (docs/select.md): the sum stays.
    """
    assert signal.manifest.cross_section is not None
    weight: FloatArray = np.asarray(events.weight, dtype=np.float64) / signal.manifest.cross_section
    if variation is None:
        return weight
    varied: FloatArray = weight * lund_weights.weights(events, [variation])[variation].mean(axis=1)
    varied *= weight.sum() / varied.sum()
    return varied


def draw_signal(
    signal: Dataset, events: ak.Array, weights: FloatArray, window: Window, luminosity: float, injection: Injection
) -> Mask:
    """Which of the signal's events are put into the data: without replacement, as likely as their weights say.

    Raises:
        EmptySelectionError: the dataset has too few events for so large a signal.
    """
    rng = np.random.default_rng((injection.seed, 1))
    # The order of an exponential race: a draw without replacement by weight (Efraimidis, Spirakis, IPL 97 (2006) 181).
    with np.errstate(divide="ignore"):
        order = np.argsort(rng.exponential(size=len(weights)) / weights)
    if injection.unit == "events":
        inside = np.cumsum(Regions.of(ak.to_numpy(events.m_jj), window).signal[order])
        number = int(np.searchsorted(inside, injection.amount)) + 1 if injection.amount else 0
    else:
        number = int(rng.poisson(weights.sum() * injection.amount * luminosity))
    if number > MOST_INJECTED * np.count_nonzero(weights):
        raise EmptySelectionError(
            f"dataset {signal.name!r} has {np.count_nonzero(weights)} events and select.injection wants {number} of "
            f"them, more than {MOST_INJECTED:.0%}; inject less, or give it more events."
        )
    mask = np.zeros(len(weights), dtype=np.bool_)
    mask[order[:number]] = True
    return mask


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
