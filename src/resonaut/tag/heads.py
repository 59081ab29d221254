"""What a network learns beside its classes: linear layers on what its last layer sees, and on constituents' features.

An architecture's module ends in a linear layer of as many outputs as the network has; what this layer is given are the
features of the jet. Features of the constituents are those of the module's ``constituents``, if it has any: a
``Constituents`` or something else with a ``width`` and, after each pass, ``values`` (n, width, p).
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from resonaut.core.errors import ConfigError
from resonaut.learn.domain import Representation
from resonaut.learn.losses import log_cosh, pinball
from resonaut.tag.settings import QUANTILES, AuxiliaryConfig, NetworkConfig


class Constituents:
    """The features of constituents in a network: what the layer ``layer`` last gave.

    Args:
        layer: gives (n, width, p), or (n, p, width) where the features come last.
        width: number of features.
        features_last: whether they do.
    """

    def __init__(self, layer: nn.Module, width: int, *, features_last: bool = False) -> None:
        self.width, self.features_last = width, features_last
        self.values = torch.empty(0, width, 0)
        layer.register_forward_hook(self._keep)

    def _keep(self, layer: nn.Module, given: tuple[Tensor, ...], made: Tensor) -> None:
        del layer, given
        self.values = made.transpose(1, 2) if self.features_last else made


class Pairs(nn.Module):
    """Whether pairs of constituents belong together: a logit that is the same for (i, j) and (j, i)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(self, values: Tensor) -> Tensor:
        """Features (n, p, width) to logits (n, p, p)."""
        one, other = values[:, :, None], values[:, None]
        made: Tensor = self.layers(torch.cat([(one - other).abs(), one * other], dim=-1)).squeeze(-1)
        return made


class Heads(nn.Module):
    """The further layers of a network, a part of it; they work on its last pass.

    Args:
        network: the module without them.
        settings: its configuration.

    Raises:
        ConfigError: the network has no linear layer at its end, or no features of constituents where a task wants them.
    """

    def __init__(self, network: nn.Module, settings: NetworkConfig) -> None:
        super().__init__()
        self.seen = Representation(network, len(settings.outputs))
        self.constituents: Constituents | None = getattr(network, "constituents", None)
        self.wanted, self.auxiliary = settings.regression, settings.auxiliary
        self.regression: nn.Linear | None = None
        if settings.regression:
            self.regression = nn.Linear(self.seen.width, len(settings.estimates))
            # Ratios are near 1: what is learned is how far they are from it.
            nn.init.zeros_(self.regression.weight)
            nn.init.ones_(self.regression.bias)
        self.tasks = nn.ModuleDict({name: self._task(name, task) for name, task in settings.auxiliary.items()})

    def _task(self, name: str, task: AuxiliaryConfig) -> nn.Module:
        outputs = task.classes or 1
        if not task.of_constituents:
            return nn.Linear(self.seen.width, outputs)
        if self.constituents is None:
            raise ConfigError(
                f"config: tag.networks.<name>.auxiliary.{name}: the architecture has no features of constituents; take "
                "the task out, or another architecture."
            )
        return Pairs(self.constituents.width) if task.pairs else nn.Linear(self.constituents.width, outputs)

    def estimates(self) -> Tensor:
        """The regressions' numbers of the jets of the last pass, (n, estimates), in their configuration's order."""
        values = self.seen.values
        if self.regression is None:
            return values[:, :0]
        # Half precision has steps of a percent near 1, where the ratios are.
        with torch.autocast(values.device.type, enabled=False):
            made: Tensor = self.regression(values.float())
        return made

    def loss(self, targets: Mapping[str, Tensor], weights: Tensor) -> Tensor:
        """The sum of the tasks' losses, each a mean over the jets (or constituents) that have a target.

        Args:
            targets: by task, of the first jets of the last pass: (n,), or (n, p) of their constituents. A number is NaN
                where there is none, and a class negative.
            weights: of these jets, (n,).
        """
        total = weights.new_zeros(())
        made = self.estimates()[: len(weights)].reshape(len(weights), len(self.wanted), 1 + len(QUANTILES))
        levels = weights.new_tensor(list(QUANTILES.values()))
        for place, name in enumerate(sorted(self.wanted)):
            there = targets[name].isfinite()
            residual = (targets[name][there, None] - made[there, place]) / self.wanted[name].width
            found = log_cosh(residual[:, 0]) + pinball(residual[:, 1:], levels).sum(dim=1)
            total = total + self.wanted[name].weight * _mean(found, weights[there])
        for name, task in self.auxiliary.items():
            total = total + task.weight * self._of_task(name, task, targets[name], weights)
        return total

    def _of_task(self, name: str, task: AuxiliaryConfig, target: Tensor, weights: Tensor) -> Tensor:
        values = self.seen.values[: len(weights)]
        if task.of_constituents and self.constituents is not None:
            values = self.constituents.values[: len(weights)].transpose(1, 2)
            if task.pairs:
                return _of_pairs(self.tasks[name](values), target, weights)
            weights = weights[:, None].expand(values.shape[:2])
        there = target >= 0 if task.classes else target.isfinite()
        made, target, weights = self.tasks[name](values[there]), target[there], weights[there]
        if task.classes:
            return _mean(nn.functional.cross_entropy(made, target.long(), reduction="none"), weights)
        return _mean(log_cosh(target - made[:, 0]), weights)


def _of_pairs(logits: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """The mean cross entropy of pairs of constituents with equal or other targets, each pair once."""
    there = (target >= 0)[:, :, None] & (target >= 0)[:, None]
    there = there.triu(diagonal=1)
    same = (target[:, :, None] == target[:, None])[there].to(logits.dtype)
    found = nn.functional.binary_cross_entropy_with_logits(logits[there], same, reduction="none")
    return _mean(found, weights[:, None, None].expand(logits.shape)[there])


def _mean(losses: Tensor, weights: Tensor) -> Tensor:
    """The weighted mean; 0 of none."""
    return (losses * weights).sum() / weights.sum().clamp(min=torch.finfo(weights.dtype).tiny)


def heads(module: nn.Module) -> Heads | None:
    """The further layers of a network, if it has any."""
    found = getattr(module, "heads", None)
    return found if isinstance(found, Heads) else None


def representation(module: nn.Module, settings: NetworkConfig) -> Representation:
    """What a network's last layer sees; the heads, which see it too, are not the last layer."""
    found = heads(module)
    return found.seen if found else Representation(module, len(settings.outputs))
