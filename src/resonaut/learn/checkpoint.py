"""Checkpoints: a training that was killed goes on from its last one, and ends with the same bytes."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from resonaut.core.files import atomic
from resonaut.learn import processes

log = logging.getLogger(__name__)


class Stateful(Protocol):
    """What a training changes: a network, an optimizer, a schedule, a history."""

    def state_dict(self) -> dict[str, Any]:
        """Tensors, numbers and texts that say all of it."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> Any:
        """Be as these say."""


@dataclass
class Checkpoint:
    """The file of a training that goes on; ``digest`` tells this training from all others.

    A new training begins at ``epoch`` 1 with ``batch`` 0 of it. ``every``: so many steps lie between two files.
    """

    path: Path
    digest: str
    every: int
    epoch: int = 1
    batch: int = 0
    parts: Mapping[str, Any] | None = None

    @classmethod
    def open(cls, path: Path, digest: str, every: int) -> "Checkpoint":
        """The training's last checkpoint; a file of another one, or a damaged one, counts as none, with a warning."""
        begin = cls(path, digest, every)
        if not path.exists():
            return begin
        try:
            content = torch.load(path, map_location="cpu", weights_only=True)
            found = cls(path, content["digest"], every, content["epoch"], content["batch"], content["parts"])
        except Exception:  # a broken archive may raise anything
            log.warning("%s: not a checkpoint, or a damaged one; the training begins anew.", path)
            return begin
        if found.digest != digest:
            log.warning(
                "%s: a checkpoint of another configuration, other inputs or other code; the training begins anew.", path
            )
            return begin
        log.info("%s: the training goes on in epoch %d, after %d of its batches", path, found.epoch, found.batch)
        return found

    def restore(self, parts: Mapping[str, Stateful]) -> None:
        """Bring what trains into the state of the file, if there is one."""
        for name, part in parts.items() if self.parts is not None else ():
            part.load_state_dict(self.parts[name])  # type: ignore[index]
        self.parts = None

    def save(self, epoch: int, batch: int, parts: Mapping[str, Stateful]) -> None:
        """Write the state after so many batches of an epoch; a job that is killed meanwhile keeps the former file."""
        state = {name: part.state_dict() for name, part in parts.items()}
        if processes.rank() == 0:
            content = {"digest": self.digest, "epoch": epoch, "batch": batch, "parts": state}
            with atomic(self.path) as partial:
                torch.save(content, partial)

    def remove(self) -> None:
        """Take the file away, when the training's results are written."""
        self.path.unlink(missing_ok=True)


class Generators:
    """Torch's global generators, from which dropout draws, in each process."""

    def state_dict(self) -> dict[str, Tensor]:
        """Their states, shape (processes, bytes)."""
        found = {"cpu": processes.gathered(torch.get_rng_state())}
        if torch.cuda.is_available():
            found["cuda"] = processes.gathered(torch.cuda.get_rng_state())
        return found

    def load_state_dict(self, state_dict: dict[str, Tensor]) -> None:
        """Draw from here on what would have been drawn."""
        torch.set_rng_state(state_dict["cpu"][processes.rank()])
        if torch.cuda.is_available():
            torch.cuda.set_rng_state(state_dict["cuda"][processes.rank()])
