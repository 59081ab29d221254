"""Objects of a region in NanoAOD files: what of them is broken, odd or not there, and what nothing reads."""

from typing import Any

import numpy as np
from commands import events, load, skim
from fault import Kind, Try
from inputs import nano, spoil, write_nano

kind = Kind("objects of a region")
fault = kind.fault

VALUES = {"NaN": np.nan, "inf": np.inf}
# Two good muons in each event, and a third one that fails the cut on its isolation.
REGION = {
    "jets": 0,
    "objects": {"muon": {"pt_min": 30, "where": {"iso": [None, 0.15]}, "number": [2, None], "keep": 2}},
    "observables": ["m_ll"],
}


def leptons(count: int = 200) -> dict[str, Any]:
    """``nano`` with three muons an event; ``charge`` and ``tight`` are whole numbers and flags."""
    import awkward as ak

    shape, columns = (count, 3), nano(count)
    rng = np.random.default_rng(11)
    muons = {"pt": np.sort(rng.uniform(40, 90, shape))[:, ::-1], "eta": rng.uniform(-2, 2, shape)}
    muons |= {"phi": rng.uniform(-3, 3, shape), "mass": np.full(shape, 0.1057), "iso": np.full(shape, 0.05)}
    muons["iso"][:, 2] = 0.5
    whole = {"charge": np.tile([1, -1, 1], (count, 1)).astype(np.int32), "tight": np.ones(shape, bool)}
    fields = {name: values.astype(np.float32) for name, values in muons.items()} | whole
    columns["Muon"] = {name: ak.from_regular(ak.Array(values)) for name, values in fields.items()}
    return columns


def chosen(columns: dict[str, Any], right: Any, refused: Any = (), region: dict[str, Any] | None = None, **how) -> Try:
    config = {"regions": {"dijet": REGION | (region or {})}, "read_constituents": False}
    return skim(write_nano("a.root", columns), right=right, refused=refused, config=config | how)


def less_one(rows: tuple[str, ...]) -> Any:
    """One of 200 events is left out by a cut that the manifest names."""

    def check() -> str | None:
        named = [row["cut"] for row in load("results/skim/d.json")["cutflow"]]
        return events(199)() or (None if {*named} & {*rows} else f"no row {' or '.join(rows)} in {named}")

    return check


@fault(fast=3, value=VALUES, field=["pt", "eta", "phi", "mass", "iso"])
def in_a_kept_object(value: float, field: str) -> Try:
    """The event counts as lost; an infinity that fails a cut on its own makes one muon less."""
    columns = spoil(leptons(), f"Muon_{field}", lambda v: v.__setitem__((5, 0), value))
    right = less_one(("readable",) if np.isnan(value) else ("readable", "muon"))
    return chosen(columns, right, ("a.root", f"Muon_{field}"))


@fault(value=VALUES, field=["eta", "phi", "mass"])
def in_an_object_that_no_cut_keeps(value: float, field: str) -> Try:
    return chosen(spoil(leptons(), f"Muon_{field}", lambda v: v.__setitem__((5, 2), value)), events(200))


@fault(value=VALUES, branch=["Muon_dxy", "MET_pt", "FatJet_pt", "FatJet_msoftdrop", "PFCands_pt"])
def in_what_the_region_does_not_read(value: float, branch: str) -> Try:
    columns = leptons()
    if branch == "Muon_dxy":
        columns["Muon"]["dxy"] = columns["Muon"]["pt"] * 0 + value
    else:
        columns = spoil(columns, branch, lambda v: v.__setitem__(slice(None), value))
    return chosen(columns, events(200))


@fault(fast=4, field=["pt", "eta", "phi", "mass", "charge", "iso"])
def missing_field(field: str) -> Try:
    columns = leptons()
    del columns["Muon"][field]
    return chosen(columns, None, (f"Muon_{field}",))


@fault(field=["tight", "charge", "iso"], type=["bool", "int8", "uint8", "int16", "int64", "float64"])
def type_of_a_field(field: str, type: str) -> Try:
    """Versions of NanoAOD differ in the types of flags and charges; a cut reads whatever number it is."""
    import awkward as ak

    columns = leptons()
    values = columns["Muon"]["iso"] * 10 if field == "iso" else columns["Muon"][field]
    if field == "charge" and type in ("bool", "uint8"):
        values = abs(values)
    columns["Muon"][field] = ak.values_astype(values, type)
    limits = {"tight": [1, None], "charge": [-1, 1], "iso": [None, 4]}
    # Ten times the isolation as a flag is true for every muon: 1, within the limits.
    muon = {"pt_min": 30, "where": {field: limits[field]}, "number": [2, None], "keep": 2}
    return chosen(columns, events(200), (), {"objects": {"muon": muon}})


@fault(what=["no muons", "no muon in any event", "counter alone"])
def nothing_to_choose(what: str) -> Try:
    """A collection that is not there is refused, an empty one is a cut that leaves nothing."""
    columns = leptons()
    if what == "no muon in any event":
        columns["Muon"] = {name: values[:, :0] for name, values in columns["Muon"].items()}
    else:
        del columns["Muon"]
    if what == "counter alone":
        columns["nMuon"] = np.full(200, 3, np.int32)
    return chosen(columns, None, ("Muon_", "'muon'"))


@fault(met=[["PuppiMET"], ["MET"], ["PFMET"], ["MET", "PuppiMET"], []])
def missing_momentum_by_version(met: list[str]) -> Try:
    """v6 to v15 call it differently; no such branch is refused."""
    columns = leptons()
    del columns["MET_pt"]
    for name in met:
        columns |= {f"{name}_pt": np.full(200, 25, np.float32), f"{name}_phi": np.zeros(200, np.float32)}
    region = {"observables": ["m_ll", "met_pt"]}
    return chosen(columns, events(200) if met else None, ("a.root", "MET"), region)


CUTS = {
    "nothing passes": ({"m_ll": [1e5, None]}, "m_ll"),
    "no such charge": ({"charge_ll": [2, 2]}, "charge_ll"),
    "more muons than there are": ({"n_muon": [7, None]}, "n_muon"),
}


@fault(cut=CUTS)
def cut_that_leaves_nothing(cut: tuple[dict[str, Any], str]) -> Try:
    cuts, name = cut
    return chosen(leptons(), None, (f"'{name}'",), {"cuts": cuts})


@fault()
def other_objects_of_files_of_jets_alone() -> Try:
    """One file of two lacks the collection."""
    columns = leptons()
    write_nano("a.root", columns)
    del columns["Muon"]
    columns["event"] = columns["event"] + 1000
    write_nano("b.root", columns)
    config = {"regions": {"dijet": REGION}, "read_constituents": False}
    return skim("a.root", "b.root", right=None, refused="b.root", config=config)
