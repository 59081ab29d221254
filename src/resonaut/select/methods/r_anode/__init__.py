"""R-ANODE: the density of a signal, learned beside a background's that is known."""

from resonaut.core.record import key, record
from resonaut.select.catalogue import FLOW, Entry


@record
class RAnodeSettings:
    """The method `r_anode`: the signal's flows, whose training is that of `density`."""

    share: float = key(
        "Part of the signal region's events that is signal, where the training begins.", default=0.01, gt=0, lt=1
    )
    members: int = key(
        "Flows of the signal in each fold, with other first weights and validation parts, whose odds are added.",
        default=4,
        ge=1,
    )


METHODS = {"r_anode": Entry("method.RAnode", FLOW, RAnodeSettings)}
