"""The Asimov likelihood of a histogram: Fisher information, and from it the uncertainties that are expected.

With n_b = ν_b, the expectation at the nominal parameters, the second derivatives of -ln L are
Σ_b ∂_i ν_b ∂_k ν_b / ν_b and those of the constraints: terms with second derivatives of ν vanish. So only the slopes of
the interpolations at α = 0 matter. With a parameter γ_b ~ N(1, δ_b) for the simulation's statistics, δ_b² = Σw²/ν_b²
(Barlow-Beeston-lite, J. S. Conway, arXiv:1103.0354), which is profiled in closed form, the 1 / ν_b becomes
1 / (ν_b + Σw²). Where hardly any simulated background lies, Σw² is that of ``with_few_events``.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from resonaut.learn.inference.measurement import Measurement, slope

# Added to the unit diagonal of the scaled information: parameters that a histogram does not tell apart have large
# uncertainties, and a gradient, instead of none.
DEGENERATE = 1e-9
# Effective events, (Σw)²/Σw², that say themselves how well a bin is known.
FEW = 2


class Templates(NamedTuple):
    """Histograms of all samples.

    ``nominal``: sums of weights, (samples, bins). ``variance``: sums of squared weights, (samples, bins). ``down``,
    ``up``: those with a nuisance that varies shapes at -1 and +1, (shapes, samples, bins).
    """

    nominal: Tensor
    variance: Tensor
    down: Tensor
    up: Tensor

    def plus(self, other: "Templates") -> "Templates":
        """Those of the events of both."""
        return Templates(*(one + more for one, more in zip(self, other, strict=True)))

    def merged(self, starts: Sequence[int]) -> "Templates":
        """With fewer bins, which begin at these old ones, the first at 0."""
        sizes = torch.diff(torch.tensor([*starts, self.nominal.shape[1]])).tolist()
        parts = ([piece.sum(dim=-1) for piece in torch.split(one, sizes, dim=-1)] for one in self)
        return Templates(*(torch.stack(one, dim=-1) for one in parts))


class Likelihood:
    """The information in histograms on the parameters of a measurement.

    Args:
        measurement: what is measured.
        shapes: nuisances with templates, in the order of ``Templates.up``.
        statistics: factor of the simulation's variance: 1 for that of the events themselves, 0 for none, and the share
            of the simulation that they are, where the fit is to have all of it.
    """

    def __init__(self, measurement: Measurement, shapes: Sequence[str], statistics: float) -> None:
        place = {name: number for number, name in enumerate(measurement.samples)}
        factors = torch.zeros(len(measurement.parameters), len(place), dtype=torch.float64)
        constraint = torch.zeros(len(measurement.parameters), dtype=torch.float64)
        for row, names in enumerate(measurement.signals.values()):
            factors[row, [place[name] for name in names]] = 1
        for row, nuisance in enumerate(measurement.nuisances.values(), start=len(measurement.signals)):
            for name, (down, up) in nuisance.factors.items():
                factors[row, place[name]] = slope(down, up)
            constraint[row] = 0 if nuisance.width is None else nuisance.width**-2
        self.of_interest = len(measurement.signals)
        self.background = measurement.background
        self.statistics = statistics
        self._factors, self._constraint = factors, constraint
        self._shapes = torch.tensor([measurement.parameters.index(name) for name in shapes], dtype=torch.int64)

    def slopes(self, templates: Templates) -> Tensor:
        """Derivatives of the expectation with respect to the parameters, (parameters, bins)."""
        change = (templates.up - templates.down).sum(dim=1) / 2
        yields: Tensor = self._factors @ templates.nominal
        return yields.index_add(0, self._shapes, change)

    def variances(self, templates: Templates) -> Tensor:
        """Of the bins' contents, (bins,); infinite where nothing is expected, which tells nothing."""
        expected = templates.nominal.sum(dim=0)
        simulated = with_few_events(templates.nominal, self.statistics * templates.variance, self.background)
        variance = expected + simulated.sum(dim=0)
        return variance.masked_fill(expected <= 0, torch.inf)

    def information(self, templates: Templates) -> Tensor:
        """Fisher information of all parameters with their constraints, (parameters, parameters)."""
        slopes = self.slopes(templates)
        return (slopes / self.variances(templates)) @ slopes.T + self._constraint.diag()

    def covariance(self, templates: Templates, profiled: bool = True) -> Tensor:
        """Of the parameters of interest, (of interest, of interest), the nuisances ``profiled`` or fixed."""
        information = self.information(templates)
        kept = information if profiled else information[: self.of_interest, : self.of_interest]
        return inverse(kept)[: self.of_interest, : self.of_interest]

    def loss(self, templates: Templates, profiled: bool = True) -> Tensor:
        """The uncertainties of the parameters of interest, added in quadrature: a number."""
        loss: Tensor = self.covariance(templates, profiled).diagonal().sum().sqrt()
        return loss


def with_few_events(nominal: Tensor, variance: Tensor, background: Sequence[bool]) -> Tensor:
    """Variances of the simulation, also of bins that hardly any simulated background happens to fill.

    In a bin with fewer than 2 effective events of all background, (Σw)²/Σw², its variance is at least that of one event
    of the mean weight, Σw²/Σw of all bins. What is added is shared out by the samples' parts in Σw² of all bins.

    Args:
        nominal: sums of weights, (samples, bins).
        variance: sums of squared weights, (samples, bins).
        background: which samples are, (samples,).

    Returns:
        (samples, bins).
    """
    own = torch.tensor(list(background))[:, None]
    contents, squares = (one.where(own, 0) for one in (nominal, variance))
    content, square = contents.sum(dim=0), squares.sum(dim=0)
    if not (content.sum() > 0 and square.sum() > 0):
        return variance
    few = (content <= 0) | (content.square() < FEW * square)
    lacking = ((square.sum() / content.sum()).square() - square).clamp(min=0).where(few, 0)
    return variance + squares.sum(dim=1, keepdim=True) / square.sum() * lacking


def inverse(information: Tensor) -> Tensor:
    """Covariance matrices of information matrices, (..., parameters, parameters)."""
    size = information.diagonal(dim1=-2, dim2=-1).clamp(min=torch.finfo(information.dtype).tiny).sqrt()
    both = size[..., :, None] * size[..., None, :]
    unit = torch.eye(information.shape[-1], dtype=information.dtype, device=information.device)
    covariance: Tensor = torch.linalg.inv(information / both + DEGENERATE * unit) / both
    return covariance
