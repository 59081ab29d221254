"""All networks side by side on the same held-out jets: discrimination with errors, size, operations, speed."""

import csv
import itertools
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from resonaut.core import events
from resonaut.core.errors import ConfigError, InputFileError
from resonaut.core.results import read, write
from resonaut.tag.architectures import networks, require_same_classes
from resonaut.tag.inputs import Inputs, widest
from resonaut.tag.operations import operations
from resonaut.tag.results import Comparison, Contender, Discrimination, Gap, Lost, Measured, Network
from resonaut.tag.roc import Floats, lost, measure
from resonaut.tag.sample import Sample, Source, count, load
from resonaut.tag.settings import TagConfig
from resonaut.tag.tagger import Tagger
from resonaut.tag.tagger import load as load_tagger

log = logging.getLogger(__name__)

# Each network scores the timed jets so often, in turn; the least time counts.
TURNS = 3


def compare(
    settings: TagConfig, models: Sequence[Path], simulation: Source, times: Mapping[str, Path], output: Path
) -> None:
    """Write ``comparison.json`` of the networks with these model files; each has its summary beside it.

    Args:
        settings: the section, with ``comparison``.
        models: ``<network>.npz``, in whatever order; the result has the order of the configuration.
        simulation: whose held-out jets are scored.
        times: by network Snakemake's record of its training.
        output: the file.

    Raises:
        ConfigError: there is no section ``comparison``, or networks of several sets of classes.
        InputFileError: a file is missing or of another network.
    """
    wanted = settings.comparison
    if wanted is None:
        raise ConfigError("config: tag.comparison is null; write tag.comparison: {} to compare the networks.")
    require_same_classes(settings.networks)
    taggers = {tagger.name: (path, tagger) for path in models for tagger in [load_tagger(path, settings.device)]}
    if missing := settings.networks.keys() ^ taggers.keys():
        raise ConfigError(f"tag compare: {min(missing)!r} is in --model or in tag.networks alone; give each once.")
    taggers = {name: taggers[name] for name in settings.networks}
    longest = max(settings.networks.values(), key=lambda network: network.max_constituents)
    seen = widest(network.inputs for network in settings.networks.values())
    longest = replace(longest, inputs=seen, regression={}, auxiliary={})
    held_out = load(simulation, settings, longest, "held_out")
    places = round(float(held_out.inputs.counts.mean()))
    speeds = measured_speeds([tagger for _, tagger in taggers.values()], _some(held_out, wanted.timed_jets), settings)
    told = longest.classes, longest.background, held_out.known.events, settings.seed
    found, kept = {}, {}
    for (name, (path, tagger)), speed in zip(taggers.items(), speeds, strict=True):
        kept[name] = scores = tagger.scores(held_out.inputs, settings.score_batch_size)
        events.require_finite(scores, f"score of {name}", "held-out jets")
        summary, entry = read(path.with_suffix(".json"), Network), networks()[tagger.settings.architecture]
        measured = measure(scores, held_out.labels, *told)
        found[name] = Contender(
            architecture=tagger.settings.architecture,
            title=entry.title or tagger.settings.architecture.replace("_", " "),
            year=entry.year,
            parameters=summary.parameters,
            train_jets=summary.train_jets,
            train_seconds=_seconds(times[name]) if name in times else None,
            operations=operations(path, min(places, tagger.settings.max_constituents)),
            jets_per_second=speed,
            accuracy=measured.accuracy,
            accuracy_error=measured.accuracy_error,
            against_background=against_background(measured),
        )
        log.info("%s: accuracy %.4f, %.0f jets/s", name, measured.accuracy, speed)
    steps = gaps(kept, found, lambda better, worse: lost(better, worse, held_out.labels, *told))
    jets = count(held_out, longest)
    write(
        output,
        Comparison(background=told[1], held_out_jets=jets, constituents=places, networks=found, gaps=steps),
    )


def against_background(measured: Measured) -> dict[str, Discrimination]:
    """What a comparison shows of each signal class."""
    return {
        name: Discrimination(auc=area, auc_error=measured.auc_error[name], rejections=measured.rejection[name])
        for name, area in measured.auc.items()
    }


def gaps(
    scores: Mapping[str, Floats],
    found: Mapping[str, Contender],
    difference: Callable[[Floats, Floats], Mapping[str, Lost]],
) -> list[Gap]:
    """The steps down the list of networks by AUC, for each signal class.

    Args:
        scores: of each network on the same jets, (n, classes).
        found: the networks.
        difference: by how much the areas fall from the scores of one to those of the other, with errors.
    """
    steps = []
    for signal in next(iter(found.values())).against_background:
        order = sorted(found, key=lambda name: -found[name].against_background[signal].auc)
        for better, worse in itertools.pairwise(order):
            step = difference(scores[better], scores[worse])[signal]
            steps.append(Gap(signal=signal, better=better, worse=worse, difference=step.value, error=step.error))
    return steps


def measured_speeds(taggers: Sequence[Tagger], inputs: Inputs, settings: TagConfig) -> list[float]:
    """Jets per second of each; CPU time on a CPU, where all of it is one thread's. High-level observables count."""
    clock = time.process_time if settings.device == "cpu" else time.perf_counter
    taken = np.empty((TURNS, len(taggers)))
    for turn, (i, tagger) in itertools.product(range(TURNS), enumerate(taggers)):
        begin = clock()
        tagger.scores(inputs, settings.score_batch_size)
        taken[turn, i] = clock() - begin
    speeds: list[float] = (len(inputs) / taken.min(axis=0)).tolist()
    return speeds


def _some(sample: Sample, jets: int) -> Inputs:
    """Jets from all over the sample, which has one class after the other."""
    return sample.inputs.take(np.unique(np.linspace(0, len(sample) - 1, jets).round().astype(int)))


def _seconds(path: Path) -> float:
    """The wall time in a record of Snakemake's."""
    try:
        with path.open(newline="") as file:
            return float(next(csv.DictReader(file, delimiter="\t"))["s"])
    except (OSError, StopIteration, KeyError, ValueError):
        raise InputFileError(path, "no record of a job's time by Snakemake", "leave it out, or run the job") from None
