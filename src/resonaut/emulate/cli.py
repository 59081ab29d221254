"""``resonaut emulate``: showers of a calorimeter from generative networks."""

from pathlib import Path
from typing import Annotated

import typer

from resonaut.core.files import distinct

app = typer.Typer(
    help="Train models of calorimeter showers, make showers with them, and judge these.", no_args_is_help=True
)

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


@app.command()
def evaluate(
    config: Annotated[Path, typer.Option(help="Frozen keys: <results>/config/emulate/evaluate/<name>.json.")],
    simulated: Annotated[
        list[Path], typer.Option(help="HDF5 file of simulated showers that no model has seen; repeatable.")
    ],
    training: Annotated[list[Path], typer.Option(help="HDF5 file of those that trained the model; repeatable.")],
    output: Annotated[Path, typer.Option(help="Evaluation to write: <results>/emulate/<name>/evaluation.json.")],
    emulated: Annotated[
        Path | None,
        typer.Option(help="HDF5 file of showers of the model. Without it training showers take its place: the floor."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the model, with --emulated.")] = None,
) -> None:
    """Judge showers of a model against simulated ones that it has not seen."""
    from resonaut.core import config as frozen
    from resonaut.core.errors import ConfigError
    from resonaut.core.results import write
    from resonaut.emulate.emulator import geometry_of
    from resonaut.emulate.evaluate import FLOOR
    from resonaut.emulate.evaluate.judge import evaluate as judge
    from resonaut.emulate.settings import Evaluation
    from resonaut.physics.showers.files import Showers, read

    if (emulated is None) != (name is None):
        raise ConfigError("--emulated and --name belong together; give both, or none for the floor.")
    distinct([config, *simulated, *training, emulated], [output])
    settings = frozen.read(config, Evaluation)
    geometry = geometry_of(settings.voxels)
    known, seen = (Showers.joined([read(path, geometry) for path in paths]) for paths in (simulated, training))
    made = None if emulated is None else read(emulated, geometry)
    write(output, judge(known, seen, made, geometry, settings.evaluate, settings.voxels.threshold, name or FLOOR))


@app.command()
def time(
    config: Annotated[Path, typer.Option(help="Frozen keys: <results>/config/emulate/time/<name>.json.")],
    model: Trained,
    output: Annotated[Path, typer.Option(help="Times to write: <results>/emulate/<name>/timing.json.")],
    name: Annotated[str, typer.Option(help="Name of the model.")],
    code: Code = [],  # noqa: B006
) -> None:
    """Measure how long a model takes for a shower, on the threads that torch has; nothing else should run."""
    import torch

    from resonaut.core import config as frozen
    from resonaut.core.results import write
    from resonaut.emulate.emulator import load
    from resonaut.emulate.evaluate.timing import times
    from resonaut.emulate.models import architectures
    from resonaut.emulate.results import Timing
    from resonaut.emulate.settings import TimeMeasurement

    distinct([config, model, *code], [output])
    architectures().learn([str(path) for path in code])
    settings, emulator = frozen.read(config, TimeMeasurement), load(model)
    found = times(emulator.sample, settings.timing)
    write(output, Timing(name=name, threads=torch.get_num_threads(), times=found))
