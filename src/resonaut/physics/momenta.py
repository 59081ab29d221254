"""Momenta of what jets are made of, in plain arrays: pt, eta, phi, mass by name, in GeV and radians."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Fields = Mapping[str, Numbers]

KINEMATICS = ("pt", "eta", "phi", "mass")
# Of a charged pion, which CMS takes for every track (reco::btau::etaRel).
PION_MASS = 0.13957018


def delta_phi(first: Numbers, second: Numbers) -> Numbers:
    """The difference of two azimuths, from -pi to pi."""
    difference: Numbers = (first - second + np.pi) % (2 * np.pi) - np.pi
    return difference


def energy(of: Fields) -> Numbers:
    """The energy of a momentum with mass."""
    found: Numbers = np.sqrt((of["pt"] * np.cosh(of["eta"])) ** 2 + of["mass"] ** 2)
    return found


def mirrored(of: Fields, jet: Fields) -> Numbers:
    """Delta eta to the jet, positive away from the centre: of a jet at eta <= 0 the sign is turned around."""
    found: Numbers = np.where(jet["eta"] > 0, 1.0, -1.0) * (of["eta"] - jet["eta"])
    return found


def distance(of: Fields, jet: Fields) -> Numbers:
    """Delta R to the jet."""
    found: Numbers = np.hypot(of["eta"] - jet["eta"], delta_phi(of["phi"], jet["phi"]))
    return found


def weighted(of: Fields) -> dict[str, Numbers]:
    """A candidate's momentum times its weight: 1, or that of PUPPI where the network wants it."""
    return {"eta": of["eta"], "phi": of["phi"], "pt": of["pt"] * of["weight"], "mass": of["mass"] * of["weight"]}


def along(of: Fields, jet: Fields) -> Numbers:
    """The cosine of the angle to the jet."""
    cosine = np.cos(delta_phi(of["phi"], jet["phi"])) + np.sinh(of["eta"]) * np.sinh(jet["eta"])
    found: Numbers = cosine / (np.cosh(of["eta"]) * np.cosh(jet["eta"]))
    return found


def rapidity_along(of: Fields, jet: Fields) -> Numbers:
    """The rapidity of a pion with the candidate's momentum along the jet's axis (reco::btau::etaRel)."""
    momentum = of["pt"] * of["weight"] * np.cosh(of["eta"])
    whole, parallel = np.hypot(momentum, PION_MASS), momentum * along(of, jet)
    found: Numbers = 0.5 * np.log((whole + parallel) / (whole - parallel))
    return found
