"""Jets whose photons are emulated, simulated and parametrised: ``python benchmarks/emulate_jets.py MODEL.onnx``.

One JSON line. QCD events of Pythia 8 are measured three times by the detector of ``simulate``, with tracks, cells and
noise as always: photons of the energies that the graph knows get its showers (``emulated``), showers of the Monte Carlo
that trained it (``simulated``), or the resolution of ``ecal`` (``parametrised``). ``response``: pT of small-radius jets
over that of the particle-level jet that each belongs to, mean and width (half of the central 68.3 %), by the pT of the
latter in GeV. ``closure``: emulated over simulated, mean response and width with errors, and how many standard
deviations both are from 1. The calorimeter is not calibrated: material before it takes energy, so that simulated and
emulated photons have less than parametrised ones.
"""
# ruff: noqa: E402 (the libraries read their number of threads when they are imported)

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import json
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any
from unittest import mock

import awkward as ak
import numpy as np
import numpy.typing as npt

from resonaut.core.datasets import Component
from resonaut.core.record import build
from resonaut.physics import jets
from resonaut.simulate import emulated
from resonaut.simulate.detector import reconstruct
from resonaut.simulate.generator import Pythia
from resonaut.simulate.particles import Particles
from resonaut.simulate.settings import Simulate
from resonaut.simulate.showers import calorimeter, transport

FloatArray = npt.NDArray[np.float64]
# Particles and jets in the barrel, where photons hit the calorimeter nearly at right angles; distance of a jet from its
# particle-level jet; edges of their pT in GeV.
ETA_PARTICLES, ETA_JETS, NEAR = 1.5, 1.0, 0.2
EDGES = (20.0, 40.0, 60.0, 100.0, 200.0)
RADIUS, PT_MIN = 0.4, 10.0
# Of the errors of widths.
RESAMPLED = 200


@dataclass(frozen=True)
class MonteCarlo:
    """In the place of a graph: the showers that it learned, without voxels below its threshold (MeV)."""

    threshold: float
    rng: np.random.Generator

    def run(self, outputs: object, inputs: dict[str, npt.NDArray[Any]]) -> list[FloatArray]:
        """The voxels of photons of the ``energies`` in MeV."""
        del outputs
        detector = calorimeter.by_particle("photon")
        made = [
            detector.shower(transport.PHOTON, float(energy), self.rng)[0] * detector.scale
            for energy in inputs["energies"]
        ]
        voxels = np.array(made).reshape(len(made), detector.geometry.voxels)
        return [np.where(voxels >= self.threshold, voxels, 0)]


def events(number: int, pt_hat: float, seed: int) -> tuple[Simulate, list[Particles]]:
    """Visible particles in the barrel, in batches."""
    process = {"settings": ["HardQCD:all = on", f"PhaseSpace:pTHatMin = {pt_hat:g}"]}
    config = build({"processes": {"jets": process}}, Simulate, "simulate")
    component = build({"process": "jets", "events": number}, Component, "component")
    batches = Pythia(config, component, "simulation", seed).batches(number, config.batch)
    return config, [batch.visible[np.abs(batch.visible.eta) < ETA_PARTICLES] for batch in batches]


def responses(config: Simulate, batches: list[Particles], seed: int) -> tuple[FloatArray, FloatArray]:
    """pT (n,) of particle-level jets in GeV, and what the detector makes of it over that, 0 where it has no jet."""
    pts, ratios = [], []
    for number, particles in enumerate(batches):
        candidates = reconstruct(particles, config.detector, np.random.default_rng([seed, number]))
        true, _ = jets.of_particles(particles.lists(), RADIUS, EDGES[0])
        found, _ = jets.cluster(candidates, RADIUS, PT_MIN)
        true = true[np.abs(true.eta) < ETA_JETS]
        first, second = ak.unzip(ak.cartesian([true, found], nested=True))
        turn = (first.phi - second.phi + np.pi) % (2 * np.pi) - np.pi
        pt = ak.where(np.hypot(first.eta - second.eta, turn) < NEAR, second.pt, 0)
        pts.append(ak.to_numpy(ak.flatten(true.pt)))
        ratios.append(ak.to_numpy(ak.flatten(ak.fill_none(ak.max(pt, axis=2), 0) / true.pt)))
    return np.concatenate(pts), np.concatenate(ratios)


def measured(ratio: FloatArray) -> FloatArray:
    """Mean, and half of the range of the central 68.3 %, over the mean."""
    low, high = np.quantile(ratio, [0.1585, 0.8415])
    return np.array([ratio.mean(), (high - low) / 2 / ratio.mean()])


def closure(emulated_ratio: FloatArray, simulated_ratio: FloatArray, rng: np.random.Generator) -> dict[str, Any]:
    """Mean and width of one over those of the other, jet by jet of the same events."""
    n = len(emulated_ratio)

    def over(rows: npt.NDArray[np.int64]) -> FloatArray:
        return measured(emulated_ratio[rows]) / measured(simulated_ratio[rows])

    found = over(np.arange(n))
    errors = np.std([over(rng.integers(n, size=n)) for _ in range(RESAMPLED)], axis=0)
    return {
        name: {"ratio": round(value, 4), "error": round(error, 4), "deviations": round((value - 1) / error, 2)}
        for name, value, error in zip(("mean", "width"), found.tolist(), errors.tolist(), strict=True)
    }


def compare(path: str, number: int, pt_hat: float, threshold: float, seed: int) -> dict[str, Any]:
    """All three detectors on the same events."""
    config, batches = events(number, pt_hat, seed)
    graph = emulated.load(path)
    truth = replace(graph, session=MonteCarlo(threshold, np.random.default_rng([seed, 1])))
    ratios = {}
    with mock.patch.object(emulated, "load", {path: graph, "simulated": truth}.__getitem__):
        for name, file in (("emulated", path), ("simulated", "simulated"), ("parametrised", "")):
            detector = replace(config.detector, calorimeter="emulated" if file else "parametrised", emulator=file)
            pt, ratios[name] = responses(replace(config, detector=detector), batches, seed)
    bins = np.digitize(pt, EDGES)
    rng = np.random.default_rng([seed, 2])
    found: dict[str, Any] = {"jets": {}, "response": {name: {} for name in ratios}, "closure": {}}
    for place, edges in enumerate(pairwise(EDGES), start=1):
        inside, label = bins == place, "{:g}-{:g}".format(*edges)
        if inside.sum() < 20:
            continue
        found["jets"][label] = int(inside.sum())
        for name, ratio in ratios.items():
            found["response"][name][label] = [round(one, 4) for one in measured(ratio[inside]).tolist()]
        found["closure"][label] = closure(ratios["emulated"][inside], ratios["simulated"][inside], rng)
    return {"benchmark": "emulate_jets", "model": path, "events": number, "pt_hat": pt_hat, "seed": seed} | found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="ONNX file of 'resonaut emulate export'")
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--pt-hat", type=float, default=40, help="smallest pT of the hard process, GeV")
    parser.add_argument("--threshold", type=float, default=0.1, help="emulate.voxels.threshold of the model, MeV")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    # FastJet writes its banner to standard output, past Python: what follows goes to standard error.
    with os.fdopen(os.dup(1), "w") as output:
        os.dup2(2, 1)
        found = compare(args.model, args.events, args.pt_hat, args.threshold, args.seed)
        print(json.dumps(found), file=output)


if __name__ == "__main__":
    main()
