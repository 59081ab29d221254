"""A convolutional network on jet images as an ONNX graph; the image is part of it."""

from typing import TYPE_CHECKING

import numpy as np

from resonaut.learn.onnx import FLOAT, Graph, State, numbers, sizes
from resonaut.tag.architectures.graphs import classified, dense

if TYPE_CHECKING:
    from resonaut.tag.settings import NetworkConfig


def model(state: State, settings: "NetworkConfig") -> bytes:
    """The network as an ONNX file: ``features``, ``vectors`` and ``mask`` to probabilities."""
    graph, layers = Graph(), len(settings.jet_image.channels)
    x = _image(graph, settings)
    for layer in range(layers):
        weight, bias = (state[f"convolutions.{3 * layer}.{part}"] for part in ("weight", "bias"))
        x = graph.node("Relu", graph.node("Conv", x, weight, bias, pads=[1, 1, 1, 1]))
        x = graph.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    logits = dense(graph, state, graph.node("Flatten", x, axis=1), "jet")
    return classified(graph, logits, settings, "features", "vectors", "mask")


def _image(graph: Graph, settings: "NetworkConfig") -> str:
    """As ``JetImage.image``."""
    image = settings.jet_image
    centres = numbers(np.linspace(-image.half_width, image.half_width, image.pixels))[:, None]
    pixel = np.float32(2 * image.half_width / (image.pixels - 1))
    real = graph.node("Cast", "mask", to=FLOAT)
    momenta = graph.node("Slice", "vectors", sizes(0), sizes(2), sizes(1))
    pt = graph.node("Mul", graph.node("Sqrt", graph.node("ReduceSumSquare", momenta, sizes(1))), real)
    shares = graph.node("Concat", graph.node("Div", pt, graph.node("ReduceSum", pt, sizes(2))), real, axis=1)
    near = []
    for axis in (5, 6):
        angle = graph.node("Slice", "features", sizes(axis), sizes(axis + 1), sizes(1))
        distance = graph.node("Div", graph.node("Abs", graph.node("Sub", angle, centres)), pixel)
        near.append(graph.node("Relu", graph.node("Sub", np.float32(1), distance)))
    eta, phi = (graph.node("Unsqueeze", one, sizes(1)) for one in near)
    weighted = graph.node("Mul", graph.node("Unsqueeze", shares, sizes(2)), eta)
    return graph.node("MatMul", weighted, graph.node("Transpose", phi, perm=[0, 1, 3, 2]))
