"""The measured ratio of Lund planes, and its file: correctionlib JSON, schema version 2."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from correctionlib import schemav2

from resonaut.calibrate.bins import FloatArray, LundBins, Splittings
from resonaut.config import load_json
from resonaut.errors import ConfigError, InputFileError
from resonaut.files import write_json

INPUTS = {
    "subjet_pt": "transverse momentum of the exclusive-kT subjet in GeV",
    "ln_radius_over_delta": "ln(0.8/Delta) of a splitting in the subjet's primary Lund plane",
    "ln_kt": "ln(k_t/GeV) of the splitting, k_t = p_T2 Delta",
}
OUTPUTS = {
    "lund_ratio": "data/simulation ratio of the density of splittings per subjet",
    "lund_ratio_error": "statistical standard deviation of lund_ratio",
}


@dataclass(frozen=True)
class LundRatio:
    """Data/simulation ratio of the density of splittings and its error, each of shape ``bins.shape``."""

    bins: LundBins
    ratio: FloatArray
    error: FloatArray

    def evaluate(self, splittings: Splittings) -> FloatArray:
        """The ratio at each splitting."""
        return np.asarray(self.ratio.ravel()[self.bins.flat(splittings)])


def write(path: Path, ratio: LundRatio) -> None:
    """Write the corrections ``lund_ratio`` and ``lund_ratio_error``, functions of the three ``INPUTS``."""
    tables = dict(zip(OUTPUTS, (ratio.ratio, ratio.error), strict=True))
    corrections = [_correction(name, ratio.bins, values) for name, values in tables.items()]
    document = schemav2.CorrectionSet(
        schema_version=2,
        description="Lund-plane calibration of jet radiation, prong by prong (method of CMS-DP-2023-046).",
        corrections=corrections,
    )
    write_json(path, document.model_dump(exclude_unset=True))


def read(path: Path) -> LundRatio:
    """Read a file that ``write`` made.

    Raises:
        InputFileError: the file is missing, not valid correctionlib JSON, or not a Lund-plane ratio.
    """
    try:
        document = schemav2.CorrectionSet.model_validate(load_json(path))
    except ValueError:
        raise _unusable(path, "not a correctionlib file of schema version 2") from None
    found = {c.name: c.data for c in document.corrections}
    nominal, spread = (found.get(name) for name in OUTPUTS)
    if not isinstance(nominal, schemav2.MultiBinning) or not isinstance(spread, schemav2.MultiBinning):
        raise _unusable(path, f"no binned corrections {' and '.join(OUTPUTS)}")
    if list(nominal.inputs) != list(INPUTS) or nominal.edges != spread.edges:
        raise _unusable(path, f"its corrections are not binned alike in {', '.join(INPUTS)}")
    try:
        bins = LundBins(*(tuple(map(float, edges)) for edges in nominal.edges))
    except (ConfigError, TypeError):
        raise _unusable(path, "its bins are not lists of rising edges") from None
    values, errors = (np.array(data.content, dtype=np.float64).reshape(bins.shape) for data in (nominal, spread))
    return LundRatio(bins, values, errors)


def _correction(name: str, bins: LundBins, values: FloatArray) -> schemav2.Correction:
    return schemav2.Correction(
        name=name,
        version=1,
        description=OUTPUTS[name],
        inputs=[schemav2.Variable(name=n, type="real", description=text) for n, text in INPUTS.items()],
        output=schemav2.Variable(name=name, type="real", description=OUTPUTS[name]),
        data=schemav2.MultiBinning(
            nodetype="multibinning",
            inputs=list(INPUTS),
            edges=[list(edges) for edges in bins.edges],
            content=values.ravel().tolist(),
            flow="clamp",
        ),
    )


def _unusable(path: Path, problem: str) -> InputFileError:
    return InputFileError(path, problem, "make it with `resonaut calibrate measure`")
