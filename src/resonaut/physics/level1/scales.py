"""What the hardware's integers mean: steps, capacities and ranges of the collections, and of the sums.

The global trigger's scales are those of CMS's public record of Level-1 objects for anomaly detection
(doi:10.5281/zenodo.21787779), and of the muons' transverse momentum, of which 0 means that there is no muon.
"""

from dataclasses import dataclass
from math import pi

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Integers = npt.NDArray[np.integer]

CALORIMETER_ETA, CALORIMETER_PHI = 0.0870 / 2, 2 * pi / 144
MUON_ETA, MUON_PHI = 0.0870 / 8, 2 * pi / 576


@dataclass(frozen=True)
class Scale:
    """A collection of objects.

    ``et``, ``eta``, ``phi`` and ``quality`` are the branches that the record has of it, after the collection's name.
    An energy of I units is (I - ``offset``) * ``step`` GeV, one of ``saturated`` units is as large or larger.
    """

    capacity: int
    et: str
    eta: str
    phi: str
    quality: str
    saturated: int
    offset: int = 0
    step: float = 0.5
    eta_step: float = CALORIMETER_ETA
    phi_step: float = CALORIMETER_PHI

    def energy(self, units: Integers) -> FloatArray:
        """GeV, 0 where there is no object."""
        found: FloatArray = np.maximum(units - self.offset, 0) * self.step
        return found

    def units(self, energy: FloatArray) -> npt.NDArray[np.int16]:
        """The hardware's integers, which saturate; ``energy`` in GeV, rounded down as hardware does."""
        found = np.floor(np.maximum(energy, 0) / self.step).astype(np.int64) + self.offset
        return np.minimum(found, self.saturated).astype(np.int16)

    @property
    def phi_units(self) -> int:
        """Steps of a full circle."""
        return round(2 * pi / self.phi_step)


COLLECTIONS = {
    "muons": Scale(
        8,
        "muonIEt",
        "muonIEtaAtVtx",
        "muonIPhiAtVtx",
        "muonQual",
        saturated=511,
        offset=1,
        eta_step=MUON_ETA,
        phi_step=MUON_PHI,
    ),
    "jets": Scale(12, "jetIEt", "jetIEta", "jetIPhi", "jetHwQual", saturated=2047),
    "egammas": Scale(12, "egIEt", "egIEta", "egIPhi", "egIso", saturated=511),
    "taus": Scale(12, "tauIEt", "tauIEta", "tauIPhi", "tauIso", saturated=511),
}
# Sums of the record: their columns with an energy, and those of the directions. FET and FHT include |eta| > 3.
SUMS = ("ET_Et", "ET_ETTEM", "HT_Et", "MET_Et", "MHT_Et", "FET_Et", "FHT_Et")
DIRECTIONS = ("MET_phi", "MHT_phi", "FET_phi", "FHT_phi")
SUM_STEP, SUM_SATURATED = 0.5, 4095
