"""Skim one chunk: read its files, deal with bad ones, write the events and a summary."""

import logging
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from resonaut import events
from resonaut.dataset import BLIND_ROLES, DatasetConfig
from resonaut.errors import InputFileError
from resonaut.files import write_json
from resonaut.skim import cutflow, pieces
from resonaut.skim.columns import Column, units
from resonaut.skim.pieces import FileResult, UnreadableError
from resonaut.skim.settings import BadFiles, Skim

log = logging.getLogger(__name__)

# Reads one file: its path, and its number in the chunk.
Reader = Callable[[str, int], FileResult]


@dataclass(frozen=True)
class Summary:
    """What one chunk gave: the content of ``<results>/skim/<dataset>/<chunk>.json``.

    ``generated``: number and summed weights of generated events, also those no longer in the files.
    ``lost`` lists ``{"file", "reason", "events"}``, with null for an unknown number of events.
    """

    chunk: str
    files: int
    events: int
    selected: int
    generated: tuple[int, float]
    cutflow: list[dict[str, Any]]
    lost: list[dict[str, Any]]


def skim_chunk(
    config: Skim, dataset: DatasetConfig, name: str, workers: int, files: list[str], output: Path, summary: Path
) -> None:
    """Select the events of ``files`` and write them to ``output``, and the chunk's ``summary``."""
    with _scratch(output) as scratch, _reader(config, dataset, name, workers, scratch) as (read, columns):
        results, lost = [], []
        for number, file in enumerate(files):
            result = _attempt(read, file, number, config.bad_files)
            if isinstance(result, FileResult):
                results.append(result)
            else:
                lost.append(result)
        found = [piece for result in results for piece in result.pieces]
        events.write(output, pieces.join(found, columns, config.batch_events), units(columns))
        flow = cutflow.total(result.cutflow for result in results if result.cutflow)
        content = Summary(
            chunk=output.stem,
            files=len(files),
            events=sum(result.events for result in results),
            selected=flow[-1]["events"] if flow else 0,
            generated=(sum(r.generated[0] for r in results), sum(r.generated[1] for r in results)),
            cutflow=flow,
            lost=lost,
        )
    log.info("%s, chunk %s: %d of %d events kept", name, content.chunk, content.selected, content.events)
    write_json(summary, asdict(content))


@contextmanager
def _scratch(output: Path) -> Iterator[Path]:
    """A folder for pieces beside the output; what a killed job left there goes first."""
    folder = output.with_name(f".{output.stem}.pieces")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _reader(
    config: Skim, dataset: DatasetConfig, name: str, workers: int, scratch: Path
) -> Iterator[tuple[Reader, dict[str, Column]]]:
    """How to read the dataset's format, and the columns that come out."""
    region = config.region(dataset.region, name)
    if dataset.format == "nanoaod":
        from resonaut.skim import nanoaod, runner

        selection = nanoaod.Selection.of(config, region, dataset.role in BLIND_ROLES)
        with runner.executor(config, workers) as pool:

            def read(file: str, number: int) -> FileResult:
                return runner.read(file, number, selection, scratch, config.batch_events, pool, workers)

            yield read, selection.columns()
    else:
        from resonaut.skim import lhco

        layout = lhco.Layout.of(dataset, config, region)
        yield lambda file, number: lhco.read(file, number, layout, scratch, config), layout.columns()


def _attempt(read: Reader, file: str, number: int, policy: BadFiles) -> FileResult | dict[str, Any]:
    """Read a file, again if it fails; its entry in the list of lost files if it may be skipped."""
    for attempt in range(policy.retries + 1):
        try:
            return read(file, number)
        except UnreadableError as error:
            problem, known = str(error), error.events
            log.warning("%s: attempt %d of %d: %s", file, attempt + 1, policy.retries + 1, problem)
            if attempt < policy.retries:
                time.sleep(policy.retry_wait)
    if policy.action == "fail":
        raise InputFileError(file, f"cannot be read ({problem})", "replace it, or set skim.bad_files.action to skip")
    return {"file": file, "reason": problem, "events": known}
