"""What published networks want of jets' tracks and vertices: which columns a region keeps for them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from resonaut.core.config import load_json
from resonaut.physics import pfnano
from resonaut.physics.tagger_variables import VARIABLES, fields_of
from resonaut.skim.columns import KINEMATICS, Column

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
        contents = {path: load_json(Path(path), "give the file of the network") for path in paths}
        wanted = [fields_of(content, path) for path, content in contents.items()]
        groups = [content[name] for content in contents.values() for name in content["input_names"]]
        seen = [one for one in groups if VARIABLES[one["var_names"][0]].kind == "candidate"]
        lengths = [one.get("var_length", one.get("max_length")) for one in seen]
        candidate = dict.fromkeys(field for one in wanted for field in one["candidate"] if field not in (*KEPT, ""))
        if set(pfnano.OF_TRACK) & set(candidate):
            candidate["has_track"] = None
        candidate["puppi_weight"] = None
        vertex = dict.fromkeys(field for one in wanted for field in one["vertex"] if field and field not in KINEMATICS)
        vertices = any(one["vertex"] for one in wanted)
        # The order of the vertices.
        extra = {"dxy_significance": None} if vertices else {}
        longest = max((length for length in lengths if isinstance(length, int)), default=0)
        return cls(tuple(candidate), tuple(vertex | extra), vertices, longest)

    def and_tracks(self, measured: bool, labels: bool) -> "NetworkInputs":
        """These with the impact parameters of tracks, and with where they come from."""
        more = (*(pfnano.IMPACT if measured else ()), *(["has_track"] * measured), *(pfnano.LABELS if labels else ()))
        return replace(self, candidate=tuple(dict.fromkeys((*self.candidate, *more))))

    def columns(self, jets: int) -> dict[str, Column]:
        """Their types and units."""
        found = {}
        for jet in (f"j{number + 1}" for number in range(jets)):
            for field in self.candidate:
                found[f"{jet}_pf_{field}"] = Column("float32", pfnano.UNITS.get(field, "1"), listed=True)
            if self.vertices:
                momenta = {f"{jet}_sv_{name}": Column("float32", unit, True) for name, unit in KINEMATICS.items()}
                found |= momenta
            for field in self.vertex:
                found[f"{jet}_sv_{field}"] = Column("float32", pfnano.UNITS.get(field, "1"), listed=True)
        return found
