"""Two flows: layer energies given the incident one, then voxels given both (C. Krause, D. Shih, arXiv:2106.05285)."""

from resonaut.core.record import Natural, key, record
from resonaut.emulate.models import Architecture


@record
class Settings:
    """The architecture `flow`."""

    layer_couplings: int = key("Coupling layers of the flow of layer energies, which are splines.", default=6, ge=2)
    layer_hidden: list[Natural] = key("Units of the hidden layers of its networks.", default=[64, 64], min_length=1)
    couplings: int = key("Coupling layers of the flow of voxels.", default=8, ge=2)
    hidden: list[Natural] = key("Units of the hidden layers of its networks.", default=[256], min_length=1)
    bins: int = key("Bins of the splines.", default=8, ge=2)
    smearing: float = key("Spread of the noise on standardised voxels in the training.", default=0.02, ge=0)
    epochs: int = key("Passes over the training showers.", default=20, ge=1)
    batch_size: int = key("Showers in a step of the training.", default=256, ge=1)
    learning_rate: float = key("Largest step size of Adam.", default=0.002, gt=0)


EMULATORS = {"flow": Architecture("model.Model", settings=Settings, title="Two flows", year=2021)}
