"""The ends of a network's ONNX graph: the probabilities of the classes, and the numbers of the regressions."""

from typing import TYPE_CHECKING, Any

import numpy as np

from resonaut.learn.onnx import Graph, State, numbers

if TYPE_CHECKING:
    from resonaut.tag.settings import NetworkConfig


def ends(graph: Graph, x: str, last: str, state: State, settings: "NetworkConfig") -> dict[str, tuple[Any, Any]]:
    """The outputs of ``graph.model``: probabilities (n, outputs) and, with regressions, estimates (n, estimates).

    Args:
        graph: the graph in the making.
        x: the jets' features before the last layer, (n, width).
        last: name of the last layer in the ``state``.
        state: arrays of the module by name.
        settings: configuration of the network.
    """
    plain = {name.removeprefix("mod."): values for name, values in state.items()}

    def linear(name: str) -> str:
        return graph.node("Gemm", x, numbers(plain[f"{name}.weight"].T), numbers(plain[f"{name}.bias"]))

    made = {graph.node("Softmax", linear(last), axis=1): (np.float32, ("n", len(settings.outputs)))}
    if settings.estimates:
        made[linear("heads.regression")] = (np.float32, ("n", len(settings.estimates)))
    return made
