"""Histograms with a gradient: how much of each event lies in which bin."""

from typing import Any

import torch
from torch import Tensor


def softmax_bins(logits: Tensor, temperature: float) -> Tensor:
    """An event's shares in the bins, from an output for each of them, both (n, bins) (arXiv:1806.04743, section 3).

    The smaller the temperature, the nearer are they to 1 in the bin of the largest output and 0 in the others.
    """
    return torch.softmax(logits / temperature, dim=1)


class _Gaussian(torch.autograd.Function):
    """One bin holds the event; the gradient is that of a Gaussian in each bin."""

    @staticmethod
    def forward(ctx: Any, score: Tensor, bins: int) -> Tensor:
        ctx.save_for_backward(score)
        ctx.bins = bins
        return torch.nn.functional.one_hot(equal_bins(score, bins), bins).to(score.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (score,), bins = ctx.saved_tensors, ctx.bins
        half_width = 0.5 / bins
        centres = (torch.arange(bins, dtype=score.dtype, device=score.device) + 0.5) / bins
        pull = (score[:, None] - centres) / half_width
        return (gradients[0] * (-pull / half_width) * torch.exp(-0.5 * pull.square())).sum(dim=1), None


def gaussian_bins(score: Tensor, bins: int) -> Tensor:
    """1 in the bin that holds a score (n,) and 0 in the others, (n, bins), for equal bins from 0 to 1.

    In the gradient exp(-(s - c)² / 2σ²) about the bin's centre c takes the place of the step up and down, σ half
    the bin's width (Wunsch et al., arXiv:2003.07186; CMS, arXiv:2502.13047).
    """
    shares: Tensor = _Gaussian.apply(score, bins)  # type: ignore[no-untyped-call]
    return shares


def equal_bins(score: Tensor, bins: int) -> Tensor:
    """The number of the bin of scores from 0 to 1, (n,); 1 is in the last one."""
    return (score.detach() * bins).long().clamp(0, bins - 1)
