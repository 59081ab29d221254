"""The training loop of all networks: epochs, held-out loss, best state, patience; a loss that is no number is an error.

``fit`` trains one torch network by backpropagation. ``run`` is the loop itself, for whatever can train: ``fit``'s
network, or the many small ones that ``ratio.networks`` trains at once. An epoch is what lies between two looks at the
held-out loss: a pass over all events, or so many steps.
"""

import copy
import logging
import math
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR
from tqdm import tqdm

from resonaut.core.errors import NotFiniteError

log = logging.getLogger(__name__)

N = TypeVar("N", bound=nn.Module)


class Learner(Protocol):
    """Models that are trained at once. Every tensor is of those that still train, in order."""

    def advance(self) -> None:
        """Train for an epoch."""

    def loss(self) -> Tensor:
        """What is to become small, shape (models,)."""

    def keep(self, better: Tensor) -> None:
        """Remember the state of the models of a mask, which is their best so far."""

    def leave(self, patient: Tensor) -> None:
        """Go on with the models of a mask alone."""


class Best(NamedTuple):
    """The smallest loss of each model and the epoch that reached it, both of shape (models,)."""

    loss: Tensor
    epoch: Tensor


def run(learner: Learner, models: int, epochs: int, patience: int | None, what: str, key: str) -> Best:
    """Train at most ``epochs``; a model whose loss has not become smaller for ``patience`` epochs ends before.

    Args:
        learner: what trains.
        models: their number.
        epochs: the most.
        patience: None lets all models train to the end.
        what: the models' name in the sentence of the error, with its article.
        key: the configuration key of the learning rate.

    Raises:
        NotFiniteError: a loss is not finite.
    """
    here = torch.arange(models)
    best = Best(torch.full((models,), math.inf, dtype=torch.float64), torch.zeros(models, dtype=torch.int64))
    for epoch in range(1, epochs + 1):
        learner.advance()
        loss = learner.loss().cpu()
        if not loss.isfinite().all():
            raise NotFiniteError(
                f"the training of {what} diverged in epoch {epoch}; lower {key}, or look for NaN and infinities in "
                "features and weights."
            )
        better = loss < best.loss[here]
        learner.keep(better)
        best.loss[here[better]], best.epoch[here[better]] = loss[better].double(), epoch
        if patience is None:
            continue
        patient = epoch - best.epoch[here] < patience
        learner.leave(patient)
        here = here[patient]
        if not len(here):
            break
    return best


@dataclass
class History:
    """The mean loss of each epoch's batches, and the held-out loss at its end, where there is one."""

    training: list[float] = field(default_factory=list)
    held_out: list[float] = field(default_factory=list)


@dataclass
class _Network:
    """One network as a learner; see ``fit``."""

    module: nn.Module
    loss_of: Callable[[Tensor], Tensor]
    passes: Iterator[Iterable[Tensor]]
    optimizer: torch.optim.Optimizer
    rate: LRScheduler | None
    held_out: Callable[[], Tensor | float] | None
    keep_best: bool
    history: History = field(default_factory=History)
    best: dict[str, Any] | None = None

    def advance(self) -> None:
        self.module.train()
        losses = []
        for rows in next(self.passes):
            loss = self.loss_of(rows)
            self.optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            if self.rate is not None:
                self.rate.step()
            losses.append(loss.detach())
        values: list[float] = torch.stack(losses).tolist()
        self.history.training.append(sum(value / len(values) for value in values))

    def loss(self) -> Tensor:
        self.module.eval()
        if self.held_out is not None:
            with torch.no_grad():
                self.history.held_out.append(float(self.held_out()))
        return torch.tensor([(self.history.held_out or self.history.training)[-1]], dtype=torch.float64)

    def keep(self, better: Tensor) -> None:
        if self.keep_best and better.item():
            self.best = copy.deepcopy(self.module.state_dict())

    def leave(self, patient: Tensor) -> None:
        """Nothing is left of one network that leaves."""


def fit(
    module: nn.Module,
    loss_of: Callable[[Tensor], Tensor],
    passes: Iterable[Iterable[Tensor]],
    optimizer: torch.optim.Optimizer,
    epochs: int,
    *,
    rate: LRScheduler | None = None,
    held_out: Callable[[], Tensor | float] | None = None,
    keep_best: bool = False,
    patience: int | None = None,
    what: str,
    key: str,
) -> History:
    """Train a network; it ends in the mode of evaluation.

    Args:
        module: what the optimizer changes.
        loss_of: the mean loss of a batch.
        passes: the batches of each epoch, of what kind ``loss_of`` takes: mostly row numbers.
        optimizer: takes a step after each batch.
        epochs: how many of the ``passes`` are made.
        rate: takes a step after each batch, too.
        held_out: the loss of events that do not train; without it the training loss takes its place.
        keep_best: the network ends as it was where that loss was smallest, not as it was last.
        patience: epochs without a smaller loss after which the training ends.
        what: the network's name in the sentence of the error, with its article.
        key: the configuration key of the learning rate.

    Raises:
        NotFiniteError: a loss is not finite.
    """
    bar = tqdm(passes, desc=what, total=epochs, unit="epoch", disable=None)
    network = _Network(module, loss_of, iter(bar), optimizer, rate, held_out, keep_best)
    best = run(network, 1, epochs, patience, what, key)
    bar.close()
    if network.best is not None:
        module.load_state_dict(network.best)
    log.info("%s: smallest loss %.4f in epoch %d of %d", what, best.loss, best.epoch, len(network.history.training))
    return network.history


def shuffled(n: int, batch_size: int, generator: torch.Generator) -> Iterator[tuple[Tensor, ...]]:
    """The row numbers of ``n`` events in batches, in another order each epoch, without end."""
    while True:
        yield torch.split(torch.randperm(n, generator=generator), batch_size)


def one_cycle(optimizer: torch.optim.Optimizer, peak: float, steps: int, rising: float = 0.3) -> LRScheduler:
    """A learning rate that rises to ``peak`` in a part of all steps, and then falls to almost none.

    (Smith, Topin, arXiv:1708.07120.)
    """
    # A cycle of one step would be its end, where nothing is learned.
    return OneCycleLR(optimizer, peak, max(steps, 2), pct_start=rising)


def untrained(make: Callable[[], N], seed: int) -> N:
    """A network whose first weights follow from ``seed``; the global generator stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()


def deterministic(seed: int) -> None:
    """Seed torch's global generator, which dropout draws from, and forbid operations whose result varies."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # asked for by cuBLAS, before its first use
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
