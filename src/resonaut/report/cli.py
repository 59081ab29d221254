"""``resonaut report``: the figures and tables of a finished analysis."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Draw the figures and write the final tables.", no_args_is_help=True)

Config = Annotated[Path, typer.Option(help="<results>/config/report.json")]
Plot = Annotated[Path, typer.Option(help="The figure (PNG).")]


@app.command()
def cutflows(
    manifests: Annotated[list[Path], typer.Argument(help="<results>/skim/<dataset>.json of every dataset.")],
    table: Annotated[Path, typer.Option(help="The events after each cut, as CSV.")],
    plot: Plot,
) -> None:
    """Events after each cut of each dataset: reads manifests, writes a CSV table and a figure."""
    from resonaut.report import inputs

    inputs.cutflows(manifests, table, plot)


@app.command()
def tagger(
    summaries: Annotated[list[Path], typer.Argument(help="<results>/tag/<network>.json of every network.")], plot: Plot
) -> None:
    """ROC curves of the taggers: reads the networks' summaries, writes a figure."""
    from resonaut.report import inputs

    inputs.tagger_roc(summaries, plot)


@app.command()
def lund(planes: Annotated[Path, typer.Argument(help="<results>/calibrate/planes.json")], plot: Plot) -> None:
    """Lund planes of W jets and their ratio: reads planes.json, writes a figure."""
    from resonaut.report import inputs

    inputs.lund_planes(planes, plot)


@app.command()
def reweighting(closure: Annotated[Path, typer.Argument(help="<results>/reweight/closure.json")], plot: Plot) -> None:
    """Data and simulation before and after reweighting: reads closure.json, writes a figure."""
    from resonaut.report import inputs

    inputs.reweighting(closure, plot)


@app.command()
def spectrum(
    result: Annotated[Path, typer.Argument(help="<results>/fit/<method>/<window>.json")], config: Config, plot: Plot
) -> None:
    """A selected spectrum with its fits and pulls: reads one fit result, writes a figure."""
    from resonaut import config as frozen
    from resonaut.report import search
    from resonaut.report.settings import Settings

    search.spectrum(result, frozen.read(config, Settings).label, plot)


@app.command()
def scan(
    results: Annotated[list[Path], typer.Argument(help="<results>/fit/<method>/<window>.json of all fits.")],
    config: Config,
    p_values: Annotated[Path, typer.Option(help="Figure of the local p-values (PNG).")],
    limits: Annotated[Path, typer.Option(help="Figure of the limits (PNG).")],
) -> None:
    """The p-value scan and the limit bands: reads all fit results, writes two figures."""
    from resonaut import config as frozen
    from resonaut.report import search
    from resonaut.report.settings import Settings

    label = frozen.read(config, Settings).label
    search.p_values(results, label, p_values)
    search.limits(results, label, limits)


@app.command()
def tables(
    fits: Annotated[Path, typer.Argument(help="<results>/fit/summary.json")],
    summary: Annotated[Path, typer.Option(help="The final numbers as JSON, one object per selection and mass.")],
    table: Annotated[Path, typer.Option(help="The same as CSV.")],
) -> None:
    """The final numbers: reads the fit's summary, writes JSON and CSV."""
    from resonaut.report import tables as final

    final.summarise(fits, summary, table)


@app.command()
def show(summary: Annotated[Path, typer.Option(help="<results>/report/summary.json")]) -> None:
    """Print each selection at its most significant mass: reads summary.json, writes to the terminal."""
    from resonaut.report import tables as final

    print(final.terminal_table(summary))
    print(f"Plots and tables: {summary.parent}")
