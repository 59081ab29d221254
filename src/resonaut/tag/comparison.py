"""All networks side by side on the same held-out jets: discrimination with errors, size, operations, speed."""

import csv
import itertools
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from resonaut.core import events
from resonaut.core.errors import ConfigError, InputFileError
from resonaut.core.results import read, write
from resonaut.tag.architectures import networks, require_same_classes
from resonaut.tag.inputs import Inputs, widest
from resonaut.tag.operations import operations
from resonaut.tag.results import Comparison, Contender, Discrimination, Gap, Network, RejectionAt
from resonaut.tag.roc import discriminant
from resonaut.tag.sample import Sample, Simulation, count, load
from resonaut.tag.settings import TagConfig
from resonaut.tag.tagger import Tagger
from resonaut.tag.tagger import load as load_tagger

log = logging.getLogger(__name__)

Floats = NDArray[np.float64]

# Signal efficiencies at which the rejection of the background is given.
EFFICIENCIES = (0.3, 0.5, 0.7, 0.99)
# Each network scores the timed jets so often, in turn; the least time counts.
TURNS = 3


@dataclass(frozen=True)
class Found:
    """A number, or several, of each of the samples: first the jets as they are, then the replicas; (samples, ...)."""

    values: Floats

    @property
    def nominal(self) -> Floats:
        """Of the jets as they are."""
        return np.asarray(self.values[0])

    @property
    def error(self) -> Floats:
        """The spread of the replicas."""
        return np.asarray(self.values[1:].std(axis=0))


def compare(
    settings: TagConfig, models: Sequence[Path], simulation: Simulation, times: Mapping[str, Path], output: Path
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
    weights = bootstrap(len(held_out), wanted.replicas, settings.seed)
    told = longest.classes, longest.background
    found, areas = {}, {}
    for (name, (path, tagger)), speed in zip(taggers.items(), speeds, strict=True):
        scores = tagger.scores(held_out.inputs, settings.score_batch_size)
        events.require_finite(scores, f"score of {name}", "held-out jets")
        summary, entry = read(path.with_suffix(".json"), Network), networks()[tagger.settings.architecture]
        correct = Found(weights @ (scores.argmax(axis=1) == held_out.labels) / weights.sum(axis=1))
        against, areas[name] = against_background(scores, held_out.labels, *told, weights)
        found[name] = Contender(
            architecture=tagger.settings.architecture,
            title=entry.title or tagger.settings.architecture.replace("_", " "),
            year=entry.year,
            parameters=summary.parameters,
            train_jets=summary.train_jets,
            train_seconds=_seconds(times[name]) if name in times else None,
            operations=operations(path, min(places, tagger.settings.max_constituents)),
            jets_per_second=speed,
            accuracy=float(correct.nominal),
            accuracy_error=float(correct.error),
            against_background=against,
        )
        log.info("%s: accuracy %.4f, %.0f jets/s", name, correct.nominal, speed)
    write(
        output,
        Comparison(
            background=longest.background,
            held_out_jets=count(held_out, longest),
            constituents=places,
            networks=found,
            gaps=gaps(areas),
        ),
    )


def bootstrap(jets: int, replicas: int, seed: int) -> NDArray[np.int64]:
    """How often each jet is in each sample, (1 + replicas, jets): once in the first, and as Poisson's law says."""
    drawn = np.random.default_rng(seed).poisson(1, (replicas, jets))
    return np.concatenate([np.ones((1, jets), np.int64), drawn])


def against_background(
    scores: NDArray[np.floating],
    labels: NDArray[np.integer],
    classes: Sequence[str],
    background: str,
    weights: NDArray[np.int64],
) -> tuple[dict[str, Discrimination], dict[str, Found]]:
    """Of each signal class, and its areas in all samples, from class scores (n, classes) and labels (n,)."""
    qcd = list(classes).index(background)
    found, areas = {}, {}
    for i, name in enumerate(classes):
        if i == qcd:
            continue
        pair = (labels == i) | (labels == qcd)
        area, efficiency = curves(discriminant(scores[pair], i, qcd), labels[pair] == i, weights[:, pair])
        accepted, errors = efficiency.nominal.tolist(), efficiency.error.tolist()
        rejections = [
            RejectionAt(
                signal_efficiency=at,
                value=1 / passed if passed > 0 else None,
                # Of 1/x by propagation: a replica may have no background jet that passes.
                error=error / passed**2 if passed > 0 else None,
            )
            for at, passed, error in zip(EFFICIENCIES, accepted, errors, strict=True)
        ]
        found[name] = Discrimination(auc=float(area.nominal), auc_error=float(area.error), rejections=rejections)
        areas[name] = area
    return found, areas


def curves(score: NDArray[np.floating], signal: NDArray[np.bool_], weights: NDArray[np.int64]) -> tuple[Found, Found]:
    """Area under the ROC curve, (samples,), and background efficiency at ``EFFICIENCIES``, (samples, efficiencies).

    Jets of equal score pass together.
    """
    order = np.argsort(-score, kind="stable")
    last = np.append(np.diff(score[order]) != 0, True)
    areas, efficiencies = [], []
    for sample in weights:
        chosen = sample[order]
        passed = [np.append(0, np.cumsum(chosen * of)[last]) for of in (signal[order], ~signal[order])]
        s, b = (numbers / numbers[-1] for numbers in passed)
        areas.append(np.trapezoid(s, b))
        efficiencies.append(np.interp(EFFICIENCIES, s, b))
    return Found(np.array(areas)), Found(np.array(efficiencies))


def gaps(areas: Mapping[str, Mapping[str, Found]]) -> list[Gap]:
    """The steps down the list of networks by AUC, for each signal class; the same replicas for both sides of a step."""
    found = []
    for signal in next(iter(areas.values())):
        order = sorted(areas, key=lambda name: float(-areas[name][signal].nominal))
        for better, worse in itertools.pairwise(order):
            step = Found(areas[better][signal].values - areas[worse][signal].values)
            numbers = {"difference": float(step.nominal), "error": float(step.error)}
            found.append(Gap(signal=signal, better=better, worse=worse, **numbers))
    return found


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
