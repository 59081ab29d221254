"""The efficiency and the peak of a signal with shifted jets, by a selection that is not trained again."""

import awkward as ak
import hist
import numpy as np
import pytest

from resonaut.core import events
from resonaut.core.collisions import Collisions
from resonaut.core.events import Dataset
from resonaut.core.variations import only_different, shifted_name
from resonaut.select.peak import moved, position_and_width
from resonaut.select.results import Moved
from resonaut.select.train import selection

LOWEST = 3400.0
SHIFTS = {"jes_up": (1.01, 1.05), "jes_down": (0.99, 0.95), "jms_up": (1.0, 0.4), "nothing_up": (1.0, 1.0)}


def shifted(nominal: ak.Array, scale: float, mass: float) -> ak.Array:
    """All jets ``scale`` times as hard, their masses ``mass`` times as large."""
    found = ak.with_field(nominal, nominal.m_jj * np.float32(scale), "m_jj")
    for name in ("j1_softdrop_mass", "j2_softdrop_mass"):
        found = ak.with_field(found, found[name] * np.float32(mass), name)
    return found


def passing(of: ak.Array) -> np.ndarray:
    return ak.to_numpy(of.m_jj) > LOWEST


@pytest.fixture
def signals(write_dataset, toys) -> dict[str, Dataset]:
    """The ``signal`` with its variations, and the events of each variation as a dataset of its own."""
    every = toys(2500, 4, signal=True)
    kept = np.any([passing(shifted(every, *by)) for by in [(1.0, 1.0), *SHIFTS.values()]], axis=0)
    every = every[kept]
    nominal = ak.with_field(every, passing(every), "passes")
    stored = nominal
    for name, by in SHIFTS.items():
        other = shifted(every, *by)
        other = ak.with_field(other, passing(other), "passes")
        for column in ("m_jj", "j1_softdrop_mass", "j2_softdrop_mass", "passes"):
            values = only_different(other[column], nominal[column])
            if ak.any(~ak.is_none(values)):
                stored = ak.with_field(stored, values, shifted_name(column, name))
    scale = {"weight_scale": 1e-3}
    groups = dict.fromkeys(SHIFTS, "jets")
    number = int(ak.sum(nominal.passes))
    found = {"signal": write_dataset("signal", "signal", [stored], variations=groups, events=number, **scale)}
    for name, by in SHIFTS.items():
        other = shifted(every, *by)
        found[name] = write_dataset(name, "signal", [other[passing(other)]], **scale)
    return {name: Dataset.open(path) for name, path in found.items()}


@pytest.mark.parametrize("method", ["inclusive", "cwola"])
def test_each_variation_is_what_its_events_alone_give(settings, manifests, signals, method) -> None:
    """The same training scores and counts the shifted events as if they were the nominal ones."""
    data = Collisions.open([manifests["data"]])
    result = selection(settings, method, "w3500", data, [], list(signals.values()), {})
    found = {one.dataset: one for one in result.signals}
    nominal, effect = found["signal"], found["signal"].weights["jets"]
    assert effect.scale_factor == 1
    assert set(effect.uncertainties) == {"jes", "jms", "nothing"}
    for name in SHIFTS:
        source, _, way = name.rpartition("_")
        side = 0 if way == "up" else 1
        change = effect.uncertainties[source][side]
        assert nominal.efficiency * (1 + change) == pytest.approx(found[name].efficiency, rel=1e-9), name
        (at, width), (own, own_width) = (position_and_width(found[one].spectrum) for one in ("signal", name))
        assert nominal.moved[f"jets_{source}"].position[side] == pytest.approx(own / at - 1, abs=1e-9)
        assert nominal.moved[f"jets_{source}"].width[side] == pytest.approx(own_width / width - 1, abs=1e-9)
        friend = [f"select/{method}/w3500"]
        columns = [f"score_{method}", f"selected_{method}"]
        varied = ak.concatenate(list(signals["signal"].iterate(columns, friend, name)))
        plain = signals[name].read(columns, friend)
        assert varied.event.to_list() == plain.event.to_list()
        assert varied[columns[1]].to_list() == plain[columns[1]].to_list()
        np.testing.assert_allclose(varied[columns[0]], plain[columns[0]])
    assert effect.uncertainties["nothing"] == (0.0, 0.0)
    assert nominal.moved["jets_nothing"] == Moved(position=(0.0, 0.0), width=(0.0, 0.0))
    assert effect.uncertainties["jms"][1] == 0
    if method == "cwola":
        assert effect.uncertainties["jms"][0] != 0


def test_a_scale_moves_the_peak_and_lets_in_what_is_above_the_threshold(settings, manifests, signals) -> None:
    """Counted by hand: without a cut on a score all that passes is selected."""
    data = Collisions.open([manifests["data"]])
    (signal,) = selection(settings, "inclusive", "w3500", data, [], [signals["signal"]], {}).signals
    every = ak.concatenate(list(signals["signal"].iterate(["m_jj", "passes"], every=True)))
    m_jj = ak.to_numpy(every.m_jj)
    counts = {scale: np.count_nonzero(m_jj * np.float32(scale) > LOWEST) for scale in (0.99, 1.0, 1.01)}
    assert signal.efficiency == pytest.approx(counts[1.0] * 1e-3)
    up, down = signal.weights["jets"].uncertainties["jes"]
    assert up == pytest.approx(counts[1.01] / counts[1.0] - 1)
    assert down == pytest.approx(counts[0.99] / counts[1.0] - 1)
    assert up > 0.02
    assert down < -0.02


def test_the_peak_moves_by_the_scale_and_widens_by_the_resolution() -> None:
    rng = np.random.default_rng(1)
    mass = rng.normal(3500, 100, 200_000)
    axis = hist.axis.Regular(1500, 2000, 8000)
    spectra = {
        "jes_up": 1.01 * mass,
        "jes_down": 0.99 * mass,
        "jer_up": 3500 + 1.2 * (mass - 3500),
        "lost_up": mass[:0],
    }
    nominal, shifts = hist.Hist(axis).fill(mass), {name: hist.Hist(axis).fill(m) for name, m in spectra.items()}
    found = moved(nominal, shifts, dict.fromkeys(spectra, "jets"))
    assert found["jets_jes"].position == pytest.approx((0.01, -0.01), abs=2e-5)
    assert found["jets_jes"].width == pytest.approx((0.0, 0.0), abs=2e-3)
    assert found["jets_jer"].position == pytest.approx((0.0, 0.0), abs=1e-4)
    assert found["jets_jer"].width == pytest.approx((0.2, 0.0), abs=2e-3)
    assert found["jets_lost"] == Moved(position=(0.0, 0.0), width=(0.0, 0.0))
    assert position_and_width(nominal) == pytest.approx((3500, 100 / 3500), rel=5e-3)


def test_weights_of_skim_count_in_the_efficiency(settings, manifests, write_dataset, toys) -> None:
    """They are columns of the dataset's own files."""
    from resonaut.core.weights import Factor

    signal = toys(1000, 4, signal=True)
    heavy = np.where(ak.to_numpy(signal.m_jj) > 3500, 2.0, 1.0)
    whole = ak.with_field(ak.with_field(signal, heavy, "pileup"), 1.1 * heavy, "pileup_up")
    path = write_dataset("weighted", "signal", [signal], weight_scale=1e-3)
    notes = {"pileup": Factor("pileup").metadata(), "pileup_up": Factor("pileup", "xs", "up").metadata()}
    events.write(Dataset.open(path).path("skim", "000"), [whole], {}, notes)
    data = Collisions.open([manifests["data"]])
    (found,) = selection(settings, "inclusive", "w3500", data, [], [Dataset.open(path)], {}).signals
    assert found.efficiency == pytest.approx(heavy.sum() * 1e-3)
    assert found.weights["pileup"].scale_factor == pytest.approx(heavy.mean())
    assert found.weights["pileup"].uncertainties["xs"] == pytest.approx((0.1, 0.0))
