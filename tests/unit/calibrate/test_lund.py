import awkward as ak
import numpy as np
import pytest

from resonaut.calibrate.lund import lund_plane
from resonaut.errors import NotFiniteError


def particle(pt: float, phi: float, eta: float = 0.0) -> dict[str, float]:
    return {"pt": pt, "eta": eta, "phi": phi, "mass": 0.0}


def test_three_particle_jet_by_hand():
    # At eta = 0 all is in the transverse plane. The pair at 0.01 joins first in the C/A tree; the first
    # declustering is then the 5 GeV particle against the pair, whose direction is the vector sum.
    jet = ak.Array([[particle(100, 0.0), particle(10, 0.01), particle(5, 0.3)]])
    (subjet,) = lund_plane(jet, 1)[0].to_list()
    pair = np.arctan2(10 * np.sin(0.01), 100 + 10 * np.cos(0.01))
    assert [s["delta"] for s in subjet["splittings"]] == pytest.approx([0.3 - pair, 0.01])
    assert [s["kt"] for s in subjet["splittings"]] == pytest.approx([5 * (0.3 - pair), 0.1])
    x = 100 + 10 * np.cos(0.01) + 5 * np.cos(0.3)
    y = 10 * np.sin(0.01) + 5 * np.sin(0.3)
    assert [subjet["pt"], subjet["eta"], subjet["phi"]] == pytest.approx([np.hypot(x, y), 0, np.arctan2(y, x)])


def test_two_prongs_keep_their_own_splittings():
    # Prongs 0.6 apart: the one of 80 GeV has no emission, the one of 50 GeV has two.
    jet = ak.Array([[particle(50, 0.6), particle(80, 0.0), particle(2, 0.65), particle(1, 0.58, 0.1)]])
    soft, hard = sorted(lund_plane(jet, 2)[0].to_list(), key=lambda subjet: subjet["pt"])
    assert (hard["pt"], hard["splittings"]) == (pytest.approx(80), [])
    assert soft["pt"] == pytest.approx(53, abs=0.1)
    wide, narrow = soft["splittings"]
    # Delta is in rapidity and azimuth, measured from the sum of the 50 and 2 GeV particles.
    centre = np.arctan2(50 * np.sin(0.6) + 2 * np.sin(0.65), 50 * np.cos(0.6) + 2 * np.cos(0.65))
    assert wide["delta"] == pytest.approx(np.hypot(centre - 0.58, 0.1), rel=1e-6)
    assert wide["kt"] == pytest.approx(wide["delta"], rel=1e-6)
    assert (narrow["delta"], narrow["kt"]) == (pytest.approx(0.05), pytest.approx(0.1))


def test_cuts_are_strict_and_drop_the_step_not_the_tree():
    jet = ak.Array([[particle(100, 0.0), particle(10, 0.004), particle(0.05, 0.3)]])
    assert lund_plane(jet, 1)[0, 0].splittings.to_list() == []
    loose = lund_plane(jet, 1, minimum_delta=0.0, minimum_kt=0.0)[0, 0].splittings.kt
    assert ak.to_numpy(loose) == pytest.approx([0.05 * 0.3, 0.04], rel=1e-2)


def test_number_of_prongs_per_jet_and_order_of_jets():
    jets = ak.Array(
        [
            [particle(10, 0.0), particle(9, 0.3), particle(8, -0.3)],
            [particle(20, 0.0)],
            [],
            [particle(30, 0.0), particle(29, 0.3)],
            [particle(40, 0.0), particle(39, 0.3)],
        ]
    )
    planes = lund_plane(jets, [3, 2, 1, 1, 2])
    # Too few constituents (rows 1 and 2): no subjet. The others have as many as asked for.
    assert ak.num(planes).to_list() == [3, 0, 0, 1, 2]
    assert sorted(planes[0].pt.to_list()) == pytest.approx([8, 9, 10])
    assert planes[3, 0].splittings.kt.to_list() == pytest.approx([29 * 0.3])
    assert sorted(planes[4].pt.to_list()) == pytest.approx([39, 40])
    assert ak.num(lund_plane(jets, 0)).to_list() == [0] * 5


def test_one_constituent_is_a_prong_without_splittings():
    planes = lund_plane(ak.Array([[particle(20, 1.0)]]), 1)
    assert planes[0, 0].pt == pytest.approx(20)
    assert planes[0, 0].splittings.to_list() == []


def test_padding_and_collinear_duplicates_change_nothing():
    jet = [particle(100, 0.0), particle(10, 0.2)]
    padded = [*jet, particle(0, 0.0), particle(0, 0.0)]
    twins = [particle(50, 0.0), particle(50, 0.0), particle(10, 0.2)]
    planes = lund_plane(ak.Array([jet, padded, twins]), 1)
    assert planes.splittings.kt.to_list() == [[[pytest.approx(2.0)]]] * 3
    # Padding is no constituent: this jet has one, and cannot have two prongs.
    assert ak.num(lund_plane(ak.Array([[particle(100, 0.0), particle(0, 0.1)]]), 2)).to_list() == [0]


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["pt", "eta", "phi", "mass"])
def test_a_momentum_that_is_not_finite_is_an_error(name, value):
    with pytest.raises(NotFiniteError, match=rf"'{name}' has 1 NaN or infinite"):
        lund_plane(ak.Array([[particle(10, 0.0), particle(10, 0.1) | {name: value}]]), 1)


def test_no_jets():
    none = ak.Array([[particle(1, 0.0)]])[:0]
    planes = lund_plane(none, 2)
    assert len(planes) == 0
    assert planes.splittings.kt.to_list() == []
    assert planes.type.content == lund_plane(ak.Array([[particle(1, 0.0)]]), 1).type.content
