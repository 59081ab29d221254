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
