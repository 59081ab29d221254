"""CMS's menus of 2024 and 2025: how many of their seeds are evaluated, and some of them in detail."""

import os
from pathlib import Path

import pytest

from resonaut.physics.level1 import menu, seeds
from resonaut.physics.level1.seeds import Group, Leg, Total

ROOT = Path(__file__).parents[2]
DATA = (ROOT / os.environ.get("RESONAUT_REFERENCE_DATA", "../shared/data")).resolve() / "l1menu"

pytestmark = pytest.mark.skipif(not DATA.exists(), reason=f"no reference files {DATA} (RESONAUT_REFERENCE_DATA)")


@pytest.mark.parametrize(
    ("name", "on", "evaluated", "unprescaled", "of_them"),
    [
        ("L1Menu_Collisions2024_v1_3_0_last.csv", 226, 136, 164, 104),
        ("L1Menu_Collisions2025_v1_3_0.csv", 247, 130, 189, 102),
    ],
)
def test_seeds_of_a_menu(name, on, evaluated, unprescaled, of_them):
    found = menu.read(DATA / name, "2p0E34")
    assert (len(found.prescales), len(seeds.evaluated(list(found.prescales)))) == (on, evaluated)
    all_count = found.unprescaled.prescales
    assert (len(all_count), len(seeds.evaluated(list(all_count)))) == (unprescaled, of_them)
    four = seeds.parse("L1_HTT320er_QuadJet_80_60_er2p1_50_45_er2p3")
    legs = tuple(Leg(least, eta_max=limit) for least, limit in ((80, 2.1), (60, 2.1), (50, 2.3), (45, 2.3)))
    assert four.conditions == (Total("HT_Et", 320), Group("jets", legs))
