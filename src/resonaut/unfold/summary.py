"""The unfolded observables in bins: beside iterative unfolding, the simulation, and the truth where it is known."""

import numpy as np

from resonaut.learn.ratio import Sample
from resonaut.unfold import read
from resonaut.unfold.bayes import Response, counts, triangular
from resonaut.unfold.observable import covariance
from resonaut.unfold.omnifold import Array, Simulation
from resonaut.unfold.publish import NOMINAL, Unfolded
from resonaut.unfold.results import Compared, Run, Summary
from resonaut.unfold.settings import Settings


def summarise(inputs: read.Inputs, unfolded: Unfolded, runs: list[Run], settings: Settings) -> Summary:
    """Compare the result, events of all that pass at the particle level, with weights in fb."""
    data, background = read.data(inputs, settings), read.background(inputs, settings)
    simulation = read.simulation(inputs, settings)
    known = read.truth(inputs, settings) if inputs.truth else None
    names = [name for name, one in settings.observables.items() if one.edges is not None]
    places = {name: list(settings.observables).index(name) for name in names}
    found = {
        name: _compared(name, places[name], data, background, simulation, known, unfolded, inputs.luminosity, settings)
        for name in names
    }
    return Summary(observables=found, runs=runs)


def _compared(
    name: str,
    place: int,
    data: Sample,
    background: Sample | None,
    simulation: Simulation,
    known: Simulation | None,
    unfolded: Unfolded,
    luminosity: float,
    settings: Settings,
) -> Compared:
    edges = np.array(settings.observables[name].edges)
    response = Response.of(simulation, simulation.particle[:, place], simulation.detector[:, place], edges, edges)
    measured = counts(data.features[:, place], data.weights, edges)
    if background is not None:
        measured = np.maximum(measured - counts(background.features[:, place], background.weights, edges), 0)
    values = simulation.particle[simulation.at_particle, place]

    def histogram(column: str) -> Array:
        return counts(values, unfolded.read([column])[column] * luminosity, edges)

    nominal = histogram(NOMINAL)
    variance = np.zeros_like(nominal)
    for family in unfolded.families.values():
        variance += np.diag(covariance(nominal, np.stack([histogram(column) for column in family.columns]), family))
    shown = {
        "prior": response.particle,
        "omnifold": nominal,
        "bayes": response.unfold(measured, settings.bayes_iterations, settings.fakes),
    }
    truth = None if known is None else _truth(known, place, edges)
    return Compared(
        edges=edges.tolist(),
        truth=None if truth is None else truth.tolist(),
        triangular_prior=None if truth is None else triangular(shown["prior"], truth),
        triangular_omnifold=None if truth is None else triangular(shown["omnifold"], truth),
        triangular_bayes=None if truth is None else triangular(shown["bayes"], truth),
        omnifold_error=np.sqrt(variance).tolist(),
        **{kind: counts.tolist() for kind, counts in shown.items()},
    )


def _truth(known: Simulation, place: int, edges: Array) -> Array:
    here = known.at_particle
    return counts(known.particle[here, place], known.weights[here], edges)
