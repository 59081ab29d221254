"""The tables of ``docs/*.md``, such as those of keys, and the JSON schema by which editors check a configuration.

``python -m resonaut.core.documentation .`` writes both anew.
"""

import json
import sys
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import TypeAdapter
from pydantic_core import PydanticUndefined

from resonaut.core import configuration, stages
from resonaut.core.files import atomic
from resonaut.core.record import bare, hints, keys, unit

_NAMES = {
    int: "integer",
    float: "number",
    str: "string",
    bool: "boolean",
    list: "array",
    tuple: "array",
    dict: "object",
}


def table(record: Any) -> str:
    """The Markdown table of a record's keys: type, unit, default, meaning."""
    rows = ["| key | type | unit | default | meaning |", "|---|---|---|---|---|"]
    return "\n".join(rows + [f"| {' | '.join(row)} |" for row in _rows(record, "")])


def _rows(record: Any, prefix: str) -> Iterator[tuple[str, str, str, str, str]]:
    for name, declared in keys(record).items():
        hint, kind = hints(record)[name], bare(hints(record)[name])
        default = "" if keys(kind) or declared.default is PydanticUndefined else f"`{_short(declared.default)}`"
        meaning = " ".join((declared.description or "").split())
        yield f"`{prefix}{name}`", _type(hint), unit(hint, declared), default, meaning
        mark = ""
        while typing.get_args(kind) and typing.get_origin(kind) in (list, dict):
            mark += "[]" if typing.get_origin(kind) is list else ".<name>"
            kind = bare(typing.get_args(kind)[-1])
        yield from _rows(kind, f"{prefix}{name}{mark}.")


def _type(hint: Any) -> str:
    parts = [part for part in typing.get_args(hint) if part is not types.NoneType]
    if typing.get_origin(hint) in (typing.Union, types.UnionType) and len(parts) > 1:
        return " or ".join(map(_type, parts))
    kind = bare(hint)
    if typing.get_origin(kind) is Literal:
        return ", ".join(f"`{value}`" for value in typing.get_args(kind))
    name = _NAMES.get(typing.get_origin(kind) or kind, "object")
    return f"{name} or null" if type(None) in typing.get_args(hint) else name


def _short(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=10**6).strip().removesuffix("\n...").strip()
    return text if len(text) <= 60 else f"{text[:56]} ..."


def document(page: str, tables: Mapping[str, Callable[[], str]]) -> str:
    """``page`` with its tables anew, each between the markers of its name."""
    for name, text in tables.items():
        head, _, rest = page.partition(f"<!-- {name} -->")
        _, found, tail = rest.partition(f"<!-- end {name} -->")
        if not found:
            raise ValueError(f"the page lacks <!-- {name} --> ... <!-- end {name} -->")
        page = f"{head}<!-- {name} -->\n{text()}\n<!-- end {name} -->{tail}"
    return page


def tables() -> dict[str, dict[str, Callable[[], str]]]:
    """What writes the tables, by page and marker: that of the keys, and those of the stages' plans."""
    records = {"config": configuration.Frame} | {verb: configuration.section(verb) for verb in stages.verbs()}
    found: dict[str, dict[str, Callable[[], str]]] = {
        page: {"config": partial(table, record)} for page, record in records.items()
    }
    for plan in stages.plans().values():
        for page, several in getattr(plan, "TABLES", {}).items():
            found[page] = found.get(page, {}) | several
    return found


def editor_schema() -> str:
    """The JSON schema of the whole configuration."""
    schema = TypeAdapter(configuration.whole()).json_schema()
    return json.dumps(schema | {"title": "Configuration of Resonaut"}, indent=1) + "\n"


def main(root: Path) -> None:
    """Rewrite the tables of ``docs/*.md`` and ``config/schema.json``."""
    texts = {root / "config" / "schema.json": editor_schema()}
    for name, several in tables().items():
        page = root / "docs" / f"{name}.md"
        texts[page] = document(page.read_text(), several)
    for path, text in texts.items():
        with atomic(path) as partial:
            partial.write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
