"""Showers, particle by particle: the compiled transport through plane slabs.

Photons fly by Woodcock's method (delta tracking): to points drawn with the densest material's attenuation, where the
material there decides whether they interact. Electrons and positrons go in steps of condensed history with a random
hinge (Fernandez-Varea et al., NIM B 73 (1993) 447): each step's deflection stands at a random point of it.

The energy is kept exactly: what is deposited and what escapes is the incident energy. A positron carries 2 m beside its
kinetic energy, which its annihilation gives back.
"""

from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from resonaut.simulate.showers.materials import ELECTRON_MASS as M
from resonaut.simulate.showers.tables import CUT, ENERGIES, PHOTON_CUT, QUANTILES, Tables

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Generator = np.random.Generator

PHOTON, ELECTRON, POSITRON = -1, 0, 1
KIND, ENERGY, X, Y, Z, U, V, W = range(8)
# The more energetic of two particles waits, so that no more than log2(energy / lowest) wait at a time.
WAITING = 128
# Largest loss of a step as a part of the energy, and largest mean of 1 - cos(theta).
STEP_LOSS, STEP_ANGLE = 0.2, 0.3

_FIRST = float(np.log(ENERGIES[0]))
_PER_UNIT = float((len(ENERGIES) - 1) / np.log(ENERGIES[-1] / ENERGIES[0]))
_LAST = len(ENERGIES) - 2


class Slabs(NamedTuple):
    """Plane slabs along z, and the voxels in them.

    ``edges`` in mm, (slabs + 1,); ``material``; ``layer``, the place of the slab's layer, or -1 without voxels,
    (slabs,). Of each layer ``first``, its first voxel, ``rings`` and ``sectors``, their numbers, and ``radii`` in mm,
    (layers, rings + 1).
    """

    edges: FloatArray
    material: IntArray
    layer: IntArray
    first: IntArray
    rings: IntArray
    sectors: IntArray
    radii: FloatArray


class World(NamedTuple):
    """What a shower meets, and what gets its energy in MeV: voxels, (voxels,), and slabs, (slabs,)."""

    slabs: Slabs
    tables: Tables
    voxels: FloatArray
    deposited: FloatArray


@numba.njit(cache=True, error_model="numpy")
def shower(kind: int, energy: float, world: World, rng: Generator) -> float:
    """Follow a particle that enters at the origin along z, and all that it makes.

    Args:
        kind: ``PHOTON`` or ``ELECTRON``.
        energy: its energy in MeV, without an electron's mass.
        world: what it meets; its voxels and slabs get what the shower deposits.
        rng: where all random numbers come from.

    Returns:
        The energy that leaves through the first or the last plane, MeV.
    """
    stack = np.empty((WAITING, 8))
    here = np.empty(8)
    _put(stack, 0, kind, energy, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)
    waiting, escaped = 1, 0.0
    while waiting:
        waiting -= 1
        here[:] = stack[waiting]
        if here[KIND] == PHOTON:
            slab, left = _fly(here, world, rng)
            escaped += left
            if slab >= 0:
                waiting = _interact(here, world.slabs.material[slab], stack, waiting, world.tables, rng)
        else:
            waiting, left = _walk(here, stack, waiting, world, rng)
            escaped += left
    return escaped


@numba.njit(cache=True, error_model="numpy")
def _put(
    stack: FloatArray, place: int, kind: int, energy: float, x: float, y: float, z: float, u: float, v: float, w: float
) -> None:
    found = stack[place]
    found[KIND], found[ENERGY] = kind, energy
    found[X], found[Y], found[Z], found[U], found[V], found[W] = x, y, z, u, v, w


@numba.njit(cache=True, error_model="numpy")
def _push(
    stack: FloatArray, waiting: int, here: FloatArray, kind: int, energy: float, cosine: float, phi: float
) -> int:
    """Let a particle wait that comes from here, at an angle to this one's direction."""
    u, v, w = _turned(here[U], here[V], here[W], cosine, phi)
    _put(stack, waiting, kind, energy, here[X], here[Y], here[Z], u, v, w)
    return waiting + 1


@numba.njit(cache=True, error_model="numpy")
def _pushed(
    stack: FloatArray,
    waiting: int,
    here: FloatArray,
    kinds: tuple[int, int],
    energies: tuple[float, float],
    cosines: tuple[float, float],
    phi: float,
) -> int:
    """Let two particles wait, back to back in azimuth; the less energetic comes first."""
    first = 0 if energies[0] > energies[1] else 1
    for which in (first, 1 - first):
        angle = phi + np.pi * which
        waiting = _push(stack, waiting, here, kinds[which], energies[which], cosines[which], angle)
    return waiting


@numba.njit(cache=True, error_model="numpy")
def _turned(u: float, v: float, w: float, cosine: float, phi: float) -> tuple[float, float, float]:
    """A direction turned by an angle, around azimuth ``phi``."""
    sine = np.sqrt(max(0.0, 1 - cosine * cosine))
    a, b = sine * np.cos(phi), sine * np.sin(phi)
    transverse2 = u * u + v * v
    if transverse2 < 1e-12:
        return a, b, cosine * w
    transverse = np.sqrt(transverse2)
    new_u = u * cosine + (u * w * a - v * b) / transverse
    new_v = v * cosine + (v * w * a + u * b) / transverse
    new_w = w * cosine - transverse * a
    norm = 1 / np.sqrt(new_u * new_u + new_v * new_v + new_w * new_w)
    return new_u * norm, new_v * norm, new_w * norm


@numba.njit(cache=True, error_model="numpy")
def _place(energy: float) -> tuple[int, float]:
    """Where an energy is in the tables: the entry below, and how far it is to the next."""
    place = max(0.0, (np.log(energy) - _FIRST) * _PER_UNIT)
    entry = min(int(place), _LAST)
    return entry, place - entry


@numba.njit(cache=True, error_model="numpy")
def _between(row: FloatArray, entry: int, rest: float) -> float:
    """A table's value between two entries."""
    return float(row[entry] + rest * (row[entry + 1] - row[entry]))


@numba.njit(cache=True, error_model="numpy")
def _drawn(quantiles: FloatArray, energy: float, rng: Generator) -> float:
    """A variable between 0 and 1 of its distribution at an energy; between two energies that of either."""
    entry, rest = _place(energy)
    row = quantiles[entry + 1 if rng.random() < rest else entry]
    level = rng.random() * (QUANTILES - 1)
    low = int(level)
    return float(row[low] + (level - low) * (row[low + 1] - row[low]))


@numba.njit(cache=True, error_model="numpy")
def deposit(energy: float, x: float, y: float, slab: int, world: World) -> None:
    """Leave an energy in a slab, and in the voxel at x and y where it has one."""
    slabs = world.slabs
    world.deposited[slab] += energy
    layer = slabs.layer[slab]
    if layer < 0:
        return
    r = np.sqrt(x * x + y * y)
    radii, rings = slabs.radii[layer], slabs.rings[layer]
    ring = 0
    while ring < rings and r >= radii[ring + 1]:
        ring += 1
    if ring == rings or r < radii[0]:
        return
    sectors = slabs.sectors[layer]
    sector = 0
    if sectors > 1:
        sector = min(int((np.arctan2(y, x) + np.pi) / (2 * np.pi) * sectors), sectors - 1)
    world.voxels[slabs.first[layer] + sector * rings + ring] += energy


@numba.njit(cache=True, error_model="numpy")
def _slab_of(z: float, edges: FloatArray) -> int:
    return int(np.searchsorted(edges, z, side="right") - 1)


@numba.njit(cache=True, error_model="numpy")
def _fly(here: FloatArray, world: World, rng: Generator) -> tuple[int, float]:
    """Move a photon to its interaction: the slab of that, or -1 where there is none, and the energy that escapes.

    One below the cut deposits all where it is.
    """
    energy = here[ENERGY]
    slabs, tables = world.slabs, world.tables
    edges, end = slabs.edges, len(slabs.material)
    slab = min(_slab_of(here[Z], edges), end - 1)
    if energy < PHOTON_CUT:
        deposit(energy, here[X], here[Y], slab, world)
        return -1, 0.0
    entry, rest = _place(energy)
    densest = _between(tables.densest, entry, rest)
    while True:
        way = -np.log(1 - rng.random()) / densest
        here[X] += way * here[U]
        here[Y] += way * here[V]
        here[Z] += way * here[W]
        if here[Z] < 0 or here[Z] >= edges[end]:
            return -1, energy
        while here[Z] >= edges[slab + 1]:
            slab += 1
        while here[Z] < edges[slab]:
            slab -= 1
        if rng.random() * densest < _between(tables.attenuation[slabs.material[slab]], entry, rest):
            break
    return slab, 0.0


@numba.njit(cache=True, error_model="numpy")
def _interact(here: FloatArray, material: int, stack: FloatArray, waiting: int, tables: Tables, rng: Generator) -> int:
    """Put what a photon makes where it is on the stack; how many wait then."""
    energy = here[ENERGY]
    entry, rest = _place(energy)
    which = rng.random()
    phi = 2 * np.pi * rng.random()
    if which < _between(tables.pair[material], entry, rest) and energy > 2 * M:
        share = _drawn(tables.pair_share[material], energy, rng)
        kinetic = energy - 2 * M
        energies = (share * kinetic, kinetic - share * kinetic)
        angle = _tsai_angle(rng)
        cosines = (np.cos(angle * M / (energies[0] + M)), np.cos(angle * M / (energies[1] + M)))
        return _pushed(stack, waiting, here, (ELECTRON, POSITRON), energies, cosines, phi)
    if which < _between(tables.compton[material], entry, rest):
        kept = energy * (1 + 2 * energy / M) ** -_drawn(tables.compton_energy, energy, rng)
        cosine = max(-1.0, 1 - M * (1 / kept - 1 / energy))
        kinetic = energy - kept
        momentum = np.sqrt(kinetic * (kinetic + 2 * M))
        recoil = max(-1.0, min(1.0, (energy - kept * cosine) / momentum)) if momentum > 0 else 1.0
        return _pushed(stack, waiting, here, (PHOTON, ELECTRON), (kept, kinetic), (cosine, recoil), phi)
    return _push(stack, waiting, here, ELECTRON, energy, 1.0, phi)


@numba.njit(cache=True, error_model="numpy")
def _tsai_angle(rng: Generator) -> float:
    """Angle times energy over mass, of photons of bremsstrahlung and of pairs.

    After Tsai, as in the GEANT3 manual, PHYS 211 and 341.
    """
    slope = 0.625 if rng.random() < 0.25 else 1.875
    return float(-np.log((1 - rng.random()) * (1 - rng.random())) / slope)


@numba.njit(cache=True, error_model="numpy")
def _walk(here: FloatArray, stack: FloatArray, waiting: int, world: World, rng: Generator) -> tuple[int, float]:
    """Follow an electron or positron to its end or a hard interaction: how many wait then, and what escapes."""
    charge = int(here[KIND])
    slabs, tables = world.slabs, world.tables
    edges, end = slabs.edges, len(slabs.material)
    slab = _slab_of(here[Z], edges)
    # A particle that starts on a plane belongs to the slab it goes to.
    if slab == end or (here[Z] == edges[slab] and here[W] < 0):
        slab -= 1
    while True:
        if slab < 0 or slab == end:
            return waiting, here[ENERGY] + 2 * M * charge
        energy = here[ENERGY]
        if energy <= CUT:
            deposit(energy, here[X], here[Y], slab, world)
            if charge:
                here[KIND] = PHOTON
                cosine = 2 * rng.random() - 1
                phi = 2 * np.pi * rng.random()
                waiting = _pushed(stack, waiting, here, (PHOTON, PHOTON), (M, M), (cosine, -cosine), phi)
            return waiting, 0.0
        material = slabs.material[slab]
        entry, rest = _place(energy)
        loss = _between(tables.loss[charge, material], entry, rest)
        variance = _between(tables.straggling[material], entry, rest)
        scattering = _between(tables.scattering[material], entry, rest)
        hard = -np.log(1 - rng.random()) / _between(tables.hard[charge, material], entry, rest)
        step = min(hard, STEP_LOSS * energy / loss, STEP_ANGLE / scattering)
        hinge = step * rng.random()
        crossed = _move(here, hinge, loss, variance, slab, world, rng)
        if crossed == 0:
            cosine = _deflection(np.exp(-step * scattering), rng)
            here[U], here[V], here[W] = _turned(here[U], here[V], here[W], cosine, 2 * np.pi * rng.random())
            crossed = _move(here, step - hinge, loss, variance, slab, world, rng)
        slab += crossed
        if crossed == 0 and step == hard and here[ENERGY] > CUT:
            which = rng.random()
            if which < _between(tables.brems[charge, material], entry, rest):
                return _radiate(here, material, stack, waiting, tables, rng), 0.0
            if which < _between(tables.delta[charge, material], entry, rest):
                if here[ENERGY] > CUT * (2 - charge):
                    return _kick(here, charge, stack, waiting, tables, rng), 0.0
            elif charge:
                return _annihilate(here, stack, waiting, tables, rng), 0.0


@numba.njit(cache=True, error_model="numpy")
def _move(here: FloatArray, way: float, loss: float, variance: float, slab: int, world: World, rng: Generator) -> int:
    """Move along a line, at most to the slab's end, and lose energy: -1, 0 or 1 for the slabs crossed."""
    crossed = 0
    plane = here[Z]
    if here[W] > 0:
        plane = world.slabs.edges[slab + 1]
        crossed = 1
    elif here[W] < 0:
        plane = world.slabs.edges[slab]
        crossed = -1
    there = here[Z] + way * here[W]
    if crossed * (plane - there) > 0 or crossed == 0:
        crossed = 0
    else:
        way = (plane - here[Z]) / here[W]
        there = plane
    x, y = way * here[U], way * here[V]
    if way > 0:
        mean, spread = way * loss, way * variance
        # The gamma distribution with the mean and variance of the losses below the cut.
        lost = min(rng.standard_gamma(mean * mean / spread) * spread / mean, here[ENERGY])
        here[ENERGY] -= lost
        deposit(lost, here[X] + x / 2, here[Y] + y / 2, slab, world)
    here[X] += x
    here[Y] += y
    here[Z] = there
    return crossed


@numba.njit(cache=True, error_model="numpy")
def _deflection(mean: float, rng: Generator) -> float:
    """The cosine of a deflection of this mean: exponential in it, which is Gaussian in small angles.

    That is Fisher's distribution, whose slope is in the approximation of Banerjee et al., JMLR 6 (2005) 1345, eq. 4.4.
    """
    slope = mean * (3 - mean * mean) / (1 - mean * mean)
    level = 1 - rng.random()
    return float(max(-1.0, 1 + np.log(level + (1 - level) * np.exp(-2 * slope)) / slope))


@numba.njit(cache=True, error_model="numpy")
def _radiate(here: FloatArray, material: int, stack: FloatArray, waiting: int, tables: Tables, rng: Generator) -> int:
    """Bremsstrahlung of a photon above its cut; the electron keeps its direction."""
    energy = here[ENERGY]
    photon = PHOTON_CUT * (energy / PHOTON_CUT) ** _drawn(tables.photon_energy[material], energy, rng)
    cosine = np.cos(_tsai_angle(rng) * M / (energy + M))
    phi = 2 * np.pi * rng.random()
    return _pushed(stack, waiting, here, (PHOTON, int(here[KIND])), (photon, energy - photon), (cosine, 1.0), phi)


@numba.njit(cache=True, error_model="numpy")
def _kick(here: FloatArray, charge: int, stack: FloatArray, waiting: int, tables: Tables, rng: Generator) -> int:
    """A delta ray above the cut, off an electron at rest."""
    energy = here[ENERGY]
    most = energy if charge else energy / 2
    kicked = 1 / (1 / CUT - _drawn(tables.delta_energy[charge], energy, rng) * (1 / CUT - 1 / most))
    kept = energy - kicked
    momentum = np.sqrt(energy * (energy + 2 * M))
    # Of a particle with kinetic energy T after it: cos = T (E + m) / (p p').
    cosines = (_cosine(kept, energy, momentum), _cosine(kicked, energy, momentum))
    phi = 2 * np.pi * rng.random()
    return _pushed(stack, waiting, here, (charge, ELECTRON), (kept, kicked), cosines, phi)


@numba.njit(cache=True, error_model="numpy")
def _cosine(kinetic: float, energy: float, momentum: float) -> float:
    if kinetic <= 0:
        return 1.0
    return float(min(1.0, kinetic * (energy + 2 * M) / (momentum * np.sqrt(kinetic * (kinetic + 2 * M)))))


@numba.njit(cache=True, error_model="numpy")
def _annihilate(here: FloatArray, stack: FloatArray, waiting: int, tables: Tables, rng: Generator) -> int:
    """Annihilation in flight with an electron at rest to two photons."""
    energy = here[ENERGY]
    root = np.sqrt(energy / (energy + 2 * M))
    smallest, largest = (1 - root) / 2, (1 + root) / 2
    part = smallest * (largest / smallest) ** _drawn(tables.annihilation_energy, energy, rng)
    total = energy + 2 * M
    first = part * total
    second = total - first
    momentum = np.sqrt(energy * (energy + 2 * M))
    # |p|^2 = k1^2 + k2^2 + 2 k1 k2 cos of their angle; along p: p - k1 cos = k2 cos'.
    cosine = max(-1.0, min(1.0, (momentum**2 + first**2 - second**2) / (2 * momentum * first)))
    other = max(-1.0, min(1.0, (momentum - first * cosine) / second))
    phi = 2 * np.pi * rng.random()
    return _pushed(stack, waiting, here, (PHOTON, PHOTON), (first, second), (cosine, other), phi)
