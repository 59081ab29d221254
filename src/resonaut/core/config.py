"""Files of plain JSON data, read into records, and what YAML would take in silence."""

import json
import math
from pathlib import Path
from typing import Any, TypeVar

import yaml

from resonaut.core.errors import ConfigError, InputFileError
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


def require_unique_keys(path: Path) -> None:
    """Stop where a mapping of the YAML file ``path`` has a key twice, of which YAML takes the last in silence.

    Raises:
        ConfigError: it has; the sentence names the key and both lines.
    """
    try:
        todo, seen = [yaml.compose(path.read_text(encoding="utf-8"), yaml.SafeLoader)], set()
    except yaml.YAMLError:
        # Snakemake has read it, so it is JSON of a form that YAML does not know.
        return
    while todo:
        node = todo.pop()
        # An alias is the node of its anchor again.
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            lines: dict[str, int] = {}
            for name_node, value in node.value:
                name, line = str(name_node.value), name_node.start_mark.line + 1
                if name in lines and name != "<<":
                    raise ConfigError(f"{path}: the key {name!r} stands in lines {lines[name]} and {line}; keep one.")
                lines[name] = line
                todo.append(value)
        elif isinstance(node, yaml.SequenceNode):
            todo += node.value
