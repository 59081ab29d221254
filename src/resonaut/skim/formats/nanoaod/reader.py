"""Run the NanoAOD processor over each file with the executor that the configuration chooses."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from coffea.processor import DaskExecutor, FuturesExecutor, IterativeExecutor, Runner
from coffea.processor.executor import FileMeta
from coffea.util import coffea_console
from tqdm import tqdm

from resonaut.core.datasets import BLIND
from resonaut.core.errors import ConfigError
from resonaut.skim import cutflow, pieces
from resonaut.skim.certified import Certified
from resonaut.skim.formats.nanoaod import counters, processor
from resonaut.skim.pieces import FileResult, UnreadableError, UnwritableError
from resonaut.skim.reading import Job, Reader
from resonaut.skim.settings import Skim

# Batches handed to the executor at a time, per worker: few, so that the progress bar moves.
BATCHES = 8
# Seconds in which a Dask scheduler has to answer, and again to have a worker.
PATIENCE = 20

# coffea's own takes names of ASCII letters only; it finds a file's metadata again by it, in this process.
FileMeta.__hash__ = lambda self: hash((self.dataset, self.filename, self.treename))


@contextmanager
def opened(job: Job) -> Iterator[Reader]:
    """The reader of a dataset."""
    certified = None if job.dataset.certified is None else Certified.read(Path(job.dataset.certified))
    selection = processor.Selection.of(job.config, job.region, job.dataset.nature in BLIND, certified, job.own)
    with executor(job.config, job.workers) as pool:

        def one(file: str, number: int) -> FileResult:
            return read(file, number, selection, job.scratch, job.config.batch_events, pool, job.workers)

        yield one, selection.columns()


@contextmanager
def executor(config: Skim, workers: int) -> Iterator[Any]:
    """A coffea executor with ``workers`` processes, or the threads of a running Dask scheduler."""
    coffea_console.quiet = True  # its bars go to stdout whatever ``status`` says
    common = {"status": False, "retries": 0}
    if config.executor == "iterative":
        yield IterativeExecutor(**common)
    elif config.executor == "futures":
        from loky import ProcessPoolExecutor  # type: ignore[import-untyped]

        with ProcessPoolExecutor(workers) as pool:
            yield FuturesExecutor(pool=pool, workers=workers, **common)
    else:
        with _client(config.dask_scheduler, workers) as client:
            yield DaskExecutor(client=client, **common)


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
        raise ConfigError(f"{problem} ({pieces.reason(error)}); start one, or set skim.executor to futures.") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError:
            raise ConfigError(
                f"config: skim.dask_scheduler: the Dask scheduler at {scheduler or 'this machine'} has no workers; "
                "start some, or set skim.executor to futures."
            ) from None
        yield client


def read(
    path: str, number: int, selection: processor.Selection, scratch: Path, batch_events: int, pool: Any, workers: int
) -> FileResult:
    """Select the events of one file; its pieces' names begin with its ``number`` in the chunk.

    Raises:
        ConfigError: a column of the user's own cannot be computed.
        UnreadableError: the file or one of its branches cannot be read.
        InputFileError: the file lacks a branch, or its counters of generated events are wrong.
        UnwritableError: the selected events cannot be written.
    """
    content = processor.inspect(path, selection)
    if not content.events:
        return FileResult(0, [], [], content.generated or (0, 0.0), notes=content.notes)
    batches = processor.Processor(selection, scratch, f"{number:06d}")
    run = Runner(executor=pool, chunksize=batch_events, schema=processor.Schema, metadata_cache={})
    only = {"filter_name": selection.branches_to_read()}
    results: dict[int, dict[str, Any]] = {}
    with tqdm(total=content.events, desc=Path(path).name, unit="event", disable=None) as bar:
        items = list(run.preprocess({"skim": [path]}, treename=processor.TREE))
        step = BATCHES * workers
        for first in range(0, len(items), step):
            results |= run.run(items[first : first + step], batches, iteritems_options=only)["out"]
            bar.update(sum(map(len, items[first : first + step])))
    ordered = [results[start] for start in sorted(results)]
    for result in ordered:
        if "full" in result:
            raise UnwritableError(result["full"])
        if "wrong" in result:
            raise ConfigError(result["wrong"])
        if "error" in result:
            raise UnreadableError(result["error"], content.events)
    flow = cutflow.total(result["cutflow"] for result in ordered)
    unknown, weights = sum(result["unknown"] for result in ordered), flow[0].sum_weights
    if unknown:
        content.notes.append("some events have a 'genWeight' that is NaN or infinite and counts as a mean one")
        weights *= content.events / max(content.events - unknown, 1)
    elif content.generated is not None:
        extremes = [limit for result in ordered for limit in result["extremes"]]
        counters.require_plausible(path, flow[0], (min(extremes), max(extremes)), content.generated)
    return FileResult(
        content.events,
        [result["piece"] for result in ordered],
        flow,
        content.generated or (content.events, weights),
        pieces.add(result["faults"] for result in ordered),
        notes=content.notes,
    )
