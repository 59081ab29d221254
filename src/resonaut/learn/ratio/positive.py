"""Signed weights made positive: in place of its own sign an event gets the mean sign of the events like it.

A density is the same with weights |w| E[sign | x] as with w. E[sign | x] follows from a classifier between the events
of positive and of negative weight, both weighted by |w| (B. Nachman, J. Thaler, arXiv:2007.11586; arXiv:2505.03724):
the ratio step itself. Where the estimate is negative, which no density can be, the weight becomes 0, and this is
counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from resonaut.core.errors import ResonautError
from resonaut.learn.ratio.sample import Part, Sample

Events = TypeVar("Events", Sample, Part)


@dataclass(frozen=True)
class Signed:
    """What became of a sample's signs, as shares of the sum of |weight|.

    ``negative``: of the events of negative weight; ``clipped``: of those whose mean sign was estimated below 0 and
    whose weight is 0 now.
    """

    negative: float = 0.0
    clipped: float = 0.0

    @classmethod
    def mean(cls, found: Sequence["Signed"]) -> "Signed":
        """That of several parts of a sample."""
        return cls(*(float(np.mean([getattr(one, name) for one in found])) for name in ("negative", "clipped")))


class Even:
    """A classifier that knows nothing, for samples with too few events of one sign to learn from."""

    def probability(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """One half for each event, shape (n,)."""
        return np.full(len(features), 0.5)

    def members(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """The same as the only member, shape (1, n)."""
        return self.probability(features)[None]


def is_signed(sample: Sample | Part) -> bool:
    """Whether an event has a negative weight."""
    return bool(np.any(sample.weights < 0))


def by_sign(sample: Events) -> tuple[Events, Events]:
    """The events of positive and those of negative weight, both with weights |w|; those without weight are left out."""
    positive, negative = (sample[mask] for mask in (sample.weights > 0, sample.weights < 0))
    return positive, replace(negative, weights=-negative.weights)


def positive(sample: Events, output: NDArray[np.float64]) -> tuple[Events, Signed]:
    """The sample with weights |w| E[sign | x], scaled to the sum of the signed weights.

    Args:
        sample: events with signed weights.
        output: of a balanced classifier between the parts ``by_sign`` for each event, between 0 and 1, shape (n,).

    Raises:
        ResonautError: the weights do not sum to more than 0.
    """
    size = np.abs(sample.weights)
    up, down = size[sample.weights > 0].sum(), size[sample.weights < 0].sum()
    if up <= down:
        raise ResonautError(
            f"the weights of {len(size)} training events sum to {up - down:g}, of {up + down:g} without signs; a "
            "density needs a positive sum: use a larger sample, or correct its weights."
        )
    # The classifier saw both parts with equal sums; here each has its own.
    likely, unlikely = up * output, down * (1 - output)
    sign = (likely - unlikely) / (likely + unlikely)
    weights = size * np.maximum(sign, 0)
    made = replace(sample, weights=weights * ((up - down) / weights.sum()))
    return made, Signed(float(down / (up + down)), float(size[sign < 0].sum() / (up + down)))
