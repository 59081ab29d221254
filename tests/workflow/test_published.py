"""A published network in the workflow: from tracks in files of PFNano to a selection and its limit."""

import json
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot
import yaml

from resonaut.core.events import Dataset
from resonaut.learn.onnx import Graph, sizes

WINDOW, SIDEBANDS = [3250, 3750], [[3000, 3250], [3750, 4250]]
VARIABLES = ["pfcand_dxydxy", "pfcand_btagPtRatio"]


def pfnano(path: Path, masses: np.ndarray, likeness: float, seed: int, simulation: bool) -> None:
    """Pairs of jets, back to back with some invariant masses, of four candidates each.

    The network's score of a jet is as of logits 0 and the sum of ``btagPtRatio``, which has the mean ``likeness``.
    """
    rng, n = np.random.default_rng(seed), len(masses)
    branches = {"run": np.ones(n, "u4"), "luminosityBlock": np.full(n, seed, "u4"), "event": np.arange(n, dtype="u8")}
    branches |= {"genWeight": np.ones(n, "f4")} if simulation else {}

    def lists(values: np.ndarray, size: int, dtype: str = "f4") -> ak.Array:
        return ak.unflatten(np.broadcast_to(values, size * n).astype(dtype), np.full(n, size))

    phi = rng.uniform(-3, 0, n)
    jets = {"pt": np.repeat(masses / 2, 2), "eta": 0, "phi": np.stack([phi, phi + np.pi], 1).ravel(), "mass": 20}
    jets |= {"msoftdrop": rng.uniform(10, 90, 2 * n)} | {f"tau{i}": rng.uniform(0.1, 0.5, 2 * n) for i in range(1, 5)}
    branches |= {f"FatJet_{name}": lists(np.asarray(values), 2) for name, values in jets.items()}
    branches["FatJet_jetId"] = lists(np.asarray(6), 2, "i4")
    branches["FatJet_btagDeepB"] = lists(np.asarray(0.1), 2)
    place = {"pt": np.repeat(masses / 10, 8), "phi": np.repeat(jets["phi"], 4) + rng.normal(0, 0.1, 8 * n)}
    floats = place | {"eta": rng.normal(0, 0.1, 8 * n), "mass": 0.14, "puppiWeight": 1, "d0Err": 0.01, "trkChi2": 1}
    branches |= {f"PFCands_{name}": lists(np.asarray(values), 8) for name, values in floats.items()}
    branches |= {
        f"PFCands_{name}": lists(np.asarray(value), 8, "i4") for name, value in (("charge", 1), ("pdgId", 211))
    }
    own = {"jetIdx": np.tile(np.repeat([0, 1], 4), n), "pFCandsIdx": np.tile(np.arange(8), n)}
    branches |= {f"FatJetPFCands_{name}": lists(values, 8, "i4") for name, values in own.items()}
    branches["FatJetPFCands_btagPtRatio"] = lists(rng.normal(likeness / 4, 0.5, 8 * n), 8)
    with uproot.recreate(path) as file:
        kinds = {
            k: f"var * {v.layout.content.dtype}" if isinstance(v, ak.Array) else v.dtype for k, v in branches.items()
        }
        file.mktree("Events", kinds)
        file["Events"].extend(branches)


def network(folder: Path) -> None:
    """One whose two logits are the sums of the two variables."""
    folder.mkdir()
    infos = {name: {"median": 0, "norm_factor": 1} for name in VARIABLES}
    inputs = {"input_names": ["pf"], "pf": {"var_names": VARIABLES, "var_infos": infos, "var_length": 6}}
    (folder / "preprocess.json").write_text(json.dumps(inputs))
    card = {"weights": "network.onnx", "outputs": ["probQCD", "probX"], "softmax": True, "jets": {"pt_min": 150}}
    (folder / "card.yaml").write_text(yaml.safe_dump(card))
    graph = Graph()
    total = graph.node("ReduceSum", "pf", sizes(2), keepdims=0)
    shapes = {"pf": (np.float32, ("n", 2, "p"))}, {total: (np.float32, ("n", 2))}
    (folder / "network.onnx").write_bytes(graph.model(*shapes))


# Nuisances of the signal cost half a minute.
NONE = {"scale": 0, "resolution": 0, "luminosity": 0}
CONFIG = {
    "search": {"stages": ["skim", "tag", "select", "fit"], "samples": {"data": ["data"], "signal": ["x"]}},
    "datasets": {
        "data": {"nature": "data", "luminosity": 1, "files": ["data.root"]},
        "x": {"nature": "simulation", "cross_section": 1, "mass": 3500, "files": ["x.root"]},
    },
    "skim": {"truth": False, "regions": {"dijet": {"networks": ["model/preprocess.json"], "m_jj_min": 2900}}},
    "tag": {
        "networks": {},
        "published": {"pnet": {"card": "model", "classes": {"qcd": ["probQCD"], "2prong": ["probX"]}}},
    },
    "select": {
        "windows": {"w3500": {"signal_region": WINDOW, "sidebands": SIDEBANDS}},
        "methods": ["inclusive", "tagger"],
        "tagger": {"network": "pnet"},
        "background_efficiency": 0.3,
        "min_events": 20,
    },
    "fit": {
        "masses": [3500],
        "signals": ["x"],
        "bin_width": 20,
        "toys": 0,
        "limit_checks": {"few_events": 0},
        "uncertainties": NONE,
    },
}


@pytest.fixture
def searched(fresh):
    """A clone after a search in 6,000 events without a signal, with the network's classes as classes."""
    rng = np.random.default_rng(5)
    pfnano(fresh.path / "data.root", 2800 + rng.exponential(600, 6000), 0, 1, False)
    pfnano(fresh.path / "x.root", rng.normal(3500, 50, 300), 2, 2, True)
    network(fresh.path / "model")
    (fresh.path / "published.yaml").write_text(yaml.safe_dump(CONFIG))
    fresh.configuration = ("published.yaml",)
    run = fresh.snakemake("--", "fit")
    assert run.returncode == 0, run.stdout + run.stderr
    return fresh


def test_scores_of_a_published_network_make_a_selection_and_its_limit(searched) -> None:
    """The working point keeps 30 % of the sidebands, and the limit follows: sqrt(0.3) / efficiency of that without.

    With 30 % of the background the expected limit is that times the inclusive one, but for small numbers.
    """
    results = searched.path / "results"

    def scores(name: str) -> tuple[np.ndarray, np.ndarray]:
        columns = ["m_jj", *(f"{jet}_pnet_{one}" for jet in ("j1", "j2") for one in ("qcd", "2prong", "probX"))]
        found = Dataset.open(results / "skim" / f"{name}.json").read(columns, ("tag",))
        for jet in ("j1", "j2"):
            np.testing.assert_allclose(found[f"{jet}_pnet_qcd"] + found[f"{jet}_pnet_2prong"], 1, rtol=1e-6)
        return ak.to_numpy(found.m_jj), ak.to_numpy((1 - found.j1_pnet_qcd) * (1 - found.j2_pnet_qcd))

    mass, score = scores("data")
    beside = (mass > SIDEBANDS[0][0]) & (mass < SIDEBANDS[1][1]) & ~((mass > WINDOW[0]) & (mass < WINDOW[1]))
    selection = json.loads((results / "select" / "tagger" / "w3500.json").read_text())
    kept, of = (
        sum(selection["counts"][side][what] for side in ("lower_sideband", "upper_sideband"))
        for what in ("selected", "events")
    )
    assert of == beside.sum()
    assert kept / of == pytest.approx(0.3, abs=0.01)
    expected = float(np.mean(scores("x")[1] > np.quantile(score[beside], 1 - kept / of)))
    assert 0.9 < expected <= 1
    assert selection["signals"][0]["efficiency"] == pytest.approx(expected, abs=0.01)
    points = {
        point["selection"]: point for point in json.loads((results / "fit" / "summary.json").read_text())["points"]
    }
    ratio = points["tagger"]["limit_expected"] / points["inclusive"]["limit_expected"]
    assert ratio == pytest.approx(0.3**0.5 / expected, rel=0.3)
