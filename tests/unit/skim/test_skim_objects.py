"""Objects and observables of a region: which are selected, what is kept, and what a broken value costs."""

import awkward as ak
import numpy as np
import pytest

from resonaut.core.record import build
from resonaut.skim.cutflow import Cutflow
from resonaut.skim.objects import choose, columns, leading, select
from resonaut.skim.region import Objects
from resonaut.skim.settings import ObjectCuts, Region


class Arrays:
    """Collections in memory, which notes what is read of them."""

    def __init__(self, **content) -> None:
        self.content, self.read = content, []

    def objects(self, name, fields, mask):
        self.read += [f"{name}_{field}" for field in fields]
        return ak.zip({field: self.content[name][field][mask] for field in fields})

    def met(self, field, mask):
        self.read.append(f"met_{field}")
        return self.content["met"][field][mask]

    def branch(self, name, field):
        return f"{name}_{field}"


def cuts(**keys) -> ObjectCuts:
    return build(keys, ObjectCuts, "cuts")


def particles(*events, **fields) -> ak.Array:
    """Events of particles (pt, eta, phi)."""
    rows = [[dict(zip(("pt", "eta", "phi"), one, strict=True)) | {"mass": 0.0} for one in event] for event in events]
    whole = ak.Array([*rows, [{"pt": 0.0, "eta": 0.0, "phi": 0.0, "mass": 0.0}]])[:-1]
    for name, values in fields.items():
        whole = ak.with_field(whole, ak.Array(values), name)
    return whole


def run(region: dict, source: Arrays, events: int) -> tuple[Cutflow, dict]:
    flow = Cutflow(np.ones(events))
    objects = Objects(build({"jets": 0} | region, Region, "region"))
    found = columns(objects, select(objects, source, None, flow))
    chosen = flow.mask
    flow.finish()
    return flow, flow.readable(found, chosen)


def test_objects_pass_their_cuts_and_fall_in_pt() -> None:
    found = choose(
        particles(
            [(20.0, 0.1, 0), (50.0, -2.5, 0), (40.0, 2.39, 0), (30.0, 0, 0)],
            [],
            [(31.0, -2.3, 0), (90.0, 0.0, 1)],
            tight=[[True, True, True, True], [], [False, True]],
            iso=[[0.1, 0.1, 0.15, 0.1], [], [0.1, 0.2]],
        ),
        cuts(pt_min=30, eta_max=2.4, where={"tight": [1, None], "iso": [None, 0.2]}),
        ("pt", "eta", "tight", "iso"),
    )
    assert found.pt.to_list() == [[40], [], [90]]


def test_cuts_on_pt_and_eta_are_strict_and_ranges_hold_their_ends() -> None:
    records = particles([(30.0, 0, 0), (31.0, 2.4, 0), (32.0, -2.4, 0), (33.0, 1, 0)], id=[[2, 2, 2, 3]])
    assert choose(records, cuts(pt_min=30), ("pt",)).pt.to_list() == [[33, 32, 31]]
    assert choose(records, cuts(eta_max=2.4), ("pt", "eta")).pt.to_list() == [[33, 30]]
    assert choose(records, cuts(where={"id": [2, 2]}), ("pt", "id")).pt.to_list() == [[32, 31, 30]]


def test_others_remove_what_is_near_them() -> None:
    jets = particles([(90.0, 0, 3.1), (80.0, 0, 0), (70.0, 1, 1)], [(60.0, 0, 0)], [], [(50.0, 0, 0)])
    muons = particles([(9.0, 0.1, -3.1), (8.0, 1.0, 1.3)], [], [(7.0, 0, 0)], [(6.0, 0.4, 0)])
    found = choose(jets, cuts(apart={"muon": 0.4}), ("pt", "eta", "phi"), [(muons, 0.4)])
    assert found.pt.to_list() == [[80], [60], [], [50]]


def test_missing_objects_are_zero() -> None:
    found = leading("muon", particles([(50.0, 1, 2), (40.0, 1, 2)], [], [(30.0, 1, 2)]), 2, ("pt", "eta"))
    assert {name: column.tolist() for name, column in found.items()} == {
        "muon1_pt": [50, 0, 30],
        "muon2_pt": [40, 0, 0],
        "muon1_eta": [1, 0, 1],
        "muon2_eta": [1, 0, 0],
    }


DIMUON = {"objects": {"muon": {"pt_min": 20, "number": [2, None], "keep": 1}}, "observables": ["m_ll"]}


def back_to_back(*pts: tuple[float, ...]) -> ak.Array:
    events = [[(pt, 0.0, np.pi * (place % 2)) for place, pt in enumerate(event)] for event in pts]
    return particles(*events, charge=[[(-1) ** place for place in range(len(event))] for event in pts])


def test_each_number_and_each_observable_is_a_row_of_the_cutflow() -> None:
    muons = back_to_back((50.0, 40.0), (60.0,), (25.0, 21.0), (90.0, 80.0, 30.0))
    region = DIMUON | {"cuts": {"m_ll": [50, 100]}}
    flow, found = run(region, Arrays(muon=muons), 4)
    assert [(row.cut, row.events) for row in flow.rows] == [("stored", 4), ("muon", 3), ("m_ll", 1), ("readable", 1)]
    assert found["m_ll"] == pytest.approx(2 * np.sqrt(50 * 40))
    assert (found["n_muon"].tolist(), found["muon1_pt"].tolist(), found["muon1_charge"].tolist()) == ([2], [50], [1])
    assert found.keys() == Objects(build({"jets": 0} | region, Region, "r")).columns().keys()


def test_a_veto_reads_only_what_it_cuts_on() -> None:
    source = Arrays(electron=particles([(30.0, 0, 0)], [(10.0, 0, 0)], []))
    region = {"objects": {"electron": {"pt_min": 20, "number": [0, 0]}}}
    flow, found = run(region, source, 3)
    assert flow.mask.tolist() == [False, True, True]
    assert source.read == ["electron_pt"]
    assert found["n_electron"].tolist() == [0, 0]


def test_parts_are_of_the_selected_objects_and_groups_are_ordered_together() -> None:
    jets = particles([(90.0, 0, 0), (80.0, 0, 2), (70.0, 0, 1)], [(60.0, 0, 0)], b=[[0.9, 0.9, 0.1], [0.9]])
    electrons = particles([(45.0, 0, 0)], [], charge=[[1], []])
    muons = particles([(40.0, 0, np.pi)], [(60.0, 0, 0)], charge=[[-1], [1]])
    region = {
        "objects": {
            "b_jet": {"from": "small_jet", "where": {"b": [0.5, None]}, "number": [1, None], "keep": 2},
            "small_jet": {"pt_min": 65, "number": [2, None]},
            "muon": {},
            "electron": {},
        },
        "cuts": {"n_lepton": [2, 2], "charge_ll": [0, 0]},
        "observables": ["h_t", "m_ll", "s_t", "m_t"],
    }
    met = {"pt": np.array([20.0, 30.0]), "phi": np.array([0.0, 0.0])}
    flow, found = run(region, Arrays(small_jet=jets, electron=electrons, muon=muons, met=met), 2)
    assert [row.cut for row in flow.rows] == ["stored", "small_jet", "b_jet", "n_lepton", "charge_ll", "readable"]
    assert (found["b_jet1_pt"].tolist(), found["b_jet2_pt"].tolist(), found["h_t"].tolist()) == ([90], [80], [240])
    assert found["s_t"].tolist() == [240 + 85 + 20]
    assert found["m_ll"] == pytest.approx(2 * np.sqrt(45 * 40))
    assert found["m_t"] == pytest.approx(0)  # of the electron, which leads


@pytest.mark.parametrize(
    ("field", "place", "faults"),
    [
        ("pt", (0, 0), {"muon_pt": 1}),
        ("eta", (0, 1), {"muon_eta": 1}),  # m_ll reads it
        ("phi", (0, 2), {}),  # the third muon's, which nothing reads
        ("pt", (0, 2), {"muon_pt": 1}),  # it might have led
        ("eta", (1, 0), {}),  # one muon only: the event is rejected
        ("pt", (1, 0), {}),
        ("pt", (2, 0), {"muon_pt": 1}),
    ],
)
def test_a_broken_value_costs_its_event_where_it_is_used(field, place, faults) -> None:
    muons = back_to_back((50.0, 40.0, 30.0), (60.0,), (25.0, 21.0))
    values = ak.to_list(muons[field])
    values[place[0]][place[1]] = np.nan
    flow, found = run(DIMUON, Arrays(muon=ak.with_field(muons, values, field)), 3)
    assert flow.faults == faults
    assert len(found["m_ll"]) == 2 - bool(faults)


def test_a_broken_object_is_neither_missed_nor_one_too_many() -> None:
    electrons = particles([(np.nan, 0, 0)], [(30.0, 0, 0), (np.nan, 0, 0)], [(10.0, 0, 0)])
    flow, _ = run({"objects": {"electron": {"pt_min": 20, "number": [0, 0]}}}, Arrays(electron=electrons), 3)
    assert flow.mask.tolist() == [False, False, True]
    assert flow.faults == {"electron_pt": 1}  # the second is rejected anyway


def test_what_is_near_an_object_in_a_broken_place_is_in_doubt() -> None:
    jets = particles([(50.0, 0, 0)], [(50.0, 0, 0)], [(50.0, 0, 0)])
    muons = particles([(9.0, 0, np.nan)], [(9.0, 3.0, 0)], [(9.0, 0.1, 0)])
    region = {"objects": {"small_jet": {"apart": {"muon": 0.4}, "number": [0, 0]}, "muon": {}}}
    flow, _ = run(region, Arrays(small_jet=jets, muon=muons), 3)
    assert flow.mask.tolist() == [False, False, True]
    assert flow.faults == {"muon_phi": 1}


def test_a_part_of_what_may_not_be_there_may_not_be_there_either() -> None:
    jets = particles([(50.0, 0, 0)], [(50.0, 0, 0)], b=[[0.9], [0.9]])
    muons = particles([(9.0, 0, np.nan)], [(9.0, 3.0, 0)])
    parts = {"b_jet": {"from": "small_jet", "where": {"b": [0.5, None]}, "number": [0, 0]}}
    region = {"objects": {"small_jet": {"apart": {"muon": 0.4}}, "muon": {}} | parts}
    flow, _ = run(region, Arrays(small_jet=jets, muon=muons), 2)
    assert [(row.cut, row.events) for row in flow.rows] == [("stored", 2), ("b_jet", 1), ("readable", 0)]


def test_pairs_are_only_made_where_there_are_two() -> None:
    muons, none = back_to_back((50.0, 40.0), (60.0,), ()), particles([], [], [], charge=[[], [], []])
    region = {"objects": {"muon": {}, "electron": {}}, "cuts": {"m_ll": [1, None], "n_lepton": [2, None]}}
    flow, _ = run(region, Arrays(muon=muons, electron=none), 3)
    assert [row.cut for row in flow.rows] == ["stored", "n_lepton", "m_ll", "readable"]
    assert flow.mask.tolist() == [True, False, False]


def test_objects_have_the_same_fields_whatever_is_broken() -> None:
    muons = back_to_back((50.0, 40.0, 30.0), (60.0, 50.0))
    objects = Objects(build({"jets": 0} | DIMUON, Region, "region"))
    odd = ak.with_field(muons, [[50.0, np.nan, 30.0], [60.0, 50.0]], "pt")
    found = [select(objects, Arrays(muon=one), None, Cutflow(np.ones(2))) for one in (muons, odd)]
    assert found[0]["muon"].fields == found[1]["muon"].fields


def test_broken_missing_momentum_is_named() -> None:
    met = {"pt": np.array([20.0, np.inf]), "phi": np.array([np.nan, 0.0])}
    flow, found = run({"observables": ["met_pt"], "cuts": {"met_pt": [10, None]}}, Arrays(met=met), 2)
    assert flow.faults == {"met_pt": 1}
    assert found["met_pt"].tolist() == [20]


def test_large_jets_are_objects_that_others_are_apart_from() -> None:
    jets = ak.with_field(particles([(500.0, 0, 0)], [(500.0, 0, 1)]), [[80.0], [90.0]], "softdrop_mass")
    small = particles([(50.0, 0, 0.5), (40.0, 0, 3.0)], [(50.0, 0, 0.5)])
    keys = {"jets": 1, "objects": {"small_jet": {"apart": {"large_jet": 0.8}}}, "observables": ["m_jet"]}
    flow = Cutflow(np.ones(3))
    flow.cut("pt", np.array([True, False, True]))
    objects = Objects(build(keys, Region, "r"))
    found = columns(objects, select(objects, Arrays(small_jet=small[[0, 0, 1]]), jets, flow))
    assert found["n_small_jet"].tolist() == [1, 0]
    assert found["m_jet"].tolist() == [80, 90]
