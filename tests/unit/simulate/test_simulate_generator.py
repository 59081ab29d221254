import dataclasses
import re
from functools import partial
from types import SimpleNamespace

import awkward as ak
import numpy as np
import pytest

from resonaut.core.datasets import Component
from resonaut.core.errors import ConfigError
from resonaut.simulate.generator import Cuts, Pythia, settings
from resonaut.simulate.settings import Process


def component(process: str, mass: float | None = None) -> Component:
    return Component(process=process, mass=mass, cross_section=None, events=10)


def test_mass_and_its_fractions_enter_the_settings(simulate_config) -> None:
    found = settings(simulate_config, component("x_to_yy", 3500.0), "simulation", 5)
    assert "5100039:m0 = 3500" in found
    assert "5100039:mWidth = 35" in found
    assert "5100039:mMax = 4025" in found
    assert "Random:seed = 5" in found
    assert not [line for line in found if "{" in line]


def test_the_tune_separates_data_from_simulation(simulate_config) -> None:
    nature = settings(simulate_config, component("qcd"), "nature", 5)
    assert set(nature) - set(settings(simulate_config, component("qcd"), "simulation", 5)) == set(
        simulate_config.tunes["nature"]
    )


def test_shower_variations_are_asked_for_in_the_order_of_nanoaod(simulate_config) -> None:
    found = settings(simulate_config, component("ww"), "simulation", 5, shower_variations=True)
    (variations,) = [line for line in found if line.startswith("UncertaintyBands:List")]
    factors = re.findall(r"(isr|fsr):muRfac=([\d.]+)", variations)
    assert factors == [("isr", "2.0"), ("fsr", "2.0"), ("isr", "0.5"), ("fsr", "0.5")]
    assert set(simulate_config.shower_variations) < set(found)
    assert not [line for line in settings(simulate_config, component("ww"), "simulation", 5) if "Uncertainty" in line]


@pytest.mark.parametrize(("off", "varied", "same"), [("ISR", (1, 3), (0, 2)), ("FSR", (0, 2), (1, 3))])
def test_each_weight_is_that_of_its_shower(simulate_config, off, varied, same) -> None:
    """Without one of the two showers its weights stay at 1; the others are far from it, with mean 1."""
    config = dataclasses.replace(simulate_config, settings=[f"PartonLevel:{off} = off", "HadronLevel:all = off"])
    (batch,) = Pythia(config, component("ww"), "simulation", 3, shower_variations=True).batches(400, 400)
    assert batch.shower_weight is not None
    assert batch.shower_weight.shape == (400, 4)
    spread = batch.shower_weight.std(axis=0)
    assert np.all(batch.shower_weight[:, same] == 1)
    assert np.all(spread[[*varied]] > 0.1)
    assert np.all(np.abs(batch.shower_weight.mean(axis=0) - 1) <= 5 * spread / np.sqrt(400))


@pytest.mark.parametrize(
    ("process", "mass", "tune", "sentence"),
    [
        ("x_to_yy", None, "simulation", "process 'x_to_yy' needs a 'mass'"),
        ("qdc", None, "simulation", "simulate.processes has no 'qdc'"),
        ("qcd", None, "natural", "simulate.tunes has no 'natural'"),
    ],
)
def test_mistakes_name_their_key(simulate_config, process, mass, tune, sentence) -> None:
    with pytest.raises(ConfigError, match=sentence):
        settings(simulate_config, component(process, mass), tune, 1)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [("HardQDC:all = on", "does not accept the setting 'HardQDC:all = on'"), ("HardQCD:all = off", "cannot start")],
)
def test_pythia_refuses(simulate_config, line, sentence) -> None:
    bad = dataclasses.replace(simulate_config, processes={"bad": Process(settings=[line], delta_y_max=None)})
    with pytest.raises(ConfigError, match=sentence):
        Pythia(bad, component("bad"), "simulation", 1)


def test_partons_are_central_and_the_cross_section_knows(simulate_config) -> None:
    process = simulate_config.processes["qcd"]
    narrow = dataclasses.replace(process, delta_y_max=0.5)
    wide = dataclasses.replace(process, delta_y_max=None)
    sections = []
    for choice in (narrow, wide):
        config = dataclasses.replace(
            simulate_config,
            processes={"qcd": choice},
            settings=["HadronLevel:all = off", "PartonLevel:FSR = off"],
            batch=100,
        )
        generator = Pythia(config, component("qcd"), "simulation", 3)
        (batch,) = list(generator.batches(100, 100))
        outgoing = batch.hard[batch.hard.status == 23]
        sections.append(generator.cross_section()[0])
        assert len(batch) == 100
        if choice is narrow:
            assert max(abs(outgoing.eta[:, 0] - outgoing.eta[:, 1])) < 0.51
    assert sections[0] < 0.6 * sections[1]


@pytest.mark.parametrize(
    ("pt", "eta", "vetoed"), [(40, 0.0, False), (12, 0.0, True), (40, -3.2, True), (16, 2.9, False)]
)
def test_leptons_of_the_hard_process_are_within_its_cuts(simulate_config, pt, eta, vetoed) -> None:
    """A Z with its quark and muons, one of which varies."""

    def row(kind: int, mother: int, pt: float, eta: float) -> SimpleNamespace:
        values = {"idAbs": kind, "mother1": mother, "pT": pt, "eta": eta, "y": eta}
        return SimpleNamespace(**{name: partial(float, value) for name, value in values.items()})

    class Record(list):
        size = list.__len__

    products = [row(23, 3, 200, 1), row(1, 3, 200, -4), row(13, 5, 160, 0.5), row(13, 5, pt, eta)]
    assert Cuts(simulate_config.processes["z_jets"]).doVetoProcessLevel(Record([None] * 5 + products)) is vetoed


def test_tops_have_two_b_hadrons_and_light_pairs_few(simulate_config) -> None:
    config = dataclasses.replace(simulate_config, batch=30)
    numbers = {}
    for process in ("x_to_tt", "x_to_yy"):
        generator = Pythia(config, component(process, 3500.0), "simulation", 5)
        (batch,) = generator.batches(30, 30)
        numbers[process] = ak.num(batch.b_hadrons)
    assert ak.all(numbers["x_to_tt"] >= 2)
    assert ak.mean(numbers["x_to_yy"]) < 1
