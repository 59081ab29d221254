"""The section of a network that is trained on the expected uncertainty; apart from it, because torch loads slowly."""

from typing import Literal

from resonaut.core.record import Natural, key, record


@record
class Settings:
    """A network whose loss is the expected uncertainty of the parameters of interest."""

    bins: int = key("Bins of the histogram that is fitted.", default=10, ge=2)
    histogram: Literal["softmax", "gaussian"] = key(
        "How the histogram has a gradient. `softmax`: an output for each bin, events are shared out among the bins in "
        "training and lie in the bin of the largest output else. `gaussian`: equal bins of one output from 0 to 1; the "
        "gradient of a bin's content is that of a Gaussian of half the bin's width.",
        default="softmax",
    )
    temperature: float = key("What the outputs of `softmax` are divided by.", default=0.1, gt=0)
    hidden: list[Natural] = key("Units of the hidden layers.", default=[100, 100], min_length=1)
    start: Literal["uncertainty", "cross_entropy"] = key(
        "What `warm_up` trains on. `uncertainty`: that without nuisances. `cross_entropy`: a network of the same size "
        "on the cross entropy of the classes, whose best `bins` the network then imitates; for few simulated events.",
        default="uncertainty",
    )
    warm_up: int = key("Passes over the training events before the others.", default=2, ge=0)
    warm_up_rate: float | None = key(
        "Step size of Adam in the passes before the others; null for `learning_rate`.", default=None, gt=0
    )
    epochs: int = key("Passes over the training events.", default=10, ge=1)
    batch_size: int = key(
        "Events in a step, of all samples. The uncertainty is no mean over events: with few of them it is too noisy.",
        default=2000,
        ge=10,
    )
    learning_rate: float = key("Step size of Adam, which falls to 0 in half a cosine.", default=0.001, gt=0)
    statistics: bool = key(
        "Let the finite number of simulated events add to the variance of each bin (Barlow-Beeston-lite).", default=True
    )
