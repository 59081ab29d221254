"""What the data of a model allow of couplings."""

from resonaut.core.record import record
from resonaut.core.results import result

# None at an end that is that of the scan.
Ranges = list[tuple[float | None, float | None]]


@record
class CouplingScan:
    """One coupling; the other ones have their values in limits, and in the likelihood those of the best fit.

    ``values`` (V,). Of limits on the signal strength: ``observed`` (V,) and, without signal at -2 to 2 standard
    deviations, ``expected`` (5, V); ``allowed`` where they are above 1, and ``allowed_expected`` of the median;
    ``cross_section`` (V,) in fb of the theory, None where it is not known. Of the likelihood: the ``best`` value, -2
    Delta ln L ``deviance`` (V,) with the signal strength 1, and where it is below the level of one parameter,
    ``interval_68`` and ``interval_95``; None with its ``reason`` where fits fail.
    """

    coupling: str
    values: list[float]
    observed: list[float]
    expected: list[list[float]]
    cross_section: list[float] | None
    allowed: Ranges
    allowed_expected: Ranges
    best: float | None
    deviance: list[float | None]
    interval_68: Ranges | None
    interval_95: Ranges | None
    reason: str | None


@result("couplings of a model", "fit couplings")
class Couplings:
    """The couplings of a ``model`` that float, one after the other.

    ``expected_beside``: by channel the interval of the observable beside which the background of what is expected is
    fitted; empty where it is fitted to all data.
    """

    model: str
    strength: str
    confidence_level: float
    expected_beside: dict[str, tuple[float, float]]
    scans: list[CouplingScan]
