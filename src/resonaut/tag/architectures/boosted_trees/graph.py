"""Boosted trees as an ONNX graph."""

from typing import TYPE_CHECKING

from resonaut.learn.onnx import Graph, State, numbers
from resonaut.tag.architectures.graphs import classified
from resonaut.tag.architectures.observables import OBSERVED, observed

if TYPE_CHECKING:
    from resonaut.tag.settings import NetworkConfig

__all__ = ["model", "observed"]


def model(state: State, settings: "NetworkConfig") -> bytes:
    """The trees as an ONNX file: ``observables`` to probabilities."""
    graph = Graph()
    logits = graph.trees("observables", state, "BRANCH_LEQ")
    if len(state["baseline"]) == 1:
        # Of two classes there is the logit of the second alone.
        logits = graph.node("MatMul", logits, numbers([[0, 1]]))
    return classified(graph, logits, settings, observables=OBSERVED)
