"""What observables of an event are made of: momenta of objects, their sums and angles, and what a formula needs.

A formula gets objects by name, as awkward records (events * var) with the fields that it asks for, and ``met``, one
record an event of pt and phi. GeV and radians; sums are in double precision.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import awkward as ak

Values = NDArray[np.float64]
# By name and field.
Objects = Mapping[str, Any]

MOMENTUM = ("pt", "eta", "phi", "mass")
MET = "met"


@dataclass(frozen=True)
class Need:
    """What a formula needs of an object: at least ``number`` of them, and the ``fields`` of each."""

    number: int
    fields: tuple[str, ...] = MOMENTUM


@dataclass(frozen=True)
class Observable:
    """A number for each event: the ``objects`` that it needs, its ``unit`` and LaTeX ``label``, and its ``formula``."""

    objects: Mapping[str, Need]
    unit: str
    label: str
    formula: Callable[[Objects], Any]


def momentum(objects: Any, place: int) -> tuple[Values, Values, Values, Values]:
    """px, py, pz and energy (GeV) of the object at a ``place`` of each event, from lists or arrays (n, k) by field."""
    pt, eta, phi, mass = (np.asarray(objects[name][:, place], np.float64) for name in MOMENTUM)
    return pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), np.sqrt((pt * np.cosh(eta)) ** 2 + mass**2)


def summed(*parts: tuple[Any, int]) -> tuple[Values, Values, Values, Values]:
    """px, py, pz and energy of the sum of objects at given places."""
    px, py, pz, energy = momentum(*parts[0])
    for part in parts[1:]:
        more = momentum(*part)
        px, py, pz, energy = px + more[0], py + more[1], pz + more[2], energy + more[3]
    return px, py, pz, energy


def mass(*parts: tuple[Any, int]) -> Values:
    """The invariant mass (GeV) of objects at given places."""
    px, py, pz, energy = summed(*parts)
    found: Values = np.sqrt(np.maximum(energy**2 - px**2 - py**2 - pz**2, 0.0))
    return found


def pt(*parts: tuple[Any, int]) -> Values:
    """The transverse momentum (GeV) of the sum of objects at given places."""
    px, py, _, _ = summed(*parts)
    return np.hypot(px, py)


def delta_phi(one: Any, two: Any) -> Values:
    """The absolute difference of azimuths (rad), from 0 to pi."""
    turned = np.asarray(one, np.float64) - np.asarray(two, np.float64)
    found: Values = np.abs((turned + np.pi) % (2 * np.pi) - np.pi)
    return found


def rapidity(*parts: tuple[Any, int]) -> Values:
    """The rapidity of the sum of objects at given places."""
    px, py, pz, energy = summed(*parts)
    transverse = np.sqrt(np.maximum(energy**2 - pz**2, px**2 + py**2))
    return np.arcsinh(pz / np.where(transverse > 0, transverse, np.nan))


def scalar_sum(objects: "ak.Array") -> Values:
    """The sum of the transverse momenta (GeV) of all objects of each event."""
    # The vocabulary alone is looked up before the first job.
    import awkward as ak

    return np.asarray(ak.sum(ak.values_astype(objects.pt, np.float64), axis=1))


def transverse_mass(lepton: "ak.Array", met: "ak.Array") -> Values:
    """sqrt(2 pT pT_miss (1 - cos(delta phi))) of the leading lepton and missing momentum, GeV."""
    product = np.asarray(lepton.pt[:, 0], np.float64) * np.asarray(met.pt, np.float64)
    found: Values = np.sqrt(2 * product * (1 - np.cos(delta_phi(lepton.phi[:, 0], met.phi))))
    return found
