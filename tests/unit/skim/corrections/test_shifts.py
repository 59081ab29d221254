"""Shifts that are numbers through the stage: objects, what passes with them, and missing momentum."""

from collections.abc import Callable
from typing import Any

import awkward as ak
import numpy as np
import pyarrow.parquet as pq
import pytest

from resonaut.core import events
from resonaut.core.errors import ConfigError, InputFileError
from resonaut.core.weights import Factor
from resonaut.skim import era as eras
from resonaut.skim.chunk import skim_chunk

COUNT = 200
# The muon, the tau and the jet of each event: their transverse momenta in GeV and azimuths.
MUON, TAU, JET = (40.0, 0.0), (25.5, 2.0), (60.0, 4.0)
REGION = {
    "jets": 0,
    "objects": {
        "muon": {"pt_min": 20, "number": [1, 1], "keep": 1},
        "tau": {"pt_min": 25, "number": [1, None], "keep": 1},
        "small_jet": {"pt_min": 30, "apart": {"muon": 0.4, "tau": 0.4}, "number": [1, None], "keep": 1},
    },
    "observables": ["met_pt", "m_vis"],
}


def lists(*objects: tuple[float, float], **more: float) -> ak.Array:
    """The same objects in each event."""
    columns = {"pt": [pt for pt, _ in objects], "eta": [0.1] * len(objects), "phi": [phi for _, phi in objects]}
    columns |= {"mass": [0.1] * len(objects)} | {name: [value] * len(objects) for name, value in more.items()}
    values = {name: np.tile(np.array(of, np.float32), (COUNT, 1)) for name, of in columns.items()}
    return ak.zip({name: ak.from_regular(ak.Array(of)) for name, of in values.items()})


@pytest.fixture
def file(make_events, write, tmp_path) -> Callable[..., str]:
    def make(**more: Any) -> str:
        content = make_events(COUNT)
        content |= {"Muon": lists(MUON, charge=1.0), "Tau": lists(TAU, charge=-1.0, genPartFlav=5.0)}
        # The muon and the tau are jets as well.
        content |= {"Jet": lists(JET, MUON, TAU, genJetIdx=0), "GenJet": lists((50.0, 4.0))}
        content |= {"MET_pt": np.full(COUNT, 30, np.float32), "MET_phi": np.full(COUNT, 1.0, np.float32)}
        content |= {"GenMET_pt": np.full(COUNT, 20, np.float32), "GenMET_phi": np.full(COUNT, 1.0, np.float32)}
        return str(write(tmp_path / "a.root", content | more))

    return make


@pytest.fixture
def skim(settings, dataset, tmp_path) -> Callable[..., tuple[ak.Array, dict[str, dict[str, str]]]]:
    def run(file: str, **made: Any) -> tuple[ak.Array, dict[str, dict[str, str]]]:
        keys = {"eras": {"e": {"corrections": {"simulation": made}}}, "truth": False, "read_constituents": False}
        config, output = settings(regions={"dijet": REGION}, **keys), tmp_path / "000.parquet"
        one = dataset(files=[file], era="e")
        skim_chunk(config, one, "x", 1, [file], output, output.with_suffix(".json"))
        names = pq.ParquetFile(output).schema_arrow.names
        return ak.concatenate(list(events.iterate([output], names))), events.metadata(output)

    return run


def plane(pt: float, phi: float) -> np.ndarray:
    return np.array([pt * np.cos(phi), pt * np.sin(phi)])


def test_a_tau_is_shifted_with_all_that_is_made_of_it(file, skim) -> None:
    shift = {"object": "tau", "scale": 0.03, "where": {"genPartFlav": [5, 5]}}
    rows, notes = skim(file(), object_shifts={"tau_scale": shift})
    assert rows.tau1_pt__tau_scale_up.tolist() == pytest.approx([25.5 * 1.03] * COUNT)
    # 3 % less is below the cut.
    assert not ak.any(rows.passes__tau_scale_down)
    assert rows.m_vis__tau_scale_up.tolist() == pytest.approx((rows.m_vis * np.sqrt(1.03)).tolist(), rel=1e-4)
    met = np.hypot(*(plane(30, 1) - 0.03 * plane(*TAU)))
    assert rows.met_pt__tau_scale_up.tolist() == pytest.approx([met] * COUNT, rel=1e-5)
    assert notes["met_pt__tau_scale_up"]["group"] == "tau"
    # Nothing else moves.
    assert {name for name in rows.fields if name.endswith("scale_up")} == {
        f"{name}__tau_scale_up" for name in ("tau1_pt", "tau1_mass", "m_vis", "met_pt")
    }


def test_other_taus_stay(file, skim) -> None:
    shift = {"object": "tau", "scale": 0.03, "where": {"genPartFlav": [0, 0]}}
    rows, _ = skim(file(), object_shifts={"fake_scale": shift})
    assert not [name for name in rows.fields if "fake_scale" in name]


def test_jets_are_shifted_that_are_no_muons_and_no_taus(file, skim) -> None:
    shifts = {
        "jet_scale": {"object": "small_jet", "scale": 0.1},
        "jet_resolution": {"object": "small_jet", "resolution": 0.2},
    }
    rows, _ = skim(file(), object_shifts=shifts)
    # 10 GeV above the generated jet.
    for name, change in (("jet_scale", 6.0), ("jet_resolution", 2.0)):
        for way, sign in (("up", 1), ("down", -1)):
            assert rows[f"small_jet1_pt__{name}_{way}"].tolist() == pytest.approx([60 + sign * change] * COUNT)
            met = np.hypot(*(plane(30, 1) - sign * change * plane(1, 4)))
            assert rows[f"met_pt__{name}_{way}"].tolist() == pytest.approx([met] * COUNT, rel=1e-5)


def test_missing_momentum_has_its_own(file, skim) -> None:
    shifts = {
        "met_unclustered": {"object": "missing_momentum", "scale": 0.1},
        "met_resolution": {"object": "missing_momentum", "resolution": 0.1},
    }
    rows, _ = skim(file(), object_shifts=shifts)
    beside = plane(30, 1) + sum(plane(*one) for one in (MUON, TAU, JET))
    met = np.hypot(*(plane(30, 1) + 0.1 * beside))
    assert rows.met_pt__met_unclustered_up.tolist() == pytest.approx([met] * COUNT, rel=1e-5)
    assert rows.met_pt__met_resolution_down.tolist() == pytest.approx([29] * COUNT, rel=1e-5)


def test_weights_of_objects_are_columns(file, skim) -> None:
    rows, notes = skim(file(), object_weights={"tau_id": {"object": "tau", "uncertainty": 0.05}})
    assert rows.weight_tau_id_up.tolist() == pytest.approx([1.05] * COUNT)
    assert rows.weight_tau_id_down.tolist() == pytest.approx([0.95] * COUNT)
    assert Factor.read(notes["weight_tau_id_up"]) == Factor("tau_id", "tau_id", "up")
    assert "weight_tau_id" not in rows.fields


def test_branches_that_a_file_lacks_are_named(file, skim) -> None:
    shift = {"object": "tau", "scale": 0.03, "where": {"decayMode": [0, 0]}}
    with pytest.raises(InputFileError, match=r"no branch 'Tau_decayMode'; take what is corrected with it out of"):
        skim(file(), object_shifts={"tau_scale": shift})
    weight = {"object": "tau", "uncertainty": 0.05, "where": {"decayMode": [0, 0]}}
    with pytest.raises(InputFileError, match=r"no branch 'Tau_decayMode'; correct skim\.eras\.e\."):
        skim(file(), object_weights={"tau_id": weight})


def test_a_shift_and_a_weight_of_one_name_are_refused(settings, dataset) -> None:
    made = {"object_shifts": {"tau": {"object": "tau", "scale": 0.03}}}
    made["object_weights"] = {"tau": {"object": "tau", "uncertainty": 0.05}}
    config = settings(eras={"e": {"corrections": {"simulation": made}}})
    with pytest.raises(ConfigError, match="two sources 'tau'"):
        eras.require(eras.Era.of(config, dataset(era="e"), "x"), "config: skim.eras.e", "x", "nanoaod", True)
