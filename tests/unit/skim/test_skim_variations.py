"""The selection with shifted jets: which events are kept, and which columns of each variation."""

from dataclasses import dataclass
from pathlib import Path

import awkward as ak
import numpy as np
import pytest

from resonaut.core import events
from resonaut.core.events import Dataset
from resonaut.core.manifest import Cut
from resonaut.skim import pieces, variations
from resonaut.skim.columns import Column, notes, units
from resonaut.skim.cutflow import Cutflow
from resonaut.skim.selection import jet_columns, select
from resonaut.skim.settings import Region

FIELDS = ("pt", "eta", "phi", "mass", "softdrop_mass")
COLUMNS = {name: Column("int64") for name in events.KEY} | {"gen_weight": Column("float64")}
COLUMNS |= {name: Column("float32") for name in ("m_jj", "delta_eta_jj")}
COLUMNS |= {f"j{n}_{name}": Column("float32") for n in (1, 2) for name in FIELDS}
COLUMNS |= {f"j{n}_pf_pt": Column("float32", listed=True) for n in (1, 2)}


def jets(pt: list[list[float]], softdrop: list[list[float]]) -> ak.Array:
    """Events of jets back to back in turn, of mass 0 but for soft drop's."""
    pt, softdrop = ak.Array(pt), ak.Array(softdrop)
    place = ak.local_index(pt)
    fields = {"pt": pt, "eta": 0.0 * pt, "phi": np.pi * (place % 2), "mass": 0.0 * pt, "softdrop_mass": softdrop}
    return ak.with_field(ak.zip(fields), place, "index")


def scaled(of: ak.Array, factor: float, *names: str) -> dict[str, ak.Array]:
    for name in names:
        of = ak.with_field(of, of[name] * factor, name)
    return {"jet": of}


@dataclass
class Skimmed:
    flow: Cutflow
    path: Path
    dataset: Dataset


def candidates(kept: variations.Objects, numbers: np.ndarray) -> dict[str, ak.Array]:
    """The jet in place i of event n has i + 1 candidates of 10 n + i GeV."""
    places = kept["jet"].index.to_list()
    found = {}
    for jet in (0, 1):
        momenta = [[10.0 * n + of[jet]] * (of[jet] + 1) for n, of in zip(numbers, places, strict=True)]
        found[f"j{jet + 1}_pf_pt"] = ak.Array([*momenta, [0.0]])[: len(momenta)]
    return found


def kept(batch: ak.Array, shifts: dict, first: int, region: Region, columns: dict[str, Column]) -> tuple[Cutflow, dict]:
    """What is kept of a batch, whose first event has the number ``first``."""
    flow, numbers = Cutflow(np.ones(len(batch))), np.arange(first, first + len(batch))

    def chosen(rows: variations.Rows, flow: Cutflow) -> variations.Objects:
        objects = rows.of({"": batch} | {variation: one["jet"] for variation, one in shifts.items()})
        return {"jet": select(objects, region, flow, {"softdrop_mass": "FatJet_msoftdrop"})}

    def kinematics(places: np.ndarray, kept: variations.Objects) -> dict:
        return jet_columns(kept["jet"], 2, ())

    def contents(places: np.ndarray, kept: variations.Objects) -> dict:
        return candidates(kept, numbers[places])

    nominal, varied = variations.select_all(chosen, list(shifts), flow)
    whole = variations.union(nominal, varied)
    event = numbers[whole.mask]
    values = {"run": np.ones_like(event), "luminosityBlock": np.ones_like(event), "event": event}
    values["gen_weight"] = np.ones(len(event))
    values |= variations.with_shifted(kinematics, columns, whole, varied)
    values |= variations.with_shifted(contents, columns, whole, variations.exchanged(whole, varied))
    values |= variations.flags(nominal, whole, varied)
    flow.finish()
    return flow, flow.readable(values, whole.mask)


@pytest.fixture
def skim(tmp_path, write_skimmed):
    """A function: select batches of jets and their shifts, and write them as ``skim chunk`` does."""

    def run(batches: list[ak.Array], shifts: list[dict], region: Region) -> Skimmed:
        columns = variations.declare(COLUMNS, dict.fromkeys(shifts[0], "jets"))
        found, first, passing = [], 1, 0
        for number, (batch, shifted) in enumerate(zip(batches, shifts, strict=True)):
            flow, values = kept(batch, shifted, first, region, columns)
            found.append(pieces.save(tmp_path / f"{number}.parquet", values, columns))
            first, passing = first + len(batch), passing + flow.rows[-1].events
        known = {"variations": variations.declared(columns), "events": passing}
        chunk = list(pieces.join(found, columns, 1))
        path = write_skimmed(tmp_path, "d", [chunk], units(columns), notes(columns), **known)
        return Skimmed(flow, path.with_suffix("") / "000.parquet", Dataset.open(path))

    return run


def region(**keys) -> Region:
    return Region(**({"jets": 2, "pt_min": 300.0, "m_jj_min": None, "delta_eta_max": None, "jet_id": None} | keys))


def up(skimmed: Skimmed, *columns: str) -> ak.Array:
    return ak.concatenate(list(skimmed.dataset.iterate(columns, (), "jes_up")))


def test_a_scale_moves_masses_and_lets_events_in_and_out(skim) -> None:
    # m_jj is 2 pt: with the cut at 1000 the third event passes only 1 % up, the fourth one only as it is.
    first = jets([[600, 600], [505, 505], [496, 496], [297.5, 2000]], [[80, 60]] * 4)
    up_and_down = {"jes_up": scaled(first, 1.01, "pt"), "jes_down": scaled(first, 0.99, "pt")}
    found = skim([first], [up_and_down], region(m_jj_min=1000.0))
    nominal = found.dataset.read(["m_jj"])
    assert nominal.event.to_list() == [1, 2]
    np.testing.assert_allclose(nominal.m_jj, [1200, 1010], rtol=1e-5)
    varied = up(found, "m_jj", "j1_pt", "j1_softdrop_mass")
    assert varied.event.to_list() == [1, 2, 3, 4]
    np.testing.assert_allclose(varied.m_jj[:3], [1212, 1020.1, 1001.92], rtol=1e-5)
    np.testing.assert_allclose(varied.j1_pt[:3], [606, 510.05, 500.96], rtol=1e-5)
    down = ak.concatenate(list(found.dataset.iterate(["m_jj"], (), "jes_down")))
    assert down.event.to_list() == [1]
    assert found.flow.rows[0] == Cut(cut="stored", events=4, sum_weights=4.0)
    assert found.flow.rows[-1] == Cut(cut="readable", events=2, sum_weights=2.0)
    assert found.dataset.manifest.variations == {"jes_up": "jets", "jes_down": "jets"}
    # The soft-drop mass is not shifted, and nothing is stored of it.
    stored = events.columns(found.path)
    assert "m_jj__jes_up" in stored
    assert not [name for name in stored if name.startswith("j1_softdrop_mass__")]


def test_of_an_event_that_fails_the_first_variation_s_values_stand(skim) -> None:
    first = jets([[496, 496], [600, 600]], [[80, 60]] * 2)
    shifts = {"jes_up": scaled(first, 1.01, "pt"), "jer_up": scaled(first, 1.02, "pt")}
    found = skim([first], [shifts], region(m_jj_min=1000.0))
    (every,) = found.dataset.iterate(["m_jj", "passes"], every=True)
    assert every.passes.to_list() == [False, True]
    np.testing.assert_allclose(every.m_jj, [2 * 496 * 1.01, 1200], rtol=1e-5)
    (stored,) = events.iterate([found.path], ["m_jj__jes_up", "m_jj__jer_up"])
    assert stored["m_jj__jes_up"].to_list()[0] is None
    np.testing.assert_allclose(stored["m_jj__jer_up"][0], 2 * 496 * 1.02, rtol=1e-5)


def test_a_shift_of_nothing_leaves_nothing_but_the_flag(skim) -> None:
    first = jets([[600, 500], [400, 350]], [[80, 60]] * 2)
    plain = skim([first], [{}], region()).path.read_bytes()
    names = events.columns(skim([first], [{}], region()).path)
    found = skim([first], [{"jes_up": {"jet": first}}], region())
    assert events.columns(found.path) == [*names, "passes"]
    assert found.dataset.read(names[3:]).to_list() == up(found, *names[3:]).to_list()
    assert skim([first], [{}], region()).path.read_bytes() == plain


def test_all_columns_follow_a_jet_that_changes_its_place(skim) -> None:
    """By soft-drop mass the jets swap in the first event; in the second one the third jet becomes the second one."""
    first = jets([[600, 500], [600, 400, 399], [600, 500]], [[80, 79], [90, 60, 50], [90, 50]])
    masses = ak.with_field(first, ak.Array([[80, 81], [90, 60, 50], [90, 50]]), "softdrop_mass")
    momenta = ak.with_field(masses, ak.Array([[600, 500], [600, 398, 399], [600, 500]]), "pt")
    found = skim([first], [{"jes_up": {"jet": momenta}}], region())
    columns = ["j1_pt", "j2_pt", "j1_softdrop_mass", "j2_softdrop_mass", "j1_phi", "j1_pf_pt", "j2_pf_pt"]
    nominal, varied = found.dataset.read(columns), up(found, *columns)
    assert nominal.j1_pf_pt.to_list() == [[10], [20], [30]]
    assert nominal.j2_pf_pt.to_list() == [[11, 11], [21, 21], [31, 31]]
    assert varied.j1_pt.to_list() == [500, 600, 600]
    assert varied.j2_pt.to_list() == [600, 399, 500]
    assert varied.j1_softdrop_mass.to_list() == [81, 90, 90]
    assert varied.j2_softdrop_mass.to_list() == [80, 50, 50]
    assert varied.j1_phi.to_list() == pytest.approx([np.pi, 0, 0], rel=1e-5)
    assert varied.j1_pf_pt.to_list() == [[11, 11], [20], [30]]
    assert varied.j2_pf_pt.to_list() == [[10], [22, 22, 22], [31, 31]]
    (stored,) = events.iterate([found.path], ["j2_pf_pt__jes_up", "j1_pf_pt__jes_up"])
    assert stored["j2_pf_pt__jes_up"].to_list() == [[10], [22, 22, 22], None]
    assert stored["j1_pf_pt__jes_up"].to_list() == [[11, 11], None, None]


def test_a_column_that_differs_in_one_batch_only(skim) -> None:
    one, other = jets([[600, 500]], [[80, 60]]), jets([[400, 400]] * 2, [[80, 60]] * 2)
    nothing = jets([[10, 10]], [[1, 1]])
    shifts = [{"jes_up": {"jet": one}}, {"jes_up": scaled(other, 1.1, "pt")}, {"jes_up": {"jet": nothing}}]
    found = skim([one, other, nothing], shifts, region())
    np.testing.assert_allclose(up(found, "m_jj").m_jj[1:], 880, rtol=1e-5)
    assert up(found, "m_jj").m_jj[0] == found.dataset.read(["m_jj"]).m_jj[0]
    assert ak.to_list(up(found, "j1_pf_pt").j1_pf_pt) == [[10], [20], [30]]


def test_an_event_with_a_broken_value_in_a_variation_is_left_out(skim) -> None:
    first = jets([[600, 500], [400, 350], [301, 299]], [[80, 60]] * 3)
    broken = ak.with_field(first, ak.Array([[80, 60], [np.nan, 60], [80, 60]]), "softdrop_mass")
    found = skim([first], [{"jes_up": {"jet": broken}, "jer_up": scaled(broken, 1.01, "pt")}], region())
    assert found.dataset.read([]).event.to_list() == [1]
    assert found.flow.faults == {"FatJet_msoftdrop": 1}
    assert [row.events for row in found.flow.rows][-2:] == [2, 1]
    assert ak.concatenate(list(found.dataset.iterate([], (), "jer_up"))).event.to_list() == [1, 3]
