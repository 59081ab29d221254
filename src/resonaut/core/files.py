"""Files that appear whole or not at all, and never in place of what someone else wrote."""

import glob
import hashlib
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from resonaut.core.errors import ConfigError, InputFileError

PARTIAL = ".partial"


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``, moved into place when the block ends without error.

    A killed job so leaves no half file. The temporary keeps the suffix, for writers that read it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def folder(path: Path, command: str) -> Iterator[Path]:
    """Give a temporary folder, whose files move into ``path`` when the block ends without error.

    Files that an earlier run of ``command`` wrote there are replaced, and removed if they are not written again. All
    other files stay. ``path/.<command>.sha256`` (the format of ``sha256sum``) lists what was written: a file that is
    not in it, or was changed since, is someone else's.

    Args:
        path: the folder, made if it is not there.
        command: name of the list; commands that share a folder have different ones.

    Raises:
        InputFileError: ``path`` is a file, or someone else's file is where one would be written; nothing is changed
            then.
    """
    if path.exists() and not path.is_dir():
        raise InputFileError(path, "is a file, and the command writes a folder", "give another --output")
    _remove_unfinished(path, command)
    record = path / f".{command}.sha256"
    begin = _unfinished(command, os.getpid())
    with _made(path), tempfile.TemporaryDirectory(dir=path, prefix=begin, suffix=PARTIAL) as temporary:
        partial = Path(temporary)
        yield partial
        written = {(digest(file), file.relative_to(partial)) for file in partial.rglob("*") if file.is_file()}
        before = _recorded(record)
        names = {name for _, name in written}
        for name in sorted(names):
            if os.path.lexists(path / name) and not _unchanged(path / name, before, name):
                raise InputFileError(
                    path / name, "is in the way, and no earlier run wrote it", "move it away or choose another folder"
                )
        # First both lists: a job that is killed on the way still owns all that it wrote.
        _record(record, before | written)
        for name in sorted(names):
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (partial / name).replace(path / name)
        for name in {name for _, name in before} - names:
            if _unchanged(path / name, before, name):
                (path / name).unlink()
        _record(record, written)


@contextmanager
def _made(path: Path) -> Iterator[None]:
    """The folder, made where it is not there, and removed again where that was for nothing."""
    new = not path.exists()
    path.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        if new and not any(path.iterdir()):
            path.rmdir()


def _unfinished(command: str, process: int | str) -> str:
    """How the temporary folder of a process of this machine begins."""
    return f".{command}.{platform.node()}.{process}."


def _remove_unfinished(path: Path, command: str) -> None:
    """Remove the temporary folders of runs on this machine that were killed."""
    before, after = _unfinished(command, "\0").split("\0")
    for left in path.glob(f"{glob.escape(before)}*{PARTIAL}"):
        process = left.name.removeprefix(before).split(after)[0]
        if process.isdigit() and not _alive(int(process)):
            shutil.rmtree(left, ignore_errors=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def digest(path: Path) -> str:
    """SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _recorded(record: Path) -> set[tuple[str, Path]]:
    """The checksums and names in a list of written files, those of files outside its folder left out."""
    lines = record.read_text(errors="replace").splitlines() if record.is_file() else []
    listed = {(line[:64], Path(line[66:])) for line in lines}
    return {(checksum, name) for checksum, name in listed if not name.is_absolute() and ".." not in name.parts}


def _record(record: Path, written: set[tuple[str, Path]]) -> None:
    with atomic(record) as partial:
        partial.write_text("".join(sorted(f"{checksum}  {name.as_posix()}\n" for checksum, name in written)))


def _unchanged(path: Path, recorded: set[tuple[str, Path]], name: Path) -> bool:
    """Whether ``path`` is a file with the content that is recorded for ``name``."""
    return path.is_file() and not path.is_symlink() and (digest(path), name) in recorded


def distinct(inputs: Iterable[Path | None], outputs: Iterable[Path | None]) -> None:
    """Stop where an output of a command would overwrite one of its inputs, or two outputs each other.

    Paths are compared with links resolved, and existing files by their place on the disk; None stands for an option
    that was not given. A manifest ``<dataset>.json`` stands for the chunks ``<dataset>/*.parquet`` beside it, too.

    Raises:
        ConfigError: the sentence for the user.
    """
    read = [path for path in inputs if path is not None]
    read += [chunk for path in read if path.name for chunk in path.with_suffix("").glob("*.parquet")]
    written: list[Path] = []
    for output in filter(None, outputs):
        for other, what in [*((path, "an input") for path in read), *((path, "another output") for path in written)]:
            if _same(output, other):
                raise ConfigError(f"the output {output} is {what} too; give another path.")
        written.append(output)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.resolve() == other.resolve() or one.samefile(other)
    except (OSError, RuntimeError):
        # A loop of links, or a file that is not there.
        return False


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as JSON, keys sorted, NaN refused, so that equal content gives equal bytes."""
    with atomic(path) as partial:
        partial.write_text(json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n")
