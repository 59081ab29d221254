"""Jets that train networks from ROOT files with JetClass's layout (arXiv:2202.03772): tree ``tree``, a row a jet."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np

from resonaut.core import identifier
from resonaut.core.errors import InputFileError, NotFiniteError
from resonaut.tag import track_inputs
from resonaut.tag.files import coordinates
from resonaut.tag.inputs import jet_inputs
from resonaut.tag.sample import Sample
from resonaut.tag.selection import Part
from resonaut.tag.settings import JetFilesConfig, NetworkConfig

# Jets that are read at once.
JETS = 10_000
MOMENTUM = tuple(f"part_{name}" for name in ("px", "py", "pz", "energy"))
WHOLE = tuple(f"jet_{name}" for name in ("pt", "eta", "phi", "energy", "sdmass"))
# What inputs beyond the kinematic ones are made of; impact parameters in mm, d0 with the sign of Delphes.
KINDS = dict(
    zip(
        (f"part_is{name}" for name in ("ChargedHadron", "NeutralHadron", "Photon", "Electron", "Muon")),
        track_inputs.KINDS.values(),
        strict=True,
    )
)
IMPACT = {"d0": -1, "dz": 1}
TRACKS = ("part_charge", *KINDS, *(f"part_{name}{part}" for name in IMPACT for part in ("val", "err")))


@dataclass(frozen=True)
class JetFiles:
    """The files of ``tag.jet_files``."""

    entry: JetFilesConfig

    @property
    def files(self) -> list[Path]:
        """All files, by name."""
        return self.entry.paths()

    def parts(self, seed: int, network: NetworkConfig) -> list[Part[Sample]]:
        """Parts of the files.

        Raises:
            ConfigError: a name or pattern fits no file, a class has no labels, or a task no targets.
            InputFileError: a file is not readable, has no such tree, or lacks a branch.
        """
        self.entry.require(network)
        labels = [self.entry.labels[name] for name in network.classes]
        found: list[Part[Sample]] = []
        for path in self.files:
            with _tree(path) as tree:
                if missing := [name for name in _branches(network.inputs) if name not in tree]:
                    raise InputFileError(path, f"no branch {missing[0]!r}", "give files of JetClass's layout")
                if missing := [name for several in labels for name in several if name not in tree]:
                    raise InputFileError(path, f"no label {missing[0]!r}", "correct tag.jet_files.labels")
                starts = range(0, tree.num_entries, JETS)
            found += [FilePart(path, start, labels, seed, network.max_constituents, network.inputs) for start in starts]
        return found


def _branches(inputs: str) -> list[str]:
    return [*MOMENTUM, *WHOLE, *(TRACKS if inputs != "kinematic" else ())]


def _tree(path: Path) -> Any:
    import uproot

    try:
        return uproot.open(path)["tree"]
    except KeyError:
        raise InputFileError(path, "has no tree named tree, as JetClass has", "correct tag.jet_files.files") from None
    except Exception as error:  # a broken file may raise anything
        raise InputFileError(
            path, f"not a readable ROOT file ({type(error).__name__})", "replace it, or correct tag.jet_files.files"
        ) from None


@dataclass(frozen=True)
class FilePart:
    """The jets of a file from ``start`` on; ``branches`` mark those of each class."""

    path: Path
    start: int
    branches: Sequence[Sequence[str]]
    seed: int
    max_constituents: int
    inputs: str = "kinematic"

    def labels(self) -> tuple[np.ndarray, np.ndarray]:
        """Hash and class index of every jet that has a class. A jet is known by its file's name and its place in it."""
        hashes, labels = self._classes()
        return hashes[labels >= 0], labels[labels >= 0]

    def read(self, low: float, ends: np.ndarray) -> Iterator[Sample]:
        """The jets whose hash lies between ``low`` and the end of their class.

        Raises:
            InputFileError: a jet has no constituents, or no momentum.
            NotFiniteError: a branch holds NaN or infinity.
        """
        hashes, labels = self._classes()
        # The appended end serves label -1: no class.
        chosen = (hashes >= low) & (hashes < np.append(ends, 0.0)[labels])
        if not chosen.any():
            return
        found = {name: values[chosen] for name, values in self._arrays(_branches(self.inputs)).items()}
        for name, values in found.items():
            if not np.isfinite(ak.to_numpy(ak.flatten(values, axis=None))).all():
                raise NotFiniteError(f"{self.path}: NaN or infinity in {name!r}; mend the file.")
        counts = ak.num(found[MOMENTUM[0]])
        flat = coordinates(*(ak.to_numpy(ak.flatten(found[name])).astype(np.float64) for name in MOMENTUM))
        of = {name: ak.unflatten(values, counts) for name, values in flat.items()}
        of |= _tracks(found) if self.inputs != "kinematic" else {}
        order = ak.argsort(of["pt"], ascending=False, stable=True)
        pt, eta, phi, energy, softdrop_mass = (ak.to_numpy(found[name]).astype(np.float64) for name in WHOLE)
        if not (pt > 0).all():
            raise InputFileError(self.path, "has jets of jet_pt 0 or less", "take them out of the file")
        if not ak.all(ak.any(of["pt"] > 0, axis=1)):
            raise InputFileError(self.path, "has jets without constituents", "take them out of the file")
        mass = np.sqrt(np.maximum(energy**2 - (pt * np.cosh(eta)) ** 2, 0))
        columns = {"jet_pt": pt, "jet_eta": eta, "jet_phi": phi, "jet_mass": mass}
        columns |= {f"jet_pf_{name}": values[order] for name, values in of.items()}
        inputs = jet_inputs(ak.zip(columns, depth_limit=1), "jet", self.max_constituents, self.inputs)
        yield Sample(inputs, labels[chosen], pt, softdrop_mass)

    def _arrays(self, branches: Sequence[str]) -> dict[str, ak.Array]:
        try:
            with _tree(self.path) as tree:
                found: dict[str, ak.Array] = tree.arrays(
                    list(dict.fromkeys(branches)), entry_start=self.start, entry_stop=self.start + JETS, how=dict
                )
        except InputFileError:
            raise
        except Exception as error:  # a broken file may raise anything
            raise InputFileError(self.path, f"cannot be read ({type(error).__name__})", "replace it") from None
        return found

    def _classes(self) -> tuple[np.ndarray, np.ndarray]:
        """Hash and class index of every jet, -1 for no class, both (n,)."""
        arrays = self._arrays([label for several in self.branches for label in several])
        marks = np.stack([sum(ak.to_numpy(arrays[label]) != 0 for label in several) for several in self.branches])
        if (marks.sum(axis=0) > 1).any():
            raise InputFileError(self.path, "has jets with two labels", "correct tag.jet_files.labels")
        n = marks.shape[1]
        names = np.full(n, zlib.crc32(self.path.name.encode()))
        keys = identifier.keys({"run": names, "luminosityBlock": np.zeros(n), "event": self.start + np.arange(n)})
        return identifier.uniform(keys, self.seed), np.where(marks.any(axis=0), marks.argmax(axis=0), -1)


def _tracks(found: Mapping[str, ak.Array]) -> dict[str, ak.Array]:
    """Charge, kind and impact parameters (cm, d0 with CMS's sign) as ``skim`` keeps them, each jets * var."""
    columns = {
        "charge": found["part_charge"],
        "pdgid": sum((found[name] != 0) * number for name, number in KINDS.items()),
    }
    for name, sign in IMPACT.items():
        columns[name] = sign * found[f"part_{name}val"] / track_inputs.MM_PER_CM
        columns[f"{name}_error"] = found[f"part_{name}err"] / track_inputs.MM_PER_CM
    return columns
