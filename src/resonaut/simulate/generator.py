"""Pythia 8 as a source of batches: flat arrays of final-state particles and of the hard process.

C. Bierlich et al., "A comprehensive guide to the physics and usage of PYTHIA 8.3",
SciPost Phys. Codebases 8 (2022), arXiv:2203.11601.
"""

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import inf
from typing import Any

import awkward as ak
import numpy as np
import pythia8mc

from resonaut.core.datasets import Component
from resonaut.core.errors import ConfigError
from resonaut.physics import jets
from resonaut.simulate import pairs
from resonaut.simulate.origins import Origins, origins
from resonaut.simulate.particles import Particles, pseudorapidity
from resonaut.simulate.settings import Pairs, ParticleLevel, Process, Simulate
from resonaut.simulate.truth import (
    B_HADRONS,
    C_HADRONS,
    ELECTRON,
    MUON,
    TAU,
    hadronic_taus,
    hard_process,
    missing_momentum,
    prompt_leptons,
    weak_hadrons,
)

# Pythia takes seeds up to this one; 0 would be the time.
MAX_SEED = 900_000_000
# The scales' factors in the order of NanoAOD's PSWeight, under labels of our own. A factor of 0.5 means more radiation.
SHOWER_VARIATIONS = {
    "isr_2": "isr:muRfac=2.0",
    "fsr_2": "fsr:muRfac=2.0",
    "isr_half": "isr:muRfac=0.5",
    "fsr_half": "fsr:muRfac=0.5",
}
# Trials of a hard process in a row, of which mostly one in ten becomes an event.
MAX_TRIALS = 100_000
# Width of particles of flat mass in GeV.
NARROW = 1e-3
PLACEHOLDER = re.compile(r"\{(?:([\d.eE+-]+)\s*\*\s*)?mass\}")


@dataclass(frozen=True)
class Batch:
    """Generated events: visible stable particles, hard process as NanoAOD's ``GenPart``, what jets are tagged by.

    ``b_hadrons``, ``c_hadrons``, ``taus``: directions of weakly decaying hadrons and of taus that decay to hadrons,
    events * var * {eta, phi}, of taus also ``visible_pt``. ``missing``: px and py of all invisible particles,
    events * 2 (GeV).
    ``prompt``: electrons and muons among the ``visible`` that come from the hard process, by their places there.
    ``shower_weight``: events * ``SHOWER_VARIATIONS``, relative to the events' own weight, where asked for.
    ``origins``: where the ``visible`` come from, where asked for.
    ``pairs``: events * points of the couplings, the weights of pairs of Higgs bosons, where the process has any.
    ``pt_hat``: the transverse momentum of the hardest parton process, (events,).
    """

    visible: Particles
    hard: ak.Array
    b_hadrons: ak.Array
    c_hadrons: ak.Array
    taus: ak.Array
    missing: np.ndarray
    prompt: np.ndarray
    shower_weight: np.ndarray | None
    pt_hat: np.ndarray
    origins: Origins | None = None
    pairs: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.hard)

    def of(self, events: np.ndarray) -> "Batch":
        """Some of the events, a mask (events,)."""
        inside = events[self.visible.event]
        origins = self.origins
        return Batch(
            visible=self.visible.of(events),
            hard=self.hard[events],
            b_hadrons=self.b_hadrons[events],
            c_hadrons=self.c_hadrons[events],
            taus=self.taus[events],
            missing=self.missing[events],
            prompt=(np.cumsum(inside) - 1)[self.prompt[inside[self.prompt]]],
            shower_weight=None if self.shower_weight is None else self.shower_weight[events],
            pt_hat=self.pt_hat[events],
            origins=None if origins is None else origins.of(inside),
            pairs=None if self.pairs is None else self.pairs[events],
        )

    @property
    def weight(self) -> np.ndarray:
        """The weight of each event, shape (events,)."""
        return np.ones(len(self)) if self.pairs is None else self.pairs[:, 0].astype(np.float64)

    def passes(self, wanted: ParticleLevel, radius: float) -> np.ndarray:
        """Which events have at particle level what a detector is simulated for, shape (events,); jets have a radius."""
        seen, found = self.visible, np.ones(len(self), bool)
        if (one := wanted.lepton) is not None:
            leptons = np.isin(np.abs(seen.pdgid), (ELECTRON, MUON))
            good = leptons & (seen.pt > one.pt_min) & (np.abs(seen.eta) < one.eta_max)
            found &= np.bincount(seen.event[good], minlength=len(self)) >= one.number
        if (one := wanted.hadronic_tau) is not None:
            good = (self.taus.visible_pt > one.pt_min) & (np.abs(self.taus.eta) < one.eta_max)
            found &= ak.to_numpy(ak.sum(good, axis=1)) >= one.number
        if (one := wanted.jet) is not None and found.any():
            others = np.ones(len(seen.event), bool)
            others[self.prompt] = False
            momenta = jets.four_momenta(seen[others].lists()[found])
            good = np.abs(jets.find(momenta, radius, one.pt_min).eta) < one.eta_max
            found[found] = ak.to_numpy(ak.sum(good, axis=1)) >= one.number
        return found


QUIET = "Print:quiet = on"


def settings(
    config: Simulate, component: Component, tune: str, seed: int, shower_variations: bool = False
) -> list[str]:
    """All Pythia settings of one run, later ones overriding earlier ones.

    Raises:
        ConfigError: the tune or process is not in the configuration, or a placeholder lacks its mass.
    """
    for section, known, wanted in (
        ("tunes", config.tunes.keys(), tune),
        ("processes", config.processes.keys(), component.process),
    ):
        if wanted not in known:
            raise ConfigError(
                f"config: simulate.{section} has no {wanted!r}, only {', '.join(known)}; add it or choose one."
            )

    def value(match: re.Match[str]) -> str:
        if component.mass is None:
            raise ConfigError(f"config: a component of process {component.process!r} needs a 'mass'; add it.")
        return f"{float(match[1] or 1) * component.mass:g}"

    groups = ", ".join(f"{label} {variation}" for label, variation in SHOWER_VARIATIONS.items())
    variations = [*config.shower_variations, f"UncertaintyBands:List = {{{groups}}}"] if shower_variations else []
    return [
        QUIET,
        f"Beams:eCM = {config.sqrt_s:g}",
        f"PartonLevel:MPI = {'on' if config.mpi else 'off'}",
        "Random:setSeed = on",
        f"Random:seed = {seed}",
        *variations,
        *config.settings,
        *config.tunes[tune],
        *(PLACEHOLDER.sub(value, line) for line in config.processes[component.process].settings),
    ]


class Cuts(pythia8mc.UserHooks):  # type: ignore[misc]
    """Rejects events by their hard process, before the costly shower, and gives particles new masses for the next.

    Pythia's cross section is then that of the accepted events.

    Args:
        cuts: the cuts, and whose masses are flat.
        masses: sets the mass of a particle, by its PDG number and in GeV.
        seed: of the masses.
    """

    def __init__(self, cuts: Process, masses: Callable[[int, float], None], seed: int) -> None:
        super().__init__()
        self.flat = {int(number): limits for number, limits in cuts.flat_masses.items()}
        self.masses, self.random = masses, np.random.default_rng(seed)
        # Those of Pythia's start do not count.
        self.trials = -inf
        self.delta_y_max = inf if cuts.delta_y_max is None else cuts.delta_y_max
        self.lepton_pt_min = cuts.lepton_pt_min
        self.lepton_eta_max = inf if cuts.lepton_eta_max is None else cuts.lepton_eta_max
        self.wanted = cuts.particle_level.hard_lepton
        self.rejected = 0

    def draw(self) -> None:
        """Set the masses of the next event."""
        self.trials = 0
        for number, (low, high) in self.flat.items():
            self.masses(number, self.random.uniform(low, high))

    def canModifySigma(self) -> bool:  # noqa: N802
        """Tell Pythia to show each trial of a hard process."""
        return bool(self.flat)

    def multiplySigmaBy(self, *trial: Any) -> float:  # noqa: N802
        """Change nothing; end a search without an end: Pythia tries for ever to decay into what is too heavy."""
        del trial
        self.trials += 1
        if self.trials > MAX_TRIALS:
            raise ConfigError(
                f"config: simulate.processes: no event with the flat masses of {', '.join(map(str, self.flat))}; lower "
                "them where they are more than what decays into them has."
            )
        return 1.0

    def canVetoProcessLevel(self) -> bool:  # noqa: N802
        """Tell Pythia to ask."""
        return True

    def doVetoProcessLevel(self, process: Any) -> bool:  # noqa: N802
        """Rows 3 and 4 of the process are the incoming partons, those from 5 on their products, decayed."""
        self.draw()
        products = [process[row] for row in range(5, process.size())]
        apart = len(products) > 1 and products[1].mother1() == 3
        if apart and abs(products[0].y() - products[1].y()) > self.delta_y_max:
            return True
        leptons = [one for one in products if one.idAbs() in (ELECTRON, MUON)]
        if any(one.pT() < self.lepton_pt_min or abs(one.eta()) > self.lepton_eta_max for one in leptons):
            return True
        if (wanted := self.wanted) is None:
            return False
        charged = [one for one in products if one.idAbs() in (ELECTRON, MUON, TAU)]
        good = sum(one.pT() > wanted.pt_min and abs(one.eta()) < wanted.eta_max for one in charged)
        veto = bool(good < wanted.number)
        self.rejected += veto
        return veto


def _reason(lines: list[str]) -> str:
    """Why Pythia does not start with these settings, in its own words, which it writes to the standard output alone."""
    pythia = pythia8mc.Pythia("", False)
    for line in lines:
        if line != QUIET:
            pythia.readString(line)
    with tempfile.TemporaryFile() as said:
        before = os.dup(1)
        os.dup2(said.fileno(), 1)
        try:
            pythia.init()
        finally:
            os.dup2(before, 1)
            os.close(before)
        said.seek(0)
        words = said.read().decode(errors="replace")
    return "; ".join(re.findall(r"PYTHIA (?:Error|Abort) (.+?)\.?\s*$", words, re.MULTILINE)) or "nothing"


class Pythia:
    """Pythia, initialised for one component of a dataset."""

    def __init__(
        self,
        config: Simulate,
        component: Component,
        tune: str,
        seed: int,
        shower_variations: bool = False,
        tracks: bool = False,
    ) -> None:
        self.process, self.pairs = component.process, config.processes[component.process].pairs
        self.tracks = tracks
        self.shower_variations = shower_variations
        self.pythia = pythia8mc.Pythia("", False)
        for line in settings(config, component, tune, seed, shower_variations):
            if not self.pythia.readString(line):
                raise ConfigError(f"config: simulate: Pythia does not accept the setting {line!r}; correct it.")
        process = config.processes[component.process]
        self.hook: Cuts | None = None
        if process.hooked:
            for number, (low, _) in process.flat_masses.items():
                self._free_mass(int(number), low)
            # Pythia keeps no reference of its own.
            self.hook = Cuts(process, self.pythia.particleData.m0, seed)
            self.pythia.setUserHooksPtr(self.hook)
        if not self.pythia.init():
            raise ConfigError(
                f"config: Pythia cannot start simulate.processes.{component.process} with tune {tune!r}; correct its "
                f"settings. Pythia says: {_reason(settings(config, component, tune, seed, shower_variations))}."
            )
        if self.hook is not None:
            self.hook.draw()
            # Those of Pythia's start do not count.
            self.hook.rejected = 0

    def _free_mass(self, number: int, mass: float) -> None:
        """Let a resonance have the mass that it is given, now this, and no other."""
        particles = self.pythia.particleData
        if not particles.isResonance(number):
            raise ConfigError(
                f"config: simulate.processes.{self.process}.flat_masses: Pythia knows no resonance {number}; declare "
                "it in the settings with isResonance = on."
            )
        particles.m0(number, mass)
        # Limits would be those around another mass; without a width it would not decay.
        particles.mMin(number, 0)
        particles.mMax(number, 0)
        particles.mWidth(number, NARROW)
        particles.doForceWidth(number, True)

    def batches(self, events: int, size: int) -> Iterator[Batch]:
        """Yield ``events`` events in batches of at most ``size``; failed events are generated again."""
        while events > 0:
            record = self.pythia.nextBatch(min(events, size))
            if not len(record):
                raise ConfigError(
                    f"config: Pythia generates no event of simulate.processes.{self.process}; its reason is in the log."
                )
            events -= len(record)
            batch = self._split(
                record.prt,
                self._shower_weight(record.info.weights) if self.shower_variations else None,
                np.sqrt(ak.to_numpy(record.info.pT2Hat)),
            )
            yield batch if self.pairs is None else replace(batch, pairs=self._pairs(batch.hard, self.pairs))

    def _pairs(self, hard: ak.Array, settings: Pairs) -> np.ndarray:
        particles, scalar = self.pythia.particleData, int(settings.scalar)
        return pairs.weights(hard, settings, particles.m0(scalar), particles.mWidth(scalar))

    def rejected(self) -> int:
        """Events whose hard process lacked the leptons of ``particle_level`` since the last question."""
        if self.hook is None:
            return 0
        found, self.hook.rejected = self.hook.rejected, 0
        return found

    def cross_section(self) -> tuple[float, float]:
        """Generated cross section and its statistical error in fb."""
        info = self.pythia.infoPython()
        return info.sigmaGen() * 1e12, info.sigmaErr() * 1e12

    def _shower_weight(self, weights: ak.Array) -> np.ndarray:
        """The columns of ``SHOWER_VARIATIONS`` among all of Pythia's weights, of which the first is the nominal one."""
        names = list(self.pythia.infoPython().weightNameVector())
        table = ak.to_numpy(weights)
        found: np.ndarray = table[:, [names.index(label) for label in SHOWER_VARIATIONS]] / table[:, :1]
        return found

    def _split(self, record: ak.Array, shower_weight: np.ndarray | None, pt_hat: np.ndarray) -> Batch:
        """Cut the long record at once: what the detector sees, and the few particles of the hard process."""
        counts = ak.num(record).to_numpy()
        flat = {name: ak.flatten(record[name]).to_numpy() for name in ("id", "status", "mother1", "m")}
        flat |= {name: ak.flatten(record.p[name]).to_numpy() for name in ("px", "py", "pz", "e")}
        if self.tracks:
            flat |= {name: _produced(record.vProd[f"p{name}"]) for name in "xyz"}
        final = np.flatnonzero(flat["status"] > 0)
        kinds, kind = np.unique(flat["id"][final], return_inverse=True)
        visible = np.array([self.pythia.particleData.isVisible(int(k)) for k in kinds], bool)[kind]
        charge = np.array([round(self.pythia.particleData.charge(int(k))) for k in kinds], np.int8)[kind]
        seen = final[visible]
        px, py, pz, energy, pdgid = (flat[name][seen] for name in ("px", "py", "pz", "e", "id"))
        pt = np.hypot(px, py)
        particles = Particles(
            events=len(counts),
            event=np.repeat(np.arange(len(counts)), counts)[seen],
            pt=pt,
            eta=pseudorapidity(pt, pz),
            phi=np.arctan2(py, px),
            energy=energy,
            pdgid=pdgid,
            charge=charge[visible],
        )
        detectable = np.zeros(len(flat["id"]), bool)
        detectable[seen] = True
        return Batch(
            visible=particles,
            hard=hard_process(flat, counts),
            b_hadrons=weak_hadrons(flat, counts, B_HADRONS),
            c_hadrons=weak_hadrons(flat, counts, C_HADRONS),
            taus=hadronic_taus(flat, counts),
            missing=missing_momentum(flat, counts, detectable),
            prompt=np.searchsorted(seen, prompt_leptons(flat, counts)),
            shower_weight=shower_weight,
            pt_hat=pt_hat,
            origins=origins(flat, counts, seen) if self.tracks else None,
        )


def _produced(coordinate: ak.Array) -> np.ndarray:
    """One coordinate (mm) of where all particles are produced; Pythia has none for what begins at the origin."""
    found: np.ndarray = ak.fill_none(ak.flatten(coordinate), 0.0).to_numpy()
    return found
