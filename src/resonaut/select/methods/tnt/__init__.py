"""Tag N' Train: an anomalous jet labels the other jet of its event."""

from resonaut.core.record import key, record
from resonaut.select.catalogue import JETS, Entry
from resonaut.select.quantile import Combination


@record
class TntSettings:
    """The method `tnt`: parts of the events that count as signal-like and background-like; the two jets as one."""

    signal_like: float = key(
        "Events of the window with the most anomalous jets, of which those of the signal region make up the"
        " signal-like sample.",
        default=0.2,
        gt=0,
        lt=1,
    )
    background_like: float = key(
        "Events of the window with the least anomalous jets, which are in the background-like sample "
        "together with the sidebands.",
        default=0.4,
        ge=0,
        le=1,
    )
    combination: Combination = key("How the quantiles of the two jets become one number.", default="product")


METHODS = {"tnt": Entry("method.Tnt", (*JETS, "autoencoder"), TntSettings)}
