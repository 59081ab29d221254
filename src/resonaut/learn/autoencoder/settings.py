"""The section ``autoencoder`` of a stage; apart from the networks, because torch takes seconds to load."""

from typing import Literal

from resonaut.core.record import Natural, key, record


@record
class Plain:
    """A network from the features to ``latent`` numbers and back."""

    latent: int = key("Numbers in the bottleneck.", default=2, ge=1)
    hidden: list[Natural] = key(
        "Units of the encoder's hidden layers; the decoder is its mirror image.", default=[32, 32], min_length=1
    )
    epochs: int = key("Passes over the training events.", default=20, ge=1)
    batch_size: int = key("Events in a step.", default=256, ge=1)
    learning_rate: float = key("Largest step size of Adam.", default=0.005, gt=0)


@record
class Settings(Plain):
    """The same, also variational."""

    resolution: float = key(
        "Spread of the features about what a variational autoencoder decodes, in units of their whole spread.",
        default=0.5,
        gt=0,
    )


@record
class Constituents:
    """The autoencoder of a jet's constituents."""

    width: int = key("Units of its layers.", default=64, ge=1)
    latent: int = key("Numbers in the bottleneck.", default=16, ge=1)
    divergence_weight: float = key(
        "Weight of the code's divergence in the loss, beside the Chamfer distance.", default=0.001, ge=0
    )
    epochs: int = key("Passes over the training jets.", default=15, ge=1)
    batch_size: int = key("Jets in a step.", default=256, ge=1)
    learning_rate: float = key("Largest step size of Adam.", default=0.003, gt=0)


@record
class Normalised:
    """The training of a normalised autoencoder after that of a plain one; Langevin chains of codes and of events."""

    loss: Literal["likelihood", "wasserstein"] = key(
        "What is made small: the negative log-likelihood, or the distance of optimal transport between events and "
        "drawn ones, whose gradient goes through the chains of events.",
        default="likelihood",
    )
    temperature: float = key("Temperature of the density.", default=1, gt=0)
    latent_steps: int = key(
        "Langevin steps in the bottleneck, where chains of events start; 0: these go on where they ended.",
        default=20,
        ge=0,
    )
    latent_step_size: float = key("Spread of a step's noise there.", default=0.2, gt=0)
    steps: int = key("Langevin steps of the standardised features.", default=20, ge=0)
    step_size: float = key("Spread of a step's noise there, in units of a feature's.", default=0.2, gt=0)
    buffer: int = key("Chains that are continued from step to step.", default=2000, ge=1)
    regularisation: float = key("Weight of the squares of the energies beside the likelihood.", default=0.1, ge=0)
    epochs: int = key("Passes over the training events.", default=15, ge=1)
    batch_size: int = key("Events in a step.", default=256, ge=1)
    learning_rate: float = key("Step size of Adam, the largest with `wasserstein`: it falls to 0.", default=0.001, gt=0)
