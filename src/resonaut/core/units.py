"""Numbers with units: ``138 /fb``, ``2.7 pb``, ``3.5 TeV``; a number alone is in the project's own unit."""

import math
import re
from collections.abc import Iterable
from typing import Any

from resonaut.core.errors import ConfigError

_ENERGY = {"keV": 1e-6, "MeV": 1e-3, "GeV": 1.0, "TeV": 1e3}
_AREA = {"ab": 1e-3, "fb": 1.0, "pb": 1e3, "nb": 1e6, "ub": 1e9, "µb": 1e9, "mb": 1e12, "b": 1e15}
# The project's units, and what one of each other unit is in them.
UNITS = {
    "GeV": _ENERGY,
    "MeV": {name: size * 1e3 for name, size in _ENERGY.items()},
    "fb": _AREA,
    "1/fb": {f"1/{name}": 1 / size for name, size in _AREA.items()},
}
# Above it a number without a unit is asked back: the High-Luminosity LHC is to deliver 3000/fb, and 14 TeV.
PLAUSIBLE = {"1/fb": 5000.0, "GeV": 1e6}
_NUMBER = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*?)\s*$")
_INVERSE = re.compile(r"(?:1?/)(\w+)$|(\w+?)(?:-1|\^-1|\^\{-1\}|⁻¹)$")


def quantity(value: float | str, unit: str, what: str) -> float:
    """``value`` in ``unit``, ``GeV``, ``MeV``, ``fb`` or ``1/fb``.

    Args:
        value: a number, or a text such as ``138 /fb``, ``138 fb-1`` or ``3.5 TeV``.
        unit: the unit of the result, and of a number without one.
        what: the key or option, for messages.

    Raises:
        ConfigError: the text is no number with such a unit, or a number without a unit is implausibly large.

    >>> quantity("138000 /pb", "1/fb", "--luminosity")
    138.0
    """
    try:
        return _number(value, unit)
    except ValueError as error:
        raise ConfigError(f"{what}{error}") from None


def number(value: Any, unit: str) -> Any:
    """A configuration's ``value`` in ``unit``; what is neither number nor text is left for others to refuse.

    Raises:
        ValueError: as ``quantity``; the message goes on after the key.
    """
    return _number(value, unit) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else value


def _number(value: float | str, unit: str) -> float:
    match = _NUMBER.match(str(value))
    if match is None:
        raise ValueError(f": {value!r} is not a number, or a number and a unit such as '{_example(unit)}'.")
    size, given = float(match[1]), match[2]
    known = UNITS[unit]
    name = given if unit != "1/fb" else _INVERSE.sub(lambda m: f"1/{m[1] or m[2]}", given)
    if not given:
        limit = PLAUSIBLE.get(unit, math.inf)
        if abs(size) > limit:
            others = [f"'{size:g} {_written(other)}'" for other in _near(unit)]
            raise ValueError(
                f" is {size:g} without a unit, which would be {unit}: implausible; write {' or '.join(others)}."
            )
        return size
    if name not in known:
        raise ValueError(f": {value!r} has an unknown unit {given!r}; write for example '{_example(unit)}'.")
    return size * known[name]


def listed(numbers: Iterable[float]) -> str:
    """Numbers in a message, as in a configuration: ``[3000, 3500.5]``."""
    return f"[{', '.join(f'{number:g}' for number in numbers)}]"


def _near(unit: str) -> list[str]:
    """The units between which the writer has to choose."""
    return {"1/fb": ["1/pb", "1/fb"], "GeV": ["MeV", "GeV"]}[unit]


def _written(unit: str) -> str:
    return unit.removeprefix("1")


def _example(unit: str) -> str:
    return {"1/fb": "138 /fb", "fb": "2.7 pb", "GeV": "3.5 TeV", "MeV": "4 GeV"}[unit]
