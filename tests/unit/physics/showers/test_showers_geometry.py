"""The layout of the CaloChallenge: numbers of voxels, their order and centres, and what its files may be."""

import math

import numpy as np
import pytest

from resonaut.core.errors import InputFileError
from resonaut.physics.showers.geometry import ELECTRON, PHOTON, PION, PUBLISHED, Geometry, Layer


@pytest.mark.parametrize(
    ("geometry", "voxels", "numbers"),
    [(PHOTON, 368, (0, 1, 2, 3, 12)), (PION, 533, (0, 1, 2, 3, 12, 13, 14)), (ELECTRON, 6480, tuple(range(45)))],
)
def test_published_layouts_have_the_published_numbers_of_voxels(geometry, voxels, numbers):
    assert geometry.voxels == voxels
    assert geometry.numbers == numbers
    assert PUBLISHED[geometry.particle] is geometry


def test_rings_are_the_inner_index_and_sectors_the_outer():
    geometry = Geometry("photon", (Layer(0, (0, 2, 6), 1), Layer(3, (0, 10, 20, 40), 4)))
    assert geometry.slices == [slice(0, 2), slice(2, 14)]
    np.testing.assert_array_equal(geometry.layer, [0] * 2 + [1] * 12)
    np.testing.assert_allclose(geometry.r, [1, 4] + [5, 15, 30] * 4)
    eighth = math.pi / 4
    np.testing.assert_allclose(
        geometry.alpha, [0, 0] + [-3 * eighth] * 3 + [-eighth] * 3 + [eighth] * 3 + [3 * eighth] * 3
    )
    np.testing.assert_allclose(geometry.x[2:5], np.array([5, 15, 30]) * -math.sqrt(0.5))
    np.testing.assert_allclose(geometry.y[8:11], np.array([5, 15, 30]) * math.sqrt(0.5))


@pytest.mark.parametrize("particle", PUBLISHED)
def test_a_written_binning_file_is_read_as_it_was(particle, tmp_path):
    PUBLISHED[particle].write(tmp_path / "binning.xml")
    assert Geometry.read(tmp_path / "binning.xml", particle) == PUBLISHED[particle]


def test_a_published_binning_file_is_read(tmp_path):
    (tmp_path / "binning.xml").write_text(
        '<Bins>\n   <Bin pid="22" etaMin="0" etaMax="130" name="photon">\n'
        '      <Layer id="0" r_edges="0,5,10.5" n_bin_alpha="1" /> \n'
        '      <Layer id="1" r_edges="0" n_bin_alpha="1" /> \n'
        '      <Layer id="2" r_edges="0,2" n_bin_alpha="10"/>\n   </Bin>\n</Bins>\n'
    )
    geometry = Geometry.read(tmp_path / "binning.xml", "photon")
    assert geometry == Geometry("photon", (Layer(0, (0, 5, 10.5), 1), Layer(2, (0, 2), 10)))


LAYER = '<Layer id="0" r_edges="0,5" n_bin_alpha="1"/>'


@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        ("<Layer", "is no XML file"),
        ("", "has no layers with voxels, or two of one id"),
        (LAYER * 2, "has no layers with voxels, or two of one id"),
        (LAYER.replace("0,5", "0,5,5"), "the r_edges of layer 0 do not grow"),
        (LAYER.replace("0,5", "0,nan"), "layer 0 has no voxels"),
        (LAYER.replace("0,5", "-1,5"), "the r_edges of layer 0 do not grow"),
        (LAYER.replace("0,5", "0,five"), "five"),
        (LAYER.replace('alpha="1"', 'alpha="0"'), "layer 0 has no voxels"),
        (LAYER.replace("id=", "number="), "'id'"),
    ],
)
def test_what_is_no_binning_file_ends_in_a_sentence(layers, sentence, tmp_path):
    path = tmp_path / "binning.xml"
    path.write_text(f'<Bins><Bin name="photon">{layers}</Bin></Bins>')
    with pytest.raises(InputFileError, match=sentence) as found:
        Geometry.read(path, "photon")
    assert str(found.value).startswith(str(path))


def test_a_binning_file_of_another_particle_names_those_it_has(tmp_path):
    ELECTRON.write(tmp_path / "binning.xml")
    with pytest.raises(InputFileError, match="has voxels for electron, not for 'photon'"):
        Geometry.read(tmp_path / "binning.xml", "photon")
