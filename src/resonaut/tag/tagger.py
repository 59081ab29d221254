"""Taggers that are ready to score, and those that need no torch: onnxruntime runs their graphs.

A model file (``results/tag/<network>.npz``) holds the network's name, its configuration and its weights,
so that scoring needs nothing else. The graph is made from the weights; a published ONNX file travels in their place.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resonaut.core import record
from resonaut.core.errors import InputFileError
from resonaut.learn import onnx, store
from resonaut.tag.architectures import networks as architectures
from resonaut.tag.architectures import require_consistent
from resonaut.tag.inputs import FEATURES, Inputs
from resonaut.tag.settings import NetworkConfig

# By so much the sum of a jet's probabilities may differ from 1.
PROBABILITY = 1e-2
# What the model files of this stage hold, and the entry with a published ONNX file.
KIND, EXPORT = "tagger", "onnx"
# Bytes that the largest layer of a batch may have: what a core's own cache holds, of today's about 1 MB.
CACHE = 1_250_000


@dataclass(frozen=True)
class Tagger:
    """A network ready to score.

    ``outputs`` maps inputs to probabilities and the regressions' estimates (n, outputs + estimates); ``shortest`` is
    the smallest number of places it accepts; ``parameters`` is how many it was trained with (not told by an ONNX
    graph); ``widest`` maps places to how many numbers the largest layer makes of a jet, where the size of the batch is
    to depend on it.
    """

    name: str
    settings: NetworkConfig
    outputs: Callable[[Inputs], np.ndarray]
    shortest: int
    parameters: int | None
    widest: Callable[[int], int] | None = None

    def scores(self, inputs: Inputs, batch_size: int) -> np.ndarray:
        """Class probabilities (n, classes) float32, normalised to one over ``settings.classes``."""
        return self.evaluated(inputs, batch_size)[0]

    def evaluated(self, inputs: Inputs, batch_size: int) -> tuple[np.ndarray, np.ndarray]:
        """The scores, and the regressions' estimates (n, estimates) float32, in the order of ``settings.estimates``.

        Jets of similar length share a batch of at most ``batch_size``, each as long as its longest jet.
        """
        inputs, longest = inputs.seen(self.settings.inputs), self.settings.max_constituents
        counts = np.minimum(inputs.counts, longest)
        order = np.argsort(-counts, kind="stable")
        n_outputs = len(self.settings.outputs)
        raw = np.empty((len(inputs), n_outputs + len(self.settings.estimates)), np.float32)
        while len(order):
            places = min(max(counts[order[0]], self.shortest), longest)
            size = min(batch_size, self._fitting(places))
            jets, order = order[:size], order[size:]
            raw[jets] = self.outputs(inputs.take(jets, places))
        summed = [
            raw[:, [i for i, output in enumerate(self.settings.outputs) if output == name]].sum(axis=1)
            for name in self.settings.classes
        ]
        scores = np.stack(summed, axis=1)
        return scores / scores.sum(axis=1, keepdims=True), raw[:, n_outputs:]

    def _fitting(self, places: int) -> int:
        """How many jets of so many places have layers that stay in a core's cache."""
        return sys.maxsize if self.widest is None else max(1, CACHE // (4 * self.widest(places)))


def applied(settings: NetworkConfig) -> dict[str, Any]:
    """The keys of a network on which its use depends, as plain data: all but those of its training."""
    return {key: value for key, value in record.plain(settings, NetworkConfig).items() if key != "training"}


def load(path: Path, device: str) -> Tagger:
    """Open a model file that ``resonaut tag train`` wrote; ``device`` is that of the configuration.

    Raises:
        InputFileError: the file is missing, is not such a file, or was changed since.
    """
    model = store.load(path, KIND, "make it with `resonaut tag train`, which adopts tag.networks.<name>.weights, too")
    settings = record.build(model.settings.get("network"), NetworkConfig, str(path))
    name = str(model.settings.get("name"))
    if EXPORT in model.state:
        return exported(path, name, settings, model.state[EXPORT].tobytes(), device)
    require_consistent(name, settings)
    entry = architectures()[settings.architecture]
    if entry.learner or (device == "cpu" and entry.maker):
        return from_arrays(path, name, settings, model.state)
    # Torch is slow to load, and here there is no way without it.
    from resonaut.tag import networks

    return networks.from_arrays(path, name, settings, model.state, networks.device(device))


def from_arrays(path: Path, name: str, settings: NetworkConfig, state: dict[str, NDArray[Any]]) -> Tagger:
    """A tagger that runs the graph of an architecture that has one, with the arrays of its module in a file.

    Raises:
        InputFileError: they are not those of the configured network.
    """
    entry = architectures()[settings.architecture]
    assert entry.maker is not None
    try:
        session = onnx.session(entry.maker.find()(state, settings))
    except Exception as error:  # as below, or an array that is not there
        problem = f"does not fit the graph of {settings.architecture} ({last_line(error)})"
        raise InputFileError(path, problem, "make it again with `resonaut tag train`") from None
    if settings.estimates and len(session.get_outputs()) < 2:
        # A graph of classes alone: torch has the rest.
        from resonaut.tag import networks

        return networks.from_arrays(path, name, settings, state, "cpu")
    wanted = [given.name for given in session.get_inputs()]
    observe = entry.observer.find() if entry.observer else None

    def outputs(inputs: Inputs) -> np.ndarray:
        given = {key: getattr(inputs, key) for key in wanted if key != "observables"}
        if observe is not None:
            given["observables"] = observe(inputs)
        made = session.run(None, {key: np.ascontiguousarray(given[key]) for key in wanted})
        return np.concatenate(made, axis=1)

    return Tagger(name, settings, outputs, entry.shortest(settings), None, partial(entry.widest, settings))


def exported(path: Path, name: str, settings: NetworkConfig, graph: bytes, device: str) -> Tagger:
    """A tagger from weaver's ONNX export (inputs pf_points, pf_features, pf_vectors, pf_mask; softmax inside)."""
    remedy = f"give a weaver export with the inputs pf_points, pf_features, pf_vectors, pf_mask and {FEATURES}"
    try:
        session = onnx.session(graph, device)
    except Exception as error:  # onnxruntime's exceptions share no public base class
        raise InputFileError(path, f"not a readable ONNX model ({last_line(error)})", remedy) from None
    wanted = [given.name for given in session.get_inputs()]

    def outputs(inputs: Inputs) -> np.ndarray:
        given = {
            "pf_points": inputs.features[:, 5:7],
            "pf_features": inputs.features,
            "pf_vectors": inputs.vectors,
            "pf_mask": inputs.mask.astype(np.float32),
        }
        try:
            result: np.ndarray = session.run(None, {key: np.ascontiguousarray(given[key]) for key in wanted})[0]
        except Exception as error:
            raise InputFileError(path, f"the model refuses the inputs ({last_line(error)})", remedy) from None
        if result.min() < 0 or np.abs(result.sum(axis=1) - 1).max() > PROBABILITY:
            raise InputFileError(path, "its outputs are no probabilities", "export it with its softmax")
        return result

    if not set(wanted) <= {"pf_points", "pf_features", "pf_vectors", "pf_mask"}:
        raise InputFileError(path, f"the model wants {', '.join(wanted)}", remedy)
    found = session.get_outputs()[0].shape[-1]
    if found != len(settings.outputs):
        raise InputFileError(
            path, f"has {found} outputs, not {len(settings.outputs)}", f"list them in tag.networks.{name}.outputs"
        )
    return Tagger(name, settings, outputs, architectures()[settings.architecture].shortest(settings), None)


def last_line(error: Exception) -> str:
    """What another library's error says, in short."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:200].rstrip(".")
