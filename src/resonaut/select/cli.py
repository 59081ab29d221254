"""``resonaut select``: anomaly detection in mass windows."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Train anomaly detectors in mass windows and keep the most anomalous events.", no_args_is_help=True
)


@app.callback()
def _commands() -> None:
    """Train anomaly detectors in mass windows and keep the most anomalous events."""


@app.command()
def train(
    config: Annotated[Path, typer.Option(help="Frozen section: <results>/config/select.json.")],
    method: Annotated[str, typer.Option(help="inclusive, tagger or cwola.")],
    window: Annotated[str, typer.Option(help="Name of the window in select.windows.")],
    data: Annotated[Path, typer.Option(help="Manifest of the data: <results>/skim/<dataset>.json.")],
    output: Annotated[Path, typer.Option(help="Summary: <results>/select/<method>/<window>.json.")],
    background: Annotated[list[Path], typer.Option(help="Manifest of simulated background; repeatable.")] = [],  # noqa: B006
    signal: Annotated[list[Path], typer.Option(help="Manifest of a simulated signal; repeatable.")] = [],  # noqa: B006
    reweight: Annotated[
        bool, typer.Option("--reweight", help="Weight the background with its friends reweight.")
    ] = False,
    lund: Annotated[bool, typer.Option("--lund", help="Weight the signals with their friends calibrate.")] = False,
) -> None:
    """Train one method in one window, and score every dataset.

    Reads the manifests, the chunks <results>/skim/<dataset>/<chunk>.parquet beside them and, where the
    method or the options ask for them, their friends in tag, reweight and calibrate. Writes the friends
    <results>/select/<method>/<window>/<dataset>/<chunk>.parquet (score, selected) and the summary:
    selected spectrum, signal efficiencies, sculpting of the background.
    """
    from resonaut.events import Dataset
    from resonaut.files import write_json
    from resonaut.select.settings import read
    from resonaut.select.train import select

    summary = select(
        read(config),
        method,
        window,
        Dataset.open(data),
        [Dataset.open(path) for path in background],
        [Dataset.open(path) for path in signal],
        reweight,
        lund,
    )
    write_json(output, summary)
