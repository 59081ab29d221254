import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from resonaut.core.errors import InputFileError
from resonaut.learn.onnx import Graph, described, numbers, sizes
from resonaut.physics.showers.geometry import Geometry, Layer
from resonaut.simulate.detector import reconstruct
from resonaut.simulate.emulated import RADIUS

# One voxel on the axis, and four at 30 mm, which is more than a cell of the detector.
GEOMETRY = Geometry("photon", (Layer(1, (0.0, 0.1), 1), Layer(2, (29.0, 31.0), 4)))
FACTS = {
    "particle": "photon",
    "layers": json.dumps(GEOMETRY.table()),
    "energies": "[1000, 60000]",
}


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def emulator(path: Path, shares: list[float], spread: float = 0.0) -> Path:
    """A graph that puts these shares of a photon's energy into the voxels, times one plus a normal number."""
    graph = Graph()
    fluctuated = graph.node("Add", graph.node("Mul", "noise", numbers([spread])), numbers([1.0]))
    energies = graph.node("Unsqueeze", "energies", sizes(1))
    held = graph.node("Mul", graph.node("Mul", energies, fluctuated), numbers([shares]))
    inputs = {"noise": (np.float32, ("n", 1)), "energies": (np.float32, ("n",))}
    path.write_bytes(described(graph.model(inputs, {held: (np.float32, ("n", len(shares)))}), FACTS))
    return path


def measured(detector, path: Path, photons):
    emulates = dataclasses.replace(detector, calorimeter="emulated", emulator=str(path))
    return reconstruct(photons, emulates, rng())


def energies(candidates) -> np.ndarray:
    return np.asarray(np.sum(candidates.pt * np.cosh(candidates.eta), axis=1))


def test_photons_have_the_energy_and_the_place_of_their_showers(tmp_path, perfect, particles) -> None:
    """Nine tenths of 30 GeV, of which two thirds on the axis and a twelfth in each of four voxels at 30 mm."""
    path = emulator(tmp_path / "e.onnx", [0.6, 0.075, 0.075, 0.075, 0.075])
    cell = perfect.ecal.cell
    centre = 0.5 * cell - perfect.ecal.eta_max + 200 * cell
    (found,) = measured(perfect, path, particles(22, 0, 30, [centre]))
    places = np.round((np.asarray(found.eta) - centre) / cell).astype(int)
    held = dict.fromkeys(places.tolist(), 0.0)
    for place, energy in zip(places.tolist(), found.pt * np.cosh(found.eta), strict=True):
        held[place] += energy
    assert held == pytest.approx({-1: 4.5, 0: 18, 1: 4.5})
    assert 0.5 < 30 / np.sqrt(2) / RADIUS / cell < 1.5


def test_only_photons_of_known_energies_are_emulated(tmp_path, perfect, particles) -> None:
    path = emulator(tmp_path / "e.onnx", [0.5, 0, 0, 0, 0])
    for pdgid, energy, expected in [(22, 30, 15), (22, 70, 70), (22, 0.9, 0.9), (2112, 30, 30), (130, 30, 30)]:
        assert energies(measured(perfect, path, particles(pdgid, 0, energy, [0.0])))[0] == pytest.approx(expected)


def test_showers_fluctuate_and_get_no_second_resolution(tmp_path, perfect, particles) -> None:
    """2,000 cells with a photon each: a width of 5 %, that of the graph, and not the parametrisation's 50 %."""
    path = emulator(tmp_path / "e.onnx", [1, 0, 0, 0, 0], spread=0.05)
    coarse = dataclasses.replace(perfect, ecal=dataclasses.replace(perfect.ecal, constant=0.5))
    cell = perfect.ecal.cell
    rows, columns = np.divmod(np.arange(2000), 100)
    (found,) = measured(coarse, path, particles(22, 0, 50, (columns - 50.5) * cell, (rows + 0.5) * cell))
    energy = np.asarray(found.pt * np.cosh(found.eta))
    assert len(energy) == 2000
    # Four standard deviations of mean and width.
    assert energy.mean() == pytest.approx(50, abs=4 * 2.5 / np.sqrt(2000))
    assert energy.std() == pytest.approx(2.5, rel=4 / np.sqrt(2 * 2000))


def test_showers_get_the_noise_of_a_cell(tmp_path, perfect, particles) -> None:
    path = emulator(tmp_path / "e.onnx", [1, 0, 0, 0, 0])
    noisy = dataclasses.replace(perfect, ecal=dataclasses.replace(perfect.ecal, noise=2.0))
    cell = perfect.ecal.cell
    rows, columns = np.divmod(np.arange(2000), 100)
    (found,) = measured(noisy, path, particles(22, 0, 50, (columns - 50.5) * cell, (rows + 0.5) * cell))
    assert np.std(found.pt * np.cosh(found.eta)) == pytest.approx(2, rel=4 / np.sqrt(2 * 2000))


def test_a_seed_gives_the_same_candidates(tmp_path, perfect, particles) -> None:
    path = emulator(tmp_path / "e.onnx", [1, 0, 0, 0, 0], spread=0.05)
    photons = particles(22, 0, 50, np.linspace(-2, 2, 40))
    one, other = (energies(measured(perfect, path, photons)) for _ in range(2))
    assert one.tolist() == other.tolist()


@pytest.mark.parametrize("content", [None, b"no graph", Graph().model({}, {})])
def test_what_is_no_emulator_is_a_sentence(tmp_path, perfect, particles, content) -> None:
    path = tmp_path / "e.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputFileError, match=r"e\.onnx.*emulator"):
        measured(perfect, path, particles(22, 0, 50, [0.0]))
