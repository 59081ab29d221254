"""A Wasserstein GAN with gradient penalty (arXiv:1704.00028), as in FastCaloGAN (arXiv:2109.02551)."""

from resonaut.core.record import key, record
from resonaut.emulate.models import Architecture


@record
class Settings:
    """The architecture `gan`."""

    layer_width: int = key("Units of a layer of the networks of layer energies.", default=96, ge=1)
    layer_blocks: int = key("Their residual blocks.", default=2, ge=1)
    width: int = key("Units of each sector in the generator of voxels.", default=64, ge=1)
    blocks: int = key("Its residual blocks.", default=3, ge=1)
    critic_width: int = key("Units of a layer of the critic of voxels.", default=256, ge=1)
    critic_blocks: int = key("Its residual blocks.", default=2, ge=1)
    steps: int = key("Steps of the generators.", default=10000, ge=1)
    critic_steps: int = key("Steps of the critics before each of them.", default=3, ge=1)
    penalty: float = key("Weight of the gradient penalty.", default=10, gt=0)
    batch_size: int = key("Showers in a step.", default=128, ge=2)
    learning_rate: float = key("Largest step size of Adam, and that of the critics.", default=0.0005, gt=0)


EMULATORS = {"gan": Architecture("model.Model", settings=Settings, title="WGAN-GP", year=2017)}
