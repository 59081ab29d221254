"""A conditional Wasserstein GAN with gradient penalty (I. Gulrajani et al., arXiv:1704.00028)."""

from resonaut.core.record import key, record
from resonaut.emulate.models import Architecture


@record
class Settings:
    """The architecture `gan`."""

    latent: int = key("Normal numbers of which the generator makes what voxels have in common.", default=32, ge=1)
    layer_width: int = key("Units of a layer of the generator of layer energies.", default=96, ge=1)
    width: int = key("Units of a layer of the generator of voxels and of the critic.", default=256, ge=1)
    blocks: int = key("Residual blocks of each network.", default=2, ge=1)
    critic_steps: int = key("Steps of the critic for each of the generator.", default=3, ge=1)
    penalty: float = key("Weight of the gradient penalty.", default=10, gt=0)
    averaging: float = key(
        "Share of the generator's averaged state that a step leaves as it was.", default=0.995, ge=0, lt=1
    )
    epochs: int = key("Passes over the training showers.", default=40, ge=1)
    batch_size: int = key("Showers in a step.", default=256, ge=1)
    learning_rate: float = key("Largest step size of Adam, of generator and critic.", default=0.0005, gt=0)


EMULATORS = {"gan": Architecture("model.Model", settings=Settings, title="WGAN-GP", year=2017)}
