"""ParticleNet as an ONNX graph, with less work than the layers as they were trained.

The first layer of an edge convolution sees [x_i, x_j - x_i] and is linear: W [x_i, x_j - x_i] = (W1 - W2) x_i + W2 x_j,
two products for each constituent instead of one for each of its edges. Batch normalisations are part of the weights.
Neighbours are those of ``network.py``: ``TopK`` takes the lower index where distances are equal.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from resonaut.learn.onnx import DOUBLE, FLOAT, Graph, State, batch_norm, numbers, sizes
from resonaut.tag.ends import ends
from resonaut.tag.inputs import names

if TYPE_CHECKING:
    from resonaut.tag.settings import NetworkConfig

Floats = NDArray[np.float64]

# Added to squared distances: padded places come last, and a place is never its own neighbour.
PADDED, SELF = 1e30, 1e300


def model(state: State, settings: "NetworkConfig") -> bytes:
    """The network as an ONNX file: ``features`` (n, f, p) and ``mask`` (n, 1, p) to ``probabilities`` (n, outputs)."""
    network = _Network(state, settings.edge_conv.neighbours)
    constituents = network.node("Transpose", "features", perm=[0, 2, 1])
    points = network.node("Slice", constituents, sizes(5), sizes(7), sizes(2))
    width = len(names(settings.inputs))
    x = network.normalised(network.node("Reshape", constituents, sizes(-1, width)))
    for block in range(len(settings.edge_conv.channels)):
        x, points = network.edge_convolution(f"edge_convs.{block}", x, network.neighbours(points))
    dense = len(settings.edge_conv.dense)
    outputs = ends(network, network.pooled(points, dense), f"fc.{dense}", state, settings)
    inputs = {"features": (np.float32, ("n", width, "p")), "mask": (np.bool_, ("n", 1, "p"))}
    return network.model(inputs, outputs)


class _Network(Graph):
    """The graph in the making; ``real`` is 1 for constituents and 0 for padding, (n p, 1)."""

    def __init__(self, state: State, k: int) -> None:
        super().__init__()
        self.state, self.k = {name.removeprefix("mod."): values for name, values in state.items()}, k
        shape = self.node("Shape", "mask")
        self.jets, self.places = (self.node("Gather", shape, sizes(axis)) for axis in (0, 2))
        self.real = self.node("Reshape", self.node("Cast", "mask", to=FLOAT), sizes(-1, 1))
        number = self.node("Range", np.int64(0), self.node("Squeeze", self.places), np.int64(1))
        itself = self.node("Equal", self.node("Unsqueeze", number, sizes(1)), number)
        padded = self.node("Where", "mask", np.float64(0), np.float64(PADDED))
        self.penalty = self.node("Where", itself, np.float64(SELF), padded)
        jet = self.node("Range", np.int64(0), self.node("Squeeze", self.jets), np.int64(1))
        self.first = self.node("Unsqueeze", self.node("Mul", jet, self.places), sizes(1, 2))

    def normalised(self, x: str) -> str:
        """The input features as the first convolution takes them, zero where there is no constituent."""
        scale, shift = batch_norm(self.state, "bn_fts")
        return self.node("Mul", self.node("Add", self.node("Mul", x, numbers(scale)), numbers(shift)), self.real)

    def neighbours(self, points: str) -> str:
        """The rows of each place's k nearest others, (n p k), for points (n, p, d).

        The order needs |x_j|^2 - 2 x_i x_j only. In double precision, since single precision would order near points
        by its rounding, which differs between libraries.
        """
        x = self.node("Cast", points, to=DOUBLE)
        squared = self.node("Unsqueeze", self.node("ReduceSumSquare", x, sizes(2), keepdims=0), sizes(1))
        product = self.node("MatMul", self.node("Mul", x, np.float64(-2)), self.node("Transpose", x, perm=[0, 2, 1]))
        distance = self.node("Add", product, self.node("Add", self.penalty, squared))
        _, nearest = self.outputs(2, "TopK", distance, sizes(self.k), largest=0, sorted=0)
        return self.node("Reshape", self.node("Add", nearest, self.first), sizes(-1))

    def edge_convolution(self, block: str, x: str, neighbours: str) -> tuple[str, str]:
        """Output of one block for x (n p, c) as (n p, d), and as (n, p, d)."""
        weights = self._weights(block)
        # The mean over the neighbours is a sum, as max(0, x) / k = max(0, x / k).
        weights[-1] = weights[-1][0] / self.k, weights[-1][1] / self.k
        weight, bias = weights[0]
        own, other = np.split(weight, 2, axis=1)
        centre, edge = self._linear(x, own - other, bias), self.node("MatMul", x, numbers(other.T))
        edges = self.node("Reshape", self.node("Gather", edge, neighbours, axis=0), sizes(-1, self.k, len(bias)))
        edges = self.node("Relu", self.node("Add", edges, self.node("Unsqueeze", centre, sizes(1))))
        edges = self.node("Reshape", edges, sizes(-1, len(bias)))
        for weight, bias in weights[1:]:
            edges = self.node("Relu", self._linear(edges, weight, bias))
        width = len(bias)
        mean = self.node("ReduceSum", self.node("Reshape", edges, sizes(-1, self.k, width)), sizes(1), keepdims=0)
        shortcut = x
        if f"{block}.sc.weight" in self.state:
            shortcut = self._linear(x, *self._folded(f"{block}.sc", f"{block}.sc_bn"))
        made = self.node("Mul", self.node("Relu", self.node("Add", mean, shortcut)), self.real)
        shape = self.node("Concat", self.jets, self.places, sizes(width), axis=0)
        return made, self.node("Reshape", made, shape)

    def pooled(self, x: str, dense: int) -> str:
        """The features of the jets before the last layer, from the last convolution's output (n, p, c)."""
        number = self.node("ReduceSum", self.node("Cast", "mask", to=FLOAT), sizes(2), keepdims=0)
        mean = self.node("Div", self.node("ReduceSum", x, sizes(1), keepdims=0), number)
        for layer in range(dense):
            mean = self.node("Relu", self._linear(mean, *self._dense(f"fc.{layer}.0")))
        return mean

    def _linear(self, x: str, weight: Floats, bias: Floats) -> str:
        return self.node("Gemm", x, numbers(weight.T), numbers(bias))

    def _dense(self, name: str) -> tuple[Floats, Floats]:
        return self.state[f"{name}.weight"], self.state[f"{name}.bias"]

    def _weights(self, block: str) -> list[tuple[Floats, Floats]]:
        """Weight and bias of each layer of a block."""
        layers = sum(name.startswith(f"{block}.convs.") for name in self.state)
        return [self._folded(f"{block}.convs.{layer}", f"{block}.bns.{layer}") for layer in range(layers)]

    def _folded(self, layer: str, normalisation: str) -> tuple[Floats, Floats]:
        scale, shift = batch_norm(self.state, normalisation)
        weight = self.state[f"{layer}.weight"]
        return weight.reshape(len(weight), -1) * scale[:, None], shift
