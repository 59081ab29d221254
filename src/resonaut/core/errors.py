"""Errors a user can mend: one sentence that names the file or the key, and the way out."""

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


class ResonautError(Exception):
    """A mistake in the input; the command line prints the sentence and exits with code 2."""


class ConfigError(ResonautError):
    """A configuration key is unknown, missing, or has the wrong type or range."""


class InputFileError(ResonautError):
    """A file is missing, truncated, or lacks what a stage reads from it."""

    def __init__(self, path: Path | str, problem: str, remedy: str) -> None:
        super().__init__(f"{path}: {problem}; {remedy}.")


class MisalignedFriendsError(InputFileError):
    """A friend file does not hold, row for row, the events of the file it accompanies."""


class NotFiniteError(ResonautError):
    """A weight, score or feature is NaN or infinite."""


class FitError(ResonautError):
    """The fits at one mass, or in one range, fail; those at others need not."""


class EmptySelectionError(ResonautError):
    """A selection keeps too few events for the next step to mean anything."""


@contextmanager
def during(what: str) -> Iterator[None]:
    """Sentences of a calculation that knows neither file nor key begin with ``what`` it is for.

    >>> with during("unfold"):
    ...     raise EmptySelectionError("there are too few events; use larger samples.")
    Traceback (most recent call last):
    resonaut.core.errors.EmptySelectionError: unfold: there are too few events; use larger samples.
    """
    try:
        yield
    except (ConfigError, InputFileError):
        raise
    except ResonautError as error:
        error.args = (f"{what}: {error}",)
        raise


WAYS_OUT = {
    errno.ENOSPC: "free some space, or write elsewhere (pathvars.results, TMPDIR)",
    errno.EDQUOT: "free some space, or write elsewhere (pathvars.results, TMPDIR)",
    errno.ENOENT: "give its right path",
    errno.EACCES: "change its permissions, or name another place",
    errno.EPERM: "change its permissions, or name another place",
    errno.EROFS: "name a place that can be written to",
    errno.EISDIR: "give a file, or move the folder away",
    errno.ENOTDIR: "move the file away that stands where a folder must be",
    errno.EEXIST: "move what is there away, or name another place",
    errno.ENAMETOOLONG: "give it a shorter name",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
}


def unexpected(error: Exception, words: Sequence[str], log: str | None) -> str:
    """One sentence on an error that no stage foresaw, from any library or the operating system.

    Args:
        error: what reached the command line.
        words: the command's words, among which its input files are found.
        log: the log that holds the traceback.
    """
    details = (
        f"the details are in {log}" if log else "repeat the command with 'resonaut --log FILE ...' for the details"
    )
    files = input_files(words)
    if isinstance(error, MemoryError):
        return f"{files}: not enough memory; give the job more, or less to read; {details}."
    if isinstance(error, OSError) and error.errno in WAYS_OUT:
        return f"{error.filename or files}: {error.strerror}; {WAYS_OUT[error.errno]}; {details}."
    lines = [line.strip(" .;") for line in str(error).splitlines() if line.strip()]
    # Of a record the first line says only which, the next ones which key and what is wrong.
    shown = " ".join(lines[: 3 if type(error).__name__ == "ValidationError" else 1])
    problem = f"{type(error).__name__}: {shown}" if lines else type(error).__name__
    return f"{files}: cannot be processed ({problem}); check what it holds; {details}."


def input_files(words: Sequence[str], most: int = 3) -> str:
    """The existing files among the words of a command, or the command itself where there is none.

    >>> input_files(["fit", "scan", "--spectrum", "no such.csv"])
    'resonaut fit scan'
    """
    found = []
    for option, word in zip(["", *words], words, strict=False):
        # file.root:histogram, --option=file and file@mass name a file, too.
        name = word.split("=", 1)[-1] if word.startswith("--") else word
        name = name.split(".root:")[0] + ".root" if ".root:" in name else name.partition("@")[0]
        if option not in ("--log", "--output", "--summary", "--workspaces") and name and _is_file(name):
            found.append(name)
    rest = len(found) - most
    return ", ".join(found[:most]) + (f" and {rest} more" if rest > 0 else "") or " ".join(["resonaut", *words[:2]])


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except (OSError, ValueError):
        # Too long for a name, or with a NUL in it.
        return False
