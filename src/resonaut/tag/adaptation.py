"""A tagger that is to work on jets of another domain, data or a second simulation, without their labels."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from resonaut.core.errors import ConfigError
from resonaut.learn.domain import DomainClassifier, schedule, separation
from resonaut.learn.training import untrained
from resonaut.tag import networks
from resonaut.tag.heads import representation
from resonaut.tag.results import Domain
from resonaut.tag.roc import measure
from resonaut.tag.sample import Sample, Simulation, count, load
from resonaut.tag.settings import DomainConfig, NetworkConfig, TagConfig


class Adaptation:
    """A domain classifier that learns beside the tagger and from whose gradient the tagger turns away.

    Args:
        module: the tagger.
        network: its configuration.
        wanted: how it is adapted.
        labels: classes of the jets that train it, (n,).
        other: jets of the other domain.
        steps: of the training, over which the reversed gradient grows.
        seed: of the classifier and of the choice of the other jets.
    """

    def __init__(
        self,
        module: nn.Module,
        network: NetworkConfig,
        wanted: DomainConfig,
        labels: Tensor,
        other: Sample,
        steps: int,
        seed: int,
    ) -> None:
        device = str(labels.device)
        self.module, self.strength, self.steps = module, wanted.strength, steps
        self.features = representation(module, network)
        self.classifier = untrained(lambda: DomainClassifier(self.features.width), seed).to(device)
        self.other = networks.tensors(other.inputs, device)
        self.weights = torch.from_numpy(shares(labels.cpu().numpy(), other.labels).astype(np.float32)).to(device)
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, given: tuple[Tensor, ...], rows: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """Logits of a batch with the inputs ``given`` of the jets ``rows``, and the loss of the domain classifier.

        As many jets of the other domain pass through the network with it, so that both have the same batch norm.
        """
        n = len(rows)
        drawn = torch.randint(len(self.other[0]), (n,), generator=self.generator).to(rows.device)
        together = (torch.cat([here, there[drawn]]) for here, there in zip(given, self.other, strict=True))
        logits = self.module(*together)[:n]
        here, there = self.features.values[:n], self.features.values[n:]
        strength = self.strength * schedule(step / self.steps)
        return logits, self.classifier.loss(here, there, self.weights[rows], strength)


def shares(labels: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Weights (n,) of jets of classes ``labels`` (n,) that give them the class shares of ``other`` (m,)."""
    n_classes = max(labels.max(), other.max()) + 1
    here, there = (np.bincount(one, minlength=n_classes) / len(one) for one in (labels, other))
    weights: np.ndarray = (there / np.maximum(here, 1 / len(labels)))[labels]
    return weights


def load_other(
    other: Simulation, settings: TagConfig, network: NetworkConfig, wanted: DomainConfig
) -> tuple[Sample, Sample]:
    """The jets of the other domain to which the network is adapted, and those that measure it.

    Raises:
        ConfigError: the domain has no datasets.
        EmptySelectionError: a class has too few jets; of data that all jets together.
    """
    if not other.background:
        given = "other_background and other_signal" if wanted.other == "simulation" else "data"
        raise ConfigError(f"tag.samples: no jets of the other domain; name datasets in tag.samples.{given}.")
    required = [network.background] if wanted.other == "data" else network.classes
    # Such jets have no targets: data do not know them.
    network = replace(network, regression={}, auxiliary={})
    seen, held_out = (load(other, settings, network, part, required) for part in ("train", "held_out"))
    return seen, held_out


def summarise(
    module: nn.Module,
    network: NetworkConfig,
    wanted: DomainConfig,
    here: Sample,
    others: tuple[Sample, Sample],
    settings: TagConfig,
) -> Domain:
    """How the network does on held-out jets of the other domain, and whether its features tell the domains apart.

    Args:
        module: the trained network.
        network: its configuration.
        wanted: how it was adapted.
        here: held-out jets of the simulation that trained it.
        others: jets of the other domain: those it was adapted to, and held-out ones.
        settings: device, seed and batch size.
    """
    seen, there = others
    features = representation(module, network)
    device = networks.device(settings.device)
    found = []
    for sample in (here, there):
        inputs, parts = networks.tensors(sample.inputs, device), []
        for rows in torch.split(torch.arange(len(sample), device=device), settings.score_batch_size):
            with torch.no_grad():
                scores = module(*(tensor[rows] for tensor in inputs)).softmax(dim=1)
            parts.append((scores.cpu().numpy(), features.values.cpu().numpy()))
        found.append([np.concatenate(arrays) for arrays in zip(*parts, strict=True)])
    weights = shares(here.labels, there.labels)
    kept = weights > 0
    area, error = separation(found[0][1][kept], found[1][1], weights[kept], settings.seed)
    return Domain(
        other=wanted.other,
        jets=count(seen, network),
        held_out_jets=count(there, network),
        auc=area,
        auc_error=error,
        measured=measure(found[1][0], there.labels, network.classes, network.background)
        if wanted.other == "simulation"
        else None,
    )
