"""The errors of counts that the figures show."""

import numpy as np
from scipy.stats import chi2, norm

from resonaut.core.style import Array


def poisson_interval(counts: Array) -> tuple[Array, Array]:
    """Central 68 % intervals of Poisson means (Garwood)."""
    tail = norm.sf(1)
    return np.nan_to_num(chi2.ppf(tail, 2 * counts) / 2), chi2.isf(tail, 2 * (counts + 1)) / 2
