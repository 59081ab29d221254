"""Which source files a job's result depends on: a static closure over the package's imports."""

import ast
import functools
from collections.abc import Iterable
from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def command_code(verb: str, command: str, *modules: str) -> list[str]:
    """Paths, relative to the package's folder, of what ``resonaut <verb> <command>`` runs.

    That is the stage's ``cli.py``, and every module that the command's function imports, or a function there that it
    calls; to which come the ``modules`` that it finds by name, such as ``select/methods/cwola/method.py``. Nothing is
    executed: the imports are read from the syntax trees, those inside functions too. The package's own ``__init__`` and
    the command dispatcher are left out: no result depends on them.
    """
    path = PACKAGE / verb / "cli.py"
    tree = ast.parse(path.read_text(), str(path))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    todo, reached = [command.replace("-", "_")], [node for node in tree.body if not isinstance(node, ast.FunctionDef)]
    while todo:
        function = functions.pop(todo.pop(), None)
        if function is not None:
            reached.append(function)
            todo += [node.id for node in ast.walk(function) if isinstance(node, ast.Name)]
    if len(functions) == sum(isinstance(node, ast.FunctionDef) for node in tree.body):
        raise ValueError(f"no command {command!r} in {path}")
    first = [name for statement in reached for name in _imports(statement, path)]
    return sorted({f"{verb}/cli.py"} | closure([*first, *modules]))


def closure(modules: Iterable[str]) -> set[str]:
    """The modules and all that they import, and what that imports, and so on."""
    todo, seen = list(modules), set()
    while todo:
        path = todo.pop()
        if path not in seen:
            seen.add(path)
            todo += _imports_of(PACKAGE / path)
    return seen


@functools.cache
def _imports_of(path: Path) -> list[str]:
    """Module files of this package that a file imports; a workflow asks for the same ones in many rules."""
    return _imports(ast.parse(path.read_text(), str(path)), path)


def _imports(tree: ast.AST, path: Path) -> list[str]:
    """Module files of this package named by the import statements of a syntax tree, which is part of ``path``."""
    found = []
    for node in ast.walk(tree):
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
