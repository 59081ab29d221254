"""``resonaut report``: the figures and tables of a finished analysis."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Draw the figures and write the final tables.", no_args_is_help=True)

Plot = Annotated[Path, typer.Option(help="The figure (PNG).")]
Configuration = Annotated[
    Path | None, typer.Option(help="<results>/config/report.json, for the label and the energy above the figures.")
]
Shown = Annotated[
    list[Path], typer.Option(help="<results>/skim/<dataset>.json of the data shown, for the luminosity; repeatable.")
]


@app.command()
def cutflows(
    manifests: Annotated[list[Path], typer.Argument(help="<results>/skim/<dataset>.json of every dataset.")],
    table: Annotated[Path, typer.Option(help="The events after each cut, as CSV.")],
    plot: Plot,
    config: Configuration = None,
) -> None:
    """Events after each cut of each dataset: reads manifests, writes a CSV table and a figure."""
    from resonaut.core.files import distinct
    from resonaut.report import settings
    from resonaut.report.skim import cutflow

    distinct(manifests, [table, plot])
    cutflow.cutflows(manifests, settings.of_data(config), table, plot)


@app.command()
def tagger(
    summaries: Annotated[list[Path], typer.Argument(help="<results>/tag/<network>.json of every network.")],
    plot: Plot,
    config: Configuration = None,
) -> None:
    """ROC curves of the taggers: reads the networks' summaries, writes a figure."""
    from resonaut.core.files import distinct
    from resonaut.report import settings
    from resonaut.report.tag import taggers

    distinct(summaries, [plot])
    taggers.tagger_roc(summaries, settings.of_simulation(config), plot)


@app.command()
def lund(
    planes: Annotated[Path, typer.Argument(help="<results>/calibrate/planes.json")],
    plot: Plot,
    data: Shown = [],  # noqa: B006
    config: Configuration = None,
) -> None:
    """Lund planes of W jets and their ratio: reads planes.json, writes a figure."""
    from resonaut.core.files import distinct
    from resonaut.report import settings
    from resonaut.report.calibrate.lund_planes import lund_planes

    distinct([planes, *data], [plot])
    lund_planes(planes, settings.of_data(config, data), plot)


@app.command()
def calibration(
    summaries: Annotated[list[Path], typer.Argument(help="<results>/calibrate/<dataset>/summary.json of the signals.")],
    output: Annotated[Path, typer.Option(help="Folder of the figures and tables.")],
    config: Configuration = None,
) -> None:
    """The Lund-plane calibration of the signals: reads its summaries, writes figures and tables.

    Writes DIR/<dataset>.png, observables before and after; DIR/scale_factors.html and .csv, scale factors of all
    selections with all uncertainties; DIR/prongs.csv, badly matched jets by number of prongs.
    """
    from resonaut.report import settings
    from resonaut.report.calibrate import observables as calibrated

    calibrated.calibration(summaries, settings.of_simulation(config), output)


@app.command()
def reweighting(
    closure: Annotated[Path, typer.Argument(help="<results>/reweight/closure.json")],
    plot: Plot,
    data: Shown = [],  # noqa: B006
    config: Configuration = None,
) -> None:
    """Data and simulation before and after reweighting: reads closure.json, writes a figure."""
    from resonaut.core.files import distinct
    from resonaut.report import settings
    from resonaut.report.reweight import reweighting as closed

    distinct([closure, *data], [plot])
    closed.reweighting(closure, settings.of_data(config, data), plot)


@app.command()
def search(
    results: Annotated[
        list[Path], typer.Argument(help="<results>/fit/<method>/<window>.json of all fits, or one bare scan.json.")
    ],
    output: Annotated[Path, typer.Option(help="Folder of the figures and of hepdata/.")],
    config: Configuration = None,
    summary: Annotated[
        Path | None, typer.Option(help="<results>/fit/summary.json, for the global significances.")
    ] = None,
) -> None:
    """The search in figures and HEPData tables: p-values, limits, fits, nuisances and spectra.

    Reads fit results. Writes DIR/p_values.png, limits.png, fits.png, nuisances.png, the folder hepdata, and of each
    result spectra/<method>_<window>.png, or spectrum.png of a bare scan.
    """
    from resonaut.report.fit import search as figures
    from resonaut.report.settings import label

    figures.search(results, summary, label(config), output)


@app.command()
def methods(
    selections: Annotated[list[Path], typer.Argument(help="<results>/select/<method>/<window>.json of all methods.")],
    fit: Annotated[list[Path], typer.Option(help="<results>/fit/<method>/<window>.json of each; repeatable.")],
    output: Annotated[Path, typer.Option(help="Folder of the table and the figures.")],
    no_signal: Annotated[
        list[Path],
        typer.Option(
            help="<results>/fit/retrained/... .json whose experiments of amount 0 hold no signal; repeatable."
        ),
    ] = [],  # noqa: B006
    bound: Annotated[list[str], typer.Option(help="A method that knows what no search knows; repeatable.")] = [],  # noqa: B006
    benchmarks: Annotated[
        Path | None, typer.Option(help="Folder with <method>/<window>.tsv, for the wall times.")
    ] = None,
    config: Configuration = None,
) -> None:
    """The methods side by side: reads selections and their fits, writes a table and figures.

    Writes DIR/methods.csv and methods.html, and of each selection selections/<method>_<window>.png: spectra at several
    efficiencies, the test for sculpting, importances of the features.
    """
    from resonaut.report.select import methods as compared
    from resonaut.report.settings import label

    compared.methods(selections, fit, no_signal, bound, benchmarks, label(config), output)


@app.command()
def injections(
    retrained: Annotated[list[Path], typer.Argument(help="<results>/fit/retrained/<method>/<window>/<signal>.json")],
    output: Annotated[Path, typer.Option(help="Folder of the table and the figures.")],
    benchmark: Annotated[
        Path | None, typer.Option(help="<results>/select/benchmark.json, for the significance improvements.")
    ] = None,
    data: Shown = [],  # noqa: B006
    config: Configuration = None,
) -> None:
    """Experiments with injected signal: reads their fits, writes a table and figures.

    Writes DIR/injections.csv, and of each signal and window injections/<signal>_<window>.png and, with --benchmark,
    injections/improvement_<signal>_<window>.png.
    """
    from resonaut.report import settings
    from resonaut.report.select import injections as found

    found.injections(retrained, benchmark, settings.of_data(config, data), output)


@app.command()
def images(
    means: Annotated[list[Path], typer.Argument(help="<results>/select/<method>/<window>_images.json")],
    output: Annotated[Path, typer.Option(help="Folder of the figures.")],
    data: Shown = [],  # noqa: B006
    config: Configuration = None,
) -> None:
    """Mean images of selected and rejected jets: reads them, writes DIR/<method>_<window>.png."""
    from resonaut.report import settings
    from resonaut.report.select import images as drawn

    drawn.images(means, settings.of_data(config, data), output)


@app.command()
def bias(
    tests: Annotated[list[Path], typer.Argument(help="<results>/fit/<method>/<window>_bias.json of all fits.")],
    plot: Plot,
    table: Annotated[Path, typer.Option(help="The same numbers as CSV.")],
    config: Configuration = None,
) -> None:
    """Pulls, spurious signal and coverage of the fits: reads bias tests, writes a figure and a CSV table."""
    from resonaut.core.files import distinct
    from resonaut.report import settings
    from resonaut.report.fit import bias as tested

    distinct(tests, [plot, table])
    tested.bias(tests, settings.of_simulation(config), plot, table)


@app.command()
def tables(
    fits: Annotated[Path, typer.Argument(help="<results>/fit/summary.json")],
    summary: Annotated[Path, typer.Option(help="The final numbers as JSON.")],
    table: Annotated[Path, typer.Option(help="Those of each selection and mass as CSV.")],
) -> None:
    """The final numbers: reads the fit's summary, writes JSON and CSV."""
    from resonaut.core.files import distinct
    from resonaut.report.fit import summary as final

    distinct([fits], [summary, table])
    final.summarise(fits, summary, table)


@app.command()
def front_page(
    results: Annotated[list[Path], typer.Argument(help="<results>/fit/<method>/<window>.json of all fits.")],
    summary: Annotated[Path, typer.Option(help="<results>/fit/summary.json")],
    methods: Annotated[Path, typer.Option(help="<results>/report/methods.csv, for the verdicts.")],
    figure: Annotated[list[Path], typer.Option(help="A figure (PNG) that the page shows; repeatable.")],
    data: Annotated[list[Path], typer.Option(help="<results>/skim/<dataset>.json of data searched; repeatable.")],
    dataset: Annotated[list[Path], typer.Option(help="<results>/skim/<dataset>.json of every dataset; repeatable.")],
    output: Annotated[Path, typer.Option(help="The page (HTML).")],
    config: Configuration = None,
) -> None:
    """The result on one page: reads fits, the table of the methods, figures and manifests; writes HTML."""
    from resonaut.core.files import distinct
    from resonaut.report.all import front_page as page
    from resonaut.report.settings import label

    distinct([*results, summary, methods, *figure, *data, *dataset], [output])
    page.front_page(results, summary, methods, data, dataset, figure, label(config), output)


@app.command()
def show(summary: Annotated[Path, typer.Option(help="<results>/report/summary.json")]) -> None:
    """Print each selection at its most significant mass, and the global significances, from summary.json."""
    from resonaut.report.fit import summary as final

    print(final.terminal_table(summary))
    print(f"Plots and tables: {summary.parent}")
