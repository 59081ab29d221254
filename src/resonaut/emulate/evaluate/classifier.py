"""Networks that try to tell emulated from simulated showers, as those of the CaloChallenge (arXiv:2410.21611).

The area under the ROC curve and the Jensen-Shannon divergence are of showers that the network has not seen, after an
isotonic calibration of its output on a part that chose when its training stopped.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from resonaut.core.identifier import derived_seed
from resonaut.emulate.evaluate.settings import Classifier
from resonaut.emulate.results import Area
from resonaut.learn import training
from resonaut.learn.blocks import in_blocks
from resonaut.learn.ratio import auc

Values = NDArray[np.float32]
Floats = NDArray[np.float64]
# Shares of the showers that train, that stop the training and calibrate the output, and that judge.
PARTS = (0.6, 0.2, 0.2)
# A calibrated probability is no nearer to 0 and 1.
NEAREST = 1e-6


@dataclass(frozen=True)
class Part:
    """Inputs (n, d) of both samples, and ``labels`` (n,): 1 for emulated showers, 0 for simulated ones."""

    inputs: Tensor
    labels: Tensor

    @classmethod
    def divided(cls, simulated: Values, emulated: Values, rng: np.random.Generator) -> list["Part"]:
        """The ``PARTS`` of two samples, dealt at random."""
        ends = np.cumsum(PARTS)[:-1]
        dealt = [
            np.split(sample[rng.permutation(len(sample))], (ends * len(sample)).astype(int))
            for sample in (simulated, emulated)
        ]
        return [
            cls(
                torch.as_tensor(np.concatenate(both), dtype=torch.float32),
                torch.cat([torch.full((len(one),), float(label)) for label, one in enumerate(both)]),
            )
            for both in zip(*dealt, strict=True)
        ]


def area(simulated: Values, emulated: Values, settings: Classifier, seed: int) -> Area:
    """What ``settings.seeds`` networks find.

    Args:
        simulated: inputs of simulated showers, (n, d).
        emulated: inputs of emulated ones, (m, d), with the same incident energies.
        settings: of the networks.
        seed: from which their seeds follow.

    Raises:
        NotFiniteError: a training diverges.
    """
    found = []
    for number in range(settings.seeds):
        own = derived_seed(seed, number)
        rng = np.random.default_rng(own)
        first, second = (sample[rng.permutation(len(sample))[: settings.showers]] for sample in (simulated, emulated))
        found.append(_judged(Part.divided(first, second, rng), settings, own))
    areas, errors, divergences = np.array(found).T
    return Area(
        auc=float(areas.mean()),
        error=float(errors.mean()),
        spread=_spread(areas),
        jsd=float(divergences.mean()),
        jsd_spread=_spread(divergences),
        seeds=areas.tolist(),
    )


def _spread(values: Floats) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else 0.0


def _judged(parts: list[Part], settings: Classifier, seed: int) -> tuple[float, float, float]:
    """Area under the ROC curve, its error without a difference, and the divergence that one network finds."""
    train, calibrate, judge = _standardised(parts)
    network = _trained(train, calibrate, settings, seed)
    outputs = [in_blocks(network, part.inputs).squeeze(1).double().sigmoid().numpy() for part in (calibrate, judge)]
    known, labels = calibrate.labels.double().numpy(), judge.labels.numpy() > 0.5
    isotonic = IsotonicRegression(out_of_bounds="clip", y_min=NEAREST, y_max=1 - NEAREST).fit(outputs[0], known)
    probability = isotonic.predict(outputs[1])
    first, second = probability[labels], probability[~labels]
    found, error = auc(first, second, np.ones(len(first)), np.ones(len(second)))
    return found, error, divergence(first, second)


def _standardised(parts: list[Part]) -> list[Part]:
    """The inputs of all parts with mean 0 and spread 1 among those that train."""
    spread, mean = torch.std_mean(parts[0].inputs, dim=0)
    scale = torch.where(spread > 0, 1 / spread, 1.0)
    return [Part((part.inputs - mean) * scale, part.labels) for part in parts]


def divergence(emulated: Floats, simulated: Floats) -> float:
    """The Jensen-Shannon divergence in bits, 1 - H / ln 2, with the cross entropy H of calibrated probabilities.

    It is 0 where nothing tells the samples apart and 1 where everything does; a calibration with few showers errs to
    smaller values, below 0, too.
    """
    entropy = -(np.log(emulated).mean() + np.log1p(-simulated).mean()) / 2
    return float(1 - entropy / np.log(2))


def _trained(train: Part, held_out: Part, settings: Classifier, seed: int) -> nn.Module:
    """The network as it was where the held-out cross entropy was smallest."""
    inputs = train.inputs.shape[1]
    network = training.untrained(lambda: _network(inputs, settings.hidden), seed)
    generator = torch.Generator().manual_seed(seed)

    def entropy(part: Part, logits: Tensor) -> Tensor:
        return binary_cross_entropy_with_logits(logits.squeeze(1), part.labels)

    def loss(rows: Tensor) -> Tensor:
        return entropy(Part(train.inputs[rows], train.labels[rows]), network(train.inputs[rows]))

    passes: Iterator[tuple[Tensor, ...]] = training.shuffled(len(train.labels), settings.batch_size, generator)
    training.fit(
        network,
        loss,
        passes,
        torch.optim.Adam(network.parameters(), settings.learning_rate, fused=True),
        settings.epochs,
        held_out=lambda: entropy(held_out, in_blocks(network, held_out.inputs)),
        keep_best=True,
        patience=settings.patience,
        what="a classifier of showers",
        key="emulate.evaluate.classifier.learning_rate",
    )
    return network


def _network(inputs: int, hidden: list[int]) -> nn.Module:
    layers: list[nn.Module] = []
    for before, after in pairwise([inputs, *hidden]):
        layers += [nn.Linear(before, after), nn.LeakyReLU()]
    return nn.Sequential(*layers, nn.Linear(hidden[-1], 1))
