"""Contradictions between ``fit`` and the rest of the configuration, found before the first job."""

import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from resonaut.core import windows
from resonaut.core.analysis import Analysis
from resonaut.core.configuration import validate
from resonaut.core.errors import ConfigError
from resonaut.fit.plan import GIVES, check, keys, section_of, weighting

ROOT = Path(__file__).parents[3]


def merged(first, second):
    """As Snakemake merges configuration files."""
    result = deepcopy(first)
    for key, value in second.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


def configuration(*overlays):
    files = [ROOT / "config/config.yaml", *overlays]
    result = {}
    for content in (yaml.safe_load(one.read_text()) if isinstance(one, Path) else one for one in files):
        result = merged(result, content)
    return validate(result)


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        ({"range": [8000, 3000]}, "fit.range is [8000, 3000]"),
        ({"range": [3000, 3000]}, "fit.range is [3000, 3000]"),
        ({"background": {"shape_parameters": [5, 2]}}, "fit.background.shape_parameters is [5, 2]"),
        ({"bump_widths": [6, 2]}, "fit.bump_widths is [6, 2]"),
        ({"sqrt_s": 7000}, "above fit.sqrt_s (7000 GeV)"),
        ({"bin_width": 7}, "no whole number of bins of 7 GeV"),
        ({"bin_width": 6000}, "no whole number of bins"),
        ({"range": [1996, 8000]}, "not inside select.spectrum"),
        ({"range": [3000, 8004]}, "not inside select.spectrum"),
        ({"bin_width": 1e-6}, "not made of whole bins of select.spectrum"),
        ({"bin_width": 2}, "not made of whole bins of select.spectrum"),
        ({"bin_width": 10}, "not made of whole bins of select.spectrum"),
        ({"range": [3002, 7998]}, "not made of whole bins of select.spectrum"),
        ({"masses": [4000, 3500]}, "not ascending"),
        ({"masses": [3500, 4000, 4000.0000001, 3900]}, "not ascending"),
        ({"masses": [2500, 3500]}, "2500 GeV not inside fit.range"),
        ({"range": [3500, 8000], "masses": [3500, 4000]}, "3500 GeV not inside fit.range"),
        ({"masses": [3500, 4750, 6000]}, "4750, 6000 GeV in no signal region"),
        ({"masses": [4000]}, "fit.limit_checks.masses: 3500 GeV not among fit.masses"),
        ({"bias": {"masses": [3550]}}, "fit.bias.masses: 3550 GeV not among fit.masses"),
        ({"signals": ["signal_9"]}, "'signal_9', which is not in search.samples.signal"),
        ({"signals": ["qcd"]}, "'qcd', which is not in search.samples.signal"),
        ({"signals": ["signal_3500", "signal_tt"]}, "two signals of 3500 GeV, 'signal_3500' and 'signal_tt'"),
    ],
)
def test_contradictions(section, sentence):
    with pytest.raises(ConfigError) as caught:
        check(Analysis(configuration({"fit": section}), {}))
    assert str(caught.value).startswith("config: fit.") or str(caught.value).startswith("config: the bins of fit.")
    assert sentence in str(caught.value)
    assert str(caught.value).endswith(".")


def test_signals_outside_the_analysis_or_without_a_mass():
    config = configuration()
    config["datasets"]["signal_3500"]["mass"] = None
    with pytest.raises(ConfigError, match=r"set datasets\.signal_3500\.mass"):
        check(Analysis(config, {}))
    config["search"]["samples"]["signal"].remove("signal_3500")
    with pytest.raises(ConfigError, match=r"not in search\.samples\.signal"):
        check(Analysis(config, {}))
    # Without the fit nothing of it matters.
    config["search"]["stages"].remove("fit")
    check(Analysis(config, {}))


@pytest.mark.parametrize("key", ["masses", "signals"])
def test_masses_and_signals_twice_or_none(key):
    values = {"masses": [3500, 3500], "signals": ["signal_3500", "signal_3500"]}
    with pytest.raises(ConfigError, match=key):
        configuration({"fit": {key: values[key]}})
    if key == "masses":
        with pytest.raises(ConfigError, match=r"fit\.masses is empty"):
            check(Analysis(configuration({"fit": {"masses": []}}), {}))


def test_windows_of_chains_count():
    chains = {"select": {"windows": {}, "window_chains": {"a": [3000, 3300, 3900, 4300]}}}
    config = configuration(chains, {"fit": {"masses": [3500], "signals": []}})
    config["select"]["windows"] = windows.expand({}, config["select"]["window_chains"])
    check(Analysis(config, {}))
    config["fit"]["masses"], config["fit"]["limit_checks"]["masses"] = [3000.5], []
    with pytest.raises(ConfigError, match="in no signal region"):
        check(Analysis(config, {}))


def test_what_is_said_of_another_observable_has_no_unit_of_energy():
    window = {"observable": "tau21", "signal_region": [0.3, 0.5], "sidebands": [[0.2, 0.3], [0.5, 0.6]]}
    own = {"range": [0.2, 0.65], "bin_width": 0.1, "masses": [0.4]}
    config = configuration()
    config["select"]["windows"]["tau"] = next(iter(config["select"]["windows"].values())) | window
    config["select"]["observables"]["tau21"] = {"spectrum": {"low": 0.0, "high": 1.0, "width": 0.01}}
    config["fit"]["observables"]["tau21"] = own
    with pytest.raises(ConfigError) as caught:
        check(Analysis(config, {}))
    assert "tau21.range, 0.2 to 0.65, is no whole number of bins of 0.1, fit.observables.tau21" in str(caught.value)


@pytest.mark.parametrize(("own", "found"), [({}, 0.03), ({"signal_width": 0.1}, 0.1), ({"resolution": 0.08}, 0.08)])
def test_the_resolution_of_dijets_is_not_that_of_another_observable(own, found):
    config = configuration()
    config["fit"]["observables"]["tau21"] = {"range": [0.2, 0.6], "bin_width": 0.1, "masses": [0.4]} | own
    assert section_of(Analysis(config, {}), "tau21")["resolution"] == found
    assert section_of(Analysis(config, {}), "m_jj")["resolution"] is None


def test_predictions_are_made_on_request_of_what_simulation_there_is():
    assert GIVES["predictions"](Analysis(configuration(), {})) == []
    given = Analysis(configuration({"fit": {"prediction": "blind"}}), {})
    assert "<results>/fit/cwola/w3500_prediction.json" in GIVES["predictions"](given)
    # The fits know nothing of it, and a prediction nothing of the bias test.
    plain = Analysis(configuration(), {})
    assert keys(given, "selection", "w3500") == keys(plain, "selection", "w3500")
    assert keys(given, "prediction", "w3500")["prediction"] == "blind"
    assert "bias" not in keys(given, "prediction", "w3500")
    assert weighting(given) == [("qcd", "reweight"), ("qcd", "tag")]
    none = configuration({"fit": {"prediction": "observed"}, "search": {"samples": {"background": []}}})
    with pytest.raises(ConfigError, match=r"fit\.prediction compares with simulated background, and there is none"):
        check(Analysis(none, {}))


def test_nothing_heavy_is_imported():
    code = "import sys, resonaut.fit.plan; sys.exit(bool({'numpy', 'scipy', 'numba'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
