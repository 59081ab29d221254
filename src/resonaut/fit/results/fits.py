"""The fits of one spectrum as records: what was tried, what was chosen, and its values in bins."""

from typing import Annotated, Any

from pydantic import Field

from resonaut.core.record import record

Probability = Annotated[float, Field(ge=0, le=1)]


@record
class Trial:
    """One step of the F-test: were ``shape_parameters`` accepted instead of one less?"""

    family: str
    shape_parameters: int
    chi2: float
    ndf: int
    f_test_p: float
    accepted: bool


@record
class Attempt:
    """A fit range (GeV), the quality of its fits, and whether that is good enough.

    p-values of chi2 without and with the signal, and against smooth distortions (``goodness``) with it; ``error``:
    relative, of the background at the resonance mass.
    """

    low: float
    high: float
    family: str
    shape_parameters: int
    p_background: Probability | None
    p_signal: Probability | None
    p_smooth: Probability
    error: float
    good: bool

    @property
    def p_value(self) -> float:
        """The p-value that objects most."""
        # Without degrees of freedom there is no p-value, and nothing to object to.
        return min(max(1.0 if p is None else p for p in (self.p_background, self.p_signal)), self.p_smooth)


@record
class FoundResonance:
    """One that floats in the background of other masses; ``z_local`` is None where its mass has no result."""

    mass: float
    z_local: float | None


@record
class Curves:
    """The fitted functions (N,) between ``edges`` (N + 1), GeV, in bins that are not merged."""

    edges: list[float]
    background: list[float]
    signal_plus_background: list[float]

    def __post_init__(self) -> None:
        """Check the lengths."""
        require_bins(self, "background", "signal_plus_background")


@record
class Fit(Attempt):
    """The fit at one mass, in bins merged for its chi2: ``edges`` (N + 1), GeV, and values (N,)."""

    parameters: list[float]
    resonances: list[FoundResonance]
    chi2: float
    ndf: int
    f_test: list[Trial]
    attempts: list[Attempt]
    edges: list[float]
    counts: list[float]
    background: list[float]
    pulls: list[float]
    signal: list[float]
    signal_plus_background: list[float]
    curves: Curves

    def __post_init__(self) -> None:
        """Check the lengths."""
        require_bins(self, "counts", "background", "pulls", "signal", "signal_plus_background")


@record
class Background:
    """The background-only fit of the widest range that it describes, in bins merged for its chi2, as in ``Fit``.

    Without a fit the family is ``none``, with 0 ``shape_parameters``, and all events are in one bin.
    """

    family: str
    shape_parameters: int
    good: bool
    parameters: list[float]
    chi2: float
    ndf: int
    p_value: Probability | None
    edges: list[float]
    counts: list[float]
    expected: list[float]
    pulls: list[float]

    def __post_init__(self) -> None:
        """Check the lengths."""
        require_bins(self, "counts", "expected", "pulls")


def require_bins(bins: Any, *names: str) -> None:
    """Stop where a list has not one value for each of the ``bins``."""
    for name in names:
        if len(getattr(bins, name)) + 1 != len(bins.edges):
            raise ValueError(f"{name} has not one value for each bin")
