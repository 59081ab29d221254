import awkward as ak
import numpy as np
import pytest

from resonaut.skim.corrections import missing


def test_type_1_by_hand() -> None:
    """Along x a jet of 100 GeV grows by 10 %, after 2 % of pile-up is left out: 12 GeV less missing momentum."""
    jets = ak.zip(
        {
            "pt": [[125.0, 12.0, 40.0, 50.0]],
            "rawFactor": [[0.2, 0.0, 0.0, 0.0]],
            "phi": [[0.0, 0.0, 0.0, np.pi / 2]],
            # The second jet is too soft, the third one an electron; half of the fourth is a muon's.
            "muonSubtrFactor": [[0.0, 0.0, 0.0, 0.5]],
            "electromagnetic": [[0.1, 0.1, 0.95, 0.1]],
        }
    )
    factor, offset = ak.full_like(jets.pt, 1.1), ak.full_like(jets.pt, 0.98)
    found = missing.corrected(np.array([30.0]), np.array([np.pi]), [missing.jet_sum(jets, factor, offset)])
    assert found.pt[0] * np.cos(found.phi[0]) == pytest.approx(-30 - 12)
    assert found.pt[0] * np.sin(found.phi[0]) == pytest.approx(-25 * 0.12)
    plain = missing.jet_sum(jets, factor, None)
    assert plain[:, 0].tolist() == pytest.approx([10, 2.5])
