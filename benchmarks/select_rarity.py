"""Is the signal of the LHC Olympics rare? ``python benchmarks/select_rarity.py <file of features>``.

A score that knows the background alone can at best be how rare an event is there, 1 / p(x). A flow learns p(x) of the
four features of ``select`` in both sidebands of m_jj = 3.5 TeV, from half of the background, and is a density that a
normalised autoencoder could have learned. One JSON line for each choice of features, as p(x) depends on it: at which
quantiles of the background's rarity in the signal region the signal lies (16, 50 and 84 % of it), the largest
significance improvement with at least 25 background events and its background efficiency, and that at 1 %.
"""
# ruff: noqa: E402 (the libraries read their number of threads when they are imported)

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import argparse
import json
from typing import Any

import awkward as ak
import numpy as np
import torch
from numpy.typing import NDArray

from resonaut.core.identifier import rows, uniform
from resonaut.learn.density.flow import Density
from resonaut.physics.features import compute
from resonaut.physics.observables import mass
from resonaut.skim import hdf5
from resonaut.skim.formats.lhco_features.reader import Features

NAMES = ["m_j1", "delta_m", "tau21_j1", "tau21_j2"]
SIGNAL_REGION, SIDEBANDS = (3300, 3700), ((3100, 3300), (3700, 3900))
MIN_BACKGROUND = 25
Array = NDArray[np.float64]


def read(path: str) -> tuple[NDArray[np.float32], Array, NDArray[np.bool_]]:
    """The features (n, 4), m_jj in GeV (n,), and whether an event is signal (n,)."""
    form = Features()
    with hdf5.opened(path) as table:
        values = table.read([*form.names, "label"], 0, table.rows)
    jets, _ = form.jets(values[:, :-1])
    m_jj = np.asarray(mass((jets, 0), (jets, 1)), dtype=np.float64)
    jets = jets[ak.argsort(jets.mass, axis=1, ascending=False)]
    fields = ("softdrop_mass", "tau1", "tau2")
    columns = {f"j{i + 1}_{field}": jets[field][:, i] for i in (0, 1) for field in fields}
    return compute(ak.zip(columns), NAMES, path), m_jj, values[:, -1] > 0.5


def within(m_jj: Array, *ranges: tuple[float, float]) -> NDArray[np.bool_]:
    """The events in one of the ranges."""
    return np.any([(m_jj >= low) & (m_jj < high) for low, high in ranges], axis=0)


def measured(background: Array, signal: Array) -> dict[str, Any]:
    """What a score is worth."""
    falling = np.sort(background)[::-1]
    passing = np.arange(MIN_BACKGROUND, len(falling))
    efficiency = passing / len(falling)
    kept = 1 - np.searchsorted(np.sort(signal), falling[passing], side="right") / len(signal)
    improvement = kept / np.sqrt(efficiency)
    best = int(improvement.argmax())
    places = 1 - np.searchsorted(-falling, -np.quantile(signal, [0.16, 0.5, 0.84])) / len(falling)
    return {
        "signal_at": places.round(3).tolist(),
        "max_sic": round(float(improvement[best]), 2),
        "background_efficiency": round(float(efficiency[best]), 3),
        "sic_at_1_percent": round(float(np.interp(0.01, efficiency, improvement)), 2),
    }


def logarithms(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same features with the logarithms of the masses."""
    return np.column_stack([np.log1p(np.maximum(features[:, :2], 0)), features[:, 2:]]).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    torch.set_num_threads(1)
    features, m_jj, is_signal = read(parser.parse_args().file)
    trains = within(m_jj, *SIDEBANDS) & ~is_signal & (uniform(rows(len(m_jj)), 1) < 0.5)
    inside = within(m_jj, SIGNAL_REGION)
    choices = {"features": features, "logarithms of masses": logarithms(features)}
    for name, x in choices.items():
        flow = Density.fit(x[trains])
        scores = [-flow.log_prob(x[inside & of]) for of in (~is_signal, is_signal)]
        facts = {"features": name, "background": len(scores[0]), "signal": len(scores[1])}
        print(json.dumps(facts | measured(*scores)), flush=True)


if __name__ == "__main__":
    main()
