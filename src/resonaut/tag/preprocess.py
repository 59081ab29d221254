"""The inputs of a published network as its files declare them, in the form of CMS or of weaver.

Each input is a group of variables (``resonaut.physics.tagger_variables``) of one kind of a jet's objects, in order.
CMSSW's ``ParticleNetConstructor`` and ``center_norm_pad`` (``RecoBTag/FeatureTools/src/deep_helpers.cc``) define what
is done to them: a value that is not finite is replaced, then (x - median) * norm_factor is clipped, and what a jet has
fewer than ``min_length`` objects is filled with ``pad``; what it has beyond ``max_length`` is left out. weaver may
repeat the objects in place of ``pad``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from resonaut.core.errors import InputFileError
from resonaut.core.record import build, key, keys, record
from resonaut.physics.contents import Contents, Objects
from resonaut.physics.declared_inputs import REMEDY, bases, declared, groups, variables
from resonaut.physics.tagger_variables import Kind, Variable

# A number beyond this is not finite for CMS (catch_infs).
INFINITE = 1e32
# No jet has as many objects, and no network of more of them would fit into memory.
MOST = 10_000
# A bound that is none.
UNBOUNDED = float(np.finfo(np.float32).max)


@record
class Transformation:
    """What is done to a variable; the defaults are those of CMS's first files, which do not have all keys."""

    median: float = key("Subtracted.")
    norm_factor: float = key("Multiplies the difference.")
    replace_inf_value: float = key("Stands for a value that is not finite.", default=0)
    lower_bound: float = key("Least value of the result.", default=-5)
    upper_bound: float = key("Largest value of the result.", default=5)
    pad: float = key("Value of a missing object.", default=0)

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The network's input of some values."""
        # CMS keeps features in single precision.
        single = values.astype(np.float32).astype(np.float64)
        known = np.where(np.isfinite(single) & (np.abs(single) <= INFINITE), single, self.replace_inf_value)
        found: NDArray[np.float64] = np.clip(
            (known - self.median) * self.norm_factor, self.lower_bound, self.upper_bound
        )
        return found


@record
class Group:
    """One input of the network: its variables in order, and for how many of a jet's objects."""

    var_names: list[str] = key("The variables.", min_length=1, unique=True)
    var_infos: dict[str, Transformation] = key("What is done to each.")
    var_length: int | None = key("Number of objects.", default=None, ge=1, le=MOST)
    min_length: int | None = key("Least number of objects.", default=None, ge=0, le=MOST)
    max_length: int | None = key("Largest number of objects.", default=None, ge=1, le=MOST)
    input_shape: list[int | None] | None = key("The same for one jet, as CMS's first files have it.", default=None)
    pad_mode: Literal["constant", "wrap"] | None = key(
        "What missing objects are, in weaver's files: `pad`, or the objects of the jet once more; null for `constant`.",
        default=None,
    )

    def problem(self, kind: Kind) -> str | None:
        """What contradicts itself in an input of these objects; None where nothing does."""
        if missing := [name for name in self.var_names if name not in self.var_infos]:
            return f"var_infos has no {', '.join(missing)}"
        if kind != "jet" and self.var_length is None and (self.min_length is None or self.max_length is None):
            return "has neither var_length nor min_length and max_length"
        if self.shortest > self.longest:
            return f"min_length {self.shortest} is above max_length {self.longest}"
        shape = [len(self.var_names), self.longest]
        stated = list(self.input_shape or ())[1:]
        # The first networks of CMS have a fourth size of 1.
        if (
            any(size not in (None, -1, mine) for size, mine in zip(stated, [*shape, 1], strict=False))
            or len(stated) > 3
        ):
            return f"input_shape {self.input_shape} is not that of {shape[0]} variables of {self.longest}"
        for name in self.var_names:
            info = self.var_infos[name]
            if info.lower_bound > info.upper_bound:
                return f"lower_bound {info.lower_bound:g} of {name} is above upper_bound {info.upper_bound:g}"
            # As CMSSW asserts; weaver fills up what is clipped already.
            if self.pad_mode is None and not info.lower_bound <= info.pad <= info.upper_bound:
                return f"pad {info.pad:g} of {name} is outside of {info.lower_bound:g} to {info.upper_bound:g}"
        return None

    @property
    def shortest(self) -> int:
        """The least number of objects."""
        return self.var_length or self.min_length or (0 if self.max_length else 1)

    @property
    def longest(self) -> int:
        """The largest number of objects; a jet is one."""
        return self.var_length or self.max_length or 1


@dataclass(frozen=True)
class Preprocess:
    """All inputs by name, in the network's order, and the names of its outputs where the file has them.

    ``variables``: what each of the names in ``var_names`` is; ``bases``: these names, and those in their formulas.
    """

    groups: dict[str, Group]
    outputs: tuple[str, ...]
    variables: dict[str, Variable]
    bases: frozenset[str]

    @classmethod
    def of(cls, given: Any, source: Path | str) -> "Preprocess":
        """From the content of the file.

        Raises:
            ConfigError: a key is missing or wrong.
            InputFileError: it is no such file, or a variable is unknown.
        """
        content = declared(given, source)
        known: dict[str, Variable] = {}
        found = {}
        for name, group in groups(content, source).items():
            where = f"{source}: {name}"
            mine = variables(content, group["var_names"], where)
            found[name] = build(_known(group), Group, where)
            if (problem := found[name].problem(next(iter(mine.values())).kind)) is not None:
                raise InputFileError(where, problem, REMEDY)
            known |= mine
        return cls(found, _outputs(content), known, bases(content, known))

    def kind(self, name: str) -> Kind:
        """What the objects of an input are."""
        return self.variables[self.groups[name].var_names[0]].kind

    def has(self, *kinds: Kind) -> bool:
        """Whether it has inputs of one of these kinds."""
        return any(one.kind in kinds for one in self.variables.values())

    def fields(self, *kinds: Kind) -> tuple[str, ...]:
        """The fields of these objects that the variables need beside the momentum."""
        apart = ("charge",) if "neutral" in kinds and self.has("neutral") else ()
        found = [name for one in self.variables.values() if one.kind in kinds for name in one.fields]
        return tuple(dict.fromkeys((*found, *apart)))

    def lengths(self, contents: Contents) -> NDArray[np.int64]:
        """How many objects of each input a jet has in the network, (n, inputs)."""
        objects, one = self._objects(contents), np.ones(len(contents), np.int64)
        found = []
        for name, group in self.groups.items():
            kind = self.kind(name)
            counts = one if kind == "jet" else objects[kind].counts
            found.append(np.clip(counts, group.shortest, group.longest))
        return np.stack(found, axis=1)

    def inputs(self, contents: Contents, lengths: Sequence[int]) -> dict[str, NDArray[np.float32]]:
        """The inputs of jets, (n, variables, length) each, whose objects are ordered."""
        jets, objects = contents.jet, self._objects(contents)
        of_each = {kind: {name: v[some.jet] for name, v in jets.items()} for kind, some in objects.items()}
        found = {}
        for (name, group), length in zip(self.groups.items(), lengths, strict=True):
            rows = np.empty((len(contents), len(group.var_names), length), np.float32)
            for i, wanted in enumerate(group.var_names):
                variable, change = self.variables[wanted], group.var_infos[wanted]
                with np.errstate(all="ignore"):
                    if variable.kind == "jet":
                        rows[:, i] = change.pad
                        rows[:, i, 0] = change(variable.formula(jets, jets))
                        continue
                    some = objects[variable.kind]
                    values = change(variable.formula(some.fields, of_each[variable.kind]))
                repeated = group.pad_mode == "wrap"
                rows[:, i] = some.wrapped(values, length) if repeated else some.padded(values, length, change.pad)
            found[name] = rows
        return found

    def _objects(self, contents: Contents) -> dict[Kind, Objects]:
        """The objects of each kind that has inputs."""
        found: dict[Kind, Objects] = {"candidate": contents.candidates, "vertex": contents.vertices}
        if self.has("neutral"):
            found["neutral"] = contents.candidates.kept(contents.candidates.fields["charge"] == 0)
        return found


def _outputs(content: dict[str, Any]) -> tuple[str, ...]:
    """The names of the outputs; none where weaver has written its targets' formulas in their place."""
    names = content.get("output_names") or content.get("flav_names") or []
    return tuple(map(str, names)) if isinstance(names, list) else ()


def _known(group: Any) -> Any:
    """A group without keys that only other programs read, and without those that have no value."""
    if not isinstance(infos := group.get("var_infos"), dict):
        return group
    of_each = {name: _transformation(info) if isinstance(info, dict) else info for name, info in infos.items()}
    return {name: value for name, value in group.items() if name in keys(Group) and value is not None} | {
        "var_infos": of_each
    }


def _transformation(info: dict[str, Any]) -> dict[str, Any]:
    found = {one: value for one, value in info.items() if one in keys(Transformation) and value is not None}
    for bound in ("lower_bound", "upper_bound"):
        if isinstance(value := found.get(bound), float) and np.isinf(value):
            found[bound] = float(np.copysign(UNBOUNDED, value))
    return found
