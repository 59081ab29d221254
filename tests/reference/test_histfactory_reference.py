"""ATLAS's public sbottom likelihood (SUSY-2018-31, HEPData ins1748602): CLs as pyhf has them.

The archive is doi:10.17182/hepdata.89408.v1/r2 (``pyhf contrib download URL FOLDER``), in the folder ``likelihoods`` of
the reference data: ``likelihoods/RegionA/BkgOnly.json`` and its patches. The values are those of pyhf's own tests.
"""

import os
from pathlib import Path

import numpy as np
import pyhf
import pytest

from resonaut.fit.histfactory import Model, read_workspace, reference
from resonaut.fit.histfactory.limits import Asymptotics

FOLDER = Path(os.environ.get("RESONAUT_REFERENCE_DATA", "../shared/data")) / "likelihoods" / "RegionA"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no {FOLDER}; set RESONAUT_REFERENCE_DATA")

PUBLISHED = {
    "sbottom_1300_205_60": (0.24443627759085326, [0.09022509053507759, 0.1937839194960632, 0.38432344933992]),
    "sbottom_1400_950_60": (0.021373283911064852, [0.002644707461012826, 0.013976754489151644, 0.06497313811425813]),
    "sbottom_1500_850_60": (0.04536774062150508, [0.0059847029077065295, 0.026103516126601122, 0.10093985752614597]),
}


@pytest.mark.parametrize("signal", PUBLISHED)
def test_cls_are_the_published_ones(signal) -> None:
    model = Model.of(read_workspace(FOLDER / "BkgOnly.json", [FOLDER / f"patch.{signal}.json"]))
    assert model.interest is not None
    observed, *expected = Asymptotics.of(model, model.interest).cls(np.ones(1))[:, 0]
    published, bands = PUBLISHED[signal]
    assert observed == pytest.approx(published, rel=1e-5)
    assert expected[:3] == pytest.approx(bands, rel=1e-5)


def test_cls_are_those_of_pyhf_in_the_same_run() -> None:
    model = Model.of(read_workspace(FOLDER / "BkgOnly.json", [FOLDER / "patch.sbottom_1300_205_60.json"]))
    assert model.interest is not None
    observed = Asymptotics.of(model, model.interest).cls(np.ones(1))[0, 0]
    backend = pyhf.get_backend()
    pyhf.set_backend("numpy", pyhf.optimize.minuit_optimizer(tolerance=1e-4))
    peer = float(pyhf.infer.hypotest(1.0, model.data.tolist(), reference.peer(model), test_stat="qtilde"))
    pyhf.set_backend(*backend)
    assert observed == pytest.approx(peer, abs=1e-6)
