"""Whether parsed JSON has the keys and the kinds of values that a stage reads from another's file."""

from pathlib import Path
from typing import Any

from resonaut.core.errors import InputFileError

# A type; [shape] is a list of them, {"key": shape} a mapping with at least these keys, {str: shape} one with any keys,
# and (shape, None) also null. A float may be written as a whole number. A function reads the value, or raises.
Shape = Any
_NAMES = {float: "a number", int: "a whole number", str: "a text", bool: "true or false", dict: "a mapping"}


def require(content: Any, shape: Shape, path: Path, name: str, remedy: str) -> Any:
    """The ``content`` of the file ``path``.

    Raises:
        InputFileError: it has not the ``shape``, and so is no ``name``.
    """
    wrong = problem(content, shape)
    if wrong:
        raise InputFileError(path, f"no {name} ({wrong})", remedy)
    return content


def problem(value: Any, shape: Shape, where: str = "") -> str | None:
    """What is wrong with ``value``, in words for a message; None if it has the ``shape``.

    >>> problem({"scan": [{"mass": 3500}, {"mass": None}]}, {"scan": [{"mass": float}]})
    'scan[1].mass is None, not a number'
    """
    if isinstance(shape, tuple):
        return None if value is None else problem(value, shape[0], where)
    if isinstance(shape, list):
        if not isinstance(value, list):
            return f"{where or 'it'} is {value!r:.40}, not a list"
        found = (problem(item, shape[0], f"{where}[{i}]") for i, item in enumerate(value))
        return next(filter(None, found), None)
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return f"{where or 'it'} is {value!r:.40}, not a mapping"
        keys = dict.fromkeys(value, shape[str]) if str in shape else shape
        missing = next((key for key in keys if key not in value), None)
        if missing is not None:
            return f"it has no {'.'.join(filter(None, [where, missing]))}"
        found = (problem(value[key], sub, ".".join(filter(None, [where, key]))) for key, sub in keys.items())
        return next(filter(None, found), None)
    if not isinstance(shape, type):
        try:
            shape(value)
        except Exception as error:
            # Whatever the libraries raise.
            return f"{where or 'it'} is {value!r:.40}, which cannot be read ({type(error).__name__})"
        return None
    kinds = (int, float) if shape is float else shape
    if isinstance(value, kinds) and (shape is bool or not isinstance(value, bool)):
        return None
    return f"{where or 'it'} is {value!r:.40}, not {_NAMES[shape]}"
