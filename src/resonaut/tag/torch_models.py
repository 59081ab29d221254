"""Published networks that need torch: weaver's state dictionaries, and TorchScript, which is a program."""

import io
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from resonaut.core import record
from resonaut.core.errors import ConfigError, InputFileError
from resonaut.tag import networks
from resonaut.tag.card import Model, Network
from resonaut.tag.published import Inputs, Run
from resonaut.tag.settings import NetworkConfig
from resonaut.tag.tagger import last_line

# The inputs of the architectures, which their forward wants in this order.
FEATURES, VECTORS, MASK = "pf_features", "pf_vectors", "pf_mask"


def state(model: Model, device: str) -> Run:
    """What runs a state dictionary in the network that the card describes; probabilities come out.

    Raises:
        InputFileError: the file holds something else, such as pickled objects, or does not fit the network.
        ConfigError: the card does not say which network it is of.
    """
    sizes = model.card.network
    if sizes is None:
        raise ConfigError(
            f"{model.said}: weights in {model.weights.name} need the sizes of their network; add network."
        )
    # The classes of a card have their own names; of the configuration of our networks only their number counts.
    outputs = ["qcd", *(f"other{i}" for i in range(1, len(model.outputs)))]
    keys = record.plain(sizes, Network) | {"outputs": outputs, "weights": str(model.weights)}
    settings = record.build(keys, NetworkConfig, str(model.said))
    if missing := {FEATURES, MASK} - set(model.preprocess.groups):
        raise ConfigError(f"{model.said}: the network wants the input {missing.pop()}; add it to the card's inputs.")
    module = networks.module(model.weights, model.name, settings, model.content).to(networks.device(device))

    def run(inputs: Inputs) -> NDArray[np.float32]:
        given = _tensors(inputs, device)
        vectors = given.get(VECTORS, torch.zeros_like(given[FEATURES][:, :4]))
        with torch.inference_mode():
            found: NDArray[np.float32] = module(given[FEATURES], vectors, given[MASK] > 0).softmax(dim=1).cpu().numpy()
        return found

    return run


def script(model: Model, *, trust: bool, device: str) -> Run:
    """What runs a TorchScript file with its card's inputs, in their order.

    Raises:
        InputFileError: the user does not trust it, or it is no such file.
    """
    if not trust:
        raise InputFileError(
            model.weights,
            "a TorchScript file is a program of whoever published it",
            "give --trust, or trust in tag.published, if you know where it is from, or take an ONNX file",
        )
    try:
        with warnings.catch_warnings():
            # Torch says at each call that it will drop the form some day.
            warnings.simplefilter("ignore")
            module: Any = torch.jit.load(  # type: ignore[no-untyped-call]
                io.BytesIO(model.content), map_location=networks.device(device)
            ).eval()
    except Exception as error:  # a broken archive may raise anything
        raise InputFileError(
            model.weights, f"no TorchScript file ({last_line(error)})", "correct weights or form in the card"
        ) from None

    def run(inputs: Inputs) -> NDArray[np.float32]:
        with torch.inference_mode():
            found: NDArray[np.float32] = module(*_tensors(inputs, device).values()).cpu().numpy()
        return found

    return run


def _tensors(inputs: Mapping[str, NDArray[np.float32]], device: str) -> dict[str, torch.Tensor]:
    where = networks.device(device)
    return {name: torch.from_numpy(np.ascontiguousarray(values)).to(where) for name, values in inputs.items()}
