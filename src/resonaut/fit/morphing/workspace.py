"""Morphed signals in HistFactory: polynomials of couplings multiply the samples from which a signal is made.

Each sample keeps its own nuisances, so that these are morphed with it, exactly, in each bin of each channel. The
statistical errors do too: their variance is ``sum_s w_s^2 sigma_s^2`` with the samples' weights ``w_s``. The lite form
of Barlow and Beeston has one factor a bin for the sum of all samples at fixed weights, which is wrong for weights that
change sign; a morphed sample has a ``shapesys`` of its own instead.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

import numpy as np

from resonaut.core.errors import ConfigError
from resonaut.fit.morphing.basis import FloatArray, Morphing
from resonaut.fit.morphing.settings import Coupling, Morphed

# Plain JSON data of HistFactory's schema, or a part of them.
HistFactory = dict[str, Any]
# Bins in which the statistical variance of a sample, with the largest weight that it has in the couplings' ranges, is
# below this part of what is expected there have no parameter for it.
NEGLIGIBLE = 0.01
# Points of each coupling's range at which the largest weights are looked for.
POINTS = 9


def morphed(workspace: HistFactory, processes: Mapping[str, Morphed]) -> HistFactory:
    """The workspace with the samples of each process multiplied by polynomials of the couplings.

    The measurements get the couplings as parameters, fixed at their values: a limit on a cross section holds for given
    couplings. For each coupling that floats there is a measurement of its name more, in which it is the parameter of
    interest; the other couplings that float do so there, and what was the parameter of interest is fixed at 1.

    Raises:
        ConfigError: a sample is in no channel, or in two processes, or the points do not fix the polynomial.
    """
    found = deepcopy(workspace)
    known = couplings(processes)
    _require_apart(processes)
    for name, process in processes.items():
        solved = solve(name, process)
        places = {sample: number for number, sample in enumerate(solved.samples)}
        missing = set(places) - {sample["name"] for channel in found["channels"] for sample in channel["samples"]}
        if missing:
            raise ConfigError(
                f"config: fit: morphing.{name} has samples that the model has not: {', '.join(sorted(missing))}; add "
                "them to its samples, or correct the names."
            )
        largest = _largest_weights(solved, known)
        for channel in found["channels"]:
            expected = np.sum([s["data"] for s in channel["samples"] if s["name"] not in places] or [[0.0]], axis=0)
            for sample in (sample for sample in channel["samples"] if sample["name"] in places):
                number = places[sample["name"]]
                _attach(sample, name, solved, number)
                _free_statistics(channel["name"], sample, process.statistics, largest[number] ** 2, expected)
    found["measurements"] = [*_measurements(found["measurements"], known)]
    return found


def shares(processes: Mapping[str, Morphed]) -> dict[str, float]:
    """The weight of each sample of the processes where all couplings have their values.

    Raises:
        ConfigError: the points do not fix the polynomial.
    """
    known, found = couplings(processes), dict[str, float]()
    for name, process in processes.items():
        solved = solve(name, process)
        at = [known[coupling].value for coupling in solved.basis.couplings]
        found |= dict(zip(solved.samples, map(float, solved.weights(at)), strict=True))
    return found


def solve(name: str, process: Morphed) -> Morphing:
    """The weights of a process.

    Raises:
        ConfigError: its points do not fix the polynomial; begins with the key.
    """
    try:
        return Morphing.of(process.amplitude, process.samples)
    except ConfigError as error:
        raise ConfigError(f"config: fit: morphing.{name}: {error}") from None


def couplings(processes: Mapping[str, Morphed]) -> dict[str, Coupling]:
    """The couplings of all processes; those with one name are one.

    Raises:
        ConfigError: two processes have it in different ways.
    """
    found: dict[str, Coupling] = {}
    for process in processes.values():
        for name, coupling in process.couplings.items():
            if found.setdefault(name, coupling) != coupling:
                raise ConfigError(
                    f"config: fit: morphing has the coupling {name!r} in two processes, in different ways; give it "
                    "once, or alike."
                )
    every = (name for process in processes.values() for term in process.amplitude for name in term)
    return {name: found.get(name, Coupling()) for name in dict.fromkeys(every)}


def _require_apart(processes: Mapping[str, Morphed]) -> None:
    owner: dict[str, str] = {}
    for name, process in processes.items():
        for sample in process.samples:
            if sample in owner:
                raise ConfigError(
                    f"config: fit: the sample {sample!r} is in morphing.{owner[sample]} and morphing.{name}; take it "
                    "out of one."
                )
            owner[sample] = name


def _largest_weights(solved: Morphing, known: Mapping[str, Coupling]) -> FloatArray:
    """The largest absolute weight (S,) of each sample in the ranges of the couplings that float."""
    axes = [
        np.array([one.value]) if one.fixed else np.linspace(*one.range, POINTS)
        for one in (known[name] for name in solved.basis.couplings)
    ]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
    found: FloatArray = np.abs(solved.weights(grid)).max(axis=0)
    return found


def _attach(sample: HistFactory, process: str, solved: Morphing, number: int) -> None:
    """Multiply a sample by its polynomial."""
    terms = [
        [powers.tolist(), float(coefficient)]
        for powers, coefficient in zip(solved.basis.powers, solved.coefficients[number], strict=True)
    ]
    data = {"parameters": list(solved.basis.couplings), "terms": terms}
    sample["modifiers"].append({"name": f"{process}_{sample['name']}", "type": "polynomial", "data": data})


def _free_statistics(
    channel: str, sample: HistFactory, kept: bool, largest_squared: float, expected: FloatArray
) -> None:
    """Put a ``shapesys`` in the place of a sample's ``staterror``, with 0 where it would change nothing."""
    errors = next((np.array(one["data"], float) for one in sample["modifiers"] if one["type"] == "staterror"), None)
    sample["modifiers"] = [one for one in sample["modifiers"] if one["type"] != "staterror"]
    if errors is None or not kept:
        return
    data = np.where(errors**2 * largest_squared > NEGLIGIBLE * np.maximum(expected, 1.0), errors, 0.0)
    if data.any():
        name = f"statistics_{sample['name']}_{channel}"
        sample["modifiers"].append({"name": name, "type": "shapesys", "data": data.tolist()})


def _measurements(given: list[HistFactory], known: Mapping[str, Coupling]) -> Iterator[HistFactory]:
    """The measurements with the couplings among their parameters, and one more for each that floats."""
    for one in given:
        yield _measurement(one["name"], one["config"]["poi"], one["config"]["parameters"], known, ())
    taken = {one["name"] for one in given}
    if not given:
        raise ConfigError("the workspace has no measurement; give one.")
    first = given[0]["config"]
    for name, coupling in known.items():
        if not coupling.fixed and name not in taken and name != first["poi"]:
            held = (first["poi"],) if first["poi"] and first["poi"] not in known else ()
            yield _measurement(name, name, first["parameters"], known, held)


def _measurement(
    name: str, poi: str, parameters: list[HistFactory], couplings: Mapping[str, Coupling], held: tuple[str, ...]
) -> HistFactory:
    """One measurement; the parameters ``held`` are 1."""
    own = {one["name"]: dict(one) for one in parameters}
    for other in held:
        own[other] = own.get(other, {"name": other}) | {"inits": [1.0], "fixed": True}
    for coupling, known in couplings.items():
        fixed = coupling != poi and (known.fixed or poi not in couplings)
        declared = {"name": coupling, "inits": [known.value], "bounds": [list(known.range)]}
        own.setdefault(coupling, declared | ({"fixed": True} if fixed else {}))
    return {"name": name, "config": {"poi": poi, "parameters": list(own.values())}}
