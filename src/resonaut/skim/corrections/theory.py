"""Uncertainties of the generator as weights: parton densities, alpha_s, scales of matrix element and showers.

Weights are relative to the nominal one. Each is divided by its mean over all generated events, where the counters of
``Runs`` tell it: a variation then changes which events are selected, and not the cross section.
"""

import re

import awkward as ak
import numpy as np

from resonaut.core.errors import InputFileError
from resonaut.skim.corrections.settings import Pdf, Shower
from resonaut.skim.corrections.tables import FloatArray
from resonaut.skim.corrections.weights import Way

# Places of the variations up and down among 9 weights, and among 8, where the nominal one is left out.
SCALES = {
    9: {"scale_r": (7, 1), "scale_f": (5, 3), "scale_rf": (8, 0)},
    8: {"scale_r": (6, 1), "scale_f": (4, 3), "scale_rf": (7, 0)},
}
# By the number of the first member: what the members are, and whether two more vary alpha_s (LHAPDF). The members
# alone are a multiple of ten.
SETS = {
    90400: ("hessian", True),
    91400: ("hessian", True),
    93300: ("hessian", True),
    260000: ("replicas", False),
    262000: ("replicas", False),
    292000: ("replicas", True),
    292200: ("replicas", True),
    303600: ("replicas", False),
    304400: ("hessian", False),
    306000: ("hessian", True),
    316200: ("replicas", False),
    320900: ("replicas", False),
    325300: ("hessian", True),
    325500: ("hessian", False),
}
Sources = dict[str, dict[Way, FloatArray]]


def scales(lists: ak.Array, means: FloatArray | None, path: str) -> Sources:
    """The sources ``scale_r``, ``scale_f``, ``scale_rf`` of ``LHEScaleWeight``, factors 2 and 0.5; {} without weights.

    Args:
        lists: the weights of each event.
        means: their means over all generated events, None if unknown.
        path: the file, for the message.

    Raises:
        InputFileError: there are neither 8 nor 9 weights.
    """
    weights = dense(lists, path, "LHEScaleWeight")
    if weights is None:
        return {}
    number = weights.shape[1]
    if number not in SCALES:
        remedy = "set skim.eras.<era>.corrections.simulation.scale to false"
        raise InputFileError(path, f"has {number} weights of 'LHEScaleWeight', not 8 or 9", remedy)
    weights = normalised(weights, means)
    return {name: _two(weights, places) for name, places in SCALES[number].items()}


def shower(lists: ak.Array, means: FloatArray | None, settings: Shower, title: str, path: str) -> Sources:
    """The sources ``isr`` and ``fsr`` of ``PSWeight``; {} without weights, or with NanoAOD's dummy.

    Where the branch's ``title`` tells which weight is which, it is believed, as versions differ.

    Raises:
        InputFileError: there are fewer weights than the places say.
    """
    weights = dense(lists, path, "PSWeight")
    if weights is None:
        return {}
    told = _told(title)
    places = {name: told.get(name, getattr(settings, name)) for name in ("isr", "fsr")}
    if max(map(max, places.values())) >= weights.shape[1]:
        problem = f"has {weights.shape[1]} weights of 'PSWeight', and 'shower' asks for {places}"
        raise InputFileError(path, problem, "correct skim.eras.<era>.corrections.simulation.shower, or set it to null")
    weights = normalised(weights, means)
    return {name: _two(weights, place) for name, place in places.items()}


def pdf(lists: ak.Array, means: FloatArray | None, settings: Pdf, title: str, path: str) -> Sources:
    """The sources ``pdf``, toys, and ``alpha_s`` of ``LHEPdfWeight``; {} without weights.

    Toys are equally likely: the root mean square of what they change is the uncertainty. Of N symmetric Hessian
    members the changes add in quadrature, so that each is sqrt(N) times as large (PDF4LHC, J. Phys. G 43 (2016)
    023001, eq. 20 and 21).

    Raises:
        InputFileError: it is not known what the weights are.
    """
    weights = dense(lists, path, "LHEPdfWeight")
    if weights is None:
        return {}
    numbers = [int(number) for number in re.findall(r"\b\d{5,6}\b", title)]
    first = numbers[0] if numbers else None
    own = None if first is None else first - first % 100
    members = weights.shape[1] - (own == first)
    kind, varies = SETS.get(own or 0, (None, False))
    kind, alpha_s = (settings.kind, settings.alpha_s) if settings.kind else (kind, varies and members % 10 == 2)
    if kind is None:
        problem = f"the title of 'LHEPdfWeight', {title!r}, names no known set of parton densities"
        raise InputFileError(path, problem, "set skim.eras.<era>.corrections.simulation.pdf.kind and alpha_s")
    weights = normalised(weights, means)
    if own == first:
        nominal = weights[:, :1]
        weights = weights[:, 1:] / np.where(nominal == 0, 1, nominal)
    densities = weights[:, :-2] if alpha_s else weights
    spread = np.sqrt(densities.shape[1]) if kind == "hessian" else 1
    found: Sources = {"pdf": {"toys": 1 + spread * (densities - 1)}}
    if alpha_s:
        found["alpha_s"] = {"up": weights[:, -1], "down": weights[:, -2]}
    return found


def dense(lists: ak.Array, path: str, branch: str) -> FloatArray | None:
    """The weights as (n, weights); None where there are none, or a lone 1, NanoAOD's dummy.

    Raises:
        InputFileError: events have different numbers of weights.
    """
    numbers = np.unique(ak.to_numpy(ak.num(lists)))
    if not len(numbers) or numbers.tolist() in ([0], [1]):
        return None
    if len(numbers) > 1:
        remedy = "leave the uncertainty out, or split the dataset"
        raise InputFileError(path, f"its events have {' and '.join(map(str, numbers))} weights of {branch!r}", remedy)
    return np.asarray(ak.to_numpy(ak.to_regular(lists)), np.float64)


def normalised(weights: FloatArray, means: FloatArray | None) -> FloatArray:
    """The weights over their means, where these are known."""
    if means is None or len(means) != weights.shape[1]:
        return weights
    found: FloatArray = weights / np.where(means == 0, 1, means)
    return found


def _two(weights: FloatArray, places: tuple[int, int]) -> dict[Way, FloatArray]:
    return {"up": weights[:, places[0]], "down": weights[:, places[1]]}


def _told(title: str) -> dict[str, tuple[int, int]]:
    """The places that a title tells: ``[0] is ISR=2 FSR=1; [1] is ISR=1 FSR=2; ...``.

    >>> _told("PS weights; [0] is ISR=0.5 FSR=1; [1] is ISR=1 FSR=0.5; [2] is ISR=2 FSR=1; [3] is ISR=1 FSR=2")
    {'isr': (2, 0), 'fsr': (3, 1)}
    """
    found = {
        (float(isr), float(fsr)): int(place)
        for place, isr, fsr in re.findall(r"\[(\d+)\] is ISR=([\d.]+) FSR=([\d.]+)", title)
    }
    wanted = {"isr": ((2.0, 1.0), (0.5, 1.0)), "fsr": ((1.0, 2.0), (1.0, 0.5))}
    return {name: (found[up], found[down]) for name, (up, down) in wanted.items() if {up, down} <= set(found)}
