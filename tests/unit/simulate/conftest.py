import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from resonaut.core.datasets import DatasetConfig
from resonaut.core.record import build
from resonaut.simulate.particles import Particles
from resonaut.simulate.settings import Detector, Simulate

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def simulate_config() -> Simulate:
    """The defaults, which are the demo's settings."""
    return Simulate()


@pytest.fixture(scope="session")
def perfect(simulate_config: Simulate) -> Detector:
    """No losses, no smearing, no thresholds."""
    exact = {"stochastic": 0.0, "noise": 0.0, "constant": 0.0, "threshold": 0.0}
    default = simulate_config.detector
    return Detector(
        tracker=dataclasses.replace(
            default.tracker, efficiency=1.0, pt_min=0.0, resolution_constant=0.0, resolution_slope=0.0
        ),
        ecal=dataclasses.replace(default.ecal, **exact),
        hcal=dataclasses.replace(default.hcal, **exact),
        b_tag_separation=default.b_tag_separation,
    )


@pytest.fixture(scope="session")
def dataset() -> Callable[..., DatasetConfig]:
    def make(nature: str = "simulation", region: str = "dijet", **generator: object) -> DatasetConfig:
        components = generator.pop("components", [{"process": "qcd", "events": 40}])
        entry = {
            "nature": nature,
            "format": "nanoaod",
            "region": region,
            "files": [],
            "files_per_chunk": 1,
            "labelled": None,
            "certified": None,
            "expected": None,
            "luminosity": 1.0,
            "cross_section": None,
            "mass": None,
            "generator": {
                "tune": "simulation",
                "events_per_chunk": 20,
                "seed": 1,
                "shower_variations": False,
                "components": [
                    {"process": None, "mass": None, "cross_section": None, "events": None} | component
                    for component in components
                ],
            }
            | generator,
        }
        return build(entry, DatasetConfig, "test")

    return make


@pytest.fixture(scope="session")
def particles() -> Callable[..., Particles]:
    def make(pdgid: int, charge: int, energy: float, eta: list[float], phi: list[float] | float = 0.3) -> Particles:
        eta_ = np.asarray(eta, float)
        n = len(eta_)
        energies = np.full(n, float(energy))
        return Particles(
            events=1,
            event=np.zeros(n, int),
            pt=energies / np.cosh(eta_),
            eta=eta_,
            phi=np.broadcast_to(np.asarray(phi, float), n),
            energy=energies,
            pdgid=np.full(n, pdgid),
            charge=np.full(n, charge, np.int8),
        )

    return make
