"""NAE: the energy of a normalised autoencoder of the event's features, learned from the sidebands.

Nothing tells it what a signal might be, and a signal in the data cannot teach it: it is as good for little signal as
for much (Yoon, Noh, Park, arXiv:2105.05735; for jets Dillon et al., arXiv:2206.14225). Events are unlike the sidebands'
the more, the further their m_jj is: a cut on the energy would carve the spectrum, so that its quantile given m_jj is
taken, as in ``vae_qr``.
"""

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from resonaut.core import identifier
from resonaut.learn.autoencoder.normalised import NormalisedAutoencoder
from resonaut.learn.autoencoder.settings import Normalised
from resonaut.select import level
from resonaut.select.inputs import Inputs
from resonaut.select.level import Level
from resonaut.select.quantile import Raw
from resonaut.select.settings import Settings
from resonaut.select.training_data import TrainingData

# Tells the seeds of the autoencoders from those of other methods' networks.
PURPOSE = 50


class Nae:
    """For each fold an autoencoder and a regression, trained without its events and on different ones of the others."""

    friends: tuple[str, ...] = ()

    def __init__(self, settings: Settings) -> None:
        self.inputs = Inputs.of(settings, "event")
        self.columns: tuple[str, ...] = self.inputs.columns
        self.settings, self.normalised = settings, settings.own(Normalised)
        self.folds, self.seed = settings.classifier.folds, settings.classifier.seed
        self.background_efficiency = settings.background_efficiency
        self.autoencoders: list[NormalisedAutoencoder] = []
        self.levels: list[Level] = []

    def fit(self, training: TrainingData) -> dict[str, float]:
        """Train the autoencoders on sidebands, the regressions on all data.

        Returns the mean held-out energy in the sidebands, that of events drawn from the learned densities, and the
        smallest distance between events and drawn ones in an epoch.
        """
        (values,) = self.inputs.compute(training.events, training.source)
        keys, mass = identifier.keys(training.events), training.mass.astype(np.float64)
        fold, sideband, regression = self._fold(training.events), training.regions.sideband, self.settings.regression
        for number in range(self.folds):
            seed = identifier.derived_seed(self.seed, PURPOSE, number)
            first, second = level.apart(keys, fold != number, sideband, regression.training_part, seed)
            model = NormalisedAutoencoder.fit(
                values[first], keys[first], self.settings.autoencoder, self.normalised, seed
            )
            self.autoencoders.append(model)
            score = _score(model, values[second])
            self.levels.append(Level.fit(score, mass[second], regression.levels, regression.knots))
        held_out = [m.energy(values[sideband & (fold == number)]) for number, m in enumerate(self.autoencoders)]
        drawn = [model.energy(model.draw(1000).astype(np.float32)) for model in self.autoencoders]
        distance = float(np.mean([min(model.distances) for model in self.autoencoders]))
        energy = float(np.concatenate(held_out).mean())
        return {"energy": energy, "energy_drawn": float(np.mean(drawn)), "distance": distance}

    def _fold(self, events: ak.Array) -> NDArray[np.int64]:
        return identifier.folds(identifier.keys(events), self.folds, self.seed)

    def raw(self, events: ak.Array, source: str) -> Raw:
        """The level of each event among those of the same mass, in (0, 1), by models that have not seen it."""
        (values,) = self.inputs.compute(events, source)
        fold, mass = self._fold(events), self.inputs.mass(events).astype(np.float64)
        flat = np.empty(len(fold))
        for number, (model, levels) in enumerate(zip(self.autoencoders, self.levels, strict=True)):
            rows = fold == number
            flat[rows] = levels(_score(model, values[rows]), mass[rows])
        return Raw.alone(flat, fold, identifier.keys(events))


def _score(model: NormalisedAutoencoder, values: NDArray[np.float32]) -> NDArray[np.float64]:
    """The log of the energy: of the same order as the energies, and easier to regress."""
    score: NDArray[np.float64] = np.log(np.maximum(model.energy(values), np.finfo(np.float32).tiny))
    return score
