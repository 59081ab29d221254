"""Statistical errors from the events themselves: the Bayesian bootstrap, event by event.

In place of a number of times that an event is drawn, each has an exponential weight of mean 1 (D. Rubin, Ann. Statist.
9 (1981) 130). All jets of an event have its weight, so that what they have in common is in the error.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
# With so many replicas the error of an error is 4 %.
REPLICAS = 300


def weights(events: NDArray[np.generic], seed: int, replicas: int = REPLICAS) -> Iterator[NDArray[np.float64]]:
    """The weights (n,) of jets in each replica; with one seed those of two scores are the same.

    Args:
        events: what is the same for jets of one event, and differs between events, (n,).
        seed: of the weights.
        replicas: how many.
    """
    found, place = np.unique(events, return_inverse=True)
    rng = np.random.default_rng(seed)
    for _ in range(replicas):
        yield rng.standard_exponential(len(found))[place]
