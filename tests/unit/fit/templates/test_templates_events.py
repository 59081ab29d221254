"""From events to a workspace: every number is that of a histogram by hand."""

import json

import numpy as np
import pyhf
import pytest
from typer.testing import CliRunner

from resonaut.core import config
from resonaut.core.errors import ConfigError, ResonautError
from resonaut.core.files import write_json
from resonaut.core.record import build, plain
from resonaut.core.results import read
from resonaut.fit.cli import app
from resonaut.fit.results.models import ChannelHistograms, ModelDescription
from resonaut.fit.templates import events
from resonaut.fit.templates.build import build as workspace_of
from resonaut.fit.templates.settings import HistogramsJob, Model, WorkspaceJob

# pyhf's own validation uses what jsonschema has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:jsonschema:DeprecationWarning")

EDGES = [-2.0, -1.0, 0.0, 0.5, 3.0]
LUMINOSITY = 20.0
FRIENDS = ["classify/bdt"]
CHANNEL = {"observable": "2 * x - x", "edges": EDGES, "cut": "(category_bdt == 1) & (y < 0.9)"}


@pytest.fixture
def samples(make_sample):
    return {
        "signal": make_sample("signal", 400, 1, 0.7),
        "ttbar": make_sample("ttbar", 700, 2, -0.3),
        "plain": make_sample("plain", 500, 3, 0.0, shifted=False, weighted=False),
        "data": make_sample("data", 90, 4, 0.1, nature="data"),
    }


def by_hand(sample, x="x", passes="passes", weight="w") -> tuple[np.ndarray, np.ndarray]:
    """Contents and variances in fb, with numpy alone."""
    known = sample.columns
    kept = known[passes] & (known["y"] > 0.3) & (known["y"] < 0.9)
    weights = sample.weight * known.get(weight, 1.0)
    return tuple(np.histogram(known[x][kept].astype(float), EDGES, weights=weights[kept] ** n)[0] for n in (1, 2))


def job(**changes) -> HistogramsJob:
    given = {
        "channel": CHANNEL,
        "members": {"signal": ["signal"], "background": ["ttbar", "plain"]},
        "variations": {"signal": ["btag_heavy"], "background": ["btag_heavy", "jes"]},
        "file": None,
        "observed": False,
    }
    return build(given | changes, HistogramsJob, "test")


def filled(samples, **changes) -> ChannelHistograms:
    simulation = [samples[name].manifest for name in ("signal", "ttbar", "plain")]
    friends = dict.fromkeys(samples, FRIENDS)
    return events.histograms(job(**changes), "sr", [samples["data"].manifest], simulation, friends)


def test_figures_call_the_observable_as_the_channel_does(samples):
    plain, named = filled(samples), filled(samples, channel=CHANNEL | {"label": "m_{xx}", "unit": "GeV"})
    assert (plain.label, plain.unit) == ("2 * x - x", "1")
    assert (named.observable, named.label, named.unit) == ("2 * x - x", "m_{xx}", "GeV")


def test_every_histogram_is_the_one_by_hand(samples):
    found = filled(samples)
    assert (found.edges, found.luminosity, found.in_fb) == (EDGES, LUMINOSITY, True)
    assert found.data == by_hand(samples["data"])[0].tolist()
    (signal,), (background,) = found.samples["signal"], found.samples["background"]
    np.testing.assert_allclose([signal.values, signal.variances], by_hand(samples["signal"]), rtol=1e-12)
    ttbar, plain = by_hand(samples["ttbar"]), by_hand(samples["plain"])
    np.testing.assert_allclose([background.values, background.variances], np.add(ttbar, plain), rtol=1e-12)
    # Weights of one dataset, and the other as it is; objects of another with the nominal weights.
    for way in ("up", "down"):
        heavy = by_hand(samples["ttbar"], weight=f"w_{way}")[0] + plain[0]
        np.testing.assert_allclose(getattr(background.varied["btag_heavy"], way), heavy, rtol=1e-12)
        moved = by_hand(samples["ttbar"], x=f"x_{way}", passes=f"passes_{way}")[0] + plain[0]
        np.testing.assert_allclose(getattr(background.varied["jes"], way), moved, rtol=1e-12)
    assert list(signal.varied) == ["btag_heavy"]
    assert found.notes == [
        f"dataset 'plain' has no variation {name!r}, and is nominal in it" for name in ("btag_heavy", "jes")
    ]
    known = samples["ttbar"].columns
    kept = known["passes"] & (known["y"] > 0.3) & (known["y"] < 0.9)
    others = samples["plain"].columns
    inside = sum(
        np.count_nonzero(one["passes"] & (one["y"] > 0.3) & (one["y"] < 0.9) & (one["x"] >= -2) & (one["x"] < 3))
        for one in (known, others)
    )
    assert background.events == inside
    assert kept.sum() > 300


def model(**changes) -> Model:
    given = {
        "channels": {"sr": CHANNEL},
        "samples": {
            "signal": {"signal": True},
            "background": {"datasets": ["ttbar", "plain"], "normalisation": "free"},
        },
        "nuisances": {
            "lumi": {"size": 1.05, "samples": ["signal"]},
            "heavy": {"variation": "btag_heavy"},
            "jes": {
                "variation": "jes",
                "samples": ["background"],
                "also": [{"size": [0.9, 1.2], "samples": ["signal"]}],
            },
        },
    }
    return build(given | changes, Model, "test")


def test_the_workspace_is_that_of_the_histograms_and_plain_pyhf_fits_it(samples):
    found = filled(samples)
    made, description = workspace_of("example", model(), [found])
    pdf = pyhf.Workspace(made).model(measurement_name="example")
    at = {name: pdf.config.par_slice(name) for name in pdf.config.par_order}

    def expected(**values: float) -> np.ndarray:
        parameters = np.array(pdf.config.suggested_init())
        for name, value in values.items():
            parameters[at[name]] = value
        return pdf.expected_actualdata(parameters)

    (signal,), (background,) = found.samples["signal"], found.samples["background"]
    nominal = {name: LUMINOSITY * np.array(one.values) for name, one in (("s", signal), ("b", background))}
    np.testing.assert_allclose(expected(), nominal["s"] + nominal["b"], rtol=1e-12)
    np.testing.assert_allclose(expected(mu=3.0, norm_background=0.5), 3 * nominal["s"] + nominal["b"] / 2, rtol=1e-12)
    # At one standard deviation templates are what they are, whatever is between.
    for way, alpha in (("up", 1.0), ("down", -1.0)):
        heavy = [LUMINOSITY * np.array(getattr(one.varied["btag_heavy"], way)) for one in (signal, background)]
        np.testing.assert_allclose(expected(heavy=alpha), sum(heavy), rtol=1e-9)
        moved = LUMINOSITY * np.array(getattr(background.varied["jes"], way))
        factor = {"up": 1.2, "down": 0.9}[way]
        np.testing.assert_allclose(expected(jes=alpha), factor * nominal["s"] + moved, rtol=1e-9)
        np.testing.assert_allclose(expected(lumi=alpha), 1.05**alpha * nominal["s"] + nominal["b"], rtol=1e-9)
    errors = LUMINOSITY * np.sqrt(np.add(signal.variances, background.variances))
    sigmas = pdf.config.param_set("staterror_sr").sigmas
    np.testing.assert_allclose(sigmas, errors / (nominal["s"] + nominal["b"]), rtol=1e-12)
    assert description.nuisances == ["lumi", "heavy", "jes"]
    assert not description.asimov
    np.testing.assert_allclose(description.channels["sr"].samples["signal"].events, nominal["s"].sum())
    best = pyhf.infer.mle.fit(made["observations"][0]["data"] + pdf.config.auxdata, pdf)
    assert np.isfinite(best).all()


def test_without_data_they_are_what_is_expected(samples):
    simulation = [samples[name].manifest for name in ("signal", "ttbar", "plain")]
    found = events.histograms(job(), "sr", [], simulation, dict.fromkeys(samples, FRIENDS))
    with pytest.raises(ConfigError, match="neither data nor a luminosity"):
        workspace_of("example", model(), [found])
    made, description = workspace_of("example", model(luminosity=LUMINOSITY, asimov=2), [found])
    (signal,), (background,) = found.samples["signal"], found.samples["background"]
    asimov = LUMINOSITY * (2 * np.array(signal.values) + background.values)
    np.testing.assert_allclose(made["observations"][0]["data"], asimov, rtol=1e-12)
    assert description.asimov
    pdf = pyhf.Workspace(made).model(measurement_name="example")
    best = pyhf.infer.mle.fit(made["observations"][0]["data"] + pdf.config.auxdata, pdf)
    np.testing.assert_allclose(best[pdf.config.poi_index], 2.0, atol=1e-3)


def test_a_bin_that_no_background_happens_to_fill_is_known_to_one_event():
    def part(values, weight):
        found = {"values": values, "variances": (np.array(values) * weight).tolist(), "events": 9, "outside": 0.0}
        return [{"era": "a", "varied": {}} | found]

    samples = {
        "signal": part([1.0, 4.0, 4.0, 4.0, 0.0], 0.01),
        "light": part([90.0, 0.0, 1.0, 30.0, 0.0], 1.0),
        "heavy": part([10.0, 0.0, 0.0, 0.0, 0.0], 5.0),
    }
    given = {"channel": "sr", "observable": "x", "label": "x", "unit": "1", "edges": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]}
    given |= {"in_fb": True, "luminosity": None, "samples": samples, "data": None, "notes": []}
    settings = {"luminosity": 1.0, "nuisances": {}}
    settings["samples"] = {"signal": {"signal": True}, "light": {}, "heavy": {}}

    def errors(found, **changes):
        made, description = workspace_of("example", model(**settings | changes), [found])
        channel = made["channels"][0]
        modifiers = [modifier for one in channel["samples"] for modifier in one["modifiers"]]
        squares = [np.square(one["data"]) for one in modifiers if one["type"] == "staterror"]
        return channel, sum(squares), [one.sample for one in description.treatments if one.what == "few_events"]

    channel, found, told = errors(build(given, ChannelHistograms, "test"))
    weight = (121 + 50) / 131
    # The last bin has nothing at all, and needs no error.
    assert found == pytest.approx([140.01, 0.04 + weight**2, 0.04 + weight**2, 30.04, 0])
    assert told == ["light", "heavy"]
    pdf = pyhf.Model({"channels": [channel]}, poi_name="mu")
    # The signal in the empty bin alone: an event of background would hide a fourth of it.
    sigmas = pdf.config.param_set("staterror_sr").sigmas
    assert sigmas[1] == pytest.approx(np.sqrt(0.04 + weight**2) / 4)
    # Histograms of a file have the errors that they have.
    _, found, told = errors(build(given | {"in_fb": False}, ChannelHistograms, "test"))
    assert (found[1], told) == (pytest.approx(0.04), [])
    _, found, told = errors(build(given, ChannelHistograms, "test"), statistics=False)
    assert (found, told) == (0, [])


def test_a_part_of_the_luminosity_is_that_of_an_era(make_sample):
    data = [
        make_sample(f"data_{era}", 60, seed, 0.0, nature="data", era=era, luminosity=lumi).manifest
        for era, seed, lumi in (("a", 5, 5.0), ("b", 6, 15.0))
    ]
    simulated = {era: make_sample(f"mc_{era}", 300, seed, 0.0, era=era) for era, seed in (("a", 7), ("b", 8))}
    one = job(members={"background": ["mc_a", "mc_b"]}, variations={"background": ["jes"]})
    friends = dict.fromkeys(("data_a", "data_b", "mc_a", "mc_b"), FRIENDS)
    found = events.histograms(one, "sr", data, [sample.manifest for sample in simulated.values()], friends)
    assert found.luminosity == LUMINOSITY
    parts = {part.era: part for part in found.samples["background"]}
    for era, share in (("a", 0.25), ("b", 0.75)):
        np.testing.assert_allclose(parts[era].values, share * by_hand(simulated[era])[0], rtol=1e-12)
    # A nuisance of one era leaves the others; one of each era is two parameters.
    given = {
        "channels": {"sr": CHANNEL},
        "samples": {"background": {"normalisation": "free", "parameter": "mu"}},
        "nuisances": {
            "jes": {"variation": "jes", "each_era": True},
            "trigger": {"size": 1.1, "eras": ["a"]},
        },
        "statistics": False,
    }
    made, description = workspace_of("eras", build(given, Model, "test"), [found])
    assert description.nuisances == ["jes_a", "jes_b", "trigger"]
    pdf = pyhf.Workspace(made).model(measurement_name="eras")
    parameters = np.array(pdf.config.suggested_init())
    nominal = pdf.expected_actualdata(parameters)
    parameters[pdf.config.par_slice("trigger")] = 1.0
    a, b = (LUMINOSITY * np.array(parts[era].values) for era in ("a", "b"))
    np.testing.assert_allclose(nominal, a + b, rtol=1e-12)
    np.testing.assert_allclose(pdf.expected_actualdata(parameters), 1.1 * a + b, rtol=1e-9)
    parameters[pdf.config.par_slice("trigger")], parameters[pdf.config.par_slice("jes_b")] = 0.0, 1.0
    up = LUMINOSITY * np.array(parts["b"].varied["jes"].up)
    np.testing.assert_allclose(pdf.expected_actualdata(parameters), a + up, rtol=1e-9)


def test_events_that_trained_a_tagger_are_left_out_and_the_others_stand_for_them(samples):
    one = job(
        members={"background": ["ttbar"]},
        variations={},
        channel={"observable": "x", "edges": EDGES, "cut": "j1_part_qcd > 0.3"},
    )
    found = events.histograms(one, "sr", [], [samples["ttbar"].manifest], {"ttbar": ["tag"]})
    known, weight = samples["ttbar"].columns, samples["ttbar"].weight
    passes = known["passes"]
    scale = weight[passes].sum() / weight[passes & ~known["trained"]].sum()
    kept = passes & ~known["trained"] & (known["y"] > 0.3)
    expected = np.histogram(known["x"][kept], EDGES, weights=scale * (weight * known["w"])[kept])[0]
    np.testing.assert_allclose(found.samples["background"][0].values, expected, rtol=1e-12)


def test_weights_of_a_calibration_keep_the_total_and_equally_likely_ones_are_up_their_spread(samples):
    one = job(members={"background": ["ttbar"]}, variations={"background": ["lund_stat", "btag_heavy"]})
    found = events.histograms(one, "sr", [], [samples["ttbar"].manifest], {"ttbar": [*FRIENDS, "calibrate"]})
    known, generated = samples["ttbar"].columns, samples["ttbar"].weight
    passes = known["passes"]

    def expected(b_tag: str, lund: np.ndarray) -> np.ndarray:
        """Of as many events as there are without the weights ``lund``."""
        known["both"] = known[b_tag] * lund
        kept = (generated * known[b_tag])[passes].sum() / (generated * known["both"])[passes].sum()
        return kept * by_hand(samples["ttbar"], weight="both")[0]

    (part,) = found.samples["background"]
    nominal = expected("w", known["lund"])
    np.testing.assert_allclose(part.values, nominal, rtol=1e-12)
    np.testing.assert_allclose(part.varied["btag_heavy"].up, expected("w_up", known["lund"]), rtol=1e-12)
    rows = [expected("w", toy) for toy in known["toys"].T]
    varied = part.varied["lund_stat"]
    assert varied.down is None
    np.testing.assert_allclose(varied.up, nominal + np.sqrt(np.mean((rows - nominal) ** 2, axis=0)), rtol=1e-9)


@pytest.mark.parametrize(
    ("channel", "sentence"),
    [
        ({"cut": "y + 1"}, "the cut 'y \\+ 1' is a number and no condition"),
        ({"observable": "nothing"}, "no column 'nothing'"),
        ({"observable": "x +"}, "is no formula"),
    ],
)
def test_what_is_no_channel_is_one_sentence(samples, channel, sentence):
    with pytest.raises(ResonautError, match=sentence):
        filled(samples, channel=CHANNEL | channel)


def test_a_variation_that_nothing_has_is_one_sentence(samples):
    found = filled(samples, variations={"signal": ["jet"], "background": ["jet"]})
    with pytest.raises(
        ConfigError, match=r"nuisances.jet: no dataset or histogram of its samples has the variation 'jet'"
    ):
        workspace_of("example", model(nuisances={"jet": {"variation": "jet"}}), [found])


def test_the_commands_write_what_the_functions_give(samples, tmp_path):
    keys, histograms = tmp_path / "job.json", tmp_path / "sr.json"
    write_json(keys, plain(job(), HistogramsJob))
    simulation = [f"--simulation={samples[name].manifest}" for name in ("signal", "ttbar", "plain")]
    friends = [f"--weights={name}=classify/bdt" for name in samples]
    words = [
        "template-histograms",
        "--config",
        keys,
        "--channel",
        "sr",
        "--data",
        samples["data"].manifest,
        "--output",
        histograms,
    ]
    run = CliRunner().invoke(app, [*map(str, words), *simulation, *friends], catch_exceptions=False)
    assert run.exit_code == 0
    assert read(histograms, ChannelHistograms) == filled(samples)
    write_json(keys, {"model": plain(model(), Model)})
    words = [
        "template-workspace",
        "--config",
        keys,
        "--model",
        "example",
        "--output",
        tmp_path / "workspace.json",
        "--description",
        tmp_path / "model.json",
        histograms,
    ]
    assert CliRunner().invoke(app, [*map(str, words)], catch_exceptions=False).exit_code == 0
    made, description = workspace_of(
        "example", config.read(keys, WorkspaceJob).model, [read(histograms, ChannelHistograms)]
    )
    assert json.loads((tmp_path / "workspace.json").read_text()) == made
    assert read(tmp_path / "model.json", ModelDescription) == description
