"""Anomaly scores of whole events: what they see, the regions by rate, and what contradicts the configuration."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import yaml

from resonaut.core import events, results
from resonaut.core.analysis import Analysis
from resonaut.core.collisions import Collisions
from resonaut.core.errors import ConfigError
from resonaut.core.events import Dataset
from resonaut.core.record import build
from resonaut.physics.rapidity_mass import Layout, matrices, zones
from resonaut.select import jobs
from resonaut.select.event_scores.settings import Training
from resonaut.select.results import EventScoring

torch = pytest.importorskip("torch")

from resonaut.select.event_scores import region, score  # noqa: E402

ROOT = Path(__file__).parents[3]
CONFIG = ROOT / "config" / "event_anomaly.yaml"
OBJECTS = {"light_jet": 3, "muon": 2}
SMALL = {"hidden": [16], "latent": 4, "epochs": 10, "batch_size": 64, "learning_rate": 0.01}
GIVEN = {"objects": OBJECTS, "searched": [["light_jet", "muon"]], "training_part": 0.2, "network": SMALL}
WINDOW = {"observable": "m_pair_jmu", "signal_region": [200, 700], "sidebands": [[100, 200], [700, 1000]]}
# Of the toy data; 4000 events.
LUMINOSITY, NUMBER = 2.0, 4000


def toy(n: int, seed: int, strange: bool = False) -> ak.Array:
    """Events with up to three jets and up to two muons; ``strange`` ones have all of them, far forward."""
    rng = np.random.default_rng(seed)
    number = np.arange(n, dtype=np.int64)
    found: dict[str, Any] = {"run": np.full(n, seed, np.int64), "luminosityBlock": number // 100, "event": number}
    found |= {"gen_weight": np.ones(n), "m_pair_jmu": (90 + rng.exponential(200, n)).astype(np.float32)}
    for kind, most in OBJECTS.items():
        there = np.full(n, most) if strange else rng.integers(1, most + 1, n)
        pt = np.sort(30 + rng.exponential(40, (n, most)), axis=1)[:, ::-1]
        for place in range(most):
            inside = place < there
            eta = rng.uniform(3.3, 3.7, n) if strange else rng.normal(0, 1, n)
            values = {"pt": pt[:, place], "eta": eta, "phi": rng.uniform(-3, 3, n), "mass": np.ones(n)}
            for name, column in values.items():
                found[f"{kind}{place + 1}_{name}"] = (column * inside).astype(np.float32)
    found |= {"met_pt": rng.exponential(40, n).astype(np.float32)}
    found |= {"met_phi": rng.uniform(-3, 3, n).astype(np.float32)}
    return ak.Array(found)


@pytest.fixture
def training() -> Training:
    return build(GIVEN, Training, "test")


@pytest.fixture
def datasets(tmp_path: Path, write_skimmed: Callable[..., Path]) -> dict[str, Path]:
    """Data, a background like them, and a strange signal of 1 fb, 200 events."""
    units, data = {"m_pair_jmu": "GeV"}, toy(NUMBER, 1)
    known = {"nature": "data", "luminosity": LUMINOSITY, "cross_section": None}
    signal = {"mass": 400.0, "weight_scale": 5e-3}
    chunks = [[data[:1500], data[1500:2500]], [data[2500:]]]
    return {
        "data": write_skimmed(tmp_path, "data", chunks, units, **known),
        "background": write_skimmed(tmp_path, "background", [[toy(1000, 2)]], units),
        "signal": write_skimmed(tmp_path, "signal", [[toy(200, 3, strange=True)]], units, **signal),
    }


def test_inputs_are_the_matrix_without_searched_masses(training: Training) -> None:
    sample = toy(50, 5)
    found = score.Inputs(training).compute(sample)
    layout = Layout(13000.0, OBJECTS)
    assert found.shape == (50, 6 * 6 - 1)
    objects = {
        kind: {
            name: np.column_stack([ak.to_numpy(sample[f"{kind}{place}_{name}"]) for place in range(1, most + 1)])
            for name in score.MOMENTUM
        }
        for kind, most in OBJECTS.items()
    }
    met = {name: ak.to_numpy(sample[f"met_{name}"]) for name in ("pt", "phi")}
    whole = matrices(objects, met, layout)
    np.testing.assert_allclose(found, np.delete(whole.reshape(50, -1), 1 * 6 + 4, axis=1), rtol=1e-6)
    # The zones do not know the mass, either.
    few = score.Inputs(build(GIVEN | {"inputs": "zones"}, Training, "test")).compute(sample)
    blind = whole.copy()
    blind[:, 1, 4] = 0
    np.testing.assert_allclose(few, zones(blind, layout), rtol=1e-5, atol=1e-9)
    assert not np.allclose(few, zones(whole, layout), rtol=1e-5)
    assert score.Inputs(training).compute(sample[:0]).shape == (0, 35)


def test_from_data_to_a_region(tmp_path: Path, training: Training, datasets: dict[str, Path]) -> None:
    """A model that is read again gives the same scores; a region has as many events as its rate says."""
    data = Collisions.open([datasets["data"]])
    scorer, summary = score.train("ae", training, data)
    model = tmp_path / "select" / "event_scores" / "ae.npz"
    scorer.save(model)
    results.write(model.with_suffix(".json"), summary)
    assert results.read(model.with_suffix(".json"), EventScoring) == summary
    assert summary.inputs == 35
    assert summary.events == NUMBER
    assert abs(summary.training_events - 0.2 * NUMBER) < 5 * np.sqrt(0.16 * NUMBER)
    sample = toy(30, 7)
    assert np.array_equal(score.load(model).score(sample), scorer.score(sample))
    assert scorer.score(toy(200, 3, strange=True)).mean() > scorer.score(sample).max()

    for name, manifest in datasets.items():
        dataset = Dataset.open(manifest)
        for chunk in dataset.manifest.chunks:
            friend = dataset.path("select/event_scores/ae", chunk)
            score.apply("ae", model, manifest, chunk, friend)
            assert events.columns(friend) == [*events.KEY, "score_ae"], name
    (all_scores,) = (data.read(["score_ae"], ["select/event_scores/ae"]).score_ae,)
    assert np.array_equal(np.sort(all_scores), np.sort(scorer.score(toy(NUMBER, 1))))

    engine = {"windows": {"w": WINDOW}, "spectrum": {"low": 100, "high": 1000, "width": 10}}
    engine |= {"sculpting": {"bins": [100, 200, 400, 700, 1000], "random_cuts": 50}}
    settings = build(engine | {"score": "ae", "rate": 0.1}, region.RegionSettings, "test")
    backgrounds, signals = ([Dataset.open(datasets[name])] for name in ("background", "signal"))
    found = region.selection(settings, "tenth", "w", data, backgrounds, signals, {})
    # 0.1 pb times 2/fb.
    assert found.training["events"] == 200
    assert found.efficiency_target == 200 / NUMBER
    kept = np.asarray(all_scores) >= np.sort(all_scores)[-200]
    mass = ak.to_numpy(data.read(["m_pair_jmu"]).m_pair_jmu)
    expected, _ = np.histogram(mass[kept], np.arange(100, 1001, 10))
    assert found.spectrum.values().tolist() == expected.tolist()
    inside = (mass >= 200) & (mass < 700)
    assert (found.counts.signal_region.events, found.counts.signal_region.selected) == (
        inside.sum(),
        (inside & kept).sum(),
    )
    # Nested in the quantiles of the data.
    assert found.spectra["0.1"].sum() >= found.spectra["0.04"].sum() >= found.spectra["0.005"].sum()
    assert found.signals[0].efficiency == pytest.approx(1, abs=0.02)
    assert found.sculpting.sample == "simulation"
    assert (found.method, found.observable, found.unit) == ("tenth", "m_pair_jmu", "GeV")

    for rate, events_ in ((2.5, 5000), (1e-4, 0)):
        settings = build(engine | {"score": "ae", "rate": rate}, region.RegionSettings, "test")
        with pytest.raises(ConfigError, match=f"'tenth' of select.event_scores would have {events_} of 4000 events"):
            region.selection(settings, "tenth", "w", data, [], [], {})


@pytest.mark.parametrize("standardise", [True, False])
def test_a_file_keeps_the_scale_of_the_inputs(tmp_path: Path, datasets: dict[str, Path], standardise: bool) -> None:
    """Standardised inputs have an error of one size in each cell; those that are not have that of their sizes."""
    settings = build(GIVEN | {"standardise": standardise}, Training, "test")
    scorer, summary = score.train("ae", settings, Collisions.open([datasets["data"]]))
    scorer.save(tmp_path / "ae.npz")
    back = score.load(tmp_path / "ae.npz").autoencoder
    inputs = scorer.inputs.compute(toy(500, 7))
    np.testing.assert_array_equal(back.error(inputs), scorer.autoencoder.error(inputs))
    spread = inputs.std(axis=0)
    assert spread.max() > 10 * spread[spread > 0].min()
    ratio = np.median(back.standard.std[spread > 0] / spread[spread > 0])
    assert (0.8 < ratio < 1.25) == standardise
    assert (summary.score_training > -3) == standardise


def analysis_of(**select: Any) -> Analysis:
    config = yaml.safe_load(CONFIG.read_text())
    config["select"] |= select
    return Analysis.of(config, [CONFIG])


def test_27_spectra_of_three_regions() -> None:
    """Each region in each window; the training reads no region, a region no other one and no network."""
    analysis = analysis_of()
    assert len(jobs.selections(analysis)) == 27
    assert jobs.regions(analysis) == dict.fromkeys(("ten_pb", "one_pb", "tenth_pb"), "autoencoder")
    assert "regions" not in analysis.keys("select/event_scores/autoencoder")
    keys = analysis.keys("select/one_pb/jmu")
    assert (keys["score"], keys["rate"]) == ("autoencoder", 1)
    assert keys["windows"].keys() == {"jmu"}
    build(keys, region.RegionSettings, "test")
    layout = Layout(13000.0, analysis.config["select"]["event_scores"]["autoencoder"]["objects"])
    assert len(layout.inputs(analysis.config["select"]["event_scores"]["autoencoder"]["searched"])) == 1287


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"regions": {"cwola": 1}}, "regions.cwola has the name of a method"),
        ({"searched": [["light_jet", "tau"]]}, "searched has the mass of light_jet and tau, and objects has 0 tau"),
        ({"objects": {"muon": 1}, "searched": [["muon", "muon"]]}, "objects has 1 muon"),
        ({"objects": {"light_jet": 11}, "searched": []}, "objects needs the column 'light_jet11_pt' of 'data'"),
    ],
)
def test_contradictions_end_in_a_sentence(change: dict[str, Any], said: str) -> None:
    scores = yaml.safe_load(CONFIG.read_text())["select"]["event_scores"]["autoencoder"] | change
    with pytest.raises(ConfigError, match=said):
        analysis_of(event_scores={"autoencoder": scores})


def test_a_region_that_no_score_has_is_no_method() -> None:
    with pytest.raises(ConfigError, match=r"unknown method 'ten_pb'.* and of regions of select\.event_scores"):
        analysis_of(event_scores={})
