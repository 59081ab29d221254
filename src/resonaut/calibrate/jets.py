"""The Lund planes of skimmed jets."""

import awkward as ak
import numpy.typing as npt

from resonaut.calibrate.lund import lund_plane
from resonaut.calibrate.settings import Settings

MOMENTUM = ("pt", "eta", "phi", "mass")


def columns(jet: str) -> list[str]:
    """The columns of ``skim`` with the constituents of ``jet`` (``"j1"`` or ``"j2"``)."""
    return [f"{jet}_pf_{name}" for name in MOMENTUM]


def subjets_of(events: ak.Array, jet: str, n_prongs: int | npt.ArrayLike, settings: Settings) -> ak.Array:
    """``lund_plane`` of one jet in each event."""
    constituents = ak.zip(dict(zip(MOMENTUM, (events[name] for name in columns(jet)), strict=True)))
    return lund_plane(constituents, n_prongs, minimum_delta=settings.minimum_delta, minimum_kt=settings.minimum_kt)
