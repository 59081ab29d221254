"""Random choices that belong to the event: a hash of its identifier, whatever its row, chunk or file."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    # The workflow reads the settings of the ratio step at each start, and with them this module.
    import awkward as ak

# The columns that tell events apart.
KEY = ("run", "luminosityBlock", "event")
Keys = NDArray[np.uint64]
# Tells the seeds of a bootstrap's replicas from all others.
BOOTSTRAP = 0xB007


def keys(events: "ak.Array | Mapping[str, NDArray[Any]]") -> Keys:
    """A 64-bit hash of each event's identifier (run, luminosityBlock, event), shape (n,)."""
    state = np.zeros(len(events[KEY[0]]), dtype=np.uint64)
    for name in KEY:
        state = mix(state ^ np.asarray(events[name]).astype(np.uint64))
    return state


def rows(n: int) -> Keys:
    """Hashes for ``n`` events without identifiers, from their row numbers: equal ones for equal rows."""
    return np.arange(n, dtype=np.uint64)


def folds(keys: Keys, n_folds: int, seed: int) -> NDArray[np.int64]:
    """The fold, 0 to ``n_folds`` - 1, of each event; another seed deals the events anew."""
    return (mix(keys ^ np.uint64(seed)) % np.uint64(n_folds)).astype(np.int64)


def uniform(keys: Keys, seed: int) -> NDArray[np.float64]:
    """A reproducible number in [0, 1) for each event, independent of its fold."""
    return (mix(~keys ^ np.uint64(seed)) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def poisson(keys: Keys, seed: int) -> NDArray[np.int64]:
    """A reproducible number from the Poisson distribution of mean 1 for each hash, as a bootstrap draws events."""
    steps = np.cumsum(np.exp(-1.0) / np.cumprod([1.0, *range(1, 20)]))
    # A hash of its own: the number must not depend on the event's fold.
    return np.searchsorted(steps, uniform(mix(keys), derived_seed(BOOTSTRAP, seed)), side="right")


def members(keys: Keys, counts: NDArray[np.int64]) -> Keys:
    """A hash of each object, ``counts`` (n,) of them in the events: of its event and its place in it."""
    first = np.repeat(np.cumsum(counts) - counts, counts)
    place = (np.arange(len(first)) - first).astype(np.uint64)
    return mix(np.repeat(keys, counts) ^ mix(place + np.uint64(1)))


def normal(keys: Keys, seed: int) -> NDArray[np.float64]:
    """A reproducible number from the standard normal distribution for each hash."""
    from scipy.special import ndtri

    # Half a step, so that no number is 0, of which the quantile is infinite.
    return np.asarray(ndtri(uniform(keys, seed) + 2.0**-54))


def mix(state: Keys) -> Keys:
    """The output function of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014); overflow is meant.

    Every bit of the result depends on every bit given.
    """
    state = state + np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def derived_seed(*numbers: int) -> int:
    """An independent seed for each tuple of numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
