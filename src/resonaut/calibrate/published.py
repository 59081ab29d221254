"""CMS's published Lund-plane ratios, ``ratio_<year>.root``, as a correction (CMS-DP-2023-046, arXiv:2507.07775).

The file holds TH3F over (subjet p_T, ln(0.8/Delta), ln(k_t/GeV)): ``ratio_nom`` with its statistical errors, the
total systematic variations, the b/light ratio, the simulated splittings ``mc_nom``; and, in the folder
``pt_extrap``, polynomials in 1/p_T for each bin of the plane. An empty bin means that nothing was measured there.
"""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import uproot

from resonaut.calibrate.bins import JET_RADIUS, LundBins
from resonaut.calibrate.correction import COEFFICIENTS, Factors, LundCorrection
from resonaut.calibrate.matching import BoolArray
from resonaut.core.errors import InputFileError
from resonaut.physics.clustering import FloatArray

# What the file does not say, from the method's text and the tool published with it.
MINIMUM_DELTA, MINIMUM_KT = 0.005, 0.02
DIRECT_PT_RANGE = (15.0, 350.0)
FACTOR_RANGE = (0.2, 5.0)
# Bins with a content and an error no larger than this are empty.
EMPTY = 1e-4
# No logarithm of an angle or of a transverse momentum in GeV is larger.
LOGARITHM = 20.0
SYSTEMATIC = "systematic"
VARIATIONS = ("up", "down")
# Number of parameters by formula; the file has a covariance for two at most.
FORMULAS = {"[p0]*pow(x,(0))": 1, "[p0]*pow(x,(0))+[p1]*pow(x,(1))": 2}
REMEDY = "give a file ratio_<year>.root of CMS's Lund-plane measurement"


class Histogram(NamedTuple):
    """A TH3F: contents, errors, and edges of the axes, without under- and overflow."""

    values: FloatArray
    errors: FloatArray
    edges: list[FloatArray]


def read_published(path: Path) -> tuple[LundCorrection, dict[str, Any]]:
    """Read a published file into a correction and what its metadata should say of the source.

    Where the nominal ratio is empty, and in the last row of ln(0.8/Delta), which holds raw counts in these files, all
    factors are 1, the statistical error is 1 and nothing is varied. All tables are clipped to ``FACTOR_RANGE``.
    ``density`` is the share of each p_T slice's splittings, since the file does not count subjets, and 0 in
    bins that the cuts on Delta and k_t reach into: ``mc_nom`` was filled without them.

    Raises:
        InputFileError: the file is missing, not a ROOT file, or lacks what a published ratio has.
    """
    try:
        with uproot.open({path: None}) as file:
            names = ("ratio_nom", "mc_nom", "h_bl_ratio", *(f"ratio_sys_tot_{way}" for way in VARIATIONS))
            nominal, simulation, b_light, *shifted = (_histogram(path, file, name) for name in names)
            for name, histogram in zip(names, (nominal, simulation, b_light, *shifted), strict=True):
                if histogram is not simulation:
                    _require_ratios(path, name, histogram)
            bins = _bins(path, nominal, simulation, b_light, *shifted)
            polynomial, covariance = _polynomials(path, file, bins, "func", with_covariance=True)
            shifted_polynomials = [
                _polynomials(path, file, bins, f"func_sys_tot_{way}", with_covariance=False)[0] for way in VARIATIONS
            ]
    except InputFileError:
        raise
    except FileNotFoundError:
        raise InputFileError(path, "no such file", REMEDY) from None
    except uproot.KeyInFileError as error:
        raise InputFileError(path, f"no object {error.key!r}", REMEDY) from None
    except Exception as error:  # a broken file may raise anything, from uproot, its decompressors or numpy
        problem = " ".join(str(error).split())[:100]
        raise InputFileError(path, f"not a readable file of Lund-plane ratios ({problem})", REMEDY) from None
    corrupt = np.zeros(bins.shape, np.bool_)
    corrupt[:, -1] = True
    empty = _empty(nominal) | corrupt
    up, down = (Factors(_clipped(table, empty), p) for table, p in zip(shifted, shifted_polynomials, strict=True))
    correction = LundCorrection(
        declustering="kt",
        minimum_delta=MINIMUM_DELTA,
        minimum_kt=MINIMUM_KT,
        bins=bins,
        direct_pt_range=DIRECT_PT_RANGE,
        factor_range=FACTOR_RANGE,
        nominal=Factors(_clipped(nominal, empty), polynomial),
        error=np.where(empty, 1.0, nominal.errors),
        covariance=covariance,
        systematics={SYSTEMATIC: (up, down)},
        b_light=_clipped(b_light, _empty(b_light) | corrupt),
        density=_shares(simulation.values, bins),
    )
    row = f"ln(0.8/Delta) > {bins.ln_radius_over_delta[-2]:.4g}"
    source = {
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "declustering": "derived by walking the kT trees of exclusive-kT subjets",
        "masked": f"{row}, where the file has raw counts instead of ratios, as an empty bin",
        "empty_bins": int(np.count_nonzero(empty)),
        "density": "share of the splittings of its p_T slice: the file does not count subjets",
    }
    return correction, source


def _histogram(path: Path, file: Any, name: str) -> Histogram:
    """The newest cycle of a histogram."""
    found = file[name]
    try:
        edges = [np.asarray(found.axis(i).edges(), np.float64) for i in range(3)]
        values, errors = found.values().astype(np.float64), found.errors().astype(np.float64)
    except (AttributeError, IndexError, TypeError, ValueError):
        raise InputFileError(path, f"{name} is no histogram with three axes", REMEDY) from None
    _require_finite(path, name, values, errors)
    return Histogram(values, errors, edges)


def _require_finite(path: Path, name: str, *values: FloatArray) -> None:
    if not all(np.isfinite(v).all() for v in values):
        raise InputFileError(path, f"{name} holds NaN or infinite numbers", REMEDY)


def _bins(path: Path, nominal: Histogram, *others: Histogram) -> LundBins:
    """The common bins, with the end of the direct range for the last edge of p_T, which is 99999 in the file."""
    for other in others:
        if not all(map(np.array_equal, nominal.edges, other.edges)):
            raise InputFileError(path, "its histograms are not binned alike", REMEDY)
    pt, x, y = (edges.tolist() for edges in nominal.edges)
    if pt[0] < 0 or np.abs([*x, *y]).max() > LOGARITHM:
        raise InputFileError(path, "its axes are not subjet p_T, ln(0.8/Delta) and ln(k_T/GeV)", REMEDY)
    if pt[-2] >= DIRECT_PT_RANGE[1]:
        problem = f"its last p_T bin begins at {pt[-2]:g} GeV, and not below {DIRECT_PT_RANGE[1]:g} GeV"
        raise InputFileError(path, problem, REMEDY)
    return LundBins(subjet_pt=(*pt[:-1], DIRECT_PT_RANGE[1]), ln_radius_over_delta=tuple(x), ln_kt=tuple(y))


def _require_ratios(path: Path, name: str, histogram: Histogram) -> None:
    """Counts would pass for ratios once they are clipped: in CMS's file 3 % of the ratios are, and 85 % of counts."""
    measured = ~_empty(histogram)
    measured[:, -1] = False
    low, high = FACTOR_RANGE
    outside = (histogram.values[measured] < low) | (histogram.values[measured] > high)
    if outside.size and outside.mean() > 0.5:
        problem = f"{name} holds no ratios: {outside.mean():.0%} of its contents are not between {low:g} and {high:g}"
        raise InputFileError(path, problem, REMEDY)


def _polynomials(
    path: Path, file: Any, bins: LundBins, name: str, with_covariance: bool
) -> tuple[FloatArray, FloatArray]:
    """Coefficients (3, *plane) in 1/p_T and their covariance (3, 3, *plane); 1 +- 1 in the corrupt last row."""
    polynomial = np.zeros((COEFFICIENTS, *bins.shape[1:]))
    covariance = np.zeros((COEFFICIENTS, COEFFICIENTS, *bins.shape[1:]))
    polynomial[0, -1], covariance[0, 0, -1] = 1.0, 1.0
    for j, k in np.ndindex(bins.shape[1] - 1, bins.shape[2]):
        where = f"{j + 1}_{k + 1}"
        function = file[f"pt_extrap/{name}_{where}"]
        formula = function.member("fFormula")
        text = str(formula.member("fFormula")).replace(" ", "")
        if text not in FORMULAS:
            problem = f"pt_extrap/{name}_{where} is {text!r}, neither constant nor linear in 1/p_T"
            raise InputFileError(path, problem, REMEDY)
        n = FORMULAS[text]
        polynomial[:n, j, k] = np.asarray(formula.member("fClingParameters"))[:n]
        if with_covariance:
            np.fill_diagonal(covariance[:n, :n, j, k], np.asarray(function.member("fParErrors"))[:n] ** 2)
        if with_covariance and n == 2:
            # The object of a constant, which has no covariance, holds anything, also NaN.
            covariance[0, 1, j, k] = covariance[1, 0, j, k] = file[f"pt_extrap/{name}_covar_{where}"].member("fVal")
    _require_finite(path, f"pt_extrap/{name}_*", polynomial, covariance)
    return polynomial, covariance


def _empty(histogram: Histogram) -> BoolArray:
    """Bins without a measurement."""
    return np.asarray((histogram.values <= EMPTY) & (histogram.errors <= EMPTY))


def _clipped(histogram: Histogram, empty: BoolArray) -> FloatArray:
    return np.asarray(np.where(empty, 1.0, np.clip(histogram.values, *FACTOR_RANGE)))


def _shares(splittings: FloatArray, bins: LundBins) -> FloatArray:
    """Splittings in bins wholly inside the cuts, each p_T slice normalised to one."""
    inside_delta = np.array(bins.ln_radius_over_delta[1:]) <= np.log(JET_RADIUS / MINIMUM_DELTA)
    inside_kt = np.array(bins.ln_kt[:-1]) >= np.log(MINIMUM_KT)
    kept = np.where(inside_delta[:, None] & inside_kt, np.maximum(splittings, 0.0), 0.0)
    total = kept.sum(axis=(1, 2), keepdims=True)
    return np.asarray(np.divide(kept, total, out=np.zeros_like(kept), where=total > 0))
