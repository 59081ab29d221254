"""The figure of a scan of masses: limits stand at their masses, with gaps where there are none."""

import numpy as np
import pytest

from resonaut.core.results import write
from resonaut.fit.results.masses import MassPoint, MassScanResult
from resonaut.fit.results.points import Limits
from resonaut.report.fit import mass_scans


def limits(scale):
    names = ("observed", "expected_minus_2", "expected_minus_1", "expected", "expected_plus_1", "expected_plus_2")
    return Limits(**dict(zip(names, scale * np.array([3.5, 1, 1.5, 2, 3, 4]), strict=True)))


def point(mass, value):
    nothing = {"cross_section": None, "error": None, "z": None, "z_expected": None, "limits": None, "coupling": None}
    facts = {"model": f"zp_{mass}", "mass": mass, "reference": 200.0, "goodness_p": 0.5}
    if value is None:
        return MassPoint(**facts, **nothing, reason="no minimum was found")
    known = {"cross_section": value, "error": 30.0, "z": 1.0, "z_expected": 2.0}
    return MassPoint(**facts, **known, limits=limits(value), coupling=limits(0.1), reason=None)


def test_a_scan_without_limits_says_so(kept, tmp_path) -> None:
    write(tmp_path / "zp.json", MassScanResult(name="zp", symbol="g_q", points=[point(100.0, None)]))
    mass_scans.draw(tmp_path, [tmp_path / "zp.json"], [], None)
    assert [[one.get_text() for one in ax.texts] for ax in kept["zp"].axes] == [["no limits"], ["no limits"]]


@pytest.mark.parametrize("symbol", ["g_q", None])
def test_limits_stand_at_their_masses(symbol, kept, tmp_path) -> None:
    (tmp_path / "scans").mkdir()
    points = [point(50.0, 100.0), point(100.0, None), point(150.0, 40.0), point(200.0, 60.0)]
    write(tmp_path / "scans/zp.json", MassScanResult(name="zp", symbol=symbol, points=points))
    mass_scans.draw(tmp_path, [tmp_path / "scans/zp.json"], [], None)
    axes = kept["zp"].axes
    assert len(axes) == (2 if symbol else 1)
    lines = {line.get_label(): line for line in axes[0].lines}
    observed = lines["observed limit"]
    assert list(observed.get_xdata()) == [50, 100, 150, 200]
    np.testing.assert_allclose(observed.get_ydata(), [350, np.nan, 140, 210])
    np.testing.assert_allclose(lines["expected limit (CLs, 95 %)"].get_ydata(), [200, np.nan, 80, 120])
    if symbol:
        np.testing.assert_allclose(axes[1].lines[1].get_ydata(), [0.35, np.nan, 0.35, 0.35])
        assert axes[1].get_ylabel() == "$g_{q}$"
