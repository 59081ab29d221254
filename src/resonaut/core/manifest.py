"""What is known of a skimmed dataset beside its events."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from resonaut.core import results
from resonaut.core.datasets import Nature
from resonaut.core.errors import ConfigError
from resonaut.core.record import record
from resonaut.core.results import result


@record
class Cut:
    """A line of a cutflow: the events, and their summed generator weights, that pass this ``cut`` and those above."""

    cut: str
    events: int
    sum_weights: float


@record
class Lost:
    """What of a file could not be used, why, and its ``events``, None for an unknown number."""

    file: str
    reason: str
    events: int | None


@result("manifest of a dataset", "skim merge")
class Manifest:
    """What ``skim`` found in a dataset: the content of ``<results>/skim/<dataset>.json``.

    ``luminosity`` in 1/fb (data), ``cross_section`` in fb and ``mass`` in GeV (simulation); ``era``: of which data;
    ``weight_scale`` turns a generator weight into fb (1 for data); ``cutflow`` is in order; ``notes`` say
    what was missing in the files and what counts in its place. ``dropped`` are rows of the chunks' files that are
    copies of other events: they are no part of the dataset, and no later stage sees them. ``variations``: those that
    shift objects, ``<source>_<up|down>``, each with its group; all numbers are those of the nominal selection.
    """

    name: str
    nature: Nature
    era: str | None
    chunks: list[str]
    events: int
    luminosity: float | None
    cross_section: float | None
    mass: float | None
    weight_scale: float
    cutflow: list[Cut]
    lost: list[Lost]
    notes: list[str]
    dropped: dict[str, list[int]]
    variations: dict[str, str]


def read(paths: Iterable[Path]) -> list[Manifest]:
    """The manifests ``<results>/skim/<dataset>.json``; see ``results.read``."""
    return [results.read(path, Manifest) for path in paths]


def luminosities(manifests: Iterable[Manifest]) -> dict[str | None, float | None]:
    """The luminosity of each era in 1/fb, None where it is not known.

    Where files of one dataset were lost, it and others of its era have different ones: the mean by their events.

    Raises:
        ConfigError: of several datasets one has no era.
    """
    eras: dict[str | None, list[Manifest]] = {}
    for one in manifests:
        eras.setdefault(one.era, []).append(one)
    alone = eras.get(None, [])
    if len(alone) > 1 or (alone and len(eras) > 1):
        raise ConfigError(
            f"dataset {alone[0].name!r} is one of several and has no era; set datasets.{alone[0].name}.era."
        )
    return {era: _mean_luminosity(found) for era, found in eras.items()}


def total_luminosity(manifests: Iterable[Manifest]) -> float | None:
    """In 1/fb: datasets of one era share it, those of several eras add up. None where one has none."""
    found = luminosities(manifests)
    return None if None in found.values() else sum(filter(None, found.values()))


def known_luminosity(data: Sequence[Manifest]) -> float:
    """The ``total_luminosity`` of data in 1/fb.

    Raises:
        ConfigError: a dataset has none.
    """
    for one in data:
        if one.luminosity is None:
            raise ConfigError(f"dataset {one.name!r} has no luminosity; set datasets.{one.name}.luminosity.")
    found = total_luminosity(data)
    assert found is not None
    return found


def share(simulated: Manifest, data: Sequence[Manifest]) -> float:
    """The part of the luminosity of data that a simulated dataset stands for: that of its era, 1 where it has none.

    Raises:
        ConfigError: it is of an era that these data do not have, or one of several has no luminosity.
    """
    if simulated.era is None:
        return 1.0
    found = luminosities(data)
    if simulated.era not in found:
        names = " + ".join(one.name for one in data)
        raise ConfigError(
            f"dataset {simulated.name!r} is of the era {simulated.era!r}, and {names!r} is not; correct one."
        )
    return 1.0 if len(found) == 1 else (found[simulated.era] or 0.0) / known_luminosity(data)


def _mean_luminosity(found: Sequence[Manifest]) -> float | None:
    known = [one.luminosity for one in found if one.luminosity is not None]
    if len(known) < len(found):
        return None
    if len(set(known)) == 1:
        return known[0]
    return sum(one * max(of.events, 1) for one, of in zip(known, found, strict=True)) / sum(
        max(one.events, 1) for one in found
    )
