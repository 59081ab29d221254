"""The figures by name, and their files in an analysis. Imports nothing heavy."""

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from resonaut.core import stages
from resonaut.report import figure as declaration
from resonaut.report.figure import Figure, Input, Output

if TYPE_CHECKING:
    from resonaut.core.analysis import Analysis

ROOMS = Path(__file__).parent


@cache
def found() -> dict[str, Figure]:
    """All figures, in the order of the stages."""
    rooms = [*stages.verbs(), "all"]
    paths = sorted(ROOMS.glob("*/*.py"), key=lambda path: (rooms.index(path.parent.name), path.name))
    return {figure.name: figure for path in paths if (figure := declared(path)) is not None}


def declared(path: Path) -> Figure | None:
    """The figure that a module declares, or None; the declaration alone is evaluated, and nothing else of the module.

    Raises:
        ValueError: it uses names that are not of ``resonaut.report.figure``.
    """
    tree = ast.parse(path.read_text(), str(path))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "FIGURE":
            expression = compile(ast.Expression(node.value), str(path), "eval")
            try:
                made: Figure = eval(expression, dict(vars(declaration)))
            except NameError as error:
                raise ValueError(f"{path}:{node.lineno}: {error}; use names of {declaration.__name__} only") from None
            return replace(made, path=path, text=ast.get_docstring(tree) or "")
    return None


def given(analysis: "Analysis", one: Input) -> list[str]:
    """The files or values of an input in an analysis."""
    values: list[str] = stages.plans()[one.verb].GIVES[one.name](analysis)
    return values


def wanted(analysis: "Analysis") -> list[Figure]:
    """The figures that the analysis has all inputs for, without those that are made on request."""
    return [figure for figure in found().values() if not figure.on_request and _possible(analysis, figure)]


def _possible(analysis: "Analysis", figure: Figure) -> bool:
    needed = [one for one in figure.reads.values() if one.needed]
    return all(analysis.uses(one.verb) and given(analysis, one) for one in needed)


def files(analysis: "Analysis", figure: Figure, output: Output) -> list[tuple[str, dict[str, str]]]:
    """The path of each file of an output, and its labels."""
    if output.each is None:
        return [(f"<results>/report/{output.name}", dict(output.labels))]
    source, ending = output.each
    fields = [_fields(ending, path) for path in given(analysis, figure.reads[source])]
    return [
        (
            f"<results>/report/{output.name.format(**own)}",
            {key: text.format(**own) for key, text in output.labels.items()},
        )
        for own in fields
    ]


def _fields(ending: str, path: str) -> dict[str, str]:
    """The parts of a path that ends as ``{method}/{window}.json``."""
    pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(ending))
    match = re.search(rf"/{pattern}$", path)
    if match is None:
        raise ValueError(f"{path} does not end as {ending}")
    return match.groupdict()


def words(figure: Figure, values: Mapping[str, Sequence[str]]) -> list[str]:
    """The arguments and options of a figure's command for the ``values`` of its inputs and options."""
    first, *others = [*figure.reads, *figure.options]
    options = [f"--{name.replace('_', '-')}={value}" for name in others for value in values.get(name, [])]
    return [*options, *values[first]]
