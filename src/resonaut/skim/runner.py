"""Run the NanoAOD processor over one file with the executor that the configuration chooses."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from coffea.processor import DaskExecutor, FuturesExecutor, IterativeExecutor, Runner
from coffea.util import coffea_console
from tqdm import tqdm

from resonaut.errors import NotFiniteError
from resonaut.skim import cutflow, nanoaod
from resonaut.skim.pieces import FileResult, UnreadableError
from resonaut.skim.settings import Skim

# Batches handed to the executor at a time, per worker: few, so that the progress bar moves.
BATCHES = 8


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
        import distributed

        local = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None}
        scheduler = {"address": config.dask_scheduler} if config.dask_scheduler else local
        with distributed.Client(**scheduler) as client:  # type: ignore[no-untyped-call]
            yield DaskExecutor(client=client, **common)


def read(
    path: str, number: int, selection: nanoaod.Selection, scratch: Path, batch_events: int, pool: Any, workers: int
) -> FileResult:
    """Select the events of one file; its pieces' names begin with its ``number`` in the chunk.

    Raises:
        UnreadableError: the file or one of its branches cannot be read.
        InputFileError: the file lacks a branch.
        NotFiniteError: a branch holds NaN or infinity.
    """
    content = nanoaod.inspect(path, selection)
    if not content.events:
        return FileResult(0, [], [], content.generated or (0, 0.0))
    processor = nanoaod.Processor(selection, scratch, f"{number:06d}")
    run = Runner(executor=pool, chunksize=batch_events, schema=nanoaod.Schema, metadata_cache={})
    only = {"filter_name": selection.branches_to_read()}
    results: dict[int, dict[str, Any]] = {}
    with tqdm(total=content.events, desc=Path(path).name, unit="event", disable=None) as bar:
        items = list(run.preprocess({"skim": [path]}, treename=nanoaod.TREE))
        step = BATCHES * workers
        for first in range(0, len(items), step):
            results |= run.run(items[first : first + step], processor, iteritems_options=only)["out"]
            bar.update(sum(map(len, items[first : first + step])))
    ordered = [results[start] for start in sorted(results)]
    for result in ordered:
        if "not_finite" in result:
            raise NotFiniteError(result["not_finite"])
        if "error" in result:
            raise UnreadableError(result["error"], content.events)
    flow = cutflow.total(result["cutflow"] for result in ordered)
    generated = content.generated or (content.events, flow[0]["sum_weights"])
    return FileResult(content.events, [result["piece"] for result in ordered], flow, generated)
