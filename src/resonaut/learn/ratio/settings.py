"""The section ``classifier`` of a stage."""

from typing import ClassVar, Literal

from resonaut.core.record import Natural, key, record


@record
class Boosting:
    """Gradient-boosted trees: scikit-learn's ``HistGradientBoostingClassifier``."""

    learning_rate: float = key("Shrinkage of each tree.", default=0.1, gt=0, le=1)
    max_iterations: int = key("Most trees of a model; with more than two classes, for each of them.", default=300, ge=1)
    max_leaf_nodes: int = key("Most leaves of a tree.", default=31, ge=2)
    min_leaf_events: int = key(
        "Fewest training events in a leaf; with small leaves the trees learn chance clusters of events, see"
        " docs/select.md.",
        default=100,
        ge=1,
    )
    l2: float = key("L2 regularisation of the leaves' values.", default=1, ge=0)
    patience: int = key("Trees without improvement before the training stops.", default=10, ge=1)


@record
class TreeSettings(Boosting):
    """Gradient-boosted trees: scikit-learn's ``HistGradientBoostingClassifier``, several a fold."""

    validation_parts: int = key(
        "Parts of a fold's training events; each in turn decides when a model stops, and the models of all "
        "parts are averaged.",
        default=10,
        ge=2,
    )


@record
class NetworkSettings:
    """Multilayer perceptrons, all of them trained at once; ``restarts`` from other initial weights."""

    hidden: list[Natural] = key("Units of the hidden layers.", default=[64, 64, 64], min_length=1)
    epochs: int = key("Most passes over the training events.", default=50, ge=1)
    batch_size: int = key("Events in a step.", default=256, ge=1)
    learning_rate: float = key("Step size of Adam.", default=0.001, gt=0)
    annealing: bool = key(
        "Let the step size fall to 0 in half a cosine over all epochs. The ratio is smoother; give as many epochs as a "
        "network needs, not more.",
        default=False,
    )
    weight_decay: float = key("Decay of the weights.", default=0, ge=0)
    patience: int = key("Passes without improvement before a network stops.", default=10, ge=1)
    restarts: int = key("Networks with other first weights for each fold and validation part.", default=3, ge=1)
    validation_parts: int = key(
        "Parts of a fold's training events; each in turn decides when a model stops, and the models of all "
        "parts are averaged. With 1 all events train for all epochs, and all restarts are averaged.",
        default=4,
        ge=1,
    )
    penalty: float = key(
        "Strength of a term of the loss, the square of what the logarithm of the ratio is beyond `extreme_ratio`; 0 "
        "for none.",
        default=0,
        ge=0,
    )
    extreme_ratio: float = key("Ratios from its inverse up to it cost no penalty.", default=10, gt=1)
    device: Literal["cpu", "cuda"] = key("Where the networks are trained.", default="cpu")


@record
class SetSettings(NetworkSettings):
    """Deep sets of particles; `hidden` are the layers after the sum over particles."""

    particle: list[Natural] = key(
        "Units of the layers that each particle passes before the sum.", default=[100, 100, 128], min_length=1
    )
    hidden: list[Natural] = key(
        "Units of the layers that the sum over particles passes.", default=[100, 100, 100], min_length=1
    )
    restarts: int = key(default=1)


@record
class StepSettings:
    """k folds, and inside each as many models as the backend has rotating validation parts.

    ``choice_efficiency``: of a network's restarts the one with the largest efficiency for the numerator wins, at
    this efficiency for the denominator, both on the validation part.
    """

    MOVED: ClassVar = {"validation_parts": "trees.validation_parts and network.validation_parts"}

    backend: Literal["trees", "network", "sets"] = key(
        "Boosted trees of scikit-learn, or perceptrons in torch which are all trained at once, or deep sets of "
        "particles, likewise.",
        default="trees",
    )
    folds: int = key("Folds; an event is scored by the models that were trained without its fold.", default=5, ge=2)
    choice_efficiency: float = key(
        "A part keeps that of its networks, which differ by their first weights, that has the largest "
        "efficiency for the first sample at this efficiency for the second.",
        default=0.01,
        gt=0,
        le=1,
    )
    trees: TreeSettings = key("Boosted trees.", default={})
    network: NetworkSettings = key("Perceptrons.", default={})
    seed: int = key("Seed of the folds and of every model.", default=1, ge=0)


@record
class FeatureSettings(StepSettings):
    """The ratio step for a stage whose events are features, and no sets of particles."""

    backend: Literal["trees", "network"] = key(
        "Boosted trees of scikit-learn, or perceptrons in torch which are all trained at once.", default="trees"
    )


@record
class Settings(StepSettings):
    """The ratio step for events of features, or of sets of particles."""

    sets: SetSettings = key("Deep sets, for particles as inputs.", default={})
