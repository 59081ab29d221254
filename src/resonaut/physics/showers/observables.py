"""What describes a shower: response, layer energies, centres, widths, and the variables with which ATLAS knows photons.

Centres and widths are those of the CaloChallenge's HighLevelFeatures (arXiv:2410.21611, section 3). A layer without
energy has a centre and a width of 0 there, and here.
"""

import numpy as np
import numpy.typing as npt

from resonaut.physics.showers.files import Showers
from resonaut.physics.showers.geometry import Geometry

FloatArray = npt.NDArray[np.float64]
# Cells of ATLAS's barrel in mm: the middle layer's are 0.025 in eta and phi, 1.5 m from the beam, the strips' an eighth
# of that in eta (JINST 3 (2008) S08003, table 1.3).
MIDDLE_CELL = 37.5
STRIP = MIDDLE_CELL / 8
STRIPS, MIDDLE, BACK, TILE, END_CAP = 1, 2, 3, 12, 4


def observables(showers: Showers, geometry: Geometry) -> dict[str, FloatArray]:
    """The observables by name, each (n,).

    ``response`` is the energy of all voxels over the incident one; ``energy_<layer>`` in MeV; ``centre_x_<layer>``,
    ``width_x_<layer>``, the same for y and r, in mm (x and y in layers with sectors); ``sparsity_<layer>``, the part of
    voxels without energy; ``depth`` and ``depth_width``, mean and width of the layers' places, weighted by energy; in
    the layout of ATLAS's barrel those of ``_atlas``.
    """
    energies = np.stack([showers.voxels[:, part].sum(axis=1, dtype=np.float64) for part in geometry.slices], axis=1)
    found = {"response": energies.sum(axis=1) / showers.energies}
    for layer, part, energy in zip(geometry.layers, geometry.slices, energies.T, strict=True):
        voxels = showers.voxels[:, part].astype(np.float64)
        found[f"energy_{layer.number}"] = energy
        places = {"r": geometry.r[part]}
        if layer.n_alpha > 1:
            places = {"x": geometry.x[part], "y": geometry.y[part]} | places
        for axis, place in places.items():
            centre, width = _moments(voxels, place)
            found |= {f"centre_{axis}_{layer.number}": centre, f"width_{axis}_{layer.number}": width}
        found[f"sparsity_{layer.number}"] = 1 - (voxels > 0).mean(axis=1)
    found["depth"], found["depth_width"] = _moments(energies, np.arange(len(geometry.layers), dtype=float))
    # The end-cap's presampler has no voxels in the barrel's layout; data set 2 has all numbers from 0 to 44.
    if {STRIPS, MIDDLE, BACK, TILE} <= set(geometry.numbers) and END_CAP not in geometry.numbers:
        found |= _atlas(showers, geometry, dict(zip(geometry.numbers, energies.T, strict=True)))
    return found


def _moments(energy: FloatArray, place: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and width of the places (k,), weighted by the energies (n, k)."""
    total = energy.sum(axis=1)
    mean = _ratio(energy @ place, total)
    return mean, np.sqrt(np.clip(_ratio(energy @ place**2, total) - mean**2, 0, None))


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    """A ratio, 0 where there is nothing."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _atlas(showers: Showers, geometry: Geometry, energy: dict[int, FloatArray]) -> dict[str, FloatArray]:
    """Variables of ATLAS's photon identification (arXiv:1810.05087, table 1), in windows of voxels by their centres.

    x is along eta, y along phi. ``r_eta`` and ``r_phi``: energy in 3 x 7 over 7 x 7, and in 3 x 3 over 3 x 7 cells of
    the middle layer; ``w_eta_2``: its width in eta in 3 x 5 cells, in mm; ``w_s_3`` and ``f_side`` of the strips: width
    in the three central strips in mm, and energy in seven strips outside the three over that inside; ``f_1``, ``f_3``:
    the strips' and the back layer's part of the electromagnetic layers; ``r_had``: energy behind them over theirs.
    """
    parts = dict(zip(geometry.numbers, geometry.slices, strict=True))

    def window(number: int, eta: float, phi: float = np.inf) -> tuple[FloatArray, FloatArray]:
        """Energies and x of the voxels within so many mm of the axis on each side."""
        x, y = geometry.x[parts[number]], geometry.y[parts[number]]
        inside = (np.abs(x) < eta) & (np.abs(y) < phi)
        return showers.voxels[:, parts[number]][:, inside].astype(np.float64), x[inside]

    def cells(eta: int, phi: int) -> FloatArray:
        energies, _ = window(MIDDLE, eta * MIDDLE_CELL / 2, phi * MIDDLE_CELL / 2)
        return np.asarray(energies.sum(axis=1))

    inner, outer = (window(STRIPS, strips * STRIP / 2)[0].sum(axis=1) for strips in (3, 7))
    electromagnetic = sum((energy[number] for number in energy if number <= BACK), np.zeros(len(showers)))
    behind = sum((energy[number] for number in energy if number > BACK), np.zeros(len(showers)))
    return {
        "r_eta": _ratio(cells(3, 7), cells(7, 7)),
        "r_phi": _ratio(cells(3, 3), cells(3, 7)),
        "w_eta_2": _moments(*window(MIDDLE, 1.5 * MIDDLE_CELL, 2.5 * MIDDLE_CELL))[1],
        "w_s_3": _moments(*window(STRIPS, 1.5 * STRIP))[1],
        "f_side": _ratio(outer - inner, inner),
        "f_1": _ratio(energy[STRIPS], electromagnetic),
        "f_3": _ratio(energy[BACK], electromagnetic),
        "r_had": _ratio(behind, electromagnetic),
    }
