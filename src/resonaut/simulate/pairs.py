"""Events of a broad scalar with two Higgs bosons, weighted to pairs with given couplings."""

import awkward as ak
import numpy as np

from resonaut.core.errors import ConfigError
from resonaut.physics import higgs_pairs
from resonaut.simulate.settings import Pairs

# Pythia's status of a resonance of the hard process.
RESONANCE = 22


def weights(hard: ak.Array, settings: Pairs, mass: float, width: float) -> np.ndarray:
    """The weight of each event (n,) at each of the points of the couplings, (n, points).

    Args:
        hard: the hard process, as of ``truth.hard_process``.
        settings: which scalar, and the points.
        mass: that around which Pythia has made the scalar, GeV.
        width: its width there, GeV.

    Raises:
        ConfigError: an event has no such scalar that decays to two particles, or no weight at the first point.
    """
    first, second = _bosons(hard, int(settings.scalar))
    total = {name: first[name] + second[name] for name in first}
    m_hh = np.sqrt(total["e"] ** 2 - total["px"] ** 2 - total["py"] ** 2 - total["pz"] ** 2)
    cosine = higgs_pairs.cosine(first, second)
    found = np.stack(
        [higgs_pairs.weights(settings.kind, m_hh, cosine, point, mass, width) for point in settings.points], axis=1
    )
    if not (found[:, 0] > 0).all():
        raise ConfigError(
            "config: simulate.processes: pairs.points: the first point weighs an event with 0, and others cannot be "
            "relative to it; give one without a zero, such as {kappa_2V: 0}, and let the scalar's mass begin above "
            "250 GeV (mMin)."
        )
    return found


def _bosons(hard: ak.Array, scalar: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Momenta of the two decay products of each event's scalar; px, py, pz and e in GeV, (n,) each."""
    is_scalar = (np.abs(hard.pdgId) == scalar) & (hard.status == RESONANCE)
    mothers = ak.where(hard.genPartIdxMother >= 0, hard.genPartIdxMother, 0)
    products = hard[(hard.genPartIdxMother >= 0) & is_scalar[mothers]]
    if not ak.all(ak.num(products) == 2):
        raise ConfigError(
            f"config: simulate.processes: pairs.scalar: an event has no {scalar} that decays to two particles; name "
            "the scalar of the process, and give it one decay to two."
        )
    pt, eta, phi, mass = (
        ak.to_numpy(products[name]).astype(np.float64).T for name in ("pt", "eta", "phi", "mass")
    )  # (2, n)
    momentum = {"px": pt * np.cos(phi), "py": pt * np.sin(phi), "pz": pt * np.sinh(eta)}
    momentum["e"] = np.sqrt((pt * np.cosh(eta)) ** 2 + mass**2)
    first, second = ({name: values[place] for name, values in momentum.items()} for place in (0, 1))
    return first, second
