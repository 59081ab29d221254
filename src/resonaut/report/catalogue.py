"""The figures by name, and their files in an analysis. Imports nothing heavy."""

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

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


def files(analysis: "Analysis", figure: Figure, output: Output) -> list[tuple[str, dict[str, Any]]]:
    """The path of each file of an output, and its place in Snakemake's report, as ``report`` there takes it."""
    if output.each is None:
        return [(_path(output.name), _place(figure, output, output.labels))]
    source, ending = output.each
    fields = [_fields(ending, path) for path in given(analysis, figure.reads[source])]
    labels = [{key: text.format(**own) for key, text in output.labels.items()} for own in fields]
    paths = [_path(output.name.format(**own)) for own in fields]
    return [(path, _place(figure, output, own)) for path, own in zip(paths, labels, strict=True)]


def _path(name: str) -> str:
    return f"<results>/report/{name}"


def _place(figure: Figure, output: Output, labels: Mapping[str, str]) -> dict[str, Any]:
    """Category, labels and caption of a file; nothing for one that is not shown."""
    if not output.shown:
        return {}
    return {
        "category": figure.category,
        "subcategory": figure.subcategory,
        "labels": dict(labels) or None,
        "caption": figure.caption(output),
        "patterns": [output.inside] if output.inside else [],
    }


def _fields(ending: str, path: str) -> dict[str, str]:
    """The parts of a path that ends as ``{method}/{window}.json``."""
    pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(ending))
    match = re.search(rf"/{pattern}$", path)
    if match is None:
        raise ValueError(f"{path} does not end as {ending}")
    return match.groupdict()


def words(
    analysis: "Analysis", figure: Figure, read: Mapping[str, Sequence[str]], place: Callable[[str], str]
) -> list[str]:
    """The words of a figure's command: its name, the folder of the report, options and arguments.

    Args:
        analysis: gives the values of the options.
        figure: one of ``found``.
        read: the paths of its inputs, by name.
        place: puts the folders of the analysis for the path variables of a text.
    """
    values = {name: read.get(name, []) for name in figure.reads}
    values |= {name: list(map(place, given(analysis, one))) for name, one in figure.options.items()}
    arguments, *others = values
    options = [f"--{name.replace('_', '-')}={value}" for name in others for value in values[name]]
    return [figure.command, f"--output={place(_path('')).rstrip('/')}", *options, *values[arguments]]
