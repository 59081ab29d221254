"""NanoAOD files for ``resonaut skim``: damaged, odd, counted twice, wrongly normalised."""

import gzip
import hashlib
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from commands import events, fine, load, skim, text
from fault import Kind, Try
from inputs import nano, runs, spoil, write_nano

kind = Kind("NanoAOD")
fault = kind.fault
uncompressed = Kind(
    "NanoAOD, one bit flipped in an uncompressed file",
    apart="nothing in such a file tells of the flip; a list of checksums in the configuration does",
)

SIMULATION = {"nature": "simulation", "cross_section": 10.0, "luminosity": None}
CUTS = {"dijet": {"pt_min": 300, "delta_eta_max": 1.3}}


def same_as() -> Callable[[], str | None]:
    """The result is that of the sound file, event for event and column for column."""

    def check() -> str | None:
        import awkward as ak

        found = ak.from_parquet("results/skim/d/000.parquet")
        digest = hashlib.sha256()
        for name in COLUMNS:
            digest.update(ak.to_numpy(ak.flatten(found[name], axis=None)).astype(np.float64).tobytes())
        changed = None if digest.hexdigest()[:12] == SOUND else f"changed values ({digest.hexdigest()[:12]})"
        return events(200)() or changed

    return check


SHAPES = ("pt", "eta", "phi", "mass", "softdrop_mass", "tau1", "tau2", "tau3", "tau4", "n_constituents")
LISTS_OF = ("pf_pt", "pf_eta", "pf_phi", "pf_mass", "pf_charge", "pf_pdgid")
COLUMNS = [
    "run",
    "luminosityBlock",
    "event",
    "m_jj",
    *(f"j{j}_{name}" for j in (1, 2) for name in (*SHAPES, *LISTS_OF)),
]
# Of these columns of the sound file.
SOUND = "54a0154e09c6"


# --- damaged files ------------------------------------------------------------------------------------------------


@fault(fast=4, fraction=[0, 1e-4, 2e-3, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 0.99, 0.999, 0.99999])
def truncated(fraction: float) -> Try:
    content = Path(write_nano("a.root", nano(), runs(200))).read_bytes()
    text("a.root", content[: int(len(content) * fraction)])
    return skim("a.root", right=same_as(), refused="a.root")


@fault(place=[n / 40 for n in range(40)], bit=[0x01, 0x80])
def flipped(place: float, bit: int) -> Try:
    return _flipped(place, bit)


@uncompressed.fault(place=[n / 30 for n in range(30)], bit=[0x01, 0x80])
def flipped_uncompressed(place: float, bit: int) -> Try:
    import uproot

    return _flipped(place, bit, compression=uproot.ZLIB(0))


def _flipped(place: float, bit: int, **how) -> Try:
    content = bytearray(Path(write_nano("a.root", nano(), **how)).read_bytes())
    content[int(len(content) * place)] ^= bit
    text("a.root", bytes(content))
    return skim("a.root", right=same_as(), refused="a.root")


@fault(fast=6, place=[n / 12 for n in range(12)], checksum=["adler32", "sha256"])
def flipped_with_checksums(place: float, checksum: str) -> Try:
    """Also in an uncompressed file, where nothing else tells."""
    import uproot

    content = bytearray(Path(write_nano("a.root", nano(), compression=uproot.ZLIB(0))).read_bytes())
    sums = {"adler32": f"{zlib.adler32(content):08x}", "sha256": hashlib.sha256(content).hexdigest()}
    text("list.json", json.dumps({"a.root": {checksum: sums[checksum]}}))
    content[int(len(content) * place)] ^= 0x01
    text("a.root", bytes(content))
    return skim("a.root", right=None, refused="a.root", dataset={"expected": "list.json"}, needs="expected")


EXPECTED = {
    "right number": ({"a.root": {"events": 200}}, True),
    "other number": ({"a.root": {"events": 201}}, False),
    "no number": ({"a.root": {}}, True),
    "NaN": ({"a.root": {"events": float("nan")}}, False),
    "text": ({"a.root": {"events": "200"}}, False),
    "other file": ({"b.root": {"events": 200}}, False),
    "unknown key": ({"a.root": {"md5": "0"}}, False),
    "short checksum": ({"a.root": {"sha256": "0"}}, False),
    "list": ([{"a.root": {"events": 200}}], False),
    "number": (5, False),
    "empty": ({}, False),
}


@fault(case=EXPECTED)
def expected_files(case: tuple[Any, bool]) -> Try:
    content, sound = case
    text("list.json", json.dumps(content))
    write_nano("a.root", nano())
    refused = () if sound else ("list.json", "a.root")
    right = events(200) if sound else None
    return skim("a.root", right=right, refused=refused, dataset={"expected": "list.json"}, needs="expected")


@fault(place=[n / 12 for n in range(12)], length=[16, 512])
def overwritten(place: float, length: int) -> Try:
    """A hole of zeros, as a file system leaves after a crash."""
    content = bytearray(Path(write_nano("a.root", nano())).read_bytes())
    start = int(len(content) * place)
    content[start : start + length] = bytes(len(content[start : start + length]))
    text("a.root", bytes(content))
    return skim("a.root", right=same_as(), refused="a.root")


CONTENTS = {
    "empty": b"",
    "HTML": b"<!DOCTYPE html><html><head><title>503</title></head></html>" * 10,
    "text": b"run,event\n1,2\n" * 100,
    "zeros": bytes(10000),
    "magic only": b"root",
    "magic and zeros": b"root" + bytes(10000),
    "pickle": b"cos\nsystem\n(S'touch OWNED'\ntR.",
    "JSON": b"{}",
    "zip": b"PK\x03\x04" + bytes(500),
    "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(500),
    "Parquet": b"PAR1" + bytes(500) + b"PAR1",
    "LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n",
    "random": np.random.default_rng(1).bytes(20000),
}


@fault(content=CONTENTS, action=["fail", "skip"])
def other_content(content: bytes, action: str) -> Try:
    text("a.root", content)
    return skim("a.root", right=None, refused="a.root", config={"bad_files": {"action": action, "retries": 0}})


@fault(change=["gzip", "twice", "tail", "head"])
def rewritten(change: str) -> Try:
    content = Path(write_nano("a.root", nano())).read_bytes()
    changed = {
        "gzip": gzip.compress(content),
        "twice": content * 2,
        "tail": content + bytes(100),
        "head": bytes(9) + content,
    }
    text("a.root", changed[change])
    return skim("a.root", right=same_as(), refused="a.root")


@fault(
    path=[
        "none.root",
        "folder.root",
        "",
        "link.root",
        "loop.root",
        "/dev/null",
        "a.root/b",
        "*.root",
        "http://nowhere.invalid/a.root",
    ]
)
def no_file(path: str) -> Try:
    Path("folder.root").mkdir()
    Path("link.root").symlink_to("gone.root")
    Path("loop.root").symlink_to("loop.root")
    write_nano("a.root", nano())
    return skim(path, right=None, refused=(path or "files", "such file"))


@fault(broken=["truncated", "HTML", "no tree", "one branch cut"])
def one_bad_of_three_is_skipped(broken: str) -> Try:
    """Two sound files of 200 events, one bad: skipped, counted, and the luminosity scaled."""
    for n in range(3):
        write_nano(f"{n}.root", nano(first=1000 * n))
    content = Path("1.root").read_bytes()
    if broken == "no tree":
        write_nano("1.root", nano(), tree="Other")
    elif broken == "one branch cut":
        middle = len(content) // 2
        text("1.root", content[:middle] + bytes(300) + content[middle + 300 :])
    else:
        text("1.root", content[:500] if broken == "truncated" else CONTENTS["HTML"])
    config = {"bad_files": {"action": "skip", "retries": 0, "max_lost_fraction": 0.5}}
    right = events(400, luminosity=2.0)
    return skim("0.root", "1.root", "2.root", right=right, refused=(), config=config, dataset={"luminosity": 3.0})


@fault(limit=[".nan", 0.1, None, 2, -1])
def too_many_skipped(limit) -> Try:
    write_nano("0.root", nano())
    text("1.root", CONTENTS["HTML"])
    limit = float("nan") if limit == ".nan" else limit
    config = {"bad_files": {"action": "skip", "retries": 0, "max_lost_fraction": limit}}
    return skim("0.root", "1.root", right=None, refused=("1.root", "max_lost_fraction"), config=config)


# --- trees and branches -------------------------------------------------------------------------------------------


@fault(tree=["events", "Tree", "Events;x", "CollectionTree"])
def other_tree(tree: str) -> Try:
    return skim(write_nano("a.root", nano(), tree=tree), right=None, refused="a.root")


@fault(what=["RNTuple", "histogram", "text", "empty", "only Runs"])
def no_ttree(what: str) -> Try:
    import uproot

    with uproot.recreate("a.root") as file:
        if what == "RNTuple":
            file.mkrntuple("Events", {"x": np.arange(5.0)})
        elif what == "histogram":
            file["Events"] = np.histogram([1.0, 2.0])
        elif what == "text":
            file["Events"] = "nothing"
        elif what == "only Runs":
            file.mktree("Runs", {"x": np.float64}).extend({"x": np.ones(5)})
    return skim("a.root", right=None, refused="a.root")


NEEDED = [
    "run",
    "luminosityBlock",
    "event",
    *(f"FatJet_{n}" for n in ("pt", "eta", "phi", "mass", "msoftdrop", "tau1", "tau4")),
]
NEEDED += [f"PFCands_{n}" for n in ("pt", "phi", "charge", "pdgId")] + [
    "FatJetPFCands_jetIdx",
    "FatJetPFCands_pFCandsIdx",
]


@fault(branch=NEEDED)
def missing_branch(branch: str) -> Try:
    columns = nano()
    collection, _, field = branch.partition("_")
    if field:
        del columns[collection][field]
    else:
        del columns[branch]
    right = events(200) if branch == "PFCands_charge" else None
    return skim(write_nano("a.root", columns), right=right, refused="a.root")


@fault(
    branch=["FatJet_pt", "FatJet_eta", "PFCands_pt", "FatJetPFCands_jetIdx"], type=["bool", "float64", "int16", "flat"]
)
def other_type(branch: str, type: str) -> Try:
    """A branch of another type is read as what it holds, or refused."""
    import awkward as ak

    columns = nano()
    collection, _, field = branch.partition("_")
    values = ak.Array(columns[collection].pop(field))
    if type == "flat":
        columns[branch] = np.ones(200, np.float32)
    else:
        columns[collection][field] = ak.values_astype(values, type)
    sound = type == "float64" or (type == "int16" and branch != "FatJet_eta")
    right = events(200) if sound else None
    return skim(write_nano("a.root", columns), right=right, refused=("a.root", "cut 'pt'"))


LAYOUTS = {
    "PFNano": ("PFCands", "FatJetPFCands", "pFCandsIdx"),
    "v15": ("PFCand", "FatJetPFCand", "pfCandIdx"),
    "v15's candidates, PFNano's links": ("PFCand", "FatJetPFCands", "pFCandsIdx"),
    "v15's links, PFNano's candidates": ("PFCands", "FatJetPFCand", "pfCandIdx"),
}


@fault(layout=LAYOUTS, type=["int16", "int32", "uint8"], charge=[True, False])
def version(layout: tuple[str, str, str], type: str, charge: bool) -> Try:
    """Names, types of indices and the charge differ between versions, also within one file."""
    import awkward as ak

    columns, (candidates, links, index) = nano(), layout
    columns[candidates], found = columns.pop("PFCands"), columns.pop("FatJetPFCands")
    columns[links] = {
        "jetIdx": ak.values_astype(found["jetIdx"], type),
        index: ak.values_astype(found["pFCandsIdx"], type),
    }
    if not charge:
        del columns[candidates]["charge"]
    return skim(write_nano("a.root", columns), right=events(200), refused=())


@fault(length=[0, 1])
def few_events(length: int) -> Try:
    return skim(
        write_nano("a.root", nano(length)), right=events(1) if length else None, refused=("a.root", "d:", "datasets.d")
    )


@fault()
def empty_file_among_others() -> Try:
    write_nano("0.root", nano(0))
    write_nano("1.root", nano())
    return skim("0.root", "1.root", right=events(200), refused=())


@fault()
def lengths_of_jets_and_candidates_disagree() -> Try:
    """Counters that say three jets, momenta of two."""
    columns = nano()
    other = nano(jets=2)
    columns["FatJet"]["tau1"] = other["FatJet"]["tau1"]
    pt = columns["FatJet"].pop("pt")
    columns["FatJet_pt"] = pt[:, :2]
    try:
        write_nano("a.root", columns)
    except Exception:
        columns.pop("FatJet_pt")
        write_nano("a.root", columns | {"FatJet": {k: v for k, v in columns["FatJet"].items() if k != "tau1"}})
    return skim("a.root", right=None, refused="a.root")


# --- values -------------------------------------------------------------------------------------------------------

VALUES = {"NaN": np.nan, "inf": np.inf, "-inf": -np.inf}


@fault(
    fast=True,
    value=VALUES,
    branch=["FatJet_pt", "FatJet_eta", "FatJet_phi", "FatJet_mass", "FatJet_msoftdrop", "FatJet_tau1"],
)
def in_a_kept_jet(value: float, branch: str) -> Try:
    """The event is dropped with a row in the cutflow, or the file is refused; never kept with a made-up value."""
    columns = spoil(nano(), branch, lambda v: v.__setitem__((5, 0), value))
    # An infinite jet fails the cut on its own.
    cut = (branch == "FatJet_eta" and np.isinf(value)) or (branch == "FatJet_pt" and value == -np.inf)
    right = events(199) if cut else dropped(1)
    return skim(write_nano("a.root", columns), right=right, refused=("a.root", branch))


def dropped(number: int) -> Callable[[], str | None]:
    """Events less, and the manifest's cutflow says by which cut."""

    def check() -> str | None:
        problem = events(200 - number)()
        rows = [row["cut"] for row in load("results/skim/d.json")["cutflow"]]
        usual = {"stored", "pt", "eta", "delta_eta", "generated"}
        return problem or (None if set(rows) - usual else f"an event less after the cuts {', '.join(rows)}")

    return check


@fault(fast=5, value=VALUES, branch=["FatJet_eta", "FatJet_phi", "FatJet_mass", "FatJet_msoftdrop", "FatJet_tau1"])
def in_a_jet_that_no_cut_keeps(value: float, branch: str) -> Try:
    columns = spoil(nano(), branch, lambda v: v.__setitem__((5, 2), value))
    return skim(write_nano("a.root", columns), right=events(200), refused=())


@fault(value=VALUES, branch=["MET_pt", "FatJet_area", "Muon_pt"])
def in_an_unused_branch(value: float, branch: str) -> Try:
    columns = nano()
    if branch.startswith("FatJet"):
        columns["FatJet"]["area"] = columns["FatJet"]["pt"] * 0 + value
    elif branch.startswith("Muon"):
        columns["Muon"] = {"pt": columns["FatJet"]["pt"] * 0 + value}
    else:
        columns["MET_pt"][:] = value
    return skim(write_nano("a.root", columns), right=events(200), refused=())


@fault(value=VALUES, branch=["FatJet_pt", "FatJet_mass", "FatJet_eta", "PFCands_pt"])
def in_a_rejected_event(value: float, branch: str) -> Try:
    """Event 4 fails the filter ``Flag_B``."""
    columns = spoil(nano(), branch, lambda v: v.__setitem__((4, 0), value))
    config = {"regions": {"dijet": {"met_filters": ["Flag_B"]}}}
    return skim(write_nano("a.root", columns), right=events(150), refused=(), config=config)


@fault(value=VALUES, branch=["PFCands_pt", "PFCands_eta", "PFCands_phi", "PFCands_mass"])
def in_a_candidate(value: float, branch: str) -> Try:
    columns = spoil(nano(), branch, lambda v: v.__setitem__((5, 0), value))
    return skim(write_nano("a.root", columns), right=dropped(1), refused=("a.root", branch))


@fault(value=VALUES)
def in_an_unlinked_candidate(value: float) -> Try:
    columns = spoil(nano(), "PFCands_pt", lambda v: v.__setitem__((5, 5), value))
    columns = spoil(columns, "FatJetPFCands_jetIdx", lambda v: v.__setitem__((5, 5), 2))
    return skim(write_nano("a.root", columns), right=events(200), refused=())


HUGE = {"1e30": 1e30, "-100": -100.0, "20 TeV": 2e4}


@fault(value=HUGE, branch=["FatJet_pt", "FatJet_eta", "FatJet_mass", "FatJet_tau1"])
def impossible_but_finite(value: float, branch: str) -> Try:
    """What cannot be physics does not end in infinities or tracebacks."""
    columns = spoil(nano(), branch, lambda v: v.__setitem__((5, 0), value))
    return skim(write_nano("a.root", columns), right=finite, refused=("a.root", branch))


def finite() -> str | None:
    import pyarrow.parquet as pq

    found = pq.read_table("results/skim/d/000.parquet", columns=["m_jj", "j1_pt", "j1_mass"])
    values = [np.asarray(found[name]) for name in found.column_names]
    return None if all(np.isfinite(v).all() for v in values) else "infinite values in the columns"


INDICES = {"-1": -1, "-2": -2, "out of range": 99, "the next event's": 6, "huge": 2**30, "least": -(2**31)}


@fault(fast=2, index=INDICES)
def candidate_index(index: int) -> Try:
    """An index to no candidate links nothing: the candidate is left out, or the file is refused."""
    columns = spoil(nano(), "FatJetPFCands_pFCandsIdx", lambda v: v.__setitem__((5, 0), index))
    return skim(write_nano("a.root", columns), right=one_candidate_less, refused=("a.root", "pFCandsIdx"))


def one_candidate_less() -> str | None:
    import pyarrow.parquet as pq

    found = pq.read_table("results/skim/d/000.parquet", columns=["event", "j1_n_constituents", "j2_n_constituents"])
    total = int(np.asarray(found["j1_n_constituents"]).sum() + np.asarray(found["j2_n_constituents"]).sum())
    expected = 200 * 4 - (1 if len(found) == 200 else 4)
    return None if total == expected else f"{total} candidates in the jets, {expected} expected"


@fault(index=INDICES)
def jet_index(index: int) -> Try:
    columns = spoil(nano(), "FatJetPFCands_jetIdx", lambda v: v.__setitem__((5, 0), index))
    return skim(write_nano("a.root", columns), right=one_candidate_less, refused=("a.root", "jetIdx"))


# --- triggers, filters, certified sections ------------------------------------------------------------------------


@fault(fast=1, missing=["HLT_A", "HLT_C"])
def trigger_that_some_files_lack(missing: str) -> Try:
    """One of two triggers is absent from the second file: the other one still selects."""
    for n in range(2):
        columns = nano(first=1000 * n)
        columns["HLT_C"] = np.ones(200, bool)
        if n:
            del columns[missing]
        write_nano(f"{n}.root", columns)
    right = events(400 if missing == "HLT_A" else 300)
    return skim(
        "0.root", "1.root", right=right, refused=(), config={"regions": {"dijet": {"trigger": ["HLT_A", "HLT_C"]}}}
    )


@fault(triggers=[["HLT_none"], ["HLT_none", "HLT_neither"], ["FatJet_pt"], ["MET_pt"], [""], ["HLT_A; touch OWNED"]])
def trigger_that_no_file_has(triggers: list[str]) -> Try:
    config = {"regions": {"dijet": {"trigger": triggers}}}
    return skim(
        write_nano("a.root", nano()), right=None, refused=("a.root", "trigger", triggers[0] or "trigger"), config=config
    )


@fault(flags=[["Flag_none"], ["Flag_B", "Flag_none"], ["MET_pt"]])
def filter_that_no_file_has(flags: list[str]) -> Try:
    config = {"regions": {"dijet": {"met_filters": flags}}}
    return skim(write_nano("a.root", nano()), right=None, refused=("a.root", flags[-1]), config=config)


LISTS = {
    "one section": ('{"1": [[1, 1]]}', 100),
    "all": ('{"1": [[1, 99]]}', 200),
    "other run": ('{"2": [[1, 99]]}', None),
    "empty": ("{}", None),
    "upside down": ('{"1": [[99, 1]]}', None),
    "NaN": ('{"1": [[NaN, 2]]}', None),
    "fraction": ('{"1": [[0.5, 1.5]]}', None),
    "negative": ('{"1": [[-5, 1]]}', None),
    "negative run": ('{"-1": [[1, 2]]}', None),
    "beyond 2^32": ('{"1": [[1, 4294967297]]}', None),
    "section as text": ('{"1": [["1", "2"]]}', None),
    "three numbers": ('{"1": [[1, 2, 3]]}', None),
    "run without sections": ('{"1": [[1, 1]], "2": []}', 100),
    "text": ('{"one": [[1, 2]]}', None),
    "list": ("[1, 2]", None),
    "broken": ('{"1": [[1, 1]', None),
    "not UTF-8": (b'{"\xff": [[1, 1]]}', None),
    "missing": (None, None),
    "run twice": ('{"1": [[1, 1]], "1": [[2, 2]]}', None),
}


@fault(case=LISTS)
def certified_sections(case) -> Try:
    content, number = case
    if content is not None:
        text("golden.json", content)
    right = events(number) if number else None
    write_nano("a.root", nano())
    named = ("golden.json", "certified")
    return skim("a.root", right=right, refused=named, dataset={"certified": "golden.json"}, needs="certified")


# --- events counted twice -----------------------------------------------------------------------------------------

TWICE = ("twice", "again", "duplicate", "repeat", "same event", "a.root", "b.root")


@fault(fast=3, how=["same name", "other spelling", "symlink", "hard link", "copy", "copy in another chunk"])
def file_twice(how: str) -> Try:
    write_nano("a.root", nano())
    second = {"same name": "a.root", "other spelling": "../work/a.root"}.get(how, "b.root")
    if how == "symlink":
        Path("b.root").symlink_to("a.root")
    elif how == "hard link":
        Path("b.root").hardlink_to("a.root")
    elif second == "b.root":
        text("b.root", Path("a.root").read_bytes())
    return skim("a.root", second, right=events(200), refused=TWICE, chunks=2 if "chunk" in how else 1)


@fault(fast=3, chunks=[1, 2], overlap=[1, 100, 199])
def files_that_share_events(chunks: int, overlap: int) -> Try:
    write_nano("a.root", nano())
    write_nano("b.root", nano(first=200 - overlap))
    return skim("a.root", "b.root", right=events(400 - overlap), refused=TWICE, chunks=chunks)


@fault(chunks=[1, 2], overlap=[1, 100, 199])
def duplicates_are_dropped(chunks: int, overlap: int) -> Try:
    """As the configuration asks for, with a row in the cutflow."""
    write_nano("a.root", nano())
    write_nano("b.root", nano(first=200 - overlap))
    config = {"duplicates": "drop"}
    return skim(
        "a.root", "b.root", right=events(400 - overlap), refused=(), config=config, chunks=chunks, needs="duplicates"
    )


@fault(value=VALUES, branch=["FatJet_pt", "FatJet_mass", "FatJet_tau1", "PFCands_pt"])
def broken_events_are_left_out(value: float, branch: str) -> Try:
    """With ``bad_files.action: skip`` an event is the unit of failure, and the luminosity follows."""
    columns = spoil(nano(), branch, lambda v: v.__setitem__((5, 0), value))
    right = events(199) if branch == "FatJet_pt" and value == -np.inf else dropped(1)
    config = {"bad_files": {"action": "skip", "retries": 0}}
    return skim(write_nano("a.root", columns), right=right, refused=(), config=config)


@fault()
def event_twice_in_one_file() -> Try:
    columns = spoil(nano(), "event", lambda v: v.__setitem__(7, v[6]))
    return skim(write_nano("a.root", columns), right=events(199), refused=TWICE)


@fault()
def simulation_with_equal_numbers() -> Try:
    """Simulated samples may number their events alike in every file."""
    for name in ("a.root", "b.root"):
        write_nano(name, nano(simulation=True), runs(200))
    return skim("a.root", "b.root", right=events(400, weight_scale=10 / 400), refused=TWICE, dataset=SIMULATION)


@fault(nature=["data", "pseudo_data"])
def all_events_numbered_zero(nature: str) -> Try:
    columns = nano()
    for name in ("run", "luminosityBlock", "event"):
        columns[name][:] = 0
    return skim(
        write_nano("a.root", columns), right=None, refused=("a.root", "event", "d:"), dataset={"nature": nature}
    )


# --- normalisation ------------------------------------------------------------------------------------------------


@fault(fast=1, counters=["none", "v6", "both", "wrong names", "empty tree"])
def counters(counters: str) -> Try:
    """400 generated events, of which 200 are stored: read, or the fallback is said, never guessed in silence."""
    found = {"none": None, "v6": runs(400, suffix="_"), "both": runs(400) | runs(400, suffix="_")}
    content = found.get(counters, {"run": np.ones(1, np.uint32)})
    write_nano("a.root", nano(simulation=True), content)
    right = events(200, weight_scale=10 / 400) if counters in ("v6", "both") else fallback_is_said
    return skim("a.root", right=right, refused=("a.root", "Runs"), dataset=SIMULATION)


def fallback_is_said() -> str | None:
    """The manifest says in words that the stored events were taken for the generated ones."""
    found = load("results/skim/d.json")
    known = {
        "name",
        "nature",
        "era",
        "chunks",
        "events",
        "luminosity",
        "cross_section",
        "mass",
        "weight_scale",
        "cutflow",
        "lost",
    }
    said = [value for key, value in found.items() if key not in known and value]
    said += [row for row in found["cutflow"] if "Runs" in row["cut"] or "counter" in row["cut"]]
    return None if said else "the stored events count as generated, and the manifest does not say so"


@fault()
def half_with_counters() -> Try:
    write_nano("a.root", nano(simulation=True), runs(400))
    write_nano("b.root", nano(first=1000, simulation=True))
    return skim("a.root", "b.root", right=fallback_is_said, refused=("b.root", "Runs"), dataset=SIMULATION)


COUNTERS = {
    "3 generated": (3, 3),
    "none generated": (0, 0),
    "negative": (-5, -5),
    "NaN": (400, np.nan),
    "inf": (400, np.inf),
    "weights 0": (400, 0),
    "weights negative": (400, -400),
}


@fault(fast=3, numbers=COUNTERS)
def impossible_counters(numbers: tuple[float, float]) -> Try:
    write_nano("a.root", nano(simulation=True), runs(*numbers))
    return skim("a.root", right=None, refused=("a.root", "d:", "weights"), dataset=SIMULATION)


WEIGHTS = {
    "zero": lambda v: v.__setitem__(slice(None), 0),
    "NaN": lambda v: v.__setitem__(slice(None), np.nan),
    "one NaN": lambda v: v.__setitem__(5, np.nan),
    "infinite": lambda v: v.__setitem__(5, np.inf),
    "negative sum": lambda v: v.__setitem__(slice(None), -1),
    "huge": lambda v: v.__setitem__(slice(None), 3e38),
}


@fault(change=WEIGHTS, known=[True, False])
def generator_weights(change, known: bool) -> Try:
    write_nano("a.root", spoil(nano(simulation=True), "genWeight", change), runs(200) if known else None)
    # All weights alike are sound, however large, if no counter says otherwise.
    right = fine if change is WEIGHTS["huge"] and not known else None
    return skim("a.root", right=right, refused=("a.root", "genWeight", "weights", "Runs"), dataset=SIMULATION)


@fault(value=VALUES)
def weight_of_a_rejected_event(value: float) -> Try:
    """It belongs to the sum of all weights that the counters give."""
    columns = spoil(nano(simulation=True), "genWeight", lambda v: v.__setitem__(4, value))
    config = {"regions": {"dijet": {"met_filters": ["Flag_B"]}}}
    write_nano("a.root", columns, runs(200))
    return skim(
        "a.root", right=events(150, weight_scale=10 / 200), refused=("genWeight",), dataset=SIMULATION, config=config
    )


@fault()
def simulation_without_weights() -> Try:
    columns = nano(simulation=True)
    del columns["genWeight"]
    return skim(write_nano("a.root", columns), right=None, refused="a.root", dataset=SIMULATION)


@fault(index=INDICES)
def mother_index(index: int) -> Try:
    columns = spoil(nano(simulation=True), "GenPart_genPartIdxMother", lambda v: v.__setitem__((5, 0), index))
    right = events(200) if index == -1 else finite
    return skim(
        write_nano("a.root", columns, runs(200)),
        right=right,
        refused=("a.root", "genPartIdxMother"),
        dataset=SIMULATION,
    )


# --- settings and surroundings ------------------------------------------------------------------------------------

REGIONS = {
    "nothing passes": {"pt_min": 1e6},
    "NaN": {"pt_min": float("nan")},
    "NaN delta_eta": {"delta_eta_max": float("nan")},
    "NaN m_jj": {"m_jj_min": float("nan")},
    "infinite eta": {"eta_max": float("inf")},
    "window upside down": {"softdrop_mass": [110, 70]},
    "window NaN": {"softdrop_mass": [float("nan"), 100]},
    "window twice": {"softdrop_mass": [70, 70]},
    "jets 3": {"jets": 3},
    "jets true": {"jets": True},
    "range upside down": {"cuts": {"m_jj": [5000, 4000]}},
    "no such observable": {"observables": ["m_lll"]},
    "an object of nothing": {"objects": {"thing": {}}},
    "a pair of none": {"observables": ["m_ll"]},
    "a collection that is not there": {"objects": {"muon": {"from": "Muons"}}},
    "text": {"pt_min": "300 parsecs"},
    "list": {"pt_min": [300]},
    "null": {"pt_min": None},
}


@fault(region=REGIONS)
def region(region) -> Try:
    (key,) = region
    named = (f"regions.dijet.{key}", key, "Muons_pt", "skim.regions" if region[key] == 1e6 else key)
    return skim(write_nano("a.root", nano()), right=None, refused=named, config={"regions": {"dijet": region}})


KEYS = {
    "batch_events": [0, -1, 1.5, float("nan"), None, "many"],
    "max_constituents": [0, -1, float("nan"), None],
    "executor": ["dsak", None, "ssh"],
    "read_constituents": [None, "yes", 1],
    "regions": [None, [], {"dijet": None}, {"dijet": []}],
    "branches": [
        None,
        {"jets": ""},
        {"jets": "Nothing"},
        {"jets": None},
        {"jets": "FatJet;x"},
        {"candidates": "FatJet"},
    ],
    "bad_files": [
        {"retries": -1},
        {"retries": float("nan")},
        {"retry_wait": float("nan")},
        {"retry_wait": float("inf")},
        {"action": "ignore"},
    ],
}


@fault(setting={f"{key}={value}": {key: value} for key, values in KEYS.items() for value in values})
def setting(setting) -> Try:
    ((key, value),) = setting.items()
    named = (key, *(value if isinstance(value, dict) else ()))
    # Null is whatever the file has.
    right = events(200) if setting == {"branches": {"jets": None}} else None
    return skim(write_nano("a.root", nano()), right=right, refused=named, config=setting)


@fault(batch=[7, 199, 200, 201])
def batches_do_not_matter(batch: int) -> Try:
    config = {"batch_events": batch}
    return skim(write_nano("a.root", nano()), right=same_as(), refused=(), config=config)


@fault(address=["tcp://127.0.0.1:9", "nonsense"])
def dask_without_a_scheduler(address: str) -> Try:
    config = {"executor": "dask", "dask_scheduler": address}
    return skim(write_nano("a.root", nano()), right=None, refused=("dask", address), config=config, limit=90)


@fault(
    name=[
        "a b.root",
        "é.root",
        "a'b.root",
        "$(touch OWNED).root",
        "x;touch OWNED;.root",
        "-a.root",
        "a:b.root",
        "a,b.root",
        "a#b.root",
        "a%20b.root",
        "a[1].root",
    ]
)
def odd_file_name(name: str) -> Try:
    write_nano(f"./{name}", nano())
    return skim(name, right=events(200), refused=())


@fault(name=["..", "a/b", "", "d;touch OWNED"])
def odd_chunk(name: str) -> Try:
    """The dataset's name is only a label to the command."""
    attempt = skim(write_nano("a.root", nano()), right=fine, refused=("name",))
    commands = [[name if word == "d" else word for word in command] for command in attempt.commands]
    return Try(commands, attempt.right, attempt.refused)


@fault(obstacle=["results", "results/skim/d/000.parquet/x", "results/skim/d/000.json/x", "results/skim/d.json/x"])
def something_in_the_way(obstacle: str) -> Try:
    text(obstacle, "x")
    return skim(write_nano("a.root", nano()), right=None, refused="results")


@fault(fast=1)
def a_failure_keeps_the_earlier_result() -> Try:
    """A second run on a broken file leaves the first one's output."""
    for path in ("results/skim/d/000.parquet", "results/skim/d/000.json", "results/skim/d.json"):
        text(path, "an earlier result")
    text("a.root", "broken")
    return skim("a.root", right=None, refused="a.root")
