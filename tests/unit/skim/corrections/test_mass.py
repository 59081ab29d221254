import awkward as ak
import numpy as np
import pytest

from resonaut.core.identifier import rows
from resonaut.core.record import build
from resonaut.skim.corrections import mass
from resonaut.skim.corrections.settings import Mass


def test_mass_of_subjets() -> None:
    """Two massless subjets: m^2 = 2 pT1 pT2 (cosh(d eta) - cos(d phi)); one alone has its own mass, none has 0."""
    jets = ak.zip({"subJetIdx1": [[1, 2], [0, -1]], "subJetIdx2": [[0, -1], [1, -1]]})
    subjets = ak.zip(
        {
            "pt": [[100.0, 300.0, 50.0], [80.0]],
            "eta": [[0.0, 0.3, 1.0], [0.0]],
            "phi": [[0.0, 0.2, 2.0], [0.0]],
            "mass": [[0.0, 0.0, 7.0], [3.0]],
        }
    )
    found = mass.from_subjets(jets, subjets)
    expected = np.sqrt(2 * 100 * 300 * (np.cosh(0.3) - np.cos(0.2)))
    assert found[0].tolist() == pytest.approx([expected, 7.0])
    # The second subjet of the second event's first jet is not there: the event will be left out.
    assert np.isnan(found[1, 0])
    assert found[1, 1] == 0


def test_scale_and_resolution() -> None:
    number = 40_000
    settings = build({"scale": [0.98, 0.99, 0.97], "resolution": [1.1, 1.2, 1.0]}, Mass, "mass")
    found = mass.scaled(ak.Array(np.full((number, 1), 80.0)), settings, rows(number), 3, True)
    flat = {name: ak.to_numpy(ak.flatten(values)) for name, values in found.items()}
    for name, scale, ratio in (
        ("", 0.98, 1.1),
        ("jms_up", 0.99, 1.1),
        ("jms_down", 0.97, 1.1),
        ("jmr_up", 0.98, 1.2),
        ("jmr_down", 0.98, 1.0),
    ):
        width = 0.1 * np.sqrt(ratio**2 - 1)
        assert flat[name].mean() == pytest.approx(80 * scale, abs=80 * 5 * width / np.sqrt(number) + 1e-9)
        assert flat[name].std() == pytest.approx(80 * scale * width, rel=0.02, abs=1e-9)
    assert list(mass.scaled(ak.Array([[1.0]]), settings, rows(1), 3, False)) == [""]
