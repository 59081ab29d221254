"""The networks as torch modules: made, stored, and read from published weights.

Published weights (``.pt`` state dictionaries of weaver, ``.onnx``) are brought into the form of a model file.
"""

import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from resonaut.core.errors import InputFileError
from resonaut.learn import store
from resonaut.tag.architectures import networks as architectures
from resonaut.tag.architectures import require_consistent
from resonaut.tag.heads import Heads, heads
from resonaut.tag.inputs import Inputs
from resonaut.tag.settings import NetworkConfig
from resonaut.tag.tagger import EXPORT, KIND, Tagger, applied, exported, last_line


def build(settings: NetworkConfig) -> nn.Module:
    """A network with random weights from torch's seed; ``heads`` are those of its further tasks."""
    made: nn.Module = architectures()[settings.architecture].find()(settings)
    if settings.regression or settings.auxiliary:
        made.add_module("heads", Heads(made, settings))
    return made


def from_module(name: str, settings: NetworkConfig, module: nn.Module, device: str) -> Tagger:
    """A tagger that runs ``module`` on ``device``."""

    def outputs(inputs: Inputs) -> np.ndarray:
        module.eval()
        with torch.inference_mode():
            made = module(*tensors(inputs, device)).softmax(dim=1)
            if further := heads(module):
                made = torch.cat([made, further.estimates()], dim=1)
            numbers: np.ndarray = made.cpu().numpy()
        return numbers

    parameters = sum(parameter.numel() for parameter in module.parameters())
    module.to(device)
    return Tagger(name, settings, outputs, architectures()[settings.architecture].shortest(settings), parameters)


def tensors(inputs: Inputs, device: str) -> tuple[Tensor, Tensor, Tensor]:
    """Features, vectors and mask on ``device``."""
    arrays = (inputs.features, inputs.vectors, inputs.mask)
    features, vectors, mask = (torch.from_numpy(np.ascontiguousarray(array)).to(device) for array in arrays)
    return features, vectors, mask


def device(wanted: str) -> str:
    """The device to run on; ``auto`` takes a GPU where there is one."""
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return wanted


def save(path: Path, name: str, settings: NetworkConfig, weights: dict[str, Tensor]) -> None:
    """Write a model file; equal weights give equal bytes."""
    state = {key: value.numpy() for key, value in weights.items()}
    store.save(path, store.Model(KIND, {"name": name, "network": applied(settings)}, state))


def published(path: Path, name: str, settings: NetworkConfig, device: str) -> tuple[Tagger, dict[str, Tensor]]:
    """Open published weights, and give them in the form that ``save`` stores.

    Raises:
        InputFileError: the file is missing, unreadable, or does not fit the configured network.
    """
    if path.suffix == ".onnx":
        # An ONNX graph travels through the model file as one tensor of bytes.
        content = _bytes(path)
        return exported(path, name, settings, content, device), {
            EXPORT: torch.from_numpy(np.frombuffer(bytearray(content), np.uint8))
        }
    weights = _weaver(path, name, settings, _bytes(path))
    return _tagger(path, name, settings, weights, device), weights


def module(path: Path, name: str, settings: NetworkConfig, content: bytes) -> nn.Module:
    """The network of a weaver state dictionary, the ``content`` of a file, ready to run.

    Raises:
        InputFileError: the content is something else, or does not fit the network.
    """
    return _module(path, name, settings, _weaver(path, name, settings, content)).eval()


def _weaver(path: Path, name: str, settings: NetworkConfig, content: bytes) -> dict[str, Any]:
    """The arrays of a weaver state dictionary under the names of the network's own."""
    require_consistent(name, settings)
    # weaver stores the network inside the module "mod", and some of its files do without this name.
    own = build(settings).state_dict()
    return {key if key in own else f"mod.{key}": _single(value) for key, value in _read(path, content).items()}


def from_arrays(path: Path, name: str, settings: NetworkConfig, state: dict[str, NDArray[Any]], device: str) -> Tagger:
    """A tagger that runs the module with the arrays of a model file.

    Raises:
        InputFileError: they are not those of the configured network.
    """
    return _tagger(path, name, settings, {key: torch.from_numpy(values) for key, values in state.items()}, device)


def _tagger(path: Path, name: str, settings: NetworkConfig, weights: dict[str, Tensor], device: str) -> Tagger:
    return from_module(name, settings, _module(path, name, settings, weights), device)


def _module(path: Path, name: str, settings: NetworkConfig, weights: dict[str, Any]) -> nn.Module:
    require_consistent(name, settings)
    module = build(settings)
    values = [value for value in weights.values() if isinstance(value, Tensor)]
    if len(values) < len(weights) or not all(torch.isfinite(value).all() for value in values):
        raise InputFileError(path, "its weights are no tensors of finite numbers", "make or fetch it again")
    try:
        module.load_state_dict(weights)
    except RuntimeError as error:
        widths = [len(value) for key, value in weights.items() if key.endswith(".bias")] or [0]
        found, wanted = widths[-1], len(settings.outputs)
        problem = f"does not fit ({last_line(error)})" if found == wanted else f"has {found} outputs, not {wanted}"
        raise InputFileError(
            path, problem, f"set the outputs and sizes of tag.networks.{name} to this file's"
        ) from None
    return module


def _single(value: Any) -> Any:
    """Weights in the networks' precision, whichever they were published in."""
    return value.float() if isinstance(value, Tensor) and value.is_floating_point() else value


def _read(path: Path, content: bytes) -> dict[str, Any]:
    try:
        stored = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # a broken archive may raise anything
        raise InputFileError(
            path, f"not a file of torch weights ({last_line(error)})", "make or fetch it again"
        ) from None
    if not isinstance(stored, dict):
        raise InputFileError(path, "holds no state dictionary", "save it with torch.save(network.state_dict(), path)")
    return stored


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise InputFileError(path, "no such file of weights", "correct tag.networks.<name>.weights") from None
