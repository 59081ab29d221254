from dataclasses import replace

import awkward as ak
import numpy as np
import pytest

from resonaut import ratio
from resonaut.errors import ConfigError, NotFiniteError
from resonaut.select import method as methods
from resonaut.select.regions import Regions
from resonaut.select.settings import Tagger


@pytest.fixture
def events(toys) -> ak.Array:
    return ak.concatenate([toys(4000, 1), toys(40, 2, signal=True)])


def train(settings, events):
    cwola = methods.make("cwola", settings)
    regions = Regions.of(ak.to_numpy(events.m_jj), settings.windows["w3500"])
    cwola.fit(events, regions, "data")
    return cwola, regions


def test_cwola_compares_the_signal_region_with_sidebands_that_count_the_same(settings, events, monkeypatch):
    given = []
    fit = ratio.CrossFit.fit
    monkeypatch.setattr(ratio.CrossFit, "fit", lambda *args: given.append(args) or fit(*args))
    _, regions = train(settings, events)
    signal, sideband, _ = given[0]
    counts = regions.counts()
    assert (len(signal.keys), len(sideband.keys)) == (counts[1], counts[0] + counts[2])
    lower = ak.to_numpy(events.m_jj)[regions.sideband] < 3250
    assert sideband.weights[lower].sum() == pytest.approx(sideband.weights[~lower].sum())


def test_the_dijet_mass_is_no_input_of_cwola(settings, events):
    cwola, _ = train(settings, events)
    assert "m_jj" not in cwola.columns
    moved = ak.with_field(events, ak.to_numpy(events.m_jj)[::-1].copy(), "m_jj")
    assert np.array_equal(cwola.raw(events, "data").value, cwola.raw(moved, "data").value)


def test_no_event_is_scored_by_a_model_that_saw_it(settings, events, monkeypatch):
    seen = []
    fit = ratio._train

    def record(numerator, denominator, *rest):
        seen.append({row.tobytes() for s in (numerator, denominator) for row in s.features})
        return fit(numerator, denominator, *rest)

    monkeypatch.setattr(ratio, "_train", record)
    cwola, regions = train(settings, events)
    model = cwola.raw(events, "data").model
    rows = [row.tobytes() for row in cwola_features(cwola, events)]
    used = regions.signal | regions.sideband
    for fold, trained_on in enumerate(seen):
        scored = {row for row, m in zip(rows, model, strict=True) if m == fold}
        assert not scored & trained_on
        # And it was trained on all others of the window: the test above can fail.
        others = {row for row, m, u in zip(rows, model, used, strict=True) if m != fold and u}
        assert others == trained_on


def cwola_features(cwola, events):
    from resonaut import features

    return features.compute(events, cwola.features, "data")


def test_the_tagger_combines_both_jets(settings):
    key = {name: np.array([1, 2], np.int64) for name in ("run", "luminosityBlock", "event")}
    scores = ak.Array(key | {"j1_part_qcd": np.array([0.1, 0.5]), "j2_part_qcd": np.array([0.4, 0.5])})
    product = methods.make("tagger", settings)
    assert product.friends == ("tag",)
    assert product.raw(scores, "data").value == pytest.approx([0.54, 0.25])
    smaller = methods.make("tagger", replace(settings, tagger=Tagger("part", "minimum")))
    assert smaller.raw(scores, "data").value == pytest.approx([0.6, 0.5])
    broken = ak.with_field(scores, np.array([np.nan, 0.5]), "j2_part_qcd")
    with pytest.raises(NotFiniteError, match="'j2_part_qcd' has 1 NaN"):
        product.raw(broken, "data")


def test_an_unknown_method_is_named(settings):
    with pytest.raises(ConfigError, match="unknown method 'magic'"):
        methods.make("magic", settings)
