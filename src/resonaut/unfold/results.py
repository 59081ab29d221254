"""The JSON files of the stage ``unfold``, as records; ``docs/unfold.md`` says what every key means."""

from resonaut.core.record import record


@record
class Iteration:
    """What an iteration of OmniFold did; areas are of step 1's classifiers, each event by models that have not seen it.

    ``change``: mean relative change of the weights; ``yield_ratio``: events at the particle level after over before the
    unfolding; ``effective``: events without weights of the same statistical power; ``largest`` weight; ``auc_before``,
    ``auc_after``: data against simulation at the detector level, ``auc_error`` where they are alike;
    ``data_over_simulation``: yields at the detector level afterwards.
    """

    change: float
    yield_ratio: float
    effective: float
    largest: float
    auc_before: float
    auc_after: float
    auc_error: float
    data_over_simulation: float
