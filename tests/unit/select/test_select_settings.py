import pytest

from resonaut.core.errors import ConfigError
from resonaut.core.files import write_json
from resonaut.select import settings as select_settings
from resonaut.select.methods.cathode import CathodeSettings
from resonaut.select.methods.cwola import CwolaSettings
from resonaut.select.methods.tnt import TntSettings


def test_the_defaults_of_the_schema_make_settings(settings):
    assert (settings.cwola.inputs, settings.cwola.combination) == ("event", "maximum")
    assert (settings.combinations, settings.mass_shift, settings.jet_features) == ({}, 0, ["m", "tau21"])
    assert (settings.classifier.backend, settings.classifier.folds) == ("trees", 2)
    assert select_settings.window(settings, "w3500").sidebands == ((3000.0, 3250.0), (3750.0, 4250.0))


@pytest.mark.parametrize(
    ("signal_region", "sidebands"),
    [
        ([3250, 3750], [[3000, 3300], [3750, 4000]]),
        ([3250, 3750], [[3750, 4000], [3000, 3250]]),
        ([3250, 3250], [[3000, 3250], [3750, 4000]]),
    ],
)
def test_ranges_that_overlap_or_are_empty_are_refused(tmp_path, section, signal_region, sidebands):
    section["windows"] = {"bad": {"signal_region": signal_region, "sidebands": sidebands}}
    path = tmp_path / "select.json"
    write_json(path, section)
    with pytest.raises(ConfigError, match=r"select\.windows\.bad: .* must be ascending ranges"):
        select_settings.read(path, "cwola")


def test_an_unknown_window_is_named(settings):
    with pytest.raises(ConfigError, match=r"no window 'w9000' in select\.windows; it has w3500"):
        select_settings.window(settings, "w9000")


def test_a_method_s_jobs_read_its_own_keys_and_no_others(tmp_path, section):
    """Closed: what is misspelt, or of another method, is refused."""
    path = tmp_path / "select.json"
    write_json(path, section | {"cwola": {"inputs": "jets"}})
    settings = select_settings.read(path, "cwola")
    assert settings.own(CwolaSettings) == CwolaSettings(inputs="jets")
    assert select_settings.of("cwola")().own(CwolaSettings) == CwolaSettings()
    assert select_settings.read_window(path, "w3500") == settings.windows["w3500"]
    with pytest.raises(ConfigError, match=r"unknown key 'cwola'; the keys here are windows, "):
        select_settings.read(path, "salad")
    write_json(path, section | {"cwola": {"input": "jets"}})
    with pytest.raises(ConfigError, match=r"unknown key 'cwola\.input'; did you mean 'inputs'\?"):
        select_settings.read(path, "cwola")


def test_settings_of_another_method_are_an_error(settings):
    with pytest.raises(TypeError, match=r"no TntSettings in these settings; build them with resonaut\.select\.setti"):
        select_settings.of("cwola")().own(TntSettings)
    # CATHODE in the latent space shares the keys of CATHODE.
    assert select_settings.of("lacathode")().own(CathodeSettings) == settings.own(CathodeSettings)
