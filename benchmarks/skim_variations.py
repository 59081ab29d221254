"""What do shifted jets cost in ``skim``? One JSON line: ``python benchmarks/skim_variations.py``.

Scale, resolution and their uncertainties of large-radius jets and of their soft-drop masses are eight variations.
``ratio`` is the CPU time with them over that without any correction, beyond the start of Python with the imports, and
``size`` that of the files; both with the jets' candidates and ``without_candidates``. The tables are formulas of the
pT, as quick as any, and small: reading an experiment's tables comes on top once for each job.
"""
# ruff: noqa: E402 (the libraries read their number of threads when they are imported)

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import awkward as ak
import correctionlib.schemav2 as schema
import numpy as np
from scipy import special as special  # imported before the clock starts
from skim import BASKET, EVENTS, KEYS, made, write

from resonaut.core.datasets import DatasetConfig
from resonaut.core.record import build
from resonaut.skim.chunk import skim_chunk
from resonaut.skim.formats.nanoaod import reader as reader  # imported before the clock starts
from resonaut.skim.settings import Skim

JETS = {"algorithm": "AK8", "scale": "V1", "uncertainties": {"total": "Total"}, "resolution": "JR", "check_era": False}
MASS = {"scale": [0.982, 0.986, 0.978], "resolution": [1.09, 1.14, 1.04]}


def content(events: int, seed: int) -> dict[str, Any]:
    """Events with what corrections ask for: the raw jets, the generated ones and the pile-up."""
    found, rng = made(events, seed), np.random.default_rng(seed)
    jets = found["FatJet"]
    counts = ak.num(jets)

    def lists(values: np.ndarray, dtype: type) -> ak.Array:
        return ak.unflatten(values.astype(dtype), counts)

    size = int(ak.sum(counts))
    moved = ak.to_numpy(ak.flatten(jets.pt)) * rng.normal(1, 0.05, size)
    found["GenJetAK8"] = ak.zip({"pt": lists(moved, np.float32), "eta": jets.eta, "phi": jets.phi})
    place = ak.values_astype(ak.local_index(jets.pt), np.int32)
    extra = {"rawFactor": lists(np.full(size, 0.05), np.float32), "area": lists(np.full(size, 2), np.float32)}
    of = {name: jets[name] for name in jets.fields}
    found["FatJet"] = ak.zip(of | extra | {"genJetAK8Idx": place})
    found["fixedGridRhoFastjetAll"] = np.full(events, 20, np.float32)
    return found


def tables(path: Path) -> Path:
    """A file of the scale, its uncertainty, the resolution and its scale factors."""

    def table(name: str, formula: str | dict[str, str]) -> schema.Correction:
        inputs = [schema.Variable(name=one, type="real") for one in ("JetEta", "JetPt")]
        output = schema.Variable(name="out", type="real")

        def of(text: str) -> schema.Formula:
            return schema.Formula(nodetype="formula", expression=text, parser="TFormula", variables=["JetPt", "JetEta"])

        if isinstance(formula, str):
            return schema.Correction(name=name, version=1, inputs=inputs, output=output, data=of(formula))
        words = [schema.CategoryItem(key=word, value=of(text)) for word, text in formula.items()]
        data = schema.Category(nodetype="category", input="systematic", content=words)
        inputs = [schema.Variable(name="systematic", type="string"), *inputs]
        return schema.Correction(name=name, version=1, inputs=inputs, output=output, data=data)

    found = [
        table("V1_L1L2L3Res_AK8", "1.05+1/x"),
        table("V1_Total_AK8", "0.01+1/x"),
        table("JR_PtResolution_AK8", "0.04+10/x"),
        table("JR_ScaleFactor_AK8", {"nom": "1.1+0*x", "up": "1.2+0*x", "down": "1.0+0*x"}),
    ]
    path.write_text(schema.CorrectionSet(schema_version=2, corrections=found).model_dump_json(exclude_unset=True))
    return path


def one(file: Path, shifted: bool, candidates: bool) -> None:
    """Skim the file, and print what it took."""
    era = {"large_jet": JETS | {"file": str(file.with_name("tables.json"))}, "mass": MASS}
    keys = KEYS | {"read_constituents": candidates}
    keys |= {"eras": {"era": {"corrections": {"simulation": era}}}} if shifted else {}
    fields = {"nature": "simulation", "era": "era" if shifted else None, "files": [str(file)], "cross_section": 1.0}
    dataset, output = build(fields, DatasetConfig, "dataset"), file.with_name("out.parquet")
    config = build(keys, Skim, "skim", merge=True)
    begin = time.process_time()
    skim_chunk(config, dataset, "x", 1, [str(file)], output, output.with_suffix(".json"))
    print(json.dumps({"seconds": time.process_time() - begin, "bytes": output.stat().st_size}))


def measured(file: Path, *options: str) -> dict[str, float]:
    """The better of two runs, each in a process of its own."""
    command = [sys.executable, __file__, "--file", str(file), *options]
    found = [json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout) for _ in range(2)]
    return dict(min(found, key=lambda one: one["seconds"]))


def compare(folder: Path, events: int) -> dict[str, object]:
    """With and without variations, with and without candidates."""
    tables(folder / "tables.json")
    file = write(folder / "events.root", events, BASKET, content)
    found = {}
    for name, options in {"with_candidates": ("--candidates",), "without_candidates": ()}.items():
        plain, shifted = measured(file, *options), measured(file, "--shifted", *options)
        found[name] = {
            "ratio": round(shifted["seconds"] / plain["seconds"], 3),
            "size": round(shifted["bytes"] / plain["bytes"], 3),
            "us_per_event": [round(1e6 * run["seconds"] / events, 1) for run in (plain, shifted)],
        }
    return {"benchmark": "skim_variations", "target_ratio": 2, "events": events, **found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--shifted", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--candidates", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.file:
        one(args.file, args.shifted, args.candidates)
        return
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(compare(Path(folder), args.events)))


if __name__ == "__main__":
    main()
