"""What calibration does to a ratio that is known: ``python benchmarks/ratio_calibration.py``, one JSON line each.

Two samples of four features, of which one is shifted by 0.35 and one has 0.9 of the width in the numerator. Trees and
networks that are trained well, too much and too little, with and without ``CrossFit.calibrated``. Percent: the root
mean square of learned over true weights - 1, and the largest deviation of their sums in tenths of the events by the
learned and by the true weight; means and standard errors over seeds.
"""
# ruff: noqa: E402 (the libraries read their number of threads when they are imported)

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import argparse
import json
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from resonaut.core import identifier
from resonaut.learn.ratio import CrossFit, NetworkSettings, Sample, Settings, TreeSettings

SHIFT, WIDTH = 0.35, 0.9
Array = NDArray[np.float64]

TREES = TreeSettings(learning_rate=0.05, max_iterations=100, max_leaf_nodes=15, min_leaf_events=50, l2=0)
SURE = {"learning_rate": 0.3, "max_iterations": 60, "max_leaf_nodes": 31, "min_leaf_events": 5, "patience": 60}
NETWORK = NetworkSettings(hidden=[32, 32], epochs=8, batch_size=1024, learning_rate=0.005, restarts=1)
MUCH = {"hidden": [64, 64], "epochs": 40, "batch_size": 256, "learning_rate": 0.003}
LITTLE = {"hidden": [16], "epochs": 1, "batch_size": 2048, "learning_rate": 0.002}
WITHOUT = {"validation_parts": 1}
CLASSIFIERS = {
    "trees": Settings(trees=replace(TREES, validation_parts=4)),
    "trees, too much": Settings(trees=replace(TREES, validation_parts=2, **SURE)),
    "trees, too little": Settings(trees=replace(TREES, validation_parts=2, max_iterations=8)),
    "network": Settings(backend="network", network=replace(NETWORK, annealing=True, **WITHOUT)),
    "network, too much": Settings(backend="network", network=replace(NETWORK, **MUCH, **WITHOUT)),
    "network, too little": Settings(backend="network", network=replace(NETWORK, **LITTLE, **WITHOUT)),
}


def drawn(n: int, seed: int, shift: float, width: float) -> Sample:
    x = np.random.default_rng(seed).normal(0, 1, (n, 4))
    x[:, 0] += shift
    x[:, 1] *= width
    return Sample.of(x, keys=identifier.mix(np.arange(n, dtype=np.uint64) + np.uint64(seed << 32)))


def exact(sample: Sample) -> Array:
    x = sample.features.astype(float)
    ratio: Array = np.exp(SHIFT * x[:, 0] - SHIFT**2 / 2 - x[:, 1] ** 2 / 2 * (WIDTH**-2 - 1)) / WIDTH
    return ratio


def largest(by: Array, learned: Array, true: Array) -> float:
    """The largest deviation of learned from true weights in tenths of the events."""
    part = np.searchsorted(np.quantile(by, np.arange(1, 10) / 10), by, side="right")
    reached, wanted = (np.bincount(part, w, 10) for w in (learned, true))
    filled = wanted > 0
    return float(np.abs(reached[filled] / wanted[filled] - 1).max())


def found(models: CrossFit, sample: Sample) -> list[float]:
    learned, true = models.ratio(sample.features, sample.keys), exact(sample)
    learned, true = learned / learned.mean(), true / true.mean()
    rms = float(np.sqrt(np.mean(np.square(learned / true - 1))))
    return [rms, largest(learned, learned, true), largest(true, learned, true)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000, help="of each sample")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--classifiers", nargs="*", default=list(CLASSIFIERS), choices=list(CLASSIFIERS))
    given = parser.parse_args()
    for label in given.classifiers:
        rows: dict[str, list[list[float]]] = {"none": [], "logistic": []}
        slopes = []
        for seed in range(1, given.seeds + 1):
            settings = replace(CLASSIFIERS[label], seed=seed)
            one, other = drawn(given.events, 2 * seed, SHIFT, WIDTH), drawn(given.events, 2 * seed + 1, 0, 1)
            models = CrossFit.fit(one, other, settings)
            mended = models.calibrated(one, other, settings)
            assert mended.maps is not None
            slopes.append(float(mended.maps.slopes.mean()))
            for kind, chosen in (("none", models), ("logistic", mended)):
                rows[kind].append(found(chosen, other))
        for kind, values in rows.items():
            percent = 100 * np.array(values)
            # Of one seed there is no error.
            errors = percent.std(axis=0, ddof=1) / len(values) ** 0.5 if len(values) > 1 else None
            shown = {
                name: [round(float(mean), 2), None if errors is None else round(float(errors[i]), 2)]
                for i, (name, mean) in enumerate(
                    zip(("rms", "tenths_by_learned", "tenths_by_true"), percent.mean(axis=0), strict=True)
                )
            }
            line = {"classifier": label, "events": given.events, "seeds": given.seeds, "calibration": kind}
            print(json.dumps(line | shown | {"slope": round(float(np.mean(slopes)), 3)}), flush=True)


if __name__ == "__main__":
    main()
