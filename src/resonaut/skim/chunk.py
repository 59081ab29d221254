"""Skim one chunk: read its files, deal with bad ones, write the events and a summary."""

import gc
import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from resonaut.core import events, formats
from resonaut.core.datasets import DatasetConfig, require_certifiable
from resonaut.core.errors import ConfigError, InputFileError, NotFiniteError
from resonaut.core.manifest import Lost
from resonaut.core.results import write
from resonaut.skim import cutflow, expected, pieces, variations
from resonaut.skim.columns import notes, units
from resonaut.skim.era import Era
from resonaut.skim.pieces import FileResult, UnreadableError, UnwritableError
from resonaut.skim.reading import Job, Read, Reader
from resonaut.skim.region import require
from resonaut.skim.results import Note, Summary
from resonaut.skim.settings import BadFiles, Skim

log = logging.getLogger(__name__)


def skim_chunk(
    config: Skim,
    dataset: DatasetConfig,
    name: str,
    workers: int,
    files: list[str],
    output: Path,
    summary: Path,
    code: tuple[str, ...] = (),
) -> None:
    """Select the events of ``files`` and write them to ``output``, and the chunk's ``summary``.

    ``code``: the user's own files, with the format or with columns.
    """
    _require_different(files, name)
    region = Era.of(config, dataset, name).region
    with _scratch(output) as scratch, _opened(Job(config, dataset, name, region, code, workers, scratch)) as opened:
        read, columns = opened
        # All is imported.
        gc.enable()
        checked = _checked(read, dataset)
        results: dict[str, FileResult] = {}
        lost: list[Lost] = []
        broken: list[Lost] = []
        for number, file in enumerate(files):
            result = _attempt(checked, file, number, config.bad_files)
            if isinstance(result, FileResult):
                results[file] = result
                if result.undecided:
                    what = f"the particles of {_number(result.undecided, 'event')}"
                    lost += _events(file, what, result.undecided, config.bad_files)
                broken += _events(file, _faults(result), _not_readable(result), config.bad_files)
            else:
                lost.append(result)
        found = [piece for result in results.values() for piece in result.pieces]
        events.write(output, pieces.join(found, columns, config.batch_events), units(columns), notes(columns))
        flow = cutflow.total(result.cutflow for result in results.values() if result.cutflow)
        content = Summary(
            chunk=output.stem,
            files=len(files),
            events=sum(result.events for result in results.values()),
            selected=flow[-1].events if flow else 0,
            generated=(sum(r.generated[0] for r in results.values()), sum(r.generated[1] for r in results.values())),
            cutflow=flow,
            lost=lost,
            broken=broken,
            notes=[Note(file=file, note=note) for file, result in results.items() for note in result.notes],
            variations=variations.declared(columns),
        )
    for entry in content.notes:
        log.warning("%s: %s", entry.file, entry.note)
    log.info("%s, chunk %s: %d of %d events kept", name, content.chunk, content.selected, content.events)
    write(summary, content)


def _require_different(files: list[str], name: str) -> None:
    """Stop where two paths lead to one file, whose events would count twice."""
    if "" in files:
        raise ConfigError(f"config: datasets.{name}.files has an empty name; give the path of a file.")
    seen: dict[str, str] = {}
    for file in files:
        real = os.path.realpath(file)
        if real in seen:
            raise ConfigError(f"config: datasets.{name}.files: {seen[real]!r} and {file!r} are one file; leave one.")
        seen[real] = file


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


def _opened(job: Job) -> AbstractContextManager[Reader]:
    """The reader of the dataset's format."""
    if job.dataset.certified is not None:
        require_certifiable(job.name, job.dataset.nature, job.dataset.format, job.code)
    layout = formats.entry(job.dataset.format, job.code)
    require(job.dataset.region, job.region, layout, job.dataset.format, job.code)
    found: AbstractContextManager[Reader] = layout.find()(job)
    return found


def _checked(read: Read, dataset: DatasetConfig) -> Read:
    """A reader that compares each file with what is known of it beforehand."""
    if dataset.expected is None:
        return read
    source = Path(dataset.expected)
    known = expected.read(source)

    def compare(file: str, number: int) -> FileResult:
        entry = expected.find(known, file, source)
        entry.check_bytes(file)
        result = read(file, number)
        if dataset.labelled is None:
            entry.check_events(result.events + result.undecided)
        return result

    return compare


def _attempt(read: Read, file: str, number: int, policy: BadFiles) -> FileResult | Lost:
    """Read a file, again if it fails; its entry in the list of lost files if it may be skipped.

    Readers meet damage with any kind of exception, so all count as the file's fault but those of the output.
    """
    for attempt in range(policy.retries + 1):
        try:
            return read(file, number)
        except (UnwritableError, ConfigError):
            raise
        except InputFileError as error:
            # What the file lacks does not come with another attempt.
            if policy.action == "fail":
                raise
            problem, known = str(error).removeprefix(f"{file}: ").rstrip("."), None
            break
        except Exception as error:
            failure, known = error, error.events if isinstance(error, UnreadableError) else None
            problem = pieces.reason(error)
            log.warning("%s: attempt %d of %d: %s", file, attempt + 1, policy.retries + 1, problem)
            if attempt < policy.retries:
                time.sleep(policy.retry_wait)
    else:
        if policy.action == "fail":
            remedy = "replace it, or set skim.bad_files.action to skip"
            raise InputFileError(file, f"cannot be read ({problem})", remedy) from failure
    log.warning("%s: skipped: %s", file, problem)
    return Lost(file=file, reason=problem, events=known)


def _events(file: str, what: str, number: int, policy: BadFiles) -> list[Lost]:
    """The entry of a file's broken events in the list of lost ones, if there are any and they may be left out.

    Those that pass in a variation or at particle level alone, beside the ``number``, are not in the list.
    """
    if not what:
        return []
    if policy.action == "fail":
        remedy = "mend the file, or set skim.bad_files.action to skip, which leaves these events out"
        raise NotFiniteError(f"{file}: NaN, infinity or an index out of range in {what}; {remedy}.")
    entry = Lost(file=file, reason=f"NaN, infinity or an index out of range in {what}", events=number)
    log.warning("%s: %s left out: %s", file, _number(number, "event"), entry.reason)
    return [entry] if number else []


def _faults(result: FileResult) -> str:
    """The branches that are broken in selected events, and in how many of these each is."""
    return ", ".join(
        f"{branch!r} ({_number(count, 'selected event')})" for branch, count in sorted(result.faults.items())
    )


def _not_readable(result: FileResult) -> int:
    """The events that pass all cuts but the last, that on broken values."""
    return result.cutflow[-2].events - result.cutflow[-1].events if result.cutflow else 0


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"
