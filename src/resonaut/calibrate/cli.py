"""``resonaut calibrate``: the Lund-plane correction, its normalisation and the event weights."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Measure the data/simulation ratio of the Lund jet plane and turn it into weights for multi-prong jets.",
    no_args_is_help=True,
)

Config = Annotated[Path, typer.Option(help="Frozen section `calibrate` of the configuration (JSON).")]
Correction = Annotated[Path, typer.Option(help="Correction written by `measure` (correctionlib JSON).")]
Manifest = Annotated[Path, typer.Option("--dataset", help="Manifest of a skimmed signal dataset (JSON).")]


@app.command()
def measure(
    config: Config,
    data: Annotated[list[Path], typer.Option(help="Manifest of skimmed W jets of data (repeat for more).")],
    simulation: Annotated[list[Path], typer.Option(help="Manifest of skimmed W jets of simulation (repeat for more).")],
    output: Annotated[Path, typer.Option(help="The correction to write (correctionlib JSON).")],
    planes: Annotated[Path, typer.Option(help="The Lund planes to write (JSON).")],
) -> None:
    """Measure the ratio of the Lund planes of W jets.

    Reads the manifests given and the chunks `skim/<dataset>/<chunk>.parquet` beside them. Writes the
    correction (`lund_ratio` and `lund_ratio_error`) and, for plots, the planes that it comes from.
    """
    from resonaut.calibrate import correction
    from resonaut.calibrate.measure import measure as measure_ratio
    from resonaut.calibrate.settings import Settings
    from resonaut.config import read
    from resonaut.files import write_json

    ratio, counts = measure_ratio(data, simulation, read(config, Settings))
    write_json(planes, counts)
    correction.write(output, ratio)


@app.command()
def normalise(
    config: Config,
    correction: Correction,
    dataset: Manifest,
    output: Annotated[Path, typer.Option(help="The mean weights to write (JSON).")],
) -> None:
    """Compute the mean weight of a signal dataset's jets for each number of prongs.

    Reads the manifest and the chunks `skim/<dataset>/<chunk>.parquet` beside it. Writes, by number of
    prongs, the number of jets, how many could not be calibrated, and the mean weights.
    """
    from dataclasses import asdict

    from resonaut.calibrate import weights
    from resonaut.calibrate.correction import read as read_correction
    from resonaut.calibrate.settings import Settings
    from resonaut.config import read
    from resonaut.events import Dataset
    from resonaut.files import write_json

    means = weights.normalise(Dataset.open(dataset), read_correction(correction), read(config, Settings))
    write_json(output, asdict(means))


@app.command()
def apply(
    config: Config,
    correction: Correction,
    normalisation: Annotated[Path, typer.Option(help="Mean weights written by `normalise` (JSON).")],
    dataset: Manifest,
    chunk: Annotated[str, typer.Option(help="Name of the chunk, such as 000.")],
    output: Annotated[Path, typer.Option(help="The chunk's weights to write (Parquet).")],
) -> None:
    """Write the weights of one chunk of a signal dataset.

    Reads the manifest and the chunk `skim/<dataset>/<chunk>.parquet` beside it. Writes, row for row, the
    columns `lund_weight_j1`, `lund_weight_j2`, `lund_weight_toys`, `lund_calibrated_j1`, `lund_calibrated_j2`.
    """
    from resonaut.calibrate import weights
    from resonaut.calibrate.correction import read as read_correction
    from resonaut.calibrate.settings import Settings
    from resonaut.config import read
    from resonaut.events import Dataset, write

    settings = read(config, Settings)
    means = read(normalisation, weights.Normalisation)
    events = Dataset.open(dataset)
    batches = weights.apply(events, chunk, read_correction(correction), means, settings, normalisation)
    write(output, batches, units={})
