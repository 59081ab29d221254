"""The map of thresholds: correctionlib JSON, schema version 2, from fold, rho and pT of a jet to its threshold."""

import json
from pathlib import Path

import correctionlib
import numpy as np
from correctionlib import schemav2
from numpy.typing import NDArray

from resonaut.core.errors import InputFileError
from resonaut.core.files import write_json

Floats = NDArray[np.floating]
# Softer masses (GeV) have the logarithm of this one.
LEAST_MASS = 1e-3
NAME = "threshold"
INPUTS = {
    "fold": "of the event, by a hash of its identifier",
    "rho": "ln(m^2 / pT^2) of the jet, with the soft-drop mass m",
    "pt": "transverse momentum of the jet in GeV",
}


def rho(softdrop_mass: NDArray[np.floating], pt: NDArray[np.floating]) -> Floats:
    """ln(m^2 / pT^2) of jets, (n,), which the shape of QCD jets depends on (M. Dasgupta et al., arXiv:1307.0007)."""
    found: Floats = 2 * np.log(np.maximum(softdrop_mass, LEAST_MASS).astype(np.float64) / pt)
    return found


def write(path: Path, rho_edges: Floats, pt_edges: Floats, thresholds: Floats, about: str) -> None:
    """Store ``thresholds``, (folds, bins of rho, bins of pT); beyond the edges the outermost bins hold."""
    folds = [
        schemav2.CategoryItem(
            key=number,
            value=schemav2.MultiBinning(
                nodetype="multibinning",
                inputs=["rho", "pt"],
                edges=[rho_edges.tolist(), pt_edges.tolist()],
                content=table.ravel().tolist(),
                flow="clamp",
            ),
        )
        for number, table in enumerate(thresholds)
    ]
    kinds = {"fold": "int", "rho": "real", "pt": "real"}
    correction = schemav2.Correction(
        name=NAME,
        description=about,
        version=1,
        inputs=[schemav2.Variable(name=name, type=kinds[name], description=text) for name, text in INPUTS.items()],
        output=schemav2.Variable(name=NAME, type="real", description="least score of a jet that passes"),
        data=schemav2.Category(nodetype="category", input="fold", content=folds),
    )
    document = schemav2.CorrectionSet(schema_version=2, corrections=[correction])
    write_json(path, document.model_dump(exclude_unset=True))


def read(path: Path) -> "correctionlib.highlevel.Correction":
    """The map of ``write``, to be called with ``evaluate(fold, rho, pt)``.

    Raises:
        InputFileError: the file is missing, or no such map.
    """
    remedy = "make it with 'resonaut tag working-point'"
    try:
        found = correctionlib.CorrectionSet.from_string(json.dumps(json.loads(path.read_text())))[NAME]
    except FileNotFoundError:
        raise InputFileError(path, "no such file", remedy) from None
    except (ValueError, RuntimeError, IndexError, KeyError) as error:
        raise InputFileError(path, f"no map of thresholds ({error})", remedy) from None
    if [one.name for one in found.inputs] != list(INPUTS):
        raise InputFileError(path, f"depends on {', '.join(one.name for one in found.inputs)}", remedy)
    return found
