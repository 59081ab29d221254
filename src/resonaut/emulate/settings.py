"""The section ``emulate`` of the configuration."""

from typing import Annotated, Any

from pydantic import Field

from resonaut.core.record import Name, key, record
from resonaut.emulate.evaluate.settings import Evaluate, Timing

Share = Annotated[float, Field(gt=0, lt=1)]


@record
class Samples:
    """Showers that train, and showers that judge."""

    train: list[Name] = key("Those that train.", default=[], unique=True)
    test: list[Name] = key("Those that no model has seen, which judge.", default=[], unique=True)


@record
class Voxels:
    """What the voxels of a shower are."""

    particle: Name = key("The particle, as binning files name it.", default="photon")
    binning: str | None = key(
        "Binning file of the CaloChallenge with the voxels of the particle; null for the published ones.", default=None
    )
    threshold: float = key(
        "Voxels with less energy are empty, in showers that train and in those of a model.",
        default=0.1,
        gt=0,
        unit="MeV",
    )


@record
class Model:
    """A model of showers and its training."""

    architecture: Name = key("What it is: `flow`, `vae_flow`, or another folder of `emulate/models`.")
    settings: dict[str, Any] = key("Keys of the architecture, of which each has a table of its own.", default={})
    held_out: Share = key("Share of the training showers that decides which state of the model is kept.", default=0.05)
    seed: int = key("Seed of the first weights, the batches and the held-out part.", default=1, ge=0)


@record
class Settings:
    """Showers from generative networks."""

    showers: Samples = key("Samples of `simulate.showers`.", default={})
    voxels: Voxels = key("What the voxels of all samples are.", default={})
    models: dict[Name, Model] = key("The models, by name.", default={})
    evaluate: Evaluate = key("How emulated showers are judged.", default={})


@record
class Training:
    """What the training of a model reads."""

    voxels: Voxels
    model: Model


@record
class Evaluation:
    """What the judgement of a model's showers reads."""

    voxels: Voxels
    evaluate: Evaluate


@record
class TimeMeasurement:
    """What the measurement of a model's speed reads."""

    timing: Timing
