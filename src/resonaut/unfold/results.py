"""The JSON files of the stage ``unfold``, as records; ``docs/unfold.md`` says what every key means."""

from typing import Any, Literal

from resonaut.core.record import record
from resonaut.core.results import result

Combination = Literal["standard_error", "standard_deviation", "difference"]


@record
class Iteration:
    """What an iteration of OmniFold did; areas are of step 1's classifiers, each event by models that have not seen it.

    ``change``: mean relative change of the weights; ``yield_ratio``: events at the particle level after over before the
    unfolding; ``effective``: events without weights of the same statistical power; ``largest`` weight; ``auc_before``,
    ``auc_after``: data against simulation at the detector level, ``auc_error`` where they are alike;
    ``data_over_simulation``: yields at the detector level afterwards.
    """

    change: float
    yield_ratio: float
    effective: float
    largest: float
    auc_before: float
    auc_after: float
    auc_error: float
    data_over_simulation: float


@result("run of an unfolding", "unfold train")
class Run:
    """``<results>/unfold/runs/<run>.json``: what happened; ``data`` events with background and fakes.

    Of the data, with the background subtracted, and of the simulation that is seen: ``negative`` weights, and those
    whose mean sign was estimated below 0 and which are 0 now, ``signs_clipped``; shares of the sum of |weight|. Of a
    variation: the datasets that have none of its name and are ``unvaried``.
    """

    run: str
    unvaried: list[str]
    data: float
    simulated: int
    negative: tuple[float, float]
    signs_clipped: tuple[float, float]
    iterations: list[Iteration]


@record
class Column:
    """A published observable: the column it comes from, its unit (1 for a number) and label."""

    column: str
    unit: str
    label: str


@record
class Family:
    """Columns of weights that are one uncertainty, and how they become one.

    ``standard_error``: of their mean; ``standard_deviation``: of replicas; ``difference`` from the nominal weights, of
    two columns the mean of both squares.
    """

    columns: list[str]
    combination: Combination


@result("description of unfolded events", "unfold merge")
class Publication:
    """``<results>/unfold/events.json``, beside ``events.parquet`` with ``sha256``.

    The sum of ``nominal`` is the cross section in ``unit``; it includes the generator's weight ``base``.
    """

    events: int
    sha256: str
    unit: str
    nominal: str
    base: str
    observables: dict[str, Column]
    families: dict[str, Family]
    iterations: int
    fakes: str
    selection: dict[str, Any]
    datasets: list[str]
    cross_section: float


@record
class Uncertainty:
    """A family's uncertainty of each bin, and its covariance."""

    error: list[float]
    covariance: list[list[float]]


@result("unfolded observable", "unfold observable")
class Measured:
    """An observable in bins of ``edges``: ``values`` are cross sections per bin in ``unit``.

    ``outside`` the bins lies the rest of what the cut ``where`` leaves; ``effective`` events without weights would be
    as many as those of each bin.
    """

    name: str
    expression: str
    where: str
    unit: str
    edges: list[float]
    values: list[float]
    prior: list[float]
    outside: float
    effective: list[float]
    uncertainties: dict[str, Uncertainty]
    total: Uncertainty


@record
class Compared:
    """An observable at the particle level in bins, events per bin, and triangular discriminators x 1000 from the truth.

    ``omnifold_error`` has the uncertainties of all families of weights. ``truth`` and what is compared with it are None
    where it is not known.
    """

    edges: list[float]
    prior: list[float]
    omnifold: list[float]
    omnifold_error: list[float]
    bayes: list[float]
    truth: list[float] | None
    triangular_prior: float | None
    triangular_omnifold: float | None
    triangular_bayes: float | None


@result("summary of an unfolding", "unfold summarise")
class Summary:
    """``<results>/unfold/summary.json``: the observables with ``edges``, and the last iteration of each run."""

    observables: dict[str, Compared]
    runs: list[Run]
