"""CATHODE: data against events sampled from an interpolated density."""

from resonaut.core.record import key, record
from resonaut.select.catalogue import FLOW, Entry


@record
class CathodeSettings:
    """The methods `cathode` and `cathode_b`: how much is sampled, and the features that only `cathode_b` sees."""

    oversampling: float = key("Sampled events for each data event of the signal region.", default=4, gt=0)
    b_features: list[str] = key(
        "Features that `cathode_b` sees beside `features`.", default=["b_tag_j1", "b_tag_j2"], unique=True
    )


METHODS = {
    "cathode": Entry("method.Cathode", FLOW, CathodeSettings, features=("b_features",)),
    "cathode_b": Entry("method.CathodeB", (*FLOW, "cathode")),
}
