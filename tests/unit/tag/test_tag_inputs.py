import awkward as ak
import numpy as np
import pytest

from resonaut.core.errors import InputFileError
from resonaut.tag.inputs import Inputs, jet_inputs


def one_jet(pt, eta, phi, jet=(100.0, 0.5, 0.0, 20.0)):
    columns = {f"j1_{name}": np.array([value]) for name, value in zip(("pt", "eta", "phi", "mass"), jet, strict=True)}
    constituents = {"pt": pt, "eta": eta, "phi": phi, "mass": [0.0] * len(pt)}
    return ak.zip(columns | {f"j1_pf_{k}": ak.Array([v]) for k, v in constituents.items()}, depth_limit=1)


def test_features_of_one_constituent_follow_the_published_standardisation():
    inputs = jet_inputs(one_jet([50.0], [0.7], [0.1]), "j1", 1)
    energy = 50 * np.cosh(0.7)
    jet_energy = np.sqrt((100 * np.cosh(0.5)) ** 2 + 20**2)
    expected = [
        (np.log(50) - 1.7) * 0.7,
        (np.log(energy) - 2) * 0.7,
        (np.log(0.5) + 4.7) * 0.7,
        (np.log(energy / jet_energy) + 4.7) * 0.7,
        (np.sqrt(0.05) - 0.2) * 4,
        0.2,
        0.1,
    ]
    np.testing.assert_allclose(inputs.features[0, :, 0], expected, rtol=1e-5)
    four_vector = [50 * np.cos(0.1), 50 * np.sin(0.1), 50 * np.sinh(0.7), energy]
    np.testing.assert_allclose(inputs.vectors[0, :, 0], four_vector, rtol=1e-5)


def test_jets_are_mirrored_and_angles_wrap():
    mirrored = jet_inputs(one_jet([50.0], [-0.7], [-3.1], jet=(100.0, -0.5, 3.1, 20.0)), "j1", 1)
    np.testing.assert_allclose(mirrored.features[0, 5:, 0], [0.2, 2 * np.pi - 6.2], rtol=1e-4)


def test_padding_repeats_real_constituents_and_the_mask_hides_it():
    inputs = jet_inputs(one_jet([50.0, 30.0, 0.0], [0.5, 0.6, 0.7], [0.0, 0.1, 0.2]), "j1", 5)
    assert inputs.counts.tolist() == [2]  # the one of zero pT is left out
    assert inputs.mask[0, 0].tolist() == [True, True, False, False, False]
    np.testing.assert_array_equal(inputs.features[0, :, 2:4], inputs.features[0, :, :2])
    assert (inputs.vectors[0, 3] > 0).all()


def test_only_the_hardest_constituents_are_kept():
    inputs = jet_inputs(one_jet([50.0, 30.0, 20.0], [0.5, 0.6, 0.7], [0.0, 0.1, 0.2]), "j1", 2)
    assert inputs.counts.tolist() == [2]
    np.testing.assert_allclose(np.hypot(*inputs.vectors[0, :2]), [50, 30], rtol=1e-5)


def test_each_jet_reads_its_own_constituents(make_events):
    events = make_events(6, seed=4)
    whole = jet_inputs(events, "j2", 9)
    for i in range(6):
        alone = jet_inputs(events[i : i + 1], "j2", 9)
        np.testing.assert_array_equal(whole.features[i], alone.features[0])
    joined = Inputs.concatenate([jet_inputs(events[:2], "j2", 9), jet_inputs(events[2:], "j2", 9)])
    np.testing.assert_array_equal(joined.vectors, whole.vectors)
    assert len(jet_inputs(events[:0], "j2", 9)) == 0


def test_a_jet_without_constituents_is_an_error():
    with pytest.raises(InputFileError, match="1 jets have no constituents"):
        jet_inputs(one_jet([0.0], [0.5], [0.0]), "j1", 5)
