"""The ONNX graphs of ``track_networks``: embedding, layers between constituents, pooling."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from resonaut.learn.onnx import Graph, State, numbers, sizes
from resonaut.tag.ends import ends
from resonaut.tag.inputs import names

if TYPE_CHECKING:
    from resonaut.tag.settings import NetworkConfig

PADDED = np.float32(-1e30)


class TrackGraph(Graph):
    """The graph in the making, on constituents (n, p, width); ``padding`` (n, 1, 1, p) is added to attention."""

    def __init__(self, state: State, heads: int, width: int) -> None:
        super().__init__()
        self.state, self.heads, self.depth = state, heads, width // heads
        shape = self.node("Shape", "mask")
        self.jets, self.places = (self.node("Gather", shape, sizes(axis)) for axis in (0, 2))
        self.padding = self.node("Unsqueeze", self.node("Where", "mask", np.float32(0), PADDED), sizes(1))

    def linear(self, x: str, name: str) -> str:
        """A linear layer, with or without bias."""
        made = self.node("MatMul", x, numbers(self.state[f"{name}.weight"].T))
        bias = self.state.get(f"{name}.bias")
        return made if bias is None else self.node("Add", made, numbers(bias))

    def normalised(self, x: str, name: str) -> str:
        """A layer normalisation."""
        weight, bias = numbers(self.state[f"{name}.weight"]), numbers(self.state[f"{name}.bias"])
        return self.node("LayerNormalization", x, weight, bias, axis=-1, epsilon=1e-5)

    def by_head(self, x: str) -> str:
        """(n, p, width) as (n, heads, p, width / heads)."""
        shape = self.node("Concat", self.jets, self.places, sizes(self.heads, self.depth), axis=0)
        return self.node("Transpose", self.node("Reshape", x, shape), perm=[0, 2, 1, 3])

    def attended(self, logits: str, values: str) -> str:
        """The mean of the values of real places, with weights from logits (n, heads, p, p); (n, p, width)."""
        weights = self.node("Softmax", self.node("Add", logits, self.padding), axis=-1)
        made = self.node("Transpose", self.node("MatMul", weights, values), perm=[0, 2, 1, 3])
        shape = self.node("Concat", self.jets, self.places, sizes(self.heads * self.depth), axis=0)
        return self.node("Reshape", made, shape)


def model(state: State, settings: "NetworkConfig", layer: Callable[[TrackGraph, str, str], str]) -> bytes:
    """A network as an ONNX file: ``features`` and ``mask`` to probabilities; ``layer`` adds the layer of a name."""
    graph, each = TrackGraph(state, settings.tracks.heads, settings.tracks.width), "features"
    each = graph.node("Transpose", each, perm=[0, 2, 1])
    each = graph.node("Relu", graph.linear(each, "embed.0"))
    each = graph.node("Relu", graph.linear(each, "embed.3"))
    for number in range(settings.tracks.layers):
        each = layer(graph, each, f"layers.{number}")
    each = graph.normalised(each, "norm")
    padding = graph.node("Transpose", graph.node("Squeeze", graph.padding, sizes(1)), perm=[0, 2, 1])
    weight = graph.node("Softmax", graph.node("Add", graph.linear(each, "weight"), padding), axis=1)
    jet = graph.node("ReduceSum", graph.node("Mul", weight, each), sizes(1), keepdims=0)
    # Activation and dropout have a number, too.
    last = 3 * len(settings.tracks.dense)
    for number in range(0, last, 3):
        jet = graph.node("Relu", graph.linear(jet, f"jet.{number}"))
    inputs = {"features": (np.float32, ("n", len(names(settings.inputs)), "p")), "mask": (np.bool_, ("n", 1, "p"))}
    return graph.model(inputs, ends(graph, jet, f"jet.{last}", state, settings))
