"""Dense layers, as several architectures end in them."""

import itertools
from collections.abc import Sequence

from torch import nn


def dense(widths: Sequence[int], dropout: float = 0.0) -> nn.Sequential:
    """Linear layers of these widths, input and output included, with ReLU and dropout between them."""
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        layers += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*layers[:-2])
