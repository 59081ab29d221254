"""Weights of multi-prong jets in all variations, before they are normalised."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from resonaut.calibrate.correction import NOMINAL, LundCorrection
from resonaut.calibrate.factors import Tables, only, products, table_alone, tables_of
from resonaut.calibrate.jets import Jets
from resonaut.calibrate.matching import BoolArray, match
from resonaut.calibrate.settings import Settings
from resonaut.physics.clustering import FloatArray

# Factor up and down on the weight of a jet whose quarks the subjets miss, with one prong more or less as well.
UNCLUSTERED = 5.0
JET_SOURCES = ("b_quark", "prongs", "unclustered", "distortion")


@dataclass(frozen=True)
class Calibration:
    """The correction in the form that the weights are made from."""

    tables: Tables
    b_light: Tables
    settings: Settings

    @classmethod
    def of(cls, correction: LundCorrection, settings: Settings) -> "Calibration":
        """Prepare a correction."""
        tables = tables_of(correction, settings.toys, settings.seed)
        b_light = table_alone(correction.bins, correction.b_light, correction.factor_range, "b_light")
        return cls(tables, b_light, settings)

    @property
    def variations(self) -> dict[str, slice]:
        """Where in the last axis of an array of weights each variation is."""
        names = dict(self.tables.names)
        for name in (f"{source}_{way}" for source in JET_SOURCES for way in ("up", "down")):
            end = max(s.stop for s in names.values())
            names[name] = slice(end, end + 1)
        return names


class JetWeights(NamedTuple):
    """One jet of each event: ``weight`` (jets, variations), clipped; whether it is calibrated; bad matching."""

    weight: FloatArray
    calibrated: BoolArray
    bad_match: BoolArray
    unclustered: BoolArray


def weigh(jets: Jets, calibration: Calibration, distortion: Tables) -> JetWeights:
    """Weights of jets: the product of the factors of all splittings in subjets that a quark is matched to.

    A jet with fewer constituents than prongs has weight 1 in every variation. ``distortion`` holds the factors that
    bring the dataset's Lund plane to that of the simulated W jets.
    """
    settings, variations = calibration.settings, calibration.variations
    planes = jets.planes(settings)
    found = match(planes, jets.quarks)
    used, bad = found.quarks > 0, found.bad(planes)
    shared = products(planes, used, calibration.tables)
    nominal = shared[:, 0]
    b_quark = products(planes, used & found.is_b, calibration.b_light)[:, 0]
    distorted = products(planes, used, distortion)[:, 0]
    fewer, more, unclustered = _other_prongs(jets, nominal, bad, calibration)
    lost = np.where(unclustered, UNCLUSTERED, 1.0)
    pairs = ((b_quark, 1 / b_quark), (more / nominal, fewer / nominal), (lost, 1 / lost), (distorted, 1 / distorted))
    columns = [nominal * factor for pair in pairs for factor in pair]
    weight = np.concatenate([shared, np.stack(columns, axis=1)], axis=1)
    calibrated = planes.subjets > 0
    weight = np.where(calibrated[:, None], np.clip(weight, *settings.weight_range), 1.0)
    assert weight.shape[1] == max(s.stop for s in variations.values())
    return JetWeights(weight, calibrated, bad, unclustered & calibrated)


def _other_prongs(
    jets: Jets, nominal: FloatArray, bad: BoolArray, calibration: Calibration
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Weights with one prong less and more, where bad matching or a quark at the jet's edge asks for them.

    The last array tells the badly matched jets that not both repair: with one more, a quark still has no subjet or
    two share one; with one less, a subjet still has no quark or two. A jet with one prong cannot have one less.
    """
    weights, lost = [], np.zeros(len(bad), np.bool_)
    tables = only(calibration.tables, NOMINAL)
    for extra, edge in ((-1, jets.near_inside), (1, jets.near_outside)):
        rows = np.flatnonzero((bad | edge) & (jets.prongs + extra >= 1))
        planes = jets.planes(calibration.settings, extra, rows)
        found = match(planes, jets.quarks_of(rows))
        weight = nominal.copy()
        clustered = planes.subjets > 0
        weight[rows[clustered]] = products(planes, found.quarks > 0, tables)[clustered, 0]
        weights.append(weight)
        lost[rows] |= ~(found.alone & (found.matched == np.minimum(planes.subjets, jets.prongs[rows])) & clustered)
    return weights[0], weights[1], bad & lost
