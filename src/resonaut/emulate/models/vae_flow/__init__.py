"""A variational autoencoder of voxels, and a flow of its codes (C. Krause et al., arXiv:2312.09290)."""

from resonaut.core.record import Natural, key, record
from resonaut.emulate.models import Architecture


@record
class Settings:
    """The architecture `vae_flow`."""

    layer_couplings: int = key("Coupling layers of the flow of layer energies, which are splines.", default=6, ge=2)
    layer_hidden: list[Natural] = key("Units of the hidden layers of its networks.", default=[64, 64], min_length=1)
    latent: int = key("Numbers of the code of a shower.", default=24, ge=2)
    hidden: list[Natural] = key(
        "Units of the hidden layers of the encoder; the decoder is its mirror image.", default=[256, 256], min_length=1
    )
    bins: int = key("Bins of all splines, those of the voxels' densities given the code among them.", default=8, ge=2)
    couplings: int = key("Coupling layers of the flow of codes, which are splines.", default=6, ge=2)
    code_hidden: list[Natural] = key("Units of the hidden layers of its networks.", default=[64, 64], min_length=1)
    smearing: float = key("Spread of the noise on standardised voxels in the training.", default=0.02, ge=0)
    epochs: int = key("Passes over the training showers, of the autoencoder and of the flow.", default=20, ge=1)
    batch_size: int = key("Showers in a step of the training.", default=256, ge=1)
    learning_rate: float = key("Largest step size of Adam.", default=0.002, gt=0)


EMULATORS = {"vae_flow": Architecture("model.Model", settings=Settings, title="VAE and flow", year=2023)}
