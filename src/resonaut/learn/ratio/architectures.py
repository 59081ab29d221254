"""Outputs and gradients of many networks at once: perceptrons, and deep sets of particles.

The networks are the first axis of every array, and the gradient is written out by hand (``networks`` says why). A deep
set maps each particle with one perceptron, sums over the particles, and maps the sum with another one, so that neither
their order nor their number is an input (M. Zaheer et al., arXiv:1703.06114); with the particles' kinematics and kinds
it is the particle-flow network of P. Komiske, E. Metodiev, J. Thaler (arXiv:1810.05165).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor

# Weights (G, inputs, outputs) and biases (G, 1, outputs) of each layer of G networks.
Layers = list[tuple[Tensor, Tensor]]


class Architecture(Protocol):
    """How G networks map inputs to logits."""

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Inputs and outputs of each layer."""

    def forward(self, x: Tensor, layers: Layers) -> list[Tensor]:
        """What the gradient needs, the last of it the logits (G, B, 1); x (G, rows, d) may be changed."""

    def gradient(self, values: Sequence[Tensor], slope: Tensor, layers: Layers, result: Tensor) -> None:
        """Write d loss / d parameters to ``result`` (G, P), given d loss / d logits, ``slope`` (G, B, 1)."""


@dataclass(frozen=True)
class Perceptron:
    """Of ``inputs`` features an event: rows are events."""

    inputs: int
    hidden: Sequence[int]

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Inputs and outputs of each layer."""
        return list(pairwise([self.inputs, *self.hidden, 1]))

    def forward(self, x: Tensor, layers: Layers) -> list[Tensor]:
        """The input of each layer, the first being x (G, B, d), and the logits."""
        return outputs(x, layers)

    def gradient(self, values: Sequence[Tensor], slope: Tensor, layers: Layers, result: Tensor) -> None:
        """See ``Architecture``."""
        torch.cat(slopes(values, slope, layers)[0], 1, out=result)


@dataclass(frozen=True)
class Sets:
    """Of ``particles`` places an event with ``inputs`` features each: rows are particles, those of NaN are none."""

    particles: int
    inputs: int
    particle: Sequence[int]
    hidden: Sequence[int]

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Inputs and outputs of each layer: those of single particles, then those of their sum."""
        return list(pairwise([self.inputs, *self.particle, *self.hidden, 1]))

    def forward(self, x: Tensor, layers: Layers) -> list[Tensor]:
        """The values of the particles' layers, those of their sums' layers, and the logits."""
        real = ~x[..., :1].isnan()
        single = outputs(torch.where(real, x, 0), layers[: len(self.particle)])
        single[-1].relu_().mul_(real)
        total = single[-1].view(len(x), -1, self.particles, self.particle[-1]).sum(2)
        return [*single, *outputs(total, layers[len(self.particle) :])]

    def gradient(self, values: Sequence[Tensor], slope: Tensor, layers: Layers, result: Tensor) -> None:
        """See ``Architecture``."""
        depth = len(self.particle)
        after, total = slopes(values[depth + 1 :], slope, layers[depth:], to_inputs=True)
        # What is no particle gave 0, as a unit that is off does, and gets no slope for the same reason.
        each = total[:, :, None].expand(-1, -1, self.particles, -1).flatten(1, 2).contiguous()
        torch.ops.aten.threshold_backward.grad_input(each, values[depth], 0, grad_input=each)
        torch.cat([*slopes(values, each, layers[:depth])[0], *after], 1, out=result)


def split(parameters: Tensor, sizes: Sequence[tuple[int, int]]) -> Layers:
    """Views of ``parameters`` (G, P) as layers."""
    layers = []
    for inputs, outputs in sizes:
        rest = parameters.shape[1] - (inputs + 1) * outputs
        weight, bias, parameters = torch.split(parameters, [inputs * outputs, outputs, rest], 1)
        layers.append((weight.view(-1, inputs, outputs), bias[:, None]))
    return layers


def outputs(x: Tensor, layers: Layers) -> list[Tensor]:
    """The input of each layer, the first being x (G, B, d), and the output of the last one."""
    values = [x]
    for number, (weight, bias) in enumerate(layers):
        inputs = values[-1].relu_() if number else x
        values.append(torch.bmm(inputs, weight).add_(bias))
    return values


def slopes(
    values: Sequence[Tensor], slope: Tensor, layers: Layers, *, to_inputs: bool = False
) -> tuple[list[Tensor], Tensor]:
    """Of each layer d loss / d parameters, (G, P) in parts, and d loss / d x where asked for.

    Args:
        values: the inputs of the layers, and maybe more.
        slope: d loss / d output of the last one.
        layers: their parameters.
        to_inputs: go on to the slope of the first layer's inputs.
    """
    parts: list[Tensor] = []
    for number, (weight, _) in reversed(list(enumerate(layers))):
        parts += [slope.sum(1), torch.bmm(values[number].transpose(1, 2), slope).flatten(1)]
        if number or to_inputs:
            slope = torch.bmm(slope, weight.transpose(1, 2))
        if number:
            torch.ops.aten.threshold_backward.grad_input(slope, values[number], 0, grad_input=slope)
    return parts[::-1], slope
