"""Cross sections of pairs of Higgs bosons by weights of Pythia's scalars, beside published ones; hard process alone.

python benchmarks/higgs_pairs.py --events 20000
"""

import argparse

import numpy as np
import pythia8mc

from resonaut.physics import higgs_pairs

MASS, WIDTH, LOW, HIGH, SEED = 900.0, 600.0, 251.0, 4000.0, 7
NAMES = ("kappa_V", "kappa_2V", "kappa_lambda")
# fb at 13 TeV, as CMS's combinations of HH have them: leading order by MadGraph times 1.035.
PUBLISHED = {
    (1.0, 0.0, 1.0): 27.0800,
    (1.0, 2.0, 1.0): 14.2178,
    (1.5, 1.0, 1.0): 66.0185,
    (0.5, 1.0, 1.0): 10.8237,
    (1.0, 1.0, 1.0): 1.7260,
    (1.0, 1.0, 0.0): 4.6089,
    (1.0, 1.0, 2.0): 1.4228,
}
# H2 -> h A with A of the mass of h, neither of which decays, so that no branching fraction is left out.
SETTINGS = [
    "Print:quiet = on",
    "Beams:eCM = 13000",
    "PartonLevel:all = off",
    "HadronLevel:all = off",
    "Random:setSeed = on",
    f"Random:seed = {SEED}",
    "Higgs:useBSM = on",
    "HiggsBSM:ff2H2ff(t:WW) = on",
    "HiggsBSM:ff2H2ff(t:ZZ) = on",
    "HiggsH2:coup2W = 1",
    "HiggsH2:coup2Z = 1",
    f"35:m0 = {MASS}",
    f"35:mWidth = {WIDTH}",
    "35:doForceWidth = on",
    f"35:mMin = {LOW}",
    f"35:mMax = {HIGH}",
    "35:oneChannel = 1 1. 103 25 36",
    "36:m0 = 125",
    "36:mWidth = 0.001",
    "36:doForceWidth = on",
    "36:mMin = 124.5",
    "36:mMax = 125.5",
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20000)
    events = parser.parse_args().events
    pythia = pythia8mc.Pythia("", False)
    for line in SETTINGS:
        if not pythia.readString(line):
            raise SystemExit(f"Pythia does not accept {line!r}")
    pythia.init()
    mass: list[float] = []
    while len(mass) < events and pythia.next():
        mass += [one.m() for one in pythia.process if one.id() == 35]
    total, m_hh = pythia.infoPython().sigmaGen() * 1e12, np.array(mass)
    cosine = np.random.default_rng(SEED).uniform(-1, 1, len(m_hh))
    print(f"{len(m_hh)} scalars, seed {SEED}, {total:.4g} fb")
    for point, published in PUBLISHED.items():
        given = dict(zip(NAMES, point, strict=True))
        weights = total * higgs_pairs.weights("vector_fusion", m_hh, cosine, given, MASS, WIDTH)
        error, effective = weights.std() / np.sqrt(len(weights)), weights.sum() ** 2 / np.square(weights).sum()
        share = effective / len(weights)
        print(f"{point}: {weights.mean():.4g} +- {error:.2g} fb, published {published:.4g} fb, effective {share:.0%}")


if __name__ == "__main__":
    main()
