"""Data as they would be if some bins held what all others expect there."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from resonaut.core.errors import FitError
from resonaut.fit.histfactory import Model, fit_many

Array = NDArray[np.float64]
# Events by which a bin may still change, and rounds that this may take.
CLOSE, ROUNDS = 1e-4, 100


def without(model: Model, windows: Mapping[str, tuple[int, int]], fixed: Mapping[str, float]) -> Array:
    """Data (N + M,) whose bins in the ``windows`` are those of a fit to all other bins.

    A bin that holds what a fit expects there does not pull that fit: the fit to these data is that without the bins
    (the fixed point of expectation and maximisation; A. Dempster, N. Laird, D. Rubin, J. R. Stat. Soc. B 39 (1977) 1).
    So limits of them are those expected before the window is opened, with a background from outside alone.

    Args:
        model: of N bins and M auxiliary measurements.
        windows: by channel the first bin, and the one after the last.
        fixed: values of parameters, such as a signal of 0.

    Raises:
        FitError: the fits do not settle.
    """
    places = np.concatenate(
        [np.arange(*(model.channels[name].start + end for end in window)) for name, window in windows.items()]
    )
    data, start = model.data.copy(), model.start
    for _ in range(ROUNDS):
        found = fit_many(model, data, fixed, start)
        start = found.values[0]
        expected = model.expected(start)[places]
        if found.converged[0] and np.abs(expected - data[places]).max() < CLOSE:
            return data
        data[places] = expected
    raise FitError(f"the bins outside of {', '.join(windows)} do not say what is expected inside; take fewer bins out.")
