"""``resonaut emulate``: showers of a calorimeter from generative networks."""

from pathlib import Path
from typing import Annotated

import typer

from resonaut.core.files import distinct

app = typer.Typer(help="Train models of calorimeter showers, and make showers with them.", no_args_is_help=True)

Code = Annotated[list[Path], typer.Option(help="Python file of your own with the architecture; repeatable.")]
Trained = Annotated[Path, typer.Option(help="Model file: <results>/emulate/<name>/model.npz.")]


@app.command()
def train(
    config: Annotated[Path, typer.Option(help="Frozen keys: <results>/config/emulate/train/<name>.json.")],
    showers: Annotated[
        list[Path], typer.Option(help="HDF5 file of showers in the CaloChallenge's layout; repeatable.")
    ],
    output: Annotated[Path, typer.Option(help="Model to write: <results>/emulate/<name>/model.npz.")],
    code: Code = [],  # noqa: B006
) -> None:
    """Train a model of showers."""
    from resonaut.core import config as frozen
    from resonaut.emulate.emulator import Emulator, geometry_of
    from resonaut.emulate.models import architectures
    from resonaut.emulate.settings import Training
    from resonaut.physics.showers.files import Showers, read

    distinct([config, *showers, *code], [output])
    architectures().learn([str(path) for path in code])
    settings = frozen.read(config, Training)
    geometry = geometry_of(settings.voxels)
    Emulator.fit(Showers.joined([read(path, geometry) for path in showers]), settings).save(output)


@app.command()
def sample(
    model: Trained,
    output: Annotated[Path, typer.Option(help="HDF5 file to write, in the CaloChallenge's layout.")],
    like: Annotated[
        list[Path], typer.Option(help="HDF5 file of showers, for whose energies as many are made; repeatable.")
    ] = [],  # noqa: B006
    energy: Annotated[list[float], typer.Option(help="Incident energy in MeV; repeatable.")] = [],  # noqa: B006
    number: Annotated[int, typer.Option(min=1, help="Showers of each --energy.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the showers.")] = 1,
    code: Code = [],  # noqa: B006
) -> None:
    """Make showers with a trained model, of given energies or of those in files of showers."""
    import numpy as np

    from resonaut.core.errors import ConfigError
    from resonaut.emulate.emulator import load
    from resonaut.emulate.models import architectures
    from resonaut.physics.showers.files import read, write

    distinct([model, *like, *code], [output])
    if bool(like) == bool(energy):
        raise ConfigError("give incident energies by --energy, or files that have some by --like.")
    architectures().learn([str(path) for path in code])
    emulator = load(model)
    given = [read(path, emulator.geometry).energies for path in like] or [np.repeat(np.asarray(energy, float), number)]
    write(output, emulator.sample(np.concatenate(given), seed))


@app.command()
def export(
    model: Trained,
    output: Annotated[Path, typer.Option(help="ONNX file to write.")],
    code: Code = [],  # noqa: B006
) -> None:
    """Write a trained model as an ONNX graph from normal noise and incident energies (MeV) to voxels (MeV)."""
    from resonaut.emulate.emulator import load
    from resonaut.emulate.export import export
    from resonaut.emulate.models import architectures

    distinct([model, *code], [output])
    architectures().learn([str(path) for path in code])
    export(load(model), output)
