"""Does the engine of ``select`` cost sensitivity? One JSON line: ``python benchmarks/select_trees.py``.

As by ``ideal``, data with a few signal events are compared with pure background in the signal region of the LHC
Olympics and, as a larger sample with less signal in it, at all masses; ``supervised`` learns from labels, ``cwola``
compares with sidebands. The peer is what a user would write: in each of the same folds ten of scikit-learn's
``HistGradientBoostingClassifier`` with its defaults and early stopping, averaged. ``ratio`` is the geometric mean over
samples and draws of Resonaut's largest significance improvement over the peer's, of the same held-out events. It leaves
out ``cwola``, whose larger leaves are the price of an honest background (docs/select.md). The features are those of
``$RESONAUT_REFERENCE_DATA/lhco``, or of toys where there is no such file.
"""
# ruff: noqa: E402 (the libraries read their number of threads when they are imported)

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from resonaut.core import identifier
from resonaut.learn import ratio
from resonaut.learn.ratio.sample import Balanced, Pair, Part, balanced
from resonaut.select.improvement import improvement
from resonaut.select.methods.bounds.method import MIN_LEAF_EVENTS

ROOT = Path(__file__).parents[1]
FILE = Path(os.environ.get("RESONAUT_REFERENCE_DATA", "data")) / "lhco" / "events_anomalydetection_subset.features.h5"
MEMBERS, INJECTED = 10, 300
# Of the toys.
BACKGROUND, SIGNAL = 60_000, 6_000

Array = NDArray[Any]


@dataclass(frozen=True)
class Events:
    """Features (n, 4), m_jj in GeV and labels (n,)."""

    features: Array
    m_jj: Array
    signal: NDArray[np.bool_]

    def sample(self, rows: NDArray[np.int64]) -> ratio.Sample:
        """Some of them, with the row as the identifier."""
        keys = identifier.mix(rows.astype(np.uint64))
        return ratio.Sample(self.features[rows], np.ones(len(rows)), keys)


def lhco(path: Path) -> Events:
    """The default features of the LHC Olympics' events above 2.5 TeV."""
    table = cast(pd.DataFrame, pd.read_hdf(path, "df"))
    px, py, pz, m, tau1, tau2 = (
        table[[f"{name}j1", f"{name}j2"]].to_numpy() for name in ("px", "py", "pz", "m", "tau1", "tau2")
    )
    energy = np.sqrt(px**2 + py**2 + pz**2 + m**2).sum(axis=1)
    m_jj = np.sqrt(energy**2 - sum(p.sum(axis=1) ** 2 for p in (px, py, pz)))
    heavier = np.argsort(-m, axis=1)
    m = np.take_along_axis(m, heavier, axis=1)
    tau21 = np.take_along_axis(np.divide(tau2, tau1, out=np.zeros_like(tau1), where=tau1 > 0), heavier, axis=1)
    features = np.column_stack([m[:, 0], m[:, 0] - m[:, 1], tau21]).astype(np.float32)
    used = m_jj > 2500
    return Events(features[used], m_jj[used], table["label"].to_numpy()[used] == 1)


def toys(seed: int) -> Events:
    """Falling masses and broad tau ratios, and a resonance that decays to 500 and 100 GeV."""
    rng = np.random.default_rng(seed)
    n = BACKGROUND + SIGNAL
    signal = np.arange(n) >= BACKGROUND
    masses = -np.sort(-rng.exponential(120, (n, 2)), axis=1) + 20
    masses[signal] = rng.normal([500, 100], [25, 8], (SIGNAL, 2))
    tau21 = np.where(signal[:, None], rng.beta(3, 7, (n, 2)), rng.beta(5, 4, (n, 2)))
    m_jj = np.where(signal, rng.normal(3500, 100, n), 2500 + rng.exponential(600, n))
    features = np.column_stack([masses[:, 0], masses[:, 0] - masses[:, 1], tau21]).astype(np.float32)
    return Events(features, m_jj, signal)


class Plain:
    """Ten classifiers of scikit-learn on all events of one pair."""

    def __init__(self, events: Balanced, seed: int) -> None:
        self.members = [
            HistGradientBoostingClassifier(early_stopping=True, random_state=MEMBERS * seed + member).fit(
                events.values(), events.labels, events.weights
            )
            for member in range(MEMBERS)
        ]

    def probability(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """The mean output f, shape (n,)."""
        mean: NDArray[np.float64] = np.mean([one.predict_proba(features)[:, 1] for one in self.members], axis=0)
        return mean


def largest(models: ratio.CrossFit, signal: ratio.Sample, background: ratio.Sample) -> float:
    """The largest significance improvement, of held-out scores."""
    scores = [models.probability(s.features, s.keys) + 1j * identifier.uniform(s.keys, 0) for s in (signal, background)]
    return float(improvement(scores[0], scores[1], [0.01]).max or 0.0)


def learned(events: Events, kind: str, draw: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the numerator, of the denominator, and of the signal events that are in neither sideband nor data."""
    rng = np.random.default_rng(draw)
    background, signal = (rng.permutation(np.flatnonzero(events.signal == s)) for s in (False, True))
    data, template = np.array_split(background, 2)
    region = (events.m_jj >= 3300) & (events.m_jj < 3700)
    if kind == "supervised":
        return signal, template, signal
    if kind == "all masses":
        return np.r_[data, signal[:INJECTED]], template, signal[INJECTED:]
    inside = signal[region[signal]][:INJECTED]
    rest = signal[~np.isin(signal, inside)]
    if kind == "ideal":
        return np.r_[data[region[data]], inside], template[region[template]], rest
    # As many of the signal's tails as belong to what is injected.
    tails, rest = np.split(rest, [INJECTED * np.count_nonzero(~region[rest]) // np.count_nonzero(region[signal])])
    data = np.r_[data, tails]
    sidebands = (events.m_jj >= 3100) & (events.m_jj < 3900) & ~region
    return np.r_[data[region[data]], inside], data[sidebands[data]], rest


def compare(events: Events, kind: str, settings: ratio.Settings, draw: int) -> tuple[float, float]:
    """Resonaut and the peer in one draw of data: half of the background and the injected signal."""
    rows = learned(events, kind, draw)
    numerator, denominator = (events.sample(each) for each in rows[:2])
    settings = replace(settings, seed=draw)
    if kind != "cwola":
        settings = replace(settings, trees=replace(settings.trees, min_leaf_events=MIN_LEAF_EVENTS))
    pairs: list[Pair] = [
        tuple(
            sample[identifier.folds(sample.keys, settings.folds, draw) != fold] for sample in (numerator, denominator)
        )
        for fold in range(settings.folds)
    ]
    engine = ratio.CrossFit.fit_pairs(pairs, settings)
    peer = ratio.CrossFit([Plain(balanced(*map(Part.of, pair)), draw) for pair in pairs], settings.seed)
    region = (events.m_jj >= 3300) & (events.m_jj < 3700)
    judged = rows[2][region[rows[2]]], np.flatnonzero(region & ~events.signal)
    ours, theirs = (largest(models, *(events.sample(each) for each in judged)) for models in (engine, peer))
    return ours, theirs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=2)
    draws = parser.parse_args().draws
    settings = ratio.Settings()
    events = lhco(FILE) if FILE.exists() else toys(1)
    found = {
        kind: np.array([compare(events, kind, settings, draw) for draw in range(1, draws + 1)])
        for kind in ("ideal", "all masses", "supervised", "cwola")
    }
    ratios = {kind: np.log(pairs[:, 0] / pairs[:, 1]) for kind, pairs in found.items() if kind != "cwola"}
    result: dict[str, object] = {
        "benchmark": "select_trees",
        "ratio": round(float(np.exp(np.mean([*ratios.values()]))), 3),
        "target_ratio": 1,
        "sample": "LHC Olympics" if FILE.exists() else "toys",
        "injected": INJECTED,
    }
    for kind, pairs in found.items():
        ours, peer = (np.round(column, 2).tolist() for column in pairs.T)
        result[kind] = {"resonaut": ours, "scikit_learn": peer}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
