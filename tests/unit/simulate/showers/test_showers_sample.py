"""Samples of showers: settings, reproducible files, and the sentence where Geant4 is not there."""

import builtins

import numpy as np
import pytest

from resonaut.core.errors import ConfigError
from resonaut.core.record import build
from resonaut.physics.showers import files
from resonaut.physics.showers.geometry import ELECTRON, PHOTON
from resonaut.simulate.showers import calorimeter, geant4, sample
from resonaut.simulate.showers.settings import ShowerSample


def settings(**keys) -> ShowerSample:
    return build(keys, ShowerSample, "config: simulate.showers.one", merge=True)


def test_defaults_are_the_fifteen_energies_of_data_set_1():
    assert settings().energies == [256.0 * 2**step for step in range(15)]
    assert settings().energies[-1] == 4194304
    assert settings(events=400, events_per_chunk=1000).n_chunks == 6
    assert settings(energies=["0.5 GeV", 64]).energies == [500, 64]


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"energies": [256, 1]}, "an energy is 1 MeV; give energies from 10 MeV to 10 TeV"),
        ({"energies": [2e7]}, "an energy is 2e"),
        ({"energies": [256, 512], "events": [1, 2, 3]}, "'events' has 3 numbers for 2 energies"),
        ({"energies": [256, 256]}, "has an element twice"),
        ({"energies": []}, "energies"),
        ({"events": -1}, r"events\[0\]': -1 should be greater than or equal to 0"),
        ({"events": [5, 1.5]}, r"events\[1\]': 1.5 "),
        ({"events": True}, "events"),
        ({"particle": "muon"}, "particle"),
        ({"backend": "fast"}, "backend"),
    ],
)
def test_wrong_keys_end_in_a_sentence(keys, sentence):
    with pytest.raises(ConfigError, match=sentence):
        settings(**keys)


def test_all_energies_are_in_every_part_of_a_sample():
    chosen = settings(energies=[100, 200], events=[300, 100])
    energies = sample.order(chosen, "one")
    assert [np.sum(energies == energy) for energy in (100, 200)] == [300, 100]
    assert 20 < np.sum(energies[:200] == 200) < 80
    assert not np.array_equal(energies, sample.order(chosen, "two"))


def test_a_shower_is_the_same_in_whatever_chunk_it_is(tmp_path):
    keys = {"energies": [50, 100], "events": 3, "seed": 3}
    sample.simulate(settings(**keys), "one", 0, tmp_path / "whole.h5")
    sample.simulate(settings(**keys), "one", 0, tmp_path / "again.h5")
    assert (tmp_path / "whole.h5").read_bytes() == (tmp_path / "again.h5").read_bytes()
    sample.simulate(settings(**keys, events_per_chunk=4), "one", 1, tmp_path / "part.h5")
    whole, part = (files.read(tmp_path / f"{name}.h5", PHOTON) for name in ("whole", "part"))
    np.testing.assert_array_equal(whole.voxels[4:], part.voxels)
    np.testing.assert_array_equal(whole.energies[4:], part.energies)
    for other in ({"seed": 4}, {"energies": [50, 101]}):
        sample.simulate(settings(**(keys | other)), "one", 0, tmp_path / "other.h5")
        assert not np.array_equal(files.read(tmp_path / "other.h5", PHOTON).voxels, whole.voxels)


def test_electrons_have_the_voxels_of_data_set_2(tmp_path):
    sample.simulate(settings(particle="electron", energies=[200], events=2), "one", 0, tmp_path / "showers.h5")
    found = files.read(tmp_path / "showers.h5", ELECTRON)
    assert found.voxels.shape == (2, 6480)
    assert found.voxels.any(axis=1).all()


def test_a_chunk_that_is_not_there_ends_in_a_sentence(tmp_path):
    with pytest.raises(ConfigError, match=r"simulate.showers.one has 2 chunks from 0, not number 2"):
        sample.simulate(settings(energies=[50], events=3, events_per_chunk=2), "one", 2, tmp_path / "showers.h5")


def test_geant4_without_its_data_or_its_package_ends_in_a_sentence(tmp_path, monkeypatch):
    chosen = settings(backend="geant4", energies=[50], events=1)
    monkeypatch.delenv("G4LEDATA", raising=False)
    with pytest.raises(ConfigError, match=r"showers.one.backend is 'geant4', and G4LEDATA names no folder"):
        sample.simulate(chosen, "one", 0, tmp_path / "showers.h5")
    monkeypatch.setenv("G4LEDATA", str(tmp_path))
    real = builtins.__import__

    def missing(name, *args, **kwargs):
        if name == "geant4_pybind":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ConfigError, match="geant4-pybind is not installed; run 'pip install geant4-pybind'"):
        sample.simulate(chosen, "one", 0, tmp_path / "showers.h5")


@pytest.mark.parametrize("particle", ["photon", "electron"])
def test_geant4_s_slabs_fill_the_same_depth_without_gaps(particle):
    detector = calorimeter.by_particle(particle)
    boxes = geant4.boxes(detector)
    assert len(boxes) == len(detector.slabs)
    ends = np.array([(box.middle - box.half, box.middle + box.half) for box in boxes]) + detector.edges[-1] / 2
    np.testing.assert_allclose(ends[:, 0], detector.edges[:-1], atol=1e-9)
    np.testing.assert_allclose(ends[:, 1], detector.edges[1:], atol=1e-9)
    assert {geant4.NIST[slab.material.name] for slab in detector.slabs} == {box.material for box in boxes}
