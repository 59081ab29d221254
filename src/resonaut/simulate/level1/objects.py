"""Level-1 objects of bunch crossings: collisions on one another in the towers, and what the trigger finds there.

In the manner of CMS's calorimeter trigger (arXiv:2006.10165), on towers that count units of 0.5 GeV: jets are
9 x 9 towers around a local maximum, less the three quieter of four strips beside them, e/gamma and tau objects 3 x 5
towers. Its calibrations, its finer shapes and its dependence of isolation on the pile-up are not there.
"""

from math import pi
from typing import Any

import numba
import numpy as np

from resonaut.simulate.level1.towers import ETA_TOWERS, PHI_TOWERS

# Units of energy (GeV). Seeds, jets in sums, isolations and the tower where |eta| is 2.5 and 3 are in such units.
UNIT = 0.5
JET_SEED, ELECTRON_SEED, TAU_SEED = 8, 4, 8
JET_IN_SUMS, IN_SUMS, CENTRAL = 60, 29, 34
# More energy beside a cluster than this is no isolation; its bits are those of ``physics.level1.seeds``.
TIGHT, LOOSE = 12, 20
ISOLATED, LOOSELY_ISOLATED = 3, 2
# Hadronic over electromagnetic energy of an e/gamma object is below 1 / 8.
HADRONIC = 8
MIDDLE = ETA_TOWERS // 2
# Columns of the sums.
ET, EM, HT, MET, MHT, FET, FHT, MET_PHI, MHT_PHI, FET_PHI, FHT_PHI = range(11)
SUM_COLUMNS = 11
CIRCLE = 2 * PHI_TOWERS
COS = np.cos((np.arange(PHI_TOWERS) + 0.5) * 2 * pi / PHI_TOWERS)
SIN = np.sin((np.arange(PHI_TOWERS) + 0.5) * 2 * pi / PHI_TOWERS)


@numba.njit(cache=True, error_model="numpy")
def crossings(
    first: Any, chosen: Any, turn: Any, flip: Any, towers: Any, cell: Any, em: Any, had: Any
) -> tuple[Any, Any, Any, Any]:
    """Jets, e/gamma objects, taus (n, 12, 4: units of energy, eta, phi, quality) and sums (n, 11) of n crossings.

    Crossing i has the collisions ``chosen[first[i]:first[i + 1]]``, each turned by ``turn`` towers in azimuth and,
    where ``flip``, with its two ends exchanged; the last four are those of ``towers.Deposits``.
    """
    n = len(first) - 1
    jets, electrons = np.zeros((n, 12, 4), np.int32), np.zeros((n, 12, 4), np.int32)
    taus, sums = np.zeros((n, 12, 4), np.int32), np.zeros((n, SUM_COLUMNS), np.int32)
    energies = np.zeros((2, ETA_TOWERS, PHI_TOWERS), np.float32)
    units, both = np.zeros((2, ETA_TOWERS, PHI_TOWERS), np.int32), np.zeros((ETA_TOWERS, PHI_TOWERS), np.int32)
    for i in range(n):
        energies[:] = 0
        for k in range(first[i], first[i + 1]):
            for row in range(towers[chosen[k]], towers[chosen[k] + 1]):
                eta, phi = divmod(cell[row], PHI_TOWERS)
                eta = ETA_TOWERS - 1 - eta if flip[k] else eta
                phi = (phi + turn[k]) % PHI_TOWERS
                energies[0, eta, phi] += em[row]
                energies[1, eta, phi] += had[row]
        for eta in range(ETA_TOWERS):
            for phi in range(PHI_TOWERS):
                units[0, eta, phi] = int(energies[0, eta, phi] / UNIT)
                units[1, eta, phi] = int(energies[1, eta, phi] / UNIT)
                both[eta, phi] = units[0, eta, phi] + units[1, eta, phi]
        _jets(both, jets[i], sums[i])
        _clusters(units, both, electrons[i], taus[i])
        _energies(units, both, sums[i])
    return jets, electrons, taus, sums


@numba.njit(cache=True, error_model="numpy")
def _inside(grid: Any, eta: Any, phi: Any, low: Any, high: Any, left: Any, right: Any) -> Any:
    """The sum over towers from ``low`` to ``high`` in eta and ``left`` to ``right`` in phi from a tower."""
    total = 0
    for i in range(max(eta + low, 0), min(eta + high + 1, ETA_TOWERS)):
        for j in range(phi + left, phi + right + 1):
            total += grid[i, j % PHI_TOWERS]
    return total


@numba.njit(cache=True, error_model="numpy")
def _is_peak(grid: Any, eta: Any, phi: Any, reach: Any) -> bool:
    """Whether no tower within ``reach`` has more; of equal ones the first is the peak."""
    own = grid[eta, phi]
    for i in range(max(eta - reach, 0), min(eta + reach + 1, ETA_TOWERS)):
        for j in range(-reach, reach + 1):
            other = grid[i, (phi + j) % PHI_TOWERS]
            if other > own or (other == own and (i < eta or (i == eta and j < 0))):
                return False
    return True


@numba.njit(cache=True, error_model="numpy")
def _insert(found: Any, et: Any, eta: Any, phi: Any, quality: Any) -> None:
    """Put an object among those of highest energy, which stand in their order."""
    place = len(found)
    while place > 0 and found[place - 1, 0] < et:
        place -= 1
    if place == len(found):
        return
    for k in range(len(found) - 1, place, -1):
        found[k] = found[k - 1]
    found[place, 0], found[place, 1] = et, 2 * (eta - MIDDLE) + 1
    found[place, 2], found[place, 3] = 2 * phi + 1, quality


@numba.njit(cache=True, error_model="numpy")
def _jets(both: Any, found: Any, sums: Any) -> None:
    x = y = forward_x = forward_y = 0.0
    for eta in range(ETA_TOWERS):
        for phi in range(PHI_TOWERS):
            if both[eta, phi] < JET_SEED or not _is_peak(both, eta, phi, 4):
                continue
            strips = (
                _inside(both, eta, phi, -7, -5, -4, 4),
                _inside(both, eta, phi, 5, 7, -4, 4),
                _inside(both, eta, phi, -4, 4, -7, -5),
                _inside(both, eta, phi, -4, 4, 5, 7),
            )
            beside = strips[0] + strips[1] + strips[2] + strips[3] - max(strips[0], strips[1], strips[2], strips[3])
            et = _inside(both, eta, phi, -4, 4, -4, 4) - beside
            if et <= 0:
                continue
            _insert(found, et, eta, phi, 0)
            if et >= JET_IN_SUMS:
                forward_x += et * COS[phi]
                forward_y += et * SIN[phi]
                if abs(eta + 0.5 - MIDDLE) < IN_SUMS:
                    sums[HT] += et
                    x += et * COS[phi]
                    y += et * SIN[phi]
    _missing(sums, MHT, MHT_PHI, x, y)
    _missing(sums, FHT, FHT_PHI, forward_x, forward_y)


@numba.njit(cache=True, error_model="numpy")
def _clusters(units: Any, both: Any, electrons: Any, taus: Any) -> None:
    em, had = units[0], units[1]
    for eta in range(MIDDLE - CENTRAL, MIDDLE + CENTRAL):
        for phi in range(PHI_TOWERS):
            if em[eta, phi] >= ELECTRON_SEED and _is_peak(em, eta, phi, 2):
                et = _inside(em, eta, phi, -1, 1, -2, 2)
                if HADRONIC * _inside(had, eta, phi, -1, 1, -1, 1) <= et:
                    around = _inside(both, eta, phi, -3, 3, -4, 4) - et
                    _insert(electrons, et, eta, phi, _isolation(around))
            if both[eta, phi] >= TAU_SEED and _is_peak(both, eta, phi, 2):
                et = _inside(both, eta, phi, -1, 1, -2, 2)
                around = _inside(both, eta, phi, -3, 3, -4, 4) - et
                _insert(taus, et, eta, phi, _isolation(around))


@numba.njit(cache=True, error_model="numpy")
def _isolation(around: Any) -> Any:
    if around <= TIGHT:
        return ISOLATED
    return LOOSELY_ISOLATED if around <= LOOSE else 0


@numba.njit(cache=True, error_model="numpy")
def _energies(units: Any, both: Any, sums: Any) -> None:
    x = y = forward_x = forward_y = 0.0
    for eta in range(ETA_TOWERS):
        central = abs(eta + 0.5 - MIDDLE) < CENTRAL
        for phi in range(PHI_TOWERS):
            et = both[eta, phi]
            forward_x += et * COS[phi]
            forward_y += et * SIN[phi]
            if central:
                sums[ET] += et
                sums[EM] += units[0, eta, phi]
                x += et * COS[phi]
                y += et * SIN[phi]
    _missing(sums, MET, MET_PHI, x, y)
    _missing(sums, FET, FET_PHI, forward_x, forward_y)


@numba.njit(cache=True, error_model="numpy")
def _missing(sums: Any, size: Any, direction: Any, x: Any, y: Any) -> None:
    """What balances a sum of momenta."""
    sums[size] = int(np.hypot(x, y))
    sums[direction] = int(np.floor(np.arctan2(-y, -x) * CIRCLE / (2 * pi))) % CIRCLE
