"""The measured ratio of Lund planes and its file: correctionlib JSON, schema version 2, and metadata beside it.

The metadata hold a checksum of both: neither is used with the partner of another, or after an edit by hand.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from correctionlib import schemav2

from resonaut.calibrate.bins import LundBins
from resonaut.calibrate.results import Edges, Metadata
from resonaut.calibrate.settings import Declustering, Settings
from resonaut.core import results
from resonaut.core.config import load_json
from resonaut.core.errors import ConfigError, InputFileError
from resonaut.core.files import digest, write_json
from resonaut.core.record import plain
from resonaut.physics.clustering import FloatArray

INPUTS = {
    "subjet_pt": "transverse momentum of the exclusive-kT subjet in GeV",
    "ln_radius_over_delta": "ln(0.8/Delta) of a splitting in the subjet's primary Lund plane",
    "ln_kt": "ln(k_t/GeV) of the splitting, k_t = p_T2 Delta",
}
OUTPUTS = {
    "lund_ratio": "factor of a splitting: data/simulation ratio of the density of splittings per subjet",
    "lund_ratio_error": "statistical standard deviation of the measured lund_ratio",
    "lund_b_light_ratio": "ratio of the densities of b-quark and light-quark subjets in simulation",
    "lund_density": "splittings per subjet in each bin for the simulated W jets of the measurement",
}
NOMINAL = "nominal"
# Coefficients of the polynomial in 1/p_T, at most quadratic.
COEFFICIENTS = 3
POLYNOMIAL = "min(max([0]+[1]/x+[2]/(x*x),{low:g}),{high:g})"


@dataclass(frozen=True)
class Factors:
    """Factors of splittings: ``table`` of ``bins.shape``, and the coefficients of 1, 1/p_T, 1/p_T^2 beyond it.

    ``polynomial`` has the shape (3, *bins.shape[1:]) and is in powers of GeV.
    """

    table: FloatArray
    polynomial: FloatArray


@dataclass(frozen=True)
class LundCorrection:
    """All that turns splittings into weights.

    The ``table`` of ``nominal`` and ``systematics`` (up and down by name) is used for subjets in
    ``direct_pt_range`` (GeV), the polynomial beyond; both clipped to ``factor_range``. ``error`` is the
    statistical error of the nominal table, ``covariance`` (3, 3, *plane) that of its polynomials'
    coefficients. ``b_light`` and ``density`` are tables; the former is all 1 where it was not measured.
    """

    declustering: Declustering
    minimum_delta: float
    minimum_kt: float
    bins: LundBins
    direct_pt_range: tuple[float, float]
    factor_range: tuple[float, float]
    nominal: Factors
    error: FloatArray
    covariance: FloatArray
    systematics: dict[str, tuple[Factors, Factors]]
    b_light: FloatArray
    density: FloatArray
    # Of the files that it was read from.
    checksum: str = ""


def metadata_path(path: Path) -> Path:
    """The metadata of the correction in ``path``: ``correction.metadata.json`` beside ``correction.json``."""
    return path.with_suffix(".metadata.json")


def write(path: Path, correction: LundCorrection, source: Mapping[str, Any]) -> None:
    """Write the correction, and beside it the metadata, with ``source`` saying where it comes from."""
    variations = {NOMINAL: correction.nominal}
    for name, (up, down) in correction.systematics.items():
        variations |= {f"{name}_up": up, f"{name}_down": down}
    tables = dict(zip(list(OUTPUTS)[1:], (correction.error, correction.b_light, correction.density), strict=True))
    document = schemav2.CorrectionSet(
        schema_version=2,
        description="Lund-plane calibration of jet radiation, prong by prong (method of CMS-DP-2023-046).",
        corrections=[
            _correction("lund_ratio", correction, _ratio(correction, variations)),
            *(_correction(name, correction, _table(correction.bins, values)) for name, values in tables.items()),
        ],
    )
    low, high = correction.factor_range
    write_json(path, document.model_dump(exclude_unset=True))
    metadata = Metadata(
        declustering=correction.declustering,
        minimum_delta=correction.minimum_delta,
        minimum_kt=correction.minimum_kt,
        bins=Edges(**dict(zip(INPUTS, map(list, correction.bins.edges), strict=True))),
        direct_pt_range=correction.direct_pt_range,
        factor_range=(low, high),
        systematics=list(correction.systematics),
        polynomial_covariance=correction.covariance.tolist(),
        source=dict(source),
        checksum="",
    )
    results.write(metadata_path(path), replace(metadata, checksum=_checksum(path, plain(metadata, Metadata))))


def read(path: Path) -> LundCorrection:
    """Read a file that ``write`` made, with its metadata.

    Raises:
        InputFileError: a file is missing, not valid correctionlib JSON, not a Lund-plane correction, or its metadata
            are those of another one.
    """
    try:
        document = schemav2.CorrectionSet.model_validate(load_json(path))
    except ValueError:
        raise _unusable(path, "not a correctionlib file of schema version 2") from None
    found = {c.name: c for c in document.corrections}
    if missing := [name for name in OUTPUTS if name not in found]:
        raise _unusable(path, f"no correction {' or '.join(missing)}")
    meta = results.read(metadata_path(path), Metadata)
    if meta.checksum != _checksum(path, plain(meta, Metadata)):
        raise _unusable(metadata_path(path), f"not made together with {path.name}, or one of them was changed since")
    try:
        bins = LundBins(**{name: tuple(getattr(meta.bins, name)) for name in INPUTS})
        ratio = _chosen(found["lund_ratio"].data, meta.declustering)
        variations = {item.key: _factors(item.value, bins) for item in ratio.content}
        error, b_light, density = (
            np.array(_chosen(found[name].data, meta.declustering).content, float).reshape(bins.shape)
            for name in list(OUTPUTS)[1:]
        )
        correction = LundCorrection(
            declustering=meta.declustering,
            minimum_delta=meta.minimum_delta,
            minimum_kt=meta.minimum_kt,
            bins=bins,
            direct_pt_range=meta.direct_pt_range,
            factor_range=meta.factor_range,
            nominal=variations[NOMINAL],
            error=error,
            covariance=np.array(meta.polynomial_covariance, float).reshape(3, 3, *bins.shape[1:]),
            systematics={n: (variations[f"{n}_up"], variations[f"{n}_down"]) for n in meta.systematics},
            b_light=b_light,
            density=density,
            checksum=meta.checksum,
        )
        _require_sensible(correction)
        return correction
    except (ConfigError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise _unusable(path, f"no Lund-plane correction with its metadata ({type(error).__name__}: {error})") from None


def _checksum(path: Path, metadata: Mapping[str, Any]) -> str:
    """SHA-256 of a correction's file and of the other metadata, in whatever order these are written."""
    text = json.dumps({name: value for name, value in metadata.items() if name != "checksum"}, sort_keys=True)
    return hashlib.sha256(f"{digest(path)} {text}".encode()).hexdigest()


def _require_sensible(correction: LundCorrection) -> None:
    """Raise ``ValueError`` where a number cannot be what it stands for."""
    low, high = correction.factor_range
    if not 0 < low <= 1 <= high:
        raise ValueError(f"factor_range is [{low:g}, {high:g}]")
    first = correction.bins.subjet_pt[0]
    if not first <= correction.direct_pt_range[0] < correction.direct_pt_range[1]:
        low_pt, high_pt = correction.direct_pt_range
        raise ValueError(f"direct_pt_range is {low_pt:g} to {high_pt:g} GeV, and the bins begin at {first:g} GeV")
    varied = [factors for pair in correction.systematics.values() for factors in pair]
    for name, table in [("lund_ratio", one.table) for one in (correction.nominal, *varied)] + [
        ("lund_b_light_ratio", correction.b_light)
    ]:
        if table.min() < low * (1 - 1e-9) or table.max() > high * (1 + 1e-9):
            raise ValueError(f"{name} goes from {table.min():g} to {table.max():g}, outside factor_range")
    for name, table in (("lund_ratio_error", correction.error), ("lund_density", correction.density)):
        if table.min() < 0:
            raise ValueError(f"{name} is negative in a bin")


def read_for(path: Path, settings: Settings) -> LundCorrection:
    """Read a correction for jets that are declustered as the configuration says.

    Raises:
        ConfigError: it was measured on jets declustered otherwise.
    """
    correction = read(path)
    for key in ("declustering", "minimum_delta", "minimum_kt"):
        measured, wanted = getattr(correction, key), getattr(settings, key)
        if measured != wanted:
            raise ConfigError(
                f"{path} was measured with {key} {measured!r}, but calibrate.{key} is {wanted!r}; "
                f"set it to {measured!r}, or measure the correction again."
            )
    return correction


def _chosen(data: Any, declustering: str) -> Any:
    """The node below the only key of the input ``declustering``."""
    (item,) = data.content
    if item.key != declustering:
        raise ValueError(f"declustering {item.key!r} in the tables, {declustering!r} in the metadata")
    return item.value


def _pt_edges(correction: LundCorrection) -> list[Any]:
    """Edges of the p_T axis in the file: everything below and above the direct range is extrapolated."""
    low, high = correction.direct_pt_range
    return [0.0, low, *(edge for edge in correction.bins.subjet_pt[1:-1] if low < edge < high), high, "inf"]


def _ratio(correction: LundCorrection, variations: Mapping[str, Factors]) -> schemav2.Category:
    items = [schemav2.CategoryItem(key=n, value=_by_pt(correction, factors)) for n, factors in variations.items()]
    return schemav2.Category(nodetype="category", input="variation", content=items)


def _by_pt(correction: LundCorrection, factors: Factors) -> schemav2.Binning:
    edges = _pt_edges(correction)
    outside = _polynomials(correction.bins, factors.polynomial)
    inside = []
    for low in edges[1:-2]:
        slice_ = np.searchsorted(correction.bins.subjet_pt, low, side="right") - 1
        inside.append(_plane(correction.bins, factors.table[min(slice_, len(factors.table) - 1)].ravel().tolist()))
    content = [outside, *inside, outside]
    return schemav2.Binning(nodetype="binning", input="subjet_pt", edges=edges, content=content, flow="error")


def _polynomials(bins: LundBins, polynomial: FloatArray) -> schemav2.MultiBinning:
    parameters = polynomial.reshape(COEFFICIENTS, -1).T.tolist()
    return _plane(bins, [schemav2.FormulaRef(nodetype="formularef", index=0, parameters=p) for p in parameters])


def _plane(bins: LundBins, content: list[Any]) -> schemav2.MultiBinning:
    names = list(INPUTS)[1:]
    edges = [list(axis) for axis in bins.edges[1:]]
    return schemav2.MultiBinning(nodetype="multibinning", inputs=names, edges=edges, content=content, flow="clamp")


def _table(bins: LundBins, values: FloatArray) -> schemav2.MultiBinning:
    return schemav2.MultiBinning(
        nodetype="multibinning",
        inputs=list(INPUTS),
        edges=[list(edges) for edges in bins.edges],
        content=values.ravel().tolist(),
        flow="clamp",
    )


def _correction(name: str, correction: LundCorrection, data: Any) -> schemav2.Correction:
    """A correction that answers to its own declustering only: any other string is correctionlib's error."""
    low, high = correction.factor_range
    text = "how subjets are declustered: ca (Cambridge/Aachen) or kt; only that of the measurement is accepted"
    inputs = [schemav2.Variable(name="declustering", type="string", description=text)]
    formulas = None
    if name == "lund_ratio":
        text = f"{NOMINAL}, or a systematic variation"
        inputs.append(schemav2.Variable(name="variation", type="string", description=text))
        expression = POLYNOMIAL.format(low=low, high=high)
        formula = {"nodetype": "formula", "expression": expression, "parser": "TFormula", "variables": ["subjet_pt"]}
        formulas = [schemav2.Formula.model_validate(formula)]
    inputs += [schemav2.Variable(name=n, type="real", description=text) for n, text in INPUTS.items()]
    item = schemav2.CategoryItem(key=correction.declustering, value=data)
    return schemav2.Correction(
        name=name,
        version=1,
        description=OUTPUTS[name],
        inputs=inputs,
        output=schemav2.Variable(name=name, type="real", description=OUTPUTS[name]),
        generic_formulas=formulas,
        data=schemav2.Category(nodetype="category", input="declustering", content=[item]),
    )


def _factors(node: Any, bins: LundBins) -> Factors:
    """The inverse of ``_by_pt``."""
    outside, *inside = node.content[:-1]
    polynomial = np.array([reference.parameters for reference in outside.content], float).T
    table = np.empty(bins.shape)
    # A slice of the table that the direct range leaves out keeps its neighbour's values.
    lows = [float(edge) for edge in node.edges[1:-2]]
    for k, edge in enumerate(bins.subjet_pt[:-1]):
        nearest = max((i for i, low in enumerate(lows) if low <= edge), default=0)
        table[k] = np.array(inside[nearest].content, float).reshape(bins.shape[1:])
    return Factors(table, polynomial.reshape(COEFFICIENTS, *bins.shape[1:]))


def _unusable(path: Path, problem: str) -> InputFileError:
    return InputFileError(path, problem, "make it with `resonaut calibrate measure` or `resonaut calibrate import`")
