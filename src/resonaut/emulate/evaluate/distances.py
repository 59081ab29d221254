"""Fréchet and kernel physics distances of two samples of features (R. Kansal et al., arXiv:2211.10295).

As in the package jetnet, but that subsamples are drawn without replacement: an event that is twice in a subsample would
leave a bias of the order of 1 / n in both, which the extrapolation does not remove.
"""

import numpy as np
from numpy.typing import NDArray

from resonaut.emulate.results import Measured

Floats = NDArray[np.float64]
# Sizes of subsamples between these shares of the sample, and how many of each.
SMALLEST, LARGEST, SIZES, DRAWN = 0.1, 0.5, 10, 20
# Subsamples of the kernel distance, and most showers in one.
BATCHES, BATCH = 10, 5000


def normalised(simulated: Floats, emulated: Floats) -> tuple[Floats, Floats]:
    """Features (n, d) and (m, d) over the largest absolute value of the simulated ones; none that is always 0."""
    largest = np.abs(simulated).max(axis=0)
    largest = np.where(largest > 0, largest, 1)
    return np.asarray(simulated / largest, np.float64), np.asarray(emulated / largest, np.float64)


def of_gaussians(mean: tuple[Floats, Floats], covariance: tuple[Floats, Floats]) -> float:
    """The squared Fréchet distance of two Gaussians, |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)).

    (D. Dowson, B. Landau, J. Multivar. Anal. 12 (1982) 450, eq. 4.)
    """
    values, vectors = np.linalg.eigh(covariance[0])
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    # The eigenvalues of C1 C2 are those of the symmetric C1^(1/2) C2 C1^(1/2).
    mixed = np.sqrt(np.clip(np.linalg.eigvalsh(root @ covariance[1] @ root), 0, None)).sum()
    traces = np.trace(covariance[0]) + np.trace(covariance[1])
    return float(np.sum((mean[0] - mean[1]) ** 2) + traces - 2 * mixed)


def frechet(simulated: Floats, emulated: Floats, seed: int) -> Measured:
    """The Fréchet physics distance of features (n, d) and (m, d), without the bias of finite samples.

    That of n events is larger by a term in 1 / n (arXiv:1911.07023); a line through the distances of subsamples of
    several sizes gives it without. The value is not negative; its error is that of independent parts of the samples.
    """
    first, second = normalised(simulated, emulated)
    rng = np.random.default_rng(seed)
    value = _extrapolated(first, second, rng)
    orders = [np.array_split(rng.permutation(len(sample)), 5) for sample in (first, second)]
    parts = [_extrapolated(first[a], second[b], rng) for a, b in zip(*orders, strict=True)]
    return Measured(value=max(value, 0.0), error=float(np.std(parts, ddof=1) / np.sqrt(len(parts))))


def _extrapolated(first: Floats, second: Floats, rng: np.random.Generator) -> float:
    """The distance of infinitely many events."""
    most = min(len(first), len(second))
    sizes = (1 / np.linspace(1 / (SMALLEST * most), 1 / (LARGEST * most), SIZES)).astype(int)
    means = [np.mean([_drawn(first, second, size, rng) for _ in range(DRAWN)]) for size in sizes]
    return float(np.polynomial.Polynomial.fit(1 / sizes, means, 1).convert().coef[0])


def _drawn(first: Floats, second: Floats, size: int, rng: np.random.Generator) -> float:
    some = [sample[rng.choice(len(sample), size, replace=False)] for sample in (first, second)]
    means = some[0].mean(axis=0), some[1].mean(axis=0)
    covariances = np.cov(some[0], rowvar=False), np.cov(some[1], rowvar=False)
    return of_gaussians(means, (np.atleast_2d(covariances[0]), np.atleast_2d(covariances[1])))


def kernel(simulated: Floats, emulated: Floats, seed: int) -> Measured:
    """The kernel physics distance: the unbiased squared MMD with the kernel (x y / d + 1)^4 (arXiv:2211.10295, eq. 6).

    The value is the median of several subsamples, the error half of the range of the central 67.45 % of them.
    """
    first, second = normalised(simulated, emulated)
    size = min(BATCH, len(first), len(second))
    rng = np.random.default_rng(seed)
    found = [mmd(*(one[rng.choice(len(one), size, replace=False)] for one in (first, second))) for _ in range(BATCHES)]
    low, high = np.quantile(found, [0.16275, 0.83725])
    return Measured(value=float(np.median(found)), error=float((high - low) / 2))


def mmd(x: Floats, y: Floats) -> float:
    """The unbiased estimate of the squared maximum mean discrepancy of (n, d) and (m, d) events, which may be below 0.

    (A. Gretton et al., J. Mach. Learn. Res. 13 (2012) 723, eq. 3.)
    """
    n, m = len(x), len(y)
    own = [(_kernels(one, one) - _diagonal(one)) / (len(one) * (len(one) - 1)) for one in (x, y)]
    return own[0] + own[1] - 2 * _kernels(x, y) / (n * m)


def _kernels(x: Floats, y: Floats) -> float:
    """The sum of the kernels of all pairs."""
    total = 0.0
    for block in np.array_split(x, max(len(x) // 1000, 1)):
        squares = np.square(block @ y.T / x.shape[1] + 1)
        total += float(np.vdot(squares, squares))
    return total


def _diagonal(x: Floats) -> float:
    return float(((np.square(x).sum(axis=1) / x.shape[1] + 1) ** 4).sum())
