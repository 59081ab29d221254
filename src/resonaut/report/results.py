"""The JSON file of the stage ``report``, as a record; ``docs/report.md`` says what every key means."""

from resonaut.core.record import key, record
from resonaut.core.results import result
from resonaut.fit.results.scans import Excesses


@record
class Line:
    """One mass of a selection, in the ``unit`` of its observable; limits in fb, null where the fits failed."""

    selection: str
    mass: float
    unit: str
    p_local: float | None
    z_local: float | None
    z_expected: float | None
    signal_yield: float | None
    signal_yield_error: float | None
    limit_observed: float | None
    limit_expected: float | None
    efficiency: float | None
    fit_p_background: float | None
    fit_good: bool


@result("summary of the report", "report summary")
class Summary:
    """``<results>/report/summary.json``: the final numbers of all selections and masses."""

    points: list[Line]
    global_: Excesses = key("The largest excesses.", validation_alias="global", serialization_alias="global")
