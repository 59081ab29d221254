"""Two conditional variational autoencoders (arXiv:1312.6114): of layer energies, and of voxels given these."""

from resonaut.core.record import key, record
from resonaut.emulate.models import Architecture


@record
class Settings:
    """The architecture `vae`."""

    layer_latent: int = key("Numbers in the bottleneck of the autoencoder of layer energies.", default=8, ge=1)
    layer_width: int = key("Units of its layers.", default=128, ge=1)
    latent: int = key("Numbers in the bottleneck of the autoencoder of voxels.", default=24, ge=1)
    width: int = key("Units of its layers.", default=384, ge=1)
    blocks: int = key("Residual blocks of each encoder and decoder.", default=2, ge=1)
    epochs: int = key("Passes over the training showers.", default=40, ge=1)
    batch_size: int = key("Showers in a step.", default=256, ge=1)
    learning_rate: float = key("Largest step size of Adam.", default=0.001, gt=0)


EMULATORS = {"vae": Architecture("model.Model", settings=Settings, title="VAE", year=2013)}
