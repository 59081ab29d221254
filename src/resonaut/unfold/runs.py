"""A run of an unfolding: of datasets, one member of the ensemble, one replica, or one variation."""

from dataclasses import replace

import numpy as np

from resonaut.core.errors import during
from resonaut.core.identifier import derived_seed
from resonaut.unfold import read
from resonaut.unfold.kinds import DATA, ENSEMBLE, MC, Kind
from resonaut.unfold.omnifold import Array, OmniFold, require_usable
from resonaut.unfold.results import Run
from resonaut.unfold.settings import Train


def train(inputs: read.Inputs, run: str, settings: Train) -> tuple[Run, dict[str, np.ndarray]]:
    """Unfold once: what happened, and KEY and ``weights`` in fb of the events that pass at the particle level."""
    kind = Kind.of(run)
    replica = 2 * kind.number + 1 if kind.kind == MC else None
    unvaried = read.unvaried(inputs, kind.variation)
    data, background = read.data(inputs, settings), read.background(inputs, settings, kind.variation, replica)
    simulation = read.simulation(inputs, settings, kind.variation, replica)
    require_usable(data, simulation, background, *read.columns(settings))
    if kind.kind == DATA:
        data = data.bootstrap(2 * kind.number)
    classifier = settings.classifier
    if kind.kind == ENSEMBLE:
        classifier = replace(classifier, seed=derived_seed(classifier.seed, kind.number))
    with during("unfold"):
        found = OmniFold.fit(data, simulation, background, replace(settings, classifier=classifier))
    here = simulation.at_particle
    weights: Array = (found.weights * simulation.weights)[here] / inputs.luminosity
    report = Run(
        run=run,
        unvaried=unvaried,
        data=float(data.weights.sum()),
        simulated=int(np.count_nonzero(here)),
        negative=(found.signed[0].negative, found.signed[1].negative),
        signs_clipped=(found.signed[0].clipped, found.signed[1].clipped),
        iterations=found.iterations,
    )
    return report, {**read.identifiers(inputs, settings), "weights": weights}
