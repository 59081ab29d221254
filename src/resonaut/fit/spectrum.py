"""A binned mass spectrum and the files that it may come from: CSV, HEPData's YAML, UHI JSON, ROOT."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import hist
import numpy as np

from resonaut.core import config, observables
from resonaut.core.errors import ConfigError, InputFileError
from resonaut.core.units import UNITS
from resonaut.fit import contents, hepdata, histograms, tables
from resonaut.fit.contents import Contents, Measured
from resonaut.fit.family import Array
from resonaut.fit.resolution import DIJET, Resolution

# A spectrum that ends below, GeV, without a unit is one in TeV.
LOWEST_END = 20.0
_SOURCE = re.compile(r"(.+?\.(?:root|csv|tsv|txt|dat|ya?ml|json)(?:\.gz)?):(.+)", re.IGNORECASE)


@dataclass(frozen=True)
class Spectrum:
    """Events ``counts`` (N,) between ``edges`` (N + 1) of an ``observable`` in its ``unit``, and its ``resolution``."""

    edges: Array
    counts: Array
    resolution: Resolution = DIJET
    observable: str = ""
    unit: str = "GeV"

    def said(self, value: float) -> str:
        """A value of the observable in a sentence."""
        return observables.said(value, self.unit)

    @property
    def ends(self) -> str:
        """From where to where it goes, in a sentence."""
        return observables.interval(self.edges[0], self.edges[-1], self.unit)

    @property
    def threshold(self) -> float:
        """Lower edge of the first bin with an event; infinite without any, 0 if it is the first of all bins.

        Then there may be events below the edges.
        """
        populated = np.flatnonzero(self.counts)
        if not len(populated):
            return float("inf")
        return float(self.edges[populated[0]]) if populated[0] else 0.0

    def gaps(self, p_value: float) -> list[slice]:
        """Empty bins between bins that are not, which events as dense as beside them leave empty less often than so."""
        inside = np.flatnonzero(np.diff(np.flatnonzero(self.counts)) > 1)
        populated, below = np.flatnonzero(self.counts), np.concatenate([[0.0], np.cumsum(self.counts)])
        found = []
        for first, last in zip(populated[inside] + 1, populated[inside + 1], strict=True):
            low, high = self.edges[first], self.edges[last]
            until = np.interp([2 * low - high, low, high, 2 * high - low], self.edges, below)
            if min(until[1] - until[0], until[3] - until[2]) > -np.log(p_value):
                found.append(slice(first, last))
        return found

    def rebinned(self, edges: Array, key: str) -> "Spectrum":
        """The same events between fewer ``edges``; ``key`` names what to change where they do not fit."""
        index = np.searchsorted(self.edges, edges - 1e-6 * edges[-1])
        found = self.edges[np.minimum(index, len(self.edges) - 1)]
        if not np.allclose(found, edges, rtol=1e-6, atol=0) or (np.diff(index) < 1).any():
            wanted = replace(self, edges=edges).ends
            raise ConfigError(
                f"the bins of {key} ({wanted}) are not made of whole bins of the spectrum ({self.ends} in "
                f"{len(self.counts)} bins); change {key}."
            )
        inside = np.add.reduceat(np.append(self.counts, 0.0), index)[:-1]
        return replace(self, edges=edges, counts=inside)

    def between(self, low: float, high: float) -> "Spectrum":
        """The whole bins between ``low`` and ``high``.

        Raises:
            ConfigError: there are none.
        """
        first = int(np.searchsorted(self.edges, low * (1 - 1e-9)))
        last = int(np.searchsorted(self.edges, high * (1 + 1e-9), side="right")) - 1
        if last <= first:
            raise ConfigError(
                f"the range {observables.interval(low, high, self.unit)} holds no whole bin of the spectrum "
                f"({self.ends}); change --range."
            )
        return self.part(slice(first, last))

    def part(self, bins: slice) -> "Spectrum":
        """The ``bins`` alone."""
        return replace(self, edges=self.edges[bins.start : bins.stop + 1], counts=self.counts[bins])


def regular_edges(low: float, high: float, width: float, unit: str, key: str) -> Array:
    """Edges from ``low`` to ``high`` in steps of ``width``, all in ``unit``."""
    bins = round((high - low) / width)
    if bins < 1 or not np.isclose(low + bins * width, high):
        whole, one = observables.interval(low, high, unit), observables.said(width, unit)
        raise ConfigError(f"{key}: {whole} is not a whole number of bins of {one}.")
    return np.linspace(low, high, bins + 1)


def read(
    source: str,
    luminosity: float | None,
    given: Contents | None = None,
    mass_unit: str | None = None,
    *,
    shape: bool = False,
) -> Spectrum:
    """Read ``file.csv``, ``file.yaml`` (HEPData), ``file.json`` (UHI) or ``file.root:name``.

    Args:
        source: the file; ``:name`` chooses a column of a table, or a histogram. CSV columns are ``m_low``, ``m_high``
            and ``counts`` or ``dsigma_dm`` (fb/GeV, which is pb/TeV), or HEPData's.
        luminosity: 1/fb, turns a cross section into counts.
        given: what the contents are; None to take the file's word.
        mass_unit: ``GeV`` or another of the edges; None to take the file's word.
        shape: only the shape matters, and the contents may be weights, some of them negative.

    Raises:
        InputFileError: the file is missing, is no spectrum, or does not say what its contents are.
    """
    measured = _measured(source)
    edges, values = measured.edges, measured.values
    unit = mass_unit or measured.unit
    if unit is None and len(edges) and 0 < edges[-1] < LOWEST_END:
        raise InputFileError(
            measured.source,
            f"its masses end at {edges[-1]:g} without a unit, which would be GeV: implausible",
            "give --mass-unit TeV or GeV, or a header such as 'm_low [TeV]'",
        )
    if unit not in (None, "GeV"):
        # Nine digits are more than any edge has, and leave out what the factor adds.
        edges = np.array([float(f"{edge * UNITS['GeV'][unit]:.9g}") for edge in edges])
    _check(edges, values, measured.source, shape=shape)
    if shape:
        kind = given or contents.said(measured) or contents.COUNTS
        values = values * kind.factor(np.diff(edges), 1.0, measured.source)
    else:
        values = contents.counts(measured, edges, given, luminosity)
    return Spectrum(edges, values, observable=measured.observable)


def _measured(source: str) -> Measured:
    """The histogram that ``source`` names."""
    match = None if Path(source).is_file() else _SOURCE.fullmatch(source)
    path, name = (Path(match[1]), match[2]) if match else (Path(source), "")
    if not path.is_file():
        named = path if source else "an empty path"
        raise InputFileError(named, "no such file", "give the path of a CSV, YAML, UHI JSON or ROOT file")
    suffix = path.suffixes[-2:][0].lower() if path.suffix.lower() == ".gz" else path.suffix.lower()
    if suffix == ".root":
        return histograms.from_root(path, name)
    if suffix == ".json":
        return histograms.from_uhi(config.load_json(path, "give a UHI histogram"), str(path))
    found = hepdata.from_yaml(path) if suffix in (".yaml", ".yml") else tables.from_csv(path, name)
    if len(found) > 1 or name:
        # Beside the data a table may have a fit to them: only the data are events or a cross section.
        wanted = [one for one in found if (one.name == name if name else contents.said(one))]
        if len(wanted) != 1:
            names = ", ".join(repr(one.name) for one in found)
            problem = f"{len(wanted)} of its columns are {name!r}" if name else f"it has {len(found)} columns of values"
            raise InputFileError(path, f"{problem} ({names})", f"name one: {path}:name")
        return wanted[0]
    return found[0]


def from_histogram(histogram: hist.Hist, source: str) -> Spectrum:
    """A spectrum of counts in one dimension."""
    measured = histograms.from_histogram(histogram, source)
    _check(measured.edges, measured.values, source)
    return Spectrum(measured.edges, measured.values)


def _check(edges: Array, counts: Array, source: str, *, shape: bool = False) -> None:
    """Stop where edges (N + 1) and contents (N,) make no spectrum."""
    if not len(counts):
        raise InputFileError(source, "the spectrum has no bins", "give the whole histogram")
    if not (np.isfinite(edges).all() and np.isfinite(counts).all()):
        raise InputFileError(source, "an edge or a count is NaN or infinite", "correct it")
    if (np.diff(edges) <= 0).any():
        raise InputFileError(source, "the bin edges do not rise", "sort the bins")
    if not shape and (counts < 0).any():
        raise InputFileError(source, f"bin {int(np.argmin(counts))} has a negative count", "give events, not weights")
