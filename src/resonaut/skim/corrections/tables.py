"""Correction tables of the experiments, evaluated by correctionlib; their inputs are found by name."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import awkward as ak
import correctionlib
import numpy as np
import numpy.typing as npt
from correctionlib.highlevel import open_auto
from pydantic_core import from_json

from resonaut.core.errors import InputFileError

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Table:
    """One table of a file: simple or compound."""

    path: str
    correction: Any

    @classmethod
    def of(cls, path: str, name: str | None = None) -> "Table":
        """The table ``name`` of a file, or its only one.

        Raises:
            InputFileError: the file is missing or no correctionlib JSON, or has no such table.
        """
        return _opened(path, name)

    @property
    def inputs(self) -> dict[str, str]:
        """The inputs by name, in order: real, int or string."""
        return {entry.name: entry.type for entry in self.correction.inputs}

    def text(self) -> str | None:
        """The name of the input that is a text, such as a variation's name; None where there is none."""
        return next((name for name, kind in self.inputs.items() if kind == "string"), None)

    def __call__(self, quantities: Mapping[str, Any]) -> FloatArray:
        """The table's values, shape (n,), of ``quantities`` by the inputs' names: arrays (n,) or texts.

        Where a quantity is NaN or infinite, the value is NaN.

        Raises:
            InputFileError: the table asks for something else, or does not know a text.
        """
        arguments, odd = [], np.bool_(False)
        for name, kind in self.inputs.items():
            if name not in quantities:
                there = ", ".join(quantities)
                raise InputFileError(
                    self.path, f"{self.correction.name!r} asks for {name!r}, and there is {there}", "use another table"
                )
            value = quantities[name]
            if kind != "string":
                value = np.asarray(value, np.float64)
                broken = ~np.isfinite(value)
                odd = odd | broken
                # correctionlib finds no bin for NaN, and an event that is broken need not be selected.
                value = np.where(broken, 1, value).astype(np.int64 if kind == "int" else np.float64)
            arguments.append(value)
        try:
            found = np.asarray(self.correction.evaluate(*arguments), np.float64)
        except (IndexError, RuntimeError, ValueError) as error:
            problem = f"{self.correction.name!r} cannot be evaluated ({error})"
            raise InputFileError(self.path, problem, "correct what the era's corrections say of it") from error
        return np.where(odd, np.nan, found) if np.any(odd) else found

    def of_jets(self, jets: ak.Array, quantities: Mapping[str, Any]) -> ak.Array:
        """The values for each of the ``jets`` (events * var): of quantities of a jet, an event (n,), or one text."""
        counts = ak.to_numpy(ak.num(jets))
        flat = {name: _per_jet(value, counts) for name, value in quantities.items()}
        return ak.unflatten(np.broadcast_to(self(flat), (int(counts.sum()),)), counts)


@cache
def _opened(path: str, name: str | None) -> Table:
    """A table of a file. Of the hundred that files have, this one alone is made, with those that it multiplies."""
    if name is None:
        names = list(_entries(path))
        if len(names) != 1:
            raise InputFileError(path, f"has {len(names)} tables", f"name one of {_some(sorted(names))}")
        name = names[0]
    entry = _entry(path, name)
    stack = entry.get("stack")
    simple = [entry] if stack is None else [_entry(path, one) for one in stack]
    document = {"schema_version": _version(path), "corrections": [_once(one) for one in simple]}
    document["compound_corrections"] = [] if stack is None else [entry]
    try:
        opened = correctionlib.CorrectionSet.from_string(json.dumps(document))
    except Exception as error:
        raise _no_tables(path) from error
    return Table(path, opened[name] if stack is None else opened.compound[name])


def _entry(path: str, name: str) -> dict[str, Any]:
    """A table's entry. To read it where its name stands takes a tenth of the time that the whole file takes.

    Raises:
        InputFileError: there is no such table.
    """
    text = _text(path)
    for start in re.finditer(rf'{{\s*"name"\s*:\s*{re.escape(json.dumps(name))}', text):
        with suppress(ValueError):
            found: dict[str, Any] = json.JSONDecoder().raw_decode(text, start.start())[0]
            # Inputs have names, too.
            if "data" in found or "stack" in found:
                return found
    entries = _entries(path)
    if name not in entries:
        raise InputFileError(path, f"has no table {name!r}", f"name one of {_some(_nearest(name, list(entries)))}")
    return entries[name]


def _once(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry with each formula once: correctionlib parses those of all bins, which differ in their parameters."""
    formulas = list(entry.get("generic_formulas") or ())
    places: dict[str, int] = {}

    def without(node: Any) -> Any:
        if isinstance(node, list):
            return [without(one) for one in node]
        if not isinstance(node, dict):
            return node
        if node.get("nodetype") != "formula" or not node.get("parameters"):
            return {key: without(one) for key, one in node.items()}
        bare = {key: one for key, one in node.items() if key != "parameters"}
        place = places.setdefault(json.dumps(bare), len(formulas))
        if place == len(formulas):
            formulas.append(bare)
        return {"nodetype": "formularef", "index": place, "parameters": node["parameters"]}

    return entry | {"data": without(entry["data"]), "generic_formulas": formulas}


def _version(path: str) -> int:
    """The version of the format, which stands once in a file."""
    found = re.search(r'"schema_version"\s*:\s*(\d+)', _text(path))
    if found is None:
        raise _no_tables(path)
    return int(found[1])


@lru_cache(maxsize=1)
def _text(path: str) -> str:
    """The text of a file, which tables are taken of one after the other."""
    try:
        return str(open_auto(path))
    except Exception as error:
        raise _no_tables(path) from error


def _entries(path: str) -> dict[str, dict[str, Any]]:
    """All entries of a file by name, the compound ones last."""
    try:
        document = from_json(_text(path))
        found = {entry["name"]: entry for entry in document["corrections"]}
        found |= {entry["name"]: entry for entry in document.get("compound_corrections") or ()}
    except Exception as error:
        raise _no_tables(path) from error
    if not found:
        raise _no_tables(path)
    return found


def _no_tables(path: str) -> InputFileError:
    problem = "is no file of correctionlib" if Path(path).is_file() else "no such file"
    return InputFileError(path, problem, "name the experiment's JSON file, with the ending .gz if it is compressed")


def _per_jet(value: Any, counts: np.ndarray) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, ak.Array) and value.ndim > 1:
        return ak.to_numpy(ak.flatten(value))
    return np.repeat(np.asarray(value), counts)


def _nearest(name: str, names: list[str], most: int = 12) -> list[str]:
    """The names that look most like one that is not there: those with the longest common beginning or ending."""

    def likeness(other: str) -> int:
        ends = (_common(name, other), _common(name[::-1], other[::-1]))
        return -sum(ends)

    return sorted(names, key=lambda other: (likeness(other), other))[:most]


def _common(one: str, other: str) -> int:
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _some(names: list[str], most: int = 12) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
