"""A small file of PFNano and a network whose outputs are sums of its inputs, so that each of them can be told."""

import json
from pathlib import Path

import awkward as ak
import numpy as np
import uproot

from resonaut.learn.onnx import Graph, sizes

# Events of two, no, and one large jet: of 3, 1 and 0 candidates, and of no, two and no vertices.
JETS = {
    "pt": [[500.0, 300.0], [], [250.0]],
    "eta": [[-1.0, 0.5], [], [0.2]],
    "phi": [[3.1, 0.0], [], [1.0]],
    "mass": [[50.0, 30.0], [], [10.0]],
}
# The third of the first event's candidates has the largest momentum, and a weight that takes it to the second place.
CANDIDATES = {
    "pt": [[100.0, 20.0, 150.0, 7.0], [], []],
    "eta": [[-1.1, -0.9, -1.04, 0.6], [], []],
    "phi": [[3.1, -3.1, 3.0, 0.1], [], []],
    "mass": [[0.1396, 0.0, 0.0, 0.000511], [], []],
    "charge": [[1, 0, 0, -1], [], []],
    "pdgId": [[211, 22, 130, 11], [], []],
    "puppiWeight": [[1.0, 1.0, 0.5, 1.0], [], []],
    "d0": [[0.01, -1.0, -1.0, -0.02], [], []],
    "d0Err": [[0.002, -1.0, -1.0, 0.01], [], []],
    "dz": [[0.03, -1.0, -1.0, 0.05], [], []],
    "dzErr": [[0.01, -1.0, -1.0, 0.0], [], []],
    "trkChi2": [[1.7, -1.0, -1.0, 2.0], [], []],
    "trkQuality": [[5, 0, 0, 1], [], []],
    "lostInnerHits": [[-1, -1, -1, 0], [], []],
    "pvAssocQuality": [[7, 7, 7, 4], [], []],
}
LINKS = {
    "jetIdx": [[0, 0, 0, 1], [], []],
    "pFCandsIdx": [[0, 1, 2, 3], [], []],
    "btagEtaRel": [[3.0, 0.0, 0.0, 2.0], [], []],
    "btagPtRatio": [[0.1, 0.0, 0.0, 0.2], [], []],
    "btagPParRatio": [[0.99, 0.0, 0.0, 0.9], [], []],
    "btagSip3dVal": [[0.03, 0.0, 0.0, -0.05], [], []],
    "btagSip3dSig": [[3.0, 0.0, 0.0, -4.0], [], []],
    "btagJetDistVal": [[-0.002, 0.0, 0.0, 0.1], [], []],
}
# The first vertex is linked with one of NanoAOD, the second is not: at eta 0.3, energy 12 GeV.
FAR = {"eta": 0.3, "phirel": 0.1, "pt": 11.0, "mass": 1.5}
ENERGY = [
    float(np.hypot(FAR["pt"] * np.cosh(FAR["eta"]), FAR["mass"]) / np.hypot(300 * np.cosh(0.5), 30.0)),
]
VERTICES = {
    "jetIdx": [[1, 1], [], []],
    "sVIdx": [[0, -1], [], []],
    "pt": [[20.0, FAR["pt"]], [], []],
    "mass": [[2.0, FAR["mass"]], [], []],
    "phirel": [[-0.1, FAR["phirel"]], [], []],
    "deltaR": [[-0.4, float(np.hypot(0.2, 0.1)) - 0.5], [], []],
    "enration": [[0.05, ENERGY[0]], [], []],
    "ntracks": [[3.0, 2.0], [], []],
    "normchi2": [[0.8, 1.2], [], []],
    "dxy": [[0.5, 0.2], [], []],
    "dxysig": [[5.0, 20.0], [], []],
    "d3d": [[0.7, 0.3], [], []],
    "d3dsig": [[6.0, 21.0], [], []],
    "costhetasvpv": [[0.999, -0.9], [], []],
}
SV = {"eta": [[0.55], [], []], "phi": [[-0.1], [], []]}
# The first jet has none, the second two: the harder one, along its axis, comes second; the third has one.
JETS |= {"subJetIdx1": [[-1, 0], [], [0]], "subJetIdx2": [[-1, 1], [], [-1]]}
SUBJETS = {
    "pt": [[100.0, 180.0], [], [90.0]],
    "eta": [[0.6, 0.5], [], [0.2]],
    "phi": [[0.4, 0.0], [], [1.0]],
}
COLLECTIONS = {
    "SubJet": SUBJETS,
    "FatJet": JETS,
    "PFCands": CANDIDATES,
    "FatJetPFCands": LINKS,
    "FatJetSVs": VERTICES,
    "SV": SV,
}
WHOLE = ("charge", "pdgId", "trkQuality", "lostInnerHits", "pvAssocQuality", "jetIdx", "pFCandsIdx", "sVIdx")
WHOLE += ("subJetIdx1", "subJetIdx2")


def flat() -> dict[str, list]:
    """The branches of the collections."""
    return {f"{name}_{field}": lists for name, fields in COLLECTIONS.items() for field, lists in fields.items()}


def pfnano(path: Path, **changed: list) -> Path:
    """Write the file; ``changed`` are branches by name, None for none."""
    branches = {
        "run": np.ones(3, np.uint32),
        "luminosityBlock": np.ones(3, np.uint32),
        "event": np.arange(3, dtype="u8"),
    }
    for name, lists in (flat() | changed).items():
        if lists is not None:
            kind = np.int32 if name.split("_")[1] in WHOLE else np.float32
            numbers = np.array([number for numbers in lists for number in numbers], kind)
            branches[name] = ak.unflatten(numbers, [len(numbers) for numbers in lists])
    with uproot.recreate(path) as file:
        types = {
            n: "var * " + str(v.layout.content.dtype) if isinstance(v, ak.Array) else v.dtype
            for n, v in branches.items()
        }
        file.mktree("Events", types)
        file["Events"].extend(branches)
    return path


def group(names: list[str], low: float = -1e4, high: float = 1e4, **lengths: int) -> dict:
    """An input of these variables, which stay as they are."""
    return {
        "var_names": names,
        "var_infos": {name: {"median": 0, "norm_factor": 1, "lower_bound": low, "upper_bound": high} for name in names},
        **(lengths or {"var_length": 5}),
    }


def network(
    folder: Path, groups: dict[str, dict], outputs: list[str], *, jets_at_once: int | str = "n", **card: object
) -> Path:
    """Write a folder with the network whose outputs are the sums over the objects of all variables, in order."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {"input_names": list(groups), "output_names": outputs, **groups}
    (folder / "preprocess.json").write_text(json.dumps(content))
    graph = Graph()
    sums = [graph.node("ReduceSum", name, sizes(2), keepdims=0) for name in groups]
    total = graph.node("Concat", *sums, axis=1)
    shapes = {name: (np.float32, (jets_at_once, len(one["var_names"]), "p" + name)) for name, one in groups.items()}
    (folder / "network.onnx").write_bytes(graph.model(shapes, {total: (np.float32, (jets_at_once, len(outputs)))}))
    if card:
        import yaml

        (folder / "card.yaml").write_text(yaml.safe_dump({"weights": "network.onnx", **card}))
    return folder
