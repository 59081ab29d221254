"""Tag N' Train: an anomalous jet labels the other jet of its event (Amram, Suarez, arXiv:2002.12376).

An autoencoder tags one jet. Events of the signal region with a jet that is unlike most have more signal than events of
the sidebands or with a jet like most, and a classifier between these two mixed samples learns the *other* jet, whose
features are independent of the tag in background. The two samples are those of CMS EXO-22-026.

j1 is the heavier jet, so that its features and those of j2 are not independent: a heavy j2 has an even heavier j1. Both
jets of an event are therefore taken without their order, once as the tag and once as the other jet, by one autoencoder
and one classifier; the order comes back with the quantiles of the scores, which are those of j1 and of j2 apart.
"""

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from resonaut.core import identifier
from resonaut.learn import ratio
from resonaut.learn.autoencoder.variational import Variational
from resonaut.select import kinematics
from resonaut.select.inputs import Inputs
from resonaut.select.methods.tnt import TntSettings
from resonaut.select.quantile import Raw
from resonaut.select.regions import Regions
from resonaut.select.settings import Settings
from resonaut.select.training_data import TrainingData

# Tells the seeds of the autoencoders from those of other methods' networks.
PURPOSE = 30


class Tnt:
    """An autoencoder and the ratio step; both of a fold are trained without its events."""

    friends: tuple[str, ...] = ()

    def __init__(self, settings: Settings) -> None:
        self.inputs = Inputs.of(settings, "jets")
        self.columns: tuple[str, ...] = (*self.inputs.columns, *kinematics.columns(settings.pt_bins))
        self.settings, self.own = settings, settings.own(TntSettings)
        self.background_efficiency = settings.background_efficiency
        self.models: ratio.CrossFit | None = None

    def fit(self, training: TrainingData) -> dict[str, float]:
        """Train on the window's events; returns each jet's held-out AUC of signal region against sidebands."""
        used = training.regions.signal | training.regions.sideband
        events, regions = training.events[used], Regions(training.regions.code[used])
        keys, classifier = identifier.keys(events), self.settings.classifier
        jets = self.inputs.compute(events, training.source)
        fold = identifier.folds(keys, classifier.folds, classifier.seed)
        pairs = []
        for number in range(classifier.folds):
            rows = fold != number
            seen, both = keys[rows], np.concatenate([jet[rows] for jet in jets])
            seed = identifier.derived_seed(classifier.seed, PURPOSE, number)
            # Neither the tagged events nor what tagged them are of this fold.
            loss = Variational.fit(both, np.tile(seen, 2), self.settings.autoencoder, seed).loss(both)
            pairs.append(self._mixed(both, loss, events[rows], Regions(regions.code[rows])))
        self.models = ratio.CrossFit.fit_pairs(pairs, classifier)
        signal, sideband, numbers = regions.signal, regions.sideband, {}
        weights = regions.sideband_weights()[regions.code]
        for jet, suffix in zip(jets, self.inputs.suffixes, strict=True):
            output = self.models.probability(jet, keys)
            numbers[f"auc{suffix}"], numbers[f"auc_error{suffix}"] = ratio.auc(
                output[signal], output[sideband], np.ones(np.count_nonzero(signal)), weights[sideband], learned=1
            )
        return numbers

    def _mixed(
        self, jets: NDArray[np.float32], loss: NDArray[np.float64], events: ak.Array, regions: Regions
    ) -> tuple[ratio.Sample, ratio.Sample]:
        """The signal-like and the background-like jets, by the tag of the other jet of the event.

        In the background-like sample both jets' pT spectra are weighted to those of the signal-like one: neither m_jj
        nor what the tag tells about pT can be learned.

        Args:
            jets: features of j1 of all events and of j2 of all events, shape (2 n, features).
            loss: how unlike most each of them is, shape (2 n,).
            events: with the jets' pT, shape (n,).
            regions: theirs, shape (n,).
        """
        own, keys = self.own, identifier.keys(events)
        high, low = np.quantile(loss, [1 - own.signal_like, own.background_like])
        sideband = regions.sideband
        # Both sidebands count the same, and an event of them on average as much as one of the signal region.
        plain = np.where(sideband, regions.sideband_weights()[regions.code] * np.count_nonzero(sideband), 1.0)
        parts = []
        for jet, other in zip(np.split(jets, 2), np.split(loss, 2)[::-1], strict=True):
            signal_like, background_like = regions.signal & (other >= high), sideband | (other < low)
            weights = kinematics.balanced(events, signal_like, background_like, plain, self.settings.pt_bins)
            sample = ratio.Sample(jet, weights, keys)
            parts.append((sample[signal_like], sample[background_like]))
        (first, first_background), (second, second_background) = parts
        return (
            ratio.Sample.concatenate([first, second]),
            ratio.Sample.concatenate([first_background, second_background]),
        )

    def raw(self, events: ak.Array, source: str) -> Raw:
        """For each jet the mean of the classifiers that have not seen the event's fold."""
        assert self.models is not None, "fit first"
        keys = identifier.keys(events)
        value = np.column_stack([self.models.probability(jet, keys) for jet in self.inputs.compute(events, source)])
        return Raw(value, self.models.folds(keys), identifier.uniform(keys, 0), self.own.combination)
