"""Seeds of a Level-1 menu, read from their names and evaluated on objects in hardware integers.

A name says what is asked for: ``L1_DoubleEG_LooseIso25_12_er2p5`` two e/gamma objects in |eta| < 2.5, of 25 and 12 GeV,
the first loosely isolated; ``L1_Mu6_HTT240er`` a muon and a sum. Conditions on one collection take different objects,
those on several are independent. Names with anything else (masses, angles between objects, charges, times) are not
evaluated: this module alone decides which.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, combinations

import numpy as np
import numpy.typing as npt

from resonaut.physics.level1.crossings import Crossings
from resonaut.physics.level1.scales import COLLECTIONS, SUM_STEP

Bools = npt.NDArray[np.bool_]

COUNTS = {"": 1, "Single": 1, "Double": 2, "Triple": 3, "Quad": 4}
KINDS = {"Mu": "muons", "EG": "egammas", "Tau": "taus", "Jet": "jets"}
TOTALS = {
    "HTT": "HT_Et",
    "ETT": "ET_Et",
    "ETM": "MET_Et",
    "ETMHF": "FET_Et",
    "HTM": "MHT_Et",
    "HTMHF": "FHT_Et",
}
# The smallest quality of a muon; without a word it is that of a single muon, or of one of several.
MUON_QUALITY = {"SQ": 12, "DQ": 8, "OQ": 4}
ALONE, ONE_OF_SEVERAL = "SQ", "DQ"
# The bit of the isolation that is asked for.
ISOLATION = {"Iso": 1, "LooseIso": 2}

_NUMBER = r"(\d+(?:p\d+)?)"
_GROUP = re.compile(rf"(Single|Double|Triple|Quad)?(LooseIso|Iso)?(Mu|EG|Tau|Jet){_NUMBER}?(?:er{_NUMBER})?(SQ|DQ|OQ)?")
_LEG = re.compile(rf"(LooseIso|Iso)?{_NUMBER}(?:er{_NUMBER})?(SQ|DQ|OQ)?")
_ETA = re.compile(rf"(er|FWD){_NUMBER}")
_TOTAL = re.compile(rf"(HTT|ETT|ETMHF|ETM|HTMHF|HTM){_NUMBER}(er)?")


@dataclass(frozen=True)
class Leg:
    """What one object must have: ``et_min`` in GeV, |eta| between two values, a quality or a bit of the isolation."""

    et_min: float
    eta_min: float = 0
    eta_max: float | None = None
    word: str = ""


@dataclass(frozen=True)
class Group:
    """Different objects of one collection, one for each leg."""

    collection: str
    legs: tuple[Leg, ...]

    def passes(self, crossings: Crossings) -> Bools:
        """Hall's theorem: any set of legs must have at least as many objects that are good for one of them."""
        good = [self._good(leg, crossings) for leg in self.legs]
        subsets = chain.from_iterable(combinations(good, size) for size in range(1, len(good) + 1))
        found: Bools = np.all([np.any(some, axis=0).sum(axis=1) >= len(some) for some in subsets], axis=0)
        return found

    def _good(self, leg: Leg, crossings: Crossings) -> Bools:
        scale, objects = COLLECTIONS[self.collection], crossings.objects[self.collection]
        eta = np.abs(objects.eta * scale.eta_step)
        good = (objects.et > 0) & (scale.energy(objects.et) >= leg.et_min) & (eta >= leg.eta_min)
        if leg.eta_max is not None:
            good &= eta <= leg.eta_max
        if leg.word in MUON_QUALITY:
            good &= objects.quality >= MUON_QUALITY[leg.word]
        elif leg.word:
            good &= (objects.quality & ISOLATION[leg.word]) > 0
        found: Bools = good
        return found


@dataclass(frozen=True)
class Total:
    """A sum of at least ``et_min`` GeV."""

    column: str
    et_min: float

    def passes(self, crossings: Crossings) -> Bools:
        """Which crossings have it."""
        found: Bools = crossings.sums[self.column] * SUM_STEP >= self.et_min
        return found


@dataclass(frozen=True)
class Seed:
    """All conditions that must hold."""

    conditions: tuple[Group | Total, ...]

    def passes(self, crossings: Crossings) -> Bools:
        """The decision on each crossing, (n,)."""
        found: Bools = np.all([condition.passes(crossings) for condition in self.conditions], axis=0)
        return found


@dataclass
class _Open:
    """A group whose words are still read; ``count`` legs are asked for."""

    count: int
    collection: str
    legs: list[Leg] = field(default_factory=list)

    def every(self, **changes: float | str) -> None:
        self.legs = [replace(leg, **changes) for leg in self.legs]  # type: ignore[arg-type]


def parse(name: str) -> Seed | None:
    """The seed of a name; None for one that is not evaluated.

    >>> parse("L1_Mu6_HTT240er").conditions[1]
    Total(column='HT_Et', et_min=240.0)
    >>> parse("L1_DoubleMu0er1p4_SQ_OS_dR_Max1p4") is None
    True
    """
    if not name.startswith("L1_"):
        return None
    found: list[_Open | Total] = []
    for word in name.removeprefix("L1_").split("_"):
        last = found[-1] if found else None
        if match := _TOTAL.fullmatch(word):
            found.append(Total(TOTALS[match[1]], _value(match[2])))
        elif match := _GROUP.fullmatch(word):
            count, isolation, kind, threshold, eta, quality = match.groups(default="")
            group = _Open(COUNTS[count], KINDS[kind])
            if threshold:
                leg = Leg(_value(threshold), eta_max=_value(eta) if eta else None, word=isolation or quality)
                group.legs = [leg] * group.count
            elif isolation or eta or quality:
                return None
            found.append(group)
        elif not isinstance(last, _Open) or not _continues(last, word):
            return None
    if any(isinstance(one, _Open) and len(one.legs) != one.count for one in found):
        return None
    muons = sum(one.count for one in found if isinstance(one, _Open) and one.collection == "muons")
    return Seed(tuple(one if isinstance(one, Total) else _closed(one, muons) for one in found)) if found else None


def _continues(group: _Open, word: str) -> bool:
    """Whether a word belongs to the group before it, which then has it."""
    if match := _ETA.fullmatch(word):
        if match[1] == "FWD":
            group.every(eta_min=_value(match[2]))
        else:
            # Of several legs, those before it that have no range yet.
            limit = _value(match[2])
            group.legs = [leg if leg.eta_max is not None else replace(leg, eta_max=limit) for leg in group.legs]
        return bool(group.legs)
    if word in MUON_QUALITY and group.collection == "muons" and group.legs:
        group.every(word=word)
        return True
    if (match := _LEG.fullmatch(word)) and len(group.legs) < group.count:
        isolation, threshold, eta, quality = match.groups(default="")
        group.legs.append(Leg(_value(threshold), eta_max=_value(eta) if eta else None, word=isolation or quality))
        return True
    return False


def _closed(group: _Open, muons: int) -> Group:
    if group.collection == "muons":
        usual = ALONE if muons == 1 else ONE_OF_SEVERAL
        group.legs = [leg if leg.word else replace(leg, word=usual) for leg in group.legs]
    return Group(group.collection, tuple(group.legs))


def _value(text: str) -> float:
    """``2p5`` is 2.5."""
    return float(text.replace("p", "."))


def evaluated(names: Sequence[str]) -> dict[str, Seed]:
    """The seeds among names that are evaluated."""
    return {name: seed for name in names if (seed := parse(name)) is not None}
