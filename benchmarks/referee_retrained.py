"""Limits of selections that were trained on the data: do they cover? One JSON line an item, before and after.

    python benchmarks/referee_retrained.py [TOYS]

Counting experiments with a known background and an efficiency that turns on with the cross section; every training,
that on the data included, finds another one. "Before" are the rules of commit 1418c34: ``minimum``, of injections into
the data, and drawn signal that the others do not stand for. One training was the default; now it gives no limit.
"""

import json
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import awkward as ak
import numpy as np
from scipy.stats import norm

from resonaut.core.events import Dataset
from resonaut.core.manifest import Manifest
from resonaut.fit.turnon import TurnOn, meeting
from resonaut.select.drawing import Injection, draw_signal
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


def fitted(found: np.ndarray, n: int, shared: float = 0.0) -> float:
    """The rule of ``resonaut fit retrained``."""
    turn_on = TurnOn.fit(found.tolist(), 1 - LEVEL, shared)
    excluded = [events_excluded(n, size) for size in turn_on.uncertainty] / (LUMINOSITY * turn_on.efficiency)
    limit = meeting(AMOUNTS.tolist(), excluded.tolist())
    assert limit is not None
    return limit


def known(turn_on: Sequence[float], n: int, size: float) -> float:
    """The limit if the turn-on and the spread were known."""
    fine = np.geomspace(1, 1000, 2000)
    return float(fine[np.flatnonzero(fine * LUMINOSITY * efficiency(fine, turn_on) <= events_excluded(n, size))[-1]])


def trained(amount: np.ndarray, turn_on: Sequence[float], spread: float, shape: str, gauss: np.ndarray) -> np.ndarray:
    """Efficiencies of trainings; ``jitter``: where the turn-on lies differs, by the spread."""
    if shape == "jitter":
        return efficiency(amount, (*turn_on[:2], turn_on[2] * np.exp(spread * gauss), turn_on[3]))
    factor = np.exp(spread * gauss) if shape == "lognormal" else np.maximum(1 + spread * gauss, 0.05)
    return efficiency(amount, turn_on) * factor


def coverage(name: str, spread: float, shape: str, toys: int) -> None:
    """Print the coverage at each true cross section, and the median limit over that with a known turn-on."""
    turn_on = TURN_ONS[name]
    covered: dict[str, list[float]] = {}
    lengths: dict[str, list[float]] = {}
    for true in TRUE:
        rng = np.random.default_rng([int(true), int(100 * spread)])
        limits: dict[str, list[float]] = {}
        for _ in range(toys):
            amounts = np.repeat(AMOUNTS[:, None], DRAWS, axis=1)
            gauss = rng.normal(size=amounts.shape)
            free, beside = (trained(at, turn_on, spread, shape, gauss) for at in (amounts, amounts + true))
            own = float(trained(np.array(true), turn_on, spread, shape, rng.normal(size=())))
            n = int(rng.poisson(BACKGROUND + true * LUMINOSITY * own))
            for rule, limit in {
                "before": minimum(free, n),
                "before, one training": minimum(free[:, :1], n),
                "before, higher within 10 %": minimum(free, n, 1.1),
                "before, into the data": minimum(beside, n),
                "after": fitted(free, n),
                "known turn-on": known(turn_on, n, spread),
            }.items():
                limits.setdefault(rule, []).append(limit)
        for rule, values in limits.items():
            covered.setdefault(rule, []).append(round(100 * float(np.mean(np.array(values) >= true)), 1))
            over = np.median(values) / np.median(limits["known turn-on"])
            lengths.setdefault(rule, []).append(round(float(over), 2))
    item = {"item": "coverage", "turn_on": name, "spread": spread, "shape": shape, "toys": toys, "true_fb": TRUE}
    print(json.dumps(item | {"percent": covered, "limit_over_known_turn_on": lengths}), flush=True)


def shared_events(part: float, spread: float, toys: int) -> None:
    """Print the coverage at 25 fb where trainings have a ``part`` of their events, and of their spread, in common."""
    true, turn_on = 25.0, TURN_ONS["usual"]
    rng = np.random.default_rng([int(100 * part), int(100 * spread)])
    covered: dict[str, list[bool]] = {"ignored": [], "after": []}
    for _ in range(toys):
        common, own = rng.normal(), rng.normal(size=(len(AMOUNTS), DRAWS))
        gauss = np.sqrt(part) * common + np.sqrt(1 - part) * own
        found = trained(AMOUNTS[:, None], turn_on, spread, "lognormal", gauss)
        n = int(
            rng.poisson(
                BACKGROUND + true * LUMINOSITY * efficiency(np.array(true), turn_on) * np.exp(spread * rng.normal())
            )
        )
        for name, used in (("ignored", 0.0), ("after", part)):
            covered[name].append(fitted(found, n, used) >= true)
    row = {"item": "trainings that share events", "shared": part, "spread": spread, "toys": toys, "true_fb": true}
    print(json.dumps(row | {"percent": {k: round(100 * float(np.mean(v)), 1) for k, v in covered.items()}}), flush=True)


def draws(part: float, trials: int = 200) -> None:
    """Print the bias of the efficiency that the events not drawn have, for a cut that follows the weight."""
    rng = np.random.default_rng(1)
    size = 5000
    signal = Dataset(
        Manifest(
            name="signal",
            nature="simulation",
            chunks=[],
            events=size,
            luminosity=None,
            cross_section=1.0,
            mass=3500.0,
            weight_scale=1.0,
            cutflow=[],
            lost=[],
            notes=[],
            dropped={},
            variations={},
            era=None,
        ),
        Path(),
    )
    events = ak.Array({"m_jj": np.full(size, 3500.0, np.float32)})
    window = Window(signal_region=(3250, 3750), sidebands=((3000, 3250), (3750, 4000)))
    log_weight = np.sqrt(np.log1p(0.7**2)) * rng.normal(size=size)
    weights = np.exp(log_weight)
    weights /= weights.sum()
    selected = rng.random(size) < 1 / (1 + np.exp(-2 * log_weight))
    measured: dict[str, list[float]] = {"before": [], "after": []}
    for seed in range(trials):
        injection = Injection(amount=part * size, unit="events", luminosity=None, systematics=False, seed=seed)
        drawn = draw_signal(signal, events, weights, window, 1.0, injection)
        for name, left in zip(measured, (weights * ~drawn.mask, weights * drawn.remaining), strict=True):
            measured[name].append(left[selected].sum() / left.sum() / weights[selected].sum() - 1)
    row = {"item": "efficiency of the events not drawn", "drawn": part}
    bias = {name: round(100 * float(np.mean(values)), 2) for name, values in measured.items()}
    error = round(100 * float(np.std(measured["after"])) / np.sqrt(trials), 2)
    print(json.dumps(row | {"bias_percent": bias, "error": error}), flush=True)


if __name__ == "__main__":
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    for drawn in (0.1, 0.3):
        draws(drawn)
    for in_common, relative in product((0.33, 0.5), SPREADS):
        shared_events(in_common, relative, 5 * number)
    for chosen, relative, kind in product(TURN_ONS, SPREADS, ("lognormal", "normal", "jitter")):
        coverage(chosen, relative, kind, number)
