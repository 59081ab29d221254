"""``resonaut report``: the figures and tables of a finished analysis, a command for each."""

from collections.abc import Callable, Sequence
from functools import cache
from inspect import Parameter, Signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from resonaut.report.figure import Figure

Folder = Annotated[Path, typer.Option(help="Folder of the figures and tables.")]


class Figures(TyperGroup):
    """The commands of this module, and one for each figure, which is made when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of all commands."""
        return [*super().list_commands(ctx), *_commands()]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name, or None."""
        return super().get_command(ctx, cmd_name) or _commands().get(cmd_name)


app = typer.Typer(cls=Figures, help="Draw the figures and write the final tables.", no_args_is_help=True)


def draw(name: str, modules: Sequence[Path], output: Path, given: dict[str, Any]) -> None:
    """Draw the figures of some modules into a folder, all of them or none.

    Args:
        name: of the list of what was written, by which another run knows its own files.
        modules: their files.
        output: the folder.
        given: what they read, by name; each takes what it declares.
    """
    from importlib import import_module

    from resonaut.core.files import folder

    with folder(output, name) as partial:
        for path in modules:
            module = import_module(f"resonaut.report.{path.parent.name}.{path.stem}")
            wanted = [*module.FIGURE.reads, *module.FIGURE.options]
            module.draw(partial, **{key: value for key, value in given.items() if key in wanted})


@cache
def _commands() -> dict[str, Any]:
    """The commands of all figures."""
    from resonaut.report import catalogue

    figures = typer.Typer(rich_markup_mode=None)
    for figure in catalogue.found().values():
        figures.command(figure.command)(_command(figure))
    group = typer.main.get_command(figures)
    assert isinstance(group, TyperGroup)
    return dict(group.commands)


def _command(figure: "Figure") -> Callable[..., None]:
    """The function behind a figure's command; the first of its inputs are arguments, all else are options."""

    def run(output: Path, **given: Any) -> None:
        draw(f"report_{figure.name}", [figure.path], output, given)

    parameters = [Parameter("output", Parameter.KEYWORD_ONLY, annotation=Folder)]
    for kind, inputs in ((Path, figure.reads), (str, figure.options)):
        for name, one in inputs.items():
            info = typer.Argument if name == next(iter(figure.reads)) else typer.Option
            text = f"{one.help.removesuffix('.')}; repeatable." if one.many and info is typer.Option else one.help
            default: Any = Parameter.empty if one.needed else [] if one.many else None
            of: Any = list[kind] if one.many else kind if one.needed else kind | None  # type: ignore[valid-type]
            annotation = Annotated[of, info(help=text)]
            parameters.append(Parameter(name, Parameter.KEYWORD_ONLY, annotation=annotation, default=default))
    run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    written = ", ".join(f"DIR/{output.name}" for output in figure.writes.values())
    run.__doc__ = f"{figure.text}\n\nWrites {written}, where DIR is the folder of --output."
    return run


@app.command()
def search(
    results: Annotated[
        list[Path], typer.Argument(help="<results>/fit/<method>/<window>.json of all fits, or one bare scan.json.")
    ],
    output: Folder,
    summary: Annotated[
        Path | None, typer.Option(help="<results>/fit/summary.json, for the global significances.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="<results>/config/report.json, for the label above the figures.")
    ] = None,
) -> None:
    """All figures and tables that need no more than fit results: those of a bare scan, or of a whole search."""
    from resonaut.report import catalogue

    given = {"results": results, "summary": summary, "config": config}
    figures = catalogue.found().values()
    modules = [figure.path for figure in figures if {"results"} <= {*figure.reads} <= {*given}]
    draw("search", modules, output, given)


@app.command()
def show(summary: Annotated[Path, typer.Option(help="<results>/report/summary.json")]) -> None:
    """Print each selection at its most significant mass, and the global significances, from summary.json."""
    from resonaut.report.fit.numbers import terminal_table

    print(terminal_table(summary))
    print(f"Plots and tables: {summary.parent}")
