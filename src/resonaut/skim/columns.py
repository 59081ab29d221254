"""The columns of skimmed events: their order, types and units. What only needs their names imports nothing heavy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from resonaut.core.identifier import KEY
from resonaut.physics.observables import OBSERVABLES, Observable

if TYPE_CHECKING:
    import awkward as ak


@dataclass(frozen=True)
class Column:
    """Type and unit of a column.

    ``listed``: a list of values for each event; ``notes``: what else is stored of it, such as ``Factor.metadata()`` of
    a weight; ``nullable``: it holds a variation's values where they differ, and may be missing (``skim.variations``).
    """

    dtype: str
    unit: str = "1"
    listed: bool = False
    notes: Mapping[str, str] = field(default_factory=dict)
    nullable: bool = False

    @classmethod
    def observed(cls, observable: Observable, dtype: str = "float32") -> "Column":
        """The column of an observable."""
        return cls(dtype, observable.unit, notes={"label": observable.label})


KINEMATICS = {"pt": "GeV", "eta": "1", "phi": "rad", "mass": "GeV"}

# The observables that are kept of every pair of jets.
PAIR = ("m_jj", "delta_eta_jj")

# Lists of weights relative to the nominal one for each event, and the NanoAOD branches they come from.
VARIATIONS = {
    "shower_weight": "PSWeight",
    "scale_weight": "LHEScaleWeight",
    "coupling_weight": "LHEReweightingWeight",
}


# Whether an event passes at particle level.
FIDUCIAL = "fiducial"


def generated(name: str) -> str:
    """The column of particle level that belongs to one of detector level."""
    return f"gen_{name}"


def schema(jets: int, shapes: Sequence[str], constituents: bool, truth: bool, variations: bool) -> dict[str, Column]:
    """The columns of a dataset with up to two jets, whose ``shapes`` are e.g. ``tau1``, in the file's order."""
    columns = {name: Column("int64") for name in KEY}
    columns["gen_weight"] = Column("float64")
    if variations:
        columns |= {name: Column("float32", listed=True) for name in VARIATIONS}
    if jets == 2:
        columns |= {name: Column.observed(OBSERVABLES[name]) for name in PAIR}
    for j in (f"j{number + 1}" for number in range(jets)):
        columns |= {f"{j}_{name}": Column("float32", unit) for name, unit in KINEMATICS.items()}
        columns[f"{j}_softdrop_mass"] = Column("float32", "GeV")
        columns |= {f"{j}_{name}": Column("float32") for name in shapes}
        columns |= constituent_columns(j) if constituents else {}
        if truth:
            columns[f"{j}_prongs"] = Column("int8")
            columns[f"{j}_decay_pdgid"] = Column("int8", listed=True)
            columns |= {f"{j}_decay_{name}": Column("float32", "GeV") for name in ("pt", "mass")}
            columns |= {f"{j}_quark_{name}": Column("float32", KINEMATICS[name], True) for name in ("pt", "eta", "phi")}
            columns[f"{j}_quark_pdgid"] = Column("int32", listed=True)
    return columns


def constituent_columns(jet: str) -> dict[str, Column]:
    """The columns of a jet's candidates."""
    columns = {f"{jet}_n_constituents": Column("int32")}
    columns |= {f"{jet}_pf_{name}": Column("float32", unit, True) for name, unit in KINEMATICS.items()}
    return columns | {f"{jet}_pf_charge": Column("int8", listed=True), f"{jet}_pf_pdgid": Column("int32", listed=True)}


def generated_jets(jets: int) -> dict[str, Column]:
    """The columns of the generated jets that belong to so many jets."""
    places = [f"j{number + 1}" for number in range(jets)]
    return {f"{j}_genjet_{name}": Column("float32", "GeV") for j in places for name in ("pt", "mass")}


# Of simulation alone, in the schema of two jets: what data do not have.
LABELS = {f"j{jet}_{name}" for jet in (1, 2) for name in ("flavour", "pf_origin", "pf_vertex")}
TRUTH = {*schema(2, (), False, True, True), *generated_jets(2)} - {*schema(2, (), False, False, False)} | LABELS

# Names that a column of the user's own cannot have.
TAKEN = {
    *schema(2, [f"tau{n}" for n in range(1, 5)], True, True, True),
    *LABELS,
    *generated_jets(2),
    *("j1_b_tag", "j2_b_tag", "weight", "passes", FIDUCIAL, "tag_train"),
}


def units(columns: Mapping[str, Column]) -> dict[str, str]:
    """The unit of each column, as ``events.write`` takes them."""
    return {name: column.unit for name, column in columns.items()}


def notes(columns: Mapping[str, Column]) -> dict[str, Mapping[str, str]]:
    """What is stored of each column beside its unit, as ``events.write`` takes it."""
    return {name: column.notes for name, column in columns.items()}


def conform(values: Mapping[str, Any], columns: Mapping[str, Column]) -> dict[str, "ak.Array | np.ndarray"]:
    """Exactly ``columns``, in their order and types; a nullable one without a value is left out.

    Raises:
        KeyError: a column has no values: a fault of the reader, not of the file.
    """
    import awkward as ak

    found: dict[str, ak.Array | np.ndarray] = {}
    for name, column in columns.items():
        if column.nullable and (name not in values or (column.listed and _all_null(values[name]))):
            continue
        given = values[name]
        if isinstance(given, np.ndarray) and not column.listed:
            found[name] = given.astype(column.dtype, copy=False)
        else:
            given = ak.Array(given)
            found[name] = given if _dtype(given) == column.dtype else ak.values_astype(given, column.dtype)
    return found


def _dtype(values: "ak.Array") -> np.dtype | None:
    """The type of the numbers; None where they are none."""
    layout = values.layout
    while layout.is_option or layout.is_list or layout.is_indexed:
        layout = layout.content
    return layout.dtype if layout.is_numpy else None


def _all_null(lists: "ak.Array") -> bool:
    """Of some events: awkward cannot hand such lists to Arrow."""
    return len(lists) > 0 and lists.layout.is_option and not lists.layout.mask_as_bool(valid_when=True).any()


def empty(columns: Mapping[str, Column]) -> dict[str, "ak.Array | np.ndarray"]:
    """No events, with all columns in their types."""
    import awkward as ak

    from resonaut.core.variations import where

    number, lists = np.empty(0), ak.unflatten(np.empty(0), np.empty(0, int))
    values = {name: lists if column.listed else number for name, column in columns.items()}
    null = {name: where(np.zeros(0, bool), values[name]) for name, column in columns.items() if column.nullable}
    return conform(values | null, columns)
