"""What a fault is: a function that writes a bad input into the current folder and says what must come of it.

A function decorated with ``@fault`` of a ``Kind`` returns a ``Try``. Keyword arguments of the decorator span a
grid: ``@fault(byte=range(0, 100, 10), how=["cut", "flip"])`` makes twenty tries of one function.
"""

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

# Looks at what a successful command left in the current folder; the problem, or None if all is right.
Check = Callable[[], str | None]


@dataclass(frozen=True)
class Try:
    """Commands run one after the other until one fails, and what may come of them.

    ``right``: the check of a correct result, None where success itself is wrong. ``refused``: words of which the
    refusing sentence must hold one (the file or the key), empty where a refusal is wrong. ``writes``: patterns of the
    paths that may appear; whatever was there before must stay as it was, except for ``replaces``. ``real``: in
    processes of their own instead of forks of one that has all libraries loaded. ``needs``: a key of the
    configuration or an option that an older version may lack.
    """

    commands: list[list[str]]
    right: Check | None
    refused: tuple[str, ...]
    writes: tuple[str, ...] = ("out/*", "results/*", "logs/*")
    replaces: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    real: bool = False
    needs: str | None = None
    limit: float = 60.0


@dataclass(frozen=True)
class Fault:
    """One try to be made: its kind (a row of the table), its name, and the function that prepares it."""

    kind: str
    name: str
    prepare: Callable[..., Try]
    arguments: dict[str, Any]
    fast: bool


@dataclass(frozen=True)
class Kind:
    """A row of the table; ``apart``: reported, but not part of the totals, for the reason given."""

    name: str
    apart: str | None = None

    def fault(self, fast: int = 0, **grid: Mapping[str, Any] | Iterable[Any]) -> Callable[..., Any]:
        """Register a function as faults of this kind, one for each point of ``grid``.

        ``fast``: every so many points are part of ``make test``, too; 0 for none. A mapping names its values, other
        values are named by themselves.
        """
        axes = [v.items() if isinstance(v, Mapping) else [(str(x), x) for x in v] for v in grid.values()]

        def register(function: Callable[..., Try]) -> Callable[..., Try]:
            for number, point in enumerate(itertools.product(*axes)):
                label = ", ".join(name for name, _ in point)
                name = f"{function.__name__}[{label}]" if label else function.__name__
                arguments = dict(zip(grid, (value for _, value in point), strict=True))
                chosen = fast > 0 and number % fast == 0
                chosen = fast > 0 and number % fast == 0
                CATALOGUE.append(Fault(self.name, name, function, arguments, chosen))
            KINDS[self.name] = self
            return function

        return register


CATALOGUE: list[Fault] = []
KINDS: dict[str, Kind] = {}
