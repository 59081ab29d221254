"""Jets for published networks from skimmed events."""

from collections.abc import Collection
from pathlib import Path

import awkward as ak
import numpy as np

from resonaut.core.errors import InputFileError
from resonaut.core.events import require_finite
from resonaut.core.lists import numbers
from resonaut.physics.contents import Contents, Objects
from resonaut.physics.momenta import KINEMATICS
from resonaut.tag.files import Wanted

KEEP = "name its preprocess.json in skim.regions.<name>.networks, and run skim again"


def columns(jet: str, wanted: Wanted) -> list[str]:
    """The columns of ``skim`` that a network wants of ``jet``."""
    fields = [*KINEMATICS, *wanted.candidate, *(["puppi_weight"] if wanted.weight else [])]
    found = [f"{jet}_{name}" for name in KINEMATICS] + [f"{jet}_pf_{name}" for name in fields]
    if wanted.vertices:
        found += [f"{jet}_sv_{name}" for name in (*KINEMATICS, *wanted.vertex)]
    return list(dict.fromkeys(found))


def require(source: Path, present: Collection[str], jets: Collection[str], wanted: Wanted) -> None:
    """Stop with ``InputFileError`` where skimmed events lack what a network wants, or hold jets of another kind."""
    if wanted.collection != "FatJet":
        raise InputFileError(
            source, f"holds large-radius jets, and the network is of {wanted.collection}", "score the file of PFNano"
        )
    for jet in jets:
        for name in columns(jet, wanted):
            if name not in present:
                raise InputFileError(source, f"no column {name!r}, which the network wants", KEEP)


def contents(events: ak.Array, jet: str, wanted: Wanted) -> Contents:
    """What one jet of each event is made of. Momenta of candidates come without the weight that ``skim`` multiplies.

    Raises:
        NotFiniteError: a column holds NaN or infinity.
    """
    for name in columns(jet, wanted):
        require_finite(events[name], name, "skimmed events")
    whole = {name: np.asarray(ak.to_numpy(events[f"{jet}_{name}"]), np.float64) for name in KINEMATICS}

    def objects(prefix: str, fields: Collection[str]) -> Objects:
        counts = ak.to_numpy(ak.num(events[f"{prefix}_pt"]))
        found = {name: np.asarray(numbers(events[f"{prefix}_{name}"]), np.float64) for name in fields}
        return Objects(counts, found)

    weight = ("puppi_weight",) if wanted.weight else ()
    candidates = objects(f"{jet}_pf", dict.fromkeys((*KINEMATICS, *wanted.candidate, *weight)))
    if wanted.weight:
        given = candidates.fields["puppi_weight"]
        bare = {name: candidates.fields[name] / given for name in ("pt", "mass")}
        candidates = Objects(candidates.counts, {**candidates.fields, **bare})
    none = Objects(np.zeros(len(events), np.int64), {name: np.empty(0) for name in KINEMATICS})
    vertices = objects(f"{jet}_sv", dict.fromkeys((*KINEMATICS, *wanted.vertex))) if wanted.vertices else none
    return Contents(whole, candidates, vertices)
