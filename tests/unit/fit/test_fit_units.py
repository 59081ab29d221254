"""What is said of a spectrum has the unit of its observable, and none where that is a mere number."""

import numpy as np
import pytest

from resonaut.core.errors import ConfigError
from resonaut.fit import analysis
from resonaut.fit.bare import settings_of
from resonaut.fit.resolution import Resolution
from resonaut.fit.search import Efficiency, Search
from resonaut.fit.shapes import Gaussian
from resonaut.fit.spectrum import Spectrum, regular_edges

EDGES = np.linspace(0.2, 0.8, 61)
COUNTS = np.round(2000 * np.exp(-EDGES[:-1] / 0.15))
RATIO = Spectrum(EDGES, COUNTS, Resolution(0.05), "tau21", "1")


def search(mass: float, counts: np.ndarray = COUNTS) -> Search:
    settings = settings_of(["toys=0", "background.shape_parameters=[2,2]"], 1.0, [mass])
    spectrum = Spectrum(EDGES, counts, RATIO.resolution, RATIO.observable, RATIO.unit)
    return Search(spectrum, Gaussian(0.05), None, {mass: Efficiency(None, {}, measured=False)}, settings)


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (lambda: search(0.9).model(0.9), "the mass 0.9 is outside the fit range 0.2 to 0.8; change"),
        (lambda: RATIO.rebinned(np.array([0.2, 0.815]), "fit.range"), r"fit.range \(0.2 to 0.815\) .* \(0.2 to 0.8 in"),
        (lambda: RATIO.between(0.9, 1.0), r"the range 0.9 to 1 holds no whole bin of the spectrum \(0.2 to 0.8\)"),
        (lambda: regular_edges(0.2, 0.75, 0.1, "1", "key"), "key: 0.2 to 0.75 is not a whole number of bins of 0.1"),
        (lambda: regular_edges(20, 75, 10, "GeV", "key"), "key: 20 to 75 GeV is not a whole number of bins of 10 GeV"),
    ],
)
def test_mistakes(made, sentence):
    with pytest.raises(ConfigError, match=sentence) as found:
        made()
    assert ("GeV" in str(found.value)) is ("GeV" in sentence)


def test_what_a_search_says(tmp_path, caplog):
    caplog.set_level("INFO")
    # A hole which nothing describes.
    counts = COUNTS * np.where((EDGES[:-1] > 0.35) & (EDGES[:-1] < 0.5), 0.5, 1.0)
    analysis.run(search(0.4, np.round(counts)), tmp_path)
    assert "0.4: " in caplog.text
    assert "GeV" not in caplog.text
