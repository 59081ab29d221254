"""Histograms in HEPData's YAML."""

from pathlib import Path
from typing import Any

import numpy as np
import yaml

from resonaut.core.errors import InputFileError
from resonaut.fit.contents import Measured, energy_unit
from resonaut.fit.tables import edges_of, number, text

# What HEPData writes where there is no number.
MISSING = "-"


def from_yaml(path: Path) -> list[Measured]:
    """The histograms in a YAML table of HEPData, one for each dependent variable.

    Raises:
        InputFileError: it is no such table, or not of one variable in bins.
    """
    try:
        documents = [one for one in yaml.safe_load_all(text(path)) if isinstance(one, dict)]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputFileError(path, f"not valid YAML ({' '.join(str(error).split())})", "correct it") from None
    tables = [one for one in documents if "independent_variables" in one]
    if not tables:
        files = ", ".join(one["data_file"] for one in documents if isinstance(one.get("data_file"), str))
        remedy = f"give one of its tables: {files}" if files else "give a table with independent_variables"
        raise InputFileError(path, "no table of HEPData", remedy)
    try:
        return [one for table in tables for one in _of_document(path, table)]
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise InputFileError(path, f"no table of HEPData ({error!r})", "give it as HEPData wrote it") from None


def _of_document(path: Path, table: dict[str, Any]) -> list[Measured]:
    if len(table["independent_variables"]) != 1:
        count = len(table["independent_variables"])
        raise InputFileError(path, f"{count} independent variables", "give a table of one variable, the mass")
    (variable,) = table["independent_variables"]
    title = _title(variable["header"])
    if any("low" not in one or "high" not in one for one in variable["values"]):
        raise InputFileError(path, f"{title!r} has no bins", "give a table with low and high")
    low, high = (np.array([number(path, one[end], end) for one in variable["values"]]) for end in ("low", "high"))
    edges, unit = edges_of(path, low, high), energy_unit(title)
    if variable["header"].get("units") and unit is None:
        raise InputFileError(
            path, f"{title!r} has no unit of a mass", "give one in GeV or TeV, or say it in the header"
        )
    found = []
    for dependent in table["dependent_variables"]:
        name, cells = _title(dependent["header"]), dependent["values"]
        if len(cells) != len(low):
            raise InputFileError(path, f"{name!r} has {len(cells)} values in {len(low)} bins", "correct it")
        if any(cell["value"] == MISSING for cell in cells) and len(table["dependent_variables"]) > 1:
            # A column with gaps beside others is not the spectrum.
            continue
        values = np.array([number(path, cell["value"], f"{name!r} in bin {i}") for i, cell in enumerate(cells)])
        sizes = [_statistical(cell) for cell in cells]
        errors = None if None in sizes else np.array(sizes, dtype=float)
        column = dependent["header"]["name"]
        found.append(
            Measured(str(path), column, edges, values, name, unit, errors, observable=variable["header"]["name"])
        )
    return found


def _title(header: dict[str, Any]) -> str:
    """Name and unit; of text only, as YAML's references can make a list of them too long to print."""
    name, units = header["name"], header.get("units") or ""
    if not (isinstance(name, str) and isinstance(units, str)):
        raise TypeError("a header is not text")
    return f"{name} [{units}]" if units else name


def _statistical(cell: dict[str, Any]) -> float | None:
    """The size of a value's statistical error, of the mean of both sides; None if there is none in numbers."""
    for error in cell.get("errors") or []:
        label = error.get("label")
        if isinstance(label, str) and label.lower().startswith("stat"):
            sides = error.get("asymerror") or {"plus": error.get("symerror")}
            try:
                return float(np.mean([abs(float(side)) for side in sides.values()]))
            except (TypeError, ValueError):
                return None
    return None
