"""The cuts on jets, the truth in them, and the columns."""

import awkward as ak
import numpy as np
import pytest

from resonaut.core import events
from resonaut.core.errors import ConfigError
from resonaut.core.manifest import Cut
from resonaut.skim import cutflow, pieces
from resonaut.skim.columns import conform, empty, schema
from resonaut.skim.cutflow import Cutflow
from resonaut.skim.selection import constituent_columns, jet_columns, select
from resonaut.skim.truth import decay_products, truth_columns


def jets_of(*events: list[tuple[float, float, float]]) -> ak.Array:
    """Events of jets (pt, eta, softdrop_mass); the two leading ones are back to back."""
    rows = [
        [
            {"pt": pt, "eta": eta, "phi": np.pi * (i % 2), "mass": m, "softdrop_mass": m, "tau1": 0.2, "tau2": 0.1}
            for i, (pt, eta, m) in enumerate(jets)
        ]
        for jets in events
    ]
    return ak.Array(rows)


@pytest.fixture
def region(settings):
    def make(**keys):
        return settings(regions={"r": keys}).region("r", "d")

    return make


def test_kept_jets_pass_every_cut_and_the_heavier_comes_first(region) -> None:
    jets = jets_of(
        [(500, 3.0, 90), (450, 0.1, 20), (400, 0.2, 60)],  # the leading jet is outside: the next two
        [(500, 0.0, 90), (450, 0.5, 120)],
        [(500, 0.0, 90), (299, 0.0, 20)],
        [(500, 0.0, 90), (450, 1.3, 20)],  # the cut is strict
        [],
    )
    flow = Cutflow(np.array([1.0, 2.0, 4.0, 8.0, 16.0]))
    kept = select(jets, region(), flow, {})
    assert flow.mask.tolist() == [True, True, False, False, False]
    assert kept.softdrop_mass.to_list() == [[60, 20], [120, 90]]
    assert kept.pt.to_list() == [[400, 450], [450, 500]]
    assert [(r.cut, r.events, r.sum_weights) for r in flow.rows] == [
        ("stored", 5, 31.0),
        ("pt", 3, 11.0),
        ("eta", 3, 11.0),
        ("delta_eta", 2, 3.0),
    ]


def test_one_jet_region_keeps_the_leading_jet_in_the_window(region) -> None:
    window = region(jets=1, pt_min=225, softdrop_mass=[70, 110], delta_eta_max=None)
    jets = jets_of([(700, 0, 30), (300, 0, 85), (250, 0, 90)], [(700, 0, 30)], [(200, 0, 80)])
    flow = Cutflow(np.ones(3))
    kept = select(jets, window, flow, {})
    assert kept.pt.to_list() == [[300]]
    columns = jet_columns(kept, 1, ("tau1", "tau2"))
    assert not {"j2_pt", "m_jj", "delta_eta_jj"} & columns.keys()


def test_m_jj_of_two_massless_jets(region) -> None:
    """m^2 = 2 pT1 pT2 (cosh(delta eta) - cos(delta phi))."""
    jets = jets_of([(1500, 0.6, 0), (1400, -0.5, 0)])
    expected = np.sqrt(2 * 1500 * 1400 * (np.cosh(1.1) + 1))
    flow = Cutflow(np.ones(1))
    kept = select(jets, region(m_jj_min=expected - 0.01), flow, {})
    columns = jet_columns(kept, 2, ("tau1", "tau2"))
    assert columns["m_jj"][0] == pytest.approx(expected, rel=1e-9)
    assert columns["delta_eta_jj"][0] == pytest.approx(1.1)
    select(jets, region(m_jj_min=expected + 0.01), flow, {})
    assert not flow.mask.any()


def test_region_must_exist(settings) -> None:
    with pytest.raises(ConfigError, match=r"datasets\.qcd\.region is 'dijets'; skim\.regions has only dijet"):
        settings().region("dijets", "qcd")


def record(*particles: tuple[int, int, float, float, float, float]) -> ak.Array:
    names = ("pdgId", "mother", "mass", "pt", "eta", "phi")
    return ak.Array([[dict(zip(names, particle, strict=True)) for particle in particles]])


def test_decay_products_come_from_heavy_particles_only() -> None:
    particles = record(
        (21, -1, 0, 0, 0, 0),  # 0 incoming gluon
        (9000001, 0, 500, 900, 0, 0),  # 1 a new particle
        (6, 1, 173, 500, 0, 0),  # 2 its top quark
        (24, 2, 80.4, 300, 0, 0),  # 3
        (5, 2, 4.8, 200, 0.1, 3.1),  # 4 b of the top
        (24, 3, 80.4, 300, 0, 0),  # 5 a copy of the W
        (1, 5, 0, 150, 0.2, -3.1),  # 6 its quarks
        (-2, 5, 0, 160, 3.0, 0),  # 7
        (1, 6, 0, 149, 0.2, -3.1),  # 8 a copy of a quark, after its shower
        (21, 6, 0, 20, 0.2, -3.1),  # 9
        (3, 0, 0, 800, 0, 3),  # 10 quark of QCD
        (4, -1, 0, 0, 0, 0),  # 11 incoming quark
        (-13, 3, 0.1, 50, 0, 3),  # 12 a muon
        (411, -1, 50, 3, 0, 0),  # 13 no mother
    )
    assert decay_products(particles).pt.to_list() == [[200, 150, 160, 50]]
    jets = ak.Array([[{"eta": 0.0, "phi": -3.1}, {"eta": -2.0, "phi": 0.0}]])
    columns = truth_columns(jets, particles, 2)
    assert columns["j1_prongs"].tolist() == [2]  # across phi = pi
    assert columns["j1_quark_pt"].to_list() == [[200, 150]]
    assert columns["j1_quark_pdgid"].to_list() == [[5, 1]]
    assert columns["j1_decay_pdgid"].to_list() == [[5, 1, -13]]
    assert columns["j2_decay_pdgid"].to_list() == [[]]
    assert [columns[f"j2_decay_{name}"].tolist() for name in ("pt", "mass")] == [[0], [0]]
    assert columns["j2_prongs"].tolist() == [1]
    assert columns["j2_quark_pt"].to_list() == [[]]


def test_quarks_just_outside_are_listed_but_are_no_prongs() -> None:
    particles = record(
        (24, -1, 80.4, 300, 0, 0),
        (1, 0, 0, 50, 0.79, 0),
        (-5, 0, 0, 80, 0, 0.81),
        (3, 0, 0, 70, 0.89, 0),
        (-4, 0, 0, 90, 0.7, 0.7),
    )
    columns = truth_columns(ak.Array([[{"eta": 0.0, "phi": 0.0}]]), particles, 1)
    assert columns["j1_prongs"].tolist() == [1]
    assert columns["j1_quark_pt"].to_list() == [[80, 70, 50]]
    assert columns["j1_quark_pdgid"].to_list() == [[-5, 3, 1]]
    assert columns["j1_quark_eta"].to_list() == [[0, 0.89, 0.79]]
    assert columns["j1_quark_phi"].to_list() == [[0.81, 0, 0]]


def test_a_gluon_that_a_heavy_particle_radiates_is_none_of_its_decay_products() -> None:
    particles = record(
        (25, -1, 125, 300, 0, 0),  # 0 to two gluons
        (21, 0, 0, 200, 0.1, 0),
        (21, 0, 0, 100, -0.2, 0),
        (6, -1, 173, 300, 0, 0),  # 3 radiates, and decays
        (21, 3, 0, 50, 0.3, 0),
        (6, 3, 173, 250, 0, 0),  # 5
        (5, 5, 4.8, 90, 0.4, 0),
    )
    assert decay_products(particles).pt.to_list() == [[200, 100, 90]]


def test_the_decay_in_a_jet_has_the_mass_of_what_decays() -> None:
    """Two massless products at rest back to back, seen from a frame in which their mother has 500 GeV."""
    mass, pt, cosine = 125.0, 500.0, 0.3
    energy = np.hypot(mass, pt)
    along = [pt / 2 * (1 + sign * cosine * energy / pt) for sign in (1, -1)]
    across = mass / 2 * np.sqrt(1 - cosine**2)
    momenta = [(np.hypot(x, across), np.arctan2(sign * across, x)) for x, sign in zip(along, (1, -1), strict=True)]
    particles = record(
        (25, -1, mass, pt, 0, 0), *((kind, 0, 0, p, 0, phi) for kind, (p, phi) in zip((5, -5), momenta, strict=True))
    )
    columns = truth_columns(ak.Array([[{"eta": 0.0, "phi": 0.0}]]), particles, 1)
    assert columns["j1_decay_mass"][0] == pytest.approx(mass)
    assert columns["j1_decay_pt"][0] == pytest.approx(pt)


def test_events_without_particles_have_one_prong() -> None:
    particles = record((1, -1, 0, 10, 0, 0))[:, :0]
    jets = ak.Array([[{"eta": 0.0, "phi": 0.0}]])
    assert truth_columns(jets, particles, 1)["j1_prongs"].tolist() == [1]


def test_constituents_fall_in_pt_and_removed_ones_do_not_count() -> None:
    one = {"eta": 0.0, "phi": 0.0, "mass": 0.0, "charge": 0, "pdgId": 22}
    columns = constituent_columns(ak.Array([[one | {"pt": pt} for pt in (3.0, 0.0, 9.0, 5.0)]]), "j1", 2)
    assert columns["j1_pf_pt"].to_list() == [[9, 5]]
    assert columns["j1_n_constituents"].to_list() == [3]


def test_pieces_join_in_order_into_large_batches(tmp_path) -> None:
    columns = schema(jets=1, shapes=(), constituents=True, truth=False, variations=False)
    found = []
    for start, size in ((0, 3), (3, 0), (3, 4), (7, 2)):
        lists = ak.unflatten(np.arange(2 * size), np.full(size, 2))
        values = {name: lists if column.listed else np.arange(start, start + size) for name, column in columns.items()}
        found.append(pieces.save(tmp_path / f"{len(found)}.parquet", values, columns))
    batches = list(pieces.join(found, columns, 5))
    assert [batch["event"].to_pylist() for batch in batches] == [[0, 1, 2, 3, 4, 5, 6], [7, 8]]
    (nothing,) = pieces.join([], columns, 5)
    assert nothing.schema == batches[0].schema == events.table(empty(columns), "").schema


def test_column_without_values_is_a_fault() -> None:
    with pytest.raises(KeyError):
        conform({}, schema(jets=1, shapes=("tau1",), constituents=False, truth=False, variations=False))


def test_cutflows_add_only_if_their_cuts_agree() -> None:
    flow = [Cut(cut="stored", events=3, sum_weights=1.5), Cut(cut="pt", events=1, sum_weights=0.5)]
    assert cutflow.total([flow, flow])[1] == Cut(cut="pt", events=2, sum_weights=1.0)
    assert flow[1].events == 1
    with pytest.raises(ValueError, match="cutflows differ"):
        cutflow.total([flow, [flow[0], Cut(cut="eta", events=1, sum_weights=0.5)]])
