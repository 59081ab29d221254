"""How two samples are compared."""

from resonaut.core.record import key, record
from resonaut.learn.ratio.settings import FeatureSettings, TreeSettings


@record
class Trees(TreeSettings):
    """Boosted trees that look for differences, in a half of the events."""

    learning_rate: float = key(default=0.1)
    max_iterations: int = key(default=200)
    max_leaf_nodes: int = key(default=15)
    validation_parts: int = key(default=2)


@record
class Classifier(FeatureSettings):
    """The fresh classifier."""

    trees: Trees = key(default={})


@record
class Settings:
    """A comparison of two samples."""

    bins: int = key("Bins of each variable, in quantiles of both samples together.", default=20, ge=2)
    pair_bins: int = key("Bins of each variable of a pair.", default=6, ge=2)
    pair_histograms: int = key("Pairs whose histograms are kept: those with the smallest p-values.", default=6, ge=0)
    renyi_order: float = key("Order of the Rényi divergence.", default=2, gt=0)
    replicas: int = key("Bootstrap replicas of both samples, for the errors.", default=100, ge=2)
    alike: int = key(
        "Pairs of samples drawn from one distribution, for the values without a difference.", default=200, ge=2
    )
    classifier: Classifier = key("The classifier that is trained to tell the samples apart.", default={})
    seed: int = key("Seed of replicas and drawn samples.", default=1, ge=0)
