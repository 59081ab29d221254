import awkward as ak
import numpy as np
import pytest

from resonaut.core.errors import ConfigError
from resonaut.physics.jets import cluster
from resonaut.simulate.settings import Filter
from resonaut.simulate.trigger import passes


def candidates(*events: list[tuple[float, float, float]]) -> ak.Array:
    """Massless neutral candidates from (pt, eta, phi)."""
    counts = [len(event) for event in events]
    pt, eta, phi = np.array([particle for event in events for particle in event]).T
    zero = np.zeros(len(pt))
    columns = {"pt": pt, "eta": eta, "phi": phi, "mass": zero, "charge": zero.astype(np.int8)}
    return ak.unflatten(ak.zip(columns | {"pdgid": np.full(len(pt), 22, np.int32)}), counts)


def test_filter_keeps_what_it_says() -> None:
    events = candidates(
        [(500, 0.0, 0), (480, 0.5, 3)],  # passes; m_jj about 1011
        [(500, 0.0, 0), (280, 0.5, 3)],  # second jet too soft
        [(500, 0.0, 0), (480, 1.5, 3)],  # too far apart
        [(500, 2.2, 0), (480, 2.6, 3)],  # second jet too far forward
        [(350, 0.0, 0), (340, 0.1, 3)],  # mass too small
        [(900, 0.0, 0)],
    )
    jets, _ = cluster(events, 0.8, 50.0)
    assert passes(jets, Filter(jets=2, pt_min=300, eta_max=2.5, delta_eta_max=1.3, m_jj_min=800)).tolist() == [
        True,
        False,
        False,
        False,
        False,
        False,
    ]
    assert passes(jets, Filter(jets=2, pt_min=300, eta_max=2.5, delta_eta_max=None, m_jj_min=None)).tolist() == [
        True,
        False,
        True,
        False,
        True,
        False,
    ]
    assert (
        passes(jets, Filter(jets=1, pt_min=300, eta_max=2.5, delta_eta_max=None, m_jj_min=None)).tolist() == [True] * 6
    )


def test_filter_of_one_jet_cannot_cut_on_two() -> None:
    with pytest.raises(ConfigError, match="jets"):
        Filter(jets=1, pt_min=300, eta_max=2.5, delta_eta_max=1.3, m_jj_min=None)
