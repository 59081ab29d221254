"""What is known of a training while it goes on, and is written: a table and TensorBoard's events."""

import csv
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from resonaut.core.errors import ConfigError
from resonaut.core.files import atomic

COLUMNS = ("epoch", "learning_rate", "training", "held_out")


@dataclass
class History:
    """Of each epoch the mean loss of its batches, the held-out loss and the learning rate at its end.

    There may be no held-out loss. Of an epoch that goes on ``running`` is the sum over its ``batches`` so far;
    ``steps`` are those of all epochs.
    """

    training: list[float] = field(default_factory=list)
    held_out: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    running: float = 0
    batches: int = 0
    steps: int = 0

    @property
    def judged(self) -> list[float]:
        """What is to become small."""
        return self.held_out or self.training

    def state_dict(self) -> dict[str, Any]:
        """All of it."""
        return asdict(self)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Be as another one was."""
        vars(self).update(state_dict)


def rows(history: History) -> list[dict[str, Any]]:
    """A row for each finished epoch: its number, the learning rate at its end, and both losses."""
    held_out: list[Any] = history.held_out or [""] * len(history.training)
    lists = (range(1, len(history.training) + 1), history.rate, history.training, held_out)
    return [dict(zip(COLUMNS, values, strict=True)) for values in zip(*lists, strict=True)]


class Progress:
    """Called at the end of each epoch.

    Args:
        table: a CSV file with all epochs so far, which is written anew each time; None for none.
        tensorboard: a folder of TensorBoard's; None for none.

    Raises:
        ConfigError: a folder is given and the package tensorboard is not installed.
    """

    def __init__(self, table: Path | None, tensorboard: Path | None) -> None:
        self.table, self.folder = table, tensorboard
        self.writer: Any = None
        if tensorboard is not None:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError:
                raise ConfigError(
                    "--tensorboard needs the package tensorboard, which is not installed; run 'pip install "
                    "tensorboard', or leave the option out."
                ) from None
            self.kind = SummaryWriter

    def __call__(self, history: History) -> None:
        """Write what is new."""
        found = rows(history)
        if self.table is not None:
            with atomic(self.table) as partial, partial.open("w", newline="") as file:
                writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
                writer.writeheader()
                writer.writerows(found)
        if self.folder is not None:
            last = found[-1]
            if self.writer is None:
                # What a killed training wrote of this epoch, or of later ones, no longer counts.
                self.writer = self.kind(str(self.folder), purge_step=int(last["epoch"]))
            for name in COLUMNS[1:]:
                if not isinstance(last[name], str):
                    self.writer.add_scalar(name, last[name], int(last["epoch"]))
            self.writer.flush()
