"""Histograms in text: CSV as it comes from people, spreadsheets and HEPData."""

import csv
import gzip
import re
import reprlib
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from resonaut.core.errors import InputFileError
from resonaut.fit.contents import Measured, energy_unit, without_unit
from resonaut.fit.family import Array

# Byte order marks; the longer ones first, as one begins with another.
_MARKS = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
VALUES = ("counts", "events", "entries", "dsigma_dm")
_MISSING = {"", "-", "--", "nan", "n/a", "na", "null"}
_BRACKETS = re.compile(r"\s*[\[(][^\])]*[\])]")


def text(path: Path) -> str:
    """The text of a file, unpacked if it is gzip, in UTF-8 or in the encoding of its byte order mark, else in Latin-1.

    Raises:
        InputFileError: it is no text.
    """
    content = path.read_bytes()
    if content.startswith(b"\x1f\x8b"):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise InputFileError(path, f"a broken gzip file ({error})", "get it again") from None
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "utf-8")
    try:
        found = content.decode(encoding)
    except UnicodeDecodeError:
        found = content.decode("latin-1")
    if "\x00" in found:
        raise InputFileError(path, "not a text file", "give a CSV, YAML, UHI JSON or ROOT file by its right suffix")
    return found


@dataclass
class Table:
    """A header and its rows, with their numbers in the file."""

    name: str
    header: list[str]
    rows: list[tuple[int, list[str]]] = field(default_factory=list)


def from_csv(path: Path, column: str | None = None) -> list[Measured]:
    """The histograms in a CSV file: columns ``m_low``, ``m_high`` and a value, or HEPData's ``X LOW``, ``X HIGH``.

    Args:
        path: the file; columns are separated by semicolons, tabs, commas or blanks, and ``#`` begins a comment.
        column: the values, where their name is not one of ``VALUES``.

    Raises:
        InputFileError: no columns of a histogram, or a cell is not a number.
    """
    tables = _tables(path)
    found = [one for table in tables for one in (_plain(path, table, column) or _hepdata(path, table))]
    if not found:
        columns = "; ".join(", ".join(map(repr, table.header)) for table in tables) or "none"
        raise InputFileError(
            path,
            f"no columns m_low, m_high and counts or dsigma_dm, nor HEPData's LOW and HIGH (found: {columns[:300]})",
            "name them in its header line",
        )
    return found


def _tables(path: Path) -> list[Table]:
    """Headers and rows; a line without any number begins another table."""
    tables: list[Table] = []
    name, delimiter = "", ","
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text(path)), start=1):
        if match := re.match(r"\s*#:\s*name:\s*(.*)", line):
            name = match[1].strip()
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not tables:
            delimiter = _delimiter(line)
        try:
            cells = _cells(line, delimiter)
        except csv.Error as error:
            raise InputFileError(path, f"line {number} is no line of a table ({error})", "correct it") from None
        if not tables or (not any(map(is_number, cells)) and not {c.lower() for c in cells} <= _MISSING):
            tables.append(Table(name, cells))
        else:
            tables[-1].rows.append((number, cells))
    for table in tables:
        if delimiter == ";":
            _decimal_points(path, table)
    return tables


def _delimiter(line: str) -> str:
    bare = re.sub(r'"[^"]*"', "", line)
    return next((mark for mark in (";", "\t", ",") if mark in bare), " ")


def _cells(line: str, delimiter: str) -> list[str]:
    if delimiter == " ":
        line = re.sub(r"\s+", " ", line.strip())
    cells = [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter, skipinitialspace=True))]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def is_number(cell: str) -> bool:
    """Whether a cell is meant as a number."""
    return bool(re.fullmatch(r"[-+]?(\d[\d.,]*|\.\d+)(e[-+]?\d+)?%?", cell.lower()))


def _decimal_points(path: Path, table: Table) -> None:
    """Turn decimal commas, which stand beside semicolons, into points."""
    cells = [cell for _, row in table.rows for cell in row if "," in cell]
    if not cells:
        return
    # 1.234,5 and 1,234 are different numbers in different countries.
    if any("." in cell for _, row in table.rows for cell in row) or all(re.search(r",\d{3}$", c) for c in cells):
        raise InputFileError(path, f"{cells[0]!r} may be two different numbers", "write them with decimal points")
    table.rows = [(number, [cell.replace(",", ".") for cell in row]) for number, row in table.rows]


def _plain(path: Path, table: Table, column: str | None) -> list[Measured]:
    """The histogram of a table with ``m_low`` and ``m_high``; none if it has no such columns."""
    names = [_BRACKETS.sub("", cell).strip().lower() for cell in table.header]
    wanted = [column.strip().lower()] if column else VALUES
    there = [name for name in wanted if name in names or name in map(str.lower, table.header)]
    if len(there) > 1:
        problem = f"holds {' and '.join(map(repr, there))}, which need not be the same spectrum"
        raise InputFileError(path, problem, f"name one: {path}:{there[0]}")
    value = next(iter(there), None)
    if value is None or not {"m_low", "m_high"} <= set(names):
        return []
    places = []
    for name in ("m_low", "m_high", value):
        found = [i for i, cell in enumerate(names) if name in (cell, table.header[i].lower())]
        if len(found) > 1:
            raise InputFileError(path, f"{len(found)} columns are named {name!r}", "keep one of them")
        places += found
    errors = [i for i, cell in enumerate(names) if re.match(r"(stat|err)[a-z]*[ _]*(\+|-|up|down|low|high)?$", cell)]
    units = {unit for i in places[:2] if (unit := energy_unit(table.header[i]))}
    if len(units) > 1:
        raise InputFileError(path, f"m_low and m_high have different units, {' and '.join(units)}", "give them one")
    return [_histogram(path, table, places, errors, next(iter(units), None))]


def _hepdata(path: Path, table: Table) -> list[Measured]:
    """The histograms of a table as HEPData writes it: ``X``, ``X LOW``, ``X HIGH``, and values with their errors."""
    names = [cell.lower() for cell in table.header]
    lows = [i for i, cell in enumerate(names) if cell.endswith(" low") and cell[:-4] + " high" in names]
    if len(lows) > 1:
        raise InputFileError(path, f"{len(lows)} variables have bins", "give a table of one variable, the mass")
    if not lows:
        return []
    low = lows[0]
    variable = names[low][:-4]
    high = names.index(variable + " high")
    values = [
        i
        for i, cell in enumerate(names)
        if i not in (low, high) and cell != variable and not re.search(r" [-+]$", cell)
    ]
    unit = energy_unit(table.header[low][:-4])
    found = []
    for place, end in zip(values, [*values[1:], len(names)], strict=True):
        errors = [i for i in range(place + 1, end) if names[i].startswith("stat")]
        found.append(_histogram(path, table, [low, high, place], errors, unit, without_unit(table.header[low][:-4])))
    return found


def _histogram(
    path: Path, table: Table, places: list[int], errors: list[int], unit: str | None, observable: str = ""
) -> Measured:
    low, high, values = (_column(path, table, place) for place in places)
    title = table.header[places[2]]
    sizes = np.mean([np.abs(_column(path, table, place)) for place in errors], axis=0) if errors else None
    edges = edges_of(path, low, high)
    return Measured(str(path), title or table.name, edges, values, title, unit, sizes, observable=observable)


def edges_of(path: Path, low: Array, high: Array) -> Array:
    """Edges (N + 1) of bins from ``low`` to ``high`` (N,); ``InputFileError`` where they do not follow each other."""
    if not np.array_equal(low[1:], high[:-1]):
        raise InputFileError(path, "bins overlap, leave gaps or are not in order", "let each begin where one ended")
    return np.append(low, high[-1:])


def _column(path: Path, table: Table, place: int) -> Array:
    if not table.rows:
        raise InputFileError(path, "no rows below the header line", "give the whole table")
    values = []
    for line, row in table.rows:
        if len(row) > len(table.header) or (place >= len(row) and len(row) < len(table.header) - 1):
            raise InputFileError(
                path, f"line {line} has {len(row)} columns, the header line {len(table.header)}", "correct that line"
            )
        cell = row[place] if place < len(row) else ""
        values.append(number(path, cell, f"line {line}: {table.header[place]!r}"))
    return np.array(values)


def number(path: Path, value: Any, where: str) -> float:
    """The number in a cell; ``InputFileError`` says ``where`` there is none."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise InputFileError(path, f"{where} is {reprlib.repr(value)}, which is not a number", "correct it") from None
