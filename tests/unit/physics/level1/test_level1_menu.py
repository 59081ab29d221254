"""Seeds by their names, against a search through all assignments of objects; menus, and their prescales."""

from itertools import permutations

import numpy as np
import pytest

from resonaut.core.errors import InputFileError
from resonaut.physics.level1 import menu, seeds
from resonaut.physics.level1.crossings import Crossings, Objects
from resonaut.physics.level1.scales import COLLECTIONS, DIRECTIONS, SUMS


def crossings(events: int = 120) -> Crossings:
    rng = np.random.default_rng(5)

    def objects(capacity):
        et = rng.integers(0, 120, (events, capacity))
        eta = rng.integers(-110, 110, et.shape)
        columns = et, eta, 0 * et, rng.integers(0, 16, et.shape)
        return Objects(*(one.astype(np.int16) for one in columns))

    sums = {name: rng.integers(0, 1000, events).astype(np.int16) for name in (*SUMS, *DIRECTIONS)}
    return Crossings({name: objects(scale.capacity) for name, scale in COLLECTIONS.items()}, sums, np.zeros(events))


def passes(found: Crossings, row: int, collection: str, *legs) -> bool:
    """By trying all choices of objects; a leg is (GeV, |eta| from, to, a test of the quality)."""
    scale, own = COLLECTIONS[collection], found.objects[collection]

    def good(one, place):
        energy = (int(own.et[row, place]) - scale.offset) * 0.5
        eta, (least, low, high, quality) = abs(int(own.eta[row, place])) * scale.eta_step, one
        return own.et[row, place] > 0 and energy >= least and low <= eta <= high and quality(own.quality[row, place])

    choices = permutations(range(scale.capacity), len(legs))
    return any(all(good(one, place) for one, place in zip(legs, chosen, strict=True)) for chosen in choices)


def anything(quality):
    return True


def at_least(least):
    return lambda quality: quality >= least


def bit(wanted):
    return lambda quality: quality & wanted


def leg(least, quality=anything, low=0, high=9):
    return least, low, high, quality


MUONS = leg(25, at_least(12)), leg(13, at_least(12)), leg(10, at_least(4))


@pytest.mark.parametrize(
    ("name", "collection", "legs", "sums"),
    [
        ("L1_SingleMu22", "muons", [leg(22, at_least(12))], {}),
        ("L1_DoubleMu_25_17", "muons", [leg(25, at_least(8)), leg(17, at_least(8))], {}),
        ("L1_TripleMu_25SQ_13SQ_10OQ", "muons", MUONS, {}),
        ("L1_DoubleEG_LooseIso55_50_er2p5", "egammas", [leg(55, bit(2), high=2.5), leg(50, high=2.5)], {}),
        ("L1_DoubleIsoTau50er2p1", "taus", 2 * [leg(50, bit(1), high=2.1)], {}),
        ("L1_SingleJet55_FWD3p0", "jets", [leg(55, low=3.0)], {}),
        ("L1_TripleJet_58_52er1p0_50", "jets", [leg(58), leg(52, high=1.0), leg(50)], {}),
        ("L1_HTT320er_DoubleJet_55_er1p1_50_er2p3", "jets", [leg(55, high=1.1), leg(50, high=2.3)], {"HT_Et": 320}),
        ("L1_ETMHF150_HTT60er", "jets", [], {"FET_Et": 150, "HT_Et": 60}),
    ],
)
def test_a_seed_decides_as_a_search_through_all_objects(name, collection, legs, sums):
    made = crossings()
    found = seeds.parse(name).passes(made)
    wanted = [
        (not legs or passes(made, row, collection, *legs))
        and all(made.sums[column][row] / 2 >= least for column, least in sums.items())
        for row in range(len(made))
    ]
    assert 0.02 < np.mean(wanted) < 0.98
    np.testing.assert_array_equal(found, wanted)


def test_conditions_on_two_collections_are_independent():
    seed = seeds.parse("L1_Mu6_DoubleEG12er2p5")
    assert [(one.collection, len(one.legs)) for one in seed.conditions] == [("muons", 1), ("egammas", 2)]
    # One muon is a single one, two are not.
    assert seed.conditions[0].legs[0].word == "SQ"
    assert seeds.parse("L1_DoubleMu3").conditions[0].legs[0].word == "DQ"


@pytest.mark.parametrize(
    "name",
    [
        "L1_DoubleMu0er1p4_SQ_OS_dR_Max1p4",
        "L1_SingleMu22_BMTF",
        "L1_DoubleJet30er2p5_Mass_Min250_dEta_Max1p5",
        "L1_DoubleMu0_Upt6_SQ_er2p0",
        "L1_QuadJet_70_55_40_er2p5",
        "L1_DoubleJet_70_55_40_er2p5",
        "L1_AXO_Tight",
        "L1_ZeroBias",
        "L1_Mu",
        "L1_er2p5",
        "HTT360er",
    ],
)
def test_what_a_name_does_not_fully_say_is_not_evaluated(name):
    assert seeds.parse(name) is None


def test_prescales_and_decisions(tmp_path):
    path = tmp_path / "menu.csv"
    path.write_text(
        "Index,Name,High,Low\n0,L1_SingleMu22,1,1\n1,L1_SingleEG50,4,1\n2,L1_AXO_Tight,1,0.0\n3,L1_SingleJet55,0,2\n"
    )
    high, made = menu.read(path, "High"), crossings()
    assert high.prescales == {"L1_SingleMu22": 1, "L1_SingleEG50": 4, "L1_AXO_Tight": 1}
    assert list(high.unprescaled.prescales) == ["L1_SingleMu22", "L1_AXO_Tight"]
    assert list(high.without("L1_AXO").prescales) == ["L1_SingleMu22", "L1_SingleEG50"]
    found = menu.decide(high, made)
    assert (found.evaluated, found.unknown) == (["L1_SingleMu22", "L1_SingleEG50"], ["L1_AXO_Tight"])
    muon, electron = (seeds.parse(name).passes(made) for name in found.evaluated)
    np.testing.assert_allclose(found.missed, np.where(muon, 0, 1) * np.where(electron, 0.75, 1))
    # What the data say of a seed comes before what the objects say.
    made.seeds["L1_AXO_Tight"] = made.seeds["L1_SingleMu22"] = np.arange(len(made)) < 10
    found = menu.decide(high, made)
    assert found.unknown == []
    np.testing.assert_allclose(found.missed, np.where(np.arange(len(made)) < 10, 0, np.where(electron, 0.75, 1)))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Index,Seed\n", "has no column 'Name'"),
        ("Name,High\n", "has no column 'Low', but High"),
        ("Name,Low\nL1_A,1\nL1_A,1\n", "has the seed 'L1_A' twice"),
        ("Name,Low\nL1_A,0.5\n", "the seed 'L1_A' has the prescale '0.5'"),
        ("Name,Low\nL1_A\n", "the seed 'L1_A' has the prescale None"),
    ],
)
def test_what_is_no_menu_is_refused(tmp_path, text, sentence):
    (tmp_path / "menu.csv").write_text(text)
    with pytest.raises(InputFileError, match=sentence):
        menu.read(tmp_path / "menu.csv", "Low")
