"""The section ``reweight`` of the configuration."""

from typing import Literal

from resonaut.core.observables import DEFAULT
from resonaut.core.record import GeV, Name, NonNegative, Positive, key, record
from resonaut.learn.ratio.settings import FeatureSettings, TreeSettings
from resonaut.learn.ratio.settings import Settings as AnySettings
from resonaut.learn.twosample.settings import Settings as Comparison


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
class Classifier(FeatureSettings):
    """The ratio step of data and simulation."""

    trees: Trees = key(default={})
    seed: int = key(default=2)


@record
class RatioClassifier(AnySettings):
    """The ratio step of simulated samples."""

    trees: Trees = key(default={})
    seed: int = key(default=2)
    calibration: Literal["none", "logistic"] = key(
        "Whether outputs of the models are made probabilities, by a logistic map that is learned from events which the "
        "models have not seen. For classifiers that are trained too little or too much; docs/reweight.md says what it "
        "mends and what not.",
        default="none",
    )


@record
class Side:
    """One of the two samples of a ratio: simulated datasets, and the weights of their events."""

    datasets: list[Name] = key("Names of simulated datasets.", min_length=1, unique=True)
    weight: Name | None = key(
        "Column of the events with weights relative to their own, such as `shower_weight`; null for their own alone.",
        default=None,
    )
    place: int | None = key("Which weight, where the column is a list of them, counted from 0.", default=None, ge=0)


# Of the outputs of a published network.
DIRECTIONS = ("p1/p0", "p0/p1")


@record
class Input:
    """A number that a published network takes: (f(x) - shift) / scale of a column x, or a constant."""

    column: Name | None = key("Feature or stored column x; null for a constant.", default=None)
    value: float | None = key(
        "A constant, such as a particle's code or a parameter of the generator; null for a column.", default=None
    )
    alternatives: list[float] = key(
        "Other values of the constant that its authors may have meant: the first ones of all inputs are tried "
        "together, then the second ones. The job never takes them, but says which close where `value` does not.",
        default=[],
    )
    least: float | None = key("What x is at least, such as for a logarithm of 0.", default=None)
    log: Literal["none", "natural", "decimal"] = key("The logarithm f that is taken of it.", default="none")
    shift: float = key("What is subtracted.", default=0)
    scale: Positive[float] = key("What it is divided by.", default=1)


@record
class Target:
    """A distribution that the weighted events must have, as a publication shows it; only its shape counts."""

    variable: Name = key("Feature or stored column.")
    edges: list[float] = key("Edges of its bins, rising; events outside are left out.", min_length=3)
    values: list[NonNegative[float]] = key("The content of each bin, not divided by its width.", min_length=2)
    errors: list[Positive[float]] = key("The statistical error of each bin.", min_length=2)


@record
class Published:
    """A network that others have trained, with two outputs p0 and p1 that sum to one, or with one, p1."""

    files: list[str] = key(
        "The ONNX file, or those of several copies of the network, trained alike: their mean is the weight, and they "
        "are its variation `ensemble`.",
        min_length=1,
        unique=True,
    )
    inputs: dict[str, list[list[Input]]] = key(
        "The arrays that it takes, by their names in the file, and in each the numbers in their order: a list for each "
        "particle, or one list for an array of plain features. Which copy of a particle its authors mean, before or "
        "after radiation, is the matter of the columns.",
        min_length=1,
    )
    output: str | None = key("The name of its output; null where it has only one.", default=None)
    form: Literal["probabilities", "logits"] = key(
        "What the output is: probabilities, or the numbers before the softmax of two outputs or the sigmoid of one.",
        default="probabilities",
    )
    direction: Literal["p1/p0", "p0/p1"] | None = key(
        "The ratio of the outputs that is the weight; null for that with which the weighted events look like the "
        "target.",
        default=None,
    )
    mean: Literal["ratios", "outputs"] = key("What is averaged over several copies.", default="ratios")
    within: dict[Name, tuple[float | None, float | None]] = key(
        "Ranges of columns in which the network holds, null for an open side; elsewhere the ratio is 1.", default={}
    )
    histograms: list[Target] = key("Distributions of the target, beside the numerator or in its place.", default=[])

    @property
    def columns(self) -> list[str]:
        """The features and columns that are read for it, each once."""
        taken = [one.column for rows in self.inputs.values() for row in rows for one in row if one.column is not None]
        return list(dict.fromkeys([*taken, *self.within, *(one.variable for one in self.histograms)]))

    @property
    def alternatives(self) -> int:
        """How many other sets of constants there are."""
        return max(len(one.alternatives) for rows in self.inputs.values() for row in rows for one in row)


@record
class RatioSettings:
    """A ratio of two simulated samples. Features are those of docs/select.md, or stored columns."""

    numerator: Side | None = key(
        "What the weighted events are to look like; null only where a published network has `histograms` to look like.",
        default=None,
    )
    denominator: Side = key("The events that get weights.")
    features: list[Name] = key(
        "Features or columns that the classifier sees; a parameter of the generator may be one, or m_jj. Empty where "
        "there are `particles` or `lists`.",
        default=[],
        unique=True,
    )
    particles: list[list[Name]] = key(
        "Particles that the classifier sees as a set, the same features or columns of each, in the same order, such as "
        "[[t_pt, t_y], [tbar_pt, tbar_y]]; which of them a particle is, is added. For `classifier.backend: sets`.",
        default=[],
    )
    lists: list[list[Name]] = key(
        "Particles that stand in lists, any number of them in an event, each list by its columns, such as [[j1_pf_pt, "
        "j1_pf_eta, j1_pf_phi]]; as many columns as `particles` have. They are in the same set.",
        default=[],
    )
    longest: int | None = key(
        "How many particles of each list are seen, the first ones; null for all.", default=None, ge=1
    )
    published: Published | None = key(
        "A network that others have trained, in place of `features` or `particles` and a training.", default=None
    )
    role: Literal["none", "nominal", "up", "down"] = key(
        "What later stages take the weights for: nothing, a factor of the nominal weight, or one way of the "
        "uncertainty `source`.",
        default="none",
    )
    source: Name | None = key("Name of the uncertainty of which these weights are one way.", default=None)
    watched: list[Name] = key("Further features or columns whose closure is looked at.", default=[], unique=True)
    keep_sums: bool = key(
        "Each dataset keeps the sum of its weights, and events move within it; otherwise it gets that of the "
        "numerator: dataset by dataset where both have the same ones, in all where they do not.",
        default=True,
    )
    clip: tuple[Positive[float], Positive[float]] = key(
        "Smallest and largest ratio, before the normalisation; how many events that changes is reported.",
        default=[0.05, 20],
    )
    bootstraps: int = key(
        "How often the ratio is learned again from events drawn anew, by their identifiers.", default=0, ge=0
    )
    classifier: RatioClassifier = key("The ratio step, k folds of ensembles.", default={})
    comparison: Comparison = key("How the weighted denominator is compared with the numerator.", default={})

    @property
    def listed(self) -> list[str]:
        """The columns of all lists, each once."""
        return list(dict.fromkeys(name for names in self.lists for name in names))

    @property
    def compared(self) -> list[str]:
        """What is looked at of events: the ``variables``, and of each list its length and the means of its columns."""
        of_lists = [[f"length of {names[0]}", *(f"mean of {name}" for name in names)] for names in self.lists]
        return [*self.variables, *(name for names in of_lists for name in names)]

    @property
    def variables(self) -> list[str]:
        """The names of all features and columns that are read, those that the classifier sees first."""
        given = [] if self.published is None else self.published.columns
        seen = [*(name for particle in self.particles for name in particle), *self.features, *given]
        return [*seen, *(name for name in self.watched if name not in seen)]


@record
class Samples:
    """Datasets of the stage beside those of the search."""

    compared: list[str] = key("Simulated datasets that only `ratios` read.", default=[], unique=True)


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
        "signal regions of the search. Empty for no reweighting to data.",
        default=[[0, 3250], [4750, 20000]],
    )
    validation: list[tuple[NonNegative[GeV], NonNegative[GeV]]] = key(
        "Ranges of the observable that train nothing, in which data and simulation are compared as well. They may be "
        "in a signal region only where the data are `pseudo_data`.",
        default=[],
    )
    condition: bool = key(
        "Learn the ratio at each value of the observable, and interpolate it between the sidebands; the spectrum gets "
        "a smooth factor of its own. Needs `classifier.backend: network`.",
        default=False,
    )
    spectrum_degree: int = key(
        "With `condition`: degree of the polynomial in the logarithm of the observable whose exponential is the "
        "spectrum's factor.",
        default=2,
        ge=1,
        le=4,
    )
    bootstraps: int = key(
        "With `condition`: how often all is learned again from data and simulation drawn anew, by the events' "
        "identifiers.",
        default=0,
        ge=0,
    )
    clip: tuple[Positive[float], Positive[float]] = key(
        "Smallest and largest ratio, before the normalisation.", default=[0.1, 10]
    )
    histogram_bins: int = key(
        "Bins of the closure histograms, each with the same number of data events.", default=20, ge=2
    )
    classifier: Classifier = key("The ratio step, k folds of ensembles.", default={})
    ratios: dict[Name, RatioSettings] = key("Ratios of two simulated samples, by name.", default={})
    samples: Samples = key("Datasets of this stage alone.", default={})
