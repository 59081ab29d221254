"""What is known of a dataset's files beforehand, from the experiment's catalogue or the day they were copied."""

import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path

from resonaut.core import config
from resonaut.core.errors import ConfigError, InputFileError
from resonaut.core.record import build, record
from resonaut.skim.pieces import UnreadableError

# Bytes read at once.
BLOCK = 1 << 20
FORM = 'write {"a.root": {"events": 1000, "adler32": "0a1b2c3d"}, ...}'


@record
class Expected:
    """A file's number of events and checksums; null where unknown. CMS's catalogue (DBS) has Adler-32."""

    events: int | None
    adler32: str | None
    sha256: str | None

    def check_bytes(self, path: str) -> None:
        """Stop with ``UnreadableError`` where the file's checksum is another."""
        if self.adler32 is not None:
            value = 1
            for block in _blocks(path):
                value = zlib.adler32(block, value)
            _compare("Adler-32", f"{value:08x}", self.adler32.lower().removeprefix("0x").zfill(8))
        if self.sha256 is not None:
            digest = hashlib.sha256()
            for block in _blocks(path):
                digest.update(block)
            _compare("SHA-256", digest.hexdigest(), self.sha256.lower())

    def check_events(self, events: int) -> None:
        """Stop with ``UnreadableError`` where the file holds another number of events."""
        if self.events is not None:
            _compare("number of events", str(events), str(self.events))


def read(path: Path) -> dict[str, Expected]:
    """A list ``{"<file>": {"events": 1000, "adler32": "0a1b2c3d", "sha256": "..."}}``, with any of the three.

    Raises:
        InputFileError: the list is missing or is not of this form.
    """
    content = config.load_json(path, FORM)
    unknown = dict.fromkeys(Expected.__dataclass_fields__)
    if not isinstance(content, dict) or not all(isinstance(entry, dict) for entry in content.values()):
        raise InputFileError(path, "is not a list of files", FORM)
    return {file: build(unknown | entry, Expected, f"{path}: {file}") for file, entry in content.items()}


def find(expected: dict[str, Expected], file: str, source: Path) -> Expected:
    """The entry of a file, under its path as in the configuration or under its name; else ``ConfigError``."""
    for name in (file, Path(file).name):
        if name in expected:
            return expected[name]
    raise ConfigError(f"{source}: does not list {file}; add it, or take the file out of the dataset.")


def _blocks(path: str) -> Iterator[bytes]:
    with Path(path).open("rb") as file:
        while block := file.read(BLOCK):
            yield block


def _compare(what: str, found: str, wanted: str) -> None:
    if found != wanted:
        raise UnreadableError(f"its {what} is {found} instead of {wanted}")
