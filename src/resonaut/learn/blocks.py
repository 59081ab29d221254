"""Evaluation of a network in blocks of one size: a row's last bits do not depend on how many rows there are."""

from collections.abc import Callable

import torch
from torch import Tensor

BLOCK = 4096


@torch.no_grad()
def in_blocks(function: Callable[..., Tensor], *columns: Tensor) -> Tensor:
    """``function`` of the rows of all columns, shape (n, ...)."""
    n = len(columns[0])
    missing = max(-(-n // BLOCK), 1) * BLOCK - n
    padded = [torch.cat([column, column.new_zeros(missing, *column.shape[1:])]) for column in columns]
    blocks = zip(*(torch.split(column, BLOCK) for column in padded), strict=True)
    return torch.cat([function(*block) for block in blocks])[:n]
