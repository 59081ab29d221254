"""The taggers: networks of the architectures, and published models in ONNX.

A model file (``results/tag/<network>.npz``) holds the network's name, its configuration and its weights,
so that scoring needs nothing else. Published weights (``.pt`` state dictionaries of weaver, ``.onnx``)
are brought into the same form.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from resonaut.core import record
from resonaut.core.errors import InputFileError
from resonaut.learn import store
from resonaut.tag.architectures import networks as architectures
from resonaut.tag.architectures import require_consistent
from resonaut.tag.inputs import FEATURES, Inputs
from resonaut.tag.settings import NetworkConfig

# By so much the sum of a jet's probabilities may differ from 1.
PROBABILITY = 1e-2
# What the model files of this stage hold.
KIND = "tagger"


def build(settings: NetworkConfig) -> nn.Module:
    """A network with random weights from torch's seed."""
    made: nn.Module = architectures()[settings.architecture].find()(settings)
    return made


@dataclass(frozen=True)
class Tagger:
    """A network ready to score.

    ``outputs`` maps inputs to probabilities (n, outputs); ``shortest`` is the smallest number of places
    it accepts; ``parameters`` is how many it was trained with (not told by an ONNX graph).
    """

    name: str
    settings: NetworkConfig
    outputs: Callable[[Inputs], np.ndarray]
    shortest: int
    parameters: int | None

    def scores(self, inputs: Inputs, batch_size: int) -> np.ndarray:
        """Class probabilities (n, classes) float32, normalised to one over ``settings.classes``.

        Jets of similar length share a batch, each batch as long as its longest jet.
        """
        longest = self.settings.max_constituents
        counts = np.minimum(inputs.counts, longest)
        order = np.argsort(counts, kind="stable")
        raw = np.empty((len(inputs), len(self.settings.outputs)), np.float32)
        for first in range(0, len(order), batch_size):
            jets = order[first : first + batch_size]
            places = min(max(counts[jets].max(), self.shortest), longest)
            raw[jets] = self.outputs(inputs.take(jets, places))
        summed = [
            raw[:, [i for i, output in enumerate(self.settings.outputs) if output == name]].sum(axis=1)
            for name in self.settings.classes
        ]
        scores = np.stack(summed, axis=1)
        normalised: np.ndarray = scores / scores.sum(axis=1, keepdims=True)
        return normalised


def from_module(name: str, settings: NetworkConfig, module: nn.Module, device: str) -> Tagger:
    """A tagger that runs ``module`` on ``device``."""

    def outputs(inputs: Inputs) -> np.ndarray:
        module.eval()
        with torch.inference_mode():
            probabilities: np.ndarray = module(*tensors(inputs, device)).softmax(dim=1).cpu().numpy()
        return probabilities

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


def applied(settings: NetworkConfig) -> dict[str, Any]:
    """The keys of a network on which its use depends, as plain data: all but those of its training."""
    return {key: value for key, value in record.plain(settings, NetworkConfig).items() if key != "training"}


def load(path: Path, device: str) -> Tagger:
    """Open a model file that ``resonaut tag train`` wrote.

    Raises:
        InputFileError: the file is missing, is not such a file, or was changed since.
    """
    model = store.load(path, KIND, "make it with `resonaut tag train`, which adopts tag.networks.<name>.weights, too")
    settings = record.build(model.settings.get("network"), NetworkConfig, str(path))
    weights = {key: torch.from_numpy(values) for key, values in model.state.items()}
    return _tagger(path, str(model.settings.get("name")), settings, weights, device)


def published(path: Path, name: str, settings: NetworkConfig, device: str) -> tuple[Tagger, dict[str, Tensor]]:
    """Open published weights, and give them in the form that ``save`` stores.

    Raises:
        InputFileError: the file is missing, unreadable, or does not fit the configured network.
    """
    if path.suffix == ".onnx":
        # An ONNX graph travels through the model file as one tensor of bytes.
        weights = {"onnx": torch.from_numpy(np.frombuffer(bytearray(_bytes(path)), np.uint8))}
    else:
        require_consistent(name, settings)
        # weaver stores the network inside the module "mod", and some of its files do without this name.
        own = build(settings).state_dict()
        weights = {key if key in own else f"mod.{key}": _single(value) for key, value in _read(path).items()}
    return _tagger(path, name, settings, weights, device), weights


def _tagger(path: Path, name: str, settings: NetworkConfig, weights: dict[str, Tensor], device: str) -> Tagger:
    if "onnx" in weights:
        return _from_onnx(path, name, settings, weights["onnx"].numpy().tobytes(), device)
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
        problem = f"does not fit ({_last_line(error)})" if found == wanted else f"has {found} outputs, not {wanted}"
        raise InputFileError(
            path, problem, f"set the outputs and sizes of tag.networks.{name} to this file's"
        ) from None
    return from_module(name, settings, module, device)


def _from_onnx(path: Path, name: str, settings: NetworkConfig, graph: bytes, device: str) -> Tagger:
    """A tagger from weaver's ONNX export (inputs pf_points, pf_features, pf_vectors, pf_mask; softmax inside)."""
    import onnxruntime  # type: ignore[import-untyped]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    providers = ["CPUExecutionProvider"] if device == "cpu" else ["CUDAExecutionProvider", "CPUExecutionProvider"]
    remedy = f"give a weaver export with the inputs pf_points, pf_features, pf_vectors, pf_mask and {FEATURES}"
    try:
        session = onnxruntime.InferenceSession(graph, options, providers=providers)
    except Exception as error:  # onnxruntime's exceptions share no public base class
        raise InputFileError(path, f"not a readable ONNX model ({_last_line(error)})", remedy) from None
    wanted = [given.name for given in session.get_inputs()]

    def outputs(inputs: Inputs) -> np.ndarray:
        given = {
            "pf_points": inputs.features[:, 5:7],
            "pf_features": inputs.features,
            "pf_vectors": inputs.vectors,
            "pf_mask": inputs.mask.astype(np.float32),
        }
        try:
            result: np.ndarray = session.run(None, {key: np.ascontiguousarray(given[key]) for key in wanted})[0]
        except Exception as error:
            raise InputFileError(path, f"the model refuses the inputs ({_last_line(error)})", remedy) from None
        if result.min() < 0 or np.abs(result.sum(axis=1) - 1).max() > PROBABILITY:
            raise InputFileError(path, "its outputs are no probabilities", "export it with its softmax")
        return result

    if not set(wanted) <= {"pf_points", "pf_features", "pf_vectors", "pf_mask"}:
        raise InputFileError(path, f"the model wants {', '.join(wanted)}", remedy)
    found = session.get_outputs()[0].shape[-1]
    if found != len(settings.outputs):
        raise InputFileError(
            path, f"has {found} outputs, not {len(settings.outputs)}", f"list them in tag.networks.{name}.outputs"
        )
    shortest = architectures()[settings.architecture].shortest(settings)
    return Tagger(name, settings, outputs, shortest, None)


def _single(value: Any) -> Any:
    """Weights in the networks' precision, whichever they were published in."""
    return value.float() if isinstance(value, Tensor) and value.is_floating_point() else value


def _read(path: Path) -> dict[str, Any]:
    try:
        stored = torch.load(io.BytesIO(_bytes(path)), map_location="cpu", weights_only=True)
    except Exception as error:  # a broken archive may raise anything
        raise InputFileError(
            path, f"not a file of torch weights ({_last_line(error)})", "make or fetch it again"
        ) from None
    if not isinstance(stored, dict):
        raise InputFileError(path, "holds no state dictionary", "save it with torch.save(network.state_dict(), path)")
    return stored


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise InputFileError(path, "no such file of weights", "correct tag.networks.<name>.weights") from None


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:200].rstrip(".")
