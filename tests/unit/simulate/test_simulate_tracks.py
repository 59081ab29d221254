"""Impact parameters against hand calculations, origins in a record written by hand, and the links of candidates."""

from types import SimpleNamespace

import awkward as ak
import numpy as np
import pytest
import uproot
from scipy.stats import kstest

from resonaut.core.errors import ConfigError
from resonaut.physics.angles import Lists
from resonaut.simulate import tracks
from resonaut.simulate.chunk import simulate
from resonaut.simulate.origins import FROM_B, FROM_BC, FROM_C, FROM_TAU, OTHER_SECONDARY, PRIMARY, Origins, origins
from resonaut.simulate.settings import Tracks

SETTING = Tracks()


def test_d0_has_cms_sign_and_the_size_of_the_hand_calculation() -> None:
    # A parent flies 5 mm along phi = 0.7, and its daughters leave it 0.1 to the left and 0.1 to the right.
    position = np.tile([5 * np.cos(0.7), 5 * np.sin(0.7), 0.0], (2, 1))
    d0, dz = tracks.impact_parameters(position, np.zeros(2), np.array([0.8, 0.6]))
    np.testing.assert_allclose(d0, [-5 * np.sin(0.1), 5 * np.sin(0.1)])
    np.testing.assert_allclose(dz, 0, atol=1e-12)


def test_impact_parameters_are_those_of_the_line_and_not_of_a_point_on_it() -> None:
    eta, phi = np.array([0.9, -1.7]), np.array([2.0, -0.4])
    direction = np.stack([np.cos(phi), np.sin(phi), np.sinh(eta)], axis=1)
    start = np.array([[0.2, -0.1, 3.0], [-0.3, 0.4, -2.0]])
    for steps in (0.0, 7.0, -20.0):
        d0, dz = tracks.impact_parameters(start + steps * direction, eta, phi)
        np.testing.assert_allclose(d0, [-0.1 * np.cos(2) - 0.2 * np.sin(2), 0.4 * np.cos(0.4) - 0.3 * np.sin(0.4)])
        # The point of closest approach is |d0| from the beam, at dz.
        closest = start - (start[:, :2] * direction[:, :2]).sum(axis=1, keepdims=True) * direction
        np.testing.assert_allclose(np.hypot(*closest[:, :2].T), np.abs(d0))
        np.testing.assert_allclose(closest[:, 2], dz)


def test_errors_are_the_parametrised_ones() -> None:
    d0, dz = tracks.resolutions(np.array([1.0, 1e6, 1.0]), np.array([0.0, 0.0, 1.5]), SETTING)
    np.testing.assert_allclose(d0[:2], [np.hypot(0.01, 0.09), 0.01], rtol=1e-6)
    np.testing.assert_allclose(dz[:2], [np.hypot(0.03, 0.15), 0.03], rtol=1e-6)
    sine = np.sin(2 * np.arctan(np.exp(-1.5)))
    np.testing.assert_allclose(d0[2], np.hypot(0.01, 0.09 / np.sqrt(sine)))
    np.testing.assert_allclose(dz[2], np.hypot(0.03, 0.15 / np.sqrt(sine)) / sine)


def test_tracks_are_smeared_by_their_errors_and_others_have_the_sentinel() -> None:
    n, rng = 40_000, np.random.default_rng(1)
    position = np.tile([0.3, -0.2, 1.0], (n, 1))
    none = np.zeros(n, int)
    batch = SimpleNamespace(origins=Origins(position, none, none))
    eta, phi = rng.uniform(-2, 2, n), rng.uniform(-np.pi, np.pi, n)
    particle = np.where(rng.random(n) < 0.5, np.arange(n), -1)
    given = {"pt": rng.uniform(1, 20, n), "eta": eta, "phi": phi, "particle": particle}
    found = tracks.measured(Lists(np.array([n]), given), batch, SETTING, rng)  # type: ignore[arg-type]
    there = particle >= 0
    for name, true in zip(("d0", "dz"), tracks.impact_parameters(position, eta, phi), strict=True):
        pull = (10 * found[name] - true)[there] / (10 * found[f"{name}Err"][there])
        assert kstest(pull, "norm").pvalue > 1e-4, name
        for field in (name, f"{name}Err"):
            assert (found[field][~there] == -1).all()
    np.testing.assert_array_equal(found["trkChi2"], np.where(there, 1, -1))
    np.testing.assert_array_equal(found["trkQuality"], np.where(there, 5, 0))


def record(rows: list[tuple[int, int, int, float]]) -> dict[str, np.ndarray]:
    """A flat record of {id, status, mother1} and the height at which each particle is made."""
    pdgid, status, mother, height = (np.array(column) for column in zip(*rows, strict=True))
    zero = np.zeros(len(rows))
    return {"id": pdgid, "status": status, "mother1": mother, "x": zero, "y": zero, "z": height}


def test_origins_follow_from_the_decaying_ancestors() -> None:
    event = [
        (90, -11, 0, 0.0),
        (5, -71, 0, 0.0),
        (513, -83, 1, 0.0),  # B* -> B gamma at once
        (511, -91, 2, 0.0),
        (-411, -91, 3, 4.0),  # B -> D pi, after 4 mm
        (211, 91, 3, 4.0),
        (310, -91, 4, 6.0),  # D -> K_S mu, after 2 mm more
        (13, 91, 4, 6.0),
        (211, 91, 6, 90.0),  # K_S -> pi pi
        (-211, 91, 6, 90.0),
        (211, 84, 1, 0.0),
        (111, -84, 1, 0.0),
        (11, 91, 11, 0.001),  # pi0 -> e e gamma within a micrometre
        (421, -83, 1, 0.0),
        (321, 91, 13, 0.05),  # a D that flies 50 micrometres
        (310, -83, 1, 0.0),
        (-211, 91, 15, 30.0),
        (15, -23, 1, 0.0),
        (-211, 91, 17, 2.0),
    ]
    # A second event shows that rows and numbers start again.
    counts = np.array([len(event), len(event)])
    rows = np.array([5, 7, 8, 9, 10, 12, 14, 16, 18])
    flat = record(event)
    twice = {name: np.concatenate([values, values]) for name, values in flat.items()}
    found = origins(twice, counts, np.concatenate([rows, rows + len(event)]))
    kinds = [FROM_B, FROM_BC, FROM_BC, FROM_BC, PRIMARY, PRIMARY, FROM_C, OTHER_SECONDARY, FROM_TAU]
    assert found.kind.tolist() == 2 * kinds
    assert found.vertex.tolist() == 2 * [1, 2, 3, 3, 0, 0, 0, 4, 5]
    np.testing.assert_array_equal(found.position[:, 2], np.tile(flat["z"][rows], 2))


@pytest.fixture(scope="module")
def written(tmp_path_factory, simulate_config, dataset):
    """The same top-quark pairs with and without tracks, and as data."""
    folder = tmp_path_factory.mktemp("tracks")

    def events(name: str, nature: str = "simulation", **generator: bool) -> dict[str, ak.Array]:
        tt = [{"process": "tt", "events": 12}]
        path = folder / f"{name}.root"
        simulate(simulate_config, dataset(nature, "all", components=tt, **generator), "tt", 0, path)
        with uproot.open(path) as file:
            return dict(zip(file["Events"].keys(), file["Events"].arrays(how=tuple), strict=True))

    return events("without"), events("with", tracks=True), events("data", "data", tracks=True)


def test_the_other_branches_do_not_change(written) -> None:
    without, found, _ = written
    for name, values in without.items():
        if name.startswith("PFCands_"):
            inside = ak.local_index(found[name]) < ak.num(values)
            assert ak.array_equal(found[name][inside], values), name
        elif name != "nPFCands":
            assert ak.array_equal(found[name], values), name


def test_candidates_of_small_jets_make_their_jets(written) -> None:
    events = written[1]
    jet, candidate = events["JetPFCands_jetIdx"], events["JetPFCands_pFCandsIdx"]
    px, py = (events["PFCands_pt"][candidate] * of(events["PFCands_phi"][candidate]) for of in (np.cos, np.sin))
    for place in range(3):
        there = ak.num(events["Jet_pt"]) > place
        mine = (jet == place)[there]
        pt = np.hypot(ak.sum(px[there][mine], axis=1), ak.sum(py[there][mine], axis=1))
        np.testing.assert_allclose(pt, events["Jet_pt"][there][:, place], rtol=1e-4)
        np.testing.assert_array_equal(ak.sum(mine, axis=1), events["Jet_nConstituents"][there][:, place])
    # Each candidate is in one small jet at most, and every stored one is in a jet.
    links = [ak.num(events[name]) for name in ("JetPFCands_jetIdx", "FatJetPFCands_jetIdx")]
    assert ak.all(ak.num(events["PFCands_pt"]) <= links[0] + links[1])
    assert ak.all(links[0] <= ak.num(events["PFCands_pt"]))
    assert ak.any(links[1] > 0)


def test_truth_is_of_tracks_and_never_of_data(written) -> None:
    _, events, data = written
    charged = events["PFCands_charge"] != 0
    for name in ("PFCands_genOrigin", "PFCands_genVertex"):
        assert ak.all((events[name] >= 0) == charged)
        assert name not in data
    assert {"Jet_hadronFlavour", "Jet_tauFlavour"} <= events.keys() - data.keys()
    assert ak.all((events["PFCands_trkChi2"] != -1) == charged)
    assert {"PFCands_d0", "JetPFCands_jetIdx"} <= data.keys()


def test_errors_of_zero_are_refused() -> None:
    with pytest.raises(ConfigError, match="dz has no error"):
        Tracks(dz_constant=0, dz_scattering=0)
