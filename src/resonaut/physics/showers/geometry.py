"""Voxels of a calorimeter: rings in r and sectors in alpha around the incident particle, layer by layer.

The layout and its XML files are those of the CaloChallenge (arXiv:2410.21611, section 2): the voxels of a shower are
those of its layers one after the other, and inside a layer those of a sector in alpha from the innermost ring outwards.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from resonaut.core.errors import InputFileError
from resonaut.core.files import atomic

FloatArray = npt.NDArray[np.float64]
# PDG numbers of the particles that the files name.
PDG = {"photon": 22, "electron": 11, "pion": 211}


@dataclass(frozen=True)
class Layer:
    """A layer's ``number`` in the calorimeter, edges of its rings in mm, (n_r + 1,), and number of sectors in alpha."""

    number: int
    r_edges: tuple[float, ...]
    n_alpha: int

    def __post_init__(self) -> None:
        if len(self.r_edges) < 2 or self.n_alpha < 1 or not np.all(np.isfinite(self.r_edges)):
            raise ValueError(f"layer {self.number} has no voxels")
        if self.r_edges[0] < 0 or any(outer <= inner for inner, outer in pairwise(self.r_edges)):
            raise ValueError(f"the r_edges of layer {self.number} do not grow from 0 or more")

    @property
    def n_r(self) -> int:
        """Number of rings."""
        return len(self.r_edges) - 1

    @property
    def voxels(self) -> int:
        """Number of voxels."""
        return self.n_r * self.n_alpha

    @property
    def r(self) -> FloatArray:
        """Middle of the ring of each voxel in mm, (voxels,)."""
        edges = np.asarray(self.r_edges)
        return np.tile((edges[1:] + edges[:-1]) / 2, self.n_alpha)

    @property
    def alpha(self) -> FloatArray:
        """Middle of the sector of each voxel, from -pi to pi, (voxels,)."""
        edges = np.linspace(-np.pi, np.pi, self.n_alpha + 1)
        return np.repeat((edges[1:] + edges[:-1]) / 2, self.n_r)


@dataclass(frozen=True)
class Geometry:
    """The layers that have voxels, in the order of their voxels, and the particle they are for."""

    particle: str
    layers: tuple[Layer, ...]

    @property
    def voxels(self) -> int:
        """Number of voxels of a shower."""
        return sum(layer.voxels for layer in self.layers)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of the layers."""
        return tuple(layer.number for layer in self.layers)

    @cached_property
    def slices(self) -> list[slice]:
        """The voxels of each layer."""
        ends = np.cumsum([0, *(layer.voxels for layer in self.layers)])
        return [slice(int(start), int(stop)) for start, stop in pairwise(ends)]

    @cached_property
    def layer(self) -> npt.NDArray[np.int64]:
        """For each voxel the place of its layer in ``layers``, (voxels,)."""
        return np.repeat(np.arange(len(self.layers)), [layer.voxels for layer in self.layers])

    @cached_property
    def r(self) -> FloatArray:
        """Distance of each voxel's centre from the axis in mm, (voxels,)."""
        return np.concatenate([layer.r for layer in self.layers])

    @cached_property
    def alpha(self) -> FloatArray:
        """Angle of each voxel's centre, from -pi to pi, (voxels,)."""
        return np.concatenate([layer.alpha for layer in self.layers])

    @property
    def x(self) -> FloatArray:
        """Each voxel's centre along eta in mm, (voxels,)."""
        return self.r * np.cos(self.alpha)

    @property
    def y(self) -> FloatArray:
        """Each voxel's centre along phi in mm, (voxels,)."""
        return self.r * np.sin(self.alpha)

    def table(self) -> list[list[Any]]:
        """The layers as plain data: number, edges of the rings in mm, sectors."""
        return [[layer.number, list(layer.r_edges), layer.n_alpha] for layer in self.layers]

    @classmethod
    def of(cls, particle: str, table: Iterable[Sequence[Any]]) -> "Geometry":
        """The geometry of a ``table``."""
        return cls(particle, tuple(Layer(number, tuple(edges), n_alpha) for number, edges, n_alpha in table))

    @classmethod
    def read(cls, path: Path, particle: str) -> "Geometry":
        """The voxels that a binning file of the CaloChallenge has for a particle; layers without voxels are left out.

        Raises:
            InputFileError: the file is no such file, does not know the particle, or has a layer that makes no sense.
        """
        remedy = "give a binning file as the CaloChallenge publishes them"
        try:
            bins = {bin.get("name", ""): bin for bin in ET.parse(path).getroot().iter("Bin")}
        except ET.ParseError as error:
            raise InputFileError(path, f"is no XML file ({error})", remedy) from error
        if particle not in bins:
            known = ", ".join(bins) or "no particle"
            raise InputFileError(path, f"has voxels for {known}, not for {particle!r}", remedy)
        layers = []
        for element in bins[particle].iter("Layer"):
            try:
                edges = tuple(float(edge) for edge in element.attrib["r_edges"].split(","))
                number, n_alpha = int(element.attrib["id"]), int(element.attrib["n_bin_alpha"])
                layers += [Layer(number, edges, n_alpha)] if len(edges) > 1 else []
            except (KeyError, ValueError) as error:
                raise InputFileError(path, f"has a Layer that cannot be read ({error})", remedy) from error
        geometry = cls(particle, tuple(layers))
        if not layers or len(set(geometry.numbers)) < len(layers):
            raise InputFileError(path, "has no layers with voxels, or two of one id", remedy)
        return geometry

    def write(self, path: Path) -> None:
        """Write the binning file; layers without voxels between others are there as layers with one edge."""
        root = ET.Element("Bins")
        bins = ET.SubElement(root, "Bin", pid=str(PDG.get(self.particle, 0)), name=self.particle)
        known = {layer.number: layer for layer in self.layers}
        for number in range(max(known) + 1):
            edges = ",".join(f"{edge:g}" for edge in known[number].r_edges) if number in known else "0"
            n_alpha = known[number].n_alpha if number in known else 1
            ET.SubElement(bins, "Layer", id=str(number), r_edges=edges, n_bin_alpha=str(n_alpha))
        ET.indent(root, "   ")
        with atomic(path) as partial:
            partial.write_text(ET.tostring(root, encoding="unicode") + "\n")


def _of(particle: str, layers: dict[int, tuple[int, Sequence[float]]]) -> Geometry:
    return Geometry(
        particle, tuple(Layer(number, tuple(map(float, edges)), n_alpha) for number, (n_alpha, edges) in layers.items())
    )


_STRIPS = (0, 2, 4, 6, 8, 10, 12, 15, 20, 30, 40, 50, 70, 90, 120, 150, 200)
_MIDDLE = (0, 2, 5, 10, 15, 20, 25, 30, 40, 50, 60, 80, 100, 130, 160, 200, 250, 300, 350, 400)
_HADRONIC = (0, 10, 20, 30, 50, 80, 100, 130, 160, 200, 250, 300, 350, 400)
_PRESAMPLER, _BACK = (0, 5, 10, 30, 50, 100, 200, 400, 600), (0, 50, 100, 200, 400, 600)
# The published binning: data set 1 of photons and pions (ATLAS at |eta| of 0.2 to 0.25, numbers of layers as in ATLAS:
# presampler, strips, middle and back of the barrel, then the tiles), data set 2 of electrons.
PHOTON = _of(
    "photon",
    {0: (1, _PRESAMPLER), 1: (10, _STRIPS), 2: (10, _MIDDLE), 3: (1, _BACK), 12: (1, (0, 100, 200, 400, 1000, 2000))},
)
PION = _of(
    "pion",
    {
        0: (1, _PRESAMPLER),
        1: (10, (0, 1, 4, 7, 10, 15, 30, 50, 90, 150, 200)),
        2: (10, (0, 5, 10, 20, 30, 50, 80, 130, 200, 300, 400)),
        3: (1, _BACK),
        12: (10, (*_HADRONIC, 1000, 2000)),
        13: (10, (*_HADRONIC, 600, 1000, 2000)),
        14: (1, (0, 50, 100, 150, 200, 250, 300, 400, 600, 1000, 2000)),
    },
)
ELECTRON = _of("electron", {number: (16, [round(4.65 * ring, 2) for ring in range(10)]) for number in range(45)})
PUBLISHED = {geometry.particle: geometry for geometry in (PHOTON, PION, ELECTRON)}
