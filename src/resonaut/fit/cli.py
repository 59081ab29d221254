"""``resonaut fit``: searches for a resonance in mass spectra."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Search for a resonance in m_jj spectra and set limits.", no_args_is_help=True)


@app.command()
def scan(
    spectrum: Annotated[str, typer.Option(help="file.csv, file.json (UHI) or file.root:name.")],
    sqrt_s: Annotated[float, typer.Option(help="Centre-of-mass energy, GeV.")],
    masses: Annotated[str, typer.Option(help="first:last:step, GeV, both ends included.")],
    output: Annotated[Path, typer.Option(help="Folder for scan.json, scan.csv and the workspaces.")],
    luminosity: Annotated[float | None, typer.Option(help="1/fb; for dsigma_dm, and limits in fb.")] = None,
    signal_width: Annotated[float, typer.Option(help="Relative width of the Gaussian signal.")] = 0.03,
    shape_parameters: Annotated[int, typer.Option(min=1, max=5, help="p1, p2, ... besides p0.")] = 3,
    confidence_level: Annotated[float, typer.Option(min=0.5, max=0.999, help="Of the limits.")] = 0.95,
) -> None:
    """Scan a bare spectrum.

    Reads a spectrum: a CSV file with the columns m_low, m_high (GeV) and counts or dsigma_dm (fb/GeV, which
    is pb/TeV), a UHI histogram in JSON, or a histogram in a ROOT file. Writes DIR/scan.json, DIR/scan.csv and
    a HistFactory model for each mass, DIR/workspace_<mass>.json. With a luminosity the limits in fb are on
    cross section times acceptance times efficiency.
    """
    from resonaut.fit.bare import scan_spectrum

    scan_spectrum(spectrum, sqrt_s, masses, output, luminosity, signal_width, shape_parameters, confidence_level)


@app.command()
def selection(
    config: Annotated[Path, typer.Option(help="Frozen section fit, results/config/fit.json.")],
    selection: Annotated[Path, typer.Option(help="results/select/<method>/<window>.json.")],
    data: Annotated[Path, typer.Option(help="The data's manifest, results/skim/<data>.json.")],
    output: Annotated[Path, typer.Option(help="results/fit/<method>/<window>.json.")],
    workspaces: Annotated[Path, typer.Option(help="Folder of the HistFactory models.")],
) -> None:
    """Fit the spectrum of one selection at the masses in its signal region.

    Reads results/config/fit.json, results/select/<method>/<window>.json and the data's manifest (luminosity).
    Writes results/fit/<method>/<window>.json and results/fit/<method>/<window>/workspace_<mass>.json.
    """
    from resonaut.config import read
    from resonaut.fit.selection import fit_selection
    from resonaut.fit.settings import FitSettings

    fit_selection(read(config, FitSettings), selection, data, output, workspaces)


@app.command()
def summary(
    files: Annotated[list[Path], typer.Argument(help="results/fit/<method>/<window>.json ...")],
    output: Annotated[Path, typer.Option(help="The list as JSON, results/fit/summary.json.")],
    table: Annotated[Path, typer.Option(help="The list as CSV, results/fit/summary.csv.")],
) -> None:
    """Collect the results of all selections and masses.

    Reads results/fit/<method>/<window>.json. Writes results/fit/summary.json and results/fit/summary.csv.
    """
    from resonaut.fit.summary import summarise

    summarise(files, output, table)
