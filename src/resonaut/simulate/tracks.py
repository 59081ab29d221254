"""Impact parameters of tracks, and the candidates of all jets under PFNano's names.

Tracks are straight lines, as the detector has no magnetic field. The primary vertex is the origin, and known exactly.
"""

import awkward as ak
import numpy as np

from resonaut.physics.angles import Lists
from resonaut.physics.pfnano import NO_TRACK
from resonaut.simulate import nanoaod
from resonaut.simulate.generator import Batch
from resonaut.simulate.settings import Tracks

# A track's fit is as good as its errors say: chi2 per degree of freedom, and CMS's bits loose and high purity.
CHI2, HIGH_PURITY = 1, 5
MM_PER_CM = 10


def impact_parameters(position: np.ndarray, eta: np.ndarray, phi: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """d0 and dz, shape (n,), of straight lines through ``position`` (n, 3), in its unit.

    Both are of the point of closest approach to the beam, x = y = 0. The sign of d0 is CMS's (``dxy`` of a track): that
    of the z component of direction x position, negative for what leaves its parent to the left. Delphes, and so
    JetClass, has the other sign.
    """
    x, y, z = position.T
    along = x * np.cos(phi) + y * np.sin(phi)
    return y * np.cos(phi) - x * np.sin(phi), z - along * np.sinh(eta)


def resolutions(pt: np.ndarray, eta: np.ndarray, setting: Tracks) -> tuple[np.ndarray, np.ndarray]:
    """Errors (mm) of d0 and dz for pt in GeV: a (+) b / (pT sqrt(sin theta)), that of dz over sin theta."""
    scattering = np.sqrt(np.cosh(eta)) / pt
    d0 = np.hypot(setting.d0_constant, setting.d0_scattering * scattering)
    dz = np.hypot(setting.dz_constant, setting.dz_scattering * scattering) * np.cosh(eta)
    return d0, dz


def measured(candidates: Lists, batch: Batch, setting: Tracks, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """PFNano's fields (cm) of the tracks of ``candidates`` {pt, eta, phi, particle}, with its sentinels for the others.

    ``particle`` is the row of what made the track among the batch's visible particles, -1 without a track.
    """
    assert batch.origins is not None
    there = candidates["particle"] >= 0
    particle = candidates["particle"][there]
    pt, eta, phi = (candidates[name][there] for name in ("pt", "eta", "phi"))
    true = impact_parameters(batch.origins.position[particle], eta, phi)
    errors = resolutions(pt, eta, setting)
    found: dict[str, np.ndarray] = {}
    for name, value, error in zip(("d0", "dz"), true, errors, strict=True):
        smeared = value + error * rng.standard_normal(len(error))
        found |= {name: smeared / MM_PER_CM, f"{name}Err": error / MM_PER_CM}
    found["trkChi2"] = np.full(len(particle), float(CHI2))
    whole = {name: _filled(values, there, NO_TRACK) for name, values in found.items()}
    return whole | {"trkQuality": np.where(there, HIGH_PURITY, 0), "puppiWeight": np.ones(len(there))}


def truth(candidates: Lists, batch: Batch) -> dict[str, np.ndarray]:
    """Origin and vertex of each track (see ``origins``), -1 without a track."""
    assert batch.origins is not None
    there = candidates["particle"] >= 0
    particle = candidates["particle"][there]
    values = {"genOrigin": batch.origins.kind[particle], "genVertex": batch.origins.vertex[particle]}
    return {name: _filled(of, there, NO_TRACK) for name, of in values.items()}


def collections(
    candidates: Lists,
    large: ak.Array,
    small: ak.Array,
    batch: Batch,
    setting: Tracks,
    rng: np.random.Generator,
    told: bool,
) -> dict[str, ak.Array]:
    """``PFCands`` of the jets of both radii with what is measured of tracks, and ``JetPFCands``.

    The candidates of large-radius jets come first and in their order, so that ``FatJetPFCands`` holds.

    Args:
        candidates: {pt, eta, phi, mass, charge, pdgid, particle} of all events.
        large: by large-radius jet the places of its candidates in their event, events * var * var.
        small: the same by small-radius jet.
        batch: the generated particles.
        setting: of the resolution.
        rng: its random numbers are used for this alone.
        told: whether truth may be stored.
    """
    fields = {name: candidates[name] for name in (*nanoaod.MOMENTUM, "charge")} | {"pdgId": candidates["pdgid"]}
    fields |= measured(candidates, batch, setting, rng) | (truth(candidates, batch) if told else {})
    first = candidates.first[:-1]
    of_large, of_small = (ak.flatten(by_jet, axis=2) for by_jet in (large, small))
    inside = np.zeros(len(candidates), bool)
    inside[ak.to_numpy(ak.flatten(of_large + first))] = True
    others = of_small[ak.unflatten(~inside[ak.to_numpy(ak.flatten(of_small + first))], ak.num(of_small))]
    stored = ak.concatenate([of_large, others], axis=1)
    chosen = ak.to_numpy(ak.flatten(stored + first))
    place = np.full(len(candidates), -1)
    place[chosen] = ak.to_numpy(ak.flatten(ak.local_index(stored, axis=1)))
    counts = ak.to_numpy(ak.num(stored))
    jet, _ = ak.broadcast_arrays(ak.local_index(small, axis=1), small)
    links = {
        "jetIdx": ak.to_numpy(ak.flatten(jet, axis=None)),
        "pFCandsIdx": place[ak.to_numpy(ak.flatten(of_small + first))],
    }
    return {
        "PFCands": nanoaod.collection(Lists(counts, {name: values[chosen] for name, values in fields.items()})),
        "JetPFCands": nanoaod.collection(Lists(ak.to_numpy(ak.num(of_small)), links)),
    }


def _filled(values: np.ndarray, there: np.ndarray, without: int) -> np.ndarray:
    """The ``values`` where something is ``there``, and ``without`` elsewhere."""
    whole = np.full(len(there), without, values.dtype)
    whole[there] = values
    return whole
