"""Particles of many events as flat arrays."""

from dataclasses import dataclass, replace

import awkward as ak
import numpy as np


@dataclass(frozen=True)
class Particles:
    """Visible stable particles of a batch of ``events`` events; GeV and radians.

    ``event`` is the row of each particle's event in the batch, rising.
    """

    events: int
    event: np.ndarray
    pt: np.ndarray
    eta: np.ndarray
    phi: np.ndarray
    energy: np.ndarray
    pdgid: np.ndarray
    charge: np.ndarray

    def __getitem__(self, chosen: np.ndarray) -> "Particles":
        columns = (self.event, self.pt, self.eta, self.phi, self.energy, self.pdgid, self.charge)
        return Particles(self.events, *(column[chosen] for column in columns))

    def lists(self) -> ak.Array:
        """Events * var * {pt, eta, phi, mass}."""
        momentum = self.pt * np.cosh(self.eta)
        mass = np.sqrt(np.maximum((self.energy - momentum) * (self.energy + momentum), 0))
        columns = {"pt": self.pt, "eta": self.eta, "phi": self.phi, "mass": mass}
        return ak.unflatten(ak.zip(columns), np.bincount(self.event, minlength=self.events))

    def of(self, events: np.ndarray) -> "Particles":
        """Those of some events, a mask (events,): these are numbered anew."""
        kept = self[events[self.event]]
        return replace(kept, events=int(events.sum()), event=(np.cumsum(events) - 1)[kept.event])


def pseudorapidity(pt: np.ndarray, pz: np.ndarray) -> np.ndarray:
    """Pseudorapidity; large but finite along the beam."""
    eta: np.ndarray = np.arcsinh(pz / np.maximum(pt, 1e-9))
    return eta
