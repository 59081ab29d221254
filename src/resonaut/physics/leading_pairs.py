"""Invariant masses of pairs of leading objects, 0 where an event has no such pair.

Leading is the largest transverse energy, so that these masses over the collisions' energy are cells of the
rapidity-mass matrix (``rapidity_mass``). The nine are those of the ATLAS search, arXiv:2307.01612.
"""

from typing import Any

import numpy as np

from resonaut.physics.kinematics import MOMENTUM, Need, Objects, Observable, Values, mass

# Kinds of objects, as a region calls them, by their sign in names and labels.
SIGNS = {"light_jet": ("j", "j"), "b_jet": ("b", "b"), "electron": ("e", "e"), "muon": ("mu", r"\mu")}
SIGNS |= {"photon": ("gamma", r"\gamma")}
PAIRS = [("light_jet", "light_jet"), ("b_jet", "b_jet"), ("light_jet", "b_jet")]
PAIRS += [(jet, other) for jet in ("light_jet", "b_jet") for other in ("electron", "muon", "photon")]


def pair_mass(objects: Objects, one: str, two: str) -> Values:
    """The mass (GeV) of the leading objects of two kinds, or of the leading two of one; 0 without them."""
    import awkward as ak

    first, second, place = _leading(objects[one]), _leading(objects[two]), int(one == two)
    there = ak.to_numpy((ak.num(first) > 0) & (ak.num(second) > place))
    found = np.zeros(len(there))
    found[there] = mass((first[there], 0), (second[there], place))
    return found


def _leading(objects: Any) -> Any:
    """The objects by falling transverse energy."""
    import awkward as ak

    pt, eta, heavy = (ak.values_astype(objects[name], np.float64) for name in ("pt", "eta", "mass"))
    energy = np.hypot(pt, heavy / np.cosh(eta))
    return objects[ak.argsort(energy, axis=1, ascending=False, stable=True)]


def _observable(one: str, two: str) -> Observable:
    label = "".join(SIGNS[name][1] for name in (one, two))
    needs = {name: Need(0, MOMENTUM) for name in (one, two)}
    return Observable(needs, "GeV", rf"$m_{{{label}}}$", lambda objects: pair_mass(objects, one, two))


OBSERVABLES = {f"m_pair_{SIGNS[one][0]}{SIGNS[two][0]}": _observable(one, two) for one, two in PAIRS}
