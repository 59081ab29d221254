"""Errors a user can mend: one sentence that names the file or the key, and the way out."""

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


class EmptySelectionError(ResonautError):
    """A selection keeps too few events for the next step to mean anything."""
