import awkward as ak
import correctionlib.schemav2 as schema
import numpy as np
import pytest

from resonaut.core.errors import InputFileError
from resonaut.core.record import build
from resonaut.skim.corrections import identification
from resonaut.skim.corrections.settings import Hem, Identification, VetoMap

INPUTS = ["neHEF", "muEF", "multiplicity", "eta"]


def test_bits_of_nanoaod(write_tables, make_table) -> None:
    """Tight: neutral hadrons below 0.9 and more than one particle; the veto also muons below 0.8."""
    tight = "(x<0.9)*(z>1)"
    path = write_tables(
        make_table("AK8_Tight", INPUTS, tight), make_table("AK8_Veto", INPUTS, f"{tight}*(y<0.8)"), name="jetid.json"
    )
    settings = {"file": path, "tight": "AK8_Tight"}
    jets = {name: [[0.1] * 4] for name in ("eta", "chHEF", "chEmEF", "neEmEF")}
    jets |= {"neHEF": [[0.1, 0.95, 0.1, 0.1]], "muEF": [[0.1, 0.1, 0.9, 0.1]]}
    jets |= {"chMultiplicity": [[1, 1, 1, 1]], "neMultiplicity": [[1, 1, 1, 0]]}
    found = identification.jet_id(ak.zip(jets), build(settings | {"lepton_veto": "AK8_Veto"}, Identification, "x"))
    assert found.tolist() == [[6, 0, 2, 0]]
    assert identification.jet_id(ak.zip(jets), build(settings, Identification, "x")).tolist() == [[2, 0, 2, 0]]
    with pytest.raises(InputFileError, match="has no table 'AK4_Tight'; name one of AK8_Tight"):
        identification.jet_id(ak.zip(jets), build(settings | {"tight": "AK4_Tight"}, Identification, "x"))


def test_veto_map(write_tables) -> None:
    edges = schema.MultiBinning(
        nodetype="multibinning",
        inputs=["eta", "phi"],
        edges=[[-5.19, 0.0, 1.0, 5.19], [-3.1416, 0.0, 3.1416]],
        content=[0.0, 0.0, 0.0, 100.0, 0.0, 0.0],
        flow="error",
    )
    data = schema.Category(nodetype="category", input="type", content=[{"key": "jetvetomap", "value": edges}])
    variables = [
        schema.Variable(name="type", type="string"),
        *(schema.Variable(name=n, type="real") for n in ("eta", "phi")),
    ]
    output = schema.Variable(name="out", type="real")
    path = write_tables(schema.Correction(name="map", version=1, inputs=variables, output=output, data=data))
    # In the vetoed part; there, but soft; there, but an electron; elsewhere; beyond the map.
    jets = ak.zip(
        {
            "pt": [[100.0], [10.0], [100.0], [100.0], [100.0], []],
            "eta": [[0.5], [0.5], [0.5], [-0.5], [6.0], []],
            "phi": [[3.14159], [1.0], [1.0], [1.0], [1.0], []],
            "electromagnetic": [[0.1], [0.1], [0.95], [0.1], [0.1], []],
        }
    )
    settings = build({"file": path}, VetoMap, "x")
    found = identification.vetoed({"": jets, "jes_up": ak.with_field(jets, 2 * jets.pt, "pt")}, settings)
    assert found[""].tolist() == [True, False, False, False, False, False]
    assert found["jes_up"].tolist() == [True, True, False, False, False, False]
    loose = ak.with_field(jets, ak.zeros_like(jets.pt, dtype=int), "jet_id")
    assert not identification.vetoed({"": loose}, settings)[""].any()
    muons = ak.zip({"eta": [[0.4], [], [], [], [], []], "phi": [[-3.1], [], [], [], [], []]})
    assert not identification.vetoed({"": jets}, settings, muons)[""].any()
    with pytest.raises(InputFileError, match="cannot be evaluated"):
        identification.vetoed({"": jets}, build({"file": path, "kind": "other"}, VetoMap, "x"))


def test_hem_region() -> None:
    jets = ak.zip({"pt": [[40.0], [20.0], [40.0]], "eta": [[-2.0], [-2.0], [2.0]], "phi": [[-1.0], [-1.0], [-1.0]]})
    assert identification.in_hem(jets, Hem()).tolist() == [True, False, False]
    assert np.sum(identification.in_hem(jets, Hem(pt_min=10))) == 2
