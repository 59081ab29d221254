"""The keys of a scan of masses, and what its job reads."""

from resonaut.core.record import Fb, GeV, Name, Positive, key, record


@record
class SquaredCoupling:
    """A coupling whose square the cross section of the signal is proportional to, as at leading order."""

    symbol: str = key("What it is called in figures, as `g_q`.", min_length=1)
    reference: Positive[float] = key("Its value for which the datasets of the signals have their cross sections.")


@record
class MassScan:
    """Limits of several models against the mass of the signal that each of them has."""

    models: list[Name] = key(
        "Models, each with datasets of one `mass` as its signal, and its strength as the first of "
        "`parameters_of_interest`: 1 for the cross section of these datasets.",
        min_length=1,
        unique=True,
    )
    coupling: SquaredCoupling | None = key("Coupling on which there are limits, too; null for none.", default=None)


@record
class Point:
    """A mass (GeV), its model, the parameter of interest, and the cross section (fb) for which that is 1."""

    model: Name
    interest: str
    mass: GeV
    cross_section: Fb


@record
class ScanJob:
    """What the job of a scan reads; points by growing mass."""

    points: list[Point]
    coupling: SquaredCoupling | None
