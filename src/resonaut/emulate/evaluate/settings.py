"""How emulated showers are judged."""

from typing import Annotated

from pydantic import Field

from resonaut.core.record import Natural, Positive, key, record


@record
class Classifier:
    """The networks that try to tell emulated showers from simulated ones."""

    hidden: list[Natural] = key("Units of the hidden layers.", default=[2048, 2048], min_length=1)
    showers: int = key(
        "Most showers of each sample; 60 % train, 20 % calibrate, 20 % are judged.", default=10000, ge=50
    )
    seeds: int = key("Networks, each with another division of the showers.", default=5, ge=1)
    epochs: int = key("Most passes over the training showers.", default=20, ge=1)
    patience: int = key("Passes without a smaller held-out loss after which the training ends.", default=3, ge=1)
    batch_size: int = key("Showers in a step.", default=256, ge=1)
    learning_rate: float = key("Step size of Adam.", default=0.0002, gt=0)


@record
class Timing:
    """How the time for a shower is measured."""

    energies: list[Annotated[float, Field(gt=0)]] = key(
        "Incident energies.", default=[4096, 262144], unit="MeV", min_length=1, unique=True
    )
    batches: list[Natural] = key("Showers that are made at once.", default=[1, 100, 10000], min_length=1, unique=True)
    repeats: int = key("Measurements, of which the median counts.", default=5, ge=1)


@record
class Evaluate:
    """How emulated showers are judged."""

    bins: int = key(
        "Bins of an observable, each with the same share of simulated and emulated showers together.", default=20, ge=2
    )
    energy_bins: int = key("Ranges of incident energies, where these are not a few values.", default=8, ge=1)
    shown: list[Positive[float]] = key(
        "Incident energies at which all observables, and the mean shower, are kept for figures; the nearest ones there "
        "are.",
        default=[4096, 262144],
        unit="MeV",
        min_length=1,
        unique=True,
    )
    classifier: Classifier = key("The networks that try to tell emulated showers from simulated ones.", default={})
    nearest: int = key(
        "Most emulated showers of each energy whose nearest simulated ones are sought.", default=200, ge=1
    )
    timing: Timing = key("How the time for a shower is measured.", default={})
    seed: int = key("Seed of all that is drawn.", default=1, ge=0)
