"""What several graphs have: dense layers, and the file around them."""

from typing import TYPE_CHECKING, Any

import numpy as np

from resonaut.learn.onnx import Graph, State
from resonaut.tag.inputs import names

if TYPE_CHECKING:
    from resonaut.tag.settings import NetworkConfig

INPUTS = {
    "vectors": (np.float32, ("n", 4, "p")),
    "mask": (np.bool_, ("n", 1, "p")),
}


def dense(graph: Graph, state: State, x: str, name: str) -> str:
    """The layers of ``layers.dense`` with these arrays: rows (n, width) to rows."""
    numbers = sorted(int(key.split(".")[1]) for key in state if key.startswith(f"{name}.") and key.endswith("weight"))
    for number in numbers:
        weight, bias = (state[f"{name}.{number}.{part}"] for part in ("weight", "bias"))
        x = graph.node("Gemm", x, np.ascontiguousarray(weight.T), bias)
        x = graph.node("Relu", x) if number < numbers[-1] else x
    return x


def classified(graph: Graph, logits: str, settings: "NetworkConfig", *inputs: str, **others: Any) -> bytes:
    """The file of a graph with these ``inputs``, and ``others`` by type and sizes, which ends in probabilities."""
    probabilities = graph.node("Softmax", logits, axis=1)
    output = (np.float32, ("n", len(settings.outputs)))
    known = INPUTS | {"features": (np.float32, ("n", len(names(settings.inputs)), "p"))}
    return graph.model({name: known[name] for name in inputs} | others, {probabilities: output})
