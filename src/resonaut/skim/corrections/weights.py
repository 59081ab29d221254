"""Weights of simulated events by tables: of pile-up and of generated particles."""

from typing import Any, Literal

import awkward as ak
import numpy as np

from resonaut.core.errors import InputFileError
from resonaut.skim.corrections.settings import Particles
from resonaut.skim.corrections.tables import FloatArray, Table

# The nominal weight, those of a source, or many that are equally likely.
Way = Literal["", "up", "down", "toys"]
LAST_COPY = 1 << 13


def pileup(table: Table, interactions: FloatArray) -> dict[Way, FloatArray]:
    """The weights by the mean number of interactions, shape (n,), as CMS's tables give them.

    Raises:
        InputFileError: the table asks for more than a number and the variation's name.
    """
    numbers = [name for name, kind in table.inputs.items() if kind != "string"]
    text = table.text()
    if len(numbers) != 1 or text is None:
        problem = f"{table.correction.name!r} is not by one number and the name of a variation"
        raise InputFileError(table.path, problem, "name a table of pile-up weights")
    ways: dict[Way, str] = {"": "nominal", "up": "up", "down": "down"}
    return {way: table({numbers[0]: interactions, text: word}) for way, word in ways.items()}


def of_particles(particles: ak.Array, settings: Particles) -> dict[Way, FloatArray]:
    """The geometric mean of a table's values for the last copies of some particles, shape (n,); 1 without any.

    Args:
        particles: events * var * {pdgId, statusFlags, pt, eta, phi, mass}.
        settings: the kinds, the table and its inputs.

    Raises:
        InputFileError: the table is missing, or asks for something else.
    """
    table = Table.of(settings.file, settings.table)
    wanted = (particles.statusFlags & LAST_COPY) > 0
    kind, chosen = np.abs(particles.pdgId), ak.zeros_like(wanted)
    for number in settings.kinds:
        chosen = chosen | (kind == abs(number))
    found = particles[wanted & chosen]
    quantities: dict[str, Any] = {name: found[field] for name, field in settings.inputs.items()}
    words: dict[Way, str | None] = {"": settings.nominal, "up": settings.up, "down": settings.down}
    text = table.text()
    weights: dict[Way, FloatArray] = {}
    for way, word in words.items():
        if word is None or (way and text is None):
            continue
        values = table.of_jets(found, quantities | ({text: word} if text else {}))
        number = np.maximum(ak.to_numpy(ak.num(values)), 1)
        weights[way] = np.asarray(ak.to_numpy(ak.prod(values, axis=1)) ** (1 / number))
    return weights
