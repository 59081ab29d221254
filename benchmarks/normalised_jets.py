"""Light-quark and gluon jets against top jets by autoencoders that know one of them alone, in both directions.

    python benchmarks/normalised_jets.py results/tagger_zoo --jets 8000 --seeds 3

A plain autoencoder reproduces the simpler of two kinds of jets better, whichever it learned from (Dillon et al.,
arXiv:2206.14225). A normalised one of the same size has to find both. Each learns from the leading jets of one dataset,
of which half are kept for the test. One JSON line: areas under the ROC curve of the other kind against these, and its
efficiency where 1 % of them pass; ``--figure FILE.png`` draws the scores of the last seed. ``--also dark`` looks for a
third kind among the first, such as the showers of a hidden valley with many soft particles:

    snakemake skim --cores 2 --configfile config/tagger_zoo.yaml benchmarks/dark_showers.yaml
"""
# ruff: noqa: E402 (the libraries read their number of threads when they are imported)

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import argparse
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from resonaut.core.events import Dataset
from resonaut.core.style import COLOURS, figure
from resonaut.learn.autoencoder import Normalised, Settings
from resonaut.learn.autoencoder.normalised import NormalisedAutoencoder
from resonaut.learn.autoencoder.plain import Autoencoder, Features
from resonaut.learn.density.flow import Density

TAUS = [f"j1_tau{n}" for n in (1, 2, 3, 4)]
COLUMNS = ["j1_pt", "j1_eta", "j1_phi", "j1_mass", "j1_softdrop_mass", *TAUS, "j1_n_constituents"]
PARTICLES = ["j1_pf_pt", "j1_pf_eta", "j1_pf_phi"]
PLAIN = Settings(latent=4, hidden=[32, 32], epochs=60, batch_size=256, learning_rate=0.005)
NORMALISED = {
    "likelihood": Normalised(epochs=40),
    "wasserstein": Normalised(loss="wasserstein", temperature=0.1, latent_steps=0, epochs=40),
}
FloatArray = NDArray[np.float64]


def observables(events: ak.Array) -> Features:
    """Masses in GeV, N-subjettiness ratios, multiplicity, spread of the particles' momenta and directions: (n, 8)."""
    tau1, tau2, tau3, tau4 = (np.maximum(ak.to_numpy(events[name]), 1e-4) for name in TAUS)
    pt = events["j1_pf_pt"]
    away = np.hypot(
        events["j1_pf_eta"] - events["j1_eta"], (events["j1_pf_phi"] - events["j1_phi"] + np.pi) % (2 * np.pi) - np.pi
    )
    total = ak.to_numpy(ak.sum(pt, axis=1))
    found = [
        ak.to_numpy(events["j1_mass"]),
        ak.to_numpy(events["j1_softdrop_mass"]),
        tau2 / tau1,
        tau3 / tau2,
        tau4 / tau3,
        ak.to_numpy(events["j1_n_constituents"]),
        np.sqrt(ak.to_numpy(ak.sum(pt**2, axis=1))) / total,
        ak.to_numpy(ak.sum(pt * away, axis=1)) / total,
    ]
    return np.column_stack(found).astype(np.float32)


def jets(results: Path, dataset: str, most: int) -> Features:
    """Of the leading jets of a dataset, in a random order."""
    found = [
        observables(part) for part in Dataset.open(results / "skim" / f"{dataset}.json").iterate(COLUMNS + PARTICLES)
    ]
    every = np.concatenate(found)
    return every[np.random.default_rng(1).permutation(len(every))[:most]]


@dataclass(frozen=True)
class Found:
    """What a score makes of the other kind of jets."""

    auc: float
    efficiency: float

    @classmethod
    def of(cls, own: FloatArray, other: FloatArray) -> "Found":
        """From the scores of jets like those of the training, and of the other kind."""
        truth = np.repeat([0, 1], [len(own), len(other)])
        cut = np.quantile(own, 0.99)
        auc = roc_auc_score(truth, np.concatenate([own, other]))
        return cls(round(float(auc), 3), round(float(np.mean(other > cut)), 3))


def scores(train: Features, test: list[Features], seed: int) -> dict[str, list[FloatArray]]:
    """Of the samples of ``test``, by each autoencoder; and by a flow's density, which is what they should learn."""
    plain, flow = Autoencoder.fit(train, None, PLAIN, seed), Density.fit(train, seed=seed)
    found = {"flow": [-flow.log_prob(x) for x in test], "plain": [plain.error(x) for x in test]}
    for loss, settings in NORMALISED.items():
        model = NormalisedAutoencoder.fit(train, None, PLAIN, settings, seed)
        found[loss] = [model.energy(x) for x in test]
    return found


def draw(path: Path, kinds: list[str], kept: dict[str, FloatArray]) -> None:
    """The scores of both kinds of jets, a row for each kind that was learned and a column for each autoencoder."""
    methods = ["plain", *NORMALISED]
    names = {name: "tops" if name == "top" else "QCD jets" if name == "qcd" else name for name in kinds}
    with figure(path, len(kinds), len(methods), figsize=(11, 6)) as (_, axes):
        for row, learned in zip(axes, kinds, strict=True):
            for ax, method in zip(row, methods, strict=True):
                found = {name: np.log10(kept[f"{learned}/{method}/{name}"]) for name in kinds}
                low, high = np.quantile(np.concatenate([*found.values()]), [0.001, 0.999]).tolist()
                edges = np.linspace(low, high, 41)
                for name, colour in zip(kinds, COLOURS, strict=False):
                    ax.hist(found[name], edges, density=True, histtype="step", color=colour, label=names[name])
                auc = Found.of(found[learned], found[next(name for name in kinds if name != learned)]).auc
                ax.set_title(f"{method}, area {auc:.2f}")
                ax.set_ylabel(f"learned from {names[learned]}" if ax is row[0] else "")
                ax.set_xlabel("log10 of the reconstruction error" if learned == kinds[-1] else "")
        axes[0][0].legend()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--datasets", nargs=2, default=["qcd", "top"])
    parser.add_argument("--also", nargs="*", default=[], help="more datasets, to be found among the first one's jets")
    parser.add_argument("--jets", type=int, default=8000, help="of each kind, half of which train")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    start = time.process_time()
    every = {name: jets(options.results, name, options.jets) for name in (*options.datasets, *options.also)}
    halves = {name: (x[: len(x) // 2], x[len(x) // 2 :]) for name, x in every.items()}
    runs: list[dict[str, Any]] = []
    kept: dict[str, FloatArray] = {}
    for seed in range(1, options.seeds + 1):
        for own, other in (options.datasets, options.datasets[::-1]):
            kinds = [own, other, *(options.also if own == options.datasets[0] else [])]
            found = scores(halves[own][0], [halves[name][1] for name in kinds], seed)
            runs += [
                {"learned": own, "found": name, "seed": seed, "method": method} | asdict(Found.of(values[0], one))
                for method, values in found.items()
                for name, one in zip(kinds[1:], values[1:], strict=True)
            ]
            kept |= {
                f"{own}/{method}/{name}": one
                for method, values in found.items()
                for name, one in zip(kinds, values, strict=True)
            }
    if options.figure:
        draw(options.figure, options.datasets, kept)
    jets_of = {name: len(x) for name, x in every.items()}
    print(json.dumps({"jets": jets_of, "cpu_seconds": round(time.process_time() - start), "runs": runs}))


if __name__ == "__main__":
    main()
