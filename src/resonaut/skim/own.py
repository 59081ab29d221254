"""Columns of the user's own: a number for each event, from branches of its file. Imports nothing heavy."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from resonaut.core.errors import ConfigError
from resonaut.core.extensions import Vocabulary

if TYPE_CHECKING:
    import numpy as np

    from resonaut.skim.columns import Column
    from resonaut.skim.cutflow import Cutflow

# The way out where a file lacks a branch.
NEEDED = "take the column that needs it out of the region's columns"


@dataclass(frozen=True)
class EventColumn:
    """A number for each event: the ``branches`` of the file that it needs, its ``unit``, and how it follows from them.

    ``formula`` gets the branches by name, as awkward arrays of n events, and gives n numbers.
    """

    branches: tuple[str, ...]
    unit: str
    formula: Callable[[dict[str, Any]], Any]


COLUMNS: Vocabulary[EventColumn] = Vocabulary("COLUMNS", "column", EventColumn, {})


@dataclass(frozen=True)
class OwnColumns:
    """The columns ``names`` of the files ``code``; another process finds them there again."""

    names: tuple[str, ...] = ()
    code: tuple[str, ...] = ()

    def find(self) -> dict[str, EventColumn]:
        """The columns by name; ``ConfigError`` where there is none of a name."""
        known = COLUMNS.joined(self.code) if self.names else COLUMNS
        return {name: known[name] for name in self.names}

    @property
    def branches(self) -> list[str]:
        """The branches that they need, each once."""
        return list(dict.fromkeys(branch for column in self.find().values() for branch in column.branches))

    def columns(self) -> dict[str, "Column"]:
        """Their types and units."""
        from resonaut.skim.columns import Column

        return {name: Column("float32", column.unit) for name, column in self.find().items()}

    def compute(
        self, branches: Mapping[str, Any], flow: "Cutflow", mask: "np.ndarray | None" = None
    ) -> dict[str, "np.ndarray"]:
        """The columns of the events of ``mask``, shape (events,) each; those with NaN or infinity are in doubt.

        Without a mask they are the kept events of ``flow``.

        Raises:
            ConfigError: a formula fails, or gives something else than a number for each event.
        """
        import numpy as np

        found, chosen = {}, flow.mask if mask is None else mask
        for name, column in self.find().items():
            found[name] = _numbers(name, column, branches, int(chosen.sum()))
            broken = np.zeros(len(chosen), bool)
            broken[chosen] = ~np.isfinite(found[name])
            flow.doubt(name, broken)
        return found


def _numbers(name: str, column: EventColumn, branches: Mapping[str, Any], events: int) -> "np.ndarray":
    import awkward as ak
    import numpy as np

    try:
        given = column.formula({branch: branches[branch] for branch in column.branches})
        values = np.asarray(ak.to_numpy(ak.Array(given)), np.float64)
    except Exception as error:
        # Whatever the formula raises.
        problem = f"{type(error).__name__}: {' '.join(str(error).split()):.200}"
        raise ConfigError(f"config: code: the column {name!r}: {problem}; correct its formula.") from error
    if values.shape != (events,):
        raise ConfigError(
            f"config: code: the column {name!r}: its formula gives the shape {values.shape} for {events} events; give "
            "one number for each."
        )
    return values
