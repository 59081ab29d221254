"""A published network as a classifier: its ONNX files, the arrays that they take, and what their outputs are.

A graph runs no code of its own: onnxruntime knows every operation, or refuses the file.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from resonaut.core.errors import InputFileError, NotFiniteError
from resonaut.learn import onnx
from resonaut.learn.ratio.crossfit import as_ratio
from resonaut.reweight.settings import Input, Published

Floats = NDArray[np.float64]
Arrays = dict[str, Floats]

KEY = "reweight.ratios.<name>.published"
# Events that the network sees at once, where the file leaves their number open.
BATCH = 10_000
# The outputs of a softmax sum to one within this.
PROBABILITY = 1e-3
LOGARITHMS: dict[str, Callable[[Floats], Floats]] = {"natural": np.log, "decimal": np.log10}
PRECISIONS = {"tensor(float)": np.float32, "tensor(double)": np.float64}


@dataclass(frozen=True)
class Graph:
    """One ONNX file: its session, and the name of the output that counts."""

    path: Path
    session: Any
    output: str
    form: str

    @classmethod
    def open(cls, path: Path, settings: Published) -> "Graph":
        """Open a file.

        Raises:
            InputFileError: it is missing, no ONNX file that onnxruntime can run, or one with other inputs or outputs.
        """
        try:
            session = onnx.session(path.read_bytes())
        except OSError:
            raise InputFileError(path, "no such file", f"correct {KEY}.files") from None
        except Exception as error:  # onnxruntime's exceptions share no public base class
            if "External data" in str(error):
                raise InputFileError(path, "its weights are in another file", "save it as one file") from None
            raise InputFileError(path, f"not a readable ONNX model ({_line(error)})", "fetch it again") from None
        _require_inputs(path, session, settings)
        outputs = {one.name: one.type for one in session.get_outputs()}
        output = settings.output if settings.output is not None else next(iter(outputs))
        if output not in outputs or (settings.output is None and len(outputs) > 1):
            raise InputFileError(path, f"it has the outputs {', '.join(outputs)}", f"name one in {KEY}.output")
        if outputs[output] not in PRECISIONS:
            raise InputFileError(path, f"its output {output} is a {outputs[output]}, no number", "name another one")
        return cls(path, session, output, settings.form)

    def takes_particles(self, name: str) -> bool:
        """Whether an input is (events, particles, numbers), and not (events, numbers)."""
        return any(one.name == name and len(one.shape) == 3 for one in self.session.get_inputs())

    def probabilities(self, arrays: Arrays) -> Floats:
        """p0 and p1 of events, shape (n, 2).

        Raises:
            InputFileError: the network refuses the arrays, or gives no probabilities of two samples.
        """
        batch = max((one.shape[0] for one in self.session.get_inputs() if _is_fixed(one.shape)), default=BATCH)
        events = len(next(iter(arrays.values())))
        parts = [self._run(arrays, i, i + batch) for i in range(0, events, batch)]
        found = np.concatenate(parts) if parts else np.empty((0, 2))
        if found.shape[1] not in (1, 2):
            raise InputFileError(self.path, f"it has {found.shape[1]} outputs, not p0 and p1", "give another file")
        if self.form == "logits":
            upper = expit(found[:, -1] - (found[:, 0] if found.shape[1] == 2 else 0))
            return np.column_stack([1 - upper, upper])
        if found.shape[1] == 1:
            found = np.column_stack([1 - found[:, 0], found[:, 0]])
        if len(found) and not (found.min() >= 0 and np.abs(found.sum(axis=1) - 1).max() < PROBABILITY):
            raise InputFileError(
                self.path, "its outputs are no probabilities of two samples", f"set {KEY}.form to logits if they are"
            )
        return found

    def _run(self, arrays: Arrays, start: int, stop: int) -> Floats:
        """The output for some of the events, (n, outputs)."""
        given = {
            one.name: np.ascontiguousarray(arrays[one.name][start:stop], PRECISIONS[one.type])
            for one in self.session.get_inputs()
        }
        try:
            found = np.asarray(self.session.run([self.output], given)[0], np.float64)
        except Exception as error:  # as above
            shapes = ", ".join(str(array.shape) for array in given.values())
            problem = f"the network refuses inputs of shape {shapes} ({_line(error)})"
            raise InputFileError(self.path, problem, f"correct {KEY}.inputs") from None
        events = len(next(iter(given.values())))
        if found.size % events or not np.isfinite(found).all():
            raise InputFileError(self.path, "it does not give finite numbers for each event", "give another file")
        return found.reshape(events, -1)


def _require_inputs(path: Path, session: Any, settings: Published) -> None:
    """Stop where the file takes other arrays than are declared."""
    taken = {one.name: one for one in session.get_inputs()}
    if taken.keys() != settings.inputs.keys():
        problem = f"it takes the inputs {', '.join(taken)}, not {', '.join(settings.inputs)}"
        raise InputFileError(path, problem, f"correct {KEY}.inputs")
    for name, one in taken.items():
        if one.type not in PRECISIONS:
            raise InputFileError(path, f"its input {name} is a {one.type}", "give a network of floating-point numbers")
        rows = settings.inputs[name]
        declared = [len(rows), len(rows[0])] if len(one.shape) == 3 or len(rows) > 1 else [len(rows[0])]
        fixed = [(a, b) for a, b in zip(one.shape[1:], declared, strict=False) if isinstance(a, int)]
        if len(one.shape) != len(declared) + 1 or any(a != b for a, b in fixed):
            problem = f"its input {name} has the shape {one.shape}, and {declared} numbers an event are declared"
            raise InputFileError(path, problem, f"correct {KEY}.inputs.{name}")


def _is_fixed(shape: list[Any]) -> bool:
    return isinstance(shape[0], int) and shape[0] > 0


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200].rstrip(".")


@dataclass(frozen=True)
class Network:
    """The copies of a network as the classifier of one direction: f is its output for the target.

    It sees the named ``variables`` of events, (n, m), and takes of them what it needs. ``alternative``: which values of
    constants; the first ones, ``value``, are 0.
    """

    graphs: tuple[Graph, ...]
    settings: Published
    variables: tuple[str, ...]
    direction: str
    alternative: int = 0

    def probability(self, values: NDArray[np.float32]) -> Floats:
        """The mean of the copies, shape (n,)."""
        members = self.members(values)
        if self.settings.mean == "outputs" or len(members) == 1:
            return np.asarray(members.mean(axis=0))
        ratio = as_ratio(members).mean(axis=0)
        return np.asarray(ratio / (1 + ratio))

    def members(self, values: NDArray[np.float32]) -> Floats:
        """The outputs of each copy, shape (copies, n); 1/2 outside of the ranges where the network holds."""
        inside = np.ones(len(values), np.bool_)
        for name, (low, high) in self.settings.within.items():
            x = self._column(values, name)
            inside &= (x >= (-np.inf if low is None else low)) & (x <= (np.inf if high is None else high))
        arrays = {
            name: self._array(rows, self.graphs[0].takes_particles(name), values[inside])
            for name, rows in self.settings.inputs.items()
        }
        found = np.full((len(self.graphs), len(values)), 0.5)
        place = 1 if self.direction == "p1/p0" else 0
        for graph, outputs in zip(self.graphs, found, strict=True):
            outputs[inside] = graph.probabilities(arrays)[:, place]
        return found

    def _array(self, rows: list[list[Input]], particles: bool, values: NDArray[np.float32]) -> Floats:
        """(n, particles, inputs), or (n, inputs) of a network of plain features."""
        made = np.stack([np.stack([self._number(one, values) for one in row], axis=1) for row in rows], axis=1)
        return made if particles else made[:, 0]

    def _number(self, one: Input, values: NDArray[np.float32]) -> Floats:
        """One number of each event, (n,)."""
        if one.column is None:
            constants = [one.value, *one.alternatives]
            x = np.full(len(values), constants[self.alternative if one.alternatives else 0], np.float64)
        else:
            x = self._column(values, one.column)
        x = x if one.least is None else np.maximum(x, one.least)
        with np.errstate(all="ignore"):
            made = ((LOGARITHMS[one.log](x) if one.log in LOGARITHMS else x) - one.shift) / one.scale
        if bad := np.count_nonzero(~np.isfinite(made)):
            raise NotFiniteError(
                f"config: {KEY}.inputs: {one.column or one.value} gives {bad} inputs of {len(made)} that are NaN or "
                "infinite; give it `least`, or cut those events."
            )
        return np.asarray(made)

    def _column(self, values: NDArray[np.float32], name: str) -> Floats:
        return values[:, self.variables.index(name)].astype(np.float64)
