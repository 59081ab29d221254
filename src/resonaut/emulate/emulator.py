"""A trained model of showers: its file, and samples of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from resonaut.core.errors import EmptySelectionError, InputFileError, ResonautError
from resonaut.core.record import build, plain
from resonaut.emulate.models import Model, architectures
from resonaut.emulate.settings import Training, Voxels
from resonaut.learn import store
from resonaut.learn.training import untrained
from resonaut.physics.showers.files import Showers
from resonaut.physics.showers.geometry import PUBLISHED, Geometry

KIND = "emulator of showers"
REMEDY = "make it again with 'resonaut emulate train'"
# Showers that are made at once: what a layer of a network makes of them stays in the processor's cache.
BLOCK = 500
# Fewer determine no model.
MIN_SHOWERS = 100


def geometry_of(voxels: Voxels) -> Geometry:
    """The voxels that the configuration names.

    Raises:
        ResonautError: the particle has no published voxels, and there is no binning file, or it lacks the particle.
    """
    if voxels.binning is not None:
        return Geometry.read(Path(voxels.binning), voxels.particle)
    if voxels.particle not in PUBLISHED:
        raise ResonautError(
            f"config: emulate.voxels.particle: there are published voxels for {', '.join(PUBLISHED)}, not for "
            f"{voxels.particle!r}; set emulate.voxels.binning to a file that has some."
        )
    return PUBLISHED[voxels.particle]


@dataclass(frozen=True)
class Emulator:
    """A trained model; ``energies`` are the smallest and largest ones in MeV that it has seen."""

    training: Training
    geometry: Geometry
    energies: tuple[float, float]
    model: Model

    @classmethod
    def fit(cls, showers: Showers, training: Training) -> "Emulator":
        """Train a model.

        Raises:
            EmptySelectionError: there are too few showers.
            NotFiniteError: the training diverges.
        """
        if len(showers) < MIN_SHOWERS:
            raise EmptySelectionError(f"{len(showers)} showers are too few to learn from; give at least {MIN_SHOWERS}.")
        geometry, settings = geometry_of(training.voxels), training.model
        chance = torch.rand(len(showers), generator=torch.Generator().manual_seed(settings.seed), dtype=torch.float64)
        held_out = (chance < settings.held_out).numpy()
        model = _untrained(training, geometry)
        model.learn(showers[~held_out], showers[held_out], settings.seed)
        return cls(training, geometry, (float(showers.energies.min()), float(showers.energies.max())), model)

    @torch.no_grad()
    def sample(self, energies: NDArray[np.float64], seed: int, block: int = BLOCK) -> Showers:
        """A shower for each incident energy in MeV, (n,), ``block`` of them at once.

        Raises:
            ResonautError: an energy is NaN, not positive, or outside the range that the model has seen.
        """
        self._require_known(energies)
        generator = torch.Generator().manual_seed(seed)
        voxels = np.empty((len(energies), self.geometry.voxels), np.float32)
        for start in range(0, len(energies), block):
            own = torch.as_tensor(energies[start : start + block], dtype=torch.float32)
            noise = torch.randn(len(own), self.model.noise, generator=generator)
            voxels[start : start + block] = self.model.forward(noise, own).numpy()
        return Showers(np.asarray(energies, np.float64), voxels)

    def _require_known(self, energies: NDArray[np.float64]) -> None:
        lowest, highest = self.energies
        for problem, wrong in (
            ("is no finite number", ~np.isfinite(energies)),
            ("is not positive", energies <= 0),
            # Energies come as texts or in single precision, too.
            (
                f"is outside the range of its training, {lowest:g} to {highest:g} MeV",
                (energies < lowest * (1 - 1e-6)) | (energies > highest * (1 + 1e-6)),
            ),
        ):
            if wrong.any():
                raise ResonautError(
                    f"the incident energy {energies[wrong][0]:g} MeV {problem}; the model "
                    f"{self.training.model.architecture!r} makes showers of {lowest:g} to {highest:g} MeV."
                )

    def save(self, path: Path) -> None:
        """Write ``<results>/emulate/<model>/model.npz``."""
        settings = {
            "training": plain(self.training, Training),
            "particle": self.geometry.particle,
            "layers": self.geometry.table(),
            "energies": list(self.energies),
        }
        state = {name: values.numpy() for name, values in cast(nn.Module, self.model).state_dict().items()}
        store.save(path, store.Model(KIND, settings, state))


def load(path: Path) -> Emulator:
    """The model that ``Emulator.save`` wrote.

    Raises:
        InputFileError: it is none, damaged, or of an architecture with other keys than this version has.
    """
    found = store.load(path, KIND, REMEDY)
    held: dict[str, Any] = found.settings
    training = build(held["training"], Training, str(path))
    geometry = Geometry.of(held["particle"], held["layers"])
    model = _untrained(training, geometry)
    try:
        cast(nn.Module, model).load_state_dict({name: torch.as_tensor(values) for name, values in found.state.items()})
    except RuntimeError:
        raise InputFileError(path, "was made by another version of its architecture", REMEDY) from None
    cast(nn.Module, model).eval()
    lowest, highest = held["energies"]
    return Emulator(training, geometry, (lowest, highest), model)


def _untrained(training: Training, geometry: Geometry) -> Model:
    """A model whose first weights follow from the seed.

    Raises:
        ConfigError: there is no such architecture, or a key of its settings is wrong.
    """
    entry = architectures()[training.model.architecture]
    settings: object = build(training.model.settings, entry.settings, "config: settings of the model")
    make = entry.find()
    return cast(Model, untrained(lambda: make(geometry, training.voxels.threshold, settings), training.model.seed))
