"""The figure of a working point: every efficiency stands at its mass."""

import pytest

from resonaut.core.results import write
from resonaut.report.tag import working_points
from resonaut.tag.results import Cell, Flatness, WorkingPointSummary


def cell(pt, mass, efficiency):
    ends = {"pt_low": pt, "pt_high": pt + 100, "mass_low": mass, "mass_high": mass + 20}
    return Cell(**ends, jets=100, efficiency=efficiency, error=0.01, single=2 * efficiency)


def test_efficiencies_of_qcd_jets_and_of_classes(kept, tmp_path) -> None:
    flat = Flatness(chi2=3.2, ndf=3, p_value=0.3, excess=0.0)
    found = WorkingPointSummary(
        name="two",
        network="net",
        wanted=["light", "heavy"],
        background="qcd",
        method="trees",
        target=0.05,
        jets=400,
        efficiency=0.051,
        error=0.01,
        qcd=[cell(500.0, 40.0, 0.04), cell(500.0, 60.0, 0.05), cell(600.0, 40.0, 0.06), cell(600.0, 60.0, 0.07)],
        flatness=flat,
        single=flat,
        classes={"light": [], "heavy": [cell(500.0, 40.0, 0.6)]},
    )
    write(tmp_path / "summary.json", found)
    working_points.draw(tmp_path, [tmp_path / "summary.json"], None)
    above, below = kept["two_working_point"].axes
    points = {one.get_label(): one[0] for one in (*above.containers, *below.containers)}
    assert list(points["QCD, $p_T$ 600-700 GeV"].get_xdata()) == [50, 70]
    assert points["QCD, $p_T$ 600-700 GeV"].get_ydata() == pytest.approx([0.06, 0.07])
    assert points["heavy"].get_ydata() == pytest.approx([0.6])
    assert "light" not in points
    assert next(list(line.get_ydata()) for line in above.lines if line.get_linestyle() == ":") == pytest.approx(
        [0.08, 0.1]
    )
    assert (tmp_path / "taggers/two_working_point.png").read_bytes().startswith(b"\x89PNG")
