"""``resonaut select``: anomaly detection in mass windows."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from resonaut.core.files import distinct

if TYPE_CHECKING:
    from resonaut.core.collisions import Collisions

app = typer.Typer(
    help="Train anomaly detectors in mass windows and keep the most anomalous events.", no_args_is_help=True
)

Weighting = Annotated[
    list[str],
    typer.Option(help="dataset=folder: weight its events with its friends in this folder of the results; repeatable."),
]


def _searched(manifests: Iterable[Path]) -> "Collisions":
    """The data of a search, whose spectra are numbers of events."""
    from resonaut.core import weights
    from resonaut.core.collisions import Collisions

    found = Collisions.open(manifests)
    weights.require_none(found.datasets)
    return found


@app.command()
def train(
    config: Annotated[Path, typer.Option(help="Frozen keys: <results>/config/select/<method>/<window>.json.")],
    method: Annotated[str, typer.Option(help="A method of docs/select.md, or a key of select.combinations.")],
    window: Annotated[str, typer.Option(help="Name of the window in select.windows.")],
    data: Annotated[list[Path], typer.Option(help="Manifest of data: <results>/skim/<dataset>.json; repeatable.")],
    output: Annotated[Path, typer.Option(help="Summary: <results>/select/<method>/<window>.json.")],
    background: Annotated[list[Path], typer.Option(help="Manifest of simulated background; repeatable.")] = [],  # noqa: B006
    signal: Annotated[list[Path], typer.Option(help="Manifest of a simulated signal; repeatable.")] = [],  # noqa: B006
    weights: Weighting = [],  # noqa: B006
    code: Annotated[
        list[Path], typer.Option(help="Python file of your own with the method, or with features; repeatable.")
    ] = [],  # noqa: B006
) -> None:
    """Train one method in one window, and score every dataset.

    Reads the manifests, the chunks <results>/skim/<dataset>/<chunk>.parquet beside them and, where the
    method or the options ask for them, their friends in tag, reweight and calibrate. Writes the friends
    <results>/select/<method>/<window>/<dataset>/<chunk>.parquet (score_<method>, selected_<method>) and the summary:
    selected spectrum, signal efficiencies, sculpting of the background.
    """
    from resonaut.core.results import write
    from resonaut.core.weights import by_dataset
    from resonaut.physics import features
    from resonaut.select.settings import read
    from resonaut.select.train import selection

    own = [str(path) for path in code]
    features.FEATURES.learn(own)
    distinct([config, *data, *background, *signal, *code], [output])
    searched = _searched(data)
    summary = selection(
        read(config, method, own),
        method,
        window,
        searched,
        searched.simulated(background),
        searched.simulated(signal),
        by_dataset(weights),
        own,
    )
    write(output, summary)


@app.command()
def inject(
    config: Annotated[Path, typer.Option(help="Frozen keys: <results>/config/select/<method>/<window>.json.")],
    method: Annotated[str, typer.Option(help="A method of docs/select.md, or of --code.")],
    window: Annotated[str, typer.Option(help="Name of the window in select.windows.")],
    data: Annotated[list[Path], typer.Option(help="Manifest of data, or of pseudo-data without a signal; repeatable.")],
    signal: Annotated[Path, typer.Option(help="Manifest of the signal to inject.")],
    amount: Annotated[float, typer.Option(help="Cross section in fb, or number of events in the signal region.")],
    unit: Annotated[str, typer.Option(help="fb or events.")],
    seed: Annotated[int, typer.Option(help="Seed of the draws and, added to classifier.seed, of the training.")],
    output: Annotated[Path, typer.Option(help="Summary of this experiment.")],
    luminosity: Annotated[
        float | None,
        typer.Option(help="1/fb of pseudo-data to draw; all without, of simulation as much as of the data."),
    ] = None,
    simulation: Annotated[
        list[Path],
        typer.Option(help="Manifest of background to draw pseudo-data from instead of the data; repeatable."),
    ] = [],  # noqa: B006
    background: Annotated[list[Path], typer.Option(help="Manifest of background to learn from; repeatable.")] = [],  # noqa: B006
    prior: Annotated[list[Path], typer.Option(help="Manifest of a signal to learn from; repeatable.")] = [],  # noqa: B006
    evaluation: Annotated[list[Path], typer.Option(help="Manifest of background for the SIC; repeatable.")] = [],  # noqa: B006
    weights: Weighting = [],  # noqa: B006
    systematics: Annotated[
        bool, typer.Option("--systematics", help="Train again for large variations of the weights.")
    ] = False,
    code: Annotated[
        list[Path], typer.Option(help="Python file of your own with the method, or with features; repeatable.")
    ] = [],  # noqa: B006
) -> None:
    """Put simulated signal into background, train one method in one window, and measure what it finds.

    The background is pseudo-data, or drawn from simulation, or else the data, which may hold a signal already. Reads
    the manifests and their chunks as `resonaut select train` does. Writes its summary with the keys injection and,
    where the background is known, improvement (SIC); no friends.
    """
    from resonaut.core.events import Dataset
    from resonaut.core.record import build
    from resonaut.core.results import write
    from resonaut.core.weights import by_dataset
    from resonaut.physics import features
    from resonaut.select import inject as experiments
    from resonaut.select.drawing import Injection
    from resonaut.select.settings import read

    own = [str(path) for path in code]
    features.FEATURES.learn(own)
    distinct([config, *data, signal, *simulation, *background, *prior, *evaluation, *code], [output])
    drawn = {"amount": amount, "unit": unit, "luminosity": luminosity, "systematics": systematics, "seed": seed}
    base = _searched(data)
    experiment = experiments.Experiment(
        read(config, method, own),
        method,
        window,
        base,
        Dataset.open(signal),
        list(base.simulated(background)),
        list(base.simulated(prior)),
        [Dataset.open(path) for path in evaluation],
        build(drawn, Injection, "resonaut select inject"),
        list(base.simulated(simulation)),
        by_dataset(weights),
        tuple(own),
    )
    write(output, experiments.inject(experiment))


@app.command()
def event_train(
    config: Annotated[Path, typer.Option(help="Frozen keys: <results>/config/select/event_scores/<name>.json.")],
    name: Annotated[str, typer.Option(help="Name of the score, in select.event_scores.")],
    data: Annotated[list[Path], typer.Option(help="Manifest of data: <results>/skim/<dataset>.json; repeatable.")],
    output: Annotated[
        Path, typer.Option(help="Model: <results>/select/event_scores/<name>.npz; <name>.json beside it.")
    ],
) -> None:
    """Train an autoencoder of whole events on part of the data.

    Reads the manifests and the chunks <results>/skim/<dataset>/<chunk>.parquet beside them. Writes the model and a
    summary.
    """
    from resonaut.core import config as frozen
    from resonaut.core.results import write
    from resonaut.select.event_scores import score
    from resonaut.select.event_scores.settings import Training

    summary = output.with_suffix(".json")
    distinct([config, *data], [output, summary])
    trained, found = score.train(name, frozen.read(config, Training), _searched(data))
    trained.save(output)
    write(summary, found)


@app.command()
def event_score(
    model: Annotated[Path, typer.Option(help="Model: <results>/select/event_scores/<name>.npz.")],
    dataset: Annotated[Path, typer.Option(help="Manifest: <results>/skim/<dataset>.json.")],
    chunk: Annotated[str, typer.Option(help="Chunk of the dataset, such as 000.")],
    output: Annotated[
        Path, typer.Option(help="Friend file: <results>/select/event_scores/<name>/<dataset>/<chunk>.parquet.")
    ],
) -> None:
    """Score the events of a chunk by an autoencoder of whole events, also with shifted objects."""
    from resonaut.select.event_scores import score

    distinct([model, dataset], [output])
    score.apply(model.stem, model, dataset, chunk, output)


@app.command()
def event_region(
    config: Annotated[Path, typer.Option(help="Frozen keys: <results>/config/select/<region>/<window>.json.")],
    region: Annotated[str, typer.Option(help="Name of the region, of select.event_scores.")],
    window: Annotated[str, typer.Option(help="Name of the window in select.windows.")],
    data: Annotated[list[Path], typer.Option(help="Manifest of data: <results>/skim/<dataset>.json; repeatable.")],
    output: Annotated[Path, typer.Option(help="Summary: <results>/select/<region>/<window>.json.")],
    background: Annotated[list[Path], typer.Option(help="Manifest of simulated background; repeatable.")] = [],  # noqa: B006
    signal: Annotated[list[Path], typer.Option(help="Manifest of a simulated signal; repeatable.")] = [],  # noqa: B006
    weights: Weighting = [],  # noqa: B006
) -> None:
    """Count what a region of the most anomalous events selects in one window.

    Reads the manifests, the chunks and their friends in select/event_scores. Writes the summary that `resonaut select
    train` writes of a method.
    """
    from resonaut.core import config as frozen
    from resonaut.core.results import write
    from resonaut.core.weights import by_dataset
    from resonaut.select.event_scores.region import RegionSettings, selection

    distinct([config, *data, *background, *signal], [output])
    searched = _searched(data)
    summary = selection(
        frozen.read(config, RegionSettings),
        region,
        window,
        searched,
        searched.simulated(background),
        searched.simulated(signal),
        by_dataset(weights),
    )
    write(output, summary)


@app.command()
def benchmark(
    experiments: Annotated[list[Path], typer.Argument(help="<results>/select/inject/... .json")],
    output: Annotated[Path, typer.Option(help="<results>/select/benchmark.json.")],
) -> None:
    """Compare the methods by their significance improvement, against the amount of injected signal.

    Reads summaries of `resonaut select inject`. Writes median and central 68 % for each method, signal and amount.
    """
    from resonaut.core.results import write
    from resonaut.select import benchmark as comparison

    distinct(experiments, [output])
    write(output, comparison.benchmark(experiments))


@app.command()
def images(
    config: Annotated[Path, typer.Option(help="Frozen keys: <results>/config/select/<method>/<window>.json.")],
    method: Annotated[str, typer.Option(help="A method that was run.")],
    window: Annotated[str, typer.Option(help="Name of the window in select.windows.")],
    data: Annotated[list[Path], typer.Option(help="Manifest of data: <results>/skim/<dataset>.json; repeatable.")],
    output: Annotated[Path, typer.Option(help="<results>/select/<method>/<window>_images.json.")],
) -> None:
    """Average the jets of selected and of rejected data in the signal region.

    Reads the data's chunks with candidates, and the friends that `resonaut select train` wrote. Writes mean images.
    """
    from resonaut.core.collisions import Collisions
    from resonaut.core.results import write
    from resonaut.select import images as jet_images
    from resonaut.select.settings import read_window

    distinct([config, *data], [output])
    write(output, jet_images.images(Collisions.open(data), method, window, read_window(config, window)))
