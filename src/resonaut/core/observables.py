"""Observables: the columns of the events in whose spectra resonances are looked for.

A window names its observable. The keys of the sections ``select`` and ``fit`` are those of the ``DEFAULT``; what
differs for another one stands under ``observables.<name>`` of the section. A job reads the keys of its own observable
and knows nothing of others.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from resonaut.core.errors import ConfigError

Config = dict[str, Any]

# The observable of a window that names none.
DEFAULT = "m_jj"


def axis(name: str, unit: str) -> str:
    """A name, or its label, with the unit of an axis: ``m_jj [GeV]``."""
    return name if unit == "1" else f"{name} [{unit}]"


def said(value: float, unit: str) -> str:
    """A value of an observable in a sentence: ``3500 GeV``, of one that is a mere number ``0.3``."""
    return f"{value:g}" if unit == "1" else f"{value:g} {unit}"


def interval(low: float, high: float, unit: str, mark: str = " to ") -> str:
    """A range of an observable in a sentence: ``2500 to 7000 GeV``."""
    return f"{low:g}{mark}{said(high, unit)}"


def of(verb: str, section: Mapping[str, Any], observable: str, own: Sequence[str]) -> Config:
    """The keys of a section as they hold for an observable.

    Args:
        verb: the stage.
        section: its keys, those of other observables under ``observables``.
        observable: the one that is asked for.
        own: keys that an observable other than the default has to give, as those of the default cannot hold for it.

    Raises:
        ConfigError: it does not give them, or gives keys of the default in a second place.
    """
    base = {name: value for name, value in section.items() if name != "observables"}
    given = section["observables"].get(observable)
    place = f"config: {verb}.observables.{observable}"
    if observable == DEFAULT:
        if given:
            raise ConfigError(f"{place}: the keys of {verb} itself are those of {DEFAULT}; put them there.")
        return base
    if missing := [key for key in own if not _has(given or {}, key)]:
        named = ", ".join(f"{place.removeprefix('config: ')}.{key}" for key in missing)
        raise ConfigError(f"config: a window is in {observable!r}; give {named}.")
    found: Config = _overlaid(base, given)
    return found


def _has(given: Any, path: str) -> bool:
    for name in path.split("."):
        if not isinstance(given, dict) or name not in given:
            return False
        given = given[name]
    return True


def _overlaid(base: Any, given: Any) -> Any:
    """``base`` with the keys that are ``given`` in place of its own."""
    if not (isinstance(base, dict) and isinstance(given, dict)):
        return given
    return base | {name: _overlaid(base.get(name), value) for name, value in given.items()}
