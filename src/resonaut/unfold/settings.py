"""The section ``unfold`` of the configuration."""

from typing import Literal

from resonaut.core.record import key, record
from resonaut.learn.ratio.settings import NetworkSettings
from resonaut.learn.ratio.settings import Settings as Ratio


@record
class Networks(NetworkSettings):
    """Networks for ratios that are learned twice in each iteration: smooth, and trained for few epochs."""

    hidden: list[int] = key(default=[32, 32])
    epochs: int = key(default=8)
    batch_size: int = key(default=1024)
    learning_rate: float = key(default=0.005)
    annealing: bool = key(default=True)
    restarts: int = key(default=1)
    validation_parts: int = key(default=1)


@record
class Classifier(Ratio):
    """The ratio step of both levels."""

    backend: Literal["trees", "network"] = key(default="network")
    folds: int = key(default=3)
    network: Networks = key(default={})


@record
class OmniFold:
    """The iterations of OmniFold."""

    iterations: int = key("Iterations; docs/unfold.md shows what tells that there are enough.", default=5, ge=1)
    fakes: Literal["share", "yield"] = key(
        "Events that pass the selection at the detector level alone: they have the same share of the data as of the "
        "simulation at each point of the detector level, or the yield that the simulation gives them.",
        default="share",
    )
    classifier: Classifier = key("The ratio step, k folds of networks or trees.", default={})
