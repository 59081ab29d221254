"""Pseudo-experiments of a search in regions of anomalous events, for ``config/event_anomaly.yaml`` when it has run.

    python benchmarks/event_anomaly.py results/event_anomaly --experiments 200

Each is a part of the data, drawn at random, of which an autoencoder learns anew, regions are cut anew, with as many
events as those of all data have, and all spectra are scanned. Experiments share events: ``independent`` of them would
be without (``select_background.py`` says what that does to a test of uniformity). First line: significances at all
masses of all spectra, and the global p-value of each experiment, from toys: are these uniform? Then for each signal and
each number of events that is ``--injected`` into all data: the significance at its own mass in its own spectrum, in
each region and without a selection (``all``); and what shares of the signal and of the data near its mass are there.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats

from resonaut.core import config
from resonaut.core.collisions import Collisions
from resonaut.core.errors import FitError
from resonaut.core.events import Dataset
from resonaut.fit import lookelsewhere, search
from resonaut.fit.resolution import Resolution
from resonaut.fit.search import Efficiency, Scan, Search
from resonaut.fit.settings import FitSettings
from resonaut.fit.shapes import Gaussian
from resonaut.fit.spectrum import Spectrum, regular_edges
from resonaut.learn.autoencoder.plain import Autoencoder, Features, Standard
from resonaut.select.event_scores.region import PB, Cut, RegionSettings
from resonaut.select.event_scores.score import Inputs
from resonaut.select.event_scores.settings import Training

# The spectrum in which each signal has its peak, and the mass there, GeV.
SIGNALS = {"lq_je": ("je", 600), "lq_bmu": ("bmu", 600), "wh_jj": ("jj", 500), "wh_bb": ("bb", 500)}
WITHOUT = "all"
SPECTRA = ("jj", "bb", "jb", "je", "jmu", "jgamma", "be", "bmu", "bgamma")
# Relative distance from a signal's mass up to which its events and the data's are compared.
NEAR = 0.12
FloatArray = NDArray[np.float64]
Scores = NDArray[np.float32]


def score(trained: Autoencoder, events: "Events") -> Scores:
    """The logarithm of the error of each event."""
    return np.log(trained.error(events.inputs)).astype(np.float32)


@dataclass(frozen=True)
class Events:
    """What the autoencoder sees (n, inputs), and the nine masses, GeV (n, 9)."""

    inputs: Features
    masses: FloatArray

    @classmethod
    def read(cls, manifest: Path, inputs: Inputs) -> "Events":
        """All events of a dataset."""
        names = [f"m_pair_{name}" for name in SPECTRA]
        batches = list(Dataset.open(manifest).iterate([*inputs.columns, *names]))
        masses = [np.column_stack([ak.to_numpy(batch[name]) for name in names]) for batch in batches]
        return cls(np.concatenate([inputs.compute(batch) for batch in batches]), np.concatenate(masses).astype(float))

    def __len__(self) -> int:
        return len(self.masses)

    def __getitem__(self, rows: NDArray[np.int64]) -> "Events":
        return Events(self.inputs[rows], self.masses[rows])

    def joined(self, other: "Events") -> "Events":
        """With those of another dataset."""
        return Events(np.concatenate([self.inputs, other.inputs]), np.concatenate([self.masses, other.masses]))


@dataclass(frozen=True)
class Analysis:
    """The frozen keys of the workflow."""

    training: Training
    regions: Mapping[str, RegionSettings]
    fit: FitSettings

    @classmethod
    def of(cls, results: Path, every: int = 1, **changes: Any) -> "Analysis":
        """Those of ``<results>``, with one in ``every`` masses; the keys of fit are the same for all spectra.

        ``changes``: other keys of the training.
        """
        (score,) = (results / "config/select/event_scores").glob("*.json")
        found = {path.parent.name: path for path in (results / "config/select").glob("*/jj.json")}
        (fit,) = {path.read_text(): path for path in (results / "config/fit/selection").glob("*.json")}.values()
        regions = {name: config.read(path, RegionSettings) for name, path in found.items()}
        keys = config.read(fit, FitSettings)
        keys = replace(keys, masses=keys.masses[::every])
        return cls(replace(config.read(score, Training), **changes), regions, keys)

    def spectra(self, events: Events, luminosity: float, seed: int) -> dict[tuple[str, str], Search]:
        """The search in each mass and region, with a training on these events; region ``all`` is all of them."""
        trained = self.trained(events, seed)
        scores = score(trained, events)
        inside = {WITHOUT: np.ones(len(events), bool)}
        inside |= {name: cut.selected(scores) for name, cut in self.cuts(scores, luminosity).items()}
        return {
            (name, mass): self.search(events.masses[chosen, i], mass)
            for name, chosen in inside.items()
            for i, mass in enumerate(SPECTRA)
        }

    def trained(self, events: Events, seed: int) -> Autoencoder:
        """The autoencoder that a random part of these events trains."""
        rng = np.random.default_rng(seed)
        part = rng.permutation(len(events))[: round(self.training.training_part * len(events))]
        standard = None if self.training.standardise else Standard.unchanged(events.inputs.shape[1])
        return Autoencoder.fit(events.inputs[part], None, self.training.network, seed, standard)

    def cuts(self, scores: Scores, luminosity: float) -> dict[str, Cut]:
        """Those of the regions in data with these scores."""
        events = {name: round(region.rate * PB * luminosity) for name, region in self.regions.items()}
        return {name: Cut.of(scores, number, name) for name, number in events.items()}

    def search(self, masses: FloatArray, name: str) -> Search:
        """In the spectrum of some ``masses``."""
        settings = replace(self.fit, toys=0)
        edges = regular_edges(*settings.range, settings.bin_width, "GeV", "fit.range")
        counts = np.histogram(masses, edges)[0].astype(float)
        spectrum = Spectrum(edges, counts, Resolution(settings.resolution or settings.signal_width), name)
        nothing = Efficiency(None, {}, measured=False)
        return Search(
            spectrum, Gaussian(settings.signal_width), None, dict.fromkeys(settings.masses, nothing), settings
        )


@dataclass(frozen=True)
class Study:
    """Pseudo-experiments of parts of ``data``, with events of ``signals`` put into them."""

    analysis: Analysis
    data: Events
    luminosity: float
    signals: Mapping[str, Events]

    def experiment(self, seed: int, part: float, toys: int) -> dict[str, Any]:
        """One without a signal: ``z`` at all masses of each spectrum, and the global p-value of the largest."""
        rng = np.random.default_rng(seed)
        rows = self._drawn(part, rng)
        z, scans = {}, []
        for name, one in self.analysis.spectra(self.data[rows], self.luminosity, seed).items():
            found = None if name[0] == WITHOUT else scanned(one)
            if found is None:
                continue
            z["/".join(name)] = {
                model.mass: excess.z_local for model, excess in zip(found.models, found.found, strict=True)
            }
            # Where no function describes the background there are no toys.
            models = [model for model in found.models if model.chosen.good]
            if models:
                largest = max(zip(found.models, found.found, strict=True), key=lambda one: one[1].z_local)
                thrown = lookelsewhere.scan_toys(models, found.resonances, len(one.spectrum.counts), toys, rng)
                scans.append((largest[0].mass, largest[1].z_local, thrown))
        return {"z": z, "global": vars(lookelsewhere.combine(scans)) | {"spectra": len(scans)}}

    def _drawn(self, part: float, rng: np.random.Generator) -> NDArray[np.int64]:
        """Events of an experiment; all data are one."""
        events = len(self.data) if part == 1 else rng.poisson(part * len(self.data))
        return rng.choice(len(self.data), events, replace=False)

    def shares(self, signal: str, trained: Autoencoder) -> dict[str, Any]:
        """In each region the share of the signal and of the data near its mass, and what that gains, S / sqrt(B)."""
        spectrum, mass = SIGNALS[signal]
        at, own = SPECTRA.index(spectrum), self.signals[signal]
        near, there = (abs(one.masses[:, at] / mass - 1) < NEAR for one in (self.data, own))
        scores, signal_scores = score(trained, self.data), score(trained, own)
        found = {}
        for name, cut in self.analysis.cuts(scores, self.luminosity).items():
            kept = float(np.mean(cut.selected(signal_scores[there])))
            background = float(np.mean(cut.selected(scores[near])))
            found[name] = {"signal": kept, "data": background, "gain": kept / np.sqrt(max(background, 1 / near.sum()))}
        return found

    def injected(self, seed: int, part: float, signal: str, events: int) -> dict[str, float | None]:
        """The significance of each region at the mass of a signal of which there are so many ``events``."""
        rng = np.random.default_rng(seed)
        spectrum, mass = SIGNALS[signal]
        rows = self._drawn(part, rng)
        own = self.signals[signal]
        chosen = own[rng.choice(len(own), events, replace=False)]
        whole = self.data[rows].joined(chosen)
        found = {}
        for (region, name), one in self.analysis.spectra(whole, part * self.luminosity, seed).items():
            if name == spectrum:
                alone = scanned(replace(one, efficiencies={mass: one.efficiencies[mass]}))
                found[region] = None if alone is None else alone.found[0].z_local
        return found


def scanned(one: Search) -> Scan | None:
    """The scan, or None where the fits fail at all masses: of too few events."""
    try:
        return search.scanned(one)
    except FitError:
        return None


def opened(results: Path, every: int = 1, **changes: Any) -> Study:
    """What the workflow left in ``results``."""
    analysis = Analysis.of(results, every, **changes)
    inputs = Inputs(analysis.training)
    skim = results / "skim"
    signals = {name: Events.read(skim / f"{name}.json", inputs) for name in SIGNALS}
    luminosity = Collisions.open([skim / "data.json"]).luminosity
    return Study(analysis, Events.read(skim / "data.json", inputs), luminosity, signals)


def background(found: Sequence[dict[str, Any]], part: float) -> dict[str, Any]:
    """How uniform the p-values are: local ones by region, and the global one."""
    line: dict[str, Any] = {"study": "background", "experiments": len(found), "independent": int(1 / part)}
    regions: dict[str, list[float]] = {}
    for one in found:
        for name, masses in one["z"].items():
            regions.setdefault(name.partition("/")[0], []).extend(masses.values())
    for region, z in regions.items():
        above = {f"above_{n}_sigma": float(np.mean(np.array(z) > n)) for n in (1, 2, 3)}
        line[region] = {"fits": len(z), "z_mean": float(np.mean(z)), "z_std": float(np.std(z))} | above
    p = np.array([one["global"]["p_toys"] for one in found])
    line["global"] = {
        "ks_p_value": float(stats.kstest(p, "uniform").pvalue),
        **{f"below_{level}": float(np.mean(p < level)) for level in (0.05, 0.16, 0.5)},
        "largest_z": float(max(one["global"]["z_local"] for one in found)),
        "spectra": float(np.mean([one["global"]["spectra"] for one in found])),
        "trials": float(np.median([one["global"]["trials"] for one in found])),
    }
    return line


def injected(found: Sequence[dict[str, float | None]]) -> dict[str, Any]:
    """The median significance in each region, and in how many experiments it could be fitted."""
    regions = {region: [one[region] for one in found] for region in found[0]}
    fitted = {region: [z for z in values if z is not None] for region, values in regions.items()}
    return {region: {"z": float(np.median(z)) if z else None, "fitted": len(z)} for region, z in fitted.items()}


# Shared by the processes, which are forked.
STUDY: Study


def _share(study: Study) -> None:
    global STUDY
    STUDY = study


def _experiment(*arguments: Any) -> dict[str, Any]:
    return STUDY.experiment(*arguments)


def _injected(*arguments: Any) -> dict[str, float | None]:
    return STUDY.injected(*arguments)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--experiments", type=int, default=200)
    parser.add_argument("--part", type=float, default=0.125, help="of the data in an experiment without a signal")
    parser.add_argument("--toys", type=int, default=100, help="of each spectrum, for the global p-value")
    parser.add_argument("--injected", type=int, nargs="*", default=[20, 40, 80], help="events of a signal in all data")
    parser.add_argument("--signals", nargs="*", default=[*SIGNALS], choices=[*SIGNALS], help="that are injected")
    parser.add_argument("--seeds", type=int, default=3, help="experiments with each number of them")
    parser.add_argument("--every", type=int, default=1, help="2 for every second mass, and so on")
    parser.add_argument("--inputs", default="matrix", choices=["matrix", "zones"], help="of the autoencoder")
    parser.add_argument("--as-they-are", action="store_true", help="inputs that are not standardised")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(1)
    changes = {"inputs": options.inputs, "standardise": not options.as_they_are}
    # Forked, the processes share the events.
    context, study = get_context("fork"), opened(options.results, options.every, **changes)
    with ProcessPoolExecutor(options.processes, context, initializer=_share, initargs=(study,)) as pool:
        seeds = range(1, options.experiments + 1)
        jobs = [pool.submit(_experiment, seed, options.part, options.toys) for seed in seeds]
        if jobs:
            print(json.dumps(background([job.result() for job in jobs], options.part)), flush=True)
        trained = study.analysis.trained(study.data, 1)
        for signal in options.signals:
            print(json.dumps({"study": "shares", "signal": signal} | study.shares(signal, trained)), flush=True)
            for events in options.injected:
                seeds = range(1, options.seeds + 1)
                some = [pool.submit(_injected, seed, 1.0, signal, events) for seed in seeds]
                line = {"study": "injected", "signal": signal, "events": events}
                print(json.dumps(line | injected([job.result() for job in some])), flush=True)


if __name__ == "__main__":
    main()
