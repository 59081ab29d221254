"""The fit of a HistFactory model as a record; what cannot be given is null, with its reason."""

from typing import Literal

from resonaut.core.record import record
from resonaut.core.results import result
from resonaut.fit.results.fits import Probability
from resonaut.fit.results.points import Limits


@record
class Parameter:
    """A fitted parameter: ``value`` and ``error``, before the fit ``start`` and the width ``prior`` of its constraint.

    ``pull``: of the value from the start, and ``constraint``: the error, both in units of the prior; ``reason``: why
    there is no error or no pull.
    """

    name: str
    kinds: list[str]
    value: float
    error: float | None
    start: float
    prior: float | None
    pull: float | None
    constraint: float | None
    fixed: bool
    reason: str | None


@record
class Goodness:
    """Against the saturated model: ``deviance`` with ``ndf`` degrees of freedom, p-values asymptotic and by toys."""

    deviance: float
    ndf: int
    p_value: Probability | None
    p_toys: Probability | None
    toys: int


@record
class FitInterval:
    """Where -2 Delta ln L is below ``level``: from ``low`` to ``high``, null where an end is not found.

    ``ranges``: all of them, where there are several minima.
    """

    confidence_level: float
    level: float
    low: float | None
    high: float | None
    ranges: list[tuple[float | None, float | None]]
    reason: str | None


@record
class FitScan:
    """-2 Delta ln L at ``values`` (B,), others ``profiled``, and ``statistical``: with constrained ones fixed."""

    values: list[float]
    profiled: list[float | None]
    statistical: list[float | None]


@record
class Impact:
    """Changes of a parameter of interest with a nuisance up and down by its error ``after`` the fit or its prior."""

    name: str
    after: tuple[float | None, float | None]
    before: tuple[float | None, float | None]


@record
class DiscoverySignificance:
    """Against no signal: ``q0``, its p-value and standard deviations, and those expected for the value 1.

    The latter are None where nothing but the signal is expected in a bin.
    """

    q0: float
    p_value: Probability
    z: float
    z_expected: float | None


@record
class Interest:
    """A parameter of interest; ``statistical_error`` with the constrained parameters fixed.

    ``expected_error``: in Asimov data of the start values; ``reason``: why something of it is null. Impacts are ranked.
    """

    name: str
    value: float
    error: float | None
    statistical_error: float | None
    expected_error: float | None
    intervals: list[FitInterval]
    scan: FitScan | None
    limits: Limits | None
    significance: DiscoverySignificance | None
    impacts: list[Impact]
    reason: str | None


@record
class SampleYields:
    """Contents of a sample (N,), or their total, before and after the fit, with errors, and their sums."""

    before: list[float]
    before_errors: list[float]
    after: list[float]
    after_errors: list[float]
    sum_before: float
    sum_before_error: float
    sum_after: float
    sum_after_error: float


@record
class ChannelYields:
    """A channel of N bins: what is ``observed``, each sample, and their ``total``."""

    observed: list[float]
    samples: dict[str, SampleYields]
    total: SampleYields


@record
class Correlations:
    """Correlation matrix (K, K) of the parameters that have an error."""

    names: list[str]
    matrix: list[list[float]]


@result("fit of a HistFactory model", "fit histfactory")
class ModelResult:
    """The fit of a workspace; ``minimum`` is -2 ln L; ``distance`` is what a further step promises of -ln L.

    Where the fit has not ``converged``, ``problem`` says why and nothing that follows from it is there.
    """

    workspace: str
    measurement: str
    backend: Literal["batched", "pyhf_numpy", "pyhf_torch"]
    converged: bool
    problem: str | None
    minimum: float
    distance: float
    goodness: Goodness
    parameters: list[Parameter]
    correlations: Correlations
    interests: list[Interest]
    yields: dict[str, ChannelYields]
    warnings: list[str]
