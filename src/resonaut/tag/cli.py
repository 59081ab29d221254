"""``resonaut tag``: train jet taggers and score jets with them."""

from pathlib import Path
from typing import Annotated

import typer

from resonaut.core.files import distinct

Code = Annotated[list[Path], typer.Option(help="Python file of your own with the network; repeatable.")]

app = typer.Typer(help="Train jet taggers on simulated jets, and score both jets of every event.", no_args_is_help=True)


@app.command()
def train(
    config: Annotated[Path, typer.Option(help="Frozen keys: <results>/config/tag/train/<network>.json.")],
    network: Annotated[str, typer.Option(help="Name of the network in tag.networks.")],
    output: Annotated[Path, typer.Option(help="Model file: <results>/tag/<network>.npz.")],
    summary: Annotated[Path, typer.Option(help="Loss, ROC curves, counts: <results>/tag/<network>.json.")],
    background: Annotated[list[Path], typer.Option(help="Manifest of simulated QCD jets; repeatable.")] = [],  # noqa: B006
    signal: Annotated[
        list[Path], typer.Option(help="Manifest of simulated jets that are told apart by their prongs; repeatable.")
    ] = [],  # noqa: B006
    other_background: Annotated[
        list[Path], typer.Option(help="Manifest of QCD jets of the simulation that it is adapted to; repeatable.")
    ] = [],  # noqa: B006
    other_signal: Annotated[
        list[Path], typer.Option(help="Manifest of other jets of the simulation that it is adapted to; repeatable.")
    ] = [],  # noqa: B006
    data: Annotated[list[Path], typer.Option(help="Manifest of data that it is adapted to; repeatable.")] = [],  # noqa: B006
    code: Code = [],  # noqa: B006
    history: Annotated[Path | None, typer.Option(help="CSV file with the losses of each epoch so far.")] = None,
    tensorboard: Annotated[Path | None, typer.Option(help="Folder for TensorBoard with the same.")] = None,
    checkpoint_every: Annotated[
        int, typer.Option(min=1, help="Steps between two checkpoints, from which a killed training goes on.")
    ] = 200,
) -> None:
    """Make one network's model: train it, or adopt the published weights that the configuration names.

    Reads the skimmed events, <results>/skim/<dataset>/<chunk>.parquet beside the manifests. Writes the model and its
    measured performance on held-out jets. The checkpoint, <output>.checkpoint in place of the suffix, is removed at the
    end. With torchrun each process takes its share of every batch.
    """
    from resonaut.core import config as configuration
    from resonaut.core.errors import ConfigError
    from resonaut.learn import processes
    from resonaut.learn.progress import Progress
    from resonaut.tag import networks as devices
    from resonaut.tag.architectures import networks
    from resonaut.tag.jetclass import JetFiles
    from resonaut.tag.sample import Simulation
    from resonaut.tag.settings import TagConfig
    from resonaut.tag.training import Run, make_model

    networks().learn([str(path) for path in code])
    settings = configuration.read(config, TagConfig)
    if network not in settings.networks:
        raise ConfigError(f"{config}: no network {network!r} in tag.networks; it has {', '.join(settings.networks)}.")
    weights = settings.networks[network].weights
    others = [*other_background, *other_signal, *data]
    checkpoint = output.with_suffix(".checkpoint")
    read = [config, *background, *signal, *others, *code, Path(weights) if weights else None]
    distinct(read, [output, summary, checkpoint, history, tensorboard])
    # All data count as QCD.
    other = Simulation.open([*other_background, *data], other_signal)
    with processes.joined(devices.device(settings.device)):
        run = Run(checkpoint, checkpoint_every, progress=Progress(history, tensorboard))
        source = JetFiles(settings.jet_files) if settings.jet_files else Simulation.open(background, signal)
        make_model(settings, network, source, output, summary, other, run)


@app.command()
def score(
    config: Annotated[Path, typer.Option(help="Frozen keys: <results>/config/tag/score.json.")],
    dataset: Annotated[Path, typer.Option(help="Manifest: <results>/skim/<dataset>.json.")],
    chunk: Annotated[str, typer.Option(help="Chunk of the dataset, such as 000.")],
    output: Annotated[Path, typer.Option(help="Friend file: <results>/tag/<dataset>/<chunk>.parquet.")],
    model: Annotated[list[Path], typer.Option(help="Model file: <results>/tag/<network>.npz; repeatable.")] = [],  # noqa: B006
    trained: Annotated[
        bool, typer.Option("--trained", help="A part of these events trains the networks: mark it in tag_train.")
    ] = False,
    code: Code = [],  # noqa: B006
) -> None:
    """Score both jets of every event of one chunk with all networks, those of tag.published among them.

    Reads <results>/skim/<dataset>/<chunk>.parquet, writes the friend file with the columns
    <jet>_<network>_<class> and tag_train.
    """
    from resonaut.core import config as configuration
    from resonaut.tag.architectures import networks
    from resonaut.tag.scoring import score_chunk
    from resonaut.tag.settings import TagConfig

    networks().learn([str(path) for path in code])
    distinct([config, *model, dataset, *code], [output])
    score_chunk(configuration.read(config, TagConfig), model, dataset, chunk, output, trained)


@app.command()
def measure(
    config: Annotated[Path, typer.Option(help="Frozen keys: <results>/config/tag/measure/<network>.json.")],
    network: Annotated[str, typer.Option(help="Name of the network in tag.published.")],
    background: Annotated[list[Path], typer.Option(help="Manifest of simulated QCD jets; repeatable.")],
    signal: Annotated[
        list[Path], typer.Option(help="Manifest of simulated jets that are told apart by their prongs; repeatable.")
    ],
    summary: Annotated[Path, typer.Option(help="ROC curves, calibration, counts: <results>/tag/<network>.json.")],
) -> None:
    """Measure a network of tag.published as our own: with the same simulated jets, by the scores of its classes.

    Reads <results>/skim/<dataset>/<chunk>.parquet and the scores <results>/tag/<dataset>/<chunk>.parquet beside the
    manifests.
    """
    from resonaut.core import config as configuration
    from resonaut.core.errors import ConfigError
    from resonaut.tag.measured import measure_published
    from resonaut.tag.sample import Simulation
    from resonaut.tag.settings import TagConfig

    settings = configuration.read(config, TagConfig)
    if network not in settings.published or not settings.published[network].classes:
        named = ", ".join(name for name, entry in settings.published.items() if entry.classes) or "none"
        raise ConfigError(f"{config}: no network {network!r} with classes in tag.published; it has {named}.")
    distinct([config, *background, *signal], [summary])
    measure_published(settings, network, Simulation.open(background, signal), summary)


@app.command()
def working_point(
    config: Annotated[Path, typer.Option(help="Frozen keys: <results>/config/tag/working_points/<name>.json.")],
    background: Annotated[list[Path], typer.Option(help="Manifest of simulated QCD jets; repeatable.")],
    output: Annotated[Path, typer.Option(help="Thresholds: <results>/tag/working_points/<name>/thresholds.json.")],
    summary: Annotated[Path, typer.Option(help="What passes: <results>/tag/working_points/<name>/summary.json.")],
    signal: Annotated[
        list[Path], typer.Option(help="Manifest of simulated jets that are told apart by their decays; repeatable.")
    ] = [],  # noqa: B006
) -> None:
    """Learn the thresholds on a score that as many QCD jets pass at all masses and pT, and measure what passes.

    Reads the skimmed events and the scores, <results>/tag/<dataset>/<chunk>.parquet, beside the manifests. The
    thresholds are correctionlib JSON.
    """
    from resonaut.core import config as configuration
    from resonaut.tag.working_points.measure import measure as measure_point
    from resonaut.tag.working_points.settings import PointJob

    distinct([config, *background, *signal], [output, summary])
    measure_point(configuration.read(config, PointJob), background, signal, output, summary)


@app.command()
def passing(
    config: Annotated[Path, typer.Option(help="Frozen keys: <results>/config/tag/working_points/<name>.json.")],
    thresholds: Annotated[Path, typer.Option(help="<results>/tag/working_points/<name>/thresholds.json.")],
    dataset: Annotated[Path, typer.Option(help="Manifest: <results>/skim/<dataset>.json.")],
    chunk: Annotated[str, typer.Option(help="Chunk of the dataset, such as 000.")],
    output: Annotated[
        Path, typer.Option(help="Friend: <results>/tag/working_points/<name>/<dataset>/<chunk>.parquet.")
    ],
) -> None:
    """Say of the jets of one chunk whether they pass a working point: the friend with the columns <jet>_pass_<name>."""
    from resonaut.core import config as configuration
    from resonaut.tag.working_points.passing import passing as pass_chunk
    from resonaut.tag.working_points.settings import PointJob

    distinct([config, thresholds, dataset], [output])
    pass_chunk(configuration.read(config, PointJob), thresholds, dataset, chunk, output)


@app.command()
def compare(
    config: Annotated[Path, typer.Option(help="Frozen keys: <results>/config/tag/compare.json.")],
    output: Annotated[Path, typer.Option(help="The comparison: <results>/tag/comparison.json.")],
    model: Annotated[
        list[Path], typer.Option(help="Model file: <results>/tag/<network>.npz, its summary beside it; repeatable.")
    ] = [],  # noqa: B006
    background: Annotated[list[Path], typer.Option(help="Manifest of simulated QCD jets; repeatable.")] = [],  # noqa: B006
    signal: Annotated[
        list[Path], typer.Option(help="Manifest of simulated jets that are told apart by their prongs; repeatable.")
    ] = [],  # noqa: B006
    times: Annotated[
        list[Path], typer.Option(help="Snakemake's record of a training, train_<network>.tsv; repeatable.")
    ] = [],  # noqa: B006
    code: Code = [],  # noqa: B006
) -> None:
    """Measure all networks side by side on the same held-out jets: discrimination with errors, size and speed.

    Reads the skimmed events, <results>/skim/<dataset>/<chunk>.parquet beside the manifests. The speed is this
    machine's: other numbers come out each time.
    """
    from resonaut.core import config as configuration
    from resonaut.tag.architectures import networks
    from resonaut.tag.comparison import compare as compare_networks
    from resonaut.tag.jetclass import JetFiles
    from resonaut.tag.sample import Simulation
    from resonaut.tag.settings import TagConfig

    networks().learn([str(path) for path in code])
    distinct([config, *model, *background, *signal, *times, *code], [output])
    by_network = {path.stem.removeprefix("train_"): path for path in times}
    settings = configuration.read(config, TagConfig)
    source = JetFiles(settings.jet_files) if settings.jet_files else Simulation.open(background, signal)
    compare_networks(settings, model, source, by_network, output)


@app.command()
def apply(
    file: Annotated[Path, typer.Argument(help="Skimmed events (.parquet), or a ROOT file of PFNano or JetClass.")],
    model: Annotated[Path, typer.Option(help="Card of a published network: its folder, or its card.yaml.")],
    output: Annotated[Path, typer.Option(help="Parquet file with a row a jet; of skimmed events their friend.")],
    jets: Annotated[str | None, typer.Option(help="Collection of jets in place of the card's, such as Jet.")] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Jets that the network scores at once.")] = 64,
    trust: Annotated[
        bool, typer.Option("--trust", help="Run a TorchScript file: it is a program of whoever published it.")
    ] = False,
) -> None:
    """Score the jets of a file with a published network, one column for each of its classes.

    What the network sees follows from the names of its inputs (docs/published_networks.md). Weights in ONNX need no
    torch.
    """
    from resonaut.tag import card
    from resonaut.tag.apply import apply as score_file
    from resonaut.tag.published import Published

    distinct([file, *card.files(model)], [output])
    network = Published.of(card.load(model, jets), trust=trust)
    score_file(network, file, output, batch_size)
