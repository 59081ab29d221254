"""Flow matching: noise moves to showers along a learned field (Y. Lipman et al., arXiv:2210.02747), in few steps."""

from resonaut.core.record import key, record
from resonaut.emulate.models import Architecture


@record
class Settings:
    """The architecture `flow_matching`."""

    layer_width: int = key("Units of a layer of the network of layer energies.", default=128, ge=1)
    layer_blocks: int = key("Its residual blocks.", default=3, ge=1)
    layer_steps: int = key("Steps from noise to layer energies.", default=12, ge=1)
    width: int = key("Units of each sector in the network of voxels.", default=96, ge=1)
    blocks: int = key("Its residual blocks.", default=4, ge=1)
    steps: int = key("Steps from noise to voxels; each evaluates the network twice.", default=4, ge=1)
    epochs: int = key("Passes over the training showers.", default=40, ge=1)
    batch_size: int = key("Showers in a step of the training.", default=256, ge=1)
    learning_rate: float = key("Largest step size of Adam.", default=0.001, gt=0)


EMULATORS = {"flow_matching": Architecture("model.Model", settings=Settings, title="Flow matching", year=2022)}
