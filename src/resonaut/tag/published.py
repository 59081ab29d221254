"""Published networks at work: their inputs from what jets are made of, and their outputs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resonaut.core.errors import InputFileError, NotFiniteError
from resonaut.learn import onnx
from resonaut.physics.contents import Contents
from resonaut.physics.momenta import distance
from resonaut.tag.card import Model
from resonaut.tag.files import Wanted
from resonaut.tag.tagger import last_line

Inputs = Mapping[str, NDArray[np.float32]]
Run = Callable[[Inputs], NDArray[Any]]
# Distances are stored with ten bits, so a vertex at the edge may seem beyond it.
ROUNDING = 1e-3


@dataclass(frozen=True)
class Published:
    """A card's network, ready to score."""

    model: Model
    run: Run

    @classmethod
    def of(cls, model: Model, *, trust: bool = False, device: str = "cpu") -> "Published":
        """Open the weights.

        Args:
            model: the card.
            trust: whether a TorchScript file may run; it is a program.
            device: where the network runs.

        Raises:
            InputFileError: the weights are not what the card says, or do not fit its inputs and outputs.
        """
        if model.form == "onnx":
            return cls(model, _graph(model, device))
        # Torch is slow to load.
        from resonaut.tag import torch_models

        if model.form == "torchscript":
            return cls(model, torch_models.script(model, trust=trust, device=device))
        return cls(model, torch_models.state(model, device))

    def scores(self, contents: Contents, batch_size: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Outputs (n, outputs) of jets, and which have any (n,).

        Like CMS's, a jet without candidates or outside of the card's range has none: its numbers are 0. Jets share a
        batch only if they have equally many objects in the network, so that no score depends on the others.

        Raises:
            NotFiniteError: an output is NaN or infinite.
            InputFileError: the network refuses its inputs.
        """
        ordered, jets = self.ordered(contents), self.model.card.jets
        scored = (ordered.candidates.counts > 0) & (ordered.jet["pt"] >= jets.pt_min)
        for limit, sign in ((jets.eta_min, 1), (jets.eta_max, -1)):
            if limit is not None:
                scored &= sign * np.abs(ordered.jet["eta"]) >= sign * limit
        found = np.zeros((len(contents), len(self.model.outputs)), np.float32)
        places = np.flatnonzero(scored)
        lengths = self.model.preprocess.lengths(ordered)[places]
        shapes, which = np.unique(lengths, axis=0, return_inverse=True)
        for i, shape in enumerate(shapes):
            alike = places[which.ravel() == i]
            for first in range(0, len(alike), batch_size):
                some = alike[first : first + batch_size]
                found[some] = self._outputs(self.model.preprocess.inputs(ordered.chosen(some), shape))
        if not np.isfinite(found).all():
            raise NotFiniteError(
                f"{self.model.weights}: {(~np.isfinite(found).all(axis=1)).sum()} of {len(found)} jets have a score "
                "that is NaN or infinite; give the network inputs that it was made for."
            )
        return found, scored

    @property
    def wanted(self) -> Wanted:
        """What the network needs of a file."""
        preprocess, jets = self.model.preprocess, self.model.card.jets
        order = ("dxy_significance",) if preprocess.has("vertex") else ()
        vertex = tuple(dict.fromkeys((*preprocess.fields("vertex"), *order)))
        candidate = preprocess.fields("candidate", "neutral")
        return Wanted(jets.collection, candidate, vertex, self.model.bare, jets.links, jets.vertices)

    def columns(self, jet: str, scores: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """The columns ``<jet>_<network>_<output>`` of one jet of each event."""
        return {f"{jet}_{self.model.name}_{name}": scores[:, i].copy() for i, name in enumerate(self.model.outputs)}

    def ordered(self, contents: Contents) -> Contents:
        """The candidates that the network sees and the vertices in its orders."""
        candidates, vertices = contents.candidates, contents.vertices
        weight = candidates.fields.get("puppi_weight", np.ones_like(candidates.fields["pt"]))
        used = weight if self.model.weighted else np.ones_like(weight)
        candidates = type(candidates)(candidates.counts, {**candidates.fields, "weight": used})
        momentum = candidates.fields["pt"] * used
        keep = (weight >= self.model.weight_min) & (momentum > 0)
        candidates = candidates.ordered(momentum, keep)
        if "dxy_significance" in vertices.fields:
            jet = {name: values[vertices.jet] for name, values in contents.jet.items()}
            inside = distance(vertices.fields, jet) < self.model.radius * (1 + ROUNDING)
            vertices = vertices.ordered(vertices.fields["dxy_significance"], inside)
        return Contents(contents.jet, candidates, vertices)

    def _outputs(self, inputs: Inputs) -> NDArray[np.float32]:
        try:
            found = np.asarray(self.run(inputs), np.float32)
        except Exception as error:  # onnxruntime's and torch's exceptions share no base class
            raise InputFileError(
                self.model.weights, f"refuses the inputs of its card ({last_line(error)})", "correct the inputs"
            ) from None
        wanted = (len(next(iter(inputs.values()))), len(self.model.outputs))
        if wanted[1] == 1 and found.shape == wanted[:1]:
            found = found[:, None]
        if found.shape != wanted:
            raise InputFileError(
                self.model.weights,
                f"gives numbers of shape {found.shape}, not {wanted}",
                "list its outputs in the card, in their order",
            )
        if not self.model.card.softmax:
            return found
        powers = np.exp(found - found.max(axis=1, keepdims=True))
        probabilities: NDArray[np.float32] = powers / powers.sum(axis=1, keepdims=True)
        return probabilities


# NumPy's types of ONNX's inputs.
TYPES = {"float": "f4", "double": "f8", "float16": "f2", "bool": "?", "int64": "i8", "int32": "i4"}


def _graph(model: Model, device: str) -> Run:
    """What runs an ONNX file, which knows no code but onnxruntime's own operations."""
    try:
        session = onnx.session(model.content, device)
    except Exception as error:
        raise InputFileError(
            model.weights, f"not a readable ONNX model ({last_line(error)})", "fetch it again, or correct weights"
        ) from None
    wanted = {given.name: given.shape for given in session.get_inputs()}
    types = {
        given.name: TYPES.get(given.type.removeprefix("tensor(").removesuffix(")")) for given in session.get_inputs()
    }
    _require_inputs(model, wanted)
    if odd := next((name for name, kind in types.items() if kind is None), None):
        raise InputFileError(model.weights, f"wants {odd} as no tensor of numbers", "export it with such inputs")
    outputs = session.get_outputs()[0].shape
    if outputs and isinstance(outputs[-1], int) and outputs[-1] != len(model.outputs):
        raise InputFileError(
            model.weights,
            f"has {outputs[-1]} outputs, and its card {len(model.outputs)} names",
            "list its outputs in the card, in their order",
        )
    # A graph that was exported for a fixed number of jets gets them in such portions, as CMS runs each jet alone.
    fixed = {shape[0] for shape in wanted.values() if isinstance(shape[0], int)}
    if fixed - {1}:
        raise InputFileError(model.weights, f"takes {max(fixed)} jets at once", "export it with an open number of jets")

    def run(inputs: Inputs) -> NDArray[Any]:
        given = {name: np.ascontiguousarray(_sized(inputs[name], len(wanted[name])), types[name]) for name in wanted}
        if not fixed:
            return np.asarray(session.run(None, given)[0])
        jets = range(len(next(iter(given.values()))))
        alone = [session.run(None, {name: values[i : i + 1] for name, values in given.items()})[0] for i in jets]
        return np.concatenate(alone)

    return run


def _sized(values: NDArray[np.float32], sizes: int) -> NDArray[np.float32]:
    """An input (jets, variables, objects) with two sizes, for one object, or with a fourth size of 1."""
    return {2: values[..., 0], 4: values[..., None]}.get(sizes, values)


def _require_inputs(model: Model, wanted: Mapping[str, Any]) -> None:
    """Stop with ``InputFileError`` where the inputs of a graph, with their shapes, are not those of its card."""
    groups, remedy = model.preprocess.groups, "give the inputs that were published with it"
    # An export leaves out inputs that the network does not use: the points of a network that needs no neighbours.
    seen = {name for one in wanted if one in groups for name in groups[one].var_names}
    missing = [name for name, group in groups.items() if name not in wanted and not seen.issuperset(group.var_names)]
    if missing or not set(wanted) <= set(groups):
        problem = f"wants the inputs {', '.join(wanted)}, and its card has {', '.join(groups)}"
        raise InputFileError(model.weights, problem, remedy)
    for name, shape in wanted.items():
        group, alone = groups[name], model.preprocess.kind(name) == "jet" and groups[name].longest == 1
        variables = len(group.var_names)
        if len(shape) != 3 and not (len(shape) == 2 and alone) and not (len(shape) == 4 and shape[3] == 1):
            raise InputFileError(model.weights, f"wants {name} of the shape {shape}, not of three sizes", remedy)
        if isinstance(shape[1], int) and shape[1] != variables:
            problem = f"wants {shape[1]} variables in {name}, and its card has {variables}"
            raise InputFileError(model.weights, problem, remedy)
        if len(shape) > 2 and isinstance(shape[2], int) and {group.shortest, group.longest} != {shape[2]}:
            problem = f"wants {shape[2]} objects in {name}, and its card has {group.shortest} to {group.longest}"
            raise InputFileError(model.weights, problem, remedy)
