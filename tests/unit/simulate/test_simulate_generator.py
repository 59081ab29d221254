import dataclasses
import re
from functools import partial
from types import SimpleNamespace

import awkward as ak
import numpy as np
import pytest
from scipy.stats import kstest, uniform

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
    [
        ("HardQDC:all = on", "does not accept the setting 'HardQDC:all = on'"),
        ("HardQCD:all = off", "cannot start .* Pythia says: .*no process"),
    ],
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
    cuts = Cuts(simulate_config.processes["z_jets"], lambda number, mass: None, 1)
    assert cuts.doVetoProcessLevel(Record([None] * 5 + products)) is vetoed


def test_a_flat_mass_is_that_of_the_generated_particles(simulate_config) -> None:
    """X to Y Y with a Y of any mass from 50 to 500 GeV, whose two quarks have that mass together."""
    flat = {"9000001": [50.0, 500.0]}
    process = dataclasses.replace(simulate_config.processes["x_to_yy"], flat_masses=flat)
    config = dataclasses.replace(
        simulate_config, processes={"x": process}, settings=["HadronLevel:all = off", "PartonLevel:FSR = off"]
    )
    first, second, other = (
        next(Pythia(config, component("x", 3000.0), "simulation", seed).batches(400, 400)).hard for seed in (3, 3, 4)
    )
    masses = ak.to_numpy(ak.flatten(first.mass[first.pdgId == 9000001]))
    assert len(masses) == 400
    assert kstest(masses, uniform(50, 450).cdf).pvalue > 1e-4
    assert masses.min() < 60
    assert masses.max() > 490
    # No mass follows from the one before.
    assert abs(np.corrcoef(masses[1:], masses[:-1])[0, 1]) < 4 / np.sqrt(400)
    partner = ak.to_numpy(ak.flatten(first.mass[first.pdgId == 9000002]))
    assert (abs(partner - 100) < 5.1).all()
    quarks = first[(abs(first.pdgId) < 6) & (first.genPartIdxMother == ak.argmax(first.pdgId == 9000001, axis=1))]
    _, _, _, energy = momenta = components(quarks)
    invariant = np.sqrt(energy**2 - sum(one**2 for one in momenta[:3]))
    np.testing.assert_allclose(invariant, masses, rtol=2e-2)
    assert ak.all(second.mass == first.mass)
    assert not np.isin(ak.to_numpy(ak.flatten(other.mass[other.pdgId == 9000001])), masses).any()


def components(particles: ak.Array) -> list[np.ndarray]:
    """The momentum of each event's particles together: px, py, pz, E."""
    pt, eta, phi, mass = (ak.values_astype(particles[name], float) for name in ("pt", "eta", "phi", "mass"))
    parts = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), np.sqrt((pt * np.cosh(eta)) ** 2 + mass**2)
    return [ak.to_numpy(ak.sum(part, axis=1)) for part in parts]


@pytest.mark.parametrize(
    ("number", "limits", "sentence"),
    [
        ("9000009", [50.0, 500.0], "Pythia knows no resonance 9000009"),
        ("9000001", [5000.0, 6000.0], "Pythia cannot start"),
        ("9000001", [2000.0, 6000.0], "no event with the flat masses of 9000001; lower them"),
    ],
)
def test_flat_masses_that_cannot_be_are_refused(simulate_config, number, limits, sentence) -> None:
    process = dataclasses.replace(simulate_config.processes["x_to_yy"], flat_masses={number: limits})
    config = dataclasses.replace(simulate_config, processes={"x": process})
    with pytest.raises(ConfigError, match=sentence):
        list(Pythia(config, component("x", 3000.0), "simulation", 2).batches(20, 10))


def test_limits_of_flat_masses_grow() -> None:
    with pytest.raises(ConfigError, match=r"flat_masses of 25 are \[500.0, 50.0\]; give two growing masses"):
        Process(settings=[], flat_masses={"25": [500.0, 50.0]})


def test_tops_have_two_b_hadrons_and_light_pairs_few(simulate_config) -> None:
    config = dataclasses.replace(simulate_config, batch=30)
    numbers = {}
    for process in ("x_to_tt", "x_to_yy"):
        generator = Pythia(config, component(process, 3500.0), "simulation", 5)
        (batch,) = generator.batches(30, 30)
        numbers[process] = ak.num(batch.b_hadrons)
    assert ak.all(numbers["x_to_tt"] >= 2)
    assert ak.mean(numbers["x_to_yy"]) < 1
