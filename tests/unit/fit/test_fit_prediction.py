"""The background in a signal region: both predictions are right within their errors, and know nothing of a signal."""

import csv
from dataclasses import replace
from pathlib import Path

import awkward as ak
import hist
import numpy as np
import pytest
from typer.testing import CliRunner

from resonaut.core import events
from resonaut.core.errors import ConfigError, EmptySelectionError
from resonaut.core.events import Dataset
from resonaut.core.files import write_json
from resonaut.core.record import plain
from resonaut.core.results import read, write
from resonaut.core.weights import Factor
from resonaut.fit.bare import settings_of
from resonaut.fit.cli import app
from resonaut.fit.prediction import prediction
from resonaut.fit.results.predictions import Prediction
from resonaut.fit.settings import FitSettings
from resonaut.fit.simulated import Simulated, simulated
from resonaut.fit.spectrum import Spectrum
from resonaut.report.fit import predictions
from resonaut.select.results import Trained

EDGES = np.arange(2500.0, 7001.0, 20.0)
REGION = (3250.0, 3750.0)
# The bins that hold the signal region.
INSIDE = (EDGES[1:] > REGION[0]) & (EDGES[:-1] < REGION[1])
SETTINGS = settings_of([], 13000.0, [3500.0])


def truth(events: float) -> np.ndarray:
    x = (EDGES[:-1] + EDGES[1:]) / 2 / 13000
    shape = (1 - x) ** 10 * x**-6
    return events * shape / shape.sum()


@pytest.fixture
def selected(example) -> Trained:
    window = {"signal_region": REGION, "sidebands": ((3000.0, 3250.0), (3750.0, 4250.0))}
    return replace(example(Trained), **window)


def simulation(events: float, rng: np.random.Generator, weight: float = 0.25) -> Simulated:
    """Of events of a ``weight``; a variation of their weights of 4 % that has no part in the sidebands."""
    counts = rng.poisson(truth(events) / weight) * weight
    shifted = np.stack([counts * (1 + 0.04 * sign * INSIDE) for sign in (1, -1)])
    return Simulated(counts, counts * weight, {"reweight_folds": shifted})


@pytest.mark.parametrize("number", [3_000, 50_000])
def test_both_predictions_are_right_within_their_errors(selected, number):
    expected = truth(number)[INSIDE].sum()
    pulls = []
    for toy in range(60):
        rng = np.random.default_rng([number, toy])
        counts = rng.poisson(truth(number)).astype(float)
        # Twice the cross section: the sidebands normalise it.
        own = simulation(2 * number, rng)
        none = replace(own, varied={})
        settings = replace(SETTINGS, prediction="observed")
        found = prediction(selected, Spectrum(EDGES, counts), none, settings)
        assert found.observed == counts[INSIDE].sum()
        pulls.append(
            [
                (found.function.events - expected) / found.function.error,
                (found.simulation.events - expected) / found.simulation.error,
                found.pull_function,
                found.pull_simulation,
                found.pull,
            ]
        )
        if not toy:
            assert found.range == (3240.0, 3760.0)
            varied = prediction(selected, Spectrum(EDGES, counts), own, settings).simulation
            assert varied.variations["reweight_folds"] == pytest.approx(0.04 * varied.events)
            assert varied.error**2 == pytest.approx(found.simulation.error**2 + (0.04 * varied.events) ** 2)
            assert found.simulation.normalisation == pytest.approx(0.5, rel=0.1)
    mean, width = np.mean(pulls, axis=0), np.std(pulls, axis=0)
    # Four standard deviations; the two predictions share the data of the sidebands, so that their pull is narrower.
    assert np.all(np.abs(mean) < 4 / np.sqrt(60))
    assert np.all(np.abs(width[:4] - 1) < 4 / np.sqrt(2 * 60))
    assert 0.5 < width[4] < 1.4


def test_a_signal_in_the_signal_region_changes_neither_prediction(selected):
    rng = np.random.default_rng(5)
    counts, own = rng.poisson(truth(20_000)).astype(float), simulation(20_000, rng)
    peak = np.where(INSIDE, 100, 0)
    settings = replace(SETTINGS, prediction="blind")
    one, other = (prediction(selected, Spectrum(EDGES, n), own, settings) for n in (counts, counts + peak))
    assert one == other
    assert (one.observed, one.pull_function, one.pull_simulation) == (None, None, None)
    hidden = [part for part in one.bins if REGION[0] < part.high and part.low < REGION[1]]
    assert all(part.observed is None for part in hidden)
    assert all(part.observed is not None for part in one.bins if part not in hidden)
    assert sum(part.function for part in hidden) == pytest.approx(one.function.events)
    assert sum(part.simulation for part in hidden) == pytest.approx(one.simulation.events)
    shown = prediction(selected, Spectrum(EDGES, counts + peak), own, replace(settings, prediction="observed"))
    assert shown.function == one.function
    assert shown.pull_function > 5


def test_what_cannot_be_predicted_is_one_sentence(selected):
    rng = np.random.default_rng(5)
    counts, own = rng.poisson(truth(20_000)).astype(float), simulation(20_000, rng)
    narrow = replace(selected, sidebands=((3241.0, 3250.0), (3750.0, 3755.0)))
    with pytest.raises(ConfigError, match=r"the sidebands of the window hold no whole bin of fit\.range"):
        prediction(narrow, Spectrum(EDGES, counts), own, SETTINGS)
    with pytest.raises(EmptySelectionError, match="too few to normalise a prediction"):
        prediction(selected, Spectrum(EDGES, counts), replace(own, counts=own.counts * INSIDE), SETTINGS)
    few = np.zeros(len(counts))
    few[[30, 80]] = 1.0
    with pytest.raises(EmptySelectionError, match="bins with events beside the signal region are too few"):
        prediction(selected, Spectrum(EDGES, few), own, SETTINGS)


@pytest.fixture
def files(tmp_path, write_skimmed, example) -> dict[str, Path]:
    """Data and simulation of 0.2 fb an event with friends of ``select``, ``reweight`` and ``tag``; a selection."""
    known = {"nature": "data", "luminosity": 10.0, "cross_section": None}
    data = write_skimmed(tmp_path, "data", [[collisions(4000, 1)]], **known)
    qcd = write_skimmed(tmp_path, "qcd", [[collisions(4000, 2)[:1500], collisions(4000, 2)[1500:]]], weight_scale=0.2)
    dataset = Dataset.open(qcd)
    notes = {
        "reweight": Factor("reweight").metadata(),
        "reweight_folds": Factor("reweight", "folds", "toys").metadata(),
    }
    for folder, columns in (
        ("select/cwola/w", lambda n: {"selected_cwola": n % 2 == 0, "score_cwola": np.zeros(len(n), np.float32)}),
        (
            "reweight",
            lambda n: {"reweight": 1.5 + 0.0 * n, "reweight_folds": ak.from_regular(np.outer(1 + n * 0, [1, 2.0]))},
        ),
        ("tag", lambda n: {"tag_train": n % 4 == 0}),
    ):
        for chunk in dataset.manifest.chunks:
            batches = []
            for batch in dataset.iterate_chunk(chunk, ["m_jj"]):
                found = batch[list(events.KEY)]
                for name, values in columns(ak.to_numpy(batch.event)).items():
                    found = ak.with_field(found, values, name)
                batches.append(found)
            events.write(dataset.path(folder, chunk), batches, {}, notes if folder == "reweight" else {})
    axis = hist.axis.Regular(225, 2500, 7000, name="m_jj", label="m_jj [GeV]")
    spectrum = hist.Hist(axis, storage=hist.storage.Int64()).fill(ak.to_numpy(Dataset.open(data).read(["m_jj"]).m_jj))
    window = {"signal_region": REGION, "sidebands": ((3000.0, 3250.0), (3750.0, 4250.0)), "unit": "GeV"}
    named = {"method": "cwola", "window": "w", "observable": "m_jj", "spectrum": spectrum}
    write(tmp_path / "select" / "cwola" / "w.json", replace(example(Trained), **window, **named))
    return {"data": data, "qcd": qcd, "selection": tmp_path / "select" / "cwola" / "w.json"}


def collisions(n: int, run: int) -> ak.Array:
    number = np.arange(n)
    m_jj = 2500 + np.random.default_rng(run).exponential(600, n)
    key = {"run": np.full(n, run), "luminosityBlock": 0 * number, "event": number, "gen_weight": np.ones(n)}
    return ak.Array(key | {"m_jj": m_jj.astype(np.float32)})


def test_selected_simulation_has_all_weights_and_their_variations(files):
    qcd = Dataset.open(files["qcd"])
    mass = ak.to_numpy(qcd.read(["m_jj"]).m_jj)
    number = np.arange(len(mass))
    whole = simulated([qcd], {"qcd": ["reweight"]}, "cwola/w", "m_jj", EDGES, 10.0)
    expected = np.histogram(mass[number % 2 == 0], EDGES)[0] * 0.2 * 1.5 * 10
    assert whole.counts == pytest.approx(expected)
    assert whole.variances == pytest.approx(expected * 3)
    assert whole.varied["reweight_folds"] == pytest.approx(np.outer([1, 2], expected / 1.5))
    # A fourth of the events trained the tagger, and the others stand for them.
    tagged = simulated([qcd], {"qcd": ["reweight", "tag"]}, "cwola/w", "m_jj", EDGES, 10.0)
    assert tagged.counts == pytest.approx(np.histogram(mass[number % 4 == 2], EDGES)[0] * 3 / 0.75)
    both = whole + replace(whole, varied={})
    assert both.varied["reweight_folds"] == pytest.approx(whole.varied["reweight_folds"] + expected)


def test_the_command_writes_what_the_figure_draws(files, tmp_path):
    section = plain(replace(SETTINGS, prediction="blind", range=(2500.0, 7000.0), bin_width=20.0), FitSettings)
    write_json(tmp_path / "fit.json", section)
    output = tmp_path / "fit" / "cwola" / "w_prediction.json"
    command = ["prediction", "--config", tmp_path / "fit.json", "--selection", files["selection"], "--output", output]
    command += ["--data", files["data"], "--background", files["qcd"], "--weights", "qcd=reweight"]
    CliRunner().invoke(app, list(map(str, command)), catch_exceptions=False)
    found = read(output, Prediction)
    assert abs(found.pull) < 4
    # The selection keeps all data and half of the simulation, of which 12,000 events are expected.
    assert found.simulation.normalisation == pytest.approx(4000 / 6000, rel=0.1)
    for again in ("a", "b"):
        predictions.draw(tmp_path / again, [output], [files["data"]], None)
    name = "predictions/cwola_w.png"
    assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    with (tmp_path / "a" / "predictions.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert float(row["function"]) == pytest.approx(found.function.events, rel=1e-5)
    assert float(row["pull"]) == pytest.approx(found.pull, rel=1e-5)
    assert (row["observed"], row["pull_function"]) == ("", "")


def test_a_background_of_which_nothing_is_selected_is_one_sentence(files):
    with pytest.raises(EmptySelectionError, match="no event of qcd is selected by cwola/w in the range of the fit"):
        simulated([Dataset.open(files["qcd"])], {}, "cwola/w", "m_jj", EDGES + 90_000, 10.0)
