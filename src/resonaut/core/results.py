"""The JSON files that one stage writes and others read: records, with one writer and one strict reader.

A stage declares them in ``<verb>/results.py``. The file has the record's keys, all of them and no other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast, dataclass_transform, get_args

import pydantic_core
from pydantic import ValidationError

from resonaut.core.errors import InputFileError
from resonaut.core.files import write_json
from resonaut.core.record import adapter, dotted, key, keys, plain, record

T = TypeVar("T")
# Characters of a wrong value that a sentence shows.
SHOWN = 40


@dataclass(frozen=True)
class Kind:
    """What a file is called, and the command that makes it."""

    name: str
    command: str


KINDS: dict[Any, Kind] = {}


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(key,))
def result(name: str, command: str) -> Callable[[type[T]], type[T]]:
    """Make a class the record of a file called ``name`` that ``resonaut <command>`` writes."""

    def decorate(cls: type[T]) -> type[T]:
        made = record(cls)
        KINDS[made] = Kind(name, f"resonaut {command}")
        return made

    return decorate


def write(path: Path, content: Any) -> None:
    """Write a record, or a list of records of one kind; equal content gives equal bytes."""
    write_json(path, _plain(content))


def _plain(content: Any) -> Any:
    return [_plain(one) for one in content] if isinstance(content, list) else plain(content, type(content))


def read(path: Path, *kinds: type[T]) -> T:
    """Read the record that ``write`` wrote; of several ``kinds`` the one whose keys the file has.

    Raises:
        InputFileError: the file is missing, broken, or not of that kind and this version.
    """
    kind = kinds[0]
    try:
        text = path.read_bytes()
        if len(kinds) > 1:
            kind = max(kinds, key=lambda one: _common(text, one))
        return cast(T, adapter(cast(Any, kind)).validate_json(text, strict=True))
    except FileNotFoundError:
        remedy = f"make it with '{_kind(kind).command}', or give its right path"
        raise InputFileError(path, "no such file", remedy) from None
    except IsADirectoryError:
        raise InputFileError(path, "is a folder", "give a file") from None
    except ValidationError as error:
        problem = f"no {_kind(kind).name} ({_problem(error, text)})"
        raise InputFileError(path, problem, f"make it with '{_kind(kind).command}'") from None


def _kind(kind: Any) -> Kind:
    """Of a record, or of the elements of a list."""
    return KINDS[(*get_args(kind), kind)[0]]


def _common(text: bytes, kind: Any) -> int:
    """How many keys of ``kind`` a file has."""
    try:
        content = pydantic_core.from_json(text)
    except ValueError:
        return 0
    return len(keys(kind).keys() & content.keys()) if isinstance(content, dict) else 0


def _problem(error: ValidationError, text: bytes) -> str:
    """What is wrong first, in words."""
    # A file of another version lacks keys and has others; those are told before what follows from them.
    order = ["json_invalid", "unexpected_keyword_argument", "missing"]
    first = min(error.errors(), key=lambda e: order.index(e["type"]) if e["type"] in order else len(order))
    if first["type"] == "json_invalid":
        return f"not valid JSON: {first['ctx']['error']}"
    where = dotted(_place(first["loc"], pydantic_core.from_json(text), missing=first["type"] == "missing"))
    if first["type"] == "unexpected_keyword_argument":
        return f"unknown key {where!r}"
    if first["type"] == "missing":
        return f"it has no {where!r}"
    if first["type"] == "value_error":
        return f"{where or 'it'}: {first['ctx']['error']}"
    wanted = first["msg"].replace("Input should", "should", 1)
    return f"{where or 'it'} is {repr(first['input'])[:SHOWN]}, and {wanted}"


def _place(place: tuple[str | int, ...], content: Any, missing: bool) -> list[str | int]:
    """A place in the file, without the names of alternative types, which are no keys."""
    found: list[str | int] = []
    for part in place:
        last = missing and part == place[-1] and isinstance(content, dict)
        if (isinstance(content, dict) and part in content) or (isinstance(content, list) and isinstance(part, int)):
            found.append(part)
            content = content[part]  # type: ignore[index]
        elif last:
            found.append(part)
    return found
