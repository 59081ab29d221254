"""Uncertainties of objects that are numbers, where there is no table of them: shifts of momenta, and weights.

Objects are flat columns, one object after the other, ``counts`` (n,) of them in the events; GeV and radians.
"""

from collections.abc import Mapping

import numpy as np

from resonaut.physics.angles import Lists, closest
from resonaut.skim.corrections.energy import WAYS, Columns
from resonaut.skim.corrections.settings import Limits, ObjectWeight, Shift
from resonaut.skim.corrections.tables import FloatArray
from resonaut.skim.corrections.weights import Way

# A lepton or tau is the jet nearest to it, within this distance, if it has more than this part of the jet's momentum.
NEAR, PART = 0.4, 0.5
SIGNS: dict[Way, float] = {"up": 1.0, "down": -1.0}


def within(of: Columns, limits: Mapping[str, Limits], size: int) -> np.ndarray:
    """Which of ``size`` objects lie in all ranges, shape (size,)."""
    found = np.ones(size, bool)
    for name, (low, high) in limits.items():
        found &= (of[name] >= (-np.inf if low is None else low)) & (of[name] <= (np.inf if high is None else high))
    return found


def taken(counts: np.ndarray, jets: Columns, others: Lists) -> np.ndarray:
    """Which jets are one of the ``others``, {pt, eta, phi} of the same events, shape (jets,)."""
    every = Lists(counts, {name: jets[name] for name in ("pt", "eta", "phi")})
    place = closest(others, every, NEAR)
    there = place >= 0
    jet = (place + every.first[others.event])[there]
    found = np.zeros(len(every), bool)
    found[jet[others["pt"][there] > PART * every["pt"][jet]]] = True
    return found


def factors(
    of: Columns, chosen: np.ndarray, shift: Shift, generated: FloatArray | None = None
) -> dict[str, FloatArray]:
    """Factors on the momenta of objects, up and down, shape (objects,).

    Args:
        of: fields of the objects.
        chosen: those that are shifted.
        shift: by how much.
        generated: the transverse momenta of the generated ones, for a resolution; NaN without one.
    """
    if shift.scale is not None:
        change = np.full(len(chosen), shift.scale)
    else:
        assert shift.resolution is not None
        assert generated is not None
        pt = np.where(of["pt"] > 0, of["pt"], 1)
        change = shift.resolution * np.nan_to_num((pt - generated) / pt)
    change = np.where(chosen, change, 0)
    return {way: np.maximum(1 + sign * change, 0) for way, sign in WAYS.items()}


def total(counts: np.ndarray, of: Columns, factor: FloatArray | float = 1) -> FloatArray:
    """The sum of the transverse momenta of each event's objects times a factor, shape (2, n)."""
    event = np.repeat(np.arange(len(counts)), counts)
    pt = np.asarray(of["pt"], np.float64) * factor
    return np.stack([np.bincount(event, pt * f(of["phi"]), len(counts)) for f in (np.cos, np.sin)])


def missing(shift: Shift, met: FloatArray, jets: FloatArray, generated: FloatArray | None) -> dict[str, FloatArray]:
    """Missing momentum (2, n) up and down.

    Args:
        shift: a scale, of what is in no jet, or a resolution.
        met: the nominal one, (2, n).
        jets: the sum of all jets, (2, n).
        generated: the momentum of invisible particles, (2, n), for a resolution.
    """
    if shift.scale is not None:
        change = shift.scale * (met + jets)
    else:
        assert shift.resolution is not None
        assert generated is not None
        change = shift.resolution * (met - generated)
    return {way: met + sign * change for way, sign in WAYS.items()}


def weights(counts: np.ndarray, of: Columns, settings: ObjectWeight) -> dict[Way, FloatArray]:
    """The weights of events for their objects, up and down, shape (n,)."""
    size = len(next(iter(of.values())))
    mine, passes = within(of, settings.where, size), within(of, settings.passes, size)
    event = np.repeat(np.arange(len(counts)), counts)
    found: dict[Way, FloatArray] = {}
    for way, sign in SIGNS.items():
        ratio = 1 + sign * settings.uncertainty
        failing = 1.0 if settings.efficiency is None else (1 - settings.efficiency * ratio) / (1 - settings.efficiency)
        logarithm = np.where(mine, np.log(np.where(passes, ratio, failing)), 0)
        found[way] = np.exp(np.bincount(event, logarithm, len(counts)))
    return found
