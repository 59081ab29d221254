"""The JSON files of the stage ``select``, as records; ``docs/select.md`` says what every key means."""

from typing import Literal

from resonaut.core.histograms import Histogram
from resonaut.core.record import record
from resonaut.core.results import result
from resonaut.core.weights import Effect, named

Range = tuple[float, float]


@record
class Category:
    """All data with a ``score`` from its first value up to below its second one."""

    score: Range
    spectrum: Histogram


@record
class Count:
    """Events of the data in a region, and how many of them are selected."""

    events: int
    selected: int


@record
class Counts:
    """The data by region of the window."""

    lower_sideband: Count
    signal_region: Count
    upper_sideband: Count
    outside: Count


@record
class Interpolation:
    """The efficiency in the signal region, and the one ``interpolated`` from outside."""

    efficiency: float
    interpolated: float
    error: float
    p_value: float


@record
class Spurious:
    """The ``interpolation``, and the largest fake excess that is not excluded (standard deviations).

    Both are None where they are unknown.
    """

    interpolation: Interpolation | None
    spurious_excess: float | None


@record
class EfficiencyBin:
    """The efficiency in a ``range`` of the observable, the ``expected`` one of the trend, and the error of that."""

    range: Range
    efficiency: float
    expected: float
    error: float


@record
class Flatness:
    """The efficiency of a sample, also in ``bins``, and the chi2 of one that follows the trend, or is flat."""

    efficiency: float
    bins: list[EfficiencyBin]
    chi2: float
    ndof: int
    p_value: float


@record
class Divergence:
    """Jensen-Shannon divergence (bits) of passing and failing events, its median for random cuts, and the p-value.

    With a trend of passing events and what the trend expects. None where all events pass, or none does.
    """

    jsd: float | None
    jsd_random: float | None
    jsd_p_value: float


@record
class Sculpting(Spurious, Flatness, Divergence):
    """Whether the selection sculpts the spectrum of a ``sample``."""

    sample: str
    verdict: Literal["sculpted", "not excluded", "flat"]


@record
class Moved:
    """What a shift of objects does to a signal's peak, up and down: relative changes of its ``position`` and ``width``.

    These are the median of the spectrum, and half of its central 68 % over the median.
    """

    position: tuple[float, float]
    width: tuple[float, float]


@record
class Signal:
    """One signal: ``efficiency`` is selected over generated, with all weights that there are.

    ``acceptance`` is the same before the score cut, ``spectrum`` the selected cross section in fb.
    ``weights``: by group, what weights and shifted objects do to the efficiency; ``moved``: by source, named as in
    ``uncertainties``, what the shifts do to the peak. Both are empty if nothing is selected.
    """

    dataset: str
    mass: float | None
    acceptance: float
    efficiency: float
    efficiency_error: float
    weights: dict[str, Effect]
    moved: dict[str, Moved]
    spectrum: Histogram

    @property
    def uncertainties(self) -> dict[str, tuple[float, float]]:
        """Relative changes of the efficiency, up and down, by the sources' names (``core.weights.named``)."""
        return {name: self.weights[group].uncertainties[source] for (group, name), source in self.sources.items()}

    @property
    def sources(self) -> dict[tuple[str, str], str]:
        """The sources within their groups, by group and name (``core.weights.named``)."""
        return {
            (group, named(group, source)): source
            for group, effect in self.weights.items()
            for source in effect.uncertainties
        }


@record
class Counted:
    """The data: the selected ``spectrum``, ``spectra`` by background efficiency, orthogonal ``categories``.

    ``further``: spectra of what is selected, by the columns that the window asks for.
    """

    spectrum: Histogram
    further: dict[str, Histogram]
    spectra: dict[str, Histogram]
    categories: list[Category]
    counts: Counts


@record
class Selection(Counted):
    """A method in a window, and what it selects of the ``data``; ranges of the ``observable``, in its ``unit``.

    ``label``: how figures call the observable.
    """

    method: str
    window: str
    observable: str
    label: str
    unit: str
    signal_region: Range
    sidebands: tuple[Range, Range]
    efficiency_target: float
    training: dict[str, float]
    data: str
    sculpting: Sculpting
    signals: list[Signal]


@result("summary of a selection", "select train")
class Trained(Selection):
    """``<results>/select/<method>/<window>.json``; ``importance`` by feature."""

    importance: dict[str, float]


@result("score of whole events", "select event-train")
class EventScoring:
    """``<results>/select/event_scores/<name>.json``: an autoencoder with so many ``inputs``, and what trained it.

    The mean scores are those of the events that trained and of as many others, None where there are none.
    """

    name: str
    data: str
    inputs: int
    events: int
    training_events: int
    score_training: float
    score_held_out: float | None


@record
class Improvement:
    """Significance improvement: the largest, its ``background_efficiency``, and ``at`` chosen efficiencies.

    None where too few events of the background are left.
    """

    max: float | None
    background_efficiency: float | None
    at: dict[str, float | None]
    signal_events: int
    background_events: int


@record
class Injected:
    """The signal that was put into the ``base``; ``amount`` in fb, or in events of the signal region.

    ``base_reason`` says why the base is the data. ``retrained``: relative change of the efficiency by variation.
    """

    signal: str
    base: str
    base_reason: str | None
    shared: float
    amount: float
    unit: Literal["fb", "events"]
    seed: int
    events: int
    events_in_signal_region: int
    retrained: dict[str, float | None]


@result("experiment with injected signal", "select inject")
class Experiment(Selection):
    """``<results>/select/inject/<method>/<window>/<signal>/<amount>_<seed>.json``; ``luminosity`` in 1/fb."""

    luminosity: float
    improvement: Improvement | None
    injection: Injected


@record
class Band:
    """Median and central 68 %."""

    median: float
    low: float
    high: float


@result("comparison of methods", "select benchmark")
class Benchmark:
    """A row of ``<results>/select/benchmark.json``: the experiments of a method with one amount of signal."""

    method: str
    window: str
    signal: str
    amount: float
    unit: Literal["fb", "events"]
    experiments: int
    events_in_signal_region: Band
    efficiency: Band
    max_improvement: Band | None
    improvement_at: dict[str, Band | None]
    sculpted: int


@record
class ImageEvents:
    """Numbers of events."""

    rejected: int
    selected: int


@result("file of jet images", "select images")
class Images:
    """``<results>/select/<method>/<window>_images.json``: mean images (jet, across, along) between ``edges``."""

    method: str
    window: str
    unit: str
    signal_region: Range
    edges: list[float]
    rejected: list[list[list[float]]]
    selected: list[list[list[float]]]
    events: ImageEvents
