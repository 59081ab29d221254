import numpy as np
import pytest

from resonaut.fit import analysis
from resonaut.fit.analysis import Efficiency, Search
from resonaut.fit.signal import Gaussian
from resonaut.fit.spectrum import Spectrum

EDGES = np.arange(3000.0, 6001.0, 200.0)
COUNTS = np.round(120 * (EDGES[:-1] / 3000) ** -8)


def result(efficiency: Efficiency, folder) -> dict:
    search = Search(Spectrum(EDGES, COUNTS), 13000.0, 2, Gaussian(0.03), 20.0, 0.95)
    return analysis.run(search, {3500.0: efficiency}, folder)["scan"][0]


def test_an_uncertainty_of_several_hundred_percent_spreads_the_limits_and_breaks_nothing(tmp_path) -> None:
    point = result(Efficiency(0.1, {"lund": 4.5}, measured=True), tmp_path)
    assert point["limit_events_direct"]["expected_plus_2"] > 20 * point["limit_events_direct"]["expected"]
    assert point["limit"]["expected"] == pytest.approx(point["limit_events"]["expected"] / (0.1 * 20))


def test_an_efficiency_that_is_not_measured_gives_limits_in_events_alone(tmp_path) -> None:
    known = result(Efficiency(0.1, {}, measured=True), tmp_path)
    unknown = result(Efficiency(0.1, {"efficiency_statistics": 0.9}, measured=False), tmp_path)
    assert unknown["limit"] is None
    assert unknown["limit_events"]["expected"] == pytest.approx(known["limit_events"]["expected"], rel=1e-2)
