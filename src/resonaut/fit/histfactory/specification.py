"""What a HistFactory workspace says: channels, samples and modifiers, read strictly, each fault one sentence.

The format is that of pyhf (https://pyhf.readthedocs.io, schema 1.0.0), with one modifier more, ``polynomial``, which
multiplies a sample by a polynomial in parameters:
``{"name": ..., "type": "polynomial", "data": {"parameters": [...], "terms": [[[powers], coefficient], ...]}}``.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resonaut.core.errors import ResonautError

Array = NDArray[np.float64]
# Plain JSON data of HistFactory's schema.
Workspace = dict[str, Any]

MODIFIERS = ("histosys", "lumi", "normfactor", "normsys", "shapefactor", "shapesys", "staterror", "polynomial")
# Sums and squares of numbers below it are numbers.
LARGEST = 1e100
# What a measurement may say of a parameter.
CONFIGURABLE = ("inits", "bounds", "auxdata", "factors", "sigmas", "fixed")


class WorkspaceError(ResonautError):
    """A workspace that no model can be made of."""


@dataclass(frozen=True)
class Term:
    """One of a polynomial: ``coefficient`` times the product of the parameters to their ``powers``."""

    powers: tuple[int, ...]
    coefficient: float


@dataclass(frozen=True)
class Modifier:
    """What a parameter does to a sample of N bins.

    ``high`` and ``low``: contents (N,) of a ``histosys``, factors (1,) of a ``normsys``; ``errors``: absolute, (N,), of
    ``shapesys`` and ``staterror``; ``parameters`` and ``terms`` of a ``polynomial``.
    """

    name: str
    kind: str
    high: Array | None = None
    low: Array | None = None
    errors: Array | None = None
    parameters: tuple[str, ...] = ()
    terms: tuple[Term, ...] = ()


@dataclass(frozen=True)
class Sample:
    """Expected ``contents`` (N,) of one process in a channel, and its ``modifiers`` in the order of their names."""

    name: str
    contents: Array
    modifiers: tuple[Modifier, ...]


@dataclass(frozen=True)
class Channel:
    """A histogram of N bins: ``samples`` in the order of their names, and the ``observed`` counts (N,)."""

    name: str
    samples: tuple[Sample, ...]
    observed: Array


@dataclass(frozen=True)
class Specification:
    """Channels in the order of their names, the parameter of interest if there is one, and what is set of parameters.

    ``source``: the workspace itself; ``settings``: by the name of a parameter, the lists ``inits``, ``bounds``,
    ``auxdata``, ``sigmas`` and ``factors``, and the boolean ``fixed`` that the measurement gives.
    """

    source: Workspace
    measurement: str
    interest: str | None
    channels: tuple[Channel, ...]
    settings: Mapping[str, Mapping[str, Any]]

    @staticmethod
    def of(workspace: Workspace, measurement: str | None = None) -> "Specification":
        """What a workspace says.

        Args:
            workspace: plain JSON data.
            measurement: the name of one of its measurements; by default the first.

        Raises:
            WorkspaceError: one sentence on the first fault.
        """
        observed = _observations(_list(workspace, "observations", "the workspace"))
        channels = [_channel(one, observed) for one in _list(workspace, "channels", "the workspace")]
        if not channels:
            raise WorkspaceError("the workspace has no channel; give one at least.")
        _require_once([one.name for one in channels], "channel", "the workspace")
        name, config = _measurement(_list(workspace, "measurements", "the workspace"), measurement)
        interest = config.get("poi") or None
        settings = _settings(_list(config, "parameters", f"measurement {name!r}", optional=True))
        return Specification(workspace, name, interest, tuple(sorted(channels, key=lambda one: one.name)), settings)


def _list(content: Any, key: str, where: str, optional: bool = False) -> list[Any]:
    if not isinstance(content, dict):
        raise WorkspaceError(f"{where} is no JSON object; give one.")
    if key not in content and not optional:
        raise WorkspaceError(f"{where} has no {key!r}; add them.")
    found = content.get(key, [])
    if not isinstance(found, list):
        raise WorkspaceError(f"{key!r} of {where} is no list; give one.")
    return found


def _name(content: Any, where: str) -> str:
    if not isinstance(content, dict) or not isinstance(content.get("name"), str) or not content["name"]:
        raise WorkspaceError(f"{where} has an entry without a name; give it one.")
    return str(content["name"])


def _numbers(values: Any, where: str, bins: int | None = None) -> Array:
    """Numbers (N,) that can be added and squared."""
    if not isinstance(values, list) or not values:
        raise WorkspaceError(f"{where} is no list of numbers; give one number for each bin.")
    for place, value in enumerate(values):
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise WorkspaceError(f"{where} has {value!r} in bin {place}; give a finite number.")
        if abs(value) > LARGEST:
            raise WorkspaceError(
                f"{where} has {value!r} in bin {place}, of which no likelihood can be calculated; give one below "
                f"{LARGEST:g}."
            )
    if bins is not None and len(values) != bins:
        raise WorkspaceError(f"{where} has {len(values)} bins, and there are {bins}; give one number for each bin.")
    return np.array(values, float)


def _require_once(names: Iterable[str], what: str, where: str) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise WorkspaceError(f"{where} has the {what} {name!r} {count} times; rename or take out one.")


def _observations(entries: list[Any]) -> dict[str, Array]:
    names = [_name(one, "'observations' of the workspace") for one in entries]
    _require_once(names, "observation", "the workspace")
    found = {}
    for name, one in zip(names, entries, strict=True):
        found[name] = _numbers(one.get("data"), f"the observation {name!r}")
        if (found[name] < 0).any():
            raise WorkspaceError(f"the observation {name!r} has a negative count; correct it.")
    return found


def _channel(content: Any, observed: Mapping[str, Array]) -> Channel:
    name = _name(content, "'channels' of the workspace")
    where = f"channel {name!r}"
    entries = _list(content, "samples", where)
    if not entries:
        raise WorkspaceError(f"{where} has no sample; give one at least.")
    if name not in observed:
        known = ", ".join(observed) or "none"
        raise WorkspaceError(f"{where} has no observation (there are: {known}); add its data to 'observations'.")
    samples = sorted((_sample(one, where, len(observed[name])) for one in entries), key=lambda one: one.name)
    _require_once([one.name for one in samples], "sample", where)
    if sum(one.contents.sum() for one in samples) < 0:
        raise WorkspaceError(f"the samples of {where} sum to a negative number of events; correct their contents.")
    _require_filled(name, samples, observed[name])
    return Channel(name, tuple(samples), observed[name])


def _require_filled(name: str, samples: Sequence[Sample], observed: Array) -> None:
    shifted = [
        contents
        for sample in samples
        for one in sample.modifiers
        if one.kind == "histosys"
        for contents in (one.high, one.low)
        if contents is not None
    ]
    filled = np.any([contents != 0 for contents in [*(sample.contents for sample in samples), *shifted]], axis=0)
    for number in np.flatnonzero(~filled & (observed > 0)):
        raise WorkspaceError(
            f"bin {number} of channel {name!r} has data ({observed[number]:g}), and no sample has anything there, so "
            "that no parameters can describe it; merge it with another, or leave it out."
        )


def _sample(content: Any, channel: str, bins: int) -> Sample:
    name = _name(content, f"'samples' of {channel}")
    where = f"sample {name!r} of {channel}"
    contents = _numbers(content.get("data"), f"'data' of {where}", bins)
    modifiers = [_modifier(one, where, bins) for one in _list(content, "modifiers", where)]
    _require_once([f"{one.name} ({one.kind})" for one in modifiers], "modifier", where)
    return Sample(name, contents, tuple(sorted(modifiers, key=lambda one: (one.name, one.kind))))


def _modifier(content: Any, sample: str, bins: int) -> Modifier:
    name, kind, data = _name(content, f"'modifiers' of {sample}"), content.get("type"), content.get("data")
    where = f"modifier {name!r} of {sample}"
    if kind not in MODIFIERS:
        raise WorkspaceError(f"{where} has the type {kind!r}; give one of {', '.join(MODIFIERS)}.")
    if kind in ("normfactor", "shapefactor", "lumi"):
        return Modifier(name, kind)
    if kind in ("shapesys", "staterror"):
        errors = _numbers(data, f"'data' of {where}", bins)
        if (errors < 0).any():
            raise WorkspaceError(f"{where} has a negative uncertainty; correct it.")
        return Modifier(name, kind, errors=errors)
    if not isinstance(data, dict):
        raise WorkspaceError(f"'data' of {where} is no JSON object; give one.")
    if kind == "polynomial":
        return _polynomial(name, data, where)
    high, low = ("hi", "lo") if kind == "normsys" else ("hi_data", "lo_data")
    if not {high, low} <= data.keys():
        raise WorkspaceError(f"'data' of {where} has no {high!r} and {low!r}; give both, one-sided or not.")
    if kind == "histosys":
        shifted = [_numbers(data[key], f"{key!r} of {where}", bins) for key in (high, low)]
        return Modifier(name, kind, shifted[0], shifted[1])
    factors = _numbers([data[high], data[low]], f"'data' of {where}")
    if (factors <= 0).any():
        raise WorkspaceError(f"{where} multiplies by {factors.min():g}; a normsys needs factors above 0.")
    return Modifier(name, kind, factors[:1], factors[1:])


def _polynomial(name: str, data: dict[str, Any], where: str) -> Modifier:
    parameters, terms = data.get("parameters"), data.get("terms")
    if not (isinstance(parameters, list) and parameters and all(isinstance(one, str) for one in parameters)):
        raise WorkspaceError(f"'parameters' of {where} is no list of names; give one.")
    _require_once(parameters, "parameter", where)
    if not (isinstance(terms, list) and terms):
        raise WorkspaceError(f"'terms' of {where} is no list; give [[powers], coefficient] for each term.")
    found = []
    for term in terms:
        try:
            powers, coefficient = term
            good = len(powers) == len(parameters) and all(type(one) is int and one >= 0 for one in powers)
        except (TypeError, ValueError):
            good = False
        if not good:
            raise WorkspaceError(f"{where} has the term {term!r}; give [[a power of each parameter], coefficient].")
        found.append(Term(tuple(powers), float(_numbers([coefficient], f"a term of {where}")[0])))
    return Modifier(name, "polynomial", parameters=tuple(parameters), terms=tuple(found))


def _measurement(entries: list[Any], wanted: str | None) -> tuple[str, dict[str, Any]]:
    names = [_name(one, "'measurements' of the workspace") for one in entries]
    if not names:
        raise WorkspaceError("the workspace has no measurement; give one, with its parameter of interest.")
    if wanted is not None and wanted not in names:
        raise WorkspaceError(f"the workspace has no measurement {wanted!r}; there are {', '.join(names)}.")
    place = 0 if wanted is None else names.index(wanted)
    config = entries[place].get("config")
    if not isinstance(config, dict):
        raise WorkspaceError(f"measurement {names[place]!r} has no 'config'; give it one.")
    return names[place], config


def _settings(entries: list[Any]) -> dict[str, dict[str, Any]]:
    names = [_name(one, "'parameters' of the measurement") for one in entries]
    _require_once(names, "parameter", "the measurement")
    found: dict[str, dict[str, Any]] = {}
    for name, one in zip(names, entries, strict=True):
        where = f"parameter {name!r} of the measurement"
        for key in one.keys() - {"name", *CONFIGURABLE}:
            raise WorkspaceError(f"{where} has the key {key!r}; the keys are {', '.join(CONFIGURABLE)}.")
        numbers = {key: _numbers(one[key], f"{key!r} of {where}") for key in one.keys() - {"name", "bounds", "fixed"}}
        bounds = {"bounds": _bounds(one["bounds"], where)} if "bounds" in one else {}
        if not isinstance(one.get("fixed", False), bool):
            raise WorkspaceError(f"'fixed' of {where} is {one['fixed']!r}; give true or false.")
        found[name] = {**numbers, **bounds, "fixed": one.get("fixed", False)}
    return found


def _bounds(entries: Any, where: str) -> Array:
    """Lower and upper (n, 2)."""
    if not isinstance(entries, list) or not entries:
        raise WorkspaceError(f"'bounds' of {where} is no list; give [[lower, upper]].")
    found = np.array([_numbers(one, f"'bounds' of {where}", 2) for one in entries])
    if (found[:, 0] >= found[:, 1]).any():
        raise WorkspaceError(f"'bounds' of {where} are upside down; give the lower one first.")
    return found
