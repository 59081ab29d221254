"""The particle level of a region, which an unfolding goes back to: generated objects beside the reconstructed ones.

A chunk then holds every event that passes at either level. The column ``passes`` says which pass at detector level, so
that other stages see these alone, and ``fiducial`` which pass at particle level; a column of particle level is that of
detector level with ``gen_`` before its name. At a level that an event does not pass its columns are 0.
"""

from collections.abc import Mapping
from typing import Any

import awkward as ak
import numpy as np

from resonaut.core.variations import PASSES
from resonaut.skim import objects
from resonaut.skim.columns import FIDUCIAL, Column, generated
from resonaut.skim.region import Objects
from resonaut.skim.variations import Passing


def columns(of: Objects | None) -> dict[str, Column]:
    """The columns that the objects of particle level add; none where there is no such level."""
    if of is None:
        return {}
    flags = {PASSES: Column("bool"), FIDUCIAL: Column("bool")}
    return flags | {generated(name): column for name, column in of.columns().items()}


def values(of: Objects, fiducial: Passing, kept: np.ndarray) -> dict[str, Any]:
    """Their values in the events ``kept``, one bool for each of the batch, with all fiducial ones among them."""
    found = objects.columns(of, with_empty(fiducial, kept).kept)
    return {FIDUCIAL: fiducial.mask[kept]} | {generated(name): column for name, column in found.items()}


def with_empty(passing: Passing, more: np.ndarray) -> Passing:
    """With the further events ``more``, which have no objects, and observables of 0."""
    mask = passing.mask | more
    inside = passing.mask[mask]
    return Passing(mask, {kind: _spread(found, inside) for kind, found in passing.kept.items()})


def _spread(found: ak.Array, inside: np.ndarray) -> ak.Array:
    """What there is in the events ``inside``, and nothing in the others."""
    if found.layout.is_list:
        counts = np.zeros(len(inside), np.int64)
        counts[inside] = ak.num(found)
        return ak.unflatten(ak.flatten(found), counts)
    spread: Mapping[str, np.ndarray] = {
        name: np.zeros(len(inside), ak.to_numpy(found[name]).dtype) for name in found.fields
    }
    for name, column in spread.items():
        column[inside] = ak.to_numpy(found[name])
    return ak.zip(dict(spread))
