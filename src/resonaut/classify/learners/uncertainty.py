"""A network whose loss is the expected uncertainty of a fit (arXiv:2502.13047, arXiv:1806.04743): it gives bins.

The probability of a class is the share that it has in the event's bin, classes counting the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from resonaut.classify.learners import Learned, State
from resonaut.classify.settings import Learning
from resonaut.core.record import build
from resonaut.learn.inference import Settings
from resonaut.learn.inference.network import Classifier as Network

if TYPE_CHECKING:
    from resonaut.classify.varied import Events


@dataclass(frozen=True)
class Binned:
    """A network, and the ``shares`` of the classes in its bins (bins, classes)."""

    network: Network
    shares: NDArray[np.float64]

    def state(self) -> State:
        """Its arrays."""
        return dict(self.network.model.state) | {"shares": self.shares}

    def bins(self, values: NDArray[np.float32]) -> NDArray[np.int64]:
        """The bin of each event, from 0."""
        return self.network.bin(values)

    def probabilities(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Of each class (n, classes)."""
        found: NDArray[np.float64] = self.shares[self.bins(values)]
        return found


def learn(seen: "Events", validation: "Events", settings: Learning, seed: int) -> Learned:
    """Minimise the uncertainty; the best epoch is that of the smallest one for ``validation``."""
    trained = Network.fit(
        seen.measurement,
        seen.events,
        validation.events,
        settings.uncertainty,
        seed,
        [_class(name, settings) for name in seen.measurement.samples],
        "a classifier on the uncertainty",
        "classify.classifiers.<name>.uncertainty.learning_rate",
    )
    bins, classes = settings.uncertainty.bins, len(settings.classes)
    place = trained.bin(seen.events.features.numpy()) * classes + seen.labels
    counts = np.bincount(place, seen.events.weights.numpy(), bins * classes).reshape(bins, classes).clip(min=0)
    counts = counts / counts.sum(axis=0).clip(min=np.finfo(float).tiny)
    total = counts.sum(axis=1, keepdims=True)
    shares = np.where(total > 0, counts / np.where(total > 0, total, 1), 1 / classes)
    history = trained.history
    return Learned(Binned(trained, shares), history.training, history.held_out, int(np.argmin(history.held_out)))


def _class(sample: str, settings: Learning) -> int:
    """The number of a sample's class, in the order of ``labels``."""
    return next(k for k, (_, datasets) in enumerate(sorted(settings.classes.items())) if sample in datasets)


def load(state: Mapping[str, NDArray[Any]]) -> Binned:
    """The model with these arrays."""
    arrays = dict(state)
    shares = arrays.pop("shares")
    # Weights of the layers, (out, in).
    sizes = [len(values) for name, values in arrays.items() if values.ndim == 2]
    about = {"bins": len(shares), "histogram": "gaussian" if sizes[-1] == 1 else "softmax", "hidden": sizes[:-1]}
    return Binned(Network.restored(arrays, build(about, Settings, "uncertainty")), shares)
