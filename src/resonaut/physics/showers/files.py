"""Files of showers in the layout of the CaloChallenge: HDF5 with ``incident_energies`` and ``showers``, in MeV."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from resonaut.core.errors import InputFileError
from resonaut.core.files import atomic
from resonaut.physics.showers.geometry import Geometry

_REMEDY = "give a file in the layout of the CaloChallenge"
# Showers in one compressed block of a file.
_BLOCK = 256


@dataclass(frozen=True)
class Showers:
    """Showers: the incident particles' energies, (n,), and what the voxels hold, (n, voxels), both in MeV."""

    energies: npt.NDArray[np.float64]
    voxels: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.energies)

    def __getitem__(self, rows: Any) -> "Showers":
        """The showers of a slice, a mask or an array of places."""
        return Showers(self.energies[rows], self.voxels[rows])

    @classmethod
    def joined(cls, parts: Sequence["Showers"]) -> "Showers":
        """The showers of several samples, one after the other."""
        return cls(np.concatenate([part.energies for part in parts]), np.concatenate([part.voxels for part in parts]))


def read(path: Path, geometry: Geometry, start: int = 0, stop: int | None = None) -> Showers:
    """The showers ``start`` to ``stop`` (excluded, or the end) of a file.

    Raises:
        InputFileError: it is no HDF5 file, lacks a dataset, has another number of voxels than the geometry or two
            different numbers of showers, or an energy that is NaN, infinite or negative, or 0 for an incident particle.
    """
    if not path.is_file():
        raise InputFileError(path, "is not there", "give its right path")
    try:
        with h5py.File(path, "r") as file:
            incident, showers = (_numbers(path, file, name) for name in ("incident_energies", "showers"))
            _require_shapes(path, incident, showers, geometry)
            energies = np.asarray(incident[start:stop], np.float64).reshape(-1)
            voxels = np.asarray(showers[start:stop], np.float32)
    except OSError as error:
        raise InputFileError(path, f"is no HDF5 file that can be read ({error})", _REMEDY) from error
    _require_energies(path, energies, voxels, start)
    return Showers(energies, voxels)


def write(path: Path, showers: Showers) -> None:
    """Write showers, the whole file or none; equal showers give equal bytes."""
    with atomic(path) as partial, h5py.File(partial, "w") as file:
        file.create_dataset("incident_energies", data=showers.energies[:, None].astype(np.float64))
        facts: dict[str, Any] = {}
        if showers.voxels.size:
            block = (min(_BLOCK, len(showers)), showers.voxels.shape[1])
            facts = {"chunks": block, "compression": "gzip", "compression_opts": 4, "shuffle": True}
        file.create_dataset("showers", data=showers.voxels.astype(np.float32), **facts)


def _numbers(path: Path, file: h5py.File, name: str) -> h5py.Dataset:
    data = file.get(name)
    if not isinstance(data, h5py.Dataset):
        raise InputFileError(path, f"has no dataset {name!r}", _REMEDY)
    if data.dtype.kind not in "fiu":
        raise InputFileError(path, f"{name!r} does not hold numbers", _REMEDY)
    return data


def _require_shapes(path: Path, incident: h5py.Dataset, showers: h5py.Dataset, geometry: Geometry) -> None:
    if incident.ndim not in (1, 2) or (incident.ndim == 2 and incident.shape[1] != 1):
        raise InputFileError(path, f"'incident_energies' has the shape {incident.shape}, not (showers, 1)", _REMEDY)
    if showers.ndim != 2 or showers.shape[1] != geometry.voxels:
        problem = f"'showers' has the shape {showers.shape}, not (showers, {geometry.voxels})"
        raise InputFileError(path, problem, f"give showers with the voxels of the {geometry.particle} geometry")
    if len(incident) != len(showers):
        problem = f"has {len(incident)} incident energies and {len(showers)} showers"
        raise InputFileError(path, problem, "give as many of one as of the other")


def _require_energies(path: Path, energies: npt.NDArray[Any], voxels: npt.NDArray[Any], start: int) -> None:
    """Stop at the first shower with an energy that cannot be one."""
    bad = ~(np.isfinite(energies) & (energies > 0))
    for row in np.flatnonzero(bad)[:1]:
        problem = f"the incident energy of shower {start + row} is {energies[row]:g} MeV"
        raise InputFileError(path, problem, "give positive, finite energies")
    bad = ~(np.isfinite(voxels) & (voxels >= 0)).all(axis=1)
    for row in np.flatnonzero(bad)[:1]:
        place = int(np.flatnonzero(~(np.isfinite(voxels[row]) & (voxels[row] >= 0)))[0])
        problem = f"voxel {place} of shower {start + row} holds {voxels[row, place]:g} MeV"
        raise InputFileError(path, problem, "give energies that are finite and not negative")
