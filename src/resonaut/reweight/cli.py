"""``resonaut reweight``: likelihood ratios as event weights."""

from pathlib import Path
from typing import Annotated

import typer

from resonaut.core.files import distinct

app = typer.Typer(
    help="Learn likelihood ratios between samples and turn them into event weights.", no_args_is_help=True
)


@app.callback()
def _commands() -> None:
    """Learn likelihood ratios between samples and turn them into event weights."""


@app.command()
def train(
    config: Annotated[Path, typer.Option(help="Frozen section: <results>/config/reweight.json.")],
    data: Annotated[list[Path], typer.Option(help="Manifest of data: <results>/skim/<dataset>.json; repeatable.")],
    simulation: Annotated[list[Path], typer.Option(help="Manifest of simulated background; repeatable.")],
    output: Annotated[Path, typer.Option(help="Closure test: <results>/reweight/closure.json.")],
) -> None:
    """Reweight the simulated background to data, learned in the sidebands.

    Reads the manifests and the chunks <results>/skim/<dataset>/<chunk>.parquet beside them. Writes the
    friends <results>/reweight/<background>/<chunk>.parquet (reweight) and the closure test.
    """
    from resonaut.core import config as configuration
    from resonaut.core.collisions import Collisions
    from resonaut.core.results import write
    from resonaut.learn.ratio.conditional import Observed
    from resonaut.reweight.closure import closure
    from resonaut.reweight.settings import Settings
    from resonaut.reweight.train import Reweighter, read

    distinct([config, *data, *simulation], [output])
    settings = configuration.read(config, Settings)
    collisions = Collisions.open(data)
    backgrounds, luminosity = collisions.simulated(simulation), collisions.luminosity
    observed = Observed.concatenate(read(collisions.datasets, settings, [*settings.sidebands, *settings.validation]))
    simulated = read(backgrounds, settings)
    trained_on = observed[observed.within(settings.sidebands)]
    reweighter = Reweighter.train(trained_on, Observed.concatenate(simulated), luminosity, settings)
    for dataset in backgrounds:
        reweighter.apply(dataset)
    named = dict(zip((dataset.name for dataset in backgrounds), simulated, strict=True))
    write(output, closure(observed, named, reweighter, luminosity))


Frozen = Annotated[Path, typer.Option(help="Frozen keys of the ratio: <results>/config/reweight/<name>.json.")]
Named = Annotated[str, typer.Option(help="Name of the ratio.")]
Above = Annotated[list[Path], typer.Option(help="Manifest of its numerator, in its order; repeatable.")]
Below = Annotated[list[Path], typer.Option(help="Manifest of its denominator, in its order; repeatable.")]
Closes = Annotated[Path, typer.Option(help="Closure test: <results>/reweight/<name>/closure.json.")]


@app.command()
def ratio(config: Frozen, name: Named, numerator: Above, denominator: Below, output: Closes) -> None:
    """Weight simulated events to those of another sample, or to their own with other weights.

    Reads the manifests and the chunks <results>/skim/<dataset>/<chunk>.parquet beside them. Writes the friends
    <results>/reweight/<name>/<denominator>/<chunk>.parquet (reweight_<name> and its variations) and the closure test.
    """
    from resonaut.core import config as configuration
    from resonaut.core.results import write
    from resonaut.reweight.known import closure
    from resonaut.reweight.ratios import Transfer, read
    from resonaut.reweight.settings import RatioSettings

    distinct([config, *numerator, *denominator], [output])
    settings = configuration.read(config, RatioSettings)
    one, other = read(numerator, denominator, settings)
    assert one is not None
    transfer = Transfer.train(name, one, other, settings)
    transfer.apply(denominator)
    write(output, closure(one, other, transfer))


@app.command()
def published(
    config: Frozen,
    name: Named,
    denominator: Below,
    output: Closes,
    numerator: Above = [],  # noqa: B006
) -> None:
    """Weight simulated events with a network that others have trained, if they look like its target then.

    Reads the manifests, the chunks <results>/skim/<dataset>/<chunk>.parquet beside them, and the ONNX files of the
    configuration. Writes the friends <results>/reweight/<name>/<denominator>/<chunk>.parquet (reweight_<name>, and
    its variation where there are several copies) and the closure test.
    """
    from resonaut.core import config as configuration
    from resonaut.core.results import write
    from resonaut.reweight.known import closure
    from resonaut.reweight.published import weigher
    from resonaut.reweight.ratios import Transfer, read
    from resonaut.reweight.settings import RatioSettings

    distinct([config, *numerator, *denominator], [output])
    settings = configuration.read(config, RatioSettings)
    one, other = read(numerator, denominator, settings)
    weights, tried = weigher(one, other, settings)
    transfer = Transfer.of(name, weights, one, other, settings)
    transfer.apply(denominator)
    write(output, closure(one, other, transfer, tried))


@app.command()
def compare(
    first: Annotated[str, typer.Argument(help="file.parquet, file.csv, file.root:tree, or skim/<dataset>.json.")],
    second: Annotated[str, typer.Argument(help="The sample that the first one is compared with.")],
    output: Annotated[Path, typer.Option(help="Folder for comparison.json and comparison.png.")] = Path("comparison"),
    columns: Annotated[str | None, typer.Option(help="a,b,c; else all columns of numbers that both have.")] = None,
    weight: Annotated[list[str], typer.Option(help="Column of weights, 1 for none; twice for one of each file.")] = [],  # noqa: B006
) -> None:
    """Which variable tells two samples apart, and whether all of them together do.

    Compares the shapes, whatever the numbers of events. Prints a sentence and a table, and writes
    DIR/comparison.json and DIR/comparison.png.
    """
    from resonaut.core.files import distinct
    from resonaut.reweight.comparison import compare_files

    distinct([Path(first), Path(second)], [output])
    print(compare_files(first, second, columns, weight, output))
