"""Boosted trees as an ONNX graph."""

from typing import TYPE_CHECKING

import numpy as np

from resonaut.learn.onnx import Graph, State, numbers
from resonaut.tag.architectures.graphs import classified
from resonaut.tag.architectures.observables import OBSERVED, observed

if TYPE_CHECKING:
    from resonaut.tag.settings import NetworkConfig

__all__ = ["model", "observed"]


def model(state: State, settings: "NetworkConfig") -> bytes:
    """The trees as an ONNX file: ``observables`` to probabilities."""
    graph, leaf = Graph(), state["leaf"]
    inner = ~leaf
    logits = graph.node(
        "TreeEnsembleRegressor",
        "observables",
        domain="ai.onnx.ml",
        n_targets=len(state["baseline"]),
        base_values=state["baseline"].tolist(),
        nodes_treeids=state["tree"].tolist(),
        nodes_nodeids=state["node"].tolist(),
        nodes_featureids=state["feature"].tolist(),
        nodes_values=np.where(inner, state["threshold"], 0).tolist(),
        nodes_modes=np.where(leaf, "LEAF", "BRANCH_LEQ").tolist(),
        nodes_truenodeids=np.where(inner, state["left"], 0).tolist(),
        nodes_falsenodeids=np.where(inner, state["right"], 0).tolist(),
        target_treeids=state["tree"][leaf].tolist(),
        target_nodeids=state["node"][leaf].tolist(),
        target_ids=state["output"][leaf].tolist(),
        target_weights=state["value"][leaf].tolist(),
    )
    if len(state["baseline"]) == 1:
        # Of two classes there is the logit of the second alone.
        logits = graph.node("MatMul", logits, numbers([[0, 1]]))
    return classified(graph, logits, settings, observables=OBSERVED)
