"""What an era names: files of corrections and prescales that are broken, odd or another era's, and what they read."""

import gzip
import json
from typing import Any

import numpy as np
from commands import events, skim, text
from fault import Kind, Try
from inputs import nano, runs, spoil, write_nano

kind = Kind("eras and corrections")
fault = kind.fault

SIMULATION = {"nature": "simulation", "cross_section": 10.0, "luminosity": None, "era": "e"}
# What a clone without `git lfs` leaves of a file.
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"  # fmt: skip  # noqa: E501


def variable(name: str, kind: str = "real") -> dict[str, str]:
    return {"name": name, "type": kind}


def table(name: str, inputs: list[str], expression: str, ways: tuple[str, ...] = ()) -> dict[str, Any]:
    """A table by a formula of its real inputs, the same for each of the ``ways``, the words of an input ``weights``."""
    data: dict[str, Any] = {"nodetype": "formula", "expression": expression, "parser": "TFormula", "variables": inputs}
    variables = [variable(name) for name in inputs]
    if ways:
        content = [{"key": way, "value": data} for way in ways]
        data = {"nodetype": "category", "input": "weights", "content": content}
        variables.append(variable("weights", "string"))
    return {"name": name, "version": 1, "inputs": variables, "output": variable("out"), "data": data}


def document(*tables: dict[str, Any], compound: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    return {"schema_version": 2, "corrections": list(tables), "compound_corrections": list(compound)}


WAYS = ("nominal", "up", "down")
PILEUP = table("pu", ["NumTrueInteractions"], "1+0*x", WAYS)


def simulated() -> dict[str, Any]:
    """Simulation whose stored momenta are 1.1 times the raw ones."""
    columns = nano(simulation=True)
    jets = columns["FatJet"]
    for name, value in (("rawFactor", 1 / 11), ("area", 2.0)):
        jets[name] = jets["pt"] * 0 + np.float32(value)
    columns |= {"Pileup_nTrueInt": np.full(200, 30, np.float32), "fixedGridRhoFastjetAll": np.full(200, 20, np.float32)}
    return columns


def corrected(corrections: dict[str, Any], columns: dict[str, Any], right: Any, refused: Any) -> Try:
    era = {"corrections": {"simulation": corrections}}
    write_nano("a.root", columns, runs(200))
    return skim("a.root", right=right, refused=refused, dataset=SIMULATION, config={"eras": {"e": era}})


def content(*tables: dict[str, Any]) -> bytes:
    return json.dumps(document(*tables)).encode()


SOUND = content(PILEUP)
WRONG = {
    "other inputs": table("pu", ["NumTrueInteractions", "JetPt"], "x+y", WAYS),
    "no variations": table("pu", ["NumTrueInteractions"], "1+0*x"),
    "nominal alone": table("pu", ["NumTrueInteractions"], "1+0*x", ("nominal",)),
    "unknown formula": table("pu", ["NumTrueInteractions"], "magic(x)", WAYS),
    "NaN": table("pu", ["NumTrueInteractions"], "log(-1-x)", WAYS),
    "infinite": table("pu", ["NumTrueInteractions"], "1/(x-30)", WAYS),
}
# Name of the file, content, whether it is sound.
FILES: dict[str, tuple[str, bytes | None, bool]] = {
    "plain": ("t.json", SOUND, True),
    "gzipped": ("t.json.gz", gzip.compress(SOUND), True),
    "gzipped, called plain": ("t.json", gzip.compress(SOUND), False),
    "plain, called gzipped": ("t.json.gz", SOUND, False),
    "truncated": ("t.json", SOUND[:200], False),
    "gzipped and truncated": ("t.json.gz", gzip.compress(SOUND)[:100], False),
    "missing": ("t.json", None, False),
    "empty": ("t.json", b"", False),
    "HTML": ("t.json", b"<!DOCTYPE html><html></html>", False),
    "LFS pointer": ("t.json.gz", LFS, False),
    "other JSON": ("t.json", b'{"1": [[1, 2]]}', False),
    "list": ("t.json", b"[1, 2]", False),
    "no tables": ("t.json", content(), False),
    "two tables": ("t.json", content(PILEUP, PILEUP | {"name": "pu2"}), False),
    "first schema": ("t.json", json.dumps(document(PILEUP) | {"schema_version": 1}).encode(), False),
    "nameless table": ("t.json", content({k: v for k, v in PILEUP.items() if k != "name"}), False),
    **{name: ("t.json", content(one), False) for name, one in WRONG.items()},
}


@fault(fast=4, case=FILES)
def pileup(case: tuple[str, bytes | None, bool]) -> Try:
    name, data, sound = case
    if data is not None:
        text(name, data)
    right = events(200, weight_scale=10 / 200) if sound else None
    return corrected({"pileup": {"file": name}}, simulated(), right, (name, "weight_pileup"))


@fault(value={"NaN": np.nan, "inf": np.inf, "negative": -1.0, "far away": 1e9})
def interactions(value: float) -> Try:
    """A broken number of interactions in one event: left out, or refused; what the table knows is right."""
    text("t.json", SOUND)
    columns = spoil(simulated(), "Pileup_nTrueInt", lambda v: v.__setitem__(5, value))
    right = events(200 if np.isfinite(value) else 199)
    return corrected({"pileup": {"file": "t.json"}}, columns, right, ("a.root", "weight_pileup"))


LEVELS = ["V1_MC_L1_AK8", "V1_MC_L2_AK8"]
JETS = {"file": "j.json", "algorithm": "AK8", "scale": "V1_MC", "levels": "L1L2"}


def jets(factor: str = "1.1", *more: dict[str, Any]) -> None:
    """The file of an era in which raw momenta are multiplied by ``factor``."""
    levels = [table(LEVELS[0], ["JetPt", "Rho"], "1+0*y"), table(LEVELS[1], ["JetPt"], f"{factor}+0*x")]
    both = {"name": "V1_MC_L1L2_AK8", "inputs": [variable(name) for name in ("JetA", "JetEta", "JetPt", "Rho")]}
    both |= {"output": variable("out"), "inputs_update": ["JetPt"], "input_op": "*", "output_op": "*", "stack": LEVELS}
    text("j.json", json.dumps(document(*levels, *more, compound=(both,))))


@fault(
    fast=2, factor={"its own": "1.1", "near": "1.109", "far": "1.3", "zero": "0", "negative": "-1.1", "NaN": "log(-1)"}
)
def era_of_the_file(factor: str) -> Try:
    jets(factor)
    right = events(200, weight_scale=10 / 200) if factor == "1.1" else None
    return corrected({"large_jet": JETS}, simulated(), right, ("a.root", "j.json"))


NAMES = {
    "campaign": {"scale": "V2_MC"},
    "algorithm": {"algorithm": "AK4"},
    "levels": {"levels": "L1L2L3Res"},
    "uncertainty": {"uncertainties": {"total": "Total"}},
    "resolution": {"resolution": "JR1"},
    "identification": {"identification": {"file": "j.json", "tight": "Tight"}},
}


@fault(change=NAMES)
def table_that_is_not_there(change: dict[str, Any]) -> Try:
    jets()
    return corrected({"large_jet": JETS | change}, simulated(), None, ("j.json", "FatJet_chHEF"))


@fault(branch=["FatJet_rawFactor", "FatJet_area", "fixedGridRhoFastjetAll", "Pileup_nTrueInt"])
def missing_branch_of_a_correction(branch: str) -> Try:
    jets()
    text("t.json", SOUND)
    columns = simulated()
    collection, _, field = branch.partition("_")
    if collection == "FatJet":
        del columns[collection][field]
    else:
        del columns[branch]
    corrections = {"large_jet": JETS, "pileup": {"file": "t.json"}}
    return corrected(corrections, columns, None, (branch, "Rho_fixedGridRhoFastjetAll"))


@fault(value={"NaN": np.nan, "inf": np.inf}, branch=["FatJet_rawFactor", "fixedGridRhoFastjetAll"])
def broken_input_of_a_correction(value: float, branch: str) -> Try:
    """Of one event: it is left out and counted, or the file is refused."""
    jets()
    place = (5, 0) if branch.startswith("FatJet") else 5
    columns = spoil(simulated(), branch, lambda v: v.__setitem__(place, value))
    return corrected({"large_jet": JETS}, columns, events(199), ("a.root", branch))


WEIGHTS = {
    "none": ("LHEScaleWeight", 0),
    "one": ("LHEScaleWeight", 1),
    "eight": ("LHEScaleWeight", 8),
    "nine": ("LHEScaleWeight", 9),
    "seven": ("LHEScaleWeight", 7),
    "one of the shower": ("PSWeight", 1),
    "four of the shower": ("PSWeight", 4),
    "three of the shower": ("PSWeight", 3),
    "one of the PDF": ("LHEPdfWeight", 1),
    "103 of the PDF": ("LHEPdfWeight", 103),
}


@fault(case=WEIGHTS, value=[1.0, np.nan, 0.0])
def generator_weights_of_sources(case: tuple[str, int], value: float) -> Try:
    """As many as a version has, dummies of one, or others; NaN in a weight is no weight."""
    import awkward as ak

    branch, number = case
    columns = simulated()
    weights = np.ones((200, number), np.float32)
    weights[5] = value
    columns[branch] = ak.from_regular(ak.Array(weights))
    asked = {
        "LHEScaleWeight": {"scale": True},
        "PSWeight": {"shower": {}},
        "LHEPdfWeight": {"pdf": {"kind": "replicas"}},
    }
    # One is NanoAOD's dummy, which nothing reads.
    broken = np.isnan(value) and number > 1
    right = events(199 if broken else 200)
    return corrected(asked[branch], columns, right, ("a.root", branch))


# --- data ---------------------------------------------------------------------------------------------------------

LINE = "trigger,run,section,prescale"
PRESCALES = {
    "sound": (f"{LINE}\nHLT_A,1,1,20\nHLT_A,1,2,10\n", True),
    "Windows": (f"{LINE}\r\nHLT_A,1,1,20\r\n", True),
    "Excel's": (f"\ufeff{LINE}\nHLT_A,1,1,20\n", True),
    "blanks": (f"{LINE}\nHLT_A, 1, 1, 20\n", True),
    "other columns": ("run,trigger,prescale\n1,HLT_A,20\n", False),
    "semicolons": (f"{LINE}\nHLT_A,1,1,20\n".replace(",", ";"), False),
    "other trigger": (f"{LINE}\nHLT_B,1,1,20\n", False),
    "other run": (f"{LINE}\nHLT_A,2,1,20\n", False),
    "later section": (f"{LINE}\nHLT_A,1,2,20\n", False),
    "zero": (f"{LINE}\nHLT_A,1,1,0\n", False),
    "negative": (f"{LINE}\nHLT_A,1,1,-20\n", False),
    "NaN": (f"{LINE}\nHLT_A,1,1,nan\n", False),
    "infinite": (f"{LINE}\nHLT_A,1,1,inf\n", False),
    "text": (f"{LINE}\nHLT_A,1,1,many\n", False),
    "short line": (f"{LINE}\nHLT_A,1,1\n", False),
    "long line": (f"{LINE}\nHLT_A,1,1,20,5\n", False),
    "two prescales of one section": (f"{LINE}\nHLT_A,1,1,20\nHLT_A,1,1,10\n", False),
    "header alone": (f"{LINE}\n", False),
    "empty": ("", False),
    "binary": (bytes(range(256)), False),
}


@fault(fast=4, case=PRESCALES)
def prescales(case: tuple[str | bytes, bool]) -> Try:
    """``HLT_A`` has fired in 100 events of run 1, sections 1 and 2."""
    table, sound = case
    text("p.csv", table)
    write_nano("a.root", nano())
    config = {"eras": {"e": {"trigger": ["HLT_A"], "prescales": "p.csv"}}}
    right = events(100) if sound else None
    return skim("a.root", right=right, refused="p.csv", dataset={"era": "e"}, config=config)


ORDERS = {
    "first": (["HLT_A", "HLT_C"], ["HLT_A"], 100),
    "second": (["HLT_A", "HLT_C"], ["HLT_C"], 100),
    "second, first in no file": (["HLT_none", "HLT_C"], ["HLT_C"], 200),
    "second, last in no file": (["HLT_C", "HLT_none"], ["HLT_C"], 200),
}


@fault(case=ORDERS)
def triggers_of_several_datasets(case: tuple[list[str], list[str], int | None]) -> Try:
    """``HLT_A`` fires in every other event, ``HLT_C`` always: an event is left to the first of the list."""
    order, own, number = case
    columns = nano() | {"HLT_C": np.ones(200, bool)}
    dataset = {"era": "e", "trigger": own}
    right = events(number) if number else None
    write_nano("a.root", columns)
    config = {"eras": {"e": {"trigger": order}}}
    return skim("a.root", right=right, refused=("a.root", "HLT_none"), dataset=dataset, config=config)


RUNS = {
    "its own": ({"V1_RunA": [1, 5]}, True),
    "another": ({"V1_RunA": [2, 5]}, False),
    "upside down": ({"V1_RunA": [5, 1]}, False),
    "none": ({}, False),
}


@fault(case=RUNS)
def runs_of_the_scale(case: tuple[dict[str, list[int]], bool]) -> Try:
    scale, sound = case
    simple = [table(f"V1_Run{run}_L2_AK8", ["JetPt"], "1.1+0*x") for run in "AB"]
    text("j.json", json.dumps(document(*simple)))
    large = {"file": "j.json", "algorithm": "AK8", "levels": "L2", "scale": scale}
    columns = simulated()
    del columns["genWeight"]
    write_nano("a.root", columns)
    config = {"eras": {"e": {"corrections": {"data": {"large_jet": large}}}}}
    right = events(200) if sound else None
    return skim("a.root", right=right, refused=("j.json", "scale"), dataset={"era": "e"}, config=config)
