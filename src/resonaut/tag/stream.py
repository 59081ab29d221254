"""The jets that train a network, of which only some are in memory: a shard at a time, drawn anew in each epoch.

A shard is as many parts of files as hold that many jets. Each epoch deals the parts of each class to its shards like
cards, so that all shards have the classes in about the same shares; within a shard all jets are shuffled. Where one
shard holds all jets, it is read once and stays.
"""

import logging
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from resonaut.core.errors import ConfigError
from resonaut.learn import processes
from resonaut.tag.balance import Balance
from resonaut.tag.objective import Jets
from resonaut.tag.sample import Sample, Stored
from resonaut.tag.settings import TrainingConfig

log = logging.getLogger(__name__)


class Stream:
    """Batches of training jets: row numbers in the shard that ``load`` was given before them.

    Args:
        stored: the jets in their files.
        plan: sizes of batches and shards, and bins of pT.
        mass_bins: bins of mass in which the classes get equal weight.
        seed: of the order.
        device: where shards are put.

    Raises:
        ConfigError: there are too few jets, or too few of them in memory, for the batches of a step.
    """

    def __init__(self, stored: Stored, plan: TrainingConfig, mass_bins: int, seed: int, device: str) -> None:
        self.stored, self.plan, self.seed, self.device = stored, plan, seed, device
        self.shards = -(-len(stored) // plan.jets_in_memory)
        self.steps = max(len(stored) // (plan.batch_size * plan.accumulate), 1)
        _require_steps(len(stored), self.shards, plan)
        # A fair sample of all jets, as large as a shard: what is balanced, and how, follows from it.
        sample = stored.read(share=1 / self.shards)
        self.balance = Balance.of(sample.labels, sample.pt, plan.pt_bins, sample.softdrop_mass, mass_bins)
        self.first: Jets | None = self._put(sample)

    def _put(self, sample: Sample) -> Jets:
        return Jets.of(sample, self.balance(sample.labels, sample.pt, sample.softdrop_mass), self.device)

    def begin(self) -> Jets:
        """All jets where they are one shard, else the fair sample; the stream keeps none of them."""
        jets, self.first = self.first, None
        assert jets is not None
        return jets

    def passes(self, epoch: int, batch: int, load: Callable[[Jets], None]) -> Iterator[Iterator[Tensor]]:
        """The batches of each epoch from this one on, the first without as many as it has seen already."""
        rng = np.random.default_rng(self.seed)
        for past in range(1, epoch):
            for parts, _ in self.dealt(past):
                rng.permutation(self.size(parts))
        while True:
            yield self._batches(epoch, batch, load, rng)
            epoch, batch = epoch + 1, 0

    def _batches(
        self, epoch: int, seen: int, load: Callable[[Jets], None], rng: np.random.Generator
    ) -> Iterator[Tensor]:
        begin, reading = time.monotonic(), 0.0
        for parts, steps in self.dealt(epoch):
            batches = steps * self.plan.accumulate
            order = np.array_split(rng.permutation(self.size(parts)), batches)
            if seen < batches:
                if self.shards > 1:
                    before = time.monotonic()
                    load(self._put(self.stored.read(parts)))
                    reading += time.monotonic() - before
                yield from (torch.from_numpy(rows).to(self.device) for rows in order[seen:])
            seen = max(seen - batches, 0)
        log.info("epoch %d: %.1f s, %.1f s of them reading", epoch, time.monotonic() - begin, reading)

    def size(self, parts: list[int]) -> int:
        """The jets of some parts."""
        return int(self.stored.selection.counts[parts].sum())

    def dealt(self, epoch: int) -> list[tuple[list[int], int]]:
        """The shards of an epoch: their parts, in the order of the files, and the steps of the optimizer with each."""
        counts = self.stored.selection.counts
        if self.shards == 1:
            return [(list(range(len(counts))), self.steps)]
        rng, sizes = np.random.default_rng([self.seed, epoch]), counts.sum(axis=1)
        shard = np.full(len(counts), -1)
        kinds = np.where(sizes > 0, counts.argmax(axis=1), -1)
        for kind in range(counts.shape[1]):
            parts = rng.permutation(np.flatnonzero(kinds == kind))
            # Where the middle of each part lies among the jets of its kind, from anywhere on.
            places = (sizes[parts].cumsum() - sizes[parts] / 2) / max(sizes[parts].sum(), 1) + rng.random()
            shard[parts] = (places % 1 * self.shards).astype(int)
        dealt = [[int(i) for i in np.flatnonzero(shard == number)] for number in range(self.shards)]
        ends = np.cumsum([self.size(parts) for parts in dealt]) * self.steps // len(self.stored)
        return [(parts, int(n)) for parts, n in zip(dealt, np.diff(ends, prepend=0), strict=True) if n]


def _require_steps(jets: int, shards: int, plan: TrainingConfig) -> None:
    """Stop where a batch would be without two jets for each process, or a shard without a step."""
    if jets < (least := 2 * processes.world()) * plan.accumulate:
        raise ConfigError(
            f"tag.training.accumulate: {jets} training jets make no {plan.accumulate} batches of at least {least}; "
            f"make it at most {jets // least}, or train on more jets."
        )
    if shards > 1 and plan.jets_in_memory < (step := plan.batch_size * plan.accumulate):
        raise ConfigError(
            f"tag.training.jets_in_memory: {plan.jets_in_memory} jets are fewer than the {step} of a step "
            "(batch_size x accumulate); hold at least so many."
        )
