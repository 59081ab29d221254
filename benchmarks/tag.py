"""How fast are jets scored? One JSON line for each network, and one for reading: ``python benchmarks/tag.py``.

The peer is weaver-core's network of the same weights in eager torch, at the best of several batch sizes. Networks of
published size get JetClass jets of all lengths, and the peer's are padded to 128 constituents; the peer of the small
default networks gets the batches of ``tag score``, without more padding than they need. All of it on one core. Runs
alternate, and the least CPU time of each counts; ``ratio`` is the peer's over Resonaut's. ``difference`` is the largest
one between their probabilities. ``products`` is the ratio that would be reached if scoring took no longer than its
matrix products in single precision, at the rate at which onnxruntime multiplies matrices of their largest size here.

Jets, and ParticleNet's weights, are the published ones of ``$RESONAUT_REFERENCE_DATA/jetclass`` where it is there; else
toys with as many constituents, and random weights. ``reading`` splits the CPU time of ``tag score`` with the default
networks on skimmed events: reading, making the inputs, and the networks.
"""
# ruff: noqa: E402 (the libraries read their number of threads when they are imported)

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import itertools
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import awkward as ak
import numpy as np
import torch
from torch import nn
from weaver.nn.model.ParticleNet import ParticleNet
from weaver.nn.model.ParticleTransformer import ParticleTransformer

from resonaut.core import events, results
from resonaut.core.manifest import Manifest
from resonaut.core.record import build
from resonaut.learn.onnx import Graph, numbers, session
from resonaut.tag import networks
from resonaut.tag.inputs import Inputs, columns, jet_inputs
from resonaut.tag.sample import JETS
from resonaut.tag.scoring import score_jets
from resonaut.tag.settings import NetworkConfig, TagConfig
from resonaut.tag.tagger import Tagger, from_arrays

DATA = Path(os.environ.get("RESONAUT_REFERENCE_DATA", "data")) / "jetclass"
OUTPUTS = ["qcd", *["2prong"] * 3, "4prong", "ignore", *["2prong"] * 2, "3prong", "ignore"]
PUBLISHED = {
    "particle_net": {
        "architecture": "particle_net",
        "edge_conv": {"neighbours": 16, "channels": [[64] * 3, [128] * 3, [256] * 3], "dense": [256]},
    },
    "particle_transformer": {
        "architecture": "particle_transformer",
        "transformer": {
            "embed_dims": [128, 512, 128],
            "pair_embed_dims": [64, 64, 64],
            "heads": 8,
            "layers": 8,
            "class_layers": 2,
        },
    },
}
# With 128 constituents: mean, spread and range of JetClass's lengths.
LENGTHS = 39, 14, 8, 80


def toys(n: int, seed: int, lengths: tuple[int, int, int, int]) -> ak.Array:
    """Skimmed events whose two jets have about so many constituents; of physics are only the orders of magnitude."""
    rng = np.random.default_rng(seed)
    made: dict[str, ak.Array] = {"run": np.ones(n, np.int64), "luminosityBlock": np.ones(n, np.int64)}
    made["event"] = np.arange(n)
    mean, spread, low, high = lengths
    for jet in JETS:
        counts = rng.normal(mean, spread, n).round().astype(int).clip(low, high)
        whole = {"pt": rng.uniform(500, 1000, n), "eta": rng.normal(0, 1, n), "phi": rng.uniform(-3, 3, n)}
        whole["mass"] = rng.uniform(20, 200, n)
        pt = ak.sort(ak.unflatten(rng.exponential(15, counts.sum()) + 0.5, counts), ascending=False)
        inside = {"pt": pt, "mass": ak.unflatten(rng.choice([0, 0.14], counts.sum()), counts)}
        for name in ("eta", "phi"):
            inside[name] = ak.unflatten(np.repeat(whole[name], counts) + rng.normal(0, 0.2, counts.sum()), counts)
        made |= {f"{jet}_{name}": values.astype(np.float32) for name, values in whole.items()}
        made |= {f"{jet}_pf_{name}": ak.values_astype(values, np.float32) for name, values in inside.items()}
    return ak.zip(made, depth_limit=1)


def jetclass() -> ak.Array:
    """The published jets, each as an event's first, in random order."""
    vectors = np.load(DATA / "SMALLpfVectors.npy").astype(np.float64)
    vectors = vectors[np.random.default_rng(1).permutation(len(vectors))]
    real = vectors[:, 3] > 0

    def kinematics(px: np.ndarray, py: np.ndarray, pz: np.ndarray, energy: np.ndarray) -> dict[str, np.ndarray]:
        pt = np.hypot(px, py)
        mass = np.sqrt(np.maximum(energy**2 - pt**2 - pz**2, 0))
        return {"pt": pt, "eta": np.arcsinh(pz / pt), "phi": np.arctan2(py, px), "mass": mass}

    made = {f"j1_{name}": values for name, values in kinematics(*(vectors * real[:, None]).sum(axis=2).T).items()}
    for name, values in kinematics(*vectors.transpose(1, 0, 2)[:, real]).items():
        made[f"j1_pf_{name}"] = ak.unflatten(values, real.sum(axis=1))
    return ak.zip(made, depth_limit=1)


def weaver(settings: NetworkConfig) -> nn.Module:
    """weaver-core's network."""
    edge, part = settings.edge_conv, settings.transformer
    if settings.architecture == "particle_net":
        convolutions = [(edge.neighbours, tuple(channels)) for channels in edge.channels]
        dense = [(width, 0) for width in edge.dense]
        return ParticleNet(7, len(settings.outputs), convolutions, dense, use_fusion=False, trim=False)
    return ParticleTransformer(
        7,
        len(settings.outputs),
        embed_dims=part.embed_dims,
        pair_embed_dims=part.pair_embed_dims,
        pair_embed_sparse_eval=(False, False),
        num_heads=part.heads,
        num_layers=part.layers,
        num_cls_layers=part.class_layers,
        trim=False,
    )


def both(settings: NetworkConfig, seed: int) -> tuple[Tagger, Tagger]:
    """Resonaut's and the peer's, with the same weights."""
    torch.manual_seed(seed)
    own = networks.build(settings)
    if settings.weights and Path(settings.weights).is_file():
        own.load_state_dict(torch.load(settings.weights, map_location="cpu", weights_only=True))
    peer = weaver(settings).eval()
    peer.load_state_dict({name.removeprefix("mod."): values for name, values in own.state_dict().items()})

    def outputs(inputs: Inputs) -> np.ndarray:
        features, vectors, mask = networks.tensors(inputs, "cpu")
        with torch.inference_mode():
            if settings.architecture == "particle_net":
                return peer(features[:, 5:7], features, mask).softmax(dim=1).numpy()
            return peer(features, v=vectors, mask=mask).softmax(dim=1).numpy()

    state = {name: values.numpy() for name, values in own.state_dict().items()}
    graph = from_arrays(Path("benchmark"), "graph", settings, state)
    return graph, Tagger("weaver", settings, outputs, graph.shortest, None)


def padded(tagger: Tagger, inputs: Inputs, size: int) -> None:
    """Score jets as they come, with all places."""
    for first in range(0, len(inputs), size):
        tagger.outputs(inputs.take(np.arange(first, min(first + size, len(inputs)))))


def seconds(run: Callable[[], object]) -> float:
    """CPU time."""
    begin = time.process_time()
    run()
    return time.process_time() - begin


def rate() -> float:
    """Floating-point operations a second of the largest product of the published ParticleNet for two jets."""
    rows, width, times = 1216, 256, 8
    graph, x = Graph(), "x"
    weight = np.random.default_rng(1).normal(0, 1 / 16, (width, width))
    for _ in range(times):
        x = graph.node("MatMul", x, numbers(weight))
    shape = (np.float32, ("n", width))
    run = session(graph.model({"x": shape}, {x: shape}))
    given = {"x": np.ones((rows, width), np.float32)}
    return 2 * rows * width**2 * times / min(seconds(lambda: run.run(None, given)) for _ in range(10))


def operations(settings: NetworkConfig, counts: np.ndarray) -> float:
    """Those of the graph's products of matrices for jets with so many constituents: a weight on a row counts two."""
    if settings.architecture == "particle_net":
        before, node, edge = 7, 0, 0
        for channels in settings.edge_conv.channels:
            node += 2 * before * channels[0] + before * channels[-1] * (before != channels[-1])
            edge += sum(a * b for a, b in itertools.pairwise(channels))
            before = channels[-1]
        return float(2 * counts.sum() * (node + settings.edge_conv.neighbours * edge))
    sizes = settings.transformer
    width = sizes.embed_dims[-1]
    embedding, pair = [7, *sizes.embed_dims], [4, *sizes.pair_embed_dims, sizes.heads]
    row = sum(a * b for a, b in itertools.pairwise(embedding)) + 12 * width**2 * sizes.layers
    row += 2 * width**2 * sizes.class_layers
    pairs = sum(a * b for a, b in itertools.pairwise(pair))
    attention = 2 * width * sizes.layers * counts.astype(float) ** 2
    return float(2 * (counts * row + counts * (counts + 1) / 2 * pairs + attention).sum())


def compare(
    name: str, settings: NetworkConfig, target: float, jets: ak.Array, options: argparse.Namespace
) -> dict[str, object]:
    """One network of both."""
    full = settings.max_constituents == 128
    inputs = jet_inputs(jets, "j1", settings.max_constituents)
    ours, peer = both(settings, options.seed)
    difference = np.abs(ours.scores(inputs, 64) - peer.scores(inputs, 8 if full else 64)).max()
    taken = defaultdict(list)
    for _ in range(options.repeats):
        for size in (1, 2, 4, 8, 16) if full else (32, 64, 128, 256):
            taken["ours"].append(seconds(lambda: ours.scores(inputs, 64)))
            run = padded if full else Tagger.scores
            taken[size].append(seconds(lambda run=run, size=size: run(peer, inputs, size)))
    best = {key: min(values) for key, values in taken.items()}
    own = best.pop("ours")
    size = min(best, key=best.__getitem__)
    return {
        "benchmark": "tag",
        "network": name,
        "ratio": best[size] / own,
        "target_ratio": target,
        "products": best[size] / (operations(settings, np.minimum(inputs.counts, settings.max_constituents)) / rate()),
        "jets": len(inputs),
        "constituents": float(np.minimum(inputs.counts, settings.max_constituents).mean()),
        "jets_per_s": len(inputs) / own,
        "peer_jets_per_s": len(inputs) / best[size],
        "peer_batch": size,
        "difference": float(difference),
        "published": DATA.is_dir(),
        "torch": torch.__version__,
        "seed": options.seed,
    }


def reading(settings: TagConfig, options: argparse.Namespace) -> dict[str, object]:
    """Where the time of ``tag score`` goes."""
    taggers = [both(network, options.seed)[0] for network in settings.networks.values()]
    longest = max(network.max_constituents for network in settings.networks.values())
    wanted = [column for jet in JETS for column in columns(jet)]
    nothing = dict.fromkeys(("era", "luminosity", "mass"))
    lists = {"cutflow": [], "lost": [], "notes": [], "dropped": {}, "variations": {}}
    with tempfile.TemporaryDirectory() as folder:
        manifest = Path(folder) / "skim" / "toys.json"
        chunk = [toys(options.events // 2, seed, (60, 20, 8, 100)) for seed in (1, 2)]
        events.write(manifest.with_suffix("") / "000.parquet", chunk, {})
        about = {"name": "toys", "nature": "simulation", "chunks": ["000"], "events": options.events}
        results.write(manifest, Manifest(**about, **nothing, **lists, cross_section=1.0, weight_scale=1.0))
        dataset = events.Dataset.open(manifest)
        taken = defaultdict(list)
        for _ in range(options.repeats):
            begin = [time.process_time()]
            batches = list(dataset.iterate_chunk("000", wanted, every=True))
            begin.append(time.process_time())
            made = [(jet, jet_inputs(batch, jet, longest)) for batch in batches for jet in JETS]
            begin.append(time.process_time())
            for jet, inputs in made:
                score_jets(inputs, jet, taggers, settings.score_batch_size)
            begin.append(time.process_time())
            for part, spent in zip(("reading", "inputs", "networks"), np.diff(begin), strict=True):
                taken[part].append(spent)
    best = {part: min(values) for part, values in taken.items()}
    return {
        "benchmark": "tag",
        "network": "reading",
        "jets": 2 * options.events,
        **{f"{part}_us_per_jet": 1e6 * value / (2 * options.events) for part, value in best.items()},
        "share_of_networks": best["networks"] / sum(best.values()),
    }


def rounded(value: object) -> object:
    """Four significant digits of a number."""
    return float(f"{value:.4g}") if isinstance(value, float) else value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jets", type=int, default=48, help="those of the networks of published size")
    parser.add_argument("--events", type=int, default=2000, help="those that are read, of two jets")
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--only", help="a network's name")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    small = build({}, TagConfig, "tag")
    large = {
        name: {"max_constituents": 128, "outputs": OUTPUTS, "weights": str(DATA / "ParticleNet_kin.pt")} | network
        for name, network in PUBLISHED.items()
    }
    large["particle_transformer"]["weights"] = "random"
    jets = jetclass() if DATA.is_dir() else toys(500, options.seed, LENGTHS)
    settings = build({"networks": {"net": large["particle_net"], "part": large["particle_transformer"]}}, TagConfig, "")
    for name, network, target, sample in (
        ("published ParticleNet", settings.networks["net"], 8, jets[: options.jets]),
        ("full-size Particle Transformer", settings.networks["part"], 3, jets[: options.jets]),
        ("default ParticleNet", small.networks["particlenet"], 1.8, jets),
        ("default Particle Transformer", small.networks["part"], 1.8, jets),
    ):
        if options.only not in (None, name):
            continue
        line = compare(name, network, target, sample, options)
        print(json.dumps({key: rounded(value) for key, value in line.items()}), flush=True)
    if options.only is None:
        print(json.dumps({key: rounded(value) for key, value in reading(small, options).items()}))


if __name__ == "__main__":
    main()
