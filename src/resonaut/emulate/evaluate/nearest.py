"""Over-training: are emulated showers nearer to those that trained than to as many that did not?

The three samples are compared as in arXiv:2004.05675, without its cells: a model that blurs is as near to both.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from resonaut.emulate.evaluate.energies import Point
from resonaut.emulate.results import Overtraining
from resonaut.physics.showers.files import Showers

Floats = NDArray[np.float64]
# So improbable a share without over-training is none.
SIGNIFICANT = 1e-3


def overtraining(
    training: Showers, held_out: Showers, emulated: Showers, points: Sequence[Point], most: int
) -> Overtraining:
    """Compare the nearest showers of as many training and held-out ones, at the same incident energy.

    The distance is that of the voxels over the incident energy. If nothing was memorised, a nearest shower of both
    samples together is of either with a probability of 1/2, independently of the others; one that is the nearest of
    several emulated showers counts for them all.

    Args:
        training: showers that the model has learned from.
        held_out: showers that it has not seen.
        emulated: showers of the model.
        points: the energies, and the rows of their showers in each of the three samples.
        most: emulated showers of an energy.
    """
    ratios, owners, own = [], [], []
    for point in points:
        known, unknown, made = (_scaled(sample[point.rows]) for sample in (training, held_out, emulated))
        made = made[:most]
        (near, which), (far, other) = (_nearest(made, sample) for sample in (known, unknown))
        closer = near < far
        # A copy has no distance; of two that both have none the ratio is 1.
        ratios.append(np.divide(near, far, out=np.ones_like(near), where=far > 0))
        owners.append(np.unique(np.where(closer, which, len(known) + other), return_counts=True)[1])
        own.append(closer)
    times, nearer = np.concatenate(owners), np.concatenate(own)
    share = float(nearer.mean())
    error = float(np.sqrt(np.square(times).sum()) / (2 * len(nearer)))
    p_value = float(norm.sf((share - 0.5) / error))
    return Overtraining(
        showers=len(nearer),
        distance_ratio=float(np.median(np.concatenate(ratios))),
        share=share,
        error=error,
        p_value=p_value,
        memorised=p_value < SIGNIFICANT,
    )


def _scaled(showers: Showers) -> Floats:
    return np.asarray(showers.voxels / showers.energies[:, None], np.float64)


def _nearest(made: Floats, sample: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """The distance of the nearest event of a sample (n, d) to each of (m, d), and its place."""
    squares = np.square(sample).sum(axis=1) - 2 * made @ sample.T
    place = squares.argmin(axis=1)
    # From the difference itself: the squares of equal showers do not cancel to the last digit.
    return np.linalg.norm(made - sample[place], axis=1), place
