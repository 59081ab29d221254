"""Cross sections and inverse distributions of the materials of a calorimeter, as arrays for the compiled transport."""

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from resonaut.simulate.showers import electrons, photons
from resonaut.simulate.showers.materials import ELECTRON_MASS, Material

FloatArray = npt.NDArray[np.float64]

# Electrons and delta rays of less kinetic energy are not followed, MeV; nor photons of less than theirs, above the
# edges of all K shells. Those between the two carry an eighth of what lead radiates, about a radiation length far.
CUT, PHOTON_CUT = 1.0, 0.1
# Energies of the tables in MeV, 12 a decade.
ENERGIES = np.geomspace(PHOTON_CUT, 1e7, 8 * 12 + 1)
QUANTILES = 65
_FINE = 512


class Tables(NamedTuple):
    """Arrays over (charge: electron, positron), materials, ``ENERGIES`` and quantiles; lengths in mm, energies in MeV.

    ``attenuation``: interactions of photons per mm, of which the part ``pair`` are pairs, up to ``compton`` (pairs and)
    Compton scatterings, the rest photoelectric; ``densest`` the largest attenuation of all materials. ``hard``:
    interactions of electrons and positrons per mm, of which ``brems`` are bremsstrahlung above the cut, up to ``delta``
    delta rays, the rest annihilations; ``loss``, ``straggling``, ``scattering`` of all others per mm.

    Then for each energy quantiles of variables between 0 and 1: ``photon_energy`` ln(k / k_cut) / ln(T / k_cut),
    ``delta_energy`` (1 / cut - 1 / W) / (1 / cut - 1 / W_max), ``pair_share`` of the kinetic energy of a pair,
    ``compton_energy`` ln(kept part) / ln(smallest), ``annihilation_energy`` ln(part / smallest) / ln(largest /
    smallest).
    """

    attenuation: FloatArray
    pair: FloatArray
    compton: FloatArray
    densest: FloatArray
    hard: FloatArray
    brems: FloatArray
    delta: FloatArray
    loss: FloatArray
    straggling: FloatArray
    scattering: FloatArray
    photon_energy: FloatArray
    delta_energy: FloatArray
    pair_share: FloatArray
    compton_energy: FloatArray
    annihilation_energy: FloatArray


def tabulate(materials: Sequence[Material]) -> Tables:
    """The tables of some materials."""
    e = ENERGIES
    photon = np.array([[f(m, e) for f in (photons.pairs, photons.compton, photons.photoelectric)] for m in materials])
    attenuation = photon.sum(axis=1)
    brems, photon_energy = _stacked(_bremsstrahlung, materials)
    deltas = [_stacked(functools.partial(_delta_rays, positron=positron), materials) for positron in (False, True)]
    parts = np.array(
        [[brems, deltas[0][0], 0 * brems], [brems, deltas[1][0], _each(electrons.annihilation, materials)]]
    )
    hard = parts.sum(axis=1)
    positive = np.where(hard > 0, hard, 1)
    soft = np.array([electrons.radiative(m, e, np.full_like(e, PHOTON_CUT)) for m in materials])
    loss = [[electrons.ionisation(m, e, CUT, positron) for m in materials] for positron in (False, True)]
    return Tables(
        attenuation=attenuation,
        pair=photon[:, 0] / attenuation,
        compton=photon[:, :2].sum(axis=1) / attenuation,
        densest=attenuation.max(axis=0),
        hard=hard,
        brems=parts[:, 0] / positive,
        delta=parts[:, :2].sum(axis=1) / positive,
        loss=np.array(loss) + soft,
        straggling=np.array([electrons.straggling(m, e, CUT) for m in materials]),
        scattering=_each(electrons.scattering, materials),
        photon_energy=photon_energy,
        # Delta rays are the same in all materials.
        delta_energy=np.stack([quantiles[0] for _, quantiles in deltas]),
        pair_share=np.stack([_pair_share(m) for m in materials]),
        compton_energy=_compton_energy(),
        annihilation_energy=_annihilation_energy(),
    )


def _each(function: Callable[[Material, FloatArray], FloatArray], materials: Sequence[Material]) -> FloatArray:
    return np.array([function(material, ENERGIES) for material in materials])


def _stacked(
    function: Callable[[Material], tuple[FloatArray, FloatArray]], materials: Sequence[Material]
) -> tuple[FloatArray, FloatArray]:
    sections, quantiles = zip(*map(function, materials), strict=True)
    return np.stack(sections), np.stack(quantiles)


_MIDDLES = (np.arange(_FINE) + 0.5) / _FINE


def _quantiles(density: FloatArray) -> FloatArray:
    """Quantiles of variables between 0 and 1 with densities at the middles of ``_FINE`` bins, (n, _FINE)."""
    # Where there is no density nothing is drawn.
    density = np.where(density.sum(axis=1, keepdims=True) > 0, density, 1)
    levels, edges = np.linspace(0, 1, QUANTILES), np.linspace(0, 1, _FINE + 1)
    found = np.empty((len(density), QUANTILES))
    for row, values in enumerate(density):
        cumulative = np.concatenate([[0], np.cumsum(values)])
        found[row] = np.interp(levels, cumulative / cumulative[-1], edges)
    return found


def _bremsstrahlung(material: Material) -> tuple[FloatArray, FloatArray]:
    """Photons above their cut per mm, and quantiles of their energies."""
    span = np.log(ENERGIES / PHOTON_CUT)[:, None]
    photon = PHOTON_CUT * np.exp(span * _MIDDLES)
    density = photon * electrons.bremsstrahlung(material, ENERGIES[:, None], photon) * (span > 0)
    return density.mean(axis=1) * span[:, 0], _quantiles(density)


def _delta_rays(material: Material, positron: bool) -> tuple[FloatArray, FloatArray]:
    """Delta rays above the cut per mm, and quantiles of their energies."""
    most = (ENERGIES if positron else ENERGIES / 2)[:, None]
    span = np.maximum(1 / CUT - 1 / most, 0)
    kicked = 1 / (1 / CUT - span * _MIDDLES)
    density = kicked**2 * electrons.delta_rays(material, ENERGIES[:, None], kicked, positron) * (span > 0)
    return density.mean(axis=1) * span[:, 0], _quantiles(density)


def _pair_share(material: Material) -> FloatArray:
    """Quantiles of the electron's share of a pair's kinetic energy."""
    photon = ENERGIES[:, None]
    share = (_MIDDLES * (photon - 2 * ELECTRON_MASS) + ELECTRON_MASS) / photon
    return _quantiles(photons.pair_spectrum(material, photon, share) * (photon > 2 * ELECTRON_MASS))


def _compton_energy() -> FloatArray:
    """Quantiles of the energy that photons keep."""
    photon = ENERGIES[:, None]
    kept = np.exp(-_MIDDLES * np.log1p(2 * photon / ELECTRON_MASS))
    return _quantiles(kept * photons.compton_spectrum(photon, kept))


def _annihilation_energy() -> FloatArray:
    """Quantiles of a photon's part of the energy of an annihilation: Heitler, as in EGS4 eq. 2.12.14."""
    gamma = ENERGIES[:, None] / ELECTRON_MASS + 1
    root = np.sqrt((gamma - 1) / (gamma + 1))
    smallest, largest = (1 - root) / 2, (1 + root) / 2
    part = smallest * (largest / smallest) ** _MIDDLES
    return _quantiles(part / part * (1 + 2 * gamma / (gamma + 1) ** 2 - part - 1 / ((gamma + 1) ** 2 * part)))
