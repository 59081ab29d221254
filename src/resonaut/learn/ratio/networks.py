"""Small classifiers of all folds, validation splits and restarts, trained at once as one batched network.

A network of 64 units per layer leaves a processor idle: in a step of 128 events the framework costs several times the
arithmetic. Here the networks are the first axis of every array, one ``bmm`` multiplies a layer of all of them, and the
gradient is written out by hand (``architectures``). On the CPU groups of networks that fit the cache of a core run in
parallel threads; on a GPU all are one group. Only its rows and seed decide a network; its neighbours enter by rounding,
threads not at all.
"""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad, softplus
from tqdm import tqdm

from resonaut.core.errors import ConfigError, EmptySelectionError
from resonaut.learn.ratio.architectures import Architecture, Perceptron, Sets, split
from resonaut.learn.ratio.settings import NetworkSettings, SetSettings
from resonaut.learn.training import run

# Networks in a group, and rows it predicts at once: the activations fit the cache of a core.
GROUP, CHUNK = 10, {"cpu": 512, "cuda": 16384}

Indices = NDArray[np.intp]
Generators = Sequence[torch.Generator]
# Of G networks: places, labels and weights (G, R), the shorter padded with their first row, and real counts (G,).
Table = list[Tensor]


class _State(NamedTuple):
    """Of G networks: parameters (G, P), standardisation of inputs (G, 1, d), Adam's moments (G, P) and steps (G,)."""

    parameters: Tensor
    centre: Tensor
    scale: Tensor
    first: Tensor
    second: Tensor
    steps: Tensor


@dataclass(frozen=True)
class Networks:
    """M trained networks of events with d inputs, or of sets of particles with d inputs each.

    ``parameters`` (M, P) act on (x - ``centre``) * ``scale``, each (M, 1, d); ``loss`` (M,) is the best validation loss
    (ln 2: knows nothing), reached after ``epochs`` (M,).
    """

    settings: NetworkSettings
    parameters: NDArray[np.float32]
    centre: NDArray[np.float32]
    scale: NDArray[np.float32]
    loss: NDArray[np.float64]
    epochs: NDArray[np.int64]

    @classmethod
    def train(
        cls,
        features: NDArray[np.float32],
        labels: NDArray[Any],
        weights: NDArray[Any],
        training: Sequence[NDArray[np.int64]],
        validation: Sequence[NDArray[np.int64]],
        seeds: Sequence[int],
        settings: NetworkSettings,
        places: Indices | None = None,
    ) -> "Networks":
        """Network m learns ``labels`` (n,), 0 to 1, from rows ``training[m]`` and stops by rows ``validation[m]``.

        The loss is the cross entropy with ``weights`` (n,) >= 0, scaled in the rows of each network to mean 1 and equal
        sums for both labels, and what ``penalty`` adds; an event that is in both samples has as its label the first
        one's share of its weight. ``features`` (k, d) or (k, particles, d), in which rows of NaN are no particle, are
        standardised by the network's training rows; those of row r are ``features[places[r]]``, or without ``places``
        (n,) ``features[r]``. Without validation rows a network ends with its last epoch, and has no loss. ``seeds[m]``
        draws the initial weights, uniform within 1 / sqrt(inputs) as in torch, then the order of rows in each epoch.

        Raises:
            ConfigError: ``cuda`` without a GPU.
            EmptySelectionError: rows of a network lack one of the labels.
            NotFiniteError: a loss is not finite.
        """
        x = torch.as_tensor(features, dtype=torch.float32, device=_device(settings))
        at = np.arange(len(labels)) if places is None else places
        key = f"classifier.{'sets' if isinstance(settings, SetSettings) else 'network'}.learning_rate"

        @torch.inference_mode()
        def fit(group: Indices) -> tuple[Tensor, ...]:
            # In this thread: moments of dead units decay to subnormal numbers, which are slow.
            torch.set_flush_denormal(True)
            moments = [_moments(x, at[training[m]]) for m in group]
            spread, centre = (torch.stack(part) for part in zip(*moments, strict=True))
            scale = torch.where(spread > 1e-6 * centre.abs(), 1 / spread, 1)
            rows, held_out = (
                _table([p[m] for m in group], at, labels, weights, x.device) if len(p[group[0]]) else None
                for p in (training, validation)
            )
            assert rows is not None
            generators = [torch.Generator().manual_seed(int(seeds[m])) for m in group]
            networks = _Group(x, rows, held_out, centre.float(), scale.float(), generators, settings)
            best = run(networks, len(group), settings.epochs, settings.patience, "a network", key)
            return networks.best, networks.centre, networks.scale, best.loss, best.epoch

        # By falling number of rows: neighbours need little padding, and those that still have rows come first.
        order = np.argsort([-len(rows) for rows in training], kind="stable")
        fits = _by_group(fit, order, x.device, "train")
        return cls(settings, *(torch.cat(field).cpu().numpy()[np.argsort(order)] for field in zip(*fits, strict=True)))

    def probability(self, features: NDArray[np.float32], which: Sequence[int] | None = None) -> NDArray[np.float64]:
        """The outputs f of networks ``which``, all by default, for ``features`` as in training: (which, n)."""
        x = torch.as_tensor(features, dtype=torch.float32, device=_device(self.settings))
        networks = np.arange(len(self.parameters)) if which is None else np.asarray(which, np.intp)
        result = np.empty((len(networks), len(x)))

        def predict(group: Indices) -> None:
            state = (x.new_tensor(part[networks[group]]) for part in (self.parameters, self.centre, self.scale))
            every = torch.arange(len(x), device=x.device).expand(len(group), -1)
            result[group] = _logits(self.settings, x, every, *state).double().sigmoid().cpu().numpy()

        _by_group(predict, np.arange(len(networks)), x.device, "predict")
        return result


def _device(settings: NetworkSettings) -> torch.device:
    if settings.device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("classifier.network.device is cuda, but torch finds no GPU here; set it to cpu.")
    return torch.device(settings.device)


def _by_group(work: Callable[[Indices], Any], order: Indices, device: torch.device, name: str) -> list[Any]:
    """Results of ``work`` for groups of networks, in as many threads as torch may use; in each torch uses one."""
    # Even for two cores; but not by the number of threads, which must not change a result.
    number = 2 * math.ceil(len(order) / (2 * GROUP)) if device.type == "cpu" else 1
    groups = [group for group in np.array_split(order, number) if len(group)]
    threads = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            return list(tqdm(pool.map(work, groups), name, len(groups), unit="group", disable=None))
    finally:
        torch.set_num_threads(threads)


def _table(
    parts: Sequence[Indices], at: Indices, labels: NDArray[Any], weights: NDArray[Any], device: torch.device
) -> Table:
    numbers = np.empty((len(parts), max(map(len, parts))), np.int64)
    target, balanced = np.zeros((2, *numbers.shape), np.float32)
    for m, rows in enumerate(parts):
        # What each event counts in the second and in the first sample.
        shares = np.stack([1 - labels[rows], labels[rows]]) * weights[rows].astype(np.float64)
        if (sums := np.cumsum(shares, axis=1)[:, -1:]).min() <= 0:
            raise EmptySelectionError("a network sees only one of the two samples; use fewer folds or larger samples.")
        numbers[m, : len(rows)], numbers[m, len(rows) :] = at[rows], at[rows[0]]
        scaled = shares * len(rows) / 2 / sums
        balanced[m, : len(rows)] = scaled.sum(axis=0)
        target[m, : len(rows)] = scaled[1] / np.maximum(scaled.sum(axis=0), np.finfo(float).tiny)
    columns = numbers, target, balanced, np.array([len(rows) for rows in parts])
    return [torch.as_tensor(column, device=device) for column in columns]


def _moments(x: Tensor, places: Indices) -> tuple[Tensor, Tensor]:
    """Standard deviation and mean of each input (1, d) of events at ``places``, or of their particles.

    One input after the other: a copy of all would be the most that a training takes.
    """
    real = ... if x.ndim == 2 else ~x[places, :, 0].isnan()
    found = [torch.std_mean(x[places, ..., i][real].double(), correction=0) for i in range(x.shape[-1])]
    spread, centre = (torch.stack(part)[None] for part in zip(*found, strict=True))
    return spread, centre


def _architecture(settings: NetworkSettings, x: Tensor) -> Architecture:
    """What the settings say of events ``x``, (n, d) or sets (n, particles, d)."""
    if isinstance(settings, SetSettings):
        return Sets(x.shape[1], x.shape[2], settings.particle, settings.hidden)
    return Perceptron(x.shape[1], settings.hidden)


@torch.inference_mode()
def _logits(
    settings: NetworkSettings, x: Tensor, rows: Tensor, parameters: Tensor, centre: Tensor, scale: Tensor
) -> Tensor:
    """The output (G, R) of each network, before the sigmoid, for its own ``rows`` (G, R) of ``x``."""
    architecture = _architecture(settings, x)
    layers = split(parameters, architecture.sizes)
    parts = (x[chunk].flatten(1, -2) for chunk in torch.split(rows, CHUNK[x.device.type], 1))
    return torch.cat([architecture.forward((part - centre).mul_(scale), layers)[-1][..., 0] for part in parts], 1)


def _excess(logits: Tensor, settings: NetworkSettings) -> Tensor:
    """By how much the logarithm of the ratio is beyond those that cost nothing."""
    most = math.log(settings.extreme_ratio)
    return logits - logits.clamp(-most, most)


class _Group:
    """The networks of one group as learners; those out of patience leave the batch."""

    def __init__(
        self,
        x: Tensor,
        rows: Table,
        held_out: Table | None,
        centre: Tensor,
        scale: Tensor,
        generators: Generators,
        settings: NetworkSettings,
    ) -> None:
        self.x, self.rows, self.held_out, self.generators, self.settings = x, rows, held_out, generators, settings
        self.centre, self.scale = centre, scale
        sizes = _architecture(settings, x).sizes
        bound = torch.cat([torch.full(((a + 1) * b,), a**-0.5) for a, b in sizes])
        self.best = torch.stack([(2 * torch.rand(len(bound), generator=g) - 1) * bound for g in generators]).to(
            x.device
        )
        moments = torch.zeros_like(self.best), torch.zeros_like(self.best)
        self.now = _State(self.best.clone(), centre, scale, *moments, torch.zeros_like(self.best[:, 0]))
        self.here, self.epoch = torch.arange(len(self.best), device=x.device), 0

    def advance(self) -> None:
        generators = [self.generators[m] for m in self.here.tolist()]
        rows = [column[self.here] for column in self.rows]
        _epoch(self.x, rows, self.now, generators, self.settings, self.epoch)
        self.epoch += 1

    def loss(self) -> Tensor:
        if self.held_out is None:
            # So that the last state is the best one; but one that is no number is none.
            return self.now.parameters.sum(1, dtype=torch.float64) * 0 - self.epoch
        numbers, labels, weights, counts = (column[self.here] for column in self.held_out)
        z = _logits(self.settings, self.x, numbers, *self.now[:3])
        loss = softplus(z).addcmul_(z, labels, value=-1)
        if self.settings.penalty:
            loss.add_(_excess(z, self.settings).square_(), alpha=self.settings.penalty)
        return loss.mul_(weights).sum(1, dtype=torch.float64) / counts

    def keep(self, better: Tensor) -> None:
        self.best[self.here[better]] = self.now.parameters[better]

    def leave(self, patient: Tensor) -> None:
        self.here, self.now = self.here[patient], _State(*(field[patient] for field in self.now))


def _epoch(x: Tensor, rows: Table, now: _State, generators: Generators, settings: NetworkSettings, passed: int) -> None:
    """Change ``now`` by a pass of each network through its rows, whose number falls from the first to the last.

    ``passed``: epochs before this one.
    """
    size, (*columns, real) = settings.batch_size, rows
    counts: list[int] = real.tolist()
    batches = math.ceil(counts[0] / size)
    shuffles = [torch.randperm(n, generator=g) for n, g in zip(counts, generators, strict=True)]
    order = torch.stack([pad(shuffle, (0, batches * size - len(shuffle))) for shuffle in shuffles]).to(x.device)
    numbers, labels, weights = (
        column.gather(1, order).view(-1, batches, size).transpose(0, 1).contiguous() for column in columns
    )
    filled = (real - torch.arange(batches, device=x.device)[:, None] * size).clamp(0, size)[..., None]
    weights.mul_(torch.arange(size, device=x.device) < filled).div_(filled.clamp(1))
    architecture, gradient = _architecture(settings, x), torch.empty_like(now.parameters)
    layers = split(now.parameters, architecture.sizes)
    each = [list(part) for part in (now.parameters, gradient, now.first, now.second, now.steps)]
    adam: Any = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "amsgrad": False, "maximize": False}
    adam |= {"lr": settings.learning_rate, "weight_decay": settings.weight_decay}
    total = settings.epochs * batches
    for batch, (who, y, w) in enumerate(zip(numbers, labels[..., None], weights[..., None], strict=True)):
        inputs = x.index_select(0, who.view(-1)).view(len(who), -1, x.shape[-1])
        values = architecture.forward(inputs.sub_(now.centre).mul_(now.scale), layers)
        excess = _excess(values[-1], settings) if settings.penalty else None
        slope = values[-1].sigmoid_().sub_(y)
        if excess is not None:
            slope.add_(excess, alpha=2 * settings.penalty)
        architecture.gradient(values, slope.mul_(w), layers, gradient)
        active = sum(n > batch * size for n in counts)
        now.steps[:active] += 1
        if settings.annealing:
            adam["lr"] = settings.learning_rate * (1 + math.cos(math.pi * (passed * batches + batch) / total)) / 2
        p, g, first, second, steps = (part[:active] for part in each)
        # What torch.optim.AdamW(fused=True) calls, without its bookkeeping, which costs more than the arithmetic.
        torch._fused_adamw_(p, g, first, second, [], steps, **adam)
