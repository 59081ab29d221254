"""Particles that stand in list columns, any number of them in an event, as sets for the classifier."""

from collections.abc import Sequence

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from resonaut.core.errors import ConfigError
from resonaut.core.events import require_finite
from resonaut.reweight.settings import RatioSettings

Floats = NDArray[np.float32]


def particles(events: ak.Array, settings: RatioSettings, source: str) -> list[Floats]:
    """Of each of the ``lists`` the particles of all events, (n, places, columns); rows of NaN are none.

    There are as many places as the longest list needs, or as many as ``longest`` says.

    Args:
        events: with the columns.
        settings: of the ratio.
        source: the name of the dataset.

    Raises:
        ConfigError: a column is no list of numbers, or two of one list have different lengths in an event.
        NotFiniteError: a value is NaN or infinite.
    """
    return [_padded(events, names, settings.longest, source) for names in settings.lists]


def _padded(events: ak.Array, names: Sequence[str], longest: int | None, source: str) -> Floats:
    columns = [events[name] for name in names]
    for name, column in zip(names, columns, strict=True):
        if column.ndim != 2:
            is_what = "one number an event; name it in particles" if column.ndim == 1 else "a list of lists"
            raise ConfigError(f"config: reweight.ratios: lists has {name!r}, which is {is_what} in {source!r}.")
    counts = ak.to_numpy(ak.num(columns[0]))
    for name, column in zip(names, columns, strict=True):
        if differ := np.count_nonzero(ak.to_numpy(ak.num(column)) != counts):
            raise ConfigError(
                f"config: reweight.ratios: the lists {names[0]!r} and {name!r} of {source!r} have different lengths in "
                f"{differ} of {len(counts)} events; name columns of the same particles."
            )
        require_finite(column, name, source)
    # A network wants one place, if only for nothing.
    most = max(1, int(counts.max(initial=0)))
    places = most if longest is None else min(most, longest)
    result = np.full((len(counts), places, len(names)), np.nan, np.float32)
    filled = np.arange(places) < counts[:, None]
    for i, column in enumerate(columns):
        # The lists one after the other, each up to its last place.
        result[filled, i] = ak.to_numpy(ak.flatten(column[:, :places]))
    return result


def joined(fixed: Floats, lists: Sequence[Floats]) -> Floats:
    """One set an event with the kinds of its particles as further inputs, (n, places, columns + kinds).

    Args:
        fixed: (n, kinds, columns) of particles that each event has; there may be none of them.
        lists: as of ``particles``, each a kind of its own.
    """
    kinds = fixed.shape[1] + len(lists)
    own = [fixed[:, number : number + 1] for number in range(fixed.shape[1])]
    parts = []
    for number, part in enumerate([*own, *lists]):
        kind = np.zeros((*part.shape[:2], kinds), np.float32)
        kind[..., number] = 1
        # A place without a particle has no kind.
        kind[np.isnan(part).all(axis=2)] = np.nan
        parts.append(np.concatenate([part, kind], axis=2))
    return np.concatenate(parts, axis=1)


def summaries(lists: Sequence[Floats]) -> Floats:
    """Of each list its length, and the mean of each column, 0 of an empty list; shape (n, summaries)."""
    columns = []
    for part in lists:
        real = np.isfinite(part[..., 0])
        number = real.sum(axis=1)
        means = np.where(real[..., None], part, 0).sum(axis=1, dtype=np.float64) / np.maximum(number, 1)[:, None]
        columns += [number[:, None], means]
    return np.concatenate(columns, axis=1).astype(np.float32)
