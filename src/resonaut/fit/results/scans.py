"""The files of a search in one spectrum, and of all selections together."""

from resonaut.core.observables import DEFAULT
from resonaut.core.record import key, record
from resonaut.core.results import result
from resonaut.fit.results.fits import Background, FoundResonance, Probability, require_bins
from resonaut.fit.results.points import AnyPoint, FailedPoint, Point


@record
class Global:
    """The largest excess of one or more scans and its global p-values; ``p_toys`` is None without toys.

    ``p_toys_error`` is binomial; where no toy reaches the excess it is 1/toys, and ``p_gross_vitells`` the better one.
    ``z_global`` lies between what half a toy less than all of them says and 37. ``trials`` is the global over the local
    p-value at 5 sigma local, by Gross and Vitells, and ``z_local_needed`` the local significance of 5 sigma global.
    """

    mass: float
    z_local: float
    p_toys: Probability | None
    p_toys_error: float | None
    p_gross_vitells: Probability | None
    z_global: float | None
    trials: float | None
    z_local_needed: float | None
    toys: int


@record
class Toys:
    """Background-only toys of one scan: the largest ``z_local`` of each, and the mean number of up-crossings."""

    z_max: list[float]
    up_crossings: float


@record
class BumpResult:
    """The bump between ``low`` and ``high`` GeV, its ``events`` and the events ``expected`` there.

    ``p_local`` is that of the window alone. ``p_global`` is the share of ``toys`` with a statistic at least as large,
    with its binomial error, both None without toys; an error of 0 means that no toy reaches the data, or that all do.
    """

    low: float
    high: float
    events: float
    expected: float
    p_local: Probability
    statistic: float
    p_global: Probability | None
    p_global_error: float | None
    toys: int


@record
class Scan:
    """The search in one spectrum; ``sqrt_s`` in GeV, ``luminosity`` in 1/fb, where it is known."""

    sqrt_s: float
    luminosity: float | None
    confidence_level: float
    background: Background
    resonances: list[FoundResonance]
    scan: list[AnyPoint]
    global_: Global | None = key("The largest excess.", validation_alias="global", serialization_alias="global")
    toys: Toys | None
    bump_hunter: BumpResult | None

    @property
    def points(self) -> list[Point]:
        """The masses that were fitted."""
        return [point for point in self.scan if isinstance(point, Point)]

    @property
    def failed(self) -> list[FailedPoint]:
        """The masses at which the fits failed."""
        return [point for point in self.scan if isinstance(point, FailedPoint)]


def named(method: str, observable: str) -> str:
    """How a method's selections are called: by the method, in another observable than the default with its name."""
    return method if observable == DEFAULT else f"{method} in {observable}"


@result("fit result", "fit selection")
class SelectionScan(Scan):
    """``<results>/fit/<method>/<window>.json``; masses are values of the ``observable``, in its ``unit``."""

    method: str
    window: str
    observable: str
    label: str
    unit: str
    signal_region: tuple[float, float]

    @property
    def selection(self) -> str:
        """The method, in another observable than the default with its name."""
        return named(self.method, self.observable)


@record
class Shown:
    """A spectrum in bins for a figure: ``counts`` (N,) between ``edges`` (N + 1), GeV."""

    edges: list[float]
    counts: list[float]

    def __post_init__(self) -> None:
        """Check the lengths."""
        require_bins(self, "counts")


@result("fit result", "fit scan")
class SpectrumScan(Scan):
    """``scan.json`` of a bare spectrum, whose axis is the ``observable``; ``resolution`` is relative."""

    spectrum_file: str
    observable: str
    resolution: float | None
    spectrum: Shown


@record
class SummaryPoint:
    """One mass of a selection, in the ``unit`` of its observable; limits in fb, null where the fits failed."""

    selection: str
    mass: float
    unit: str
    p_local: Probability | None
    z_local: float | None
    z_expected: float | None
    reference_signal: float | None
    signal_yield: float | None
    signal_yield_error: float | None
    efficiency: float | None
    limit_observed: float | None
    limit_expected: float | None
    fit_p_background: Probability | None
    fit_good: bool


@record
class Excesses:
    """The largest excess of each selection, in all its windows, and of all selections together."""

    selections: dict[str, Global]
    all: Global | None


@result("summary of fits", "fit summary")
class Summary:
    """``<results>/fit/summary.json``: all selections and masses, sorted, and the global significances."""

    points: list[SummaryPoint]
    global_: Excesses = key("The largest excesses.", validation_alias="global", serialization_alias="global")
