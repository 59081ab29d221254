"""``resonaut skim``: the events and columns that later stages need."""

import gc
from pathlib import Path
from typing import Annotated

import typer

from resonaut.core.files import distinct

app = typer.Typer(help="Select events of experiment files and keep the columns of their jets.", no_args_is_help=True)

Config = Annotated[Path, typer.Option(help="Frozen keys: <results>/config/skim/<command>/<dataset>.json.")]
Name = Annotated[str, typer.Option(help="Name of the dataset.")]
Code = Annotated[list[Path], typer.Option(help="Python file of your own with the format, or with columns; repeatable.")]


@app.command()
def chunk(
    config: Config,
    name: Name,
    output: Annotated[Path, typer.Option(help="Events to write, <results>/skim/<dataset>/<chunk>.parquet.")],
    summary: Annotated[Path, typer.Option(help="Cutflow to write, <results>/skim/<dataset>/<chunk>.json.")],
    files: Annotated[list[str], typer.Argument(help="Files of the chunk, in the format of the dataset.")],
    workers: Annotated[int, typer.Option(min=1, help="Processes that read NanoAOD.")] = 1,
    code: Code = [],  # noqa: B006
) -> None:
    """Skim one chunk of a dataset.

    Reads the chunk's input files; writes the selected events (Parquet) and the chunk's summary (JSON: events
    read and kept, generator weights, cutflow, lost files).
    """
    # Nothing of what imports make is garbage, and to look for it takes a tenth of a small file's time.
    gc.disable()
    from resonaut.core import config as frozen
    from resonaut.skim.chunk import skim_chunk
    from resonaut.skim.settings import Frozen

    distinct([config, *map(Path, files), *code], [output, summary])
    job = frozen.read(config, Frozen)
    skim_chunk(job.skim, job.dataset, name, workers, files, output, summary, tuple(map(str, code)))


@app.command()
def merge(
    config: Config,
    name: Name,
    output: Annotated[Path, typer.Option(help="Manifest to write, <results>/skim/<dataset>.json.")],
    summaries: Annotated[list[Path], typer.Argument(help="Summaries of all chunks, in order.")],
    before: Annotated[
        list[Path], typer.Option(help="Chunk of data of the same era, whose events count there; repeatable.")
    ] = [],  # noqa: B006
    code: Code = [],  # noqa: B006
) -> None:
    """Merge the chunks of a dataset.

    Reads the summaries that `chunk` wrote; writes the manifest through which later stages open the dataset
    (JSON: chunks, cutflow, normalisation, lost files).
    """
    from resonaut.core import config as frozen
    from resonaut.skim.merge import merge as merge_chunks
    from resonaut.skim.settings import Frozen

    distinct([config, *summaries, *before, *code], [output])
    job = frozen.read(config, Frozen)
    merge_chunks(job.skim, job.dataset, name, summaries, output, tuple(map(str, code)), tuple(before))


@app.command()
def adopt(
    manifest: Annotated[Path, typer.Argument(help="The other analysis's manifest: <its results>/skim/<name>.json.")],
    output: Annotated[Path, typer.Option(help="Manifest to write, <results>/skim/<dataset>.json.")],
) -> None:
    """Take over a dataset that another analysis has skimmed.

    Reads its manifest and chunks. Links the chunks to <results>/skim/<dataset>/<chunk>.parquet (or copies them, to
    another disk), and writes the manifest with the dataset's name here.
    """
    from resonaut.skim.adopt import adopt as take

    distinct([manifest], [output])
    take(manifest, output)


@app.command()
def draw(
    parts: Annotated[list[Path], typer.Argument(help="Manifests of simulated background.")],
    output: Annotated[Path, typer.Option(help="Manifest to write, <results>/skim/<dataset>.json.")],
    luminosity: Annotated[float, typer.Option(help="1/fb of pseudo-data.")],
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 1,
    data: Annotated[list[Path], typer.Option(help="Manifest of data, for the luminosity of eras; repeatable.")] = [],  # noqa: B006
    weights: Annotated[
        list[str], typer.Option(help="dataset=folder: it has weights in this folder of the results; repeatable.")
    ] = [],  # noqa: B006
) -> None:
    """Draw pseudo-data without a signal from weighted simulation, each event at most once.

    Reads the parts' manifests and chunks, and their friends with weights. Writes a manifest, and beside it chunks
    <part>-<chunk>.parquet with the drawn events and those columns that data have.
    """
    from resonaut.core.weights import by_dataset
    from resonaut.skim.draw import draw as drawn

    distinct([*parts, *data], [output])
    drawn(parts, data, by_dataset(weights), luminosity, seed, output)


@app.command()
def combine(
    parts: Annotated[list[Path], typer.Argument(help="Manifests of simulation, one of each era of the data.")],
    data: Annotated[list[Path], typer.Option(help="Manifest of data, with their luminosity; repeatable.")],
    output: Annotated[Path, typer.Option(help="Manifest to write, <results>/skim/<dataset>.json.")],
) -> None:
    """Make one dataset of simulation of several eras.

    Reads the parts' manifests and chunks, and the manifests of data. Writes a manifest, and beside it chunks
    <part>-<chunk>.parquet with the parts' events, whose weights are in fb, by their eras' parts of the luminosity.
    """
    from resonaut.skim.combine import combine as join

    distinct([*parts, *data], [output])
    join(parts, data, output)
