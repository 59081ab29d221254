"""Who reads the batches of a file: this process, several of this machine, or Dask workers."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from multiprocessing import get_context
from typing import Any

from resonaut.core.errors import ConfigError
from resonaut.skim.formats.nanoaod.processor import Batches, Selected
from resonaut.skim.formats.nanoaod.tree import Tree
from resonaut.skim.pieces import reason
from resonaut.skim.settings import Skim

# Batches that a worker reads in a row: enough to make up for opening the file, few, so that the progress bar moves.
BATCHES = 8
# Seconds in which a Dask scheduler has to answer, and again to have a worker.
PATIENCE = 20


@dataclass(frozen=True)
class Share:
    """The part of one worker, which opens the file for itself."""

    batches: Batches
    path: str

    def __call__(self, entries: tuple[int, int]) -> list[Selected]:
        """What the batches of some entries give."""
        with Tree(self.path) as tree:
            return list(self.batches.select(tree, *entries))


@dataclass(frozen=True)
class Workers:
    """Several workers, reached by a function like ``map``, which gives all results in order."""

    map: Callable[[Share, Sequence[tuple[int, int]]], Iterable[list[Selected]]]
    number: int

    def run(self, batches: Batches, tree: Tree) -> Iterator[Selected]:
        """What all batches of a file give, in order."""
        size = batches.size(tree)
        step = size * min(BATCHES, math.ceil(tree.events / size / self.number))
        shares = [(start, min(start + step, tree.events)) for start in range(0, tree.events, step)]
        return chain.from_iterable(self.map(Share(batches, tree.path), shares))


class Alone:
    """This process."""

    def run(self, batches: Batches, tree: Tree) -> Iterator[Selected]:
        """What all batches of a file give, in order."""
        return batches.select(tree, 0, tree.events)


@contextmanager
def executor(config: Skim, workers: int) -> Iterator[Alone | Workers]:
    """What the configuration chooses, with ``workers`` processes, or the threads of a running Dask scheduler."""
    if config.executor == "iterative":
        yield Alone()
    elif config.executor == "futures":
        with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
            yield Workers(pool.map, workers)
    else:
        with _client(config.dask_scheduler, workers) as client:
            yield Workers(lambda f, shares: client.gather(client.map(f, shares, pure=False, retries=0)), workers)


@contextmanager
def _client(scheduler: str | None, workers: int) -> Iterator[Any]:
    """A client of a running Dask scheduler with at least one worker, or of ``workers`` processes of this machine."""
    import distributed

    try:
        if scheduler is None:
            local = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None}
            client = distributed.Client(**local)  # type: ignore[no-untyped-call]
        else:
            client = distributed.Client(scheduler, timeout=PATIENCE)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        problem = f"config: skim.dask_scheduler: no Dask scheduler answers at {scheduler or 'this machine'}"
        raise ConfigError(f"{problem} ({reason(error)}); start one, or set skim.executor to futures.") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError:
            raise ConfigError(
                f"config: skim.dask_scheduler: the Dask scheduler at {scheduler or 'this machine'} has no workers; "
                "start some, or set skim.executor to futures."
            ) from None
        yield client
