"""The soft-drop mass: from the corrected subjets, and its own scale and resolution."""

from collections.abc import Mapping
from typing import Any

import awkward as ak
import numpy as np

from resonaut.core.identifier import Keys, members, normal
from resonaut.core.lists import numbers, packed
from resonaut.skim.corrections.settings import Mass
from resonaut.skim.corrections.tables import FloatArray


def from_subjets(jets: ak.Array, subjets: ak.Array) -> ak.Array:
    """The mass (GeV) of the two subjets of each jet; of one if there is one, 0 without any.

    Args:
        jets: events * var * {subJetIdx1, subJetIdx2}, -1 for none. NaN comes of an index that points nowhere.
        subjets: events * var * {pt, eta, phi, mass}, corrected.
    """
    counts, number = ak.to_numpy(ak.num(jets)), ak.to_numpy(ak.num(subjets))
    start, end = (np.repeat(edge, counts) for edge in (np.cumsum(number) - number, np.cumsum(number)))
    momenta = _momenta({name: ak.to_numpy(ak.flatten(subjets[name])) for name in ("pt", "eta", "phi", "mass")})
    total, lost = np.zeros((4, len(start))), np.zeros(len(start), bool)
    for field in ("subJetIdx1", "subJetIdx2"):
        index = ak.to_numpy(ak.flatten(jets[field])).astype(np.int64)
        place = start + index
        lost |= (index < -1) | (place >= end)
        mine = (index >= 0) & (place < end)
        total[:, mine] += momenta[:, place[mine]]
    squared = total[3] ** 2 - (total[:3] ** 2).sum(axis=0)
    return ak.unflatten(np.where(lost, np.nan, np.sqrt(np.maximum(squared, 0))), counts)


def scaled(mass: ak.Array, settings: Mass, keys: Keys, seed: int, shifts: bool) -> dict[str, ak.Array]:
    """The masses (GeV) with scale and resolution: nominal under "", and with ``shifts`` ``jms_up`` and so on.

    A mass m is smeared to m (1 + N(0, width) sqrt(max(s^2 - 1, 0))), s the ratio of the widths.
    """
    counts = ak.to_numpy(ak.num(mass))
    random = settings.width * normal(members(keys, counts), seed)
    flat = numbers(mass).astype(np.float64)

    def made(scale: float, ratio: float) -> ak.Array:
        factor = scale * (1 + random * np.sqrt(max(ratio**2 - 1, 0)))
        return packed(counts, flat * np.maximum(factor, 0))

    scale, resolution = settings.scale, settings.resolution
    found = {"": made(scale[0], resolution[0])}
    if shifts:
        found |= {f"jms_{way}": made(scale[place], resolution[0]) for place, way in ((1, "up"), (2, "down"))}
        found |= {f"jmr_{way}": made(scale[0], resolution[place]) for place, way in ((1, "up"), (2, "down"))}
    return found


def _momenta(of: Mapping[str, Any]) -> FloatArray:
    """Four-momenta (px, py, pz, E), shape (4, n)."""
    pt, eta, phi, mass = (np.asarray(of[name], np.float64) for name in ("pt", "eta", "phi", "mass"))
    energy = np.sqrt((pt * np.cosh(eta)) ** 2 + mass**2)
    return np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), energy])
