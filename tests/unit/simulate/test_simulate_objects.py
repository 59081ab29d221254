from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from resonaut.physics.angles import Lists
from resonaut.simulate.chunk import simulate
from resonaut.simulate.detector import ELECTRON, MUON, PHOTON
from resonaut.simulate.objects import Event, decay_modes, identified, isolation, taus
from resonaut.simulate.settings import Taus

MIXTURE = [{"process": "qcd", "events": 15}, {"process": "x_to_tt", "mass": 3000.0, "events": 15}]


def content(path: Path) -> dict[str, list]:
    with uproot.open(path) as file:
        return {name: branch.array().to_list() for name, branch in file["Events"].iteritems()}


@pytest.fixture(scope="module")
def files(simulate_config, dataset, tmp_path_factory) -> dict[str, dict[str, list]]:
    """The same events as simulation, as data, and without the objects."""
    folder = tmp_path_factory.mktemp("objects")
    kinds = {"simulation": ("simulation", True), "data": ("data", True), "bare": ("simulation", False)}
    for name, (nature, objects) in kinds.items():
        entry = dataset(nature, "all", components=MIXTURE, events_per_chunk=30, objects=objects)
        simulate(simulate_config, entry, "same", 0, folder / f"{name}.root")
    return {name: content(folder / f"{name}.root") for name in kinds}


def test_data_have_the_objects_and_no_truth(files) -> None:
    data, simulation = files["data"], files["simulation"]
    truth = simulation.keys() - data.keys()
    assert {"Jet_hadronFlavour", "Jet_genJetIdx", "Muon_genPartFlav", "GenMET_pt", "FatJet_genJetAK8Idx"} <= truth
    assert not [name for name in data if "gen" in name.lower() or "flavour" in name.lower()]
    assert {name: simulation[name] for name in data} == data


def test_objects_change_no_other_branch(files) -> None:
    bare, full = files["bare"], files["simulation"]
    assert {"Jet_pt", "Muon_pt", "SubJet_pt", "FatJet_subJetIdx1"} <= full.keys() - bare.keys()
    assert {name: full[name] for name in bare} == bare


def test_subjets_make_up_the_soft_drop_mass(files) -> None:
    columns = {name: ak.Array(values) for name, values in files["data"].items()}
    subjet = {name: columns[f"SubJet_{name}"] for name in ("pt", "eta", "phi", "mass")}
    first, second = columns["FatJet_subJetIdx1"], columns["FatJet_subJetIdx2"]
    assert ak.all(first >= 0)
    two = second >= 0
    assert ak.mean(two) > 0.9
    momenta = []
    for index in (first[two], second[two]):
        pt, eta, phi, mass = (values[index] for values in subjet.values())
        energy = np.sqrt((pt * np.cosh(eta)) ** 2 + mass**2)
        momenta.append(
            np.stack([ak.flatten(x) for x in (energy, pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta))])
        )
    energy, *momentum = momenta[0] + momenta[1]
    mass = np.sqrt(np.maximum(energy**2 - np.sum(np.square(momentum), axis=0), 0))
    # In 32 bits.
    assert mass == pytest.approx(ak.to_numpy(ak.flatten(columns["FatJet_msoftdrop"][two])), abs=0.1)
    assert ak.all(columns["nSubJet"] == ak.sum(first >= 0, axis=1) + ak.sum(two, axis=1))


def event(pdgid: int, n: int = 20000, eta: float = 0.1) -> Event:
    """One event of ``n`` candidates of a kind; nothing else is read of data."""
    rng = np.random.default_rng(4)
    columns = {"pt": 30 + rng.random(n), "eta": np.full(n, eta), "phi": rng.uniform(-3, 3, n), "mass": np.zeros(n)}
    columns |= {"charge": np.ones(n, np.int8), "pdgid": np.full(n, pdgid, np.int32), "particle": np.arange(n)}
    candidates = ak.unflatten(ak.zip(columns), np.full(n // 20, 20))
    return Event(candidates, None, np.ones(n // 20, bool), None, None, None, told=False)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "seen_as", "eta", "probability"),
    [
        (ELECTRON, "electron", 0.1, 0.95),
        (ELECTRON, "electron", -2.0, 0.85),
        (MUON, "muon", 2.0, 0.95),
        (PHOTON, "photon", 2.0, 0.85),
        (211, "electron", 0.1, 0.005),
        (-211, "muon", 0.1, 0.001),
        (211, "photon", 0.1, 0),
        (130, "electron", 0.1, 0),
    ],
)
def test_identification_is_as_probable_as_configured(simulate_config, kind, seen_as, eta, probability) -> None:
    number = {"electron": ELECTRON, "muon": MUON, "photon": PHOTON}[seen_as]
    setting = getattr(simulate_config.objects, seen_as)
    found = identified(number, event(kind, eta=eta), setting, np.random.default_rng(2))
    passes = found["tightId" if number == MUON else "cutBased"] > 0
    sigma = np.sqrt(20000 * probability * (1 - probability))
    assert abs(passes.sum() - 20000 * probability) <= 4 * sigma
    # A candidate of the right kind is stored all the same, a wrong one only if it is mistaken.
    assert len(passes) == (20000 if abs(kind) == number else passes.sum())


def test_isolation_is_the_momentum_around_over_ones_own() -> None:
    columns = {"pt": [[20.0, 5.0, 7.0, 9.0]], "eta": [[0.0, 0.2, 0.0, 1.0]], "phi": [[3.1, -3.1, 2.75, 3.1]]}
    candidates = Lists.of(ak.zip({name: ak.Array(values) for name, values in columns.items()}), *columns)
    muon = candidates.chosen(np.array([0]))
    assert isolation(muon, candidates, 0.3).tolist() == [pytest.approx(5 / 20)]
    assert isolation(muon, candidates, 0.4).tolist() == [pytest.approx(12 / 20)]


def constituents(n: int) -> Lists:
    """Of three jets in each of n events: a photon, and charged pions."""
    kinds = np.where(charge := np.array([0, -1, 1, 0, 1, 1] * n), 211, 22)
    return Lists(
        np.array([3, 2, 1] * n), {"charge": charge, "pdgid": kinds, "pt": np.array([9.0, 5, 2, 2, 8, 0.5] * n)}
    )


def test_enhanced_fakes_have_weights_that_make_up_for_it() -> None:
    n = 20000
    columns = {"pt": [50.0, 50.0, 19.0], "eta": [0.0, 1.5, 0.0], "phi": [3.1, 0.0, 0.0], "mass": [5.0] * 3}
    small, parts = Lists(np.full(n, 3), {name: np.array(of * n) for name, of in columns.items()}), constituents(n)
    found, weight = taus(small, parts, np.zeros(3 * n, bool), Taus(), True, np.random.default_rng(1), often=20)
    # Two of the jets are hard enough.
    assert abs(len(found) - 2 * n * 0.2) < 4 * np.sqrt(2 * n * 0.2 * 0.8)
    assert set(np.round(weight, 9)) == {round(0.05**k * (0.99 / 0.8) ** (2 - k), 9) for k in (0, 1, 2)}
    assert abs(weight.mean() - 1) < 4 * weight.std() / np.sqrt(n)
    fakes = weight[found.event]
    assert fakes.sum() == pytest.approx(2 * n * 0.01, rel=4 * fakes.std() / fakes.mean() / np.sqrt(len(fakes)) + 0.05)


def test_decay_modes_count_prongs_and_pions() -> None:
    columns = {
        "pt": [5.0, 3, 2, 2, 9, 2.4, 6, 0.9, 0.5, 9, 8, 7, 6],
        "charge": [1, 0, -1, 1, -1, 0, 1, 1, 1, 1, 1, 1, 1],
        "pdgid": [211, 22, 211, 211, 211, 22, 211, 211, 211, 211, 211, 211, 211],
    }
    counts = np.array([2, 3, 1, 1, 2, 4])
    parts = Lists(counts, {name: np.array(values) for name, values in columns.items()})
    assert decay_modes(parts, Taus()).tolist() == [1, 10, 0, 0, 0, 10]


def test_taus_are_found_and_faked_as_configured() -> None:
    n = 20000
    columns = {"pt": [50.0, 50.0, 19.0], "eta": [0.0, 1.5, 0.0], "phi": [3.1, 0.0, 0.0], "mass": [5.0] * 3}
    small = Lists(np.full(n, 3), {name: np.array(values * n) for name, values in columns.items()})
    parts = constituents(n)
    found, weight = taus(small, parts, np.array([True, False, True] * n), Taus(), True, np.random.default_rng(1))
    assert (weight == 1).all()
    for origin, jet, charge, probability in ((5, 0, -1, 0.6), (0, 1, 1, 0.01)):
        of = found["genPartFlav"] == origin
        assert abs(of.sum() - n * probability) < 4 * np.sqrt(n * probability * (1 - probability))
        assert set(found["jetIdx"][of].tolist()) == {jet}
        assert set(found["charge"][of].tolist()) == {charge}
    assert found.counts.sum() == len(found)
