"""Files of trained models: arrays and settings in numpy's ``.npz`` form, without pickles; reading one runs no code."""

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resonaut.core.errors import InputFileError
from resonaut.core.files import atomic

# The entry with kind, settings and checksum, as JSON; those of the state have names with this prefix.
ABOUT, STATE = "about", "state/"


@dataclass(frozen=True)
class Model:
    """A trained model: ``kind`` says who can use it, ``settings`` are plain JSON data, ``state`` its arrays by name."""

    kind: str
    settings: dict[str, Any]
    state: dict[str, NDArray[Any]]

    @property
    def checksum(self) -> str:
        """SHA-256 of everything in it."""
        total = hashlib.sha256(json.dumps([self.kind, self.settings], sort_keys=True).encode())
        for name, values in self.state.items():
            total.update(f"{name} {values.dtype.str} {values.shape}".encode())
            total.update(np.ascontiguousarray(values).tobytes())
        return total.hexdigest()


def save(path: Path, model: Model) -> None:
    """Write a model; equal models give equal bytes."""
    about = {"kind": model.kind, "settings": model.settings, "sha256": model.checksum}
    text = np.frombuffer(json.dumps(about, sort_keys=True, allow_nan=False).encode(), np.uint8)
    entries: Mapping[str, Any] = {ABOUT: text} | {STATE + name: values for name, values in model.state.items()}
    with atomic(path) as partial, partial.open("wb") as file:
        np.savez(file, allow_pickle=False, **entries)


def load(path: Path, kind: str, remedy: str) -> Model:
    """The model in a file that ``save`` wrote.

    Args:
        path: the file.
        kind: what it must be.
        remedy: the way out where it is not, as the end of a sentence.

    Raises:
        InputFileError: the file is missing, no model, one of another kind, damaged, or changed since.
    """
    try:
        content = io.BytesIO(path.read_bytes())
    except OSError:
        raise InputFileError(path, "no such model file", remedy) from None
    try:
        with np.load(content, allow_pickle=False) as entries:
            about = json.loads(entries[ABOUT].tobytes())
            state = {name.removeprefix(STATE): entries[name] for name in entries.files if name != ABOUT}
        found = Model(about["kind"], dict(about["settings"]), state)
        intact = about["sha256"] == found.checksum
    except Exception:  # a broken archive may raise anything
        raise InputFileError(path, "not a model file, or a damaged one", remedy) from None
    if not intact:
        raise InputFileError(path, "was changed after it was made", remedy)
    if found.kind != kind:
        raise InputFileError(path, f"a model of the kind {found.kind!r}, not {kind!r}", remedy)
    return found
