"""The CMS dijet spectrum of 137 fb-1 (JHEP 05 (2020) 033, figure 5): the published quality of fit, and a bump in it."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from resonaut.fit import analysis, lookelsewhere, scan
from resonaut.fit.bare import Options, search_of
from resonaut.fit.search import Search
from resonaut.fit.spectrum import Spectrum

FILE = Path(os.environ.get("RESONAUT_REFERENCE_DATA", "../shared/data")) / "dijet" / "cms_exo_19_012_figure5.csv"
pytestmark = pytest.mark.skipif(not FILE.is_file(), reason=f"no {FILE}; set RESONAUT_REFERENCE_DATA")


def search(masses: str, *overrides: str) -> Search:
    return search_of(Options(str(FILE), "13000", masses, "137.5", settings=overrides))


def test_counts_are_whole_numbers():
    counts = search("4000:4000:100").spectrum.counts
    assert len(counts) == 42
    assert counts[-4:].tolist() == [8, 0, 3, 1]


@pytest.mark.parametrize(("shape_parameters", "chi2"), [(2, 39.7), (3, 39.7), (4, 40.0)])
def test_chi2_in_the_published_bins(shape_parameters, chi2):
    one = search("4000:4000:100", f"background.shape_parameters=[{shape_parameters},{shape_parameters}]")
    fitted = analysis.described(one, slice(0, 42), []).fit
    assert fitted.converged[0]
    residuals = (one.spectrum.counts - fitted.background[0]) / np.sqrt(fitted.background[0])
    assert residuals @ residuals == pytest.approx(chi2, abs=0.06)


def test_four_parameters_fit_well_and_nothing_is_found(tmp_path):
    result = analysis.run(search("2000:6000:100", "background.shape_parameters=[3,3]", "toys=300"), tmp_path)
    background = result.background
    assert len(background.parameters) == 4
    assert background.chi2 / background.ndf == pytest.approx(1, abs=0.3)
    assert background.p_value > 0.05
    assert min(background.counts) >= 5
    found = result.global_
    # Largest local excess of the scan; globally an everyday fluctuation.
    assert found.z_local < 3
    assert found.p_toys > 0.05
    assert found.p_gross_vitells == pytest.approx(found.p_toys, abs=0.15)
    assert result.bump_hunter.p_global > 0.05


def test_the_f_test_keeps_two_shape_parameters():
    assert analysis.described(search("4000:4000:100"), slice(0, 42), []).fit.function.shape_parameters == 2


def test_a_pseudo_resonance_is_found_at_its_mass():
    one = search("2500:6000:100", "signal_width=0.04", "background.shape_parameters=[3,3]")
    clean = one.model(4000.0)
    strength = 4 * scan.search(clean).signal_yield.error_up
    at = np.round(strength * clean.template.shares)
    bumped = replace(one, spectrum=Spectrum(one.spectrum.edges, one.spectrum.counts + at))
    masses = sorted(one.efficiencies)
    models = [bumped.model(mass) for mass in masses]
    z = lookelsewhere.local_significances(models, bumped.spectrum.counts[None])[0]
    best = int(np.argmax(z))
    assert abs(masses[best] - 4000) <= 0.04 * 4000
    # The data fluctuate up by 0.7 sigma there.
    assert z[best] == pytest.approx(4 + 0.7, abs=0.5)
    found = scan.search(models[best])
    assert found.signal_yield.value == pytest.approx(strength, abs=2 * found.signal_yield.error_up)
