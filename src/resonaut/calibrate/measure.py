"""Lund planes of boosted W jets in data and simulation, and their ratio."""

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import awkward as ak
import hist
import numpy as np
import uhi.io.json
from tqdm import tqdm

from resonaut.calibrate import jets
from resonaut.calibrate.bins import FloatArray, LundBins, splittings_of
from resonaut.calibrate.correction import INPUTS, LundRatio
from resonaut.calibrate.settings import Settings
from resonaut.errors import EmptySelectionError
from resonaut.events import Dataset

W_PRONGS = 2
JET = "j1"

logger = logging.getLogger(__name__)


@dataclass
class Planes:
    """Weighted counts of splittings and of subjets, added up jet by jet.

    ``weights`` and ``squares`` (sums of weights and of their squares) have the shape ``bins.shape``,
    ``subjets`` the sum of weights of the subjets in each p_T slice.
    """

    bins: LundBins
    weights: FloatArray = field(init=False)
    squares: FloatArray = field(init=False)
    subjets: FloatArray = field(init=False)
    jets: int = 0
    uncalibrated: int = 0

    def __post_init__(self) -> None:
        self.weights, self.squares = np.zeros(self.bins.shape), np.zeros(self.bins.shape)
        self.subjets = np.zeros(self.bins.shape[0])

    def fill(self, subjets: ak.Array, weight: FloatArray) -> None:
        """Add the planes ``subjets`` (as from ``lund_plane``) of jets with the given weights.

        Jets without subjets (fewer constituents than prongs) count as ``uncalibrated`` only.
        """
        splittings = splittings_of(subjets)
        index, size = self.bins.flat(splittings), self.weights.size
        w = weight[splittings.jet]
        self.weights += np.bincount(index, w, size).reshape(self.bins.shape)
        self.squares += np.bincount(index, w**2, size).reshape(self.bins.shape)
        per_jet = ak.to_numpy(ak.num(subjets))
        slices = self.bins.slices(ak.to_numpy(ak.flatten(subjets.pt)))
        self.subjets += np.bincount(slices, np.repeat(weight, per_jet), self.bins.shape[0])
        self.jets += int(np.count_nonzero(per_jet))
        self.uncalibrated += int(np.count_nonzero(per_jet == 0))

    def entries(self) -> FloatArray:
        """Effective number of unweighted splittings in each bin, (sum w)^2 / sum w^2."""
        return np.divide(self.weights**2, self.squares, out=np.zeros(self.bins.shape), where=self.squares > 0)

    def density(self) -> FloatArray:
        """Splittings per subjet of their p_T slice; zero in a slice without subjets."""
        subjets = self.subjets[:, None, None]
        return np.divide(self.weights, subjets, out=np.zeros(self.bins.shape), where=subjets > 0)

    def to_json(self) -> dict[str, Any]:
        """Counts for the report: the histogram of splittings in UHI's layout, subjets and jets."""
        axes = [
            hist.axis.Variable(edges, name=name, label=label, flow=False)
            for (name, label), edges in zip(INPUTS.items(), self.bins.edges, strict=True)
        ]
        histogram = hist.Hist(*axes, storage=hist.storage.Weight())
        histogram[...] = np.stack([self.weights, self.squares], axis=-1)
        return {
            "splittings": json.loads(json.dumps(histogram, default=uhi.io.json.default)),
            "subjets": self.subjets.tolist(),
            "jets": self.jets,
            "uncalibrated_jets": self.uncalibrated,
        }


def ratio_of(data: Planes, simulation: Planes, minimum_entries: float) -> LundRatio:
    """Data/simulation ratio of the densities with its statistical error.

    A bin with fewer effective entries than ``minimum_entries`` (or none) on either side says nothing:
    1 with error 1.
    """
    n_data, n_simulation = data.entries(), simulation.entries()
    known = np.minimum(n_data, n_simulation) >= max(minimum_entries, np.finfo(float).tiny)
    ratio, error = np.ones(data.bins.shape), np.ones(data.bins.shape)
    ratio[known] = data.density()[known] / simulation.density()[known]
    error[known] = ratio[known] * np.sqrt(1 / n_data[known] + 1 / n_simulation[known])
    return LundRatio(data.bins, ratio, error)


def measure(data: Sequence[Path], simulation: Sequence[Path], settings: Settings) -> tuple[LundRatio, dict[str, Any]]:
    """Measure the ratio between the W jets of skimmed datasets, each side given by its manifests.

    Returns:
        The ratio, and planes, ratio and edges as plain data for ``planes.json``.

    Raises:
        EmptySelectionError: one side has no jet with two prongs' constituents.
    """
    planes = {"data": _planes(data, settings), "simulation": _planes(simulation, settings)}
    ratio = ratio_of(planes["data"], planes["simulation"], settings.minimum_entries)
    for side, plane in planes.items():
        logger.info("%s: %d W jets, and %d with too few constituents", side, plane.jets, plane.uncalibrated)
    return ratio, {
        "edges": dict(zip(INPUTS, map(list, settings.bins.edges), strict=True)),
        **{side: plane.to_json() for side, plane in planes.items()},
        "ratio": ratio.ratio.tolist(),
        "ratio_error": ratio.error.tolist(),
    }


def _planes(manifests: Iterable[Path], settings: Settings) -> Planes:
    planes = Planes(settings.bins)
    names = []
    for manifest in manifests:
        dataset = Dataset.open(manifest)
        names.append(dataset.name)
        batches = dataset.iterate([*jets.columns(JET), "weight"])
        for batch in tqdm(batches, desc=f"Lund planes of {dataset.name}", unit="batch", disable=None):
            planes.fill(jets.subjets_of(batch, JET, W_PRONGS, settings), ak.to_numpy(batch.weight))
    if not planes.jets:
        raise EmptySelectionError(
            f"datasets {', '.join(names)}: no jet with {W_PRONGS} or more constituents; "
            "loosen their region in `skim.regions` or give more events."
        )
    return planes
