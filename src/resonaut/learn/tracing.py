"""ONNX graphs of torch modules, by torch's own tracing exporter."""

import io
import warnings
from collections.abc import Mapping
from typing import Any, cast
from unittest import mock

import torch
from torch import Tensor, nn

# Asks for the package onnx, only to look for functions that these graphs do not have.
_LOOKS = "torch.onnx._internal.torchscript_exporter.onnx_proto_utils._add_onnxscript_fn"
OPERATIONS = 17


def traced(module: nn.Module, inputs: Mapping[str, Tensor], output: str) -> bytes:
    """The content of an ONNX file of a module in the mode of evaluation, whose rows are open in number.

    Args:
        module: with one output; what it does must not depend on the values of its inputs.
        inputs: an example (n, ...) of each, by the names that they have in the graph.
        output: name of the output in the graph.
    """
    content, names = io.BytesIO(), list(inputs)
    with warnings.catch_warnings(), mock.patch(_LOOKS, lambda graph, _: graph):
        # Of the exporter: that there is a newer one, which needs further packages, and what it does not simplify.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            tuple(inputs.values()),
            cast(Any, content),  # Its annotation has no files.
            dynamo=False,
            opset_version=OPERATIONS,
            input_names=names,
            output_names=[output],
            dynamic_axes={name: {0: "n"} for name in (*names, output)},
        )
    return content.getvalue()
