"""The section ``trigger`` of the configuration."""

from typing import Annotated

from pydantic import Field

from resonaut.core.record import Name, Natural, key, record
from resonaut.trigger.results import Format

Share = Annotated[float, Field(gt=0, lt=1)]


@record
class Files:
    """Parquet files of Level-1 objects in the layout of CMS's public record."""

    crossings: list[str] = key("Files of objects.", min_length=1, unique=True)
    seeds: list[str] = key(
        "Files of the seeds' decisions, one for each of `crossings`; empty where these have them or there are none.",
        default=[],
    )


@record
class Samples:
    """Samples of crossings by what they are for: names of ``simulate.level1.samples`` or of ``files``."""

    train: list[Name] = key("Zero bias that trains.", default=[], unique=True)
    zero_bias: list[Name] = key(
        "Zero bias that no network has seen, of which thresholds and rates are.", default=[], unique=True
    )
    signals: list[Name] = key("Signals whose efficiencies are measured.", default=[], unique=True)


@record
class Numbers:
    """Objects that a network reads, the hardest of each kind."""

    egammas: Annotated[int, Field(ge=0, le=12)] = key("Electrons and photons.", default=4)
    muons: Annotated[int, Field(ge=0, le=8)] = key("Muons.", default=4)
    jets: Annotated[int, Field(ge=0, le=12)] = key("Jets.", default=10)


@record
class Quantisation:
    """The formats of a network in integers; that of an accumulator holds all that can be added."""

    input: Format = key("Format of the scaled inputs.", default="ap_fixed<10,6,AP_RND_CONV,AP_SAT>")
    weight: Format = key("Format of the weights.", default="ap_fixed<10,3>")
    bias: Format = key("Format of the biases.", default="ap_fixed<12,5>")
    activation: Format = key("Format of the hidden layers' outputs.", default="ap_ufixed<12,6,AP_RND_CONV,AP_SAT>")
    mean: Format = key("Format of the code's means.", default="ap_fixed<13,7,AP_RND_CONV,AP_SAT>")
    score: Format = key("Format of the sum of their squares.", default="ap_ufixed<20,14,AP_RND_CONV,AP_SAT>")


@record
class Model:
    """A variational autoencoder of which the trigger has the encoder's means."""

    objects: Numbers = key("Objects that it reads beside the missing momentum.", default={})
    hidden: list[Natural] = key(
        "Units of the encoder's hidden layers; the decoder is its mirror image.", default=[32, 16], min_length=1
    )
    latent: int = key("Numbers in the bottleneck.", default=8, ge=1)
    divergence_weight: float = key("Weight of the code's divergence in the loss.", default=0.5, ge=0)
    held_out: Share = key("Share of the training crossings that decides which state is kept.", default=0.1)
    epochs: int = key("Passes over the training crossings.", default=20, ge=1)
    batch_size: int = key("Crossings in a step.", default=1024, ge=1)
    learning_rate: float = key("Largest step size of Adam.", default=0.003, gt=0)
    seed: int = key("Seed of the first weights, the batches and the held-out part.", default=1, ge=0)
    quantisation: Quantisation = key("Formats of the network in integers.", default={})


@record
class Menu:
    """The menu beside which a network stands."""

    file: str = key("CSV file with the seeds' names and prescales.")
    column: str = key("Its column of prescales.")
    without: list[str] = key(
        "Seeds whose names begin so are left out.", default=["L1_AXO", "L1_CICADA", "L1_ZeroBias", "L1_AlwaysTrue"]
    )


@record
class Measure:
    """How decisions are measured."""

    bunches: int = key("Colliding bunches of the LHC.", default=2544, ge=1)
    rates: list[Annotated[float, Field(gt=0)]] = key(
        "Rates of zero bias, in kHz, that thresholds are for.", default=[0.25, 1, 5], min_length=1, unique=True
    )
    menu: Menu | None = key("The menu whose seeds make a rate impure; null for none.", default=None)
    bins: int = key("Bins of the score's distributions, of the pile-up and of the number of jets.", default=10, ge=2)


@record
class Settings:
    """Anomaly detection in the Level-1 trigger."""

    crossings: Samples = key("Samples of crossings by what they are for.", default={})
    files: dict[Name, Files] = key("Samples that are read from files, by name.", default={})
    models: dict[Name, Model] = key("The networks that are trained, by name.", default={})
    networks: dict[Name, str] = key(
        "Networks in integers that are measured as they are, by name: JSON files as docs/trigger.md describes.",
        default={},
    )
    measure: Measure = key("How decisions are measured.", default={})


@record
class Training:
    """What the training of a model reads."""

    model: Model


@record
class Quantising:
    """What the quantisation of a model reads."""

    quantisation: Quantisation


@record
class Measuring:
    """What the measurement of a network reads."""

    measure: Measure
