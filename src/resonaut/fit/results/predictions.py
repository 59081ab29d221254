"""The files of the background predictions."""

from resonaut.core.record import record
from resonaut.core.results import result
from resonaut.fit.results.fits import Probability
from resonaut.fit.results.scans import named


@record
class Interpolated:
    """Events in the signal region by a function that was fitted beside it; chi2 in the bins beside."""

    events: float
    error: float
    family: str
    shape_parameters: int
    chi2: float
    ndf: int
    p_value: Probability | None


@record
class Reweighted:
    """Events by simulation, times the ``normalisation`` to the data in the sidebands.

    Errors in events: ``statistical`` of the simulation, ``normalisation_error`` of data and simulation in the
    sidebands, ``variations`` of the weights by source, and all in quadrature, ``error``.
    """

    events: float
    error: float
    statistical: float
    normalisation: float
    normalisation_error: float
    variations: dict[str, float]


@record
class PredictionBin:
    """A bin between ``low`` and ``high``; ``observed`` is None where the data are not looked at."""

    low: float
    high: float
    observed: float | None
    function: float
    function_error: float
    simulation: float
    simulation_error: float


@result("background prediction", "fit prediction")
class Prediction:
    """``<results>/fit/<method>/<window>_prediction.json``; masses are values of the ``observable``, in its ``unit``.

    ``range``: the bins of the fit that hold the signal region, which both predictions, their ``pull`` (simulation less
    function, in their errors) and the ``observed`` events are of; these and their pulls are None where the search is
    blind.
    """

    method: str
    window: str
    observable: str
    label: str
    unit: str
    signal_region: tuple[float, float]
    sidebands: tuple[tuple[float, float], tuple[float, float]]
    range: tuple[float, float]
    function: Interpolated
    simulation: Reweighted
    observed: float | None
    pull: float
    pull_function: float | None
    pull_simulation: float | None
    bins: list[PredictionBin]

    @property
    def selection(self) -> str:
        """As of the fits."""
        return named(self.method, self.observable)
