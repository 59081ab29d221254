"""The graph attention network as an ONNX graph."""

from typing import TYPE_CHECKING

from resonaut.learn.onnx import State, numbers, sizes
from resonaut.tag.architectures import track_graphs
from resonaut.tag.architectures.track_graphs import TrackGraph
from resonaut.tag.architectures.track_sizes import SLOPE

if TYPE_CHECKING:
    from resonaut.tag.settings import NetworkConfig


def model(state: State, settings: "NetworkConfig") -> bytes:
    """The network as an ONNX file: ``features`` and ``mask`` to probabilities."""
    return track_graphs.model(state, settings, _layer)


def _layer(graph: TrackGraph, x: str, name: str) -> str:
    normed = graph.normalised(x, f"{name}.norm")
    target, source = (graph.by_head(graph.linear(normed, f"{name}.{end}")) for end in ("target", "source"))
    pairs = graph.node("Add", graph.node("Unsqueeze", target, sizes(3)), graph.node("Unsqueeze", source, sizes(2)))
    edges = graph.node("LeakyRelu", pairs, alpha=SLOPE)
    attention = numbers(graph.state[f"{name}.attention"][:, None, None])
    logits = graph.node("ReduceSum", graph.node("Mul", edges, attention), sizes(-1), keepdims=0)
    return graph.node("Add", x, graph.node("Relu", graph.attended(logits, source)))
