"""How long a shower takes."""

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from resonaut.emulate.evaluate.settings import Timing
from resonaut.emulate.results import Time


def times(sample: Callable[[NDArray[np.float64], int], object], settings: Timing) -> list[Time]:
    """The wall time of ``sample(energies, seed)`` for a shower, by energy and by how many are made at once.

    A first call, in which libraries make plans and take memory, does not count.
    """
    found = []
    for energy in settings.energies:
        for batch in settings.batches:
            energies = np.full(batch, energy)
            sample(energies, 0)
            measured = [_milliseconds(sample, energies, seed) for seed in range(1, settings.repeats + 1)]
            found.append(
                Time(
                    energy=energy,
                    batch=batch,
                    milliseconds=float(np.median(measured)),
                    fastest=min(measured),
                    slowest=max(measured),
                )
            )
    return found


def _milliseconds(
    sample: Callable[[NDArray[np.float64], int], object], energies: NDArray[np.float64], seed: int
) -> float:
    start = time.perf_counter()
    sample(energies, seed)
    return 1000 * (time.perf_counter() - start) / len(energies)
