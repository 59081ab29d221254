"""The house: stages import the shared rooms below them, and of each other no more than what they write: ``results``."""

import ast
from collections import defaultdict
from pathlib import Path

import resonaut

PACKAGE = Path(resonaut.__file__).parent
FLOORS = {"core": 0, "physics": 1, "learn": 1}
RESULTS, STAGES = 2, 3


def floor(room: str) -> float:
    """Above the shared rooms the results of the stages, and above these the stages."""
    return RESULTS if room.endswith(".results") else FLOORS.get(room, STAGES)


def imported(path: Path) -> set[str]:
    """The modules of this package that a file imports, in whatever scope."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.startswith("resonaut.")}


def target_of(name: str) -> str:
    """The room of a module, or the results of a stage."""
    room, *rest = name.split(".")[1:]
    return f"{room}.results" if rest[:1] == ["results"] and room not in FLOORS else room


def arrows() -> dict[str, dict[str, set[str]]]:
    """For each room the rooms that it imports, and the files that do; ``select.results`` is what ``select`` writes."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for path in PACKAGE.rglob("*.py"):
        room, *rest = path.relative_to(PACKAGE).parts
        if rest:
            # A stage's results stand between the stages and the rooms below.
            here = f"{room}.results" if rest[0] in ("results", "results.py") else room
            for target in {target_of(name) for name in imported(path)} - {room, here}:
                found[here][target].add("/".join([room, *rest]))
    return found


def test_no_arrow_runs_up_or_across() -> None:
    found = arrows()
    for room in sorted(found):
        print(f"{room} imports {', '.join(sorted(found[room]))}")
    wrong = {
        f"{room} imports {target} in {sorted(files)}"
        for room, targets in found.items()
        for target, files in targets.items()
        if floor(target) >= floor(room) and not floor(target) == floor(room) == RESULTS
    }
    assert not wrong


def test_no_circle_of_modules() -> None:
    files = {
        ".".join(["resonaut", *path.relative_to(PACKAGE).with_suffix("").parts]): path for path in PACKAGE.rglob("*.py")
    }
    files = {name.removesuffix(".__init__"): path for name, path in files.items()}
    todo = {name: (imported(path) & files.keys()) - {name} for name, path in files.items()}
    # Modules that import nothing of the rest are taken away until nothing is left.
    while free := {name for name, targets in todo.items() if not targets}:
        todo = {name: targets - free for name, targets in todo.items() if name not in free}
    assert not todo
