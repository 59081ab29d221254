"""Correction tables of the experiments, evaluated by correctionlib; their inputs are found by name."""

import json
from collections.abc import Mapping
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
    """A table of a file. Of some hundred tables that files have, reading this one alone takes a third of the time."""
    document = _document(path)
    simple = {entry["name"]: entry for entry in document["corrections"]}
    compound = {entry["name"]: entry for entry in document.get("compound_corrections") or ()}
    names = [*simple, *compound]
    if name is None and len(names) != 1:
        raise InputFileError(path, f"has {len(names)} tables", f"name one of {_some(sorted(names))}")
    name = names[0] if name is None else name
    if name not in names:
        raise InputFileError(path, f"has no table {name!r}", f"name one of {_some(_nearest(name, names))}")
    wanted = compound[name]["stack"] if name in compound else [name]
    part = document | {"corrections": [simple[one] for one in wanted if one in simple]}
    part["compound_corrections"] = [compound[name]] if name in compound else []
    try:
        opened = correctionlib.CorrectionSet.from_string(json.dumps(part))
    except Exception as error:
        raise _no_tables(path) from error
    return Table(path, opened.compound[name] if name in compound else opened[name])


@lru_cache(maxsize=1)
def _document(path: str) -> dict[str, Any]:
    """The content of a file, which tables are taken of one after the other."""
    try:
        document: dict[str, Any] = from_json(open_auto(path))
        names = [entry["name"] for entry in document["corrections"]]
    except Exception as error:
        raise _no_tables(path) from error
    if not names:
        raise _no_tables(path)
    return document


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
