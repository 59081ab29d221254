"""Jets of skimmed events: what the stage reads of them, their Lund planes and quarks."""

from dataclasses import dataclass

import awkward as ak
import numpy as np
import numpy.typing as npt

from resonaut.calibrate.lund import Planes, planes_of
from resonaut.calibrate.matching import BoolArray, Quarks
from resonaut.calibrate.settings import Settings
from resonaut.physics.clustering import FloatArray, IntArray

MOMENTUM = ("pt", "eta", "phi", "mass")
QUARK = ("pt", "eta", "phi", "pdgid")
B_QUARK = 5
# A quark this close to the edge of the jet (0.8) may as well be on its other side.
EDGE, EDGE_WIDTH = 0.8, 0.1


def constituent_columns(jet: str) -> list[str]:
    """The columns of ``skim`` with the constituents of ``jet`` (``"j1"`` or ``"j2"``)."""
    return [f"{jet}_pf_{name}" for name in MOMENTUM]


def truth_columns(jet: str) -> list[str]:
    """The columns of ``skim`` that tell a simulated jet's prongs."""
    return [f"{jet}_{name}" for name in ("pt", "eta", "phi", "prongs", *(f"quark_{q}" for q in QUARK))]


@dataclass(frozen=True)
class Jets:
    """One jet of each event: constituents, number of quarks in it (at least 1), and the quarks out to Delta R < 0.9.

    ``pt`` in GeV. ``hard_scale``: the smallest k_t distance min(p_Ti, p_Tj) DeltaR_ij of two quarks in the jet, GeV; 0
    for fewer than two. ``near_outside`` and ``near_inside``: a quark lies just outside or inside the jet's edge.
    """

    constituents: ak.Array
    pt: FloatArray
    hard_scale: FloatArray
    prongs: IntArray
    quarks: Quarks
    quark_lists: ak.Array
    near_outside: BoolArray
    near_inside: BoolArray

    def planes(self, settings: Settings, extra: int = 0, rows: npt.NDArray[np.int64] | None = None) -> Planes:
        """The Lund planes with as many prongs as quarks, ``extra`` more, of all jets or of ``rows``."""
        constituents, prongs = self.constituents, self.prongs + extra
        if rows is not None:
            constituents, prongs = constituents[rows], prongs[rows]
        return planes_in(constituents, prongs, settings)

    def quarks_of(self, rows: npt.NDArray[np.int64]) -> Quarks:
        """The quarks of some of the jets."""
        return _flat_quarks(self.quark_lists[rows])


def constituents_of(events: ak.Array, jet: str) -> ak.Array:
    """``events * var * {pt, eta, phi, mass}``."""
    return ak.zip(dict(zip(MOMENTUM, (events[name] for name in constituent_columns(jet)), strict=True)))


def planes_in(constituents: ak.Array, prongs: int | IntArray, settings: Settings) -> Planes:
    """The Lund planes as the configuration wants them."""
    return planes_of(constituents, prongs, settings.declustering, settings.minimum_delta, settings.minimum_kt)


def jets_of(events: ak.Array, jet: str) -> Jets:
    """One jet of each simulated event."""
    quarks = ak.zip({name: events[f"{jet}_quark_{name}"] for name in QUARK})
    distance = _distance(quarks.eta - events[f"{jet}_eta"], quarks.phi - events[f"{jet}_phi"])
    return Jets(
        constituents=constituents_of(events, jet),
        pt=ak.to_numpy(events[f"{jet}_pt"]).astype(np.float64),
        hard_scale=_hard_scale(quarks[distance < EDGE]),
        prongs=ak.to_numpy(events[f"{jet}_prongs"]).astype(np.int64),
        quarks=_flat_quarks(quarks),
        quark_lists=quarks,
        near_outside=ak.to_numpy(ak.any((distance >= EDGE) & (distance < EDGE + EDGE_WIDTH), axis=1)),
        near_inside=ak.to_numpy(ak.any((distance < EDGE) & (distance > EDGE - EDGE_WIDTH), axis=1)),
    )


def _hard_scale(quarks: ak.Array) -> FloatArray:
    one, two = ak.unzip(ak.combinations(quarks, 2))
    scale = np.minimum(one.pt, two.pt) * _distance(one.eta - two.eta, one.phi - two.phi)
    return np.asarray(ak.fill_none(ak.min(scale, axis=1), 0.0), dtype=np.float64)


def _distance(delta_eta: ak.Array, delta_phi: ak.Array) -> ak.Array:
    return np.hypot(delta_eta, (delta_phi + np.pi) % (2 * np.pi) - np.pi)


def _flat_quarks(quarks: ak.Array) -> Quarks:
    flat = ak.flatten(quarks)
    eta, phi = (ak.to_numpy(flat[name]).astype(np.float64) for name in ("eta", "phi"))
    return Quarks(ak.to_numpy(ak.num(quarks)).astype(np.int64), eta, phi, np.abs(ak.to_numpy(flat.pdgid)) == B_QUARK)
