"""A particle-flow network as an ONNX graph."""

from typing import TYPE_CHECKING

import numpy as np

from resonaut.learn.onnx import FLOAT, Graph, State, sizes
from resonaut.tag.architectures.graphs import classified, dense
from resonaut.tag.inputs import names

if TYPE_CHECKING:
    from resonaut.tag.settings import NetworkConfig


def model(state: State, settings: "NetworkConfig") -> bytes:
    """The network as an ONNX file: ``features`` and ``mask`` to probabilities."""
    graph = Graph()
    shape = graph.node("Shape", "mask")
    jets, places = (graph.node("Gather", shape, sizes(axis)) for axis in (0, 2))
    rows = graph.node(
        "Reshape", graph.node("Transpose", "features", perm=[0, 2, 1]), sizes(-1, len(names(settings.inputs)))
    )
    each = graph.node("Relu", dense(graph, state, rows, "constituent"))
    width = sizes(settings.deep_sets.constituent[-1])
    each = graph.node("Reshape", each, graph.node("Concat", jets, places, width, axis=0))
    real = graph.node("Transpose", graph.node("Cast", "mask", to=FLOAT), perm=[0, 2, 1])
    total = graph.node("ReduceSum", graph.node("Mul", each, real), sizes(1), keepdims=0)
    total = graph.node("Div", total, np.float32(settings.max_constituents))
    return classified(graph, dense(graph, state, total, "jet"), settings, "features", "mask")
