"""What a histogram is expected to measure, with and without nuisances."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from resonaut.core.errors import EmptySelectionError, FitError
from resonaut.learn.inference.likelihood import Likelihood, Templates, inverse
from resonaut.learn.inference.measurement import Measurement


@dataclass(frozen=True)
class Expected:
    """Expected uncertainties of all ``parameters``, in this order.

    ``uncertainty``: after all others are profiled. ``fixed``: of the parameters of interest with all nuisances fixed.
    ``covariance``: (parameters, parameters).
    """

    parameters: list[str]
    uncertainty: dict[str, float]
    fixed: dict[str, float]
    covariance: Tensor


def expected(measurement: Measurement, templates: Templates, shapes: Sequence[str], statistics: float = 1) -> Expected:
    """Uncertainties from the Fisher information of the Asimov data.

    Args:
        measurement: what is measured.
        templates: histograms of events; bins where nothing is expected are left out.
        shapes: the nuisances with templates, in their order.
        statistics: see ``Likelihood``.

    Raises:
        EmptySelectionError: in no bin anything is expected.
        FitError: a parameter has no effect and no constraint.
    """
    likelihood = Likelihood(measurement, shapes, statistics)
    if not (templates.nominal.sum(dim=0) > 0).any():
        raise EmptySelectionError("no bin of the histogram has a positive expectation; check weights and selection.")
    information = likelihood.information(templates)
    for name, value in zip(measurement.parameters, information.diagonal(), strict=True):
        if value <= 0:
            raise FitError(f"{name} changes no bin and has no constraint; constrain it, or leave it out.")
    covariance, n = inverse(information), likelihood.of_interest
    fixed = inverse(information[:n, :n]).diagonal().sqrt().tolist()
    profiled = covariance.diagonal().sqrt().tolist()
    names = measurement.parameters
    return Expected(
        names, dict(zip(names, profiled, strict=True)), dict(zip(names[:n], fixed, strict=True)), covariance
    )
