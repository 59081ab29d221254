"""``resonaut tag``: train jet taggers and score jets with them."""

from pathlib import Path
from typing import Annotated

import typer

from resonaut.core.files import distinct

app = typer.Typer(help="Train jet taggers on simulated jets, and score both jets of every event.", no_args_is_help=True)


@app.command()
def train(
    manifests: Annotated[list[Path], typer.Argument(help="Simulated datasets: <results>/skim/<dataset>.json.")],
    config: Annotated[Path, typer.Option(help="Frozen section: <results>/config/tag.json.")],
    network: Annotated[str, typer.Option(help="Name of the network in tag.networks.")],
    output: Annotated[Path, typer.Option(help="Model file: <results>/tag/<network>.npz.")],
    summary: Annotated[Path, typer.Option(help="Loss, ROC curves, counts: <results>/tag/<network>.json.")],
) -> None:
    """Make one network's model: train it, or adopt the published weights that the configuration names.

    Reads the skimmed events of the roles background and signal, writes the model and its measured
    performance on held-out jets.
    """
    from resonaut.core import config as configuration
    from resonaut.core.errors import ConfigError
    from resonaut.tag.settings import TagConfig
    from resonaut.tag.training import make_model

    settings = configuration.read(config, TagConfig)
    if network not in settings.networks:
        raise ConfigError(f"{config}: no network {network!r} in tag.networks; it has {', '.join(settings.networks)}.")
    weights = settings.networks[network].weights
    distinct([config, *manifests, Path(weights) if weights else None], [output, summary])
    make_model(settings, network, manifests, output, summary)


@app.command()
def score(
    config: Annotated[Path, typer.Option(help="Frozen section: <results>/config/tag.json.")],
    model: Annotated[list[Path], typer.Option(help="Model file: <results>/tag/<network>.npz; repeatable.")],
    dataset: Annotated[Path, typer.Option(help="Manifest: <results>/skim/<dataset>.json.")],
    chunk: Annotated[str, typer.Option(help="Chunk of the dataset, such as 000.")],
    output: Annotated[Path, typer.Option(help="Friend file: <results>/tag/<dataset>/<chunk>.parquet.")],
) -> None:
    """Score both jets of every event of one chunk with all networks.

    Reads <results>/skim/<dataset>/<chunk>.parquet, writes the friend file with the columns
    <jet>_<network>_<class> and tag_train.
    """
    from resonaut.core import config as configuration
    from resonaut.tag.scoring import score_chunk
    from resonaut.tag.settings import TagConfig

    distinct([config, *model, dataset], [output])
    score_chunk(configuration.read(config, TagConfig), model, dataset, chunk, output)
