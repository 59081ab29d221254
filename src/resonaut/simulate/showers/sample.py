"""One chunk of a sample of showers: its energies, a random stream for each shower, the file."""

import hashlib
import logging
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from resonaut.core.errors import ConfigError
from resonaut.physics.showers import files
from resonaut.physics.showers.files import Showers
from resonaut.simulate.showers import calorimeter, transport
from resonaut.simulate.showers.calorimeter import Calorimeter
from resonaut.simulate.showers.settings import ShowerSample

logger = logging.getLogger(__name__)

FloatArray = npt.NDArray[np.float64]
# The energy of the active slabs in each voxel, MeV, of a particle of this kind and energy.
Simulation = Callable[[int, float, np.random.Generator], FloatArray]
_KINDS = {"photon": transport.PHOTON, "electron": transport.ELECTRON}


def simulate(sample: ShowerSample, name: str, chunk: int, output: Path) -> None:
    """Write the showers of chunk number ``chunk`` of the sample ``name`` to ``output``.

    The bytes depend on the sample's keys, its name and the chunk alone.

    Raises:
        ConfigError: there is no such chunk, or the backend cannot work.
    """
    if not 0 <= chunk < sample.n_chunks:
        raise ConfigError(f"config: simulate.showers.{name} has {sample.n_chunks} chunks from 0, not number {chunk}.")
    detector = calorimeter.by_particle(sample.particle)
    backend = _backend(sample, name, detector)
    first = chunk * sample.events_per_chunk
    energies = order(sample, name)[first : first + sample.events_per_chunk]
    voxels = np.empty((len(energies), detector.geometry.voxels), np.float32)
    began = time.perf_counter()
    for row, energy in enumerate(tqdm(energies, desc=f"{name} {chunk}", unit="shower", disable=None)):
        stream = np.random.default_rng([_seed(name, sample.seed), first + row])
        voxels[row] = backend(_KINDS[sample.particle], energy, stream) * detector.scale
    logger.info("%d showers in %.1f s", len(energies), time.perf_counter() - began)
    files.write(output, Showers(energies, voxels))


def order(sample: ShowerSample, name: str) -> FloatArray:
    """The energy of each shower of the sample: all energies shuffled, so that every part has all of them."""
    energies = np.repeat(np.asarray(sample.energies), sample.numbers)
    np.random.default_rng(_seed(name, sample.seed, "order")).shuffle(energies)
    return energies


def _backend(sample: ShowerSample, name: str, detector: Calorimeter) -> Simulation:
    if sample.backend == "geant4":
        from resonaut.simulate.showers.geant4 import Geant4

        return Geant4(detector, f"config: simulate.showers.{name}").shower
    return lambda kind, energy, rng: detector.shower(kind, energy, rng)[0]


def _seed(*facts: object) -> int:
    """A stable seed from everything that must make a difference."""
    digest = hashlib.sha256("/".join(map(str, facts)).encode()).digest()
    return int.from_bytes(digest[:8], "big")
