"""What signal is put into: pseudo-data, simulated background drawn to the data's luminosity, or the data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import awkward as ak
import numpy as np

from resonaut.core.collisions import Collisions
from resonaut.core.events import KEY, Dataset, require_finite
from resonaut.core.weights import Weighted, Weights
from resonaut.select import drawing
from resonaut.select.drawing import Drawn, FloatArray, Injection
from resonaut.select.tally import scale_to_total, usable_events

# Part of the expected events that the simulation may lack, because a weight is negative or counts more than one event.
MOST_MISSING = 0.01


@dataclass(frozen=True)
class Base:
    """``events`` of ``luminosity`` in 1/fb; ``rest`` are others of the same background, none where it is not known.

    ``shared`` is the part of the events that another experiment with the same amount holds too; ``reason``: why it is
    data that may hold a signal already.
    """

    name: str
    kind: Literal["data", "pseudo_data", "background"]
    events: ak.Array
    rest: ak.Array
    luminosity: float
    shared: float
    reason: str | None


def draw(
    data: Collisions,
    simulation: Sequence[Dataset],
    columns: Sequence[str],
    friends: Sequence[str],
    injection: Injection,
    *,
    weighted: Weighted,
    held_out: bool,
) -> Base:
    """Read and draw the events of one experiment.

    Args:
        data: data or pseudo-data.
        simulation: background that takes the place of ``data`` where there is enough of it for their luminosity.
        columns: to read of each event, those of ``friends`` included.
        friends: folders to join.
        injection: says how much of it, and the seed.
        weighted: by dataset, the friends with weights that it has.
        held_out: events of the simulation that trained the tagger are left out, and the others stand for them.

    Raises:
        ConfigError: a dataset without luminosity, or with less of it than is to be drawn.
    """
    pseudo = data.without_signal
    reason = None if pseudo else "there are no pseudo-data, and no simulation that the method does not learn from"
    if simulation:
        luminosity = injection.luminosity or data.luminosity
        parts = [_read(dataset, columns, friends, weighted.get(dataset.name, ()), held_out) for dataset in simulation]
        pool, name = ak.concatenate(parts), " + ".join(dataset.name for dataset in simulation)
        expected = luminosity * _weights(pool, name)
        probability = np.clip(expected, 0.0, 1.0)
        if np.abs(expected - probability).sum() <= MOST_MISSING * expected.sum():
            drawn = Drawn(injection.generator(0).random(len(pool)) < probability, probability)
            pool = pool[[*KEY, *columns]]
            # What is not drawn has other weights, and is no sample of this background.
            return Base(name, "background", pool[drawn.mask], pool[:0], luminosity, drawn.shared, None)
        reason = f"{len(pool)} events of {name} cannot make up the {expected.sum():.0f} of {luminosity:g}/fb"
    pool = data.read(columns, friends)
    mask, luminosity, shared = drawing.draw_base(data, len(pool), injection)
    kind: Literal["pseudo_data", "data"] = "pseudo_data" if pseudo else "data"
    return Base(data.name, kind, pool[mask], pool[~mask], luminosity, shared, reason)


def _read(
    dataset: Dataset, columns: Sequence[str], friends: Sequence[str], weighted: Sequence[str], held_out: bool
) -> ak.Array:
    """The events with ``weight``, all weights of the dataset's friends included, and with what the tagger knows."""
    weights = Weights.of(dataset, weighted)
    known = ("tag_train",) if held_out else ()
    wanted = tuple(dict.fromkeys((*columns, "weight", *weights.columns, *known)))
    events = dataset.read(wanted, tuple(dict.fromkeys((*friends, *weighted))))
    total = ak.to_numpy(events.weight).astype(np.float64) * weights.nominal(events)
    return ak.with_field(events[list(dict.fromkeys((*KEY, *columns, *known)))], total, "weight")


def _weights(events: ak.Array, name: str) -> FloatArray:
    """Cross section of each event in fb; 0 for those that trained the tagger, for which the others stand."""
    weights: FloatArray = ak.to_numpy(events.weight)
    require_finite(weights, "weight", name)
    usable = usable_events(events)
    return weights * usable * scale_to_total(float(weights.sum()), float(weights[usable].sum()), name)
