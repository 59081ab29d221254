"""The background of the diphoton search of ATLAS, arXiv:1606.03833: p0 (1 - x^(1/3))^p1 x^(p2 + p3 ln x + ...)."""

import numpy as np


def diphoton(x, n):
    return [np.log1p(-np.cbrt(x)), *(np.log(x) ** k for k in range(1, n))]


FAMILIES = {"diphoton": diphoton}
