"""The configuration's schema: validation, defaults, and the tables of the documentation.

``workflow/schemas/config.schema.yaml`` holds the top level and one ``<verb>.schema.yaml`` each stage's
section. Every mapping is closed, every key has a description, and every default stands there. A catalogue
with ``merge: true`` keeps its default entries when a configuration adds its own.
"""

import difflib
import math
import sys
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from resonaut.core import units
from resonaut.core.errors import ConfigError
from resonaut.core.files import atomic

VERBS = ("simulate", "skim", "tag", "calibrate", "reweight", "select", "fit", "report")


def load(folder: Path) -> dict[str, Any]:
    """The whole schema, assembled from the files in ``folder``."""
    schema: dict[str, Any] = yaml.safe_load((folder / "config.schema.yaml").read_text())
    for verb in VERBS:
        section = yaml.safe_load((folder / f"{verb}.schema.yaml").read_text())
        schema["properties"][verb] = {"default": {}, **section}
    return schema


def validate(config: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """A copy of ``config`` with every default filled in, and every text with a unit as a number.

    Raises:
        ConfigError: one sentence on the first key that is unknown, missing, or of a wrong value.
    """
    _require_plain(config, "")
    full: dict[str, Any] = _with_defaults(_in_units(deepcopy(config), schema, ""), schema)
    errors = jsonschema.Draft202012Validator(schema).iter_errors(full)
    # Unknown keys first: a misspelt key often causes the other errors.
    for error in sorted(errors, key=lambda e: (e.validator != "additionalProperties", list(map(str, e.absolute_path)))):
        raise ConfigError(_sentence(error))
    return full


def _require_plain(value: Any, where: str) -> None:
    """Stop at what no key can mean: YAML reads ``1:`` as a number's key, ``.nan`` as a number below no bound."""
    if isinstance(value, dict):
        for key, sub in value.items():
            if not isinstance(key, str):
                raise ConfigError(f"config: {where or 'top level'}: the key {key!r} is no text; put it in quotes.")
            _require_plain(key, where)
            _require_plain(sub, f"{where}.{key}".lstrip("."))
    elif isinstance(value, list):
        for number, sub in enumerate(value):
            _require_plain(sub, f"{where}[{number}]")
    elif isinstance(value, str) and not value.isprintable():
        raise ConfigError(f"config: key {where!r}: {value!r} holds a line break or another control character.")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"config: key {where!r} is {value}; give a finite number.")
    elif isinstance(value, int) and abs(value) >= 2**63:
        raise ConfigError(f"config: key {where!r}: {value} is beyond 2^63; give a smaller number.")


def _in_units(value: Any, schema: Any, where: str, unit: str = "") -> Any:
    """``value`` with each text such as ``138 /fb`` in the key's unit; an implausible number is asked back."""
    schema = schema if isinstance(schema, dict) else {}
    unit = schema.get("unit", unit)
    if isinstance(value, dict):
        named, extra = schema.get("properties", {}), schema.get("additionalProperties")
        return {key: _in_units(sub, named.get(key, extra), f"{where}.{key}".lstrip(".")) for key, sub in value.items()}
    if isinstance(value, list):
        return [_in_units(sub, schema.get("items"), f"{where}[{i}]", unit) for i, sub in enumerate(value)]
    if unit not in units.UNITS or isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return value
    number = units.quantity(value, unit, f"config: key {where!r}")
    # A number keeps its form, 20 or 20.0, and with it the bytes of the frozen configuration.
    return number if isinstance(value, str) else value


def _with_defaults(value: Any, schema: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        for key, sub in schema.get("properties", {}).items():
            if key not in value and "default" in sub:
                value[key] = deepcopy(sub["default"])
            elif sub.get("merge") and isinstance(value[key], dict):
                value[key] = deepcopy(sub["default"]) | value[key]
            if key in value:
                value[key] = _with_defaults(value[key], sub)
        extra = schema.get("additionalProperties")
        if isinstance(extra, dict):
            for key in value.keys() - schema.get("properties", {}).keys():
                value[key] = _with_defaults(value[key], extra)
    elif isinstance(value, list) and "items" in schema:
        return [_with_defaults(item, schema["items"]) for item in value]
    return value


def _sentence(error: jsonschema.ValidationError) -> str:
    where = ".".join(map(str, error.absolute_path))
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        unknown = next(key for key in error.instance if key not in known)
        close = difflib.get_close_matches(str(unknown), known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"the keys here are {', '.join(known)}."
        return f"config: unknown key {'.'.join(filter(None, [where, str(unknown)]))!r}; {hint}"
    if error.validator == "required":
        return f"config: key {where or 'top level'!r}: {error.message}; add it."
    about = error.schema.get("description", "").rstrip(".")
    if error.validator == "pattern":
        return f"config: {where}: {error.instance!r} is not allowed; give {about or error.validator_value}."
    return f"config: key {where!r}: {error.message}" + (f"; it is: {about}." if about else ".")


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
            for key, value in node.value:
                name, line = str(key.value), key.start_mark.line + 1
                if name in lines and name != "<<":
                    raise ConfigError(f"{path}: the key {name!r} stands in lines {lines[name]} and {line}; keep one.")
                lines[name] = line
                todo.append(value)
        elif isinstance(node, yaml.SequenceNode):
            todo += node.value


def section(schema: dict[str, Any], page: str) -> dict[str, Any]:
    """The part of the schema that ``docs/<page>.md`` shows: a stage's, or for ``config`` all but the stages'."""
    properties = schema["properties"]
    if page != "config":
        stage: dict[str, Any] = properties[page]
        return stage
    return {"properties": {key: sub for key, sub in properties.items() if key not in VERBS}}


def table(part: dict[str, Any]) -> str:
    """The Markdown table of a section's keys: type, unit, default, meaning."""
    rows = ["| key | type | unit | default | meaning |", "|---|---|---|---|---|"]
    return "\n".join(rows + [f"| {' | '.join(row)} |" for row in _rows(part, "")])


def _rows(schema: dict[str, Any], prefix: str) -> Iterator[tuple[str, str, str, str, str]]:
    for key, sub in schema.get("properties", {}).items():
        kind = sub.get("type", "")
        kind = " or ".join(kind) if isinstance(kind, list) else kind
        if "enum" in sub:
            kind = ", ".join(f"`{v}`" for v in sub["enum"])
        nested = sub if sub.get("properties") else None
        name = f"{prefix}{key}"
        default = "" if nested or "default" not in sub else f"`{_short(sub['default'])}`"
        yield f"`{name}`", kind, sub.get("unit", ""), default, " ".join(sub.get("description", "").split())
        if nested:
            yield from _rows(sub, f"{name}.")
        for child, mark in ((sub.get("items"), "[]"), (sub.get("additionalProperties"), ".<name>")):
            if isinstance(child, dict):
                yield from _rows(child, f"{name}{mark}.")


def _short(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=10**6).strip().removesuffix("\n...").strip()
    return text if len(text) <= 60 else f"{text[:56]} ..."


def document(page: str, part: dict[str, Any]) -> str:
    """``page`` with the text between its two config markers replaced by the table of ``part``."""
    head, _, rest = page.partition("<!-- config -->")
    _, found, tail = rest.partition("<!-- end config -->")
    if not found:
        raise ValueError("the page lacks <!-- config --> ... <!-- end config -->")
    return f"{head}<!-- config -->\n{table(part)}\n<!-- end config -->{tail}"


def main(root: Path) -> None:
    """Rewrite the config tables of ``docs/*.md`` from the schema."""
    schema = load(root / "workflow" / "schemas")
    for name in ("config", *VERBS):
        page = root / "docs" / f"{name}.md"
        text = document(page.read_text(), section(schema, name))
        with atomic(page) as partial:
            partial.write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
