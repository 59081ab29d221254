"""The inputs of a published network as its ``preprocess.json`` declares them, in the form of CMS and of weaver.

Each input is a group of variables (``resonaut.physics.tagger_variables``) of one kind of a jet's objects, in order.
CMSSW's ``ParticleNetConstructor`` and ``center_norm_pad`` (``RecoBTag/FeatureTools/src/deep_helpers.cc``) define what
is done to them: a value that is not finite is replaced, then (x - median) * norm_factor is clipped, and what a jet has
fewer than ``min_length`` objects is filled with ``pad``; what it has beyond ``max_length`` is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resonaut.core.errors import InputFileError
from resonaut.core.record import NonNegative, Positive, build, key, keys, record
from resonaut.physics.contents import Contents
from resonaut.physics.tagger_variables import VARIABLES, Kind, require_known

# A number beyond this is not finite for CMS (catch_infs).
INFINITE = 1e32


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
    var_length: Positive[int] | None = key("Number of objects.", default=None)
    min_length: NonNegative[int] | None = key("Least number of objects.", default=None)
    max_length: Positive[int] | None = key("Largest number of objects.", default=None)
    input_shape: list[int] | None = key("The same for one jet, as CMS's first files have it.", default=None)

    def problem(self) -> str | None:
        """What contradicts itself; None where nothing does."""
        if missing := [name for name in self.var_names if name not in self.var_infos]:
            return f"var_infos has no {', '.join(missing)}"
        if self.var_length is None and (self.min_length is None or self.max_length is None):
            return "has neither var_length nor min_length and max_length"
        if self.shortest > self.longest:
            return f"min_length {self.shortest} is above max_length {self.longest}"
        if self.input_shape is not None and self.input_shape[1:] != [len(self.var_names), self.longest]:
            return f"input_shape {self.input_shape} is not that of {len(self.var_names)} variables of {self.longest}"
        for name, info in self.var_infos.items():
            if not info.lower_bound <= info.pad <= info.upper_bound:
                return f"pad {info.pad:g} of {name} is outside of {info.lower_bound:g} to {info.upper_bound:g}"
        return None

    @property
    def shortest(self) -> int:
        """The least number of objects."""
        return self.var_length or self.min_length or 0

    @property
    def longest(self) -> int:
        """The largest number of objects."""
        return self.var_length or self.max_length or 0


@dataclass(frozen=True)
class Preprocess:
    """All inputs by name, in the network's order, and the names of its outputs where the file has them."""

    groups: dict[str, Group]
    outputs: tuple[str, ...]

    @classmethod
    def of(cls, content: Any, source: Path | str) -> "Preprocess":
        """From the content of the file.

        Raises:
            ConfigError: a key is missing or wrong.
            InputFileError: it is no such file, or a variable is unknown.
        """
        remedy = "give the preprocess.json that was published with the network"
        if not isinstance(content, dict) or not isinstance(names := content.get("input_names"), list) or not names:
            raise InputFileError(source, "has no list input_names", remedy)
        if missing := [str(name) for name in names if name not in content]:
            raise InputFileError(source, f"has no input {missing[0]!r}, which input_names has", remedy)
        groups = {str(name): build(_known(content[name]), Group, f"{source}: {name}") for name in names}
        outputs = content.get("output_names") or content.get("flav_names") or []
        found = cls(groups, tuple(map(str, outputs)))
        for name, group in groups.items():
            require_known(group.var_names, f"{source}: {name}")
            if (problem := group.problem()) is not None:
                raise InputFileError(f"{source}: {name}", problem, remedy)
        return found

    def kind(self, name: str) -> Kind:
        """What the objects of an input are."""
        return VARIABLES[self.groups[name].var_names[0]].kind

    def fields(self, kind: Kind) -> tuple[str, ...]:
        """The fields of these objects that the variables need beside the momentum."""
        variables = [VARIABLES[name] for group in self.groups.values() for name in group.var_names]
        return tuple(dict.fromkeys(name for one in variables if one.kind == kind for name in one.fields))

    def lengths(self, contents: Contents) -> NDArray[np.int64]:
        """How many objects of each input a jet has in the network, (n, inputs)."""
        counts = {"candidate": contents.candidates.counts, "vertex": contents.vertices.counts}
        one = np.ones(len(contents), np.int64)
        found = [
            np.clip(counts.get(self.kind(name), one), group.shortest, group.longest)
            for name, group in self.groups.items()
        ]
        return np.stack(found, axis=1)

    def inputs(self, contents: Contents, lengths: Sequence[int]) -> dict[str, NDArray[np.float32]]:
        """The inputs of jets, (n, variables, length) each, whose objects are ordered."""
        jets, objects = contents.jet, {"candidate": contents.candidates, "vertex": contents.vertices}
        of_each = {kind: {name: v[some.jet] for name, v in jets.items()} for kind, some in objects.items()}
        found = {}
        for (name, group), length in zip(self.groups.items(), lengths, strict=True):
            rows = np.empty((len(contents), len(group.var_names), length), np.float32)
            for i, wanted in enumerate(group.var_names):
                variable, change = VARIABLES[wanted], group.var_infos[wanted]
                with np.errstate(all="ignore"):
                    if variable.kind == "jet":
                        rows[:, i] = change(variable.formula(jets, jets))[:, None]
                        continue
                    some = objects[variable.kind]
                    values = change(variable.formula(some.fields, of_each[variable.kind]))
                rows[:, i] = some.padded(values, length, change.pad)
            found[name] = rows
        return found


def _known(group: Any) -> Any:
    """A group without keys that only other programs read."""
    if not isinstance(group, dict) or not isinstance(infos := group.get("var_infos"), dict):
        return group
    of_each = {
        name: {one: value for one, value in info.items() if one in keys(Transformation)}
        if isinstance(info, dict)
        else info
        for name, info in infos.items()
    }
    return {name: value for name, value in group.items() if name in keys(Group)} | {"var_infos": of_each}
