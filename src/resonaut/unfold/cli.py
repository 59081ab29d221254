"""``resonaut unfold``: from data at the detector level to weighted events of the particle level."""

from pathlib import Path
from typing import Annotated

import typer

from resonaut.core.files import distinct

app = typer.Typer(help="Unfold data to weighted events of the particle level.", no_args_is_help=True)

Config = Annotated[Path, typer.Option(help="Frozen keys: <results>/config/unfold/<command>.json.")]
Data = Annotated[list[Path] | None, typer.Option(help="Manifest of data: <results>/skim/<dataset>.json; repeatable.")]
Pseudo = Annotated[list[Path] | None, typer.Option(help="Manifest of simulation that stands for data; repeatable.")]
Simulated = Annotated[
    list[Path], typer.Option("--simulation", help="Manifest of the process's simulation, with both levels; repeatable.")
]
Background = Annotated[
    list[Path] | None, typer.Option(help="Manifest of simulation of other processes, which is subtracted; repeatable.")
]


@app.command()
def train(
    config: Config,
    simulation: Simulated,
    run: Annotated[str, typer.Option(help="ensemble_0, bootstrap_data_0, bootstrap_mc_0, or a variation: pileup_up.")],
    output: Annotated[Path, typer.Option(help="The run's weights to write (Parquet), with a report <output>.json.")],
    data: Data = None,
    pseudo: Pseudo = None,
    background: Background = None,
) -> None:
    """Run OmniFold once.

    Reads the manifests and the chunks beside them. Writes KEY and `weights`, in fb, of the simulated events that pass
    at the particle level, and what each iteration did.
    """
    from resonaut.core import config as frozen
    from resonaut.core import events
    from resonaut.core.results import write
    from resonaut.unfold import runs
    from resonaut.unfold.read import Inputs
    from resonaut.unfold.settings import Train

    report = output.with_suffix(".json")
    distinct([config, *(data or []), *(pseudo or []), *simulation, *(background or [])], [output, report])
    inputs = Inputs.open(data or [], pseudo or [], simulation, background or [])
    found, columns = runs.train(inputs, run, frozen.read(config, Train))
    events.write(output, [events.table(columns, output)], {"weights": "fb"})
    write(report, found)


@app.command()
def merge(
    config: Config,
    simulation: Simulated,
    runs: Annotated[list[Path], typer.Option("--run", help="Weights of a run, as `train` writes them; repeatable.")],
    output: Annotated[Path, typer.Option(help="The table of events to write (Parquet), described by <output>.json.")],
    data: Data = None,
    pseudo: Pseudo = None,
    background: Background = None,
) -> None:
    """Join all runs to one table of weighted events, in the columns of ATLAS's release.

    Reads the weights of the runs, the manifests and the chunks beside them.
    """
    from resonaut.core import config as frozen
    from resonaut.core.results import write
    from resonaut.unfold import merging, publish
    from resonaut.unfold.read import Inputs
    from resonaut.unfold.settings import Merge

    description = output.with_suffix(".json")
    distinct([config, *(data or []), *(pseudo or []), *simulation, *(background or []), *runs], [output, description])
    inputs = Inputs.open(data or [], pseudo or [], simulation, background or [])
    settings = frozen.read(config, Merge)
    columns, units = merging.joined(inputs, runs, settings.train)
    publish.write(output, columns, units)
    write(description, merging.described(output, columns, inputs, settings))


@app.command()
def summarise(
    config: Config,
    simulation: Simulated,
    runs: Annotated[list[Path], typer.Option("--run", help="Report of a run, as `train` writes it; repeatable.")],
    events: Annotated[Path, typer.Option(help="Table of unfolded events, as `merge` writes it.")],
    output: Annotated[Path, typer.Option(help="<results>/unfold/summary.json.")],
    data: Data = None,
    pseudo: Pseudo = None,
    background: Background = None,
) -> None:
    """Compare the result in bins with iterative unfolding, with the simulation and, where it is known, with the truth.

    Reads the unfolded events, the reports of the runs, the manifests and the chunks beside them.
    """
    from resonaut.core import config as frozen
    from resonaut.core.results import read, write
    from resonaut.unfold import summary
    from resonaut.unfold.publish import Unfolded
    from resonaut.unfold.read import Inputs
    from resonaut.unfold.results import Run
    from resonaut.unfold.settings import Settings

    distinct([config, *(data or []), *(pseudo or []), *simulation, *(background or []), *runs, events], [output])
    inputs = Inputs.open(data or [], pseudo or [], simulation, background or [])
    reports = [read(path, Run) for path in runs]
    write(output, summary.summarise(inputs, Unfolded.open(events), reports, frozen.read(config, Settings)))


@app.command()
def observable(
    events: Annotated[Path, typer.Option(help="Table of unfolded events: <results>/unfold/events.parquet.")],
    name: Annotated[str, typer.Option(help="Name of the observable, and of the files.")],
    output: Annotated[Path, typer.Option(help="Folder for <name>.json, <name>.csv and <name>.png.")],
    expression: Annotated[
        str | None, typer.Option(help="Formula of stored columns, 'tau2_trackj1 / tau1_trackj1'; its name by default.")
    ] = None,
    where: Annotated[str, typer.Option(help="Condition that events must fulfil, such as 'pT_trackj1 > 20'.")] = "",
    edges: Annotated[
        str | None, typer.Option(help="Ascending edges of the bins, separated by commas; by default 20 of equal yield.")
    ] = None,
) -> None:
    """Make a new observable of unfolded events, with all uncertainties: a table, a figure and a covariance.

    Reads the table of events, and its description if there is one; nothing is unfolded again.
    """
    from resonaut.core.errors import ConfigError
    from resonaut.core.events import NAME
    from resonaut.core.results import write
    from resonaut.unfold import drawing
    from resonaut.unfold.observable import measure, write_table
    from resonaut.unfold.publish import Unfolded

    if not NAME.fullmatch(name):
        raise ConfigError(f"--name {name!r} is no name of files; give letters and digits, and --expression a formula.")
    try:
        bins = None if edges is None else [float(edge) for edge in edges.split(",")]
    except ValueError:
        raise ConfigError(f"--edges {edges}: give numbers separated by commas, such as 0,0.1,0.2.") from None
    made = [output / f"{name}{ending}" for ending in (".json", ".csv", ".png")]
    distinct([events, events.with_suffix(".json")], made)
    measured = measure(Unfolded.open(events), name, expression or name, where, bins)
    write(made[0], measured)
    write_table(made[1], measured)
    drawing.draw(made[2], measured)
