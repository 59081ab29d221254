"""Decays by what comes out of them, as the configuration writes them: ``bb``, ``bqq``, ``lνqq``.

A decay is a word of products, in any order. A jet holds a decay if the products in it are these and no others; where
the word ends in ``*``, leptons, photons and gluons besides do not matter. The word ``qcd`` stands for every jet of a
dataset of background. ``b jet``, ``c jet``, ``tau jet`` and ``light jet`` go by the jet's flavour instead: the weakly
decaying hadron, or tau that decays to hadrons, within its radius. Imports nothing heavy.
"""

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from resonaut.core.errors import ConfigError

if TYPE_CHECKING:
    import awkward as ak
    import numpy as np

# The PDG numbers that a letter stands for; 12 is every neutrino.
PRODUCTS: dict[str, tuple[int, ...]] = {
    **{"d": (1,), "u": (2,), "s": (3,), "c": (4,), "b": (5,), "q": (1, 2, 3), "j": (1, 2, 3, 4, 5)},
    **{"e": (11,), "μ": (13,), "τ": (15,), "l": (11, 13), "ν": (12,), "g": (21,), "γ": (22,)},
}
# With the letters of a keyboard.
WRITTEN = {"mu": "μ", "tau": "τ", "nu": "ν", "gamma": "γ", "v": "ν"}
QCD = "qcd"
# Flavours of jets by word (``j1_flavour`` of ``skim``).
FLAVOURS = {"b jet": 5, "c jet": 4, "tau jet": 15, "light jet": 0}
# The columns of ``skim``, without the jet's name, with the products of the decay that it holds, and with its flavour.
DECAY, FLAVOUR = "decay_pdgid", "flavour"
# More products than this no decay has: a digit of its code counts those of one kind.
MOST = 8
PATTERN = (
    rf"^(?!{QCD}.)({QCD}|{'|'.join(FLAVOURS)}|[dusbcqj]{{1,{MOST}}}\*|({'|'.join([*WRITTEN, *PRODUCTS])}){{1,{MOST}}})$"
)
_KINDS = (1, 2, 3, 4, 5, 11, 12, 13, 15, 21, 22)
# Of a code the digits of the quarks.
_QUARKS = 10**5


def codes(decay: str) -> set[int]:
    """The codes of the products that a decay may have: a decimal digit for each kind says how many there are.

    >>> sorted(codes("bs")), sorted(codes("bq"))
    ([10100], [10001, 10010, 10100])
    """
    letters = re.findall("|".join([*WRITTEN, *PRODUCTS]), decay)
    choices = itertools.product(*(PRODUCTS[WRITTEN.get(letter, letter)] for letter in letters))
    return {sum(10 ** _KINDS.index(kind) for kind in choice) for choice in choices}


def require_apart(key: str, classes: Mapping[str, Iterable[str]]) -> None:
    """Stop with ``ConfigError`` where a jet would be of two classes of the ``key`` of ``tag``."""
    words = [(name, decay) for name, decays in classes.items() for decay in decays]
    for (name, decay), (other, same) in itertools.combinations(words, 2):
        if name != other and _both(decay, same):
            raise ConfigError(
                f"config: tag.{key}: {decay!r} of {name!r} and {same!r} of {other!r} may be the same jet; change one."
            )


def of(names: Sequence[str], classes: Mapping[str, list[str]]) -> list[list[str]]:
    """The decays of the classes with these ``names``.

    Raises:
        ConfigError: there is no such class.
    """
    for name in names:
        if name not in classes:
            raise ConfigError(f"config: tag.classes: has no {name!r}, an output of a network; add it, or take it out.")
    return [classes[name] for name in names]


def _both(first: str, second: str) -> bool:
    """Whether a jet may hold both decays."""
    if QCD in (first, second):
        return first == second
    if (first in FLAVOURS) != (second in FLAVOURS):
        return True
    if first in FLAVOURS:
        return first == second
    found = [codes(first), codes(second)]
    if "*" in first + second:
        found = [{code % _QUARKS for code in several} for several in found]
    return not found[0].isdisjoint(found[1])


def columns(decays: Iterable[Iterable[str]]) -> list[str]:
    """The columns of ``skim``, without the jet's name, that tell the classes with these ``decays``."""
    words = {decay for several in decays for decay in several} - {QCD}
    return [*([DECAY] if words - FLAVOURS.keys() else []), *([FLAVOUR] if words & FLAVOURS.keys() else [])]


def flavours(found: "np.ndarray", decays: Iterable[Iterable[str]]) -> "np.ndarray":
    """As ``labels``, from the jets' flavours (jets,)."""
    import numpy as np

    label = np.full(len(found), -1)
    for place, several in enumerate(decays):
        label[np.isin(found, [FLAVOURS[word] for word in several if word in FLAVOURS])] = place
    return label


def labels(pdgid: "ak.Array", decays: Iterable[Iterable[str]]) -> "np.ndarray":
    """The class of each jet of signal, its place among the ``decays`` of all classes; -1 where it is of none.

    Args:
        pdgid: PDG numbers of the decay products in each jet, jets * var (``j1_decay_pdgid`` of ``skim``).
        decays: the decays of each class.
    """
    import awkward as ak
    import numpy as np

    counts, flat = ak.to_numpy(ak.num(pdgid)), np.abs(ak.to_numpy(ak.flatten(pdgid)).astype(np.int64))
    flat[(flat == 14) | (flat == 16)] = 12
    digit = np.zeros(128)
    digit[list(_KINDS)] = 10.0 ** np.arange(len(_KINDS))
    jet = np.repeat(np.arange(len(counts)), counts)
    code = np.bincount(jet, digit[flat], len(counts)).astype(np.int64)
    label = np.full(len(counts), -1)
    for place, several in enumerate(decays):
        for decay in several:
            if decay != QCD and decay not in FLAVOURS:
                seen = code % _QUARKS if decay.endswith("*") else code
                # Of more products a digit may overflow into the next.
                label[np.isin(seen, list(codes(decay))) & (counts <= MOST)] = place
    return label
