"""Limits of selections that were trained on the data: do they cover? One JSON line an item, before and after.

    python benchmarks/referee_retrained.py [TOYS]

Counting experiments with a known background and an efficiency that turns on with the cross section; every training,
that on the data included, finds another one. "Before" are the rules of commit 1418c34: `minimum`, and for draws
`uncorrected`.
"""

import json
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import awkward as ak
import numpy as np
from scipy.stats import norm

from resonaut.events import Dataset, Manifest
from resonaut.fit.turnon import TurnOn, meeting
from resonaut.select.injection import Injection, draw_signal
from resonaut.select.settings import Window

LUMINOSITY, BACKGROUND, LEVEL = 20.0, 60.0, 0.05
AMOUNTS = np.array([0.0, 5.0, 10.0, 15.0, 20.0, 40.0, 80.0])
TRUE = (8.0, 10.0, 12.0, 14.0, 17.0, 25.0, 40.0, 60.0)
# Lowest and highest efficiency, and the cross section and width (fb) of the turn-on.
TURN_ONS = {"usual": (0.005, 0.25, 12.0, 2.0), "steep": (0.002, 0.3, 10.0, 1.0), "slow": (0.02, 0.2, 15.0, 4.0)}
SPREADS = (0.1, 0.25)
DRAWS = 3
SIZES = np.concatenate([[1e-4], np.linspace(0.05, 2.0, 40)])
COUNTS = np.unique(np.concatenate([np.arange(0, 150), np.geomspace(150, 4000, 120).astype(int)]))


def counting_limits(size: float) -> np.ndarray:
    """CLs limits on the signal's events, for each of ``COUNTS``, with a log-normal uncertainty of the yield.

    Asymptotic, as in Cowan et al., arXiv:1007.1727; the background is known.
    """
    n = COUNTS[:, None].astype(float)
    s = np.geomspace(1e-3, 1, 800) * np.maximum(6 * (n - BACKGROUND + 4 * np.sqrt(n) + 10), 20) * np.exp(4 * size)

    def held(n: np.ndarray) -> np.ndarray:
        low, high = np.full(np.broadcast(n, s).shape, -9.0), np.full(np.broadcast(n, s).shape, 9.0)
        for _ in range(30):
            eta = (low + high) / 2
            signal = s * np.exp(size * eta)
            rising = size * signal * (1 - n / (BACKGROUND + signal)) + eta > 0
            low, high = np.where(rising, low, eta), np.where(rising, eta, high)
        expected = BACKGROUND + s * np.exp(size * low)
        return 2 * (expected - n * np.log(expected)) + low**2

    best = np.maximum(n, BACKGROUND)
    q = np.where(s > n - BACKGROUND, np.maximum(held(n) - 2 * (best - n * np.log(best)), 0), 0)
    asimov = held(np.full_like(n, BACKGROUND)) - 2 * (BACKGROUND - BACKGROUND * np.log(BACKGROUND))
    q_asimov = np.maximum(asimov, 1e-12)
    root, far = np.sqrt(q_asimov), q > q_asimov
    both = np.where(far, norm.logsf((q + q_asimov) / (2 * root)), norm.logsf(np.sqrt(q)))
    alone = np.where(far, norm.logsf((q - q_asimov) / (2 * root)), norm.logsf(np.sqrt(q) - root))
    return np.array([np.interp(-np.log(LEVEL), -c, x) for c, x in zip(both - alone, s, strict=True)])


TABLE = np.array([counting_limits(size) for size in SIZES])


def events_excluded(n: int, size: float) -> float:
    """The limit on the signal's events, interpolated in the tables."""
    i = min(max(int(np.searchsorted(SIZES, size)), 1), len(SIZES) - 1)
    share = np.clip((size - SIZES[i - 1]) / (SIZES[i] - SIZES[i - 1]), 0, 1)
    return float(np.interp(n, COUNTS, (1 - share) * TABLE[i - 1] + share * TABLE[i]))


def efficiency(amount: np.ndarray, turn_on: Sequence[float]) -> np.ndarray:
    """A sigmoid."""
    low, high, half, width = turn_on
    return low + (high - low) / (1 + np.exp(-(amount - half) / width))


def minimum(found: np.ndarray, n: int, preferred: float = 1.0) -> float:
    """The rule before: the least larger of injected and excluded; or the highest injection ``preferred`` times that."""
    spread = found.std(axis=1, ddof=1) / found.mean(axis=1) if found.shape[1] > 1 else np.zeros(len(found))
    excluded = np.array([events_excluded(n, size) for size in np.log1p(spread)]) / LUMINOSITY / found.mean(axis=1)
    larger = np.maximum(AMOUNTS, excluded)
    return float(larger[np.flatnonzero(larger <= preferred * larger.min())[-1]])


def fitted(found: np.ndarray, n: int) -> float:
    """The rule of ``resonaut fit retrained``."""
    turn_on = TurnOn.fit(found.tolist(), 1 - LEVEL)
    excluded = [events_excluded(n, size) for size in turn_on.uncertainty] / (LUMINOSITY * turn_on.efficiency)
    limit = meeting(AMOUNTS.tolist(), excluded.tolist())
    assert limit is not None
    return limit


def known(turn_on: Sequence[float], n: int, size: float) -> float:
    """The limit if the turn-on and the spread were known."""
    fine = np.geomspace(1, 1000, 2000)
    return float(fine[np.flatnonzero(fine * LUMINOSITY * efficiency(fine, turn_on) <= events_excluded(n, size))[-1]])


def coverage(name: str, spread: float, shape: str, toys: int) -> None:
    """Print the coverage at each true cross section, and the median limit over that with a known turn-on."""
    turn_on = TURN_ONS[name]
    rows = {}
    for true in TRUE:
        rng = np.random.default_rng([int(true), int(100 * spread)])

        def trained(amount: np.ndarray, rng: np.random.Generator = rng) -> np.ndarray:
            """Efficiencies of trainings; ``jitter``: where the turn-on lies differs, by the spread."""
            gauss = rng.normal(size=amount.shape)
            if shape == "jitter":
                return efficiency(amount, (*turn_on[:2], turn_on[2] * np.exp(spread * gauss), turn_on[3]))
            factor = np.exp(spread * gauss) if shape == "lognormal" else np.maximum(1 + spread * gauss, 0.05)
            return efficiency(amount, turn_on) * factor

        limits: dict[str, list[float]] = {}
        for _ in range(toys):
            found = trained(np.repeat(AMOUNTS[:, None], DRAWS, axis=1))
            n = int(rng.poisson(BACKGROUND + true * LUMINOSITY * float(trained(np.array(true)))))
            one = {"minimum": minimum(found, n), "minimum_of_one_draw": minimum(found[:, :1], n)}
            one |= {"minimum_within_10_percent": minimum(found, n, 1.1), "fitted": fitted(found, n)}
            one |= {"known": known(turn_on, n, spread)}
            for rule, limit in one.items():
                limits.setdefault(rule, []).append(limit)
        reference = np.median(limits["known"])
        rows[f"{true:g}"] = {
            rule: [round(100 * float(np.mean(np.array(v) >= true)), 1), round(float(np.median(v) / reference), 2)]
            for rule, v in limits.items()
        }
    item = {"item": "coverage", "turn_on": name, "spread": spread, "shape": shape, "toys": toys}
    print(json.dumps(item | {"percent_and_limit_over_known": rows}), flush=True)


def draws(part: float, trials: int = 200) -> None:
    """Print the bias of the efficiency that the events not drawn have, for a cut that follows the weight."""
    rng = np.random.default_rng(1)
    size = 5000
    signal = Dataset(Manifest("signal", "signal", [], size, None, 1.0, 3500.0, 1.0, [], [], [], {}), Path())
    events = ak.Array({"m_jj": np.full(size, 3500.0, np.float32)})
    window = Window((3250, 3750), ((3000, 3250), (3750, 4000)))
    log_weight = np.sqrt(np.log1p(0.7**2)) * rng.normal(size=size)
    weights = np.exp(log_weight)
    weights /= weights.sum()
    selected = rng.random(size) < 1 / (1 + np.exp(-2 * log_weight))
    measured = {"bias_percent_uncorrected": [], "bias_percent": []}
    for seed in range(trials):
        injection = Injection(part * size, "events", None, False, seed)
        drawn = draw_signal(signal, events, weights, window, 1.0, injection)
        for name, left in zip(measured, (weights * ~drawn.mask, weights * drawn.remaining), strict=True):
            measured[name].append(left[selected].sum() / left.sum() / weights[selected].sum() - 1)
    row = {"item": "efficiency of the events not drawn", "drawn": part}
    row |= {name: round(100 * float(np.mean(values)), 2) for name, values in measured.items()}
    print(json.dumps(row | {"error": round(100 * np.std(measured["bias_percent"]) / np.sqrt(trials), 2)}), flush=True)


if __name__ == "__main__":
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    for drawn in (0.1, 0.3):
        draws(drawn)
    for chosen, relative, kind in product(TURN_ONS, SPREADS, ("lognormal", "normal", "jitter")):
        coverage(chosen, relative, kind, number)
