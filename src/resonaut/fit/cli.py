"""``resonaut fit``: searches for a resonance in mass spectra."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Search for a resonance in mass spectra and set limits.", no_args_is_help=True)


Spectrum = Annotated[
    str, typer.Option(help="file.csv, file.yaml (HEPData), file.json (UHI) or file.root:name; file.csv:column.")
]
SqrtS = Annotated[str, typer.Option(help="Centre-of-mass energy, such as 13000 (GeV) or '13 TeV'.")]
Masses = Annotated[str, typer.Option(help="first:last:step, GeV or '2:6:0.1 TeV', both ends included.")]
Luminosity = Annotated[
    str | None, typer.Option(help="138 (1/fb) or '138 /fb', '36000 /pb'; for cross sections, and limits in fb.")
]
Range = Annotated[
    str | None, typer.Option("--range", help="low:high, GeV or '2:7 TeV', of the fit; else the whole spectrum.")
]
Contents = Annotated[
    str | None,
    typer.Option(help="What the spectrum holds: counts, dsigma_dm (fb/GeV), events_per_gev, or a unit as pb/TeV."),
]
MassUnit = Annotated[str | None, typer.Option(help="GeV or TeV, of the spectrum's edges; else the file says it.")]
Signal = Annotated[str | None, typer.Option(help="file@mass: the signal's histogram, else a Gaussian.")]
Observable = Annotated[
    str | None, typer.Option(help="Name of the axis, such as 'm_{mumu}'; else the file's title of it.")
]
Set = Annotated[list[str], typer.Option("--set", help="key=value of the section fit, docs/fit.md; repeatable.")]
Code = Annotated[list[Path], typer.Option(help="Python file of your own with background functions; repeatable.")]
Config = Annotated[Path, typer.Option(help="Frozen keys, results/config/fit/...json.")]
Selection = Annotated[Path, typer.Option(help="results/select/<method>/<window>.json.")]
Data = Annotated[list[Path], typer.Option(help="Manifest of data, results/skim/<data>.json; repeatable.")]


@app.command()
def scan(
    spectrum: Spectrum,
    sqrt_s: SqrtS,
    masses: Masses,
    output: Annotated[Path, typer.Option(help="Folder for scan.json, scan.csv and the workspaces.")],
    luminosity: Luminosity = None,
    mass_range: Range = None,
    signal: Signal = None,
    contents: Contents = None,
    mass_unit: MassUnit = None,
    observable: Observable = None,
    settings: Set = [],  # noqa: B006
    code: Code = [],  # noqa: B006
) -> None:
    """Search a bare spectrum for a resonance.

    Reads a spectrum: a CSV file with the columns m_low, m_high (GeV) and counts or dsigma_dm (fb/GeV, which
    is pb/TeV), a table of HEPData, a UHI histogram in JSON, or a histogram in a ROOT file. Writes DIR/scan.json,
    DIR/scan.csv and a HistFactory model for each mass, DIR/workspace_<mass>.json. With a luminosity the limits in fb
    are on cross section times acceptance times efficiency.
    """
    from resonaut.fit.bare import Options, scan_spectrum, search_of
    from resonaut.fit.family import FAMILIES

    FAMILIES.learn([str(path) for path in code])
    options = Options(
        spectrum, sqrt_s, masses, luminosity, mass_range, signal, contents, mass_unit, observable, tuple(settings)
    )
    scan_spectrum(search_of(options), spectrum, output)


@app.command()
def bias(
    spectrum: Spectrum,
    sqrt_s: SqrtS,
    masses: Masses,
    output: Annotated[Path, typer.Option(help="Folder for bias.json.")],
    luminosity: Luminosity = None,
    mass_range: Range = None,
    signal: Signal = None,
    contents: Contents = None,
    mass_unit: MassUnit = None,
    observable: Observable = None,
    settings: Set = [],  # noqa: B006
    code: Code = [],  # noqa: B006
) -> None:
    """Test the fits to a bare spectrum with toys of another function.

    Reads what `resonaut fit scan` reads. Writes DIR/bias.json: pulls, spurious signal and the coverage of the limit,
    for each mass and each injected signal (--set bias.injected=[0,2,5]).
    """
    from resonaut.fit.bare import Options, bias_spectrum, search_of
    from resonaut.fit.family import FAMILIES

    FAMILIES.learn([str(path) for path in code])
    options = Options(
        spectrum, sqrt_s, masses, luminosity, mass_range, signal, contents, mass_unit, observable, tuple(settings)
    )
    bias_spectrum(search_of(options), spectrum, output)


@app.command()
def selection(
    config: Config,
    selection: Selection,
    data: Data,
    output: Annotated[Path, typer.Option(help="results/fit/<method>/<window>.json.")],
    workspaces: Annotated[Path, typer.Option(help="Folder of the HistFactory models.")],
    code: Code = [],  # noqa: B006
) -> None:
    """Fit the spectrum of one selection at the masses in its signal region.

    Reads results/config/fit/selection/<window>.json, results/select/<method>/<window>.json and the manifests of the
    data (luminosity). Writes results/fit/<method>/<window>.json and, one for each mass,
    results/fit/<method>/<window>/workspace_<mass>.json.
    """
    from resonaut.core.config import read
    from resonaut.core.files import distinct
    from resonaut.fit.family import FAMILIES
    from resonaut.fit.selection import fit_selection
    from resonaut.fit.settings import FitSettings

    FAMILIES.learn([str(path) for path in code])
    distinct([config, selection, *data, *code], [output, workspaces])
    fit_selection(read(config, FitSettings), selection, data, output, workspaces)


@app.command()
def selection_bias(
    config: Config,
    selection: Selection,
    data: Data,
    output: Annotated[Path, typer.Option(help="results/fit/<method>/<window>_bias.json.")],
    code: Code = [],  # noqa: B006
) -> None:
    """Test the fits to one selection with toys of another function.

    Reads what `resonaut fit selection` reads. Writes results/fit/<method>/<window>_bias.json.
    """
    from resonaut.core.config import read
    from resonaut.core.files import distinct
    from resonaut.fit.family import FAMILIES
    from resonaut.fit.selection import bias_selection
    from resonaut.fit.settings import FitSettings

    FAMILIES.learn([str(path) for path in code])
    distinct([config, selection, *data, *code], [output])
    bias_selection(read(config, FitSettings), selection, data, output)


@app.command()
def prediction(
    config: Config,
    selection: Selection,
    data: Data,
    background: Annotated[list[Path], typer.Option(help="Manifest of simulated background; repeatable.")],
    output: Annotated[Path, typer.Option(help="results/fit/<method>/<window>_prediction.json.")],
    weights: Annotated[
        list[str], typer.Option(help="dataset=folder: it has friends with weights, or of tag, there; repeatable.")
    ] = [],  # noqa: B006
    code: Code = [],  # noqa: B006
) -> None:
    """Predict the background in the signal region of a selection, by a function beside it and by simulation.

    Reads results/config/fit/prediction/<window>.json, the selection, the manifests of data and background, and the
    background's friends of the selection and with weights. Writes results/fit/<method>/<window>_prediction.json.
    """
    from resonaut.core.config import read
    from resonaut.core.files import distinct
    from resonaut.core.weights import by_dataset
    from resonaut.fit.family import FAMILIES
    from resonaut.fit.prediction import predict
    from resonaut.fit.settings import FitSettings

    FAMILIES.learn([str(path) for path in code])
    distinct([config, selection, *data, *background, *code], [output])
    predict(read(config, FitSettings), selection, data, background, by_dataset(weights), output)


@app.command()
def retrained(
    config: Config,
    experiments: Annotated[list[Path], typer.Argument(help="results/select/inject/<method>/<window>/<signal>/*.json.")],
    output: Annotated[Path, typer.Option(help="results/fit/retrained/<method>/<window>/<signal>.json.")],
    selection: Annotated[Path | None, typer.Option(help="results/select/<method>/<window>.json of the data.")] = None,
    data: Annotated[
        list[Path], typer.Option(help="Manifest of data, for a limit: results/skim/<data>.json; repeatable.")
    ] = [],  # noqa: B006
    code: Code = [],  # noqa: B006
) -> None:
    """Fit experiments with injected signal, and set the limit with the efficiencies that they found.

    Reads results/config/fit/retrained/<window>.json, the experiments, and for a limit the selection and manifests of
    the data. Writes the p-values of all experiments, the excluded against the injected cross section, and the limit.
    """
    from resonaut.core.config import read
    from resonaut.core.files import distinct
    from resonaut.core.results import write
    from resonaut.fit import retrained as trained
    from resonaut.fit.family import FAMILIES
    from resonaut.fit.settings import FitSettings

    FAMILIES.learn([str(path) for path in code])
    distinct([config, selection, *data, *experiments, *code], [output])
    write(output, trained.retrained(read(config, FitSettings), selection, data, experiments))


@app.command()
def summary(
    files: Annotated[list[Path], typer.Argument(help="results/fit/<method>/<window>.json ...")],
    output: Annotated[Path, typer.Option(help="results/fit/summary.json.")],
) -> None:
    """Collect the results of all selections and masses, and the global significances.

    Reads results/fit/<method>/<window>.json. Writes results/fit/summary.json.
    """
    from resonaut.core.files import distinct
    from resonaut.fit.summary import summarise

    distinct(files, [output])
    summarise(files, output)


@app.command()
def template_histograms(
    config: Annotated[Path, typer.Option(help="results/config/fit/histograms/<model>/<channel>.json.")],
    channel: Annotated[str, typer.Option(help="Name of the channel.")],
    output: Annotated[Path, typer.Option(help="results/fit/models/<model>/histograms/<channel>.json.")],
    data: Annotated[list[Path], typer.Option(help="Manifest of data; repeatable.")] = [],  # noqa: B006
    simulation: Annotated[list[Path], typer.Option(help="Manifest of simulation; repeatable.")] = [],  # noqa: B006
    weights: Annotated[
        list[str], typer.Option(help="dataset=folder: it has friends with weights or columns there; repeatable.")
    ] = [],  # noqa: B006
) -> None:
    """Fill the histograms of a channel of a template model, or read them from the model's file.

    Reads the frozen keys, and the manifests, events and friends of the datasets, or the file. Writes the histograms of
    all samples, nominal and varied, and of the data.
    """
    from resonaut.core.config import read
    from resonaut.core.files import distinct
    from resonaut.core.results import write
    from resonaut.core.weights import by_dataset
    from resonaut.fit.templates import events, files
    from resonaut.fit.templates.settings import HistogramsJob

    distinct([config, *data, *simulation], [output])
    job = read(config, HistogramsJob)
    found = (
        events.histograms(job, channel, data, simulation, by_dataset(weights))
        if job.file is None
        else files.histograms(job, channel)
    )
    write(output, found)


@app.command()
def template_workspace(
    config: Annotated[Path, typer.Option(help="results/config/fit/workspace/<model>.json.")],
    model: Annotated[str, typer.Option(help="Name of the model.")],
    histograms: Annotated[list[Path], typer.Argument(help="results/fit/models/<model>/histograms/*.json.")],
    output: Annotated[Path, typer.Option(help="results/fit/models/<model>/workspace.json.")],
    description: Annotated[Path, typer.Option(help="results/fit/models/<model>/model.json.")],
) -> None:
    """Make the HistFactory workspace of a template model of the histograms of its channels.

    Reads the frozen keys and the histograms. Writes a workspace that pyhf reads, and beside it what is expected in each
    channel and what was pruned, smoothed and mirrored.
    """
    from resonaut.core.config import read
    from resonaut.core.files import distinct, write_json
    from resonaut.core.results import read as result
    from resonaut.core.results import write
    from resonaut.fit.results.models import ChannelHistograms
    from resonaut.fit.templates.build import build
    from resonaut.fit.templates.settings import WorkspaceJob

    distinct([config, *histograms], [output, description])
    channels = [result(path, ChannelHistograms) for path in histograms]
    workspace, described = build(model, read(config, WorkspaceJob).model, channels)
    write_json(output, workspace)
    write(description, described)


@app.command()
def histfactory(
    workspace: Annotated[Path, typer.Argument(help="HistFactory workspace in JSON, as of pyhf or HEPData.")],
    output: Annotated[Path, typer.Option(help="result.json.")],
    config: Annotated[
        Path | None, typer.Option(help="Keys of the fit in JSON, results/config/fit/result/<model>.json.")
    ] = None,
    settings: Annotated[
        list[str], typer.Option("--set", help="key=value of fit.models.<name>.inference, docs/fit.md; repeatable.")
    ] = [],  # noqa: B006
    patch: Annotated[
        list[Path], typer.Option(help="JSON patch of the workspace, or a patch set of pyhf; repeatable.")
    ] = [],  # noqa: B006
    patch_name: Annotated[str | None, typer.Option(help="Name of the patch that is taken of a patch set.")] = None,
) -> None:
    """Fit a HistFactory workspace.

    Reads a workspace in JSON. Writes the fitted parameters with pulls and impacts, their correlations, scans and
    intervals, limits, the goodness of fit, and the yields before and after the fit.
    """
    from resonaut.core.config import load_json
    from resonaut.core.files import distinct
    from resonaut.core.record import build
    from resonaut.core.results import write
    from resonaut.fit import overrides
    from resonaut.fit.histfactory import read_workspace
    from resonaut.fit.histfactory.evaluate import evaluate
    from resonaut.fit.inference import Inference

    distinct([workspace, config, *patch], [output])
    given = overrides.section(settings, (), "impacts=false")
    keys = build((load_json(config) if config else {}) | given, Inference, str(config) if config else "--set")
    write(output, evaluate(read_workspace(workspace, patch, patch_name), keys, workspace))


@app.command()
def mass_scan(
    fits: Annotated[list[Path], typer.Argument(help="results/fit/models/<model>/result.json, by growing mass.")],
    config: Annotated[Path, typer.Option(help="results/config/fit/mass_scan/<scan>.json.")],
    scan: Annotated[str, typer.Option(help="Name of the scan in fit.mass_scans.")],
    output: Annotated[Path, typer.Option(help="results/fit/mass_scans/<scan>.json.")],
) -> None:
    """Gather the limits of models with signals of one mass each.

    Reads the frozen keys and the fits. Writes cross sections and limits in fb, and limits on the coupling.
    """
    from resonaut.core.config import read
    from resonaut.core.files import distinct
    from resonaut.core.results import write
    from resonaut.fit.masses.scan import mass_scan as gathered
    from resonaut.fit.masses.settings import ScanJob

    distinct([config, *fits], [output])
    write(output, gathered(scan, read(config, ScanJob), fits))


@app.command()
def couplings(
    workspace: Annotated[Path, typer.Argument(help="results/fit/models/<model>/workspace.json.")],
    description: Annotated[Path, typer.Option(help="results/fit/models/<model>/model.json.")],
    config: Annotated[Path, typer.Option(help="results/config/fit/couplings/<model>.json.")],
    model: Annotated[str, typer.Option(help="Name of the model.")],
    output: Annotated[Path, typer.Option(help="results/fit/models/<model>/couplings.json.")],
) -> None:
    """Limits on the signal of a model at each value of its couplings, and the likelihood of these.

    Reads the frozen keys, the workspace and its description. Writes the limits with the theory's cross section, the
    ranges that they allow, and -2 Delta ln L with its intervals.
    """
    from resonaut.core.config import read
    from resonaut.core.files import distinct
    from resonaut.core.results import read as result
    from resonaut.core.results import write
    from resonaut.fit.histfactory import read_workspace
    from resonaut.fit.morphing.scan import scanned
    from resonaut.fit.morphing.settings import CouplingsJob
    from resonaut.fit.results.models import ModelDescription

    distinct([config, workspace, description], [output])
    edges = {name: one.edges for name, one in result(description, ModelDescription).channels.items()}
    write(output, scanned(read_workspace(workspace), read(config, CouplingsJob), edges, model, workspace))
