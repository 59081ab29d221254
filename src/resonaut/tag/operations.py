"""How many floating-point operations a network spends on a jet."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from resonaut.core import record
from resonaut.learn import store
from resonaut.tag import networks
from resonaut.tag.architectures import networks as architectures
from resonaut.tag.inputs import names
from resonaut.tag.learning import OPERATIONS
from resonaut.tag.settings import NetworkConfig
from resonaut.tag.tagger import EXPORT, KIND


def operations(model: Path, places: int) -> float | None:
    """Those of the matrix products of a model file's network, for a jet with so many constituents.

    Torch counts 2 for each multiplication and addition of products, convolutions and attention, in the layers as they
    were trained; the graphs that score on a CPU may need fewer. None for a published ONNX file.

    Raises:
        InputFileError: the file is no model.
    """
    found = store.load(model, KIND, "make it with `resonaut tag train`")
    if EXPORT in found.state:
        return None
    if OPERATIONS in found.state:
        return float(found.state[OPERATIONS])
    return of_module(record.build(found.settings.get("network"), NetworkConfig, str(model)), places)


def of_module(settings: NetworkConfig, places: int) -> float:
    """The same of a torch module of these sizes."""
    places = max(places, architectures()[settings.architecture].shortest(settings))
    # Without gradients, which the counter would follow.
    module = networks.build(settings).eval().requires_grad_(False)
    vectors = torch.rand(1, 4, places) + torch.tensor([0.0, 0, 0, 5])[:, None]
    given = torch.rand(1, len(names(settings.inputs)), places), vectors, torch.ones(1, 1, places, dtype=torch.bool)
    counter = FlopCounterMode(display=False, custom_mapping={torch.ops.aten.mkldnn_rnn_layer: _recurrent})
    with torch.no_grad(), counter:
        module(*given)
    return float(counter.get_total_flops())


def _recurrent(x: Sequence[int], of_input: Sequence[int], of_state: Sequence[int], *others: Any, **more: Any) -> int:
    """The products of a recurrent layer, by the shapes of its input (steps, jets, width) and its two weights."""
    del others, more
    return 2 * x[0] * x[1] * (math.prod(of_input) + math.prod(of_state))
