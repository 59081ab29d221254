"""What a nuisance does to a template by the stated rules, and degenerate templates."""

import numpy as np
import pyhf
import pytest

from resonaut.core.errors import ConfigError, EmptySelectionError
from resonaut.core.record import build
from resonaut.fit.results.models import ChannelHistograms, Part, Varied
from resonaut.fit.templates.build import build as workspace_of
from resonaut.fit.templates.settings import Model
from resonaut.fit.templates.smoothing import smooth

pytestmark = pytest.mark.filterwarnings("ignore:jsonschema:DeprecationWarning")

BACKGROUND = [40.0, 30.0, 20.0, 10.0]


def part(values, varied=None, variances=None, era=None) -> Part:
    ways = {name: Varied(up=one[0], down=one[1]) for name, one in (varied or {}).items()}
    variances = values if variances is None else variances
    return Part(era=era, values=values, variances=list(map(abs, variances)), events=None, outside=None, varied=ways)


def histograms(data=None, **samples) -> ChannelHistograms:
    one = {"channel": "sr", "observable": "x", "label": "x", "unit": "GeV", "edges": [0, 1, 2, 3, 4], "in_fb": False}
    one["edges"] = list(map(float, one["edges"]))
    parts = {name: [given] if isinstance(given, Part) else given for name, given in samples.items()}
    return ChannelHistograms(**one, luminosity=None, samples=parts, data=data, notes=[])


def made(found: ChannelHistograms, **changes):
    given = {
        "channels": {"sr": {}},
        "samples": {name: {"signal": name == "signal"} for name in found.samples},
        "statistics": False,
        "parameters_of_interest": ["mu"],
    }
    return workspace_of("test", build(given | changes, Model, "test"), [found])


def modifiers(workspace, sample: str) -> dict[tuple[str, str], dict]:
    (channel,) = workspace["channels"]
    (one,) = (one for one in channel["samples"] if one["name"] == sample)
    return {(modifier["name"], modifier["type"]): modifier["data"] for modifier in one["modifiers"]}


SIGNAL = part([0.0, 5.0, 5.0, 0.0])


def varied(up, down, **changes):
    """The workspace of a background with one variation, and what was done."""
    nuisance = changes.pop("nuisance", {})
    found = histograms(signal=SIGNAL, background=part(BACKGROUND, {"jes": (up, down)}))
    nuisances = {"jes": {"variation": "jes", "samples": ["background"]} | nuisance}
    workspace, description = made(found, nuisances=nuisances, **changes)
    return modifiers(workspace, "background"), {one.what: one for one in description.treatments}


def test_a_change_is_a_factor_and_a_shape_of_the_nominal_yield():
    up, down = [48.0, 30.0, 20.0, 12.0], [38.0, 27.0, 18.0, 7.0]
    found, done = varied(up, down)
    assert found["jes", "normsys"] == {"hi": pytest.approx(1.1), "lo": pytest.approx(0.9)}
    np.testing.assert_allclose(found["jes", "histosys"]["hi_data"], np.array(up) / 1.1)
    np.testing.assert_allclose(found["jes", "histosys"]["lo_data"], np.array(down) / 0.9)
    assert "pruned_shape" not in done


def test_a_way_that_is_not_there_or_nominal_is_mirrored():
    up = [44.0, 30.0, 20.0, 6.0]
    for down in (None, BACKGROUND):
        found, done = varied(up, down)
        np.testing.assert_allclose(found["jes", "histosys"]["lo_data"], [36.0, 30.0, 20.0, 14.0])
        assert ("jes", "normsys") not in found
        assert done["mirrored"].nuisance == "jes"
    # Mirrored below zero is zero, and of the mirrored yield.
    found, _ = varied([40.0, 30.0, 45.0, 10.0], None)
    low = np.array(found["jes", "histosys"]["lo_data"]) * found["jes", "normsys"]["lo"]
    np.testing.assert_allclose(low, np.array([40.0, 30.0, 0.0, 10.0]) * 75 / 80)


def test_both_ways_are_symmetric_where_that_is_asked_for():
    found, done = varied([48.0, 30.0, 20.0, 12.0], [44.0, 30.0, 20.0, 8.0], nuisance={"symmetric": True})
    assert found["jes", "normsys"]["hi"] + found["jes", "normsys"]["lo"] == pytest.approx(2)
    high = np.array(found["jes", "histosys"]["hi_data"]) * found["jes", "normsys"]["hi"]
    np.testing.assert_allclose(high, [42.0, 30.0, 20.0, 12.0])
    assert "symmetrised" in done


def test_the_same_side_both_ways_is_told():
    assert "same_side" in varied([44.0, 33.0, 22.0, 11.0], [42.0, 31.5, 21.0, 10.5])[1]
    assert "same_side" not in varied([44.0, 33.0, 22.0, 11.0], [38.0, 28.5, 19.0, 9.5])[1]


@pytest.mark.parametrize(("limit", "kept"), [(0.009, True), (0.011, False)])
def test_what_is_small_is_left_out_and_told(limit, kept):
    """One per cent of the yield, and one of the shape: the last bin's 2 per cent, less that of the yield."""
    factor = [one * 1.01 for one in BACKGROUND]
    found, done = varied(factor, [one / 1.01 for one in BACKGROUND], prune={"normalisation": limit})
    assert (("jes", "normsys") in found) == kept
    assert ("pruned_normalisation" in done) != kept
    up, down = [40.0, 30.2, 19.8, 10.0], [40.0, 29.8, 20.2, 10.0]
    found, done = varied(up, down, prune={"shape": limit})
    assert (("jes", "histosys") in found) == kept
    assert ("pruned_shape" in done) != kept


def test_a_yield_that_all_but_vanishes_is_all_shape():
    found, done = varied([80.0, 60.0, 40.0, 20.0], [0.0, 0.0, 0.0, 0.1])
    assert list(found) == [("jes", "histosys")]
    assert found["jes", "histosys"]["hi_data"] == [80.0, 60.0, 40.0, 20.0]
    assert "unsplit" in done


def test_smoothing_keeps_the_yield_and_smooths_the_ratio():
    rng = np.random.default_rng(3)
    nominal = np.full(4, 100.0)
    up = nominal * (1.05 + rng.normal(0, 0.02, 4))
    found = histograms(background=part(nominal.tolist(), {"jes": (up.tolist(), None)}), signal=SIGNAL)
    nuisances = {"jes": {"variation": "jes", "samples": ["background"]}}
    workspace, description = made(found, nuisances=nuisances, smooth="353QH")
    one = modifiers(workspace, "background")
    assert one["jes", "normsys"]["hi"] == pytest.approx(up.sum() / 400)
    expected = smooth(up / nominal) * nominal
    np.testing.assert_allclose(one["jes", "histosys"]["hi_data"], expected * 400 / expected.sum())
    assert "smoothed" in {treated.what for treated in description.treatments}
    plain, _ = made(found, nuisances={"jes": nuisances["jes"] | {"smooth": False}}, smooth="353QH")
    np.testing.assert_allclose(modifiers(plain, "background")["jes", "histosys"]["hi_data"], up * 400 / up.sum())


@pytest.mark.parametrize(
    ("values", "smoothed"),
    [
        # What ROOT's TH1::Smooth gives.
        ([1, 3, 2, 5], [1, 2, 3.25, 5]),
        ([1, 3, 2, 5, 11, 3, 8], [1.0, 2.125, 3.66666675, 5.08333349, 6.16666651, 7.375, 8.0]),
        (
            [0.16505027, 0.9246096, 0.04765633, 0.36997846, 0.37872216],
            [0.16505027, 0.21628231, 0.31874642, 0.36997846, 0.36997846],
        ),
        ([0.29093575, 0.9347465, 0.2972376, 0.61081952, -1.0], [0.29093575, 0.52901053, 0.47264278, -0.06587567, -1.0]),
        ([1, 3], [1, 3]),
    ],
)
def test_353qh_is_that_of_root(values, smoothed):
    np.testing.assert_allclose(smooth(np.array(values, float)), smoothed, rtol=1e-6)


def test_negative_bins_are_empty_and_the_yield_stays():
    found = histograms(signal=SIGNAL, background=part([40.0, -10.0, 60.0, 10.0]))
    workspace, description = made(found)
    contents = workspace["channels"][0]["samples"][1]["data"]
    np.testing.assert_allclose(contents, np.array([40.0, 0.0, 60.0, 10.0]) * 100 / 110)
    assert description.treatments[0].what == "clipped"
    samples = {"signal": {"signal": True}, "background": {"negative": "keep"}}
    kept, _ = made(found, samples=samples)
    assert kept["channels"][0]["samples"][1]["data"] == [40.0, -10.0, 60.0, 10.0]
    # One that is negative as a whole is not there.
    workspace, description = made(
        histograms(signal=SIGNAL, background=part(BACKGROUND), small=part([0.5, -3.0, 0.0, 0.0]))
    )
    assert [one["name"] for one in workspace["channels"][0]["samples"]] == ["signal", "background"]
    assert {one.what for one in description.treatments} == {"clipped", "empty_sample"}


def test_a_nuisance_without_effect_is_not_in_the_workspace():
    found = histograms(signal=SIGNAL, background=part(BACKGROUND, {"jes": (BACKGROUND, BACKGROUND)}))
    workspace, description = made(found, nuisances={"jes": {"variation": "jes"}, "lumi": {"size": 1.02}})
    assert {name for name, _ in modifiers(workspace, "background")} == {"lumi"}
    assert [(one.what, one.nuisance) for one in description.treatments] == [("no_effect", "jes")]
    assert description.nuisances == ["lumi"]
    pyhf.Workspace(workspace).model(measurement_name="test")


def test_a_signal_that_nobody_selects_is_one_sentence():
    found = histograms(signal=part([0.0] * 4), background=part(BACKGROUND))
    with pytest.raises(EmptySelectionError, match="no channel selects an event of 'signal', and nothing depends"):
        made(found)


def test_data_where_nothing_is_expected_are_one_sentence_and_none_there_are_told():
    found = histograms(data=[40.0, 0.0, 3.0, 1.0], signal=SIGNAL, background=part([40.0, 0.0, 20.0, 0.0]))
    with pytest.raises(EmptySelectionError, match=r"bins \[3\] \(from 0\) of the channel 'sr', which hold 1 events"):
        made(found)
    found = histograms(data=[40.0, 0.0, 3.0, 0.0], signal=SIGNAL, background=part([40.0, 0.0, 20.0, 0.0]))
    workspace, description = made(found, statistics=True)
    assert [(one.what, one.size) for one in description.treatments] == [("empty_bins", 2.0)]
    pdf = pyhf.Workspace(workspace).model(measurement_name="test")
    best = pyhf.infer.mle.fit(workspace["observations"][0]["data"] + pdf.config.auxdata, pdf)
    assert np.isfinite(best).all()
    # Expected signal there is a result, and told.
    _, description = made(histograms(signal=SIGNAL, background=part([40.0, 0.0, 20.0, 0.0])))
    assert "some of which hold expected signal" in description.treatments[-1].why


def test_a_free_sample_that_is_nowhere_has_no_parameter():
    found = histograms(signal=SIGNAL, background=part(BACKGROUND), other=part([0.0] * 4))
    samples = {"signal": {"signal": True}, "background": {}, "other": {"normalisation": "free"}}
    workspace, description = made(found, samples=samples)
    assert [one["name"] for one in workspace["measurements"][0]["config"]["parameters"]] == ["mu"]
    assert {one.what for one in description.treatments} == {"empty_sample", "free_without_effect"}


def test_a_parameter_of_interest_is_one_of_a_sample_and_has_the_range_that_is_given():
    found = histograms(signal=SIGNAL, background=part(BACKGROUND))
    with pytest.raises(ConfigError, match="parameters_of_interest: 'kappa' multiplies no sample"):
        made(found, parameters_of_interest=["mu", "kappa"])
    workspace, _ = made(found, ranges={"mu": [-5, 20]})
    (one,) = workspace["measurements"][0]["config"]["parameters"]
    assert one == {"name": "mu", "inits": [1.0], "bounds": [[-5.0, 20.0]]}


@pytest.mark.parametrize(
    ("nuisance", "sentence"),
    [
        ({"size": 1.1, "eras": ["2016"]}, r"nuisances.lumi: nothing is of the era '2016' \(there are 2017, 2018\)"),
        ({"size": 1.1, "also": [{"size": 1.2, "eras": ["2019"]}]}, "nothing is of the era '2019'"),
    ],
)
def test_an_era_that_nothing_is_of_is_one_sentence(nuisance, sentence):
    parts = [part(BACKGROUND, era=era) for era in ("2017", "2018")]
    with pytest.raises(ConfigError, match=sentence):
        made(histograms(signal=SIGNAL, background=parts), nuisances={"lumi": nuisance})
    _, description = made(
        histograms(signal=SIGNAL, background=parts),
        nuisances={"lumi": {"size": 1.1, "eras": ["2018"], "each_era": True, "samples": ["background"]}},
    )
    assert description.nuisances == ["lumi_2018"]
    with pytest.raises(ConfigError, match="each_era: nothing is of an era"):
        made(
            histograms(signal=SIGNAL, background=part(BACKGROUND)), nuisances={"lumi": {"size": 1.1, "each_era": True}}
        )
