"""Showers of ``simulate`` against textbook values, and how long they take: ``python benchmarks/showers.py``.

One JSON line. ``profile``: photons and electrons in a block, by material, particle and energy in MeV: what the maximum
of the gamma distribution fitted to the mean longitudinal profile (PDG eq. 34.36) misses of ln(E / E_c) +- 0.5 (eq.
34.37), in radiation lengths, its b, and the largest difference of profile and fit as a part of the maximum;
``contained``, the part of the energy within a Moliere radius. ``conserved``: the largest part of the energy that any of
these showers misses. ``resolution``: of the barrel without what is before it, sigma / E sqrt(E / GeV) of the active
energy, and ``linearity``, the mean active part of the energy over that of the last energy, both by energy.
``fractions``: the part that the active slabs of each layer hold of its depth. ``showers_per_second``: by energy, one
core.
"""
# ruff: noqa: E402 (the libraries read their number of threads when they are imported)

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import json
import math
import time
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import curve_fit
from scipy.special import gammaln

from resonaut.physics.showers.geometry import Geometry, Layer
from resonaut.simulate.showers import calorimeter, electrons, transport
from resonaut.simulate.showers.calorimeter import Calorimeter
from resonaut.simulate.showers.materials import IRON, LEAD, TUNGSTEN, Material

FloatArray = npt.NDArray[np.float64]
KINDS = {"photon": (transport.PHOTON, 0.5), "electron": (transport.ELECTRON, -0.5)}
# GeV of showers in each sample of one energy, at a size of 1.
TOTAL = 400.0


class Sample:
    """Showers of one energy: voxels, energies of slabs, what is missing, seconds; MeV."""

    def __init__(self, stack: Calorimeter, particle: str, energy: float, size: float) -> None:
        number = max(20, int(size * TOTAL * 1e3 / energy))
        began = time.process_time()
        made = [stack.shower(KINDS[particle][0], energy, np.random.default_rng([1, place])) for place in range(number)]
        self.seconds = (time.process_time() - began) / number
        self.voxels = np.array([voxels for voxels, _, _ in made])
        self.slabs = np.array([slabs for _, slabs, _ in made])
        escaped = np.array([left for _, _, left in made])
        self.missed = float(np.abs(self.slabs.sum(axis=1) + escaped - energy).max() / energy)


def block(material: Material) -> Calorimeter:
    """Slices of a quarter of a radiation length, with rings of a tenth of the Moliere radius."""
    radius = 21.2052 / electrons.critical_energy(material) * material.radiation_length
    geometry = Geometry("photon", (Layer(0, tuple(radius / 10 * np.arange(51)), 1),))
    return calorimeter.block(material, material.radiation_length / 4, 160, geometry)


def distribution(t: FloatArray, height: float, a: float, b: float) -> FloatArray:
    """PDG eq. 34.36."""
    return np.asarray(height * np.exp(np.log(b) + (a - 1) * np.log(b * t) - b * t - gammaln(a)))


def profiles(material: Material, size: float) -> tuple[dict[str, Any], float]:
    """The profiles' maxima and shapes, and the largest missing part of the energy."""
    stack, found, missed = block(material), dict[str, Any](), 0.0
    middles = (stack.depths[1:] + stack.depths[:-1]) / 2
    for particle, (_, shift) in KINDS.items():
        for energy in (1024.0, 4096.0, 16384.0):
            sample = Sample(stack, particle, energy, size)
            mean = sample.slabs.mean(axis=0)
            used = mean > 0.05 * mean.max()
            (height, a, b), _ = curve_fit(distribution, middles[used], mean[used], p0=(mean.sum(), 4, 0.5))
            expected = math.log(energy / electrons.critical_energy(material)) + shift
            off = np.abs(distribution(middles[used], height, a, b) - mean[used]).max() / mean.max()
            inside = sample.voxels[:, :10].sum() / sample.slabs.sum()
            numbers = {"t_max": (a - 1) / b - expected, "b": b, "off": off, "contained": inside}
            found[f"{particle} {energy:g}"] = {key: round(float(value), 3) for key, value in numbers.items()}
            missed = max(missed, sample.missed)
    return found, missed


def barrel(size: float) -> dict[str, Any]:
    """Resolution, linearity and speed of the calorimeters."""
    whole = calorimeter.barrel()
    bare = Calorimeter(whole.slabs[2:], whole.geometry, whole.fractions)
    active = np.array([slab.layer is not None for slab in bare.slabs])
    resolution, response = dict[str, float](), dict[str, float]()
    for energy in (512.0, 2048.0, 8192.0, 65536.0):
        seen = Sample(bare, "photon", energy, size).slabs[:, active].sum(axis=1) / energy
        resolution[f"{energy:g}"] = round(float(seen.std() / seen.mean() * math.sqrt(energy / 1e3)), 4)
        response[f"{energy:g}"] = float(seen.mean())
    linearity = {energy: round(mean / response["65536"], 4) for energy, mean in response.items()}
    regions = np.array(calorimeter.regions(whole))
    active = np.array([slab.layer is not None for slab in whole.slabs])
    fractions, speed = dict[str, Any](), dict[str, float]()
    for energy in (256.0, 4096.0, 65536.0, 262144.0):
        sample = Sample(whole, "photon", energy, size)
        mean = sample.slabs.mean(axis=0)
        parts = [
            mean[active & (regions == layer)].sum() / mean[regions == layer].sum() for layer in whole.geometry.numbers
        ]
        fractions[f"{energy:g}"] = [round(float(part), 4) for part in parts]
        speed[f"{energy:g}"] = round(1 / sample.seconds, 2)
    return {"resolution": resolution, "linearity": linearity, "fractions": fractions, "showers_per_second": speed}


def tungsten(size: float) -> dict[str, float]:
    """What the silicon holds of electrons' showers, and its resolution."""
    stack = calorimeter.silicon_tungsten()
    active = np.array([slab.layer is not None for slab in stack.slabs])
    sample = Sample(stack, "electron", 10000.0, size)
    seen = sample.slabs[:, active].sum(axis=1)
    resolution = seen.std() / seen.mean() * math.sqrt(10)
    found = {
        "fraction": seen.sum() / sample.slabs.sum(),
        "resolution": resolution,
        "showers_per_second": 1 / sample.seconds,
    }
    return {key: round(float(value), 4) for key, value in found.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=float, default=1.0, help="1: 400 GeV of showers an energy, 20 at least")
    size = parser.parse_args().size
    # What is compiled is loaded, or made, before anything is timed.
    calorimeter.barrel().shower(transport.PHOTON, 100.0, np.random.default_rng(0))
    blocks = {material.name: profiles(material, size) for material in (LEAD, TUNGSTEN, IRON)}
    conserved = max(missed for _, missed in blocks.values())
    result = {"benchmark": "showers", "profile": {name: found for name, (found, _) in blocks.items()}}
    print(json.dumps(result | {"conserved": conserved} | barrel(size) | {"silicon": tungsten(size)}))
