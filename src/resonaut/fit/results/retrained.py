"""The file of the experiments with injected signal and trainings of their own."""

from resonaut.core.record import record
from resonaut.core.results import result
from resonaut.fit.results.fits import Probability


@record
class FittedExperiment:
    """The excess in data with injected signal; yields in events."""

    amount: float
    seed: int
    events: int
    efficiency: float
    efficiency_error: float
    z_local: float
    p_local: Probability
    signal_yield: float
    sculpting: str


@record
class FailedExperiment:
    """One whose fits fail, and why."""

    amount: float
    seed: int
    reason: str


@record
class Expected:
    """What is expected, and what the data exclude (fb), with the efficiency found at one amount; or why nothing is."""

    five_sigma_expected: float | None = None
    excluded: float | None = None
    excluded_expected: float | None = None
    excluded_reason: str | None = None


@record
class Amount:
    """All experiments with one ``amount`` of signal, and what the data exclude (fb) with their efficiency."""

    amount: float
    experiments: int
    efficiency: float
    efficiency_spread: float | None
    efficiency_fitted: float | None
    efficiency_uncertainty: float | None
    z_local: float
    z_local_range: tuple[float, float]
    five_sigma_expected: float | None
    excluded: float | None
    excluded_expected: float | None
    excluded_reason: str | None


@result("file of fitted experiments", "fit retrained")
class Retrained:
    """``<results>/fit/retrained/<method>/<window>/<signal>.json``; ``mass`` in GeV, limits in fb."""

    method: str
    window: str
    signal: str
    mass: float
    unit: str
    base: str
    confidence_level: float
    experiments: list[FittedExperiment]
    failed: list[FailedExperiment]
    amounts: list[Amount]
    limit: float | None
    limit_expected: float | None
    limit_reason: str | None
    five_sigma: float | None
    five_sigma_expected: float | None

    def z_without_signal(self) -> list[float]:
        """Significances of the experiments into which nothing was put."""
        return [one.z_local for one in self.experiments if one.amount == 0]
