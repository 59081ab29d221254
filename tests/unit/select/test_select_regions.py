import numpy as np
import pytest

from resonaut.core.errors import EmptySelectionError
from resonaut.select.regions import LOWER, OUTSIDE, SIGNAL, UPPER, Regions, require_events
from resonaut.select.settings import Window

WINDOW = Window(signal_region=(3250, 3750), sidebands=((3000, 3250), (3800, 4000)))


def test_a_range_holds_its_lower_edge_and_not_its_upper_one():
    m_jj = np.array([2999, 3000, 3249, 3250, 3749, 3750, 3799, 3800, 4000], np.float32)
    expected = [OUTSIDE, LOWER, LOWER, SIGNAL, SIGNAL, OUTSIDE, OUTSIDE, UPPER, OUTSIDE]
    assert Regions.of(m_jj, WINDOW).code.tolist() == expected


def test_both_sidebands_count_the_same_whatever_their_size():
    regions = Regions.of(np.r_[np.full(900, 3100.0), np.full(100, 3900.0), np.full(50, 3500.0)], WINDOW)
    weights = regions.sideband_weights()[regions.code]
    assert weights[:900].sum() == pytest.approx(0.5)
    assert weights[900:1000].sum() == pytest.approx(0.5)
    assert not weights[1000:].any()


def test_a_thin_region_is_named_with_its_remedy():
    regions = Regions.of(np.r_[np.full(900, 3100.0), np.full(40, 3900.0), np.full(500, 3500.0)], WINDOW)
    require_events(regions, WINDOW, "w", "data", 40)
    with pytest.raises(EmptySelectionError, match=r"upper sideband, 3800-4000 GeV, has 40 events of 'data'.*widen"):
        require_events(regions, WINDOW, "w", "data", 41)
