"""The columns of weights that ``calibrate`` writes for each jet ``j1`` and ``j2``.

``lund_weight_<jet>`` is the nominal weight, ``lund_weight_<variation>_<jet>`` that of a variation: a set of toys (a
list), or one that ends in ``_up`` or ``_down``. The weight of an event is the product of its jets'.
"""

from collections.abc import Iterable

from resonaut.core.weights import Factor

JETS = ("j1", "j2")
GROUP = "lund"
NOMINAL = "nominal"
TOYS = ("statistical", "pt_extrapolation")


def column(variation: str, jet: str) -> str:
    """The column of one jet's weights in a variation."""
    return f"lund_weight_{jet}" if variation == NOMINAL else f"lund_weight_{variation}_{jet}"


def notes(variations: Iterable[str]) -> dict[str, dict[str, str]]:
    """What the file says of its columns, for ``events.write``: which weight each is.

    The calibration changes which jets there are, not how many before a selection: the weights keep the total.
    """
    return {column(name, jet): _factor(name).metadata() for name in variations for jet in JETS}


def _factor(variation: str) -> Factor:
    if variation == NOMINAL:
        return Factor(GROUP, keeps_total=True)
    if variation in TOYS:
        return Factor(GROUP, variation, "toys", keeps_total=True)
    if variation.endswith("_up"):
        return Factor(GROUP, variation.removesuffix("_up"), "up", keeps_total=True)
    return Factor(GROUP, variation.removesuffix("_down"), "down", keeps_total=True)
