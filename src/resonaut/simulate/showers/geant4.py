"""Geant4 in place of the package's own Monte Carlo, through ``geant4-pybind``, with the same slabs and voxels.

Geant4's data sets are a download of their own: ``G4LEDATA`` must name those of its electromagnetic processes.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from resonaut.core.errors import ConfigError
from resonaut.simulate.showers import transport
from resonaut.simulate.showers.calorimeter import Calorimeter

FloatArray = npt.NDArray[np.float64]
# Names in Geant4's list of materials.
NIST = {
    "lead": "G4_Pb",
    "tungsten": "G4_W",
    "iron": "G4_Fe",
    "aluminium": "G4_Al",
    "silicon": "G4_Si",
    "liquid argon": "G4_lAr",
    "polystyrene": "G4_POLYSTYRENE",
}
WIDTH = 4000.0  # mm, of the slabs


@dataclass(frozen=True)
class Box:
    """A slab as Geant4 places it: its material's name there, half its thickness and its middle along z, mm."""

    material: str
    half: float
    middle: float


def boxes(calorimeter: Calorimeter) -> list[Box]:
    """The slabs of a calorimeter; the world's middle is that of the stack."""
    edges = calorimeter.edges - calorimeter.edges[-1] / 2
    return [
        Box(NIST[slab.material.name], slab.thickness / 2, float(edges[place] + edges[place + 1]) / 2)
        for place, slab in enumerate(calorimeter.slabs)
    ]


class Geant4:
    """Geant4's run manager with a calorimeter; a process can have only one.

    Raises:
        ConfigError: geant4-pybind or the data sets are not there; ``where`` names the sample in the sentence.
    """

    def __init__(self, calorimeter: Calorimeter, where: str) -> None:
        if not Path(os.environ.get("G4LEDATA", "")).is_absolute() or not Path(os.environ["G4LEDATA"]).is_dir():
            raise ConfigError(
                f"{where}.backend is 'geant4', and G4LEDATA names no folder with Geant4's data sets; download them "
                "(geant4.web.cern.ch) and set it, or choose the backend 'own'."
            )
        try:
            import geant4_pybind as g4
        except ImportError:
            raise ConfigError(
                f"{where}.backend is 'geant4', and geant4-pybind is not installed; run 'pip install geant4-pybind', or "
                "choose the backend 'own'."
            ) from None
        self._calorimeter, self._g4 = calorimeter, g4
        self._world = calorimeter.world()
        self._gun: Any = None
        self._manager = self._set_up()

    def shower(self, kind: int, energy: float, rng: np.random.Generator) -> FloatArray:
        """What one shower leaves in the voxels of active slabs, MeV, (voxels,); as ``Calorimeter.shower``."""
        g4 = self._g4
        g4.G4Random.setTheSeed(int(rng.integers(1, 2**31)))
        name = "gamma" if kind == transport.PHOTON else "e-"
        self._gun.SetParticleDefinition(g4.G4ParticleTable.GetParticleTable().FindParticle(name))
        self._gun.SetParticleEnergy(energy * g4.MeV)
        self._world.voxels[:] = 0
        self._manager.BeamOn(1)
        return self._world.voxels.copy()

    def _set_up(self) -> Any:
        """The run manager, with the slabs, electromagnetic physics (FTFP_BERT) and cuts of 0.7 mm."""
        g4, backend = self._g4, self
        front = -float(self._calorimeter.edges[-1]) / 2

        class Detector(g4.G4VUserDetectorConstruction):  # type: ignore[name-defined, misc]
            def Construct(self) -> Any:  # noqa: N802
                return backend._placed()

        class Primary(g4.G4VUserPrimaryGeneratorAction):  # type: ignore[name-defined, misc]
            def __init__(self) -> None:
                super().__init__()
                backend._gun = g4.G4ParticleGun(1)
                backend._gun.SetParticlePosition(g4.G4ThreeVector(0, 0, front))
                backend._gun.SetParticleMomentumDirection(g4.G4ThreeVector(0, 0, 1))

            def GeneratePrimaries(self, event: Any) -> None:  # noqa: N802
                backend._gun.GeneratePrimaryVertex(event)

        class Steps(g4.G4UserSteppingAction):  # type: ignore[name-defined, misc]
            def UserSteppingAction(self, step: Any) -> None:  # noqa: N802
                backend._record(step)

        class Actions(g4.G4VUserActionInitialization):  # type: ignore[name-defined, misc]
            def Build(self) -> None:  # noqa: N802
                self.SetUserAction(Primary())
                self.SetUserAction(Steps())

        manager = g4.G4RunManagerFactory.CreateRunManager(g4.G4RunManagerType.Serial)
        manager.SetUserInitialization(Detector())
        manager.SetUserInitialization(g4.FTFP_BERT(0))
        manager.SetUserInitialization(Actions())
        manager.Initialize()
        return manager

    def _placed(self) -> Any:
        """The slabs in a vacuum; a slab's copy number is its place."""
        g4 = self._g4
        nist = g4.G4NistManager.Instance()
        half = float(self._calorimeter.edges[-1]) / 2
        box = g4.G4Box("world", WIDTH / 2, WIDTH / 2, half)
        world = g4.G4LogicalVolume(box, nist.FindOrBuildMaterial("G4_Galactic"), "world")
        for place, slab in enumerate(boxes(self._calorimeter)):
            solid = g4.G4Box("slab", WIDTH / 2, WIDTH / 2, slab.half)
            logical = g4.G4LogicalVolume(solid, nist.FindOrBuildMaterial(slab.material), "slab")
            g4.G4PVPlacement(None, g4.G4ThreeVector(0, 0, slab.middle), logical, "slab", world, False, place, False)
        return g4.G4PVPlacement(None, g4.G4ThreeVector(), world, "world", None, False, 0, False)

    def _record(self, step: Any) -> None:
        """Put a step's energy at its middle."""
        energy = step.GetTotalEnergyDeposit()
        volume = step.GetPreStepPoint().GetTouchable().GetVolume()
        if energy > 0 and volume.GetName() == "slab":
            before, after = step.GetPreStepPoint().GetPosition(), step.GetPostStepPoint().GetPosition()
            x, y = (before.x + after.x) / 2, (before.y + after.y) / 2
            transport.deposit(energy, x, y, volume.GetCopyNo(), self._world)
