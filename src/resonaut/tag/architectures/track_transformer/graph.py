"""The transformer over tracks as an ONNX graph."""

from typing import TYPE_CHECKING

import numpy as np

from resonaut.learn.onnx import State
from resonaut.tag.architectures import track_graphs
from resonaut.tag.architectures.track_graphs import TrackGraph

if TYPE_CHECKING:
    from resonaut.tag.settings import NetworkConfig


def model(state: State, settings: "NetworkConfig") -> bytes:
    """The network as an ONNX file: ``features`` and ``mask`` to probabilities."""
    return track_graphs.model(state, settings, _block)


def _block(graph: TrackGraph, x: str, name: str) -> str:
    normed = graph.normalised(x, f"{name}.norm")
    query, key, value = (graph.by_head(graph.linear(normed, f"{name}.{part}")) for part in ("query", "key", "value"))
    products = graph.node("MatMul", query, graph.node("Transpose", key, perm=[0, 1, 3, 2]))
    logits = graph.node("Div", products, np.float32(graph.depth**0.5))
    x = graph.node("Add", x, graph.linear(graph.attended(logits, value), f"{name}.output"))
    made = graph.node("Relu", graph.linear(graph.normalised(x, f"{name}.dense_norm"), f"{name}.first"))
    return graph.node("Add", x, graph.linear(made, f"{name}.second"))
