"""Which source files a job's result depends on: a static closure over the imports, of this package and of others'."""

import ast
import functools
from collections.abc import Iterable
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
# The fields of a syntax tree's node that hold statements, or what holds some.
BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


# A rule with many jobs asks for each.
@functools.cache
def command_code(verb: str, command: str, *modules: str) -> list[str]:
    """Paths, relative to the package's folder, of what ``resonaut <verb> <command>`` runs.

    That is the stage's ``cli.py``, and every module that the command's function imports, or a function there that it
    calls; to which come the ``modules`` that it finds by name, such as ``select/methods/cwola/method.py``. Nothing is
    executed: the imports are read from the syntax trees, those inside functions too. The package's own ``__init__`` and
    the command dispatcher are left out: no result depends on them.
    """
    path = PACKAGE / verb / "cli.py"
    tree = _tree(path)
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
    # To import a module is to run the __init__ files above it.
    above = [found for module in modules for found in _module_files((*Path(module).parts[:-1], "__init__"), PACKAGE)]
    return sorted({f"{verb}/cli.py"} | closure([*first, *modules, *above]))


def closure(modules: Iterable[str]) -> set[str]:
    """The modules and all that they import of this package and of their own, and what that imports, and so on."""
    todo, seen = list(modules), set()
    while todo:
        path = todo.pop()
        if path not in seen:
            seen.add(path)
            todo += _imports_of(PACKAGE / path)
    return seen


# A workflow asks for the same files in many rules.
@functools.cache
def _imports_of(path: Path) -> list[str]:
    """What a file imports."""
    return _imports(ast.parse(path.read_text(), str(path)), path)


@functools.cache
def _tree(path: Path) -> ast.Module:
    """The syntax tree of a file with commands."""
    return ast.parse(path.read_text(), str(path))


def _imports(tree: ast.AST, path: Path) -> list[str]:
    """Module files named by the import statements of a syntax tree: of this package, and of that which has ``path``."""
    found, todo, home = [], [tree], _home(path)
    packages = {package.name: package for package in (home, PACKAGE)}
    while todo:
        node = todo.pop()
        # What is imported for type checkers alone does not run. No expression holds an import.
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            todo += (inside for block in BLOCKS for inside in getattr(node, block, ()))
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = path.relative_to(home.parent).parts[: -node.level] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            names = [f"{module}.{alias.name}" for alias in node.names] + [module]
        else:
            continue
        for name in names:
            top, *parts = name.split(".")
            if parts and top in packages:
                found += _module_files(tuple(parts), packages[top])
    return found


def _home(path: Path) -> Path:
    """The outermost package that a file is in, or its folder."""
    folder = path.parent
    while (folder.parent / "__init__.py").is_file():
        folder = folder.parent
    return folder


@functools.cache
def _module_files(parts: tuple[str, ...], package: Path) -> list[str]:
    """The file of a dotted module and the ``__init__`` files above it, where they exist; those of others absolute."""
    candidates = [Path(*parts).with_suffix(".py")]
    candidates += [Path(*parts[:n], "__init__.py") for n in range(1, len(parts) + 1)]
    there = [c for c in candidates if (package / c).is_file()]
    return [(c if package == PACKAGE else package / c).as_posix() for c in there]
