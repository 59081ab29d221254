"""Photons of the detector by a trained emulator of showers: their energy in the voxels of a calorimeter's layers.

The emulator is an ONNX graph as ``resonaut emulate export`` writes it: from normal numbers and energies to voxels. A
photon is taken to hit the calorimeter at right angles, at the distance of ATLAS's barrel.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from resonaut.core.errors import InputFileError
from resonaut.learn import onnx
from resonaut.physics.showers.geometry import Geometry
from resonaut.simulate.particles import Particles

# From the beam to the front of the calorimeter, in mm (ATLAS's barrel, JINST 3 (2008) S08003, section 5.2).
RADIUS = 1500.0
GEV = 1e-3
# Photons that are emulated at once.
BLOCK = 4096
_REMEDY = "make the file again with 'resonaut emulate export'"


@dataclass(frozen=True)
class Deposits:
    """Energies in GeV at places (eta, phi) of events; ``energy`` has what a calorimeter fluctuates already in it."""

    event: np.ndarray
    eta: np.ndarray
    phi: np.ndarray
    energy: np.ndarray


@dataclass(frozen=True)
class Emulator:
    """A graph with its voxels, the energies it was trained on in MeV, and how many normal numbers a shower takes."""

    session: Any
    geometry: Geometry
    energies: tuple[float, float]
    noise: int

    def knows(self, photons: Particles) -> np.ndarray:
        """Which photons have an energy that it was trained on, (n,)."""
        low, high = self.energies
        known: np.ndarray = (photons.energy >= low * GEV) & (photons.energy <= high * GEV)
        return known

    def deposits(self, photons: Particles, rng: np.random.Generator) -> Deposits:
        """What the voxels hold around each photon, those without energy left out."""
        parts = list(self._blocks(photons, rng))
        return Deposits(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def _blocks(self, photons: Particles, rng: np.random.Generator) -> Iterator[tuple[np.ndarray, ...]]:
        x, y = self.geometry.x / RADIUS, self.geometry.y / RADIUS
        for start in range(0, max(len(photons.energy), 1), BLOCK):
            some = photons[np.arange(start, min(start + BLOCK, len(photons.energy)))]
            inputs = {
                "noise": rng.standard_normal((len(some.energy), self.noise), np.float32),
                "energies": (some.energy / GEV).astype(np.float32),
            }
            voxels = self.session.run(None, inputs)[0] if len(some.energy) else np.zeros((0, len(x)), np.float32)
            photon, voxel = np.nonzero(voxels > 0)
            phi = some.phi[photon] + y[voxel]
            yield (
                some.event[photon],
                some.eta[photon] + x[voxel],
                (phi + np.pi) % (2 * np.pi) - np.pi,
                voxels[photon, voxel].astype(np.float64) * GEV,
            )


@cache
def load(path: str) -> Emulator:
    """The emulator in a file.

    Raises:
        InputFileError: it is not there, no graph, or none that ``resonaut emulate export`` wrote.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise InputFileError(Path(path), "there is no such emulator", "train one (docs/emulate.md)") from error
    try:
        session = onnx.session(content)
        facts = session.get_modelmeta().custom_metadata_map
        low, high = json.loads(facts["energies"])
        sizes = {one.name: one.shape for one in session.get_inputs()}
        geometry = Geometry.of(facts["particle"], json.loads(facts["layers"]))
        # What the graph says of its output may have no number in it.
        one = {"noise": np.zeros((1, sizes["noise"][1]), np.float32), "energies": np.array([low], np.float32)}
        if session.run(None, one)[0].shape != (1, geometry.voxels):
            raise ValueError("other outputs")
        return Emulator(session, geometry, (low, high), sizes["noise"][1])
    except Exception as error:  # onnxruntime has many
        raise InputFileError(Path(path), "is no emulator of showers", _REMEDY) from error
