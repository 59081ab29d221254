"""``resonaut classify``: event classifiers and categories."""

from pathlib import Path
from typing import Annotated

import typer

from resonaut.core.files import distinct

app = typer.Typer(help="Train classifiers of events, and make categories of their scores.", no_args_is_help=True)

Dataset = Annotated[Path, typer.Option(help="Manifest: <results>/skim/<dataset>.json.")]
Chunk = Annotated[str, typer.Option(help="Chunk of the dataset, such as 000.")]


@app.command()
def train(
    config: Annotated[Path, typer.Option(help="Frozen keys: <results>/config/classify/train/<name>.json.")],
    name: Annotated[str, typer.Option(help="Name of the classifier, in classify.classifiers.")],
    simulation: Annotated[
        list[Path], typer.Option(help="Manifest of a dataset of a class: <results>/skim/<dataset>.json; repeatable.")
    ],
    output: Annotated[Path, typer.Option(help="Model to write: <results>/classify/<name>.npz, <name>.json beside it.")],
    weights: Annotated[
        list[str],
        typer.Option(help="dataset=folder: weight its events with its friends in this folder; repeatable."),
    ] = [],  # noqa: B006
) -> None:
    """Train a classifier of events in k folds, choose the bins of its score, and measure it on events it has not seen.

    Reads the manifests, the chunks <results>/skim/<dataset>/<chunk>.parquet beside them, and their friends with
    weights or further columns. Writes the models and the summary.
    """
    from resonaut.classify import training
    from resonaut.classify.settings import Training
    from resonaut.core import config as frozen
    from resonaut.core.results import write
    from resonaut.core.weights import by_dataset

    summary = output.with_suffix(".json")
    distinct([config, *simulation], [output, summary])
    trained, found = training.train(name, simulation, by_dataset(weights), frozen.read(config, Training))
    trained.save(output)
    write(summary, found)


@app.command()
def apply(
    config: Annotated[Path, typer.Option(help="Frozen keys: <results>/config/classify/apply/<name>.json.")],
    model: Annotated[Path, typer.Option(help="Model: <results>/classify/<name>.npz.")],
    dataset: Dataset,
    chunk: Chunk,
    output: Annotated[Path, typer.Option(help="Friend file: <results>/classify/<name>/<dataset>/<chunk>.parquet.")],
) -> None:
    """Score the events of a chunk: a column for each class, and the bin, also with shifted inputs."""
    from resonaut.classify import scoring
    from resonaut.classify.settings import Application
    from resonaut.core import config as frozen

    distinct([config, model, dataset], [output])
    scoring.apply(model.stem, model, frozen.read(config, Application), dataset, chunk, output)


@app.command()
def categorise(
    config: Annotated[Path, typer.Option(help="Frozen keys: <results>/config/classify/categorise/<name>.json.")],
    name: Annotated[str, typer.Option(help="Name of the set of categories, in classify.categories.")],
    dataset: Dataset,
    chunk: Chunk,
    output: Annotated[Path, typer.Option(help="Friend file: <results>/classify/<name>/<dataset>/<chunk>.parquet.")],
) -> None:
    """Put the events of a chunk into categories by formulas of columns and scores."""
    from resonaut.classify import scoring
    from resonaut.classify.settings import Categories
    from resonaut.core import config as frozen

    distinct([config, dataset], [output])
    scoring.categorise(name, frozen.read(config, Categories), dataset, chunk, output)
