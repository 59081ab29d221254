"""Read NanoAOD files, each in batches, with the executor that the configuration chooses."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from resonaut.skim import cutflow, pieces
from resonaut.skim.formats.nanoaod import counters, processor
from resonaut.skim.formats.nanoaod.executors import Alone, Workers, executor
from resonaut.skim.formats.nanoaod.selection import Selection
from resonaut.skim.formats.nanoaod.tree import Tree
from resonaut.skim.pieces import FileResult, UnreadableError
from resonaut.skim.reading import Job, Reader


@contextmanager
def opened(job: Job) -> Iterator[Reader]:
    """The reader of a dataset."""
    selection = Selection.of(job)
    with executor(job.config, job.workers) as pool:

        def one(file: str, number: int) -> FileResult:
            with Tree(file) as tree:
                return read(
                    tree, processor.Batches(selection, job.config.batch_events, job.scratch / f"{number:06d}"), pool
                )

        yield one, selection.columns()


def read(tree: Tree, batches: processor.Batches, pool: Alone | Workers) -> FileResult:
    """Select the events of one file.

    Raises:
        ConfigError: a column of the user's own cannot be computed.
        UnreadableError: the file or one of its branches cannot be read.
        InputFileError: the file lacks a branch, or its counters of generated events are wrong.
        UnwritableError: the selected events cannot be written.
    """
    content = processor.inspect(tree, batches.selection)
    if not content.events:
        return FileResult(0, [], [], content.generated or (0, 0.0), notes=content.notes)
    results = []
    with tqdm(total=content.events, desc=Path(tree.path).name, unit="event", disable=None) as bar:
        try:
            for result in pool.run(batches, tree):
                results.append(result)
                bar.update(result.cutflow[0].events)
        except UnreadableError as error:
            raise UnreadableError(str(error), content.events) from error
    flow = cutflow.total(result.cutflow for result in results)
    unknown, weights = sum(result.unknown for result in results), flow[0].sum_weights
    if unknown:
        content.notes.append("some events have a 'genWeight' that is NaN or infinite and counts as a mean one")
        weights *= content.events / max(content.events - unknown, 1)
    elif content.generated is not None:
        extremes = [limit for result in results for limit in result.extremes]
        counters.require_plausible(tree.path, flow[0], (min(extremes), max(extremes)), content.generated)
    return FileResult(
        content.events,
        [result.piece for result in results],
        flow,
        content.generated or (content.events, weights),
        pieces.add(result.faults for result in results),
        notes=content.notes,
    )
