"""Subjets and the generated quarks that they stand for."""

from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from resonaut.calibrate.lund import Planes
from resonaut.physics.clustering import FloatArray, IntArray

# A quark belongs to the subjet nearest to it if that is closer than this (CMS-DP-2023-046).
MATCHING_RADIUS = 0.2

BoolArray = npt.NDArray[np.bool_]


class Quarks(NamedTuple):
    """Quarks in and around many jets, flat: number per jet; direction (radians) and whether a b quark, of each."""

    number: IntArray
    eta: FloatArray
    phi: FloatArray
    is_b: BoolArray


class Match(NamedTuple):
    """Number of quarks of each subjet and whether one is a b quark; per jet, whether its matching is bad.

    ``alone``: jets in which no subjet has two quarks; ``matched``: subjets with a quark, per jet.
    """

    quarks: IntArray
    is_b: BoolArray
    matched: IntArray
    alone: BoolArray

    def bad(self, planes: Planes) -> BoolArray:
        """A subjet of the jet has no quark or two; true also for a jet without subjets."""
        bad: BoolArray = (self.matched < planes.subjets) | ~self.alone | (planes.subjets == 0)
        return bad


def match(planes: Planes, quarks: Quarks) -> Match:
    """Give every quark to the subjet nearest to it within ``MATCHING_RADIUS``."""
    number, is_b = np.zeros(len(planes.pt), np.int64), np.zeros(len(planes.pt), np.bool_)
    matched, alone = np.zeros(len(planes.subjets), np.int64), np.ones(len(planes.subjets), np.bool_)
    _match(planes.subjets, planes.eta, planes.phi, *quarks, number, is_b, matched, alone)
    return Match(number, is_b, matched, alone)


@numba.njit(cache=True, error_model="numpy")
def _match(
    subjets: IntArray, eta: FloatArray, phi: FloatArray,
    quarks: IntArray, quark_eta: FloatArray, quark_phi: FloatArray, quark_is_b: BoolArray,
    number: IntArray, is_b: BoolArray, matched: IntArray, alone: BoolArray,
) -> None:  # fmt: skip
    s = q = 0
    for jet in range(len(subjets)):
        for this in range(q, q + quarks[jet]):
            nearest, least = -1, MATCHING_RADIUS**2
            for k in range(s, s + subjets[jet]):
                delta_phi = abs(quark_phi[this] - phi[k]) % (2 * np.pi)
                delta_phi = min(delta_phi, 2 * np.pi - delta_phi)
                distance = (quark_eta[this] - eta[k]) ** 2 + delta_phi**2
                if distance < least:
                    nearest, least = k, distance
            if nearest >= 0:
                number[nearest] += 1
                is_b[nearest] |= quark_is_b[this]
        for k in range(s, s + subjets[jet]):
            matched[jet] += number[k] > 0
            alone[jet] &= number[k] < 2
        s, q = s + subjets[jet], q + quarks[jet]
