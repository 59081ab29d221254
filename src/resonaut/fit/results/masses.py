"""A scan of masses as a record: what models of one signal each say, by its mass."""

from resonaut.core.record import record
from resonaut.core.results import result
from resonaut.fit.results.points import Limits


@record
class MassPoint:
    """A signal of one mass (GeV): fitted cross section, its error and limits in fb, and the latter on the coupling.

    ``z``: standard deviations of the signal against none, ``z_expected`` for the ``reference`` cross section (fb).
    ``reason``: why something of it is null.
    """

    model: str
    mass: float
    reference: float
    cross_section: float | None
    error: float | None
    z: float | None
    z_expected: float | None
    limits: Limits | None
    coupling: Limits | None
    goodness_p: float | None
    reason: str | None


@result("scan of masses", "fit mass-scan")
class MassScanResult:
    """``<results>/fit/mass_scans/<name>.json``: points by growing mass; ``symbol`` of the coupling, if there is one."""

    name: str
    symbol: str | None
    points: list[MassPoint]
