"""What a training makes small: the weighted cross entropy, and what the keys of the network's training add to it."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from resonaut.core.errors import ConfigError
from resonaut.learn.adversarial import divergence_from, shifted, spread
from resonaut.learn.decorrelation import Adversary, distance_correlation, moment_decomposition
from resonaut.learn.losses import cross_entropy
from resonaut.learn.training import untrained
from resonaut.tag import networks
from resonaut.tag.adaptation import Adaptation
from resonaut.tag.heads import heads
from resonaut.tag.sample import Sample
from resonaut.tag.settings import DecorrelationConfig, DomainConfig, NetworkConfig

# QCD jets of a batch in which a dependence on the mass can be seen, and those of each bin of the mass.
MIN_JETS, MIN_PER_BIN = 32, 4


@dataclass(frozen=True)
class Jets:
    """A sample on a device: the groups of inputs, class and weight of each jet, mass in GeV, targets by task."""

    inputs: tuple[Tensor, Tensor, Tensor]
    labels: Tensor
    weights: Tensor
    mass: Tensor
    targets: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def mask(self) -> Tensor:
        """True for real constituents, (n, 1, p)."""
        return self.inputs[2]

    @cached_property
    def spreads(self) -> list[Tensor]:
        """The spreads of features and of four-vectors (GeV) of the real constituents; 0 of integers, which stay."""
        groups, real = self.inputs[:2], self.mask[:, 0]
        return [torch.stack([_spread(values[real]) for values in group.unbind(dim=1)]) for group in groups]

    @classmethod
    def of(cls, sample: Sample, weights: np.ndarray, device: str) -> "Jets":
        """The same of arrays."""
        plain = (sample.labels, weights.astype(np.float32), sample.softdrop_mass.astype(np.float32))
        labels, weight, mass = (torch.from_numpy(values).to(device) for values in plain)
        targets = {name: torch.from_numpy(values).to(device) for name, values in sample.targets.items()}
        return cls(networks.tensors(sample.inputs, device), labels, weight, mass, targets)

    def given(self, rows: Tensor) -> tuple[Tensor, ...]:
        """The inputs of some jets."""
        return tuple(tensor[rows] for tensor in self.inputs)

    def loss(self, logits: Tensor, rows: Tensor) -> Tensor:
        """The weighted cross entropy of some jets, shape (rows,)."""
        return cross_entropy(logits, self.labels[rows], self.weights[rows])

    def further(self, module: nn.Module, rows: Tensor) -> Tensor | float:
        """The mean loss of the further tasks of some jets, which were the first in the last pass of the network."""
        found = heads(module)
        return found.loss({name: one[rows] for name, one in self.targets.items()}, self.weights[rows]) if found else 0


class Objective:
    """The mean loss of a batch of jets, by their row numbers.

    One batch of so many as a robust training wants has its inputs shifted against the network, and the divergence from
    the nominal outputs is part of its loss. ``helpers`` are networks that train with the tagger and are no part of it.

    Raises:
        ConfigError: batches are too small for what the network's training wants.
    """

    def __init__(self, module: nn.Module, network: NetworkConfig, jets: Jets, batch_size: int, seed: int) -> None:
        self.module, self.jets = module, jets
        self.robust, self.step = network.training.robust, 0
        self.helpers = nn.ModuleList()
        self.adaptation: Adaptation | None = None
        self.decorrelation: Callable[[Tensor, Tensor], Tensor] | None = None
        if wanted := network.training.decorrelation:
            qcd, signals = network.classes.index(network.background), len(network.classes) - 1
            require_background(wanted, (jets.labels == qcd).double().mean().item(), batch_size)
            adversary = untrained(lambda: Adversary(signals), seed).to(jets.mass.device)
            self.penalty = partial(_decorrelation, wanted, qcd=qcd, adversary=adversary)
            self.decorrelation = self.penalty(jets)
            if wanted.method == "adversary":
                self.helpers.append(adversary)

    def __call__(self, rows: Tensor) -> Tensor:
        """The loss, a number."""
        self.step += 1
        given, nominal, told = self.jets.given(rows), None, None
        if self.robust is not None and self.step % self.robust.every == 0:
            nominal, given = against(self.module, self.jets, rows, self.robust.size)
        if self.adaptation is None:
            logits = self.module(*given).float()
        else:
            logits, told = self.adaptation(given, rows, self.step)
        loss = self.jets.loss(logits, rows).mean() + self.jets.further(self.module, rows)
        if nominal is not None:
            loss = loss + divergence_from(nominal, logits).mean()
        if told is not None:
            loss = loss + told
        if self.decorrelation is not None:
            loss = loss + self.decorrelation(logits, rows)
        return loss

    def see(self, jets: Jets) -> None:
        """Take other jets in the place of the present ones, a sample of the same kind."""
        self.jets = jets
        if self.decorrelation is not None:
            self.decorrelation = self.penalty(jets)
        if self.adaptation is not None:
            self.adaptation.see(jets.labels)

    def state_dict(self) -> dict[str, Any]:
        """What changes in a training beside the network."""
        state = {"step": self.step, "helpers": self.helpers.state_dict()}
        return state | ({"drawn": self.adaptation.drawn()} if self.adaptation else {})

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where another objective was."""
        self.step = state_dict["step"]
        self.helpers.load_state_dict(state_dict["helpers"])
        if self.adaptation:
            self.adaptation.draw_from(state_dict["drawn"])

    def adapt(self, network: NetworkConfig, wanted: DomainConfig, other: Sample, steps: int, seed: int) -> None:
        """Have batches with jets of another domain; see ``Adaptation``."""
        # A strength of 0 leaves the training as it is.
        if wanted.strength:
            self.adaptation = Adaptation(self.module, network, wanted, self.jets.labels, other, steps, seed)
            self.helpers.append(self.adaptation.classifier)


def _spread(values: Tensor) -> Tensor:
    return spread(values) if values.frac().any() else values.new_zeros(())


def against(module: nn.Module, jets: Jets, rows: Tensor, size: float) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The nominal logits (rows, outputs) of some jets, and their inputs shifted against the network.

    Features and four-vectors are a group each. The shift of a four-vector is one of its momentum; its energy follows,
    as no particle has less energy than momentum.
    """
    *groups, mask = jets.given(rows)
    moving = [group.requires_grad_() for group in groups]
    logits = module(*moving, mask)
    features, vectors = shifted(jets.loss(logits, rows).sum(), moving, jets.spreads, size, mask)
    return logits.detach(), (features, torch.where(mask, on_shell(vectors, moving[1].detach()), vectors), mask)


def on_shell(moved: Tensor, vectors: Tensor) -> Tensor:
    """The momenta of ``moved`` four-vectors with the masses of ``vectors``, both (n, 4, p): px, py, pz, E in GeV.

    Masses are at least 1e-3 of the momentum, which single precision needs to tell E from |p|.
    """
    before, after = (values[:, :3].square().sum(dim=1, keepdim=True) for values in (vectors, moved))
    mass2 = torch.maximum(vectors[:, 3:].square() - before, 1e-6 * torch.maximum(before, after))
    return torch.cat([moved[:, :3], (after + mass2).sqrt()], dim=1)


def require_background(wanted: DecorrelationConfig, share: float, batch_size: int) -> None:
    """Stop where a batch holds too few QCD jets, a ``share`` of all, to tell whether their scores follow the mass."""
    least = max(MIN_JETS, MIN_PER_BIN * wanted.mass_bins * wanted.method.startswith("mode"))
    if share * batch_size < least:
        raise ConfigError(
            f"tag.training.batch_size: {batch_size} jets hold {share * batch_size:.0f} of QCD, too few for "
            f"decorrelation by {wanted.method}; make it at least {math.ceil(least / share)}."
        )


def _decorrelation(
    wanted: DecorrelationConfig, jets: Jets, qcd: int, adversary: Adversary
) -> Callable[[Tensor, Tensor], Tensor]:
    """The penalty of a batch: of the discriminants s / (s + qcd) of QCD jets, the mean over the signal classes."""
    background = jets.labels == qcd
    # Between -1 and 1 and uniform for all QCD jets, whatever the mass spectrum.
    quantile = torch.zeros_like(jets.mass)
    ordered = jets.mass[background].argsort(stable=True)
    quantile[background.nonzero()[ordered, 0]] = torch.linspace(-1, 1, len(ordered), device=jets.mass.device)

    def measure(scores: Tensor, rows: Tensor) -> Tensor:
        if wanted.method == "adversary":
            return adversary.loss(scores, quantile[rows], wanted.strength)
        mass, order = jets.mass[rows], {"mode0": 0, "mode1": 1, "mode2": 2}
        found = [
            distance_correlation(score, mass)
            if wanted.method == "disco"
            else moment_decomposition(score, mass, order[wanted.method], wanted.mass_bins)
            for score in scores.T
        ]
        return wanted.strength * torch.stack(found).mean()

    def penalty(logits: Tensor, rows: Tensor) -> Tensor:
        chosen = background[rows]
        # A batch may hold no QCD jet by chance.
        if not chosen.any():
            return logits.new_zeros(())
        others = [i for i in range(logits.shape[1]) if i != qcd]
        scores = (logits[chosen][:, others] - logits[chosen][:, [qcd]]).sigmoid()
        return measure(scores, rows[chosen])

    return penalty
