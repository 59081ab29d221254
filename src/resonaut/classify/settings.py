"""The section ``classify`` of the configuration."""

from typing import Annotated, Literal

from pydantic import Field

from resonaut.core.record import InverseFb, Name, Natural, key, record
from resonaut.learn.inference.settings import Settings as Uncertainty
from resonaut.learn.ratio.settings import Boosting

Share = Annotated[float, Field(gt=0, lt=1)]
Formula = Annotated[str, Field(min_length=1)]


@record
class Trees(Boosting):
    """Gradient-boosted trees, whose leaves are few."""

    max_leaf_nodes: int = key(default=15)


@record
class Network:
    """A multilayer perceptron, trained with Adam."""

    hidden: list[Natural] = key("Units of the hidden layers.", default=[64, 64], min_length=1)
    epochs: int = key("Most passes over the training events.", default=50, ge=1)
    batch_size: int = key("Events in a step.", default=512, ge=1)
    learning_rate: float = key("Step size of Adam.", default=0.001, gt=0)
    weight_decay: float = key("Decay of the weights.", default=0, ge=0)
    patience: int = key("Passes without improvement before the training stops.", default=10, ge=1)


@record
class Binning:
    """Bins for a fit, chosen on the expectation of the other folds; docs/classify.md has the rule."""

    signal: Name = key("The class whose expected significance is to be large.")
    bins: int = key("Most bins.", default=10, ge=1)
    min_expected: float = key("Fewest expected events of all other classes together in a bin.", default=1, ge=0)
    max_error: float = key(
        "Largest relative statistical uncertainty of the simulation of these classes in a bin.", default=0.3, gt=0, le=1
    )
    min_gain: float = key(
        "Fewer bins are taken where the expected significance is smaller by no more than this share.",
        default=0.01,
        ge=0,
        lt=1,
    )


@record
class Learning:
    """What the models of a classifier are, and what they see."""

    learner: Literal["trees", "network"] = key("Boosted trees, or a network in torch.", default="trees")
    loss: Literal["cross_entropy", "uncertainty"] = key(
        "What becomes small in the training: the cross entropy of the classes, or the expected uncertainty of the "
        "parameters of interest of `model`; the latter trains a network that gives bins, see "
        "docs/classify_uncertainty.md.",
        default="cross_entropy",
    )
    model: Name | None = key(
        "The model of `fit.models` whose uncertainty becomes small; its samples are the datasets of the classes.",
        default=None,
    )
    inputs: list[Formula] = key(
        "Columns of `skim` or of its `friends`, or formulas of them such as `j2_pt / j1_pt`.",
        min_length=1,
        unique=True,
    )
    classes: dict[Name, list[Name]] = key(
        "Simulated datasets of each class. Within a class they count by their expected yields; each class then counts "
        "the same.",
        min_length=2,
    )
    cut: Formula | None = key(
        "Formula of columns that is true for the events that train and that the summary is of; all events get scores.",
        default=None,
    )
    friends: list[str] = key("Folders of the results with further columns, such as `tag`.", default=[], unique=True)
    folds: int = key("Folds; an event is scored by the model that was trained without its fold.", default=5, ge=2)
    validation: Share = key("Share of a fold's training events that decides when its training stops.", default=0.2)
    seed: int = key("Seed of the folds and of every model.", default=1, ge=0)
    trees: Trees = key("Boosted trees.", default={})
    network: Network = key("The network.", default={})
    uncertainty: Uncertainty = key("The network of `loss: uncertainty`.", default={})
    binning: Binning | None = key("Bins of a score, in the column `bin_<classifier>`; null for none.", default=None)

    @property
    def module(self) -> str:
        """The module of ``learners`` that learns."""
        return self.learner if self.loss == "cross_entropy" else "uncertainty"


@record
class Classifier(Learning):
    """A classifier of events."""

    unseen: Literal["fold", "mean"] = key(
        "How events of datasets that are in no class, such as data, are scored: `fold`, by the model of the fold that "
        "they would be in, as simulation is; or `mean`, by the mean of all models, whose scores have another "
        "distribution than those of simulation have.",
        default="fold",
    )


@record
class Category:
    """A category of events."""

    name: Name = key("What it is called.")
    cut: Formula = key("Formula of columns and scores, true for its events that are in no category above it.")


@record
class Samples:
    """The datasets that get scores; null for those of the search."""

    data: list[Name] | None = key("Data, or pseudo-data.", default=None, unique=True)
    background: list[Name] | None = key("Simulated background.", default=None, unique=True)
    signal: list[Name] | None = key("Simulated signals.", default=None, unique=True)
    simulation: list[Name] = key("Further simulation.", default=[], unique=True)


@record
class Settings:
    """Classifiers of events, and categories."""

    samples: Samples = key("Datasets of this stage.", default={})
    luminosity: InverseFb | None = key("For which yields are expected; null for that of the data.", default=None, gt=0)
    classifiers: dict[Name, Classifier] = key("The classifiers, by name.", default={})
    categories: dict[Name, list[Category]] = key(
        "Sets of categories, by name: the first whose cut is true has the event. Its number, from 0, is in the column "
        "`category_<name>`; -1 is none.",
        default={},
    )


@record
class MeasuredNuisance:
    """By dataset the factors down and up of yields, and the sources of variations; ``width`` None: no constraint."""

    width: float | None
    factors: dict[str, tuple[float, float]]
    variations: dict[str, str]


@record
class Measured:
    """What a training on the uncertainty measures: by parameter of interest the datasets it scales, and nuisances.

    ``scales``: a factor on the yield of each dataset; ``statistics``: whether those of the simulation count.
    """

    signals: dict[str, list[str]]
    scales: dict[str, float]
    statistics: bool
    nuisances: dict[str, MeasuredNuisance]


@record
class Training:
    """What the training of a classifier reads: its keys, and of each dataset the luminosity (1/fb) it stands for.

    ``measured``: for ``loss: uncertainty``.
    """

    classifier: Learning
    luminosities: dict[str, float]
    measured: Measured | None = None


@record
class Application:
    """What the application of a classifier reads beside its model."""

    unseen: Literal["fold", "mean"]


@record
class Categories:
    """What the making of categories reads: ``friends`` with scores and other columns."""

    categories: list[Category]
    friends: list[str]
