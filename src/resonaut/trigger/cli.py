"""``resonaut trigger``: anomaly detection in the Level-1 trigger."""

from pathlib import Path
from typing import Annotated

import typer

from resonaut.core.files import distinct

app = typer.Typer(
    help="Train autoencoders for a Level-1 trigger, make them integers, run these, and measure their decisions.",
    no_args_is_help=True,
)


@app.command()
def train(
    config: Annotated[Path, typer.Option(help="Frozen keys: <results>/config/trigger/train/<name>.json.")],
    name: Annotated[str, typer.Option(help="Name of the model, in trigger.models.")],
    zero_bias: Annotated[list[Path], typer.Option(help="Parquet file of crossings that train; repeatable.")],
    output: Annotated[Path, typer.Option(help="Model to write: <results>/trigger/<name>/model.npz.")],
) -> None:
    """Train a variational autoencoder on zero bias."""
    from dataclasses import asdict

    from resonaut.core import config as frozen
    from resonaut.trigger.autoencoder import Autoencoder
    from resonaut.trigger.inputs import names
    from resonaut.trigger.samples import Source, training_inputs
    from resonaut.trigger.settings import Training

    distinct([config, *zero_bias], [output])
    settings = frozen.read(config, Training).model
    inputs = training_inputs([Source(name, zero_bias)], names(asdict(settings.objects)))
    Autoencoder.fit(inputs, settings, name).save(output)


@app.command()
def quantise(
    config: Annotated[Path, typer.Option(help="Frozen keys: <results>/config/trigger/quantise/<name>.json.")],
    model: Annotated[Path, typer.Option(help="Model: <results>/trigger/<name>/model.npz.")],
    output: Annotated[Path, typer.Option(help="Network to write: <results>/trigger/<name>/network.json.")],
) -> None:
    """Make a trained model a network in integers."""
    from resonaut.core import config as frozen
    from resonaut.core.results import write
    from resonaut.trigger.autoencoder import load
    from resonaut.trigger.quantise import quantise as made
    from resonaut.trigger.settings import Quantising

    distinct([config, model], [output])
    write(output, made(load(model), frozen.read(config, Quantising).quantisation))


@app.command()
def score(
    network: Annotated[Path, typer.Option(help="Network in integers: <results>/trigger/<name>/network.json.")],
    crossings: Annotated[Path, typer.Option(help="Parquet file of crossings, or CSV file of a network's inputs.")],
    output: Annotated[Path, typer.Option(help="CSV file to write: the score of each crossing.")],
) -> None:
    """Run a network in integers, bit for bit as the firmware does.

    The first line of a CSV file has the names of the network's inputs in their order, and each line below the hardware
    integers of a crossing. In the output ``integer`` is the score's integer and ``score`` its value.
    """
    from resonaut.trigger.running import run

    distinct([network, crossings], [output])
    run(network, crossings, output)


@app.command()
def verify(
    network: Annotated[Path, typer.Option(help="Network in integers: <results>/trigger/<name>/network.json.")],
    crossings: Annotated[Path, typer.Option(help="Parquet file of crossings, or CSV file of a network's inputs.")],
    output: Annotated[Path, typer.Option(help="Comparison to write: verification.json.")],
) -> None:
    """Compare the emulator with hls4ml's C++, compiled by g++, score by score."""
    from resonaut.core.results import write
    from resonaut.trigger.firmware import verify as compared
    from resonaut.trigger.running import opened

    distinct([network, crossings], [output])
    write(output, compared(*opened(network, crossings)))


@app.command()
def resources(
    network: Annotated[Path, typer.Option(help="Network in integers: <results>/trigger/<name>/network.json.")],
    output: Annotated[Path, typer.Option(help="Estimate to write: resources.json.")],
    clock: Annotated[float, typer.Option(help="Clock of the firmware, in MHz.", min=1)] = 200,
    adders: Annotated[int, typer.Option(help="Adders in a row that a cycle has time for.", min=1)] = 5,
    crossings: Annotated[int, typer.Option(help="Random crossings that the logic is checked on.", min=1)] = 5000,
) -> None:
    """Estimate the resources and the latency of a network in firmware with da4ml, and check its logic."""
    from resonaut.core.results import write
    from resonaut.trigger.resources import estimate
    from resonaut.trigger.running import network_of

    distinct([network], [output])
    write(output, estimate(network_of(network), clock, adders, crossings))


@app.command()
def measure(
    config: Annotated[Path, typer.Option(help="Frozen keys: <results>/config/trigger/measure/<name>.json.")],
    name: Annotated[str, typer.Option(help="Name of the network.")],
    network: Annotated[Path, typer.Option(help="Network in integers: <results>/trigger/<name>/network.json.")],
    zero_bias: Annotated[list[str], typer.Option(help="<sample>=<Parquet file> of zero bias; repeatable.")],
    output: Annotated[Path, typer.Option(help="Measurement to write: <results>/trigger/<name>/measurement.json.")],
    signal: Annotated[list[str], typer.Option(help="<sample>=<Parquet file> of a signal; repeatable.")] = [],  # noqa: B006
    seeds: Annotated[
        list[str], typer.Option(help="<sample>=<Parquet file> of the seeds' decisions, in the order of its files.")
    ] = [],  # noqa: B006
    model: Annotated[Path | None, typer.Option(help="The model of which the network was made.")] = None,
    menu: Annotated[Path | None, typer.Option(help="CSV file of the menu, with trigger.measure.menu.")] = None,
) -> None:
    """Measure rates and efficiencies of a network's decisions."""
    from resonaut.core import config as frozen
    from resonaut.core.results import read, write
    from resonaut.trigger.autoencoder import load
    from resonaut.trigger.measurement import measurement
    from resonaut.trigger.results import IntegerNetwork
    from resonaut.trigger.running import menu_of, sources
    from resonaut.trigger.settings import Measuring

    settings = frozen.read(config, Measuring).measure
    of_zero_bias, of_signals = sources(zero_bias, seeds), sources(signal, seeds)
    paths = [path for source in (*of_zero_bias, *of_signals) for path in (*source.crossings, *source.seeds)]
    distinct([config, network, model, menu, *paths], [output])
    floating = None if model is None else load(model)
    found = menu_of(menu, settings)
    write(output, measurement(name, read(network, IntegerNetwork), floating, of_zero_bias, of_signals, found, settings))
