"""A dense network on high-level observables as an ONNX graph."""

from typing import TYPE_CHECKING

from resonaut.learn.onnx import Graph, State
from resonaut.tag.architectures.graphs import classified, dense
from resonaut.tag.architectures.observables import OBSERVED, observed

if TYPE_CHECKING:
    from resonaut.tag.settings import NetworkConfig

__all__ = ["model", "observed"]


def model(state: State, settings: "NetworkConfig") -> bytes:
    """The network as an ONNX file: ``observables`` to probabilities."""
    graph = Graph()
    x = graph.node("Mul", graph.node("Sub", "observables", state["mean"]), state["scale"])
    return classified(graph, dense(graph, state, x, "jet"), settings, observables=OBSERVED)
