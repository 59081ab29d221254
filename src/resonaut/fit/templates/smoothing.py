"""Smoothing by running medians, "353QH, twice".

J. H. Friedman, "Data analysis techniques for high energy particle physics", CERN 74-23 (1974), p. 271 ff., as
``TH1::Smooth`` of ROOT has it: running medians of 3, 5 and 3 points (353), parabolas in place of flat tops and valleys
(Q), a running mean with weights 1/4, 1/2, 1/4 (H); then the same of what is left, which is added (twice).
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Fewer bins are left as they are.
FEWEST = 3


def smooth(values: Array) -> Array:
    """Smoothed values, shape (N,); positive values stay so.

    >>> smooth(np.array([1.0, 3.0, 2.0, 5.0])).tolist()
    [1.0, 2.0, 3.25, 5.0]
    """
    if len(values) < FEWEST:
        return values.copy()
    first = _once(values)
    twice: Array = first + _once(values - first)
    return twice if values.min() < 0 else np.maximum(twice, 0.0)


def _once(values: Array) -> Array:
    return _mean(_parabolas(_medians(values)))


def _medians(values: Array) -> Array:
    """Medians of 3, 5 and 3 points."""
    three = _median(values, 3)
    ends = ([3 * three[1] - 2 * three[2], values[0], three[1]], [three[-2], values[-1], 3 * three[-2] - 2 * three[-3]])
    three[0], three[-1] = (np.median(points) for points in ends)
    five = _median(three, 5)
    five[1], five[-2] = np.median(three[:3]), np.median(three[-3:])
    return _median(five, 3)


def _median(values: Array, width: int) -> Array:
    """The running median, where all its points are there."""
    found, side = values.copy(), width // 2
    if len(values) >= width:
        windows = np.lib.stride_tricks.sliding_window_view(values, width)
        found[side : len(values) - side] = np.median(windows, axis=1)
    return found


def _parabolas(values: Array) -> Array:
    """Parabolas in place of three equal points that are a top or a valley."""
    found = values.copy()
    for i in range(2, len(values) - 2):
        left, right = values[i - 2] - values[i], values[i + 2] - values[i]
        if not (values[i - 1] == values[i] == values[i + 1]) or left * right <= 0:
            continue
        k = -1 if abs(right) > abs(left) else 1
        found[i] = -0.5 * values[i - 2 * k] + values[i] / 0.75 + values[i + 2 * k] / 6
        found[i + k] = 0.5 * (values[i + 2 * k] - values[i - 2 * k]) + values[i]
    return found


def _mean(values: Array) -> Array:
    found = values.copy()
    found[1:-1] = 0.25 * values[:-2] + 0.5 * values[1:-1] + 0.25 * values[2:]
    return found
