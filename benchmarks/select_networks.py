"""Times the training of small classifiers and prints one JSON line: ``python benchmarks/select_networks.py``.

60 networks, 5 folds x 4 validation splits x 3 restarts, of CATHODE's size (arXiv:2109.00546: three layers of 64,
batches of 128, Adam at 1e-3), learn a signal region with 2 % signal against a template of its background. Resonaut
trains them at once on two cores. The peer trains one after another in plain torch, the same rows for as many epochs
with the same batch size and choice of the best epoch; its time is extrapolated from ``peer_networks``. ``ratio`` is the
fastest peer's best wall time over Resonaut's, the peers being one or two threads with Adam as by default or fused; runs
alternate. ``ratio_cpu`` compares CPU time, per core, which other work on the machine hardly changes.
"""
# ruff: noqa: E402 (the libraries read their number of threads when they are imported)

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "2"

import argparse
import copy
import dataclasses
import itertools
import json
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import BCEWithLogitsLoss, Linear, ReLU, Sequential

from resonaut.learn.ratio import NetworkSettings as Settings
from resonaut.learn.ratio import auc
from resonaut.learn.ratio.networks import Networks

FOLDS, SPLITS, RESTARTS = 5, 4, 3
EVENTS, SIGNAL_SHARE = 15_000, 0.02

Array = NDArray[np.float32]
Rows = NDArray[np.int64]


def background(rng: np.random.Generator, n: int) -> Array:
    """Four features (n, 4) like a jet's mass and substructure: correlated, and two of them skewed."""
    x = rng.normal(size=(n, 4)) @ np.array([[1, 0.4, 0, 0], [0, 1, 0.3, 0], [0, 0, 1, 0.5], [0, 0, 0, 1]])
    x[:, :2] = np.exp(0.4 * x[:, :2])
    return x.astype(np.float32)


def signal(rng: np.random.Generator, n: int) -> Array:
    """A bump in the four features, (n, 4)."""
    return (np.array([1.8, 1.6, -0.8, 0.6]) + 0.4 * rng.normal(size=(n, 4))).astype(np.float32)


def splits(rng: np.random.Generator) -> list[tuple[Rows, Rows]]:
    """Training and validation rows of each network: a fold is left out, a quarter of the others validates."""
    fold = rng.permutation(EVENTS) % FOLDS
    result = []
    for number, split, _ in itertools.product(range(FOLDS), range(SPLITS), range(RESTARTS)):
        rows = np.flatnonzero(fold != number)
        held_out = np.arange(len(rows)) % SPLITS == split
        result.append((rows[~held_out], rows[held_out]))
    return result


def balanced(labels: Array, weights: Array) -> Array:
    """Weights with equal sums for both labels and mean 1."""
    sums = np.bincount(labels.astype(int), weights)
    return (weights * len(labels) / 2 / sums[labels.astype(int)]).astype(np.float32)


def train_plainly(
    data: tuple[Array, Array, Array], rows: Rows, held_out: Rows, settings: Settings, fused: bool
) -> Callable[[Array], Array]:
    """One network in plain torch; returns its output before the sigmoid as a function of the features."""
    x, labels, weights = data
    centre, spread = x[rows].mean(axis=0), x[rows].std(axis=0)

    def tensors(part: Rows) -> list[torch.Tensor]:
        columns = (x[part] - centre) / spread, labels[part], balanced(labels[part], weights[part])
        return [torch.tensor(column, device=settings.device) for column in columns]

    sizes = [x.shape[1], *settings.hidden]
    hidden = [layer for a, b in itertools.pairwise(sizes) for layer in (Linear(a, b), ReLU())]
    model = Sequential(*hidden, Linear(sizes[-1], 1)).to(settings.device)
    optimiser = torch.optim.Adam(model.parameters(), lr=settings.learning_rate, fused=fused or None)
    (features, y, w), (features_val, y_val, w_val) = tensors(rows), tensors(held_out)
    best, state = np.inf, model.state_dict()
    for _ in range(settings.epochs):
        for batch in torch.randperm(len(rows), device=settings.device).split(settings.batch_size):
            optimiser.zero_grad()
            BCEWithLogitsLoss(weight=w[batch])(model(features[batch])[:, 0], y[batch]).backward()
            optimiser.step()
        with torch.no_grad():
            loss = BCEWithLogitsLoss(weight=w_val)(model(features_val)[:, 0], y_val).item()
        if loss < best:
            best, state = loss, copy.deepcopy(model.state_dict())
    model.load_state_dict(state)

    @torch.no_grad()
    def score(new: Array) -> Array:
        return model(torch.tensor((new - centre) / spread, device=settings.device))[:, 0].cpu().numpy()

    return score


def compare(settings: Settings, repeats: int, seed: int) -> dict[str, object]:
    """Both ways on the same data; in each repeat the peer trains two further networks."""
    rng = np.random.default_rng(seed)
    n_signal = round(EVENTS / 2 * SIGNAL_SHARE)
    x = np.concatenate([signal(rng, n_signal), background(rng, EVENTS - n_signal)])
    labels = (np.arange(EVENTS) < EVENTS // 2).astype(np.float32)
    data = x, labels, rng.uniform(0.5, 1.5, EVENTS).astype(np.float32)
    test = signal(rng, 5_000), background(rng, 50_000)
    rows = splits(rng)
    seeds, order = rng.integers(2**32, size=len(rows)).tolist(), rng.permutation(len(rows))
    wall, cpu = defaultdict(list), defaultdict(list)

    def timed(name: str, threads: int, factor: float, run: Callable[[], Any]) -> Any:
        torch.set_num_threads(threads)
        begin = time.perf_counter(), time.process_time()
        result = run()
        if settings.device == "cuda":
            torch.cuda.synchronize()
        wall[name].append((time.perf_counter() - begin[0]) * factor)
        cpu[name].append((time.process_time() - begin[1]) * factor)
        return result

    def area(first: Array, second: Array) -> float:
        return auc(first, second, np.ones(len(first)), np.ones(len(second)))[0]

    def peer(m: int, threads: int, fused: bool, epochs: int) -> Callable[[Array], Array]:
        torch.manual_seed(seeds[m])
        one = dataclasses.replace(settings, epochs=epochs)
        name = f"peer_{threads}_thread{'_fused' * fused}"
        return timed(
            name, threads, settings.epochs / epochs * len(rows), lambda: train_plainly(data, *rows[m], one, fused)
        )

    peer_areas = []
    for repeat in range(repeats):
        networks = timed("networks", 2, 1, lambda: Networks.train(*data, *zip(*rows, strict=True), seeds, settings))
        for m in order[2 * repeat : 2 * repeat + 2]:
            score = peer(m, 1, False, settings.epochs)
            peer(m, 1, True, settings.epochs)
            # Two threads that wait for each other are slow beyond measure on a busy machine: one epoch must do.
            peer(m, 2, False, 1)
            peer(m, 2, True, 1)
            peer_areas.append(area(*map(score, test)))
    areas = [area(*scores) for scores in zip(*map(networks.probability, test), strict=True)]
    best = {name: min(values) for name, values in wall.items()}
    peers = [name for name in best if name.startswith("peer")]
    difference = np.array([areas[m] for m in order[: len(peer_areas)]]) - peer_areas
    fastest = min(peers, key=best.__getitem__)
    return {
        "ratio": best[fastest] / best["networks"],
        "ratio_default_adam": min(best[name] for name in peers if "fused" not in name) / best["networks"],
        "ratio_cpu": min(min(cpu[name]) for name in peers) / min(cpu["networks"]),
        "fastest_peer": fastest,
        **{f"{name}_s": value for name, value in best.items()},
        **{f"{name}_cpu_s": min(values) for name, values in cpu.items()},
        "networks_s_all": wall["networks"],
        "fastest_peer_s_all": wall[fastest],
        "auc": float(np.mean(areas)),
        "auc_spread": float(np.std(areas, ddof=1)),
        "peer_auc": float(np.mean(peer_areas)),
        "peer_auc_spread": float(np.std(peer_areas, ddof=1)),
        "auc_difference": float(difference.mean()),
        "auc_difference_error": float(difference.std(ddof=1) / len(difference) ** 0.5),
        "peer_networks": len(peer_areas),
    }


def rounded(value: object) -> object:
    """Four significant digits in every float of ``value``."""
    if isinstance(value, list):
        return [rounded(entry) for entry in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=5, help="the peer trains two networks in each")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    epochs = options.epochs
    settings = Settings(
        hidden=[64, 64, 64],
        epochs=epochs,
        batch_size=options.batch_size,
        learning_rate=1e-3,
        weight_decay=0.0,
        patience=epochs,
        restarts=RESTARTS,
        device="cpu",
    )
    result = {
        "benchmark": "select",
        "networks": FOLDS * SPLITS * RESTARTS,
        "events": EVENTS,
        "epochs": epochs,
        "batch_size": options.batch_size,
        "target_ratio": 5,
        **compare(settings, options.repeats, options.seed),
        "torch": torch.__version__,
        "seed": options.seed,
    }
    if torch.cuda.is_available():
        on_gpu = compare(dataclasses.replace(settings, device="cuda"), options.repeats, options.seed)
        result |= {f"cuda_{name}": value for name, value in on_gpu.items()}
    print(json.dumps({name: rounded(value) for name, value in result.items()}))


if __name__ == "__main__":
    main()
