"""Counts of splittings and subjets in the bins of the Lund planes."""

from dataclasses import dataclass, field

import hist
import numpy as np

from resonaut.calibrate.bins import LundBins
from resonaut.calibrate.correction import INPUTS
from resonaut.calibrate.lund import Planes
from resonaut.calibrate.matching import BoolArray
from resonaut.calibrate.results import Counted
from resonaut.physics.clustering import FloatArray


@dataclass
class Counts:
    """Splittings and subjets, added up jet by jet, with several weights at once.

    ``weights`` and ``squares`` (sums of weights and of their squares) have the shape (variations,
    *bins.shape); ``subjets`` and ``inverse_pt`` (of the first variation, 1/GeV) sum over the subjets of each p_T slice.
    """

    bins: LundBins
    variations: int = 1
    weights: FloatArray = field(init=False)
    squares: FloatArray = field(init=False)
    subjets: FloatArray = field(init=False)
    inverse_pt: FloatArray = field(init=False)
    jets: int = 0
    uncalibrated: int = 0

    def __post_init__(self) -> None:
        self.weights, self.squares = np.zeros((2, self.variations, *self.bins.shape))
        self.subjets = np.zeros((self.variations, self.bins.shape[0]))
        self.inverse_pt = np.zeros(self.bins.shape[0])

    def fill(self, planes: Planes, weight: FloatArray, used: BoolArray | None = None) -> None:
        """Add jets with weights (variations, jets); of their subjets only the ``used`` ones."""
        slices = self.bins.slices(planes.pt)
        where = np.repeat(slices * self.bins.plane, planes.splittings) + self.bins.in_plane(planes.delta, planes.kt)
        for v, w in enumerate(weight):
            of_subjet = np.repeat(w, planes.subjets) * (1 if used is None else used)
            of_splitting = np.repeat(of_subjet, planes.splittings)
            self.weights[v] += np.bincount(where, of_splitting, self.weights[v].size).reshape(self.bins.shape)
            self.squares[v] += np.bincount(where, of_splitting**2, self.weights[v].size).reshape(self.bins.shape)
            self.subjets[v] += np.bincount(slices, of_subjet, self.bins.shape[0])
            if v == 0:
                self.inverse_pt += np.bincount(slices, of_subjet / planes.pt, self.bins.shape[0])
        self.jets += int(np.count_nonzero(planes.subjets))
        self.uncalibrated += int(np.count_nonzero(planes.subjets == 0))

    def entries(self) -> FloatArray:
        """Effective number of unweighted splittings in each bin, (sum w)^2 / sum w^2."""
        return quotient(self.weights[0] ** 2, self.squares[0])

    def density(self) -> FloatArray:
        """Splittings per subjet of their p_T slice, in each variation; zero in a slice without subjets."""
        return quotient(self.weights, self.subjets[:, :, None, None])

    def counted(self) -> Counted:
        """Counts for the report, of the first variation."""
        axes = [
            hist.axis.Variable(edges, name=name, label=label, flow=False)
            for (name, label), edges in zip(INPUTS.items(), self.bins.edges, strict=True)
        ]
        histogram = hist.Hist(*axes, storage=hist.storage.Weight())
        histogram[...] = np.stack([self.weights[0], self.squares[0]], axis=-1)
        return Counted(
            splittings=histogram,
            subjets=self.subjets[0].tolist(),
            jets=self.jets,
            uncalibrated_jets=self.uncalibrated,
        )


def quotient(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Quotient, 0 where the denominator is."""
    numerator, denominator = np.broadcast_arrays(numerator, denominator)
    return np.divide(numerator, denominator, out=np.zeros(numerator.shape), where=denominator > 0)
