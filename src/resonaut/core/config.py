"""Files of plain JSON data, read into records."""

import json
import math
from pathlib import Path
from typing import Any, TypeVar

from resonaut.core.errors import InputFileError
from resonaut.core.record import build

T = TypeVar("T")


def read(path: Path, kind: type[T]) -> T:
    """Read a file into the record ``kind``.

    Raises:
        InputFileError: the file is missing or is not JSON.
        ConfigError: a key is missing, unknown or of the wrong type.
    """
    return build(load_json(path), kind, str(path))


def load_json(path: Path, remedy: str | None = None, *, infinite: bool = False) -> Any:
    """Read a JSON file of finite numbers; ``InputFileError`` names the file where it is missing or broken.

    ``remedy``: the way out for a file that no stage makes; ``infinite``: such a file may have infinite numbers.
    """
    number = float if infinite else _finite
    try:
        text = path.read_text(encoding="utf-8")
        return json.loads(text, parse_float=number, parse_constant=number, object_pairs_hook=_unique)
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
