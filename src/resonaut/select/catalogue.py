"""The methods by name: those of every folder of ``select/methods``, and of the user's own files. Imports nothing heavy.

The ``__init__.py`` of a folder holds ``METHODS``, as a file of the user's does: a method declares itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from resonaut.core.extensions import Placed, Vocabulary, declared

if TYPE_CHECKING:
    from resonaut.core.analysis import Analysis

# Keys of what methods share: the features of the event, those of a jet, and the ratio step.
EVENT = ("features", "mass_shift", "classifier")
JETS = ("jet_features", "mass_shift", "classifier", "pt_bins")
FLOW = (*EVENT, "density")
REGRESSED = ("classifier", "regression")


@dataclass(frozen=True)
class Entry(Placed):
    """What is known of a method before it runs; ``place`` is its class.

    ``keys``: of the section ``select``, beside those that the engine reads for every method.
    ``settings``: the record of its own keys, ``select.<name>``; ``features``: those of them that list features.
    ``friends``: stages whose columns it reads. ``samples``: the simulated samples it cannot do without.
    ``bound``: it knows what no search knows. ``candidates``: it sees those of the jets.
    ``check(analysis)``: stops where its own keys contradict the rest of the configuration.
    """

    keys: tuple[str, ...] = ()
    settings: type | None = None
    features: tuple[str, ...] = ()
    friends: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()
    bound: bool = False
    candidates: bool = False
    check: "Callable[[Analysis], None] | None" = None


@cache
def _package() -> Vocabulary[Entry]:
    return Vocabulary("METHODS", "method", Entry, declared("select/methods", "METHODS"))


def methods(code: Sequence[str] = ()) -> Vocabulary[Entry]:
    """All methods: those of the package, and those of ``METHODS`` in the user's own files.

    Raises:
        ConfigError: a file cannot be executed, or a name is there twice.
    """
    return _package().joined(code)


def parts(code: Sequence[str] = ()) -> dict[str, type]:
    """The records of the methods' own keys, by method."""
    return {name: entry.settings for name, entry in methods(code).items() if entry.settings}


def keys(name: str, code: Sequence[str] = ()) -> tuple[str, ...]:
    """The keys of the section that a method reads: those that it shares with others, and its own.

    Raises:
        ConfigError: there is no such method, or a file of ``code`` is wrong.
    """
    entry = methods(code)[name]
    return (*entry.keys, *([name] if entry.settings else []))
