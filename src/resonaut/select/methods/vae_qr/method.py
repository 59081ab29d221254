"""VAE-QR: jets that an autoencoder of constituents reproduces badly, with the dependence on the mass taken out (CMS).

CMS EXO-22-026 trains the autoencoder in data of a control region with a large |delta eta| of the jets, where s-channel
signals are rare. The skimmed events have none of these, so that it is trained on data outside the signal region, at any
mass. An event is as anomalous as the less anomalous of its jets. The quantiles of this score given m_jj, a regression,
turn it into a level: a cut on it is flat in m_jj by construction. The regression knows the whole spectrum, with the
signal region: its splines are too stiff to follow a resonance.
"""

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from resonaut.core import identifier
from resonaut.learn.autoencoder import constituents
from resonaut.learn.autoencoder.constituents import ConstituentAutoencoder
from resonaut.select import level
from resonaut.select.level import Level
from resonaut.select.methods.vae_qr import VaeQrSettings
from resonaut.select.quantile import Raw
from resonaut.select.settings import Settings
from resonaut.select.training_data import TrainingData

JETS = ("j1", "j2")
# Tells the seeds of the autoencoders from those of other methods' networks.
PURPOSE = 40
# In the logarithm of the mass no less is told apart.
LEAST = 1e-3


class VaeQr:
    """For each fold an autoencoder and a regression, trained without its events and on different ones of the others."""

    friends: tuple[str, ...] = ()

    def __init__(self, settings: Settings) -> None:
        self.columns: tuple[str, ...] = tuple(column for jet in JETS for column in constituents.columns(jet))
        self.settings, self.regression = settings.own(VaeQrSettings), settings.regression
        self.folds, self.seed = settings.classifier.folds, settings.classifier.seed
        self.observable, self.background_efficiency = settings.observable, settings.background_efficiency
        self.autoencoders: list[ConstituentAutoencoder] = []
        self.levels: list[Level] = []

    def fit(self, training: TrainingData) -> dict[str, float]:
        """Train on all data.

        Returns the mean held-out score, and its correlation with the mass before and after the regression.
        """
        events, keys = training.events, identifier.keys(training.events)
        clouds, mass = self._clouds(events), training.mass.astype(np.float64)
        fold = identifier.folds(keys, self.folds, self.seed)
        for number in range(self.folds):
            seed = identifier.derived_seed(self.seed, PURPOSE, number)
            wanted = ~training.regions.signal
            first, second = level.apart(keys, fold != number, wanted, self.regression.training_part, seed)
            jets = np.concatenate([jet[first] for jet in clouds])
            model = ConstituentAutoencoder.fit(jets, np.tile(keys[first], 2), self.settings.autoencoder, seed)
            self.autoencoders.append(model)
            score = self._score(model, [jet[second] for jet in clouds])
            self.levels.append(Level.fit(score, mass[second], self.regression.levels, self.regression.knots))
        score, flat = self._evaluate(clouds, mass, fold)
        before, after = (float(np.corrcoef(np.log(np.maximum(mass, LEAST)), value)[0, 1]) for value in (score, flat))
        return {"score": float(score.mean()), "correlation_score": before, "correlation_level": after}

    def _clouds(self, events: ak.Array) -> list[NDArray[np.float32]]:
        return [constituents.cloud(events, jet, self.settings.constituents) for jet in JETS]

    def _score(self, model: ConstituentAutoencoder, clouds: list[NDArray[np.float32]]) -> NDArray[np.float64]:
        """Log of the smaller or of the sum of both jets' losses, shape (n,)."""
        first, second = (model.loss(jet) for jet in clouds)
        loss = np.minimum(first, second) if self.settings.combination == "minimum" else first + second
        result: NDArray[np.float64] = np.log(np.maximum(loss, np.finfo(np.float64).tiny))
        return result

    def _evaluate(
        self, clouds: list[NDArray[np.float32]], mass: NDArray[np.float64], fold: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Score and level of each event, by the models of its fold, both of shape (n,)."""
        score, flat = np.empty(len(fold)), np.empty(len(fold))
        for number, (model, levels) in enumerate(zip(self.autoencoders, self.levels, strict=True)):
            rows = fold == number
            score[rows] = self._score(model, [jet[rows] for jet in clouds])
            flat[rows] = levels(score[rows], mass[rows])
        return score, flat

    def raw(self, events: ak.Array, source: str) -> Raw:  # noqa: ARG002
        """The level of each event among those of the same mass, in (0, 1), by models that have not seen it."""
        keys = identifier.keys(events)
        fold = identifier.folds(keys, self.folds, self.seed)
        mass = ak.to_numpy(events[self.observable]).astype(np.float64)
        _, flat = self._evaluate(self._clouds(events), mass, fold)
        return Raw.alone(flat, fold, keys)
