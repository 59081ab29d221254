"""The judgement of emulated showers, all measures together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resonaut.core.identifier import derived_seed
from resonaut.emulate.evaluate import FLOOR, classifier, distances
from resonaut.emulate.evaluate.energies import Point, matched
from resonaut.emulate.evaluate.inputs import features, high_level, low_level
from resonaut.emulate.evaluate.nearest import overtraining
from resonaut.emulate.evaluate.observables import agreement, histogram, moments, separation
from resonaut.emulate.evaluate.settings import Evaluate
from resonaut.emulate.results import Evaluation, Layer, MeanShower, Observable, Overtraining, Response, Spectrum
from resonaut.physics.showers.files import Showers
from resonaut.physics.showers.geometry import Geometry
from resonaut.physics.showers.observables import observables

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Compared:
    """Simulated and emulated showers, equally many at each of the ``points``, and their observables."""

    simulated: Showers
    emulated: Showers
    points: Sequence[Point]
    of_simulated: Mapping[str, Floats]
    of_emulated: Mapping[str, Floats]

    @classmethod
    def of(cls, simulated: Showers, emulated: Showers, geometry: Geometry, ranges: int) -> "Compared":
        """Match the samples.

        Raises:
            EmptySelectionError: a sample has too few showers of an energy.
        """
        (first, second), points = matched([simulated, emulated], ["simulated", "emulated"], ranges)
        return cls(first, second, points, observables(first, geometry), observables(second, geometry))

    def at(self, point: Point, name: str) -> tuple[Floats, Floats]:
        """An observable of both samples at an energy."""
        return self.of_simulated[name][point.rows], self.of_emulated[name][point.rows]


def evaluate(
    simulated: Showers,
    training: Showers,
    emulated: Showers | None,
    geometry: Geometry,
    settings: Evaluate,
    threshold: float,
    name: str = FLOOR,
) -> Evaluation:
    """Judge emulated showers; without any, the training showers as if a model had made them, for the floor.

    Args:
        simulated: showers that no model has seen.
        training: those that the model has learned from.
        emulated: those of the model, with the incident energies of ``simulated``.
        geometry: their voxels.
        settings: how they are judged.
        threshold: voxels with less energy (MeV) are empty, in all samples.
        name: of the model.

    Raises:
        EmptySelectionError: a sample has too few showers of an energy.
        NotFiniteError: the training of a classifier diverges.
    """
    simulated, training = _above(simulated, threshold), _above(training, threshold)
    made = training if emulated is None else _above(emulated, threshold)
    pair = Compared.of(simulated, made, geometry, settings.energy_bins)
    first, second = (pair.simulated, pair.of_simulated), (pair.emulated, pair.of_emulated)
    voxels = low_level(pair.simulated), low_level(pair.emulated)
    high, plain = (high_level(*first), high_level(*second)), (features(*first), features(*second))
    seed = settings.seed
    return Evaluation(
        name=name,
        particle=geometry.particle,
        layers=[Layer(number=one.number, r_edges=list(one.r_edges), n_alpha=one.n_alpha) for one in geometry.layers],
        threshold=threshold,
        showers=len(pair.simulated),
        responses=_responses(pair),
        observables=_observables(pair, settings.bins),
        spectra=_spectra(pair, settings.shown),
        means=_means(pair, settings.shown),
        low_level=classifier.area(*voxels, settings.classifier, derived_seed(seed, 0)),
        high_level=classifier.area(*high, settings.classifier, derived_seed(seed, 1)),
        frechet=distances.frechet(*plain, derived_seed(seed, 2)),
        kernel=distances.kernel(*plain, derived_seed(seed, 3)),
        overtraining=None if emulated is None else _overtraining(training, simulated, made, settings),
    )


def _above(showers: Showers, threshold: float) -> Showers:
    return Showers(showers.energies, np.where(showers.voxels < threshold, np.float32(0), showers.voxels))


def _responses(pair: Compared) -> list[Response]:
    found = []
    for point in pair.points:
        values = pair.at(point, "response")
        found.append(
            Response(
                energy=point.energy,
                showers=len(values[0]),
                simulated=moments(values[0]),
                emulated=moments(values[1]),
                histogram=histogram(*values),
            )
        )
    return found


def _observables(pair: Compared, bins: int) -> list[Observable]:
    return [
        Observable(
            name=name,
            separation=separation(values, pair.of_emulated[name], bins),
            tests=[agreement(*pair.at(point, name), bins) for point in pair.points],
        )
        for name, values in pair.of_simulated.items()
    ]


def _nearest_points(points: Sequence[Point], wanted: Sequence[float]) -> list[Point]:
    """The points nearest to wanted energies in their ratio, each once."""
    energies = np.array([point.energy for point in points])
    places = dict.fromkeys(int(np.abs(np.log(energies / one)).argmin()) for one in wanted)
    return [points[place] for place in places]


def _spectra(pair: Compared, shown: Sequence[float]) -> list[Spectrum]:
    return [
        Spectrum(name=name, energy=point.energy, histogram=histogram(*pair.at(point, name)))
        for point in _nearest_points(pair.points, shown)
        for name in pair.of_simulated
    ]


def _means(pair: Compared, shown: Sequence[float]) -> list[MeanShower]:
    return [
        MeanShower(
            energy=point.energy,
            simulated=pair.simulated.voxels[point.rows].mean(axis=0, dtype=np.float64).tolist(),
            emulated=pair.emulated.voxels[point.rows].mean(axis=0, dtype=np.float64).tolist(),
        )
        for point in _nearest_points(pair.points, shown)
    ]


def _overtraining(training: Showers, simulated: Showers, emulated: Showers, settings: Evaluate) -> Overtraining:
    names = ["training", "simulated", "emulated"]
    samples, points = matched([training, simulated, emulated], names, settings.energy_bins)
    first, second, third = samples
    return overtraining(first, second, third, points, settings.nearest)
