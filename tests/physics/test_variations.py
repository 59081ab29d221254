"""Known answers from the file to the nuisances: jets 1 % harder or softer move a signal's peak by as much."""

import json
from dataclasses import replace
from pathlib import Path

import awkward as ak
import correctionlib.schemav2 as schema
import numpy as np
import pytest
import uproot

from resonaut.core import events
from resonaut.core.collisions import Collisions
from resonaut.core.datasets import DatasetConfig
from resonaut.core.events import Dataset
from resonaut.core.record import build
from resonaut.fit.bare import settings_of
from resonaut.fit.selection import search_of
from resonaut.select.settings import Settings
from resonaut.select.train import selection
from resonaut.skim.chunk import skim_chunk
from resonaut.skim.merge import merge
from resonaut.skim.settings import Skim

COUNT, LOWEST = 4000, 1650.0


def tables(path: Path) -> str:
    """Momenta as they are, and 1 % uncertain."""

    def constant(name: str, value: float) -> schema.Correction:
        inputs = [schema.Variable(name=one, type="real") for one in ("JetEta", "JetPt")]
        return schema.Correction(
            name=name, version=1, inputs=inputs, output=schema.Variable(name="out", type="real"), data=value
        )

    scale = schema.CompoundCorrection(
        name="V1_MC_L1L2L3Res_AK8",
        inputs=[schema.Variable(name=one, type="real") for one in ("JetEta", "JetPt")],
        output=schema.Variable(name="out", type="real"),
        inputs_update=["JetPt"],
        input_op="*",
        output_op="*",
        stack=["V1_MC_L2_AK8"],
    )
    both = [constant("V1_MC_L2_AK8", 1.0), constant("V1_MC_Total_AK8", 0.01)]
    document = schema.CorrectionSet(schema_version=2, corrections=both, compound_corrections=[scale])
    path.write_text(document.model_dump_json(exclude_unset=True))
    return str(path)


def dijets(path: Path) -> np.ndarray:
    """Two jets of equal momentum back to back; returns the momentum of each event, in GeV."""
    rng = np.random.default_rng(1)
    momentum = rng.normal(1750, 50, COUNT).astype(np.float32)

    def both(first, second=None) -> ak.Array:
        pairs = np.stack([first, first if second is None else second], axis=1).astype(np.float32)
        return ak.values_astype(ak.Array(pairs.tolist()), np.float32)

    zeros, ones = np.zeros(COUNT), np.ones(COUNT)
    jets = {"pt": both(momentum), "eta": both(zeros), "phi": both(zeros, np.full(COUNT, np.pi)), "mass": both(zeros)}
    jets |= {"msoftdrop": both(100 * ones, 80 * ones), "rawFactor": both(zeros), "area": both(2 * ones)}
    jets |= {f"tau{n}": both(0.3 * ones) for n in (1, 2, 3, 4)}
    content = {"FatJet": ak.zip(jets), "fixedGridRhoFastjetAll": zeros.astype(np.float32)}
    content |= {"genWeight": np.ones(COUNT, np.float32), "event": np.arange(COUNT, dtype=np.uint64)}
    content |= {name: np.ones(COUNT, np.uint32) for name in ("run", "luminosityBlock")}
    with uproot.recreate(path) as file:
        types = {k: v.dtype if isinstance(v, np.ndarray) else ak.type(v).content for k, v in content.items()}
        file.mktree("Events", types).extend(content)
    return momentum.astype(np.float64)


def skimmed(folder: Path, file: Path, era: dict) -> Dataset:
    region = {"pt_min": LOWEST, "m_jj_min": None, "jet_id": None}
    keys = {"truth": False, "read_constituents": False, "regions": {"dijet": region}, "eras": {"e": era}}
    config = build(keys, Skim, "skim", merge=True)
    nothing = dict.fromkeys(("generator", "labelled", "certified", "expected", "luminosity"))
    known = {"nature": "simulation", "format": "nanoaod", "region": "dijet", "files": [str(file)], "files_per_chunk": 1}
    known |= {"cross_section": 1.0, "mass": 3500.0, "era": "e"}
    dataset = build(nothing | known, DatasetConfig, "dataset")
    chunk = folder / "skim" / "signal" / "000.parquet"
    skim_chunk(config, dataset, "signal", 1, [str(file)], chunk, chunk.with_suffix(".json"))
    merge(config, dataset, "signal", [chunk.with_suffix(".json")], folder / "skim" / "signal.json")
    return Dataset.open(folder / "skim" / "signal.json")


@pytest.fixture
def data(tmp_path, write_skimmed) -> Collisions:
    """A falling spectrum."""
    number = np.arange(20_000)
    columns = dict.fromkeys(events.KEY, number) | {"gen_weight": np.ones(len(number))}
    columns["m_jj"] = (2000 + np.random.default_rng(2).exponential(600, len(number))).astype(np.float32)
    known = {"nature": "data", "era": "e", "luminosity": 10.0, "cross_section": None}
    return Collisions.open([write_skimmed(tmp_path, "data", [[ak.Array(columns)]], {"m_jj": "GeV"}, **known)])


def test_a_scale_of_all_jets_is_that_of_the_peak(tmp_path, data) -> None:
    momentum = dijets(tmp_path / "signal.root")
    jets = {
        "file": tables(tmp_path / "jec.json"),
        "algorithm": "AK8",
        "scale": "V1_MC",
        "uncertainties": {"total": "Total"},
    }
    signal = skimmed(tmp_path, tmp_path / "signal.root", {"corrections": {"simulation": {"large_jet": jets}}})
    windows = {"w": {"signal_region": [3250, 3750], "sidebands": [[3000, 3250], [3750, 4250]]}}
    settings = build({"windows": windows}, Settings, "select", merge=True)
    found = selection(settings, "inclusive", "w", data, [], [signal], {})
    (one,) = found.signals
    passing = {scale: momentum[momentum * scale > LOWEST] * scale for scale in (0.99, 1.0, 1.01)}
    assert one.efficiency == pytest.approx(len(passing[1.0]) / COUNT)
    ((name, (up, down)),) = one.uncertainties.items()
    assert name == "jes_total"
    assert up == pytest.approx(len(passing[1.01]) / len(passing[1.0]) - 1, abs=1e-9)
    assert down == pytest.approx(len(passing[0.99]) / len(passing[1.0]) - 1, abs=1e-9)
    median = {scale: np.median(2 * values) for scale, values in passing.items()}
    position = one.moved[name].position
    assert position == pytest.approx([median[s] / median[1.0] - 1 for s in (1.01, 0.99)], abs=2e-4)
    assert position == pytest.approx([0.01, -0.01], abs=2e-3)
    fit = settings_of([], 13000.0, [3500.0])
    search = search_of(replace(fit, signals=["signal"]), found, 10.0, tmp_path / "w.json")
    source = search.sources(3500.0)[name]
    assert abs(source.position) == max(map(abs, position))
    assert source.rate == (up, down)


def test_a_shift_of_nothing_leaves_every_number(tmp_path) -> None:
    dijets(tmp_path / "signal.root")
    plain = skimmed(tmp_path / "plain", tmp_path / "signal.root", {})
    path = Path(tables(tmp_path / "jec.json"))
    path.write_text(json.dumps(json.loads(path.read_text().replace("0.01", "0.0"))))
    jets = {"file": str(path), "algorithm": "AK8", "scale": "V1_MC", "uncertainties": {"total": "Total"}}
    era = {"corrections": {"simulation": {"large_jet": jets}}}
    shifted = skimmed(tmp_path / "shifted", tmp_path / "signal.root", era)
    names = events.columns(plain.path("skim", "000"))
    assert events.columns(shifted.path("skim", "000")) == [*names, "passes"]
    columns = [name for name in names if name not in events.KEY]
    up = ak.concatenate(list(shifted.iterate(columns, (), "jes_total_up")))
    assert up.to_list() == shifted.read(columns).to_list() == plain.read(columns).to_list()
    assert shifted.manifest.weight_scale == plain.manifest.weight_scale
