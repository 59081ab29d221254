"""Files of showers: what is written is read, and what cannot be showers ends in a sentence."""

import h5py
import numpy as np
import pytest

from resonaut.core.errors import InputFileError
from resonaut.physics.showers import files
from resonaut.physics.showers.files import Showers
from resonaut.physics.showers.geometry import Geometry, Layer

GEOMETRY = Geometry("photon", (Layer(0, (0, 2, 6), 1), Layer(3, (0, 10), 4)))


@pytest.fixture
def showers():
    rng = np.random.default_rng(1)
    return Showers(rng.uniform(1, 2, 7) * 1000, rng.exponential(size=(7, 6)).astype(np.float32))


def test_showers_are_read_as_they_were_written(showers, tmp_path):
    files.write(tmp_path / "showers.h5", showers)
    found = files.read(tmp_path / "showers.h5", GEOMETRY)
    np.testing.assert_array_equal(found.energies, showers.energies)
    np.testing.assert_array_equal(found.voxels, showers.voxels)
    assert (len(found), found.energies.dtype, found.voxels.dtype) == (7, np.float64, np.float32)
    part = files.read(tmp_path / "showers.h5", GEOMETRY, 2, 5)
    np.testing.assert_array_equal(part.voxels, showers[2:5].voxels)
    np.testing.assert_array_equal(Showers.joined([showers[:2], part, showers[5:]]).energies, showers.energies)


def test_the_layout_is_that_of_the_challenge(showers, tmp_path):
    files.write(tmp_path / "showers.h5", showers)
    with h5py.File(tmp_path / "showers.h5") as file:
        assert {name: data.shape for name, data in file.items()} == {"incident_energies": (7, 1), "showers": (7, 6)}


def test_equal_showers_give_equal_bytes(showers, tmp_path):
    for name in ("one", "two"):
        files.write(tmp_path / f"{name}.h5", showers)
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "two.h5").read_bytes()


def test_a_sample_may_be_empty(showers, tmp_path):
    files.write(tmp_path / "showers.h5", showers[:0])
    assert files.read(tmp_path / "showers.h5", GEOMETRY).voxels.shape == (0, 6)


ENERGIES, VOXELS = np.full((3, 1), 256.0), np.ones((3, 6))


def changed(values, place, value):
    values = values.copy()
    values[place] = value
    return values


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"showers": VOXELS}, "has no dataset 'incident_energies'"),
        ({"incident_energies": ENERGIES}, "has no dataset 'showers'"),
        ({"incident_energies": ENERGIES, "showers": VOXELS.astype("S3")}, "'showers' does not hold numbers"),
        ({"incident_energies": np.ones((3, 2)), "showers": VOXELS}, r"shape \(3, 2\), not \(showers, 1\)"),
        ({"incident_energies": ENERGIES, "showers": VOXELS[:, :5]}, r"shape \(3, 5\), not \(showers, 6\)"),
        ({"incident_energies": ENERGIES, "showers": VOXELS[0]}, r"shape \(6,\), not \(showers, 6\)"),
        ({"incident_energies": ENERGIES[:2], "showers": VOXELS}, "has 2 incident energies and 3 showers"),
        ({"incident_energies": changed(ENERGIES, (1, 0), np.nan), "showers": VOXELS}, "of shower 1 is nan MeV"),
        ({"incident_energies": changed(ENERGIES, (2, 0), 0), "showers": VOXELS}, "of shower 2 is 0 MeV"),
        (
            {"incident_energies": ENERGIES, "showers": changed(VOXELS, (1, 4), -0.5)},
            "voxel 4 of shower 1 holds -0.5 MeV",
        ),
        (
            {"incident_energies": ENERGIES, "showers": changed(VOXELS, (2, 0), np.nan)},
            "voxel 0 of shower 2 holds nan MeV",
        ),
        (
            {"incident_energies": ENERGIES, "showers": changed(VOXELS, (0, 1), np.inf)},
            "voxel 1 of shower 0 holds inf MeV",
        ),
    ],
)
def test_what_cannot_be_showers_ends_in_a_sentence(content, sentence, tmp_path):
    path = tmp_path / "showers.h5"
    with h5py.File(path, "w") as file:
        for name, values in content.items():
            file[name] = values
    with pytest.raises(InputFileError, match=sentence) as found:
        files.read(path, GEOMETRY)
    assert str(found.value).startswith(str(path))


def test_a_bad_shower_is_named_by_its_number_in_the_file(tmp_path):
    with h5py.File(tmp_path / "showers.h5", "w") as file:
        file["incident_energies"], file["showers"] = ENERGIES, changed(VOXELS, (2, 0), -1)
    files.read(tmp_path / "showers.h5", GEOMETRY, 0, 2)
    with pytest.raises(InputFileError, match="voxel 0 of shower 2 "):
        files.read(tmp_path / "showers.h5", GEOMETRY, 1)


def test_what_is_no_hdf5_file_ends_in_a_sentence(showers, tmp_path):
    with pytest.raises(InputFileError, match="is not there"):
        files.read(tmp_path / "showers.h5", GEOMETRY)
    (tmp_path / "showers.h5").write_text("energies")
    with pytest.raises(InputFileError, match="is no HDF5 file that can be read"):
        files.read(tmp_path / "showers.h5", GEOMETRY)
    files.write(tmp_path / "whole.h5", showers)
    (tmp_path / "showers.h5").write_bytes((tmp_path / "whole.h5").read_bytes()[:2000])
    with pytest.raises(InputFileError, match="is no HDF5 file that can be read"):
        files.read(tmp_path / "showers.h5", GEOMETRY)
