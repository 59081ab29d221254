"""Are p-values of selections that learn from the data they select honest? ``python benchmarks/select_folds.py``.

Toys without a signal: signal region and sidebands hold alike events, on which trees are trained and then cut at an
efficiency in the sidebands. Trained and counted on the same events; trained on one half and counted on the other; and
in k folds, all events counted (arXiv:1805.02664; for the question arXiv:2512.13787). The p-value of the number that
passes in the signal region is that of exchangeable events, the folds taken as independent; scores that are random
numbers show that it is exact. One JSON line: for each way the part of the toys with a p-value below 0.5, 0.16, 0.05 and
0.01, the median of p, and the p-value of Kolmogorov and Smirnov for uniform ones.
"""

import argparse
import json

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom, kstest

from resonaut.core import identifier
from resonaut.learn import ratio
from resonaut.learn.ratio.crossfit import Model

LEVELS = (0.5, 0.16, 0.05, 0.01)
TREES = ratio.TreeSettings(max_iterations=50, min_leaf_events=20, validation_parts=2)
FloatArray = NDArray[np.float64]
Counts = tuple[int, int, int, int]


def tail(signal: int, sideband: int, passing: int) -> FloatArray:
    """P(N >= s), s = 0, 1, ...: N of ``signal`` events lie above the ``passing``-th largest of ``sideband`` ones.

    All orders of the events are as likely; N >= s if s of the s + passing - 1 largest are of the signal region.
    """
    s = np.arange(signal + 1)
    return np.where(s > 0, hypergeom.sf(s - 1, signal + sideband, signal, s + passing - 1), 1.0)


def p_value(counts: list[Counts], rng: np.random.Generator) -> float:
    """Of the sum of the passing events of independent parts, by parts (signal, sideband, passing there, passing here).

    Ties of the discrete number are broken at random, so that honest p-values are uniform.
    """
    mass = np.ones(1)
    for signal, sideband, passing, _ in counts:
        mass = np.convolve(mass, -np.diff(np.append(tail(signal, sideband, passing), 0)))
    found = sum(here for *_, here in counts)
    return float(mass[found + 1 :].sum() + rng.uniform() * mass[found])


def counted(inside: FloatArray, beside: FloatArray, efficiency: float, rng: np.random.Generator) -> Counts:
    """Events of both regions by their scores, those that pass in the sidebands, and in the signal region.

    Trees that learned little give many events the same score; their order is random.
    """
    scores = np.concatenate([inside, beside])
    rank = np.argsort(np.lexsort((rng.uniform(size=len(scores)), scores)))
    passing = max(round(efficiency * len(beside)), 1)
    threshold = np.sort(rank[len(inside) :])[-passing]
    return len(inside), len(beside), passing, int(np.sum(rank[: len(inside)] > threshold))


def toy(events: int, features: int, folds: int, efficiency: float, seed: int) -> list[float]:
    """The p-values of the three ways, and of random scores."""
    rng = np.random.default_rng(seed)
    regions = [
        ratio.Sample.of(
            rng.normal(size=(events, features)), keys=identifier.mix(np.arange(events, dtype=np.uint64) + i)
        )
        for i in (np.uint64(0), np.uint64(events))
    ]
    settings = ratio.FeatureSettings(folds=folds, trees=TREES, seed=seed)
    dealt = [identifier.folds(region.keys, folds, seed) for region in regions]
    half = [identifier.folds(region.keys, 2, seed + 1) == 0 for region in regions]
    kept = [region[mask] for region, mask in zip(regions, half, strict=True)]
    others = [region[~mask] for region, mask in zip(regions, half, strict=True)]
    without = [tuple(region[fold != i] for region, fold in zip(regions, dealt, strict=True)) for i in range(folds)]
    pairs = [(regions[0], regions[1]), (kept[0], kept[1]), *((one, other) for one, other in without)]
    same, first, *models = ratio.CrossFit.fit_pairs(pairs, settings).models
    parts = [tuple(region[fold == i] for region, fold in zip(regions, dealt, strict=True)) for i in range(folds)]

    def learned(model: Model, signal: ratio.Sample, sideband: ratio.Sample) -> Counts:
        return counted(model.probability(signal.features), model.probability(sideband.features), efficiency, rng)

    ways = (
        [learned(same, *regions)],
        [learned(first, *others)],
        [learned(model, *part) for model, part in zip(models, parts, strict=True)],
        [counted(rng.uniform(size=events), rng.uniform(size=events), efficiency, rng)],
    )
    return [p_value(way, rng) for way in ways]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--toys", type=int, default=200)
    parser.add_argument("--events", type=int, default=1000, help="in the signal region, and in the sidebands")
    parser.add_argument("--features", type=int, default=4)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--efficiency", type=float, default=0.05)
    options = parser.parse_args()
    arguments = options.events, options.features, options.folds, options.efficiency
    found = np.array([toy(*arguments, seed) for seed in range(1, options.toys + 1)])
    names = ("train = test", "halves", f"{options.folds} folds", "random scores")
    table = {
        way: {
            "median": float(np.median(p)),
            **{f"below {level}": float(np.mean(p < level)) for level in LEVELS},
            "uniform": float(kstest(p, "uniform").pvalue),
        }
        for way, p in zip(names, found.T, strict=True)
    }
    print(json.dumps(vars(options) | table))


if __name__ == "__main__":
    main()
