"""What the search shows at one mass, as records: yields, limits, sources of uncertainty."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Tag, model_serializer, model_validator

from resonaut.core.record import keys, record
from resonaut.fit.results.fits import Fit, Probability

# A relative uncertainty, or the relative changes with its source up and down.
Size = float | tuple[float, float]


@record
class Limits:
    """Upper limits; expected are those without a signal, at -2 to 2 standard deviations."""

    observed: float
    expected_minus_2: float
    expected_minus_1: float
    expected: float
    expected_plus_1: float
    expected_plus_2: float

    def scaled(self, factor: float) -> "Limits":
        """The same limits in another unit."""
        return Limits(**{name: value * factor for name, value in vars(self).items()})


@record
class Nuisance:
    """A source of uncertainty: relative ``size``; ``error`` in the prior's; impacts on yield (events) and limit."""

    size: float
    pull: float
    error: float
    impact: float
    limit_impact: float | None


@record
class GaussianShape:
    """A signal's shape: a Gaussian of relative ``width``."""

    shape: Literal["gaussian"]
    width: float


@record
class HistogramShape:
    """A given histogram of a signal of ``mass`` (GeV)."""

    shape: Literal["histogram"]
    mass: float


@record
class CrystalBallShape:
    """A Crystal Ball with two tails, above ``threshold`` (GeV), fitted to the ``source``."""

    shape: Literal["crystal_ball"]
    source: str
    threshold: float
    peak: float
    log_width: float
    alpha_low: float
    log_n_low: float
    alpha_high: float
    log_n_high: float


SignalShape = Annotated[GaussianShape | HistogramShape | CrystalBallShape, Discriminator("shape")]


@record
class WidthLimits:
    """Asymptotic limits in events on a Gaussian resonance of a relative ``width`` of its own, or why there are none."""

    width: float
    limit_events: Limits | None
    reason: str | None


@record
class Point:
    """What one mass (GeV) shows; yields in events, ``limit`` in fb, efficiencies selected over produced."""

    mass: float
    q0: float
    p_local: Probability
    z_local: float
    z_expected: float
    reference_signal: float
    signal_yield: float
    signal_yield_error: float
    signal_yield_error_up: float
    signal_yield_error_down: float
    signal_yield_floating: float
    signal_yield_floating_error: float
    signal_yield_floating_error_up: float
    signal_yield_floating_error_down: float
    efficiency: float | None
    efficiency_uncertainties: dict[str, Size]
    efficiency_extrapolated: bool
    limit_events: Limits | None
    limit: Limits | None
    limit_reason: str | None
    limit_method: Literal["toys", "asymptotic"]
    limit_events_asymptotic: Limits | None
    limit_events_toys: Limits | None
    limit_events_pyhf: Limits | None
    limits_by_width: list[WidthLimits]
    background_under_peak: float
    scale_pull: float | None
    nuisances: dict[str, Nuisance]
    nuisance_groups: dict[str, Nuisance]
    signal_shape: SignalShape
    fit: Fit
    workspace: str
    workspace_events: float

    @property
    def peak_pulls(self) -> dict[str, float]:
        """By how many standard deviations the fit with nuisances pulls the peak's scale and resolution."""
        sources = self.nuisances | self.nuisance_groups
        names = {"scale": ("position", "scale"), "resolution": ("width", "resolution")}
        found = {effect: [name for name in either if name in sources] for effect, either in names.items()}
        return {effect: sources[either[0]].pull for effect, either in found.items() if either}


@record
class FailedPoint:
    """A mass (GeV) at which the fits fail, and why there is nothing; in the file all other keys are null."""

    mass: float
    limit_reason: str

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, content: Any) -> Any:
        if not isinstance(content, dict):
            return content
        return {name: value for name, value in content.items() if value is not None or name not in keys(Point)}

    @model_serializer(mode="wrap")
    def _with_nulls(self, content: Any) -> dict[str, Any]:
        known: dict[str, Any] = content(self)
        return dict.fromkeys(keys(Point)) | known


def _is_fitted(point: Any) -> str:
    failed = point.get("fit", point) is None if isinstance(point, dict) else isinstance(point, FailedPoint)
    return "failed" if failed else "fitted"


AnyPoint = Annotated[Annotated[Point, Tag("fitted")] | Annotated[FailedPoint, Tag("failed")], Discriminator(_is_fitted)]


def largest(points: Sequence[Point]) -> Point | None:
    """The most significant of the masses whose fits are good; nothing says how often others show an excess."""
    return max((point for point in points if point.fit.good), key=lambda point: point.z_local, default=None)
