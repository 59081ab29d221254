import pytest

from resonaut.core.errors import ConfigError
from resonaut.core.files import write_json
from resonaut.select import settings as select_settings


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
        select_settings.read(path)


def test_an_unknown_window_is_named(settings):
    with pytest.raises(ConfigError, match=r"no window 'w9000' in select\.windows; it has w3500"):
        select_settings.window(settings, "w9000")
