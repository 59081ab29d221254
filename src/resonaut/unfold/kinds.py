"""The runs of an unfolding, one job each: members of the ensemble, replicas of data and simulation, variations."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ENSEMBLE, DATA, MC = "ensemble", "bootstrap_data", "bootstrap_mc"


@dataclass(frozen=True)
class Kind:
    """What a run is: a numbered one of a kind, or a ``variation``."""

    kind: str
    number: int = 0
    variation: str = ""

    @classmethod
    def of(cls, run: str) -> "Kind":
        """That of a name.

        >>> Kind.of("bootstrap_mc_3"), Kind.of("jes_up")
        (Kind(kind='bootstrap_mc', number=3, variation=''), Kind(kind='variation', number=0, variation='jes_up'))
        """
        found = re.fullmatch(rf"({ENSEMBLE}|{DATA}|{MC})_(\d+)", run)
        return cls(found[1], int(found[2])) if found else cls("variation", variation=run)


def names(section: Mapping[str, Any]) -> list[str]:
    """All runs that a section ``unfold`` asks for."""
    numbered = {ENSEMBLE: section["ensemble"], DATA: section["bootstraps"]["data"], MC: section["bootstraps"]["mc"]}
    return [*(f"{kind}_{i}" for kind, number in numbered.items() for i in range(number)), *section["variations"]]
