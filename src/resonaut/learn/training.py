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
from itertools import islice
from typing import Any, NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR
from tqdm import tqdm

from resonaut.core.errors import NotFiniteError
from resonaut.learn import processes
from resonaut.learn.checkpoint import Checkpoint, Generators, Stateful
from resonaut.learn.progress import History

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


class Schedule(Protocol):
    """What a training of so many passes needs to know of the settings of who trains."""

    @property
    def epochs(self) -> int:
        """Passes over the events."""

    @property
    def batch_size(self) -> int:
        """Events in a step."""

    @property
    def learning_rate(self) -> float:
        """Largest step size of Adam."""


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
class BestState:
    """The network as it was where its loss was smallest, if that is kept."""

    state: dict[str, Any] | None = None

    def state_dict(self) -> dict[str, Any]:
        """All of it."""
        return {"state": self.state}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Be as another one was."""
        self.state = state_dict["state"]


@dataclass(frozen=True)
class Steps:
    """What a step of the optimizer is made of.

    ``accumulate``: so many batches add up their gradients before it. ``precision``: that of the matrix products.
    """

    accumulate: int = 1
    precision: torch.dtype = torch.float32

    def take(
        self, group: list[Tensor], loss_of: Callable[[Tensor], Tensor], optimizer: torch.optim.Optimizer
    ) -> Tensor:
        """Take a step; the sum of the batches' losses, a number in double precision, over this process's share."""
        parameters = [parameter for held in optimizer.param_groups for parameter in held["params"]]
        optimizer.zero_grad()
        losses = []
        for rows in group:
            mine, factor = processes.share(rows)
            with torch.autocast(parameters[0].device.type, self.precision, self.precision != torch.float32):
                loss = loss_of(mine) * factor
            (loss / len(group)).backward()  # type: ignore[no-untyped-call]
            losses.append(loss.detach().double())
        processes.average_gradients(parameters)
        optimizer.step()
        return torch.stack(losses).sum()


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
    steps: Steps
    checkpoint: Checkpoint | None
    parts: dict[str, Stateful]
    watch: Callable[[History], None] | None
    history: History = field(default_factory=History)
    best: BestState = field(default_factory=BestState)
    epoch: int = 0
    past: int = 0

    def __post_init__(self) -> None:
        own: dict[str, Any] = {"module": self.module, "optimizer": self.optimizer, "rate": self.rate}
        own |= {"history": self.history, "best": self.best, "generators": Generators()}
        self.parts = {name: part for name, part in own.items() if part is not None} | self.parts
        if self.checkpoint is not None:
            self.checkpoint.restore(self.parts)
        self.past = len(self.history.judged)

    def advance(self) -> None:
        self.epoch += 1
        # The epochs before a checkpoint are over; their losses are known.
        if self.epoch <= self.past:
            return
        self.module.train()
        batches, history = iter(next(self.passes)), self.history
        running = torch.tensor(history.running, dtype=torch.float64, device=_device(self.module))
        while group := list(islice(batches, self.steps.accumulate)):
            running += self.steps.take(group, self.loss_of, self.optimizer)
            if self.rate is not None:
                self.rate.step()
            history.batches, history.steps = history.batches + len(group), history.steps + 1
            if self.checkpoint is not None and history.steps % self.checkpoint.every == 0:
                history.running = running.item()
                self._agree()
                self.checkpoint.save(self.epoch, history.batches, self.parts)
        self._agree()
        processes.average([running])
        history.training.append(running.item() / history.batches)
        history.running, history.batches = 0, 0

    def _agree(self) -> None:
        """Give the processes the same running means of batch normalisations."""
        processes.average(buffer for buffer in self.module.buffers() if buffer.is_floating_point())

    def loss(self) -> Tensor:
        if self.epoch > self.past:
            self.module.eval()
            self.history.rate.append(self.optimizer.param_groups[0]["lr"])
            if self.held_out is not None:
                with torch.no_grad():
                    self.history.held_out.append(float(self.held_out()))
            if self.watch is not None:
                self.watch(self.history)
        return torch.tensor([self.history.judged[self.epoch - 1]], dtype=torch.float64)

    def keep(self, better: Tensor) -> None:
        if self.keep_best and better.item() and self.epoch > self.past:
            self.best.state = copy.deepcopy(self.module.state_dict())

    def leave(self, patient: Tensor) -> None:
        """Nothing is left of one network that leaves."""


def _device(module: nn.Module) -> torch.device:
    return next(module.parameters()).device


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
    steps: Steps = Steps(),
    checkpoint: Checkpoint | None = None,
    parts: dict[str, Stateful] | None = None,
    watch: Callable[[History], None] | None = None,
    what: str,
    key: str,
) -> History:
    """Train a network; it ends in the mode of evaluation.

    Args:
        module: what the optimizer changes.
        loss_of: the mean loss of a batch.
        passes: the batches of each epoch, of what kind ``loss_of`` takes: mostly row numbers.
        optimizer: takes a step after each batch, or as ``steps`` say.
        epochs: how many of the ``passes`` are made.
        rate: takes a step with it.
        held_out: the loss of events that do not train; without it the training loss takes its place.
        keep_best: the network ends as it was where that loss was smallest, not as it was last.
        patience: epochs without a smaller loss after which the training ends.
        steps: accumulation of gradients, and precision.
        checkpoint: where the training goes on and is written down; ``passes`` begin there.
        parts: what else trains or draws at random, to be part of the checkpoint.
        watch: is called after each epoch.
        what: the network's name in the sentence of the error, with its article.
        key: the configuration key of the learning rate.

    Raises:
        NotFiniteError: a loss is not finite.
    """
    done = checkpoint.epoch - 1 if checkpoint else 0
    bar = tqdm(passes, desc=what, total=epochs, initial=done, unit="epoch", disable=None)
    network = _Network(
        module, loss_of, iter(bar), optimizer, rate, held_out, keep_best, steps, checkpoint, parts or {}, watch
    )
    best = run(network, 1, epochs, patience, what, key)
    bar.close()
    if network.best.state is not None:
        module.load_state_dict(network.best.state)
    log.info("%s: smallest loss %.4f in epoch %d of %d", what, best.loss, best.epoch, len(network.history.training))
    return network.history


def shuffled(n: int, batch_size: int, generator: torch.Generator) -> Iterator[tuple[Tensor, ...]]:
    """The row numbers of ``n`` events in batches, in another order each epoch, without end."""
    while True:
        yield torch.split(torch.randperm(n, generator=generator), batch_size)


def stratified(group: Tensor, groups: int, batch_size: int, generator: torch.Generator) -> Iterator[list[Tensor]]:
    """Row numbers in batches that hold all groups of events (n,) in nearly the same shares, without end.

    For losses that are no means over events. An epoch has n // ``batch_size`` batches, at least one. A group that is
    small has at least 1 / (4 ``groups``) of ``batch_size`` rows of each, all of them if it has fewer: its events come
    more than once in an epoch.
    """
    rows = [(group == number).nonzero().squeeze(1) for number in range(groups)]
    batches = max(len(group) // batch_size, 1)
    sizes = [min(len(own), max(-(-len(own) // batches), batch_size // (4 * groups))) for own in rows]

    def drawn(own: Tensor, size: int) -> Tensor:
        """Rows of one group, (batches, size): all of them as often, but for one time."""
        if not size:
            return own.new_zeros(batches, 0)
        passes = [own[torch.randperm(len(own), generator=generator)] for _ in range(-(-batches * size // len(own)))]
        return torch.cat(passes)[: batches * size].view(batches, size)

    while True:
        parts = [drawn(own, size) for own, size in zip(rows, sizes, strict=True)]
        yield [torch.cat(batch) for batch in zip(*parts, strict=True)]


def one_cycle(optimizer: torch.optim.Optimizer, peak: float, steps: int, rising: float = 0.3) -> LRScheduler:
    """A learning rate that rises to ``peak`` in a part of all steps, and then falls to almost none.

    (Smith, Topin, arXiv:1708.07120.)
    """
    # A cycle of one step would be its end, where nothing is learned.
    return OneCycleLR(optimizer, peak, max(steps, 2), pct_start=rising)


def warm_up_cosine(optimizer: torch.optim.Optimizer, peak: float, steps: int, rising: float = 0.3) -> LRScheduler:
    """A learning rate that rises evenly to ``peak`` in a part of all steps, and falls to 0 as a cosine does.

    (Loshchilov, Hutter, arXiv:1608.03983, without restarts.)
    """
    for group in optimizer.param_groups:
        group["lr"] = peak
    warm = round(rising * steps)

    def factor(step: int) -> float:
        if step < warm:
            return (step + 1) / (warm + 1)
        return 0.5 * (1 + math.cos(math.pi * min((step - warm) / max(steps - warm, 1), 1)))

    return LambdaLR(optimizer, factor)


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
