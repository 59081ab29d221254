"""The entries of ``select.event_scores``: autoencoders of whole events, and regions by rate."""

from typing import Annotated, Literal

from resonaut.core.record import GeV, Name, Natural, Pattern, Positive, key, record
from resonaut.learn.autoencoder import settings as autoencoders

# What the configuration may call a method of its own making.
MethodName = Annotated[str, Pattern(r"^[a-z_]{1,64}$", "a name of small letters and _")]


@record
class Network(autoencoders.Plain):
    """That of the ATLAS search, arXiv:2307.01612: 800-400-200-400-800."""

    latent: int = key(default=200)
    hidden: list[Natural] = key(default=[800, 400])
    epochs: int = key(default=30)
    learning_rate: float = key(default=0.001)


@record
class Training:
    """What a training reads: the events' matrix, which events train, and the network."""

    sqrt_s: GeV = key("Centre-of-mass energy of the collisions.", default=13000, gt=0)
    objects: dict[Name, Natural] = key(
        "Kinds of objects in the rapidity-mass matrix, as the region calls them, and the most of each; it must `keep` "
        "so many of them, and `met_pt` and `met_phi`.",
        default={"light_jet": 10, "b_jet": 10, "electron": 5, "muon": 5, "photon": 5},
    )
    searched: list[tuple[Name, Name]] = key(
        "Pairs of kinds in whose masses is searched: the cells of these masses are no inputs. "
        "`[[light_jet, light_jet], [light_jet, muon]]`.",
        default=[],
    )
    inputs: Literal["matrix", "zones"] = key(
        "What the network sees: the cells, or 46 numbers with five kinds, one of each zone (arXiv:2602.17563).",
        default="matrix",
    )
    standardise: bool = key(
        "Inputs of mean 0 and spread 1 among the training events, so that a rare object weighs as a common one; "
        "`false` takes the cells as they are (arXiv:2307.01612).",
        default=True,
    )
    training_part: float = key("Part of the data, at random, that trains.", default=0.01, gt=0, lt=0.5)
    network: Network = key("The autoencoder; its score is the logarithm of the mean squared error.", default={})
    seed: int = key("Seed of the choice of events and of the training.", default=61, ge=0)


@record
class EventScore(Training):
    """An autoencoder of whole events, and the regions of the events that it reproduces worst."""

    regions: dict[MethodName, Positive[float]] = key(
        "Regions by name, to be listed in `methods`: the cross section of data in each. The most anomalous events are "
        "selected, as many as this times the luminosity.",
        default={},
        unit="pb",
    )
