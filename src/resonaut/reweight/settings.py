"""The section ``reweight`` of the configuration."""

from resonaut.core.observables import DEFAULT
from resonaut.core.record import GeV, Name, NonNegative, Positive, key, record
from resonaut.learn.ratio.settings import Settings as Ratio
from resonaut.learn.ratio.settings import TreeSettings


@record
class Trees(TreeSettings):
    """Boosted trees for ratios near one."""

    learning_rate: float = key(default=0.05)
    max_iterations: int = key(default=100)
    max_leaf_nodes: int = key(default=15)
    min_leaf_events: int = key(default=50)
    l2: float = key(default=0)
    validation_parts: int = key(default=4)


@record
class Classifier(Ratio):
    """The ratio step of data and simulation."""

    trees: Trees = key(default={})
    seed: int = key(default=2)


@record
class Settings:
    """Reweighting of the simulated background to data."""

    features: list[str] = key(
        "Features in which the simulation is made to look like data, from the vocabulary in docs/select.md.",
        default=["m_j1", "delta_m", "tau21_j1", "tau21_j2"],
        min_length=1,
        unique=True,
    )
    observable: Name = key("Column of the events whose sidebands these are.", default=DEFAULT)
    sidebands: list[tuple[NonNegative[GeV], NonNegative[GeV]]] = key(
        "Ranges of the observable in which the ratio is learned and normalised; by default all that lies outside the "
        "signal regions of the search.",
        default=[[0, 3250], [4750, 20000]],
    )
    clip: tuple[Positive[float], Positive[float]] = key(
        "Smallest and largest ratio, before the normalisation.", default=[0.1, 10]
    )
    histogram_bins: int = key(
        "Bins of the closure histograms, each with the same number of data events.", default=20, ge=2
    )
    classifier: Classifier = key("The ratio step, k folds of ensembles.", default={})
