"""Calorimeters as stacks of plane slabs, with the voxels of the CaloChallenge's layouts.

Their depths are those of ATLAS's barrel at small |eta| (JINST 3 (2008) S08003, sections 5.2 and 5.3) and of the silicon
and tungsten of data set 2 (arXiv:2410.21611, section 2.2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from resonaut.physics.showers.geometry import ELECTRON, PHOTON, Geometry
from resonaut.simulate.showers import materials, transport
from resonaut.simulate.showers.materials import Material
from resonaut.simulate.showers.tables import Tables, tabulate

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Slab:
    """A plane slab: its material, thickness in mm, and the number of the layer whose voxels it has, if any."""

    material: Material
    thickness: float
    layer: int | None = None


@dataclass(frozen=True)
class Calorimeter:
    """Slabs from the front, voxels, and of each layer the part of its depth's energy that its active slabs hold.

    ``fractions`` are of the geometry's layers in their order: energies are divided by them.
    """

    slabs: tuple[Slab, ...]
    geometry: Geometry
    fractions: tuple[float, ...]

    @cached_property
    def edges(self) -> FloatArray:
        """The planes between the slabs in mm, (slabs + 1,)."""
        return np.concatenate([[0], np.cumsum([slab.thickness for slab in self.slabs])])

    @cached_property
    def depths(self) -> FloatArray:
        """The planes in radiation lengths, (slabs + 1,)."""
        lengths = [slab.thickness / slab.material.radiation_length for slab in self.slabs]
        return np.concatenate([[0], np.cumsum(lengths)])

    @cached_property
    def scale(self) -> FloatArray:
        """What each voxel's energy is multiplied by, (voxels,)."""
        return 1 / np.asarray(self.fractions)[self.geometry.layer]

    @cached_property
    def _materials(self) -> list[Material]:
        return list(dict.fromkeys(slab.material for slab in self.slabs))

    @cached_property
    def tables(self) -> Tables:
        """The cross sections of its materials."""
        return tabulate(self._materials)

    @cached_property
    def arrays(self) -> transport.Slabs:
        """The slabs for the transport."""
        layers = self.geometry.layers
        places = {layer.number: place for place, layer in enumerate(layers)}
        radii = np.zeros((len(layers), max(layer.n_r for layer in layers) + 1))
        for place, layer in enumerate(layers):
            radii[place, : layer.n_r + 1] = layer.r_edges
        return transport.Slabs(
            edges=self.edges,
            material=_integers(self._materials.index(slab.material) for slab in self.slabs),
            layer=_integers(-1 if slab.layer is None else places[slab.layer] for slab in self.slabs),
            first=_integers(part.start for part in self.geometry.slices),
            rings=_integers(layer.n_r for layer in layers),
            sectors=_integers(layer.n_alpha for layer in layers),
            radii=radii,
        )

    def shower(self, kind: int, energy: float, rng: np.random.Generator) -> tuple[FloatArray, FloatArray, float]:
        """One shower: what the active slabs' voxels hold, each slab's energy, and what escapes, all in MeV.

        ``kind``: ``transport.PHOTON`` or ``transport.ELECTRON``.
        """
        world = self.world()
        escaped = transport.shower(kind, energy, world, rng)
        return world.voxels, world.deposited, escaped

    def world(self) -> transport.World:
        """The slabs, cross sections and empty voxels for the transport."""
        voxels, deposited = np.zeros(self.geometry.voxels), np.zeros(len(self.slabs))
        return transport.World(self.arrays, self.tables, voxels, deposited)


def _integers(values: object) -> npt.NDArray[np.int64]:
    return np.array(list(values), np.int64)  # type: ignore[call-overload]


def _stack(layer: int, periods: int, *period: tuple[Material, float], active: Material) -> list[Slab]:
    return [
        Slab(what, thickness, layer if what is active else None) for _ in range(periods) for what, thickness in period
    ]


# Lead clad with steel, and two gaps of liquid argon at an electrode, which is left out: 0.325 radiation lengths.
_ACCORDION = (
    (materials.IRON, 0.2),
    (materials.LEAD, 1.53),
    (materials.IRON, 0.2),
    (materials.ARGON, 4.2),
)
_TILES = ((materials.IRON, 14.0), (materials.SCINTILLATOR, 3.0))


def barrel() -> Calorimeter:
    """ATLAS's barrel in the voxels of data set 1 for photons.

    1.7 radiation lengths of aluminium for cryostat and coil, the presampler's 11 mm of argon, 4.2 X0 of strips, 15.9 of
    the middle and 1.9 of the back layer, the cryostat's far wall, and the first tiles of the hadronic calorimeter.
    """
    slabs = [Slab(materials.ALUMINIUM, 151.0), Slab(materials.ARGON, 11.0, 0)]
    for layer, periods in ((1, 13), (2, 49), (3, 6)):
        slabs += _stack(layer, periods, *_ACCORDION, active=materials.ARGON)
    slabs += [Slab(materials.ALUMINIUM, 60.0), *_stack(12, 20, *_TILES, active=materials.SCINTILLATOR)]
    return Calorimeter(tuple(slabs), PHOTON, BARREL_FRACTIONS)


def silicon_tungsten() -> Calorimeter:
    """The 45 layers of data set 2, each of two times 1.4 mm of tungsten and 0.3 mm of silicon."""
    period = ((materials.TUNGSTEN, 1.4), (materials.SILICON, 0.3))
    slabs = [slab for layer in range(45) for slab in _stack(layer, 2, *period, active=materials.SILICON)]
    return Calorimeter(tuple(slabs), ELECTRON, (SILICON_FRACTION,) * 45)


# Measured with benchmarks/showers.py.
BARREL_FRACTIONS = (0.09, 0.208, 0.208, 0.208, 0.017)
SILICON_FRACTION = 0.027


def block(material: Material, slice_mm: float, slices: int, geometry: Geometry) -> Calorimeter:
    """A block of one material in slices, all of it active, for tests; the geometry's first layer is all of it."""
    slabs = tuple(Slab(material, slice_mm, geometry.layers[0].number) for _ in range(slices))
    return Calorimeter(slabs, geometry, (1.0,) * len(geometry.layers))


def by_particle(particle: str) -> Calorimeter:
    """The calorimeter of a sample: ``barrel`` for photons, ``silicon_tungsten`` for electrons."""
    return barrel() if particle == "photon" else silicon_tungsten()


def regions(calorimeter: Calorimeter) -> Sequence[int]:
    """For each slab the number of the layer that it belongs to: that of the next active slab."""
    found, number = [], calorimeter.geometry.numbers[-1]
    for slab in reversed(calorimeter.slabs):
        number = number if slab.layer is None else slab.layer
        found.append(number)
    return found[::-1]
