"""Frozen stage configuration: JSON written by Snakemake, read into typed dataclasses."""

import dataclasses
import json
import math
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

from resonaut.core.errors import ConfigError, InputFileError

T = TypeVar("T")


def read(path: Path, kind: type[T]) -> T:
    """Read a frozen configuration file into the dataclass ``kind``.

    Defaults live in the schema, not here: a key that the dataclass names and the file lacks is an
    error, and so is the reverse.

    Raises:
        InputFileError: the file is missing or is not JSON.
        ConfigError: a key is missing, unknown or of the wrong type.
    """
    built: T = build(load_json(path), kind, str(path))
    return built


def load_json(path: Path, remedy: str | None = None) -> Any:
    """Read a JSON file of finite numbers; ``InputFileError`` names the file where it is missing or broken.

    ``remedy``: the way out for a file that no stage makes.
    """
    try:
        text = path.read_text(encoding="utf-8")
        return json.loads(text, parse_float=_finite, parse_constant=_finite, object_pairs_hook=_unique)
    except FileNotFoundError:
        raise InputFileError(
            path, "no such file", remedy or "run the stage that makes it, or give its right path"
        ) from None
    except IsADirectoryError:
        raise InputFileError(path, "is a folder", "give a file") from None
    except (ValueError, RecursionError) as error:
        raise InputFileError(path, f"not valid JSON ({error})", remedy or "delete it and run its stage again") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """JSON's mapping; of a key that stands twice Python would take the last."""
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a key stands twice")
    return content


def _finite(text: str) -> float:
    """JSON's numbers; Python would also take NaN, Infinity and 1e999."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not a finite number")
    return value


def build(value: Any, kind: Any, where: str) -> Any:
    """Convert plain JSON data to ``kind``: a dataclass, a container of them, or a plain type."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        return _build_dataclass(value, kind, where)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in args:
            return None
        (kind,) = (arg for arg in args if arg is not type(None))
        return build(value, kind, where)
    if origin is typing.Literal:
        if value not in args:
            raise ConfigError(f"{where}: {value!r} is none of {', '.join(map(repr, args))}.")
        return value
    if origin is tuple and isinstance(value, list):
        element = args[:1] * len(value) if args[-1] is ... else args
        if len(element) != len(value):
            raise ConfigError(f"{where}: wants {len(element)} values, has {len(value)}.")
        return tuple(build(v, k, f"{where}[{i}]") for i, (v, k) in enumerate(zip(value, element, strict=True)))
    if origin is list and isinstance(value, list):
        return [build(v, args[0], f"{where}[{i}]") for i, v in enumerate(value)]
    if origin is dict and isinstance(value, dict):
        return {k: build(v, args[1], f"{where}.{k}") for k, v in value.items()}
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind is Any or (
        origin is None and isinstance(value, kind) and not (isinstance(value, bool) and kind is not bool)
    ):
        return value
    raise ConfigError(f"{where}: {value!r} is not of type {getattr(kind, '__name__', kind)}.")


def _build_dataclass(value: Any, kind: Any, where: str) -> Any:
    hints = typing.get_type_hints(kind)
    if not isinstance(value, dict):
        raise ConfigError(f"{where}: wants a mapping with {', '.join(hints)}.")
    for key in value.keys() ^ hints.keys():
        state = "missing" if key in hints else "unknown"
        raise ConfigError(f"{where}: key {key!r} is {state}; it wants exactly {', '.join(hints)}.")
    return kind(**{key: build(value[key], hint, f"{where}: {key}") for key, hint in hints.items()})
