"""Which of the jets in files: of each class those with the smallest hashes, found without ever holding all of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

T_co = TypeVar("T_co", covariant=True)
# Of the range of hashes; the end of a class lies in one of them, whose jets alone are held.
BINS = 1 << 16


class Part(Protocol[T_co]):
    """A part of a file that is read on its own."""

    @property
    def path(self) -> Path:
        """The file."""

    def labels(self) -> tuple[np.ndarray, np.ndarray]:
        """Hash, in [0, 1), and class index of every jet that has a class, both (n,)."""

    def read(self, low: float, ends: np.ndarray) -> Iterator[T_co]:
        """The jets whose hash lies between ``low`` and the end of their class, (classes,)."""


@dataclass(frozen=True)
class Selection:
    """Where the hashes begin and, by class, where they end; and the jets of each part and class, (parts, classes)."""

    low: float
    ends: np.ndarray
    counts: np.ndarray


def select(parts: Sequence[Part[object]], classes: int, low: float, high: float, most: int) -> Selection:
    """Of each class the at most ``most`` jets with the smallest hashes between ``low`` and ``high``.

    The labels are read twice: to find the bin in which the end of each class lies, and the end within it. Where all
    jets of all classes are taken, the first time is enough.
    """
    filled = np.zeros((classes, BINS), np.int64)
    counts = np.zeros((len(parts), classes), np.int64)
    for i, part in enumerate(parts):
        _, labels, places = _inside(part, low, high)
        filled += np.bincount(labels * BINS + places, minlength=classes * BINS).reshape(classes, BINS)
        counts[i] = np.bincount(labels, minlength=classes)
    below = filled.cumsum(axis=1)
    last = np.array([np.searchsorted(total, most, side="right") for total in below])
    if (last == BINS).all():
        return Selection(low, np.full(classes, high), counts)
    edge: list[list[np.ndarray]] = [[] for _ in range(classes)]
    for i, part in enumerate(parts):
        hashes, labels, places = _inside(part, low, high)
        counts[i] = np.bincount(labels[places < last[labels]], minlength=classes)
        for label in range(classes):
            edge[label].append(hashes[(labels == label) & (places == last[label])])
    ends = np.full(classes, high)
    for label in map(int, np.flatnonzero(last < BINS)):
        wanted = most - (below[label, last[label] - 1] if last[label] else 0)
        ends[label] = np.partition(np.concatenate(edge[label]), wanted)[wanted]
        counts[:, label] += [np.sum(hashes < ends[label]) for hashes in edge[label]]
    return Selection(low, ends, counts)


def _inside(part: Part[object], low: float, high: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hash, class and bin of the jets in the range."""
    hashes, labels = part.labels()
    inside = (hashes >= low) & (hashes < high)
    hashes, labels = hashes[inside], labels[inside]
    return hashes, labels, np.minimum((hashes - low) / (high - low) * BINS, BINS - 1).astype(np.int64)
