"""``resonaut skim``: the events and columns that later stages need."""

from pathlib import Path
from typing import Annotated

import typer

from resonaut.core.files import distinct

app = typer.Typer(help="Select events of experiment files and keep the columns of their jets.", no_args_is_help=True)

Config = Annotated[Path, typer.Option(help="Frozen configuration <results>/config/skim.json.")]
Dataset = Annotated[Path, typer.Option(help="Frozen dataset <results>/config/datasets/<name>.json.")]
Name = Annotated[str, typer.Option(help="Name of the dataset.")]


@app.command()
def chunk(
    config: Config,
    dataset_config: Dataset,
    name: Name,
    output: Annotated[Path, typer.Option(help="Events to write, <results>/skim/<dataset>/<chunk>.parquet.")],
    summary: Annotated[Path, typer.Option(help="Cutflow to write, <results>/skim/<dataset>/<chunk>.json.")],
    files: Annotated[list[str], typer.Argument(help="NanoAOD, PFNano or LHC Olympics files of the chunk.")],
    workers: Annotated[int, typer.Option(min=1, help="Processes that read NanoAOD.")] = 1,
) -> None:
    """Skim one chunk of a dataset.

    Reads the chunk's input files; writes the selected events (Parquet) and the chunk's summary (JSON: events
    read and kept, generator weights, cutflow, lost files).
    """
    from resonaut.core import config as frozen
    from resonaut.core.datasets import DatasetConfig
    from resonaut.skim.chunk import skim_chunk
    from resonaut.skim.settings import Skim

    distinct([config, dataset_config, *map(Path, files)], [output, summary])
    skim_chunk(
        frozen.read(config, Skim), frozen.read(dataset_config, DatasetConfig), name, workers, files, output, summary
    )


@app.command()
def merge(
    config: Config,
    dataset_config: Dataset,
    name: Name,
    output: Annotated[Path, typer.Option(help="Manifest to write, <results>/skim/<dataset>.json.")],
    summaries: Annotated[list[Path], typer.Argument(help="Summaries of all chunks, in order.")],
) -> None:
    """Merge the chunks of a dataset.

    Reads the summaries that `chunk` wrote; writes the manifest through which later stages open the dataset
    (JSON: chunks, cutflow, normalisation, lost files).
    """
    from resonaut.core import config as frozen
    from resonaut.core.datasets import DatasetConfig
    from resonaut.skim.merge import merge as merge_chunks
    from resonaut.skim.settings import Skim

    distinct([config, dataset_config, *summaries], [output])
    merge_chunks(frozen.read(config, Skim), frozen.read(dataset_config, DatasetConfig), name, summaries, output)
