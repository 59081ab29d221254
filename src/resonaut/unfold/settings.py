"""The section ``unfold`` of the configuration."""

from typing import Any, Literal

from resonaut.core.record import Name, Natural, NonNegative, key, record
from resonaut.learn.ratio.settings import FeatureSettings, NetworkSettings


@record
class Networks(NetworkSettings):
    """Networks for ratios that are learned twice in each iteration: smooth, and trained for few epochs."""

    hidden: list[Natural] = key(default=[32, 32])
    epochs: int = key(default=8)
    batch_size: int = key("Events in a step, at most; of a small sample, a fortieth.", default=1024, ge=1)
    learning_rate: float = key(default=0.005)
    annealing: bool = key(default=True)
    restarts: int = key(default=1)
    validation_parts: int = key(default=1)


@record
class Classifier(FeatureSettings):
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


@record
class Observable:
    """A quantity that is unfolded, at both levels."""

    detector: Name = key("Column of the detector level, as `skim` stores it.")
    particle: Name | None = key("Column of the particle level; null for `gen_<detector>`.", default=None)
    edges: list[float] | None = key(
        "Ascending edges of bins in which the summary shows it and unfolds it iteratively, too; null for neither.",
        default=None,
        min_length=3,
    )


@record
class Passes:
    """Which column says that an event passes the selection of a level."""

    detector: Name = key("Column of bools; `passes` is there for every dataset.", default="passes")
    particle: Name = key("Column of bools.", default="fiducial")


@record
class Bootstraps:
    """Replicas with events drawn again, each with a number of times from a Poisson distribution."""

    data: NonNegative[int] = key("Of the data: none, or at least two.", default=10)
    mc: NonNegative[int] = key("Of the simulation, background included: none, or at least two.", default=10)


@record
class Samples:
    """The datasets of an unfolding; null for those of the search."""

    data: list[Name] | None = key("What is unfolded.", default=None, unique=True)
    pseudo: list[Name] = key(
        "Simulation that is unfolded where there are no data; its particle level is the known answer.",
        default=[],
        unique=True,
    )
    simulation: list[Name] = key("Simulation of the process, at both levels.", default=[], unique=True)
    background: list[Name] | None = key(
        "Simulation of other processes, which is subtracted.", default=None, unique=True
    )


@record
class Train(OmniFold):
    """What a single run of OmniFold reads."""

    observables: dict[Name, Observable] = key(
        "All are unfolded at once; the name is that of the published column. Others can be made of them later.",
        default={},
    )
    passes: Passes = key("The selections of both levels.", default={})
    particle_weights: list[Name] = key(
        "Sources of weights of `skim` that hold at the particle level, too, such as those of theory.",
        default=["scale_r", "scale_f", "scale_rf", "pdf", "alpha_s", "isr", "fsr"],
    )


@record
class Merge:
    """What joins the runs: the keys of each, and the ``selection`` of the simulation, which is published."""

    train: Train
    selection: dict[str, Any]


@record
class Settings(Train):
    """Unfolding of data to weighted events of particle level."""

    samples: Samples = key("Datasets of this stage.", default={})
    ensemble: int = key("Runs with other seeds, whose mean is the result.", default=5, ge=2)
    bootstraps: Bootstraps = key("Replicas for the statistical uncertainty.", default={})
    variations: list[Name] = key(
        "Systematic variations `<source>_<up|down>` of weights or objects of the simulation, each unfolded as its own "
        "run. A dataset without it, such as a background of another era, stays as it is.",
        default=[],
        unique=True,
    )
    bayes_iterations: int = key("Iterations of the iterative unfolding in bins beside it.", default=5, ge=1)
