"""The section ``autoencoder`` of a stage; apart from the networks, because torch takes seconds to load."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """A network from the features to ``latent`` numbers and back; defaults and descriptions are in the schema.

    ``resolution``: spread of the features about what a variational one decodes, in units of their whole spread.
    """

    latent: int
    hidden: list[int]
    resolution: float
    epochs: int
    batch_size: int
    learning_rate: float


@dataclass(frozen=True)
class Constituents:
    """The autoencoder of a jet's constituents."""

    width: int
    latent: int
    divergence_weight: float
    epochs: int
    batch_size: int
    learning_rate: float


@dataclass(frozen=True)
class Normalised:
    """The training of a normalised autoencoder after that of a plain one; Langevin chains of codes and of events."""

    temperature: float
    latent_steps: int
    latent_step_size: float
    steps: int
    step_size: float
    buffer: int
    regularisation: float
    epochs: int
    batch_size: int
    learning_rate: float
