"""A recurrent network as an ONNX graph."""

from typing import TYPE_CHECKING

import numpy as np

from resonaut.learn.onnx import Graph, State, sizes
from resonaut.tag.architectures.graphs import classified, dense

if TYPE_CHECKING:
    from resonaut.tag.settings import NetworkConfig

# ONNX has a cell's gates as input, output, forget, cell; torch as input, forget, cell, output.
GATES = (0, 3, 1, 2)
INT32 = 6


def model(state: State, settings: "NetworkConfig") -> bytes:
    """The network as an ONNX file: ``features`` and ``mask`` to probabilities."""
    graph, hidden = Graph(), settings.recurrent.hidden

    def gates(name: str) -> np.ndarray:
        parts = np.split(state[f"memory.{name}"], 4)
        return np.concatenate([parts[i] for i in GATES])

    weight, recurrence = gates("weight_ih_l0")[None], gates("weight_hh_l0")[None]
    bias = np.concatenate([gates("bias_ih_l0"), gates("bias_hh_l0")])[None]
    steps = graph.node("Transpose", "features", perm=[2, 0, 1])
    counts = graph.node("ReduceSum", graph.node("Cast", "mask", to=INT32), sizes(1, 2), keepdims=0)
    _, last = graph.outputs(2, "LSTM", steps, weight, recurrence, bias, counts, hidden_size=hidden)
    logits = dense(graph, state, graph.node("Squeeze", last, sizes(0)), "jet")
    return classified(graph, logits, settings, "features", "mask")
