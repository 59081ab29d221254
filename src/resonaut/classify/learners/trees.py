"""Boosted trees of scikit-learn, kept as arrays of their nodes and evaluated by onnxruntime: no pickle."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resonaut.classify.learners import Labelled, Learned, State, softmax
from resonaut.classify.settings import Learning
from resonaut.learn.onnx import Graph, session
from resonaut.learn.ratio.trees import fitted

# Rows that are evaluated at once.
ROWS = 100_000


@dataclass(frozen=True)
class Trees:
    """All nodes of all trees of a model, and the logits before the first tree.

    ``tree``, ``node`` (number in the tree), ``output`` (the logit it adds to), ``leaf``, ``feature``, ``threshold``
    (smaller values go ``left``), ``left``, ``right``, ``value``; ``baseline`` of each logit. With two classes there is
    the logit of the second alone.
    """

    nodes: Mapping[str, NDArray[Any]] = field(repr=False)

    def state(self) -> State:
        """The arrays."""
        return dict(self.nodes)

    @cached_property
    def _session(self) -> Any:
        state, graph = self.nodes, Graph()
        logits = graph.trees("values", state, "BRANCH_LT")
        inputs = {"values": (np.float32, ("n", int(state["inputs"])))}
        return session(graph.model(inputs, {logits: (np.float32, ("n", len(state["baseline"])))}))

    def probabilities(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Of each class (n, classes)."""
        logits = np.empty((len(values), len(self.nodes["baseline"])))
        for start in range(0, len(values), ROWS):
            rows = slice(start, start + ROWS)
            logits[rows] = self._session.run(None, {"values": values[rows]})[0]
        if logits.shape[1] == 1:
            logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
        return softmax(logits)


def load(state: Mapping[str, NDArray[Any]]) -> Trees:
    """The model with these arrays."""
    return Trees(state)


def learn(seen: Labelled, validation: Labelled, settings: Learning, seed: int) -> Learned:
    """Minimise the weighted cross entropy, tree by tree."""
    edges, trees = fitted(settings.trees, seed, seen.parts, validation.parts)
    training, held_out = ((-scores).tolist() for scores in (trees.train_score_, trees.validation_score_))
    return Learned(Trees(nodes(trees, edges)), training, held_out, int(trees.n_iter_))


def nodes(trees: Any, edges: list[NDArray[np.float32]]) -> State:
    """The nodes of a model that sees the bins between ``edges``, with thresholds of the inputs themselves."""
    # scikit-learn has no public name for them; converters to other formats read the same.
    made = [(k, one.nodes) for several in trees._predictors for k, one in enumerate(several)]
    sizes = [len(one) for _, one in made]
    joined = np.concatenate([one for _, one in made])
    inner = joined["is_leaf"] == 0
    threshold = np.zeros(len(joined), np.float32)
    for place, own in enumerate(edges):
        here = inner & (joined["feature_idx"] == place)
        # Bin numbers up to b are those of values below edge b.
        threshold[here] = own[np.floor(joined["num_threshold"][here]).astype(int)]
    return {
        "tree": np.repeat(np.arange(len(sizes)), sizes),
        "node": np.concatenate([np.arange(size) for size in sizes]),
        "output": np.repeat([k for k, _ in made], sizes),
        "leaf": ~inner,
        "feature": np.where(inner, joined["feature_idx"], 0).astype(np.int64),
        "threshold": threshold,
        "left": joined["left"].astype(np.int64),
        "right": joined["right"].astype(np.int64),
        "value": joined["value"].astype(np.float32),
        "baseline": np.ravel(trees._baseline_prediction).astype(np.float32),
        "inputs": np.array(len(edges)),
    }
