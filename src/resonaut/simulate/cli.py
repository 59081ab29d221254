"""``resonaut simulate``: generated collisions in an experiment's file layout."""

from pathlib import Path
from typing import Annotated

import typer

from resonaut.core.files import distinct

app = typer.Typer(help="Generate collisions in NanoAOD layout, and calorimeter showers.", no_args_is_help=True)


@app.callback()
def _commands() -> None:
    """Generate collisions in NanoAOD layout, and calorimeter showers."""


@app.command()
def chunk(
    config: Annotated[Path, typer.Option(help="Frozen keys: <results>/config/simulate/<dataset>.json.")],
    name: Annotated[str, typer.Option(help="Name of the dataset.")],
    chunk: Annotated[int, typer.Option(help="Number of the chunk, from 0.", min=0)],
    output: Annotated[Path, typer.Option(help="ROOT file to write, <results>/simulate/<dataset>/<chunk>.root.")],
) -> None:
    """Generate one chunk of a dataset.

    Reads the keys of the dataset and of its generator. Writes one ROOT file with the trees Events and Runs in NanoAOD
    layout.
    """
    from resonaut.core import config as frozen
    from resonaut.simulate.chunk import simulate
    from resonaut.simulate.settings import Job

    distinct([config], [output])
    job = frozen.read(config, Job)
    simulate(job.simulate, job.dataset, name, chunk, output)


@app.command()
def showers(
    config: Annotated[Path, typer.Option(help="Frozen keys: <results>/config/simulate/showers/<sample>.json.")],
    name: Annotated[str, typer.Option(help="Name of the sample.")],
    chunk: Annotated[int, typer.Option(help="Number of the chunk, from 0.", min=0)],
    output: Annotated[Path, typer.Option(help="HDF5 file to write, <results>/simulate/showers/<sample>/<chunk>.h5.")],
) -> None:
    """Make one chunk of a sample of calorimeter showers.

    Reads the keys of the sample. Writes incident energies and voxels in the layout of the CaloChallenge, in MeV.
    """
    from resonaut.core import config as frozen
    from resonaut.simulate.showers.sample import simulate
    from resonaut.simulate.showers.settings import ShowerJob

    distinct([config], [output])
    simulate(frozen.read(config, ShowerJob).sample, name, chunk, output)


@app.command()
def level1_pool(
    config: Annotated[Path, typer.Option(help="Frozen keys: <results>/config/simulate/level1_pool/<part>.json.")],
    name: Annotated[str, typer.Option(help="Name of the part of the pool.")],
    chunk: Annotated[int, typer.Option(help="Number of the chunk, from 0.", min=0)],
    output: Annotated[Path, typer.Option(help="File to write, <results>/simulate/level1_pool/<part>/<chunk>.npz.")],
) -> None:
    """Generate and digitise one chunk of the collisions of which Level-1 crossings are mixed."""
    from resonaut.core import config as frozen
    from resonaut.simulate.level1.pool import make
    from resonaut.simulate.settings import PoolJob

    distinct([config], [output])
    job = frozen.read(config, PoolJob)
    make(job.simulate, job.part, name, chunk, output)


@app.command()
def level1(
    config: Annotated[Path, typer.Option(help="Frozen keys: <results>/config/simulate/level1/<sample>.json.")],
    name: Annotated[str, typer.Option(help="Name of the sample.")],
    chunk: Annotated[int, typer.Option(help="Number of the chunk, from 0.", min=0)],
    output: Annotated[Path, typer.Option(help="File to write, <results>/simulate/level1/<sample>/<chunk>.parquet.")],
    pool: Annotated[
        list[Path],
        typer.Option(help="File of the pool, <results>/simulate/level1_pool/<part>/<chunk>.npz; repeatable."),
    ] = [],  # noqa: B006
) -> None:
    """Make one chunk of a sample of bunch crossings as the Level-1 trigger sees them.

    Writes Level-1 objects in hardware integers, in the layout of CMS's public record (docs/trigger.md).
    """
    from resonaut.core import config as frozen
    from resonaut.simulate.level1.sample import simulate
    from resonaut.simulate.settings import SampleJob

    distinct([config, *pool], [output])
    job = frozen.read(config, SampleJob)
    simulate(job.simulate, job.sample, name, chunk, pool, output)
