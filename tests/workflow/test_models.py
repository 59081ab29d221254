"""A template model from events to workspace and fit, without the other stages, and what reruns of it."""

import json
import shutil

import awkward as ak
import numpy as np
import pyarrow.parquet as pq
import pyhf
import pytest
import yaml

from resonaut.core.weights import Factor

pytestmark = pytest.mark.filterwarnings("ignore:jsonschema:DeprecationWarning")

CONFIG = "tests/workflow/models.yaml"
LUMINOSITY = 40.0


def sample(rng: np.random.Generator, n: int, peak: bool, simulated: bool) -> ak.Array:
    """Events with a mass and a score; a scale moves the mass of simulation, and weights go with the score."""
    mass = rng.normal(100, 8, n) if peak else rng.uniform(50, 150, n)
    score = rng.uniform(0, 1, n) ** (0.5 if peak else 2)
    found = {"run": np.ones(n, "int64"), "luminosityBlock": np.ones(n, "int64"), "event": np.arange(n)}
    found |= {"gen_weight": np.ones(n), "m": mass, "score": score}
    if simulated:
        found |= {"m__scale_up": mass * 1.02, "m__scale_down": mass * 0.98}
        found |= {"tagger_up": 1 + 0.1 * score, "tagger_down": 1 - 0.1 * score}
    return ak.zip(found)


@pytest.fixture(scope="module")
def clone(copied, write_skimmed):
    """A clone with skimmed events, after a run: 2,000 events of background and a signal of 1.5 times that expected."""
    made = copied
    made.configuration = (CONFIG,)
    rng = np.random.default_rng(11)
    notes = {f"tagger_{way}": Factor("tagger", "tagger", way).metadata() for way in ("up", "down")}
    shifts = {"scale_up": "scale", "scale_down": "scale"}
    for name, events, fb in (("background", 4000, 50.0), ("signal", 1000, 2.5)):
        chunks = [[sample(rng, events // 2, name == "signal", True)] for _ in range(2)]
        more = {"weight_scale": fb / events, "cross_section": fb, "variations": shifts}
        write_skimmed(made.path / "events", name, chunks, {"m": "GeV"}, notes, **more)
    parts = [sample(rng, 2000, False, False), sample(rng, 150, True, False)]
    data = ak.concatenate(parts)
    data["event"] = np.arange(len(data))
    more = {"nature": "data", "luminosity": LUMINOSITY, "cross_section": None}
    write_skimmed(made.path / "events", "collisions", [[data]], {"m": "GeV"}, **more)
    run = made.snakemake()
    assert run.returncode == 0, run.stdout + run.stderr
    return made


def test_the_workspace_is_fitted_by_plain_pyhf_and_finds_the_signal(clone) -> None:
    folder = clone.path / "results/models/fit/models/peak"
    workspace = pyhf.Workspace(json.loads((folder / "workspace.json").read_text()))
    pdf = workspace.model(measurement_name="peak")
    pyhf.set_backend("numpy", "minuit")
    best, errors = pyhf.infer.mle.fit(workspace.data(pdf), pdf, return_uncertainties=True).T
    mu, error = best[pdf.config.poi_index], errors[pdf.config.poi_index]
    assert abs(mu - 1.5) < 4 * error
    assert 0.1 < error < 0.5
    events = sum(
        json.loads((folder / f"histograms/{name}.json").read_text())["samples"]["signal"][0]["events"]
        for name in ("low", "high")
    )
    assert events == 1000


def edited(clone, **changes) -> set[str]:
    """The rules that would run with other keys of the model, by their dotted path with ``__``."""
    path = clone.path / CONFIG
    before = path.read_text()
    content = yaml.safe_load(before)
    for name, value in changes.items():
        *places, last = name.split("__")
        at = content["fit"]["models"]["peak"]
        for place in places:
            at = at[place]
        at[last] = value
    path.write_text(yaml.safe_dump(content))
    try:
        return clone.planned() - {"freeze", "fit", "report", "fit_models"}
    finally:
        path.write_text(before)


def test_a_size_fills_no_histogram_again_and_an_edge_those_of_its_channel(clone) -> None:
    assert clone.planned() == set()
    follows = edited(clone, nuisances__lumi__size=1.03)
    assert "fit_model_workspace" in follows
    assert "fit_model_histograms" not in follows
    assert edited(clone, channels__low__edges=[50, 100, 150]) == follows | {"fit_model_histograms"}


COUNTING = """
fit:
  models:
    counting:
      channels:
        scored: {observable: m_jj, edges: [3000, 3500, 8000], cut: j1_part_qcd >= 0}
      samples:
        resonance: {datasets: [signal_3500], signal: true}
        qcd: {normalisation: free}
      nuisances:
        lumi: {size: 1.02, samples: [resonance]}
        lund_statistical: {variation: lund_statistical, samples: [resonance]}
"""


@pytest.fixture
def counted(finished, tmp_path):
    """The results of the tiny search with a model; without it afterwards."""
    (overlay := tmp_path / "counting.yaml").write_text(COUNTING)
    run = finished.snakemake("--configfile", *finished.configuration, str(overlay), "--", "fit_models")
    assert run.returncode == 0, run.stdout + run.stderr
    results = finished.path / "results"
    yield results
    for folder in ("fit/models", *(f"config/fit/{name}" for name in ("histograms", "workspace", "result"))):
        shutil.rmtree(results / folder)


@pytest.mark.xdist_group("finished")
def test_simulated_events_are_counted_as_by_hand_with_the_weights_of_all_stages(counted) -> None:
    results, edges = counted, [3000.0, 3500.0, 8000.0]

    def table(folder: str, name: str, *columns: str) -> dict[str, np.ndarray]:
        paths = sorted((results / folder / name).glob("*.parquet"))
        return {
            one: np.concatenate([pq.read_table(path, columns=[one])[one].to_numpy() for path in paths])
            for one in columns
        }

    def manifest(name: str) -> dict:
        return json.loads((results / f"skim/{name}.json").read_text())

    found = json.loads((results / "fit/models/counting/histograms/scored.json").read_text())
    assert found["luminosity"] == manifest("data")["luminosity"]
    assert found["data"] == np.histogram(table("skim", "data", "m_jj")["m_jj"], edges)[0].tolist()
    for sample, name in (("qcd", "qcd"), ("resonance", "signal_3500")):
        skimmed = table("skim", name, "m_jj", "gen_weight")
        weight = skimmed["gen_weight"] * manifest(name)["weight_scale"]
        if name == "qcd":
            nominal = weight * table("reweight", name, "reweight")["reweight"]
        else:
            lund = table("calibrate", name, "lund_weight_j1", "lund_weight_j2")
            nominal = weight * lund["lund_weight_j1"] * lund["lund_weight_j2"]
            # A calibration says nothing of how many jets there are.
            nominal *= weight.sum() / nominal.sum()
        usable = ~table("tag", name, "tag_train")["tag_train"]
        scale = weight.sum() / weight[usable].sum()
        expected = np.histogram(skimmed["m_jj"][usable].astype(float), edges, weights=scale * nominal[usable])[0]
        (part,) = found["samples"][sample]
        np.testing.assert_allclose(part["values"], expected, rtol=1e-9)
        assert expected.min() > 0
    description = json.loads((results / "fit/models/counting/model.json").read_text())
    assert "lumi" in description["nuisances"]
