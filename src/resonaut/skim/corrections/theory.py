"""Uncertainties of the generator as weights: parton densities, alpha_s, scales of matrix element and showers.

Weights are relative to the nominal one. Each is divided by its mean over all generated events, where the counters of
``Runs`` tell it: a variation then changes which events are selected, and not the cross section.
"""

import re
from typing import NamedTuple

import awkward as ak
import numpy as np
from scipy.special import ndtri

from resonaut.core.errors import InputFileError
from resonaut.skim.corrections.settings import Pdf, Shower
from resonaut.skim.corrections.tables import FloatArray
from resonaut.skim.corrections.weights import Way

# Places of the variations up and down among 9 weights, and among 8, where the nominal one is left out.
SCALES = {
    9: {"scale_r": (7, 1), "scale_f": (5, 3), "scale_rf": (8, 0)},
    8: {"scale_r": (6, 1), "scale_f": (4, 3), "scale_rf": (7, 0)},
}
# The confidence level of one standard deviation, in the percent that sets are said to have.
ONE_SIGMA = 68


class Set(NamedTuple):
    """A set of parton densities: what its members are, whether two more vary alpha_s, the confidence level (%)."""

    kind: str
    alpha_s: bool
    confidence: int = ONE_SIGMA


# By the number of the first member (LHAPDF). Where two more vary alpha_s, the members alone are a multiple of ten.
SETS = {
    13000: Set("hessian_pairs", False, 90),
    14000: Set("hessian_pairs", False, 90),
    25300: Set("hessian_pairs", False),
    27400: Set("hessian_pairs", False),
    90400: Set("hessian", True),
    91400: Set("hessian", True),
    93300: Set("hessian", True),
    260000: Set("replicas", False),
    262000: Set("replicas", False),
    292000: Set("replicas", True),
    292200: Set("replicas", True),
    303600: Set("replicas", False),
    304400: Set("hessian", False),
    306000: Set("hessian", True),
    316200: Set("replicas", False),
    320900: Set("replicas", False),
    325300: Set("hessian", True),
    325500: Set("hessian", False),
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
    023001, eq. 20 and 21); of members in pairs, up and down, half of their difference takes the place of a member
    (LHAPDF's symmetric uncertainty; Eur. Phys. J. C 75 (2015) 132, eq. 22).

    Raises:
        InputFileError: it is not known what the weights are, or pairs are not complete.
    """
    weights = dense(lists, path, "LHEPdfWeight")
    if weights is None:
        return {}
    numbers = [int(number) for number in re.findall(r"\b\d{5,6}\b", title)]
    first = numbers[0] if numbers else None
    own = None if first is None else first - first % 100
    members = weights.shape[1] - (own == first)
    known = SETS.get(own or 0)
    if settings.kind is not None:
        known = Set(settings.kind, settings.alpha_s, settings.confidence)
    elif known is not None:
        known = known._replace(alpha_s=known.alpha_s and members % 10 == 2)
    if known is None:
        problem = f"the title of 'LHEPdfWeight', {title!r}, names no known set of parton densities"
        raise InputFileError(path, problem, "set skim.eras.<era>.corrections.simulation.pdf.kind and alpha_s")
    weights = normalised(weights, means)
    if own == first:
        nominal = weights[:, :1]
        weights = weights[:, 1:] / np.where(nominal == 0, 1, nominal)
    found: Sources = {"pdf": {"toys": _toys(weights[:, :-2] if known.alpha_s else weights, known, path)}}
    if known.alpha_s:
        found["alpha_s"] = {"up": weights[:, -1], "down": weights[:, -2]}
    return found


def _toys(members: FloatArray, known: Set, path: str) -> FloatArray:
    """Equally likely weights whose root mean square change is the uncertainty of a set."""
    if known.kind == "replicas":
        return members
    changes = members - 1
    if known.kind == "hessian_pairs":
        if members.shape[1] % 2:
            problem = f"has {members.shape[1]} weights of 'LHEPdfWeight' beside the nominal one, which are no pairs"
            raise InputFileError(path, problem, "correct skim.eras.<era>.corrections.simulation.pdf")
        changes = (members[:, 0::2] - members[:, 1::2]) / 2
    sigmas = 1.0 if known.confidence == ONE_SIGMA else float(ndtri(0.5 + known.confidence / 200))
    toys: FloatArray = 1 + np.sqrt(changes.shape[1]) / sigmas * changes
    return toys


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
