"""Results between the stages that somebody changed by hand, or that belong to other events."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from commands import done, fine, freeze, load, scan, skim, text
from fault import Kind, Try
from inputs import nano, rows, table, write_nano

kind = Kind(
    "intermediates edited by hand", apart="a stage trusts what another stage wrote, and its checks are a courtesy"
)
fault = kind.fault

MANIFEST = "results/skim/d.json"
EVENTS = "results/skim/d/000.parquet"
SUMMARY = "results/skim/d/000.json"
WINDOW = {"signal_region": [1000, 1400], "sidebands": [[800, 1000], [1400, 1900]]}


def skimmed(*steps: int) -> list[list[str]]:
    """Run the first of chunk and merge here and now; the commands."""
    attempt = skim(write_nano("a.root", nano()), right=None, refused="")
    done(attempt, *steps)
    return attempt.commands


def cutflows() -> list[str]:
    return ["resonaut", "report", "cutflow", MANIFEST, "--output", "out"]


def selection() -> list[str]:
    problem = freeze({"datasets": {"d": {"nature": "data", "files": ["a.root"]}}, "select": {"windows": {"w": WINDOW}}})
    if problem:
        raise RuntimeError(problem[-1])
    options = ["--config", "frozen/select.json", "--method", "inclusive", "--window", "w", "--data", MANIFEST]
    return ["resonaut", "select", "train", *options, "--output", "results/select/inclusive/w.json"]


def edit(path: str, changes: dict[str, Any]) -> None:
    content = load(path) | changes
    text(path, json.dumps({k: v for k, v in content.items() if v is not Ellipsis}))


MANIFESTS = {
    "events": {"events": 100},
    "events NaN": {"events": float("nan")},
    "events null": {"events": None},
    "events negative": {"events": -5},
    "no chunks": {"chunks": []},
    "other chunk": {"chunks": ["007"]},
    "chunk twice": {"chunks": ["000", "000"]},
    "chunk elsewhere": {"chunks": ["../../../a"]},
    "chunks null": {"chunks": None},
    "luminosity NaN": {"luminosity": float("nan")},
    "luminosity text": {"luminosity": "20"},
    "scale infinite": {"weight_scale": float("inf")},
    "scale null": {"weight_scale": None},
    "name": {"name": "x"},
    "nature": {"nature": "king"},
    "key unknown": {"nothing": 1},
    "key missing": {"chunks": Ellipsis},
    "cutflow null": {"cutflow": None},
    "cutflow odd": {"cutflow": [{"cut": 1}]},
    "lost odd": {"lost": 5},
}


@fault(changes=MANIFESTS, reader=["select", "report"])
def manifest(changes: dict[str, Any], reader: str) -> Try:
    skimmed(0, 1)
    edit(MANIFEST, changes)
    command = selection() if reader == "select" else cutflows()
    # The report of the cutflow reads no events.
    right = fine if reader == "report" else None
    return Try([command], right, ("d.json", "000.parquet", "007", "results/skim", MANIFEST))


SUMMARIES = {
    "selected": {"selected": 5},
    "events NaN": {"events": float("nan")},
    "events text": {"events": "many"},
    "generated": {"generated": [0, 0]},
    "generated NaN": {"generated": [1, float("nan")]},
    "generated short": {"generated": [1]},
    "lost": {"lost": [{"file": "x", "reason": "y", "events": float("nan")}]},
    "lost odd": {"lost": [{}]},
    "cutflow empty": {"cutflow": []},
    "cutflow odd": {"cutflow": [{"cut": "x"}]},
    "files 0": {"files": 0},
    "chunk": {"chunk": "007"},
    "key unknown": {"nothing": 1},
    "key missing": {"cutflow": Ellipsis},
}


@fault(changes=SUMMARIES)
def summary(changes: dict[str, Any]) -> Try:
    commands = skimmed(0)
    edit(SUMMARY, changes)
    unused = {"generated", "selected", "files", "chunk"} & set(changes)
    sound = fine if unused and changes != SUMMARIES["generated short"] else None
    return Try(commands[1:], sound, ("000.json", "d:", "007", "datasets.d"))


TEXTS = {
    "empty": b"",
    "null": b"null",
    "list": b"[]",
    "number": b"5",
    "half": b'{"events": 5',
    "not UTF-8": b"\xff\xfe{}",
    "HTML": b"<html>",
    "NaN": b"NaN",
    "deep": b"[" * 9999,
}


@fault(content=TEXTS, path=[MANIFEST, SUMMARY, "frozen/skim.json", "frozen/select.json"])
def other_text(content: bytes, path: str) -> Try:
    commands = skimmed(0, 1)
    command = {MANIFEST: selection(), "frozen/select.json": selection(), SUMMARY: commands[1]}.get(path, commands[0])
    text(path, content)
    return Try([command], None, (path,))


@fault(path=[MANIFEST, SUMMARY, EVENTS, "frozen/skim.json", "frozen/select.json"])
def missing(path: str) -> Try:
    commands = skimmed(0, 1)
    command = {SUMMARY: commands[1], "frozen/skim.json": commands[0]}.get(path, selection())
    Path(path).unlink()
    return Try([command], None, (path, "000.parquet"))


@fault(fraction=[0, 0.001, 0.1, 0.5, 0.9, 0.99, 0.9999])
def truncated_events(fraction: float) -> Try:
    skimmed(0, 1)
    content = Path(EVENTS).read_bytes()
    text(EVENTS, content[: int(len(content) * fraction)])
    return Try([selection()], None, (EVENTS,))


EDITS: dict[str, Callable[[Any], Any]] = {
    "fewer rows": lambda t: t.slice(0, 100),
    "rows twice": lambda t: __import__("pyarrow").concat_tables([t, t]),
    "no rows": lambda t: t.slice(0, 0),
    "no m_jj": lambda t: t.drop_columns(["m_jj"]),
    "no key": lambda t: t.drop_columns(["event"]),
    "m_jj text": lambda t: t.set_column(t.column_names.index("m_jj"), "m_jj", [["x"] * len(t)]),
    "m_jj NaN": lambda t: t.set_column(t.column_names.index("m_jj"), "m_jj", [np.full(len(t), np.nan, np.float32)]),
    "m_jj null": lambda t: t.set_column(t.column_names.index("m_jj"), "m_jj", [[None] * len(t)]),
    "m_jj negative": lambda t: t.set_column(t.column_names.index("m_jj"), "m_jj", [np.full(len(t), -5, np.float32)]),
}


@fault(edit=EDITS)
def events_edited(edit: Callable[[Any], Any]) -> Try:
    import pyarrow.parquet as pq

    skimmed(0, 1)
    pq.write_table(edit(pq.read_table(EVENTS)), EVENTS)
    return Try([selection()], None, (EVENTS, MANIFEST, "000.parquet", "m_jj", "w:"))


# --- results of the fit, read by the report -----------------------------------------------------------------------

SCANS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "empty": lambda s: {},
    "list": lambda s: [s],
    "no scan": lambda s: s.pop("scan"),
    "empty scan": lambda s: s.update(scan=[]),
    "scan null": lambda s: s.update(scan=None),
    "mass text": lambda s: s["scan"][0].update(mass="4000"),
    "mass NaN": lambda s: s["scan"][0].update(mass=float("nan")),
    "p negative": lambda s: s["scan"][0].update(p_local=-1.0),
    "p null": lambda s: s["scan"][0].update(p_local=None),
    "no limits": lambda s: s["scan"][0].pop("limit_events"),
    "sqrt_s null": lambda s: s.update(sqrt_s=None),
    "unknown key": lambda s: s.update(nothing=5),
    "no background": lambda s: s.pop("background"),
}


@fault(change=SCANS, command=["search", "summary"])
def scan_result(change: Callable[[dict[str, Any]], Any], command: str) -> Try:
    done(scan(text("s.csv", table(rows())), right=None, refused=""))
    content = load("out/scan.json")
    changed = change(content)
    text("out/scan.json", json.dumps(changed if isinstance(changed, list) or changed == {} else content))
    report = ["resonaut", "report", "search", "out/scan.json", "--output", "out"]
    commands = (
        [report]
        if command == "search"
        else [["resonaut", "fit", "summary", "out/scan.json", "--output", "out/summary.json"]]
    )
    return Try(commands, fine if "nothing" in content else None, ("out/scan.json", "fit result"), limit=60)


REPORTS = (
    "cutflow",
    "taggers",
    "lund-planes",
    "observables",
    "scale-factors",
    "reweighting",
    "search",
    "injections",
    "images",
    "bias",
    "summary",
)


@fault(
    command=REPORTS,
    content={"object": b"{}", "list": b"[]", "null": b"null", "broken": b"{", "number keys": b'{"1": {"2": 3}}'},
)
def report_of_something_else(command: str, content: bytes) -> Try:
    return Try([["resonaut", "report", command, text("x.json", content), "--output", "out"]], None, ("x.json",))
