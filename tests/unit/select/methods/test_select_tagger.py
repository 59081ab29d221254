from dataclasses import replace

import awkward as ak
import numpy as np
import pytest

from resonaut.core.errors import NotFiniteError
from resonaut.select import method as methods
from resonaut.select.methods.tagger import TaggerSettings


def test_the_tagger_combines_both_jets(settings):
    key = {name: np.array([1, 2], np.int64) for name in ("run", "luminosityBlock", "event")}
    scores = ak.Array(key | {"j1_part_qcd": np.array([0.1, 0.5]), "j2_part_qcd": np.array([0.4, 0.5])})
    product = methods.make("tagger", settings, "w3500")
    assert product.friends == ("tag",)
    assert product.raw(scores, "data").value[:, 0] == pytest.approx([0.54, 0.25])
    smaller = methods.make(
        "tagger", replace(settings, tagger=TaggerSettings(network="part", combination="minimum")), "w3500"
    )
    assert smaller.raw(scores, "data").value[:, 0] == pytest.approx([0.6, 0.5])
    published = methods.make("tagger", replace(settings, tagger=TaggerSettings(network="pnet")), "w3500")
    assert published.columns == ("j1_pnet_qcd", "j2_pnet_qcd")
    broken = ak.with_field(scores, np.array([np.nan, 0.5]), "j2_part_qcd")
    with pytest.raises(NotFiniteError, match="'j2_part_qcd' has 1 NaN"):
        product.raw(broken, "data")
