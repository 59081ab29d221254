"""The CMS dijet spectrum of 137 fb-1 (JHEP 05 (2020) 033, figure 5): the published quality of fit, and a bump in it."""

import os
from pathlib import Path

import numpy as np
import pytest

from resonaut.fit import scan
from resonaut.fit.signal import Gaussian
from resonaut.fit.spectrum import Spectrum, read

FILE = Path(os.environ.get("RESONAUT_REFERENCE_DATA", "../shared/data")) / "dijet" / "cms_exo_19_012_figure5.csv"
pytestmark = pytest.mark.skipif(not FILE.is_file(), reason=f"no {FILE}; set RESONAUT_REFERENCE_DATA")
LUMINOSITY = 137.5


def test_counts_are_whole_numbers():
    spectrum = read(str(FILE), LUMINOSITY)
    assert len(spectrum.counts) == 42
    assert spectrum.counts[-4:].tolist() == [8, 0, 3, 1]


@pytest.mark.parametrize(("shape_parameters", "chi2"), [(2, 39.7), (3, 39.7), (4, 40.0)])
def test_chi2_in_the_published_bins(shape_parameters, chi2):
    spectrum = read(str(FILE), LUMINOSITY)
    _, background = scan.fit_background(spectrum, 13000, shape_parameters)
    residuals = (spectrum.counts - background.background[0]) / np.sqrt(background.background[0])
    assert residuals @ residuals == pytest.approx(chi2, abs=0.06)


def test_merged_bins_fit_well():
    spectrum = read(str(FILE), LUMINOSITY)
    _, background = scan.fit_background(spectrum, 13000, 3)
    quality = scan.goodness(spectrum.edges, spectrum.counts, background.background[0], 4)
    assert quality.p_value is not None
    assert quality.p_value > 0.05
    assert (quality.counts >= 5).all()


def test_a_pseudo_resonance_is_found_at_its_mass():
    spectrum = read(str(FILE), LUMINOSITY)
    width, mass = 0.04, 4000.0
    template = Gaussian(width).template(mass, spectrum.edges)
    function, background = scan.fit_background(spectrum, 13000, 3)
    error = scan.search(function, spectrum.counts, background, template, mass).error_up
    bumped = Spectrum(spectrum.edges, spectrum.counts + np.round(6 * error * template))
    function, background = scan.fit_background(bumped, 13000, 3)
    masses = np.arange(2500.0, 6001.0, 100.0)
    found = [
        scan.search(function, bumped.counts, background, Gaussian(width).template(m, spectrum.edges), m) for m in masses
    ]
    best = int(np.argmax([excess.z_local for excess in found]))
    assert abs(masses[best] - mass) <= width * mass
    assert found[best].z_local > 4
    assert found[best].signal_yield == pytest.approx(6 * error, abs=2 * error)
