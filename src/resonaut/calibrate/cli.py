"""``resonaut calibrate``: the Lund-plane correction, its normalisation and the event weights."""

from pathlib import Path
from typing import Annotated

import typer

from resonaut.core.files import distinct

app = typer.Typer(
    help="Measure the data/simulation ratio of the Lund jet plane and turn it into weights for multi-prong jets.",
    no_args_is_help=True,
)

Config = Annotated[Path, typer.Option(help="Frozen section `calibrate` of the configuration (JSON).")]
Correction = Annotated[
    Path, typer.Option(help="Correction written by `measure` or `import` (correctionlib JSON), with its metadata.")
]
Means = Annotated[Path, typer.Option(help="Mean weights written by `normalise` (JSON).")]
Manifest = Annotated[Path, typer.Option("--dataset", help="Manifest of a skimmed signal dataset (JSON).")]


@app.command()
def measure(
    config: Config,
    data: Annotated[list[Path], typer.Option(help="Manifest of skimmed W jets of data (repeat for more).")],
    simulation: Annotated[list[Path], typer.Option(help="Manifest of skimmed W jets of simulation (repeat for more).")],
    output: Annotated[Path, typer.Option(help="The correction to write (correctionlib JSON).")],
    planes: Annotated[Path, typer.Option(help="The Lund planes to write (JSON).")],
    background: Annotated[
        list[Path] | None, typer.Option(help="Manifest of simulated background in the W jets of data.")
    ] = None,
    b_quarks: Annotated[
        list[Path] | None, typer.Option(help="Manifest of simulated jets with b quarks and light ones.")
    ] = None,
) -> None:
    """Measure the ratio of the Lund planes of W jets.

    Reads the manifests given and the chunks `skim/<dataset>/<chunk>.parquet` beside them. Writes the
    correction, its metadata (`<output>.metadata.json`) and, for plots, the planes that it comes from.
    """
    from resonaut.calibrate import correction
    from resonaut.calibrate.measure import Samples
    from resonaut.calibrate.measure import measure as measure_ratio
    from resonaut.calibrate.settings import Settings
    from resonaut.core.config import read
    from resonaut.core.results import write

    read_first = [config, *data, *simulation, *(background or []), *(b_quarks or [])]
    distinct(read_first, [output, correction.metadata_path(output), planes])
    samples = Samples.open(data, simulation, background or [], b_quarks or [])
    measured, source, counts = measure_ratio(samples, read(config, Settings))
    write(planes, counts)
    correction.write(output, measured, source)


@app.command()
def normalise(
    config: Config,
    correction: Correction,
    dataset: Manifest,
    output: Annotated[Path, typer.Option(help="The mean weights to write (JSON).")],
) -> None:
    """Compute the mean weights of a signal dataset's jets for each number of prongs in bins of p_T.

    Reads the manifest and the chunks `skim/<dataset>/<chunk>.parquet` beside it. Writes, by number of
    prongs, the numbers of jets and of those that could not be calibrated or matched, and the mean weights.
    """
    from resonaut.calibrate import normalise as normalisation
    from resonaut.calibrate.correction import metadata_path, read_for
    from resonaut.calibrate.settings import Settings
    from resonaut.core.config import read
    from resonaut.core.events import Dataset
    from resonaut.core.results import write

    distinct([config, correction, metadata_path(correction), dataset], [output])
    settings = read(config, Settings)
    means = normalisation.normalise(Dataset.open(dataset), read_for(correction, settings), settings)
    write(output, means)


@app.command()
def apply(
    config: Config,
    correction: Correction,
    normalisation: Means,
    dataset: Manifest,
    chunk: Annotated[str, typer.Option(help="Name of the chunk, such as 000.")],
    output: Annotated[Path, typer.Option(help="The chunk's weights to write (Parquet).")],
) -> None:
    """Write the weights of one chunk of a signal dataset.

    Reads the manifest and the chunk `skim/<dataset>/<chunk>.parquet` beside it. Writes, row for row and for
    each jet, the columns `lund_weight_j1`, `lund_weight_<variation>_j1`, `lund_calibrated_j1`, `lund_bad_match_j1`.
    """
    from resonaut.calibrate import columns
    from resonaut.calibrate import normalise as means
    from resonaut.calibrate.correction import metadata_path, read_for
    from resonaut.calibrate.results import Normalisation
    from resonaut.calibrate.settings import Settings
    from resonaut.calibrate.weights import Calibration
    from resonaut.core import config as frozen
    from resonaut.core.events import Dataset, write
    from resonaut.core.results import read

    distinct([config, correction, metadata_path(correction), normalisation, dataset], [output])
    settings = frozen.read(config, Settings)
    measured = read_for(correction, settings)
    found = read(normalisation, Normalisation)
    batches = means.apply(Dataset.open(dataset), chunk, measured, found, settings, normalisation)
    write(output, batches, units={}, notes=columns.notes(Calibration.of(measured, settings).variations))


@app.command()
def summarise(
    config: Config,
    normalisation: Means,
    dataset: Manifest,
    output: Annotated[Path, typer.Option(help="Scale factors and histograms to write (JSON).")],
    tagged: Annotated[bool, typer.Option("--tagged", help="The dataset also has taggers' scores.")] = False,
) -> None:
    """Scale factors of selections of jets with all uncertainties, and observables before and after.

    Reads the manifest and the chunks of `skim`, `calibrate` (and `tag`) beside it.
    """
    from resonaut.calibrate import summary
    from resonaut.calibrate.results import Normalisation
    from resonaut.calibrate.settings import Settings
    from resonaut.core import config as frozen
    from resonaut.core.events import Dataset
    from resonaut.core.results import read, write

    distinct([config, normalisation, dataset], [output])
    means = read(normalisation, Normalisation)
    write(output, summary.summarise(Dataset.open(dataset), means, tagged, frozen.read(config, Settings)))


@app.command("import")
def import_published(
    published: Annotated[Path, typer.Option("--input", help="CMS's published ratios, `ratio_<year>.root`.")],
    output: Annotated[Path, typer.Option(help="The correction to write (correctionlib JSON).")],
) -> None:
    """Turn CMS's published Lund-plane ratios into a correction.

    Reads the ROOT file. Writes the correction and its metadata (`<output>.metadata.json`); its declustering is `kt`.
    """
    from resonaut.calibrate import correction
    from resonaut.calibrate.published import read_published

    distinct([published], [output, correction.metadata_path(output)])
    correction.write(output, *read_published(published))
