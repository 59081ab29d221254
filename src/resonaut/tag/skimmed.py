"""Jets for published networks from skimmed events."""

import re
from collections.abc import Collection
from pathlib import Path

import awkward as ak
import numpy as np

from resonaut.core.errors import InputFileError
from resonaut.core.events import metadata, require_finite
from resonaut.core.lists import numbers
from resonaut.physics.contents import Contents, Objects
from resonaut.physics.momenta import KINEMATICS
from resonaut.tag.files import Wanted
from resonaut.tag.sample import JETS

# The note of the column of weights that says of which collection the jets are, and what they are without.
COLLECTION, LARGE = "collection", "FatJet"
KEEP = "name its preprocess.json in networks of skim.regions.<name>, or of its objects, and run skim again"


def columns(jet: str, wanted: Wanted) -> list[str]:
    """The columns of ``skim`` that a network wants of ``jet``."""
    fields = [*KINEMATICS, *wanted.candidate, *_weight(jet, wanted)]
    found = [f"{jet}_{name}" for name in KINEMATICS] + [f"{jet}_pf_{name}" for name in fields]
    if wanted.vertices:
        found += [f"{jet}_sv_{name}" for name in (*KINEMATICS, *wanted.vertex)]
    return list(dict.fromkeys(found))


def _weight(jet: str, wanted: Wanted) -> tuple[str, ...]:
    """The PUPPI weight where it is wanted; that of large-radius jets is in their candidates' momenta."""
    return ("puppi_weight",) if wanted.weight or jet not in JETS else ()


def kept(objects: str, present: Collection[str]) -> list[str]:
    """The jets of a name of which skimmed events have the candidates: ``small_jet1``, ``small_jet2``."""
    numbers = [re.fullmatch(rf"{re.escape(objects)}([1-9]\d*)_pf_pt", name) for name in present]
    return [f"{objects}{number}" for number in sorted(int(found[1]) for found in numbers if found)]


def require(source: Path, present: Collection[str], jets: Collection[str], wanted: Wanted) -> None:
    """Stop with ``InputFileError`` where skimmed events lack what a network wants, or hold jets of another kind."""
    notes = metadata(source)
    for jet in jets:
        collection = notes.get(f"{jet}_pf_puppi_weight", {}).get(COLLECTION, LARGE)
        if wanted.collection != collection:
            problem = f"holds in {jet!r} jets of {collection}, and the network is of {wanted.collection}"
            raise InputFileError(source, problem, "correct the card's jets, or score others")
        for name in columns(jet, wanted):
            if name not in present:
                raise InputFileError(source, f"no column {name!r}, which the network wants", KEEP)


def contents(events: ak.Array, jet: str, wanted: Wanted) -> Contents:
    """What one jet of each event is made of. Momenta of candidates come without the weight that ``skim`` multiplies.

    Those of other jets than the large-radius ones have none in the file.

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

    fields = (*KINEMATICS, *wanted.candidate, *_weight(jet, wanted))
    candidates = objects(f"{jet}_pf", dict.fromkeys(fields))
    if wanted.weight and jet in JETS:
        given = candidates.fields["puppi_weight"]
        bare = {name: candidates.fields[name] / given for name in ("pt", "mass")}
        candidates = Objects(candidates.counts, {**candidates.fields, **bare})
    none = Objects(np.zeros(len(events), np.int64), {name: np.empty(0) for name in KINEMATICS})
    vertices = objects(f"{jet}_sv", dict.fromkeys((*KINEMATICS, *wanted.vertex))) if wanted.vertices else none
    return Contents(whole, candidates, vertices)
