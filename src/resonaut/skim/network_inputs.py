"""What published networks want of jets' tracks and vertices: which columns a region keeps for them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from resonaut.physics import pfnano
from resonaut.physics.declared_inputs import fields_of, groups, load, variables
from resonaut.skim.columns import KINEMATICS, Column

# The note of a column that says of which collection its jets are.
COLLECTION = "collection"
# What skim keeps of every candidate.
KEPT = ("charge", "pdgid", *KINEMATICS)


@dataclass(frozen=True)
class NetworkInputs:
    """Fields of candidates, ``has_track`` and the PUPPI weight among them, and of vertices beside their momenta.

    ``longest``: most candidates of a jet that a network sees.
    """

    candidate: tuple[str, ...] = ()
    vertex: tuple[str, ...] = ()
    vertices: bool = False
    longest: int = 0

    @classmethod
    def of(cls, paths: Sequence[str]) -> "NetworkInputs":
        """Those of all files ``preprocess.json``.

        Raises:
            InputFileError: a file is missing, none, or names a variable that is unknown.
        """
        if not paths:
            return cls()
        contents = {path: load(Path(path)) for path in paths}
        wanted = [fields_of(content, path) for path, content in contents.items()]
        lengths = [length for path, content in contents.items() for length in _lengths(content, path)]
        own = [field for one in wanted for field in (*one["candidate"], *one["neutral"])]
        candidate = dict.fromkeys(field for field in own if field not in (*KEPT, ""))
        if set(pfnano.OF_TRACK) & set(candidate):
            candidate["has_track"] = None
        candidate["puppi_weight"] = None
        vertex = dict.fromkeys(field for one in wanted for field in one["vertex"] if field and field not in KINEMATICS)
        vertices = any(one["vertex"] for one in wanted)
        # The order of the vertices.
        extra = {"dxy_significance": None} if vertices else {}
        return cls(tuple(candidate), tuple(vertex | extra), vertices, max(lengths, default=0))

    def and_tracks(self, measured: bool, labels: bool) -> "NetworkInputs":
        """These with the impact parameters of tracks, and with where they come from."""
        more = (*(pfnano.IMPACT if measured else ()), *(["has_track"] * measured), *(pfnano.LABELS if labels else ()))
        return replace(self, candidate=tuple(dict.fromkeys((*self.candidate, *more))))

    def columns(self, jets: Iterable[str], collection: str) -> dict[str, Column]:
        """Their types and units, for ``jets`` of a collection of the file, which stands beside the PUPPI weights."""
        found = {}
        for jet in jets:
            for field in self.candidate:
                notes = {COLLECTION: collection} if field == "puppi_weight" else {}
                found[f"{jet}_pf_{field}"] = Column("float32", pfnano.UNITS.get(field, "1"), True, notes)
            if self.vertices:
                momenta = {f"{jet}_sv_{name}": Column("float32", unit, True) for name, unit in KINEMATICS.items()}
                found |= momenta
            for field in self.vertex:
                found[f"{jet}_sv_{field}"] = Column("float32", pfnano.UNITS.get(field, "1"), listed=True)
        return found


def _lengths(content: Mapping[str, Any], path: str) -> list[int]:
    """How many candidates the inputs of a network have."""
    found = []
    for group in groups(content, path).values():
        (kind, *_) = {one.kind for one in variables(content, group["var_names"], path).values()}
        length = group.get("var_length") or group.get("max_length")
        if kind in ("candidate", "neutral") and isinstance(length, int):
            found.append(length)
    return found
