"""Which source files a stage's result depends on: a static closure over the package's imports."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def stage_code(verb: str) -> list[str]:
    """Paths, relative to the package's folder, of every module that the stage ``verb`` imports.

    Nothing is executed: the imports are read from the syntax trees, those inside functions too.
    The package's own ``__init__``, the command dispatcher and a stage's ``plan.py``, which only refuses
    configurations, are left out: no result depends on them.
    """
    modules = [path for path in (PACKAGE / verb).glob("*.py") if path.name != "plan.py"]
    todo = [path.relative_to(PACKAGE).as_posix() for path in modules]
    if not todo:
        raise ValueError(f"no stage {verb!r} in {PACKAGE.name}")
    seen: set[str] = set()
    while todo:
        path = todo.pop()
        if path not in seen:
            seen.add(path)
            todo.extend(_imports(PACKAGE / path))
    return sorted(seen)


def _imports(path: Path) -> list[str]:
    """Module files of this package named by the import statements of one file."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"{path}:{node.lineno}: relative import; write it absolute")
            names = [f"{node.module}.{alias.name}" for alias in node.names] + [str(node.module)]
        else:
            continue
        for name in names:
            if name.startswith(f"{PACKAGE.name}."):
                found += _module_files(name.split(".")[1:])
    return found


def _module_files(parts: list[str]) -> list[str]:
    """The file of a dotted module and the ``__init__`` files above it, where they exist."""
    candidates = [Path(*parts).with_suffix(".py")]
    candidates += [Path(*parts[:n], "__init__.py") for n in range(1, len(parts) + 1)]
    return [c.as_posix() for c in candidates if (PACKAGE / c).is_file()]
