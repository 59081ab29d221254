"""Histograms by name: of a ROOT file, or of JSON with histograms in UHI's form or as lists."""

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resonaut.core.errors import ConfigError, InputFileError

Array = NDArray[np.float64]

REMEDY = "give a ROOT file with TH1, or JSON as docs/fit_templates.md describes it"
# Of a bin's edge: as far as two may lie from each other and still be the same, relative to the range.
SAME = 1e-9


@dataclass(frozen=True)
class Stored:
    """A histogram: contents (N,), their variances (N,), and edges (N + 1,), None where the file does not tell."""

    values: Array
    variances: Array
    edges: Array | None = None
    label: str = ""

    def merged(self, edges: Array, where: str) -> "Stored":
        """In the bins between ``edges``, which are edges of its own.

        Raises:
            ConfigError: they are not.
        """
        if self.edges is None:
            if len(edges) != len(self.values) + 1:
                n = len(self.values)
                raise ConfigError(f"{where} has {n} bins, and {len(edges)} edges are given; give {n + 1}.")
            return self
        near = np.abs(self.edges[:, None] - edges[None]).argmin(axis=0)
        if np.abs(self.edges[near] - edges).max() > SAME * float(np.ptp(self.edges)):
            raise ConfigError(f"{where} has no bins between the edges {edges.tolist()}; give edges of its own.")
        below = [np.append(0.0, np.cumsum(values))[near] for values in (self.values, self.variances)]
        return Stored(np.diff(below[0]), np.diff(below[1]), edges, self.label)

    def is_like(self, other: "Stored") -> bool:
        """Whether both have the same bins, as far as the file tells."""
        if self.values.shape != other.values.shape or self.edges is None or other.edges is None:
            return self.values.shape == other.values.shape
        return bool(np.abs(self.edges - other.edges).max() <= SAME * float(np.ptp(self.edges)))


# A histogram, or one for each era.
Eras = Mapping[str | None, Stored]


@dataclass(frozen=True)
class Book:
    """The histograms of a file by name, ``region/sample`` or ``region/sample/era``."""

    path: Path
    leaves: Mapping[str, Any]

    @classmethod
    def open(cls, path: Path) -> "Book":
        """Read the names, and of JSON all.

        Raises:
            InputFileError: it is not there, or no such file.
        """
        if path.suffix == ".root":
            return cls(path, dict(_root(path)))
        return cls(path, dict(_leaves(_json(path), "")))

    def get(self, name: str) -> Eras | None:
        """A histogram, for all eras (None) or for each; None where there is no such name."""
        if name in self.leaves:
            return {None: self._stored(name)}
        eras = [leaf for leaf in self.leaves if leaf.startswith(f"{name}/") and "/" not in leaf[len(name) + 1 :]]
        return {leaf[len(name) + 1 :]: self._stored(leaf) for leaf in eras} or None

    def _stored(self, name: str) -> Stored:
        try:
            found = _opened(self.leaves[name])
        except Exception as error:
            # Whatever the libraries raise on what is no histogram.
            words = " ".join(str(error).split())[:200]
            raise InputFileError(self.path, f"{name!r} is no histogram of one axis ({words})", REMEDY) from None
        return found


def _root(path: Path) -> Iterator[tuple[str, Any]]:
    import uproot

    try:
        file = uproot.open(path)
        for name, kind in file.classnames(cycle=False).items():
            if kind.startswith("TH1"):
                yield name, file[name]
    except FileNotFoundError:
        raise InputFileError(path, "no such file", "correct file.path") from None
    except Exception as error:
        words = " ".join(str(error).split())[:200]
        raise InputFileError(path, f"not a readable ROOT file ({words})", REMEDY) from None


def _json(path: Path) -> Any:
    try:
        content = path.read_bytes()
        return json.loads(gzip.decompress(content) if path.suffix == ".gz" else content)
    except FileNotFoundError:
        raise InputFileError(path, "no such file", "correct file.path") from None
    except (ValueError, OSError, EOFError, RecursionError) as error:
        raise InputFileError(path, f"not valid JSON ({error})", REMEDY) from None


def _leaves(content: Any, name: str) -> Iterator[tuple[str, Any]]:
    """The histograms in mappings of mappings."""
    if isinstance(content, dict) and not {"axes", "storage"} <= content.keys():
        for key, one in content.items():
            yield from _leaves(one, f"{name}/{key}" if name else key)
    else:
        yield name, content


def _opened(leaf: Any) -> Stored:
    """A histogram of any kind as arrays; one without variances has those of counts."""
    if isinstance(leaf, list):
        values, variances = (np.array(one, dtype=float) for one in leaf)
        if values.ndim != 1 or values.shape != variances.shape:
            raise ValueError("it is not [values, variances], lists of equal length")
        return Stored(values, variances)
    if isinstance(leaf, dict):
        from resonaut.core.histograms import from_json

        made = from_json(leaf)
        (axis,) = made.axes
        edges, label = np.asarray(axis.edges, float), str(axis.label or axis.name)
    else:
        made = leaf
        edges, label = np.asarray(leaf.axis().edges(), float), str(leaf.axis().member("fTitle"))
    values = np.asarray(made.values(), float)
    variances = made.variances()
    return Stored(values, np.array(values if variances is None else variances, float), edges, label)
