"""Try every fault of the catalogue on a checkout and print the table: ``python tests/faults/run.py``.

The commands are the user's, ``resonaut …`` and ``snakemake …``. To be quick they run in forks of a process that has
the libraries loaded, each in a folder of its own with its own HOME; a marked part runs in real processes.
"""

import argparse
import fnmatch
import gc
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
PARTS = ("Snakefile", "workflow", "src", "config", "pyproject.toml", "envs")
THREADS = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA")}
COLUMNS = ("right", "refused", "unclear", "wrong", "lost", "code", "hang", "stray")
TITLES = {"wrong": "wrong in silence"}
# The share of unclear messages that is tolerated.
UNCLEAR = 0.02


@dataclass(frozen=True)
class Result:
    """One line of the list."""

    kind: str
    name: str
    commands: list[str]
    word: str
    why: str
    seconds: float


def main() -> int:
    """Parse the options, try, print; the exit code says whether all is well."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tree", type=Path, default=HERE.parents[1], help="checkout to try, with its .venv")
    parser.add_argument("--workers", type=int, default=2, help="tries at the same time")
    parser.add_argument("--only", default="*", help="pattern of kind/name")
    parser.add_argument("--fast", action="store_true", help="only the part for make test")
    parser.add_argument("--every", type=int, default=1, help="only every n-th try")
    parser.add_argument("--list", type=Path, help="also write every try and its outcome, as JSON lines")
    options = parser.parse_args()
    python = options.tree.resolve() / ".venv/bin/python"
    if "FAULTS_CLONE" not in os.environ:
        return _restart(options.tree.resolve(), python)
    began = time.monotonic()
    results = []
    with (options.list or Path(os.devnull)).open("w", buffering=1) as stream:
        for result in run(options.only, options.fast, options.every, options.workers):
            results.append(result)
            print(json.dumps(vars(result)), file=stream)
    return report(results, time.monotonic() - began)


def _restart(tree: Path, python: Path) -> int:
    """Run again with the tried checkout's Python on a copy of its source, which no fault can then harm."""
    with tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as scratch:
        clone = Path(scratch, "clone")
        clone.mkdir()
        for part in PARTS:
            source = tree / part
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, clone / part)
        home = Path(scratch, "home")
        home.mkdir()
        environment = (
            os.environ
            | THREADS
            | {
                "FAULTS_CLONE": str(clone),
                "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
                "PYTHONPATH": f"{clone / 'src'}",
                "HOME": str(home),
            }
        )
        environment.pop("RESONAUT_REFERENCE_DATA", None)
        return subprocess.run([python, __file__, *sys.argv[1:]], env=environment, check=False).returncode


def run(only: str, fast: bool, every: int, workers: int) -> Iterator[Result]:
    """Make the tries whose ``kind/name`` fits the pattern, in the catalogue's order."""
    import catalogue  # noqa: F401
    import fault

    _compile()
    _load()
    # The forks share what is loaded, rather than copy it at the first collection.
    gc.freeze()
    chosen = [
        number
        for number, one in enumerate(fault.CATALOGUE)
        if fnmatch.fnmatchcase(f"{one.kind}/{one.name}", only) and one.fast >= fast
    ][::every]
    running: dict[int, Path] = {}
    waiting = iter(chosen)
    for done in range(1, len(chosen) + 1):
        for number in itertools.islice(waiting, workers - len(running)):
            pid, path = _begin(number)
            running[pid] = path
        path = running.pop(os.wait()[0])
        if sys.stderr.isatty():
            print(f"\r{done} of {len(chosen)} ", end="", file=sys.stderr)
        yield Result(**json.loads(path.read_text()))


def _begin(number: int) -> tuple[int, Path]:
    """Make one try in a fork; its process, and the file that will hold the result.

    A fork of the main thread, as libraries keep their settings by thread.
    """
    path = Path(os.environ["FAULTS_CLONE"]).parent / f"{number}.json"
    pid = os.fork()
    if not pid:
        try:
            path.write_text(json.dumps(vars(attempt(number))))
        finally:
            os._exit(0)
    return pid, path


def _compile() -> None:
    """Compile the fit, for which the clock of the tries is not: it takes a minute where much else runs."""
    from inputs import rows, table

    with tempfile.TemporaryDirectory(dir=Path(os.environ["FAULTS_CLONE"]).parent) as folder:
        Path(folder, "s.csv").write_text(table(rows()))
        command = "resonaut fit scan --spectrum s.csv --set toys=0 --sqrt-s 13000 --masses 4000:4000:100 --output out"
        subprocess.run(command.split(), cwd=folder, capture_output=True, check=False)


def _load() -> None:
    """Import what the commands import, once."""
    import importlib

    modules = ("pandas", "tables", "h5py", "uproot", "hist", "pyhf")
    modules += ("correctionlib", "matplotlib.pyplot", "mplhep", "hepdata_lib", "scipy.stats", "snakemake.cli", "torch")
    for name in (
        *modules,
        "resonaut.cli",
        "resonaut.skim.formats.nanoaod.reader",
        "resonaut.skim.formats.lhco_raw.reader",
        "resonaut.fit.bare",
    ):
        importlib.import_module(name)


def attempt(number: int) -> Result:
    """Prepare and make one try in a new folder, and judge what came of it."""
    import fault
    import outcome
    from execute import execute

    one = fault.CATALOGUE[number]
    root = Path(tempfile.mkdtemp(prefix=f"{number:04d}-", dir=Path(os.environ["FAULTS_CLONE"]).parent))
    work = root / "work"
    began = time.monotonic()
    for folder in (work, root / "home", root / "tmp"):
        folder.mkdir()
    os.chdir(work)
    commands: list[str] = []
    try:
        with warnings.catch_warnings(action="ignore"):
            prepared = one.prepare(**one.arguments)
        commands = [" ".join(command) for command in prepared.commands]
        before = outcome.snapshot(root)
        ran = []
        for command in prepared.commands:
            ran.append(execute(command, prepared, root))
            if ran[-1].code != 0:
                break
        found = outcome.judge(prepared, ran, before, outcome.snapshot(root))
        if prepared.needs and found.word not in outcome.GOOD and prepared.needs in ran[-1].stderr:
            found = outcome.Outcome("refused", f"this version lacks {prepared.needs}")
    except Exception:
        found = outcome.Outcome("broken", traceback.format_exc().splitlines()[-1])
        if "FAULTS_DEBUG" in os.environ:
            traceback.print_exc()
    os.chdir("/")
    if "FAULTS_DEBUG" in os.environ:
        print(root, found, *(getattr(r, "stderr", "") for r in locals().get("ran", [])), sep="\n")
    else:
        shutil.rmtree(root, ignore_errors=True)
    return Result(one.kind, one.name, commands, found.word, found.why, round(time.monotonic() - began, 2))


def report(results: list[Result], seconds: float) -> int:
    """Print the table, everything that is not as it should be, and the totals as JSON; 1 where something is bad."""
    import fault
    import outcome

    order = {(one.kind, one.name): number for number, one in enumerate(fault.CATALOGUE)}
    results = sorted(results, key=lambda result: order[result.kind, result.name])
    kinds = list(dict.fromkeys(result.kind for result in results))
    words = [*COLUMNS, *(("broken",) if any(r.word == "broken" for r in results) else ())]
    print("| kind | tries | " + " | ".join(TITLES.get(word, word) for word in words) + " |")
    print("|---|" + "---:|" * (len(words) + 1))
    for kind in kinds:
        counts = Counter(result.word for result in results if result.kind == kind)
        name = kind + (" (apart)" if fault.KINDS[kind].apart else "")
        print(f"| {name} | {counts.total()} | " + " | ".join(str(counts[word]) for word in words) + " |")
    counted = [result for result in results if not fault.KINDS[result.kind].apart]
    totals = Counter(result.word for result in counted)
    print(f"| **all** | {totals.total()} | " + " | ".join(str(totals[word]) for word in words) + " |")
    for kind in filter(lambda kind: fault.KINDS[kind].apart, kinds):
        print(f"\napart: {kind}: {fault.KINDS[kind].apart}")
    for result in (result for result in results if result.word not in outcome.GOOD):
        print(f"\n{result.word.upper()}  {result.kind}/{result.name}  ({result.seconds:g} s)")
        print(*(f"    $ {command}" for command in result.commands), f"    {result.why}", sep="\n")
    bad = sum(totals[word] for word in (*outcome.BAD, "broken")) > 0
    bad |= totals["unclear"] > UNCLEAR * max(totals.total(), 1)
    print(json.dumps({"tries": totals.total(), **{word: totals[word] for word in words}, "seconds": round(seconds)}))
    return int(bad)


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    sys.exit(main())
