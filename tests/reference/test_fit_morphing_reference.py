"""Morphing on CMS's public histograms of HH -> bbVV (HIG-23-012): a fourth sample from three, and six of VBF."""

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import chi2

from resonaut.fit.morphing.basis import Morphing
from resonaut.physics.couplings import TERMS

FILE = Path(os.environ.get("RESONAUT_REFERENCE_DATA", "../shared/data")) / "hhbbvv" / "templates.json.gz"
pytestmark = pytest.mark.skipif(not FILE.is_file(), reason=f"no {FILE}; set RESONAUT_REFERENCE_DATA")
REGIONS = ("passvbf", "passggf", "fail")
GLUON = {"ggHH_kl_0_kt_1_HHbbVV": 0.0, "HHbbVV": 1.0, "ggHH_kl_5_kt_1_HHbbVV": 5.0, "ggHH_kl_2p45_kt_1_HHbbVV": 2.45}
VECTOR = {
    "VBFHHbbVV": (1.0, 1.0, 1.0),
    "qqHH_CV_1_C2V_0_kl_1_HHbbVV": (1.0, 0.0, 1.0),
    "qqHH_CV_1_C2V_2_kl_1_HHbbVV": (1.0, 2.0, 1.0),
    "qqHH_CV_1p5_C2V_1_kl_1_HHbbVV": (1.5, 1.0, 1.0),
    "qqHH_CV_1_C2V_1_kl_0_HHbbVV": (1.0, 1.0, 0.0),
    "qqHH_CV_1_C2V_1_kl_2_HHbbVV": (1.0, 1.0, 2.0),
}


@pytest.fixture(scope="module")
def templates() -> dict:
    return json.loads(gzip.decompress(FILE.read_bytes()))


def stored(templates: dict, region: str, samples: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Contents and variances (samples, bins), of all years."""
    rows = [np.sum([templates[region][name][era] for era in templates[region][name]], axis=0) for name in samples]
    found = np.array(rows)
    return found[:, 0], found[:, 1]


def test_three_gluon_fusion_samples_give_the_fourth(templates):
    """Within its statistics; of the three regions together, one of which is 3.4 standard deviations off."""
    *names, left = GLUON
    solved = Morphing.of([{}, {"kappa_lambda": 1}], {name: {"kappa_lambda": GLUON[name]} for name in names})
    pulls = {}
    for region in REGIONS:
        contents, variances = stored(templates, region, names)
        assert_allclose(solved.contents(contents, solved.points), contents, rtol=1e-10, atol=1e-12)
        (wanted,), (own,) = stored(templates, region, [left])
        at = [GLUON[left]]
        difference = solved.contents(contents, at).sum() - wanted.sum()
        pulls[region] = difference / np.sqrt(solved.variances(variances, at).sum() + own.sum())
    assert chi2.sf(sum(pull**2 for pull in pulls.values()), len(REGIONS)) > 1e-4
    assert max(abs(pulls["passggf"]), abs(pulls["fail"])) < 2


def test_six_vector_fusion_samples_hold_the_three_of_kappa_2v(templates):
    names = ("kappa_V", "kappa_2V", "kappa_lambda")
    points = {sample: dict(zip(names, point, strict=True)) for sample, point in VECTOR.items()}
    six = Morphing.of(TERMS["vector_fusion"], points)
    assert six.condition < 100
    of_kappa_2v = {name: {"kappa_2V": point[1]} for name, point in list(VECTOR.items())[:3]}
    three = Morphing.of([{}, {"kappa_2V": 1}], of_kappa_2v)
    for region in REGIONS:
        contents, _ = stored(templates, region, list(VECTOR))
        assert_allclose(six.contents(contents, six.points), contents, rtol=1e-10, atol=1e-12)
        for kappa_2v in (-0.7, 0.5, 1.3, 2.4):
            one, other = six.contents(contents, [1.0, kappa_2v, 1.0]), three.contents(contents[:3], [kappa_2v])
            assert_allclose(one, other, rtol=1e-9, atol=1e-10)
        # As |kappa_2V - kappa_V^2|^2 at high mass: more signal on both sides of the standard model, at its minimum.
        along = three.contents(contents[:3], np.linspace(-1, 3, 81)[:, None]).sum(axis=1)
        assert abs(np.linspace(-1, 3, 81)[along.argmin()] - 1) < 0.1
