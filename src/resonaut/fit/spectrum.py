"""A binned mass spectrum and the three files it may come from: CSV, UHI JSON, ROOT."""

import csv
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from resonaut import config
from resonaut.errors import ConfigError, InputFileError
from resonaut.fit.family import Array
from resonaut.spectrum import from_json

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Spectrum:
    """Events ``counts`` (N,) between ``edges`` (N + 1), GeV."""

    edges: Array
    counts: Array

    @property
    def threshold(self) -> float:
        """Lower edge of the first bin with an event, GeV; infinite without any, 0 if it is the first of all bins.

        Then there may be events below the edges.
        """
        populated = np.flatnonzero(self.counts)
        if not len(populated):
            return float("inf")
        return float(self.edges[populated[0]]) if populated[0] else 0.0

    def rebinned(self, edges: Array, key: str) -> "Spectrum":
        """The same events between fewer ``edges``; ``key`` names what to change where they do not fit."""
        index = np.searchsorted(self.edges, edges - 1e-6 * edges[-1])
        found = self.edges[np.minimum(index, len(self.edges) - 1)]
        if not np.allclose(found, edges, rtol=1e-6, atol=0) or (np.diff(index) < 1).any():
            raise ConfigError(
                f"the bins of {key} ({edges[0]:g} to {edges[-1]:g} GeV) are not made of whole bins of the spectrum "
                f"({self.edges[0]:g} to {self.edges[-1]:g} GeV in {len(self.counts)} bins); change {key}."
            )
        inside = np.add.reduceat(np.append(self.counts, 0.0), index)[:-1]
        return Spectrum(edges, inside)

    def between(self, low: float, high: float) -> "Spectrum":
        """The whole bins between ``low`` and ``high``, GeV.

        Raises:
            ConfigError: there are none.
        """
        first = int(np.searchsorted(self.edges, low * (1 - 1e-9)))
        last = int(np.searchsorted(self.edges, high * (1 + 1e-9), side="right")) - 1
        if last <= first:
            raise ConfigError(
                f"the range {low:g} to {high:g} GeV holds no whole bin of the spectrum ({self.edges[0]:g} to "
                f"{self.edges[-1]:g} GeV); change --range."
            )
        return Spectrum(self.edges[first : last + 1], self.counts[first:last])


def regular_edges(low: float, high: float, width: float, key: str) -> Array:
    """Edges from ``low`` to ``high`` in steps of ``width``, GeV."""
    bins = round((high - low) / width)
    if bins < 1 or not np.isclose(low + bins * width, high):
        raise ConfigError(f"{key}: {low:g} to {high:g} GeV is not a whole number of bins of {width:g} GeV.")
    return np.linspace(low, high, bins + 1)


def read(source: str, luminosity: float | None) -> Spectrum:
    """Read ``file.csv``, ``file.json`` (UHI) or ``file.root:name``.

    Args:
        source: the file; CSV columns are ``m_low``, ``m_high`` (GeV) and ``counts`` or ``dsigma_dm``
            (fb/GeV, which is pb/TeV).
        luminosity: 1/fb, turns ``dsigma_dm`` into counts.

    Raises:
        InputFileError: the file is missing, lacks a column, or its bins or counts make no spectrum.
    """
    file, _, name = source.partition(".root:")
    path = Path(f"{file}.root") if name else Path(source)
    if not path.is_file():
        raise InputFileError(path, "no such file", "give the path of a CSV, UHI JSON or ROOT file")
    if name or path.suffix == ".root":
        return _read_root(path, name)
    if path.suffix == ".json":
        return from_uhi(config.load_json(path), str(path))
    return _read_csv(path, luminosity)


def from_uhi(histogram: Any, source: str) -> Spectrum:
    """A spectrum from a one-dimensional UHI histogram (parsed JSON)."""
    try:
        opened = from_json(histogram)
        (axis,) = opened.axes
    except (ValueError, KeyError, TypeError) as error:
        raise InputFileError(source, f"not a one-dimensional UHI histogram ({error})", "write it with UHI") from None
    return _checked(axis.edges, opened.values(), source)


def _read_root(path: Path, name: str) -> Spectrum:
    import uproot

    if not name:
        raise InputFileError(path, "a ROOT file holds many histograms", f"name one: {path}:name")
    try:
        with uproot.open(path) as file:
            counts, edges = file[name].to_numpy()
    except uproot.KeyInFileError:
        raise InputFileError(path, f"no histogram {name!r}", "name one that the file has") from None
    except (AttributeError, TypeError, ValueError, OSError) as error:
        raise InputFileError(path, f"{name!r} is not a histogram ({error})", "name a TH1") from None
    return _checked(edges, counts, f"{path}:{name}")


def _read_csv(path: Path, luminosity: float | None) -> Spectrum:
    lines = [line for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
    rows = list(csv.DictReader(lines, skipinitialspace=True))
    columns = set(rows[0]) if rows else set()
    value = "counts" if "counts" in columns else "dsigma_dm"
    if not {"m_low", "m_high", value} <= columns:
        raise InputFileError(path, "no columns m_low, m_high and counts or dsigma_dm", "name them in its header line")
    try:
        low, high, values = (np.array([float(row[c]) for row in rows]) for c in ("m_low", "m_high", value))
    except (TypeError, ValueError) as error:
        raise InputFileError(path, f"a value is not a number ({error})", "correct that line") from None
    if not np.array_equal(low[1:], high[:-1]):
        raise InputFileError(path, "bins overlap, leave gaps or are not in order", "let each begin where one ended")
    if value == "dsigma_dm":
        if luminosity is None:
            raise InputFileError(path, "dsigma_dm needs a luminosity to become counts", "give --luminosity in 1/fb")
        values = _whole(values * (high - low) * luminosity, path)
    return _checked(np.append(low, high[-1:]), values, str(path))


def _whole(counts: Array, path: Path) -> Array:
    """Events are whole numbers: undo the rounding of the published cross sections."""
    few = counts < 50
    if (np.abs(counts - np.round(counts))[few] > 0.1).any():
        log.warning("%s: cross section times luminosity is not close to whole numbers; is the luminosity right?", path)
    return np.round(counts)


def _checked(edges: Array, counts: Array, source: str) -> Spectrum:
    edges, counts = np.asarray(edges, dtype=float), np.asarray(counts, dtype=float)
    if not (np.isfinite(edges).all() and np.isfinite(counts).all()):
        raise InputFileError(source, "an edge or a count is NaN or infinite", "correct it")
    if (np.diff(edges) <= 0).any():
        raise InputFileError(source, "the bin edges do not rise", "sort the bins")
    if (counts < 0).any():
        raise InputFileError(source, f"bin {int(np.argmin(counts))} has a negative count", "give events, not weights")
    return Spectrum(edges, counts)
