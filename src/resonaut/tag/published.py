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

        Like CMS's, a jet without candidates or below the least momentum has none: its numbers are 0. Jets share a batch
        only if they have equally many objects in the network, so that no score depends on the others.

        Raises:
            NotFiniteError: an output is NaN or infinite.
            InputFileError: the network refuses its inputs.
        """
        ordered = self.ordered(contents)
        scored = (ordered.candidates.counts > 0) & (ordered.jet["pt"] >= self.model.card.jets.pt_min)
        found = np.zeros((len(contents), len(self.model.outputs)), np.float32)
        places = np.flatnonzero(scored)
        lengths = self.model.preprocess.lengths(ordered)[places]
        shapes, which = np.unique(lengths, axis=0, return_inverse=True)
        for i, shape in enumerate(shapes):
            alike = places[which.ravel() == i]
            for first in range(0, len(alike), batch_size):
                jets = alike[first : first + batch_size]
                found[jets] = self._outputs(self.model.preprocess.inputs(ordered.chosen(jets), shape))
        if not np.isfinite(found).all():
            raise NotFiniteError(
                f"{self.model.weights}: {(~np.isfinite(found).all(axis=1)).sum()} of {len(found)} jets have a score "
                "that is NaN or infinite; give the network inputs that it was made for."
            )
        return found, scored

    @property
    def wanted(self) -> Wanted:
        """What the network needs of a file."""
        preprocess = self.model.preprocess
        vertices = any(preprocess.kind(name) == "vertex" for name in preprocess.groups)
        vertex = (*preprocess.fields("vertex"), *(["dxy_significance"] if vertices else []))
        collection = self.model.card.jets.collection
        return Wanted(collection, preprocess.fields("candidate"), tuple(dict.fromkeys(vertex)), self.model.bare)

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


def _graph(model: Model, device: str) -> Run:
    """What runs an ONNX file, which knows no code but onnxruntime's own operations."""
    try:
        session = onnx.session(model.content, device)
    except Exception as error:
        raise InputFileError(
            model.weights, f"not a readable ONNX model ({last_line(error)})", "fetch it again, or correct weights"
        ) from None
    wanted = {given.name: given.shape for given in session.get_inputs()}
    groups = model.preprocess.groups
    if set(wanted) != set(groups):
        raise InputFileError(
            model.weights,
            f"wants the inputs {', '.join(wanted)}, and its card has {', '.join(groups)}",
            "give the inputs that were published with it",
        )
    for name, shape in wanted.items():
        group = groups[name]
        given = (len(group.var_names), (group.shortest, group.longest))
        if len(shape) != 3 or (isinstance(shape[1], int) and shape[1] != given[0]):
            raise InputFileError(
                model.weights,
                f"wants {name} of the shape {shape}, and its card has {given[0]} variables",
                "give the inputs that were published with it",
            )
        if isinstance(shape[2], int) and {*given[1]} != {shape[2]}:
            raise InputFileError(
                model.weights,
                f"wants {shape[2]} objects in {name}, and its card has {given[1][0]} to {given[1][1]}",
                "give the inputs that were published with it",
            )
    outputs = session.get_outputs()[0].shape
    if isinstance(outputs[-1], int) and outputs[-1] != len(model.outputs):
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
        given = {name: np.ascontiguousarray(inputs[name]) for name in wanted}
        if not fixed:
            return np.asarray(session.run(None, given)[0])
        jets = range(len(next(iter(given.values()))))
        alone = [session.run(None, {name: values[i : i + 1] for name, values in given.items()})[0] for i in jets]
        return np.concatenate(alone)

    return run
