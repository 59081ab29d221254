"""CWoLa Hunting: signal region against sidebands."""

from typing import Literal

from resonaut.core.record import key, record
from resonaut.select.catalogue import EVENT, JETS, Entry
from resonaut.select.quantile import Combination


@record
class CwolaSettings:
    """The method `cwola`: what its classifiers see, and how the two jets' quantiles become one number."""

    inputs: Literal["event", "jets"] = key(
        "One classifier that sees `features`, or one for each jet that sees `jet_features`.", default="event"
    )
    combination: Combination = key("How the quantiles of the two jets become one number.", default="maximum")


METHODS = {"cwola": Entry("method.Cwola", (*EVENT, *JETS), CwolaSettings)}
