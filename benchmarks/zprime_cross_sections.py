"""Leading-order cross sections of Z' + jet at one coupling to all quarks, for the datasets of config/zprime.yaml.

``python benchmarks/zprime_cross_sections.py`` prints one JSON line a mass. The events of that analysis are those of a Z
boson with another mass. Its cross section becomes that of a Z' with the vector coupling g_q to all quarks,
L = g_q Z'_mu sum_q qbar gamma^mu q (B. Dobrescu, F. Yu, arXiv:1306.2629: g_B is 6 g_q), by the couplings of each
flavour that it is made of: the Z boson couples to a quark with e / (4 s c) gamma^mu (v - a gamma^5), so g_q^2 takes
the place of e^2 (v^2 + a^2) / (16 s^2 c^2); a vector and an axial coupling give the same cross section for quarks
without mass. All of them decay to quarks.
"""

import argparse
import json
import math
from collections import Counter
from pathlib import Path

import pythia8mc
import yaml

from resonaut.core.datasets import Component
from resonaut.core.record import build
from resonaut.simulate.generator import settings
from resonaut.simulate.settings import Simulate

# At the mass of the Z boson, as Pythia has them.
ALPHA, SIN2 = 1 / 127.95, 0.2312
GLUON = 21


def strength(quark: int) -> float:
    """Of the Z boson's coupling to a quark e^2 (v^2 + a^2) / (16 s^2 c^2), in whose place g_q^2 stands."""
    charge, isospin = (2 / 3, 1) if quark % 2 == 0 else (-1 / 3, -1)
    vector = isospin - 4 * charge * SIN2
    return 4 * math.pi * ALPHA * (vector**2 + 1) / (16 * SIN2 * (1 - SIN2))


def cross_section(simulate: Simulate, process: str, mass: float, coupling: float, events: int) -> tuple[float, float]:
    """Cross section and statistical error in fb, of a process of the configuration."""
    pythia = pythia8mc.Pythia("", False)
    component = Component(process=process, mass=mass, events=events)
    for line in [*settings(simulate, component, "simulation", 1), "PartonLevel:all = off"]:
        if not pythia.readString(line):
            raise ValueError(line)
    if not pythia.init():
        raise ValueError(process)
    made: Counter[int] = Counter()
    for _ in range(events):
        if pythia.next():
            made[min(abs(pythia.process[row].id()) for row in (3, 4))] += 1
    info = pythia.infoPython()
    # Of the decays only those to quarks are open.
    whole = 1e12 / pythia.particleData.resOpenFrac(23)
    factor = sum(number * coupling**2 / strength(quark) for quark, number in made.items()) / sum(made.values())
    value = info.sigmaGen() * whole * factor
    return value, value * math.hypot(info.sigmaErr() / info.sigmaGen(), 1 / math.sqrt(events))


def main() -> None:
    """Print the cross sections of the configuration's signals."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, default=Path("config/zprime.yaml"))
    parser.add_argument("--coupling", type=float, default=0.1)
    parser.add_argument("--events", type=int, default=20000)
    given = parser.parse_args()
    config = yaml.safe_load(given.config.read_text())
    simulate = build(config["simulate"], Simulate, "config: simulate")
    for name in config["search"]["samples"]["signal"]:
        (component,) = config["datasets"][name]["generator"]["components"]
        value, error = cross_section(simulate, component["process"], component["mass"], given.coupling, given.events)
        facts = {"mass": component["mass"], "coupling": given.coupling, "cross_section": value, "error": error}
        print(json.dumps({"dataset": name, **facts, "events": given.events, "seed": 1}))


if __name__ == "__main__":
    main()
