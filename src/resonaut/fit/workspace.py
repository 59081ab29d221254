"""The HistFactory model of one mass, and CLs limits from it through pyhf.

HistFactory knows no smooth functions, but the background's logarithm is linear in its parameters: each block of bins
of the background is a sample of its own, and one ``normsys`` per parameter, shared by all of them, multiplies block
``i`` by ``exp((alpha_k - CENTRE) c_ik)``. Here ``c_ik`` is the change of ``ln b_i`` by ``FREEDOM`` standard deviations
along the eigenvector ``k`` of the fit's covariance: so many that the constraint HistFactory puts on ``alpha_k`` does
not bite, and the data alone decide. That is the function itself, up to its change of slope inside a block, and not its
tangent as with ``histosys``.

pyhf's interpolation of a ``normsys`` is exponential only beyond ``alpha = 1``, so ``alpha_k`` is centred at 2 and
stays between 1 and 3; the samples' nominal contents are scaled such that they are the fit at ``alpha_k = 2``.

Nor does it know a peak that moves. The signal is the sum of several samples ``S_j exp(j alpha / reach)``, j = -J to J,
with ``alpha`` the energy scale: a polynomial in ``exp(alpha / reach)`` in each bin, fitted to the moved peak. Only the
sum is a signal; contents of one sample may be negative.

Each source of uncertainty is one parameter, whatever it does: ``alpha`` is the sum over sources of their parameters
times their parts of the scale, and the exponential of a sum is a product, of one ``normsys`` a source.
"""

import logging
import math
from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resonaut.core.errors import ResonautError
from resonaut.fit import coarse
from resonaut.fit.background import Model
from resonaut.fit.binning import merge
from resonaut.fit.family import Array
from resonaut.fit.limits import SMALLEST, Limits, cls_values, crossing
from resonaut.fit.sides import logarithms
from resonaut.fit.signal import Template
from resonaut.fit.sources import Source

FREEDOM = 20.0
CENTRE = 2.0
# Largest |c_ik|: with next to no events a bin's content is known to orders of magnitude, and exp overflows.
LARGEST = 100.0
# Standard deviations up to which the scale moves the peak, less where the samples' sum would not be so close to it, in
# units of the highest bin, with so many pairs of samples.
REACHES, CLOSE, PAIRS = (5.0, 4.0, 3.0, 2.0, 1.0), 0.02, 4
# ``mu = 1`` is the expected limit. Largest ``mu`` that a fit may reach, at least and in units of the highest limit.
HIGHEST, ABOVE = 10.0, 4.0
# The channel of a spectrum that has no name.
CHANNEL = "spectrum"


# Plain JSON data of HistFactory's schema, or a part of them.
HistFactory = dict[str, Any]


class PyhfError(ResonautError):
    """pyhf finds no minimum, or none that makes a limit."""


def build(model: Model, unit: float, sources: Mapping[str, Source], highest: float) -> HistFactory:
    """A HistFactory workspace, as plain JSON data.

    Args:
        model: the model and its data; of several background functions the one that fits best.
        unit: signal events at ``mu = 1``, the expected limit: minimisers want parameters of order one.
        sources: of uncertainty of the signal, by name: changes of the rate become a ``normsys``, those of the width a
            ``histosys``, ``hi`` with the source up and ``lo`` with it down, and the position moves the peak.
        highest: limit that is looked for, events.
    """
    cuts = coarse.cuts(model, unit)
    mu = {"name": "mu", "bounds": [[0.0, max(HIGHEST, ABOVE * highest / unit)]], "inits": [1.0]}
    background, smooth = _background(model, cuts)
    others, yields = _resonances(model, cuts)
    signal, moved = _signal(model.template.peak, unit, cuts, sources)
    channel = model.spectrum.observable or CHANNEL
    return {
        "version": "1.0.0",
        "channels": [{"name": channel, "samples": [*background, *others, *signal]}],
        "observations": [{"name": channel, "data": merge(model.spectrum.counts, cuts).tolist()}],
        "measurements": [
            {"name": "limit", "config": {"poi": "mu", "parameters": [mu, *smooth, *yields, *moved]}},
        ],
    }


def _background(model: Model, cuts: NDArray[np.intp]) -> tuple[list[HistFactory], list[HistFactory]]:
    """Samples of the smooth function, and their parameters."""
    fitted = model.background.best
    function, theta, n = fitted.function, fitted.theta[0], fitted.function.n_smooth
    blocks = coarse.blocks(model, cuts)
    expected, slope = function.smooth(theta), function.slope(theta).T[:n]
    width, direction = np.linalg.eigh(fitted.background_covariance[0, :n, :n])
    relative = (merge(slope, cuts[blocks]) / merge(expected, cuts[blocks])).T  # (blocks, K)
    shift = relative @ (direction * np.sqrt(np.maximum(width, 0.0)))
    shift *= np.minimum(FREEDOM, LARGEST / np.abs(shift).max(axis=0))
    block = np.repeat(np.arange(len(shift)), np.diff(blocks))  # of each bin
    nominal = merge(expected, cuts) * np.exp(-CENTRE * shift.sum(axis=1))[block]
    names = [f"background_{k}" for k in range(n)]
    samples = [
        _sample(
            f"background_block_{i:03d}",
            np.where(block == i, nominal, 0.0),
            [_normsys(name, float(c), -float(c)) for name, c in zip(names, shift[i], strict=True)],
        )
        for i in range(len(shift))
    ]
    centred = {"auxdata": [CENTRE], "inits": [CENTRE], "bounds": [[1.0, 2 * CENTRE - 1.0]]}
    return samples, [{"name": name, **centred} for name in names]


def _resonances(model: Model, cuts: NDArray[np.intp]) -> tuple[list[HistFactory], list[HistFactory]]:
    """One sample for each resonance that floats in the background, of its fitted yield, and its free normalisation."""
    fitted = model.background.best
    n = fitted.function.n_smooth
    errors = np.sqrt(np.diag(fitted.background_covariance[0]))[n:]
    samples, parameters = [], []
    for one, events, error in zip(model.resonances, fitted.theta[0, n:], errors, strict=True):
        name, unit = f"resonance_{one.mass:g}", max(float(events), float(error))
        factor = {"name": name, "type": "normfactor", "data": None}
        samples.append(_sample(name, unit * merge(one.shares, cuts), [factor]))
        parameters.append({"name": name, "bounds": [[0.0, HIGHEST]], "inits": [max(float(events), 0.0) / unit]})
    return samples, parameters


def _signal(
    peak: Template, unit: float, cuts: NDArray[np.intp], sources: Mapping[str, Source]
) -> tuple[list[HistFactory], list[HistFactory]]:
    """Samples whose sum is the signal, and the ranges of the parameters that move the ``peak``."""
    position, width = peak.signal.position.sum(), peak.signal.width.sum()
    moving = {name: one.position / position for name, one in sources.items() if one.position}
    wider = {name: one.width / width for name, one in sources.items() if one.width}
    sides = [0.0, *(side * size for size in wider.values() for side in (1.0, -1.0))]
    if not moving:
        contents = unit * merge(_at(peak, 0.0, sides), cuts)
        return [_moved("signal", contents, wider, _factors(sources, {}))], []
    for reach, pairs in product(REACHES, range(1, PAIRS + 1)):
        away = np.linspace(-reach, reach, 4 * PAIRS + 1)
        peaks = np.array([unit * merge(_at(peak, eta, sides), cuts) for eta in away])  # (A, sides, N)
        nominal = peaks[len(away) // 2]
        powers = np.array([j for j in range(-pairs, pairs + 1) if j != 0])
        # Exact where the scale is nominal: what is fitted is the change from there.
        basis = np.expm1(np.outer(away / reach, powers))
        parts = np.linalg.lstsq(basis, (peaks - nominal).reshape(len(away), -1), rcond=None)[0]
        parts = parts.reshape(len(powers), *nominal.shape)
        sums = nominal + np.tensordot(basis, parts, axes=1)
        if np.abs(sums - peaks).max() < CLOSE * nominal.max():
            break
    # Never negative, where there may be next to no background.
    rest = nominal - parts.sum(axis=0) + np.maximum(-sums[:, 0].min(axis=0), 0.0)
    samples = [_moved("signal", rest, wider, _factors(sources, {}))]
    for j, part in zip(powers, parts, strict=True):
        factors = _factors(sources, {name: j / reach * part_of_scale for name, part_of_scale in moving.items()})
        samples.append(_moved(f"signal_scale_{'minus' if j < 0 else 'plus'}_{abs(j)}", part, wider, factors))
    return samples, [{"name": name, "bounds": [[-reach, reach]]} for name in moving]


def _at(peak: Template, scale: float, resolutions: list[float]) -> Array:
    """Shares (R, N) at one value of the scale and several of the resolution."""
    eta = np.zeros((len(resolutions), len(peak.nuisances)))
    for m, name in enumerate(peak.nuisances):
        eta[:, m] = scale if name == "scale" else resolutions
    return np.atleast_2d(peak.at(eta))


def _factors(sources: Mapping[str, Source], exponents: Mapping[str, float]) -> list[HistFactory]:
    """What multiplies a sample: ``mu``, the sources' rates, and exponentials of their parameters."""
    factors = []
    for name, one in sources.items():
        up, down = logarithms(one.rate)
        exponent = exponents.get(name, 0.0)
        if exponent or up or down:
            factors.append(_normsys(name, up + exponent, down - exponent))
    return [*factors, {"name": "mu", "type": "normfactor", "data": None}]


def _moved(name: str, contents: Array, wider: Iterable[str], factors: list[HistFactory]) -> HistFactory:
    """A sample of ``contents`` (1 + 2 S, N): nominal, and with each of S sources that widen the peak up and down."""
    widths = [
        {"name": source, "type": "histosys", "data": {"hi_data": up.tolist(), "lo_data": down.tolist()}}
        for source, up, down in zip(wider, contents[1::2], contents[2::2], strict=True)
    ]
    return _sample(name, contents[0], [*widths, *factors])


def _sample(name: str, contents: Array, modifiers: list[HistFactory]) -> HistFactory:
    return {"name": name, "data": contents.tolist(), "modifiers": modifiers}


def _normsys(name: str, log_high: float, log_low: float) -> HistFactory:
    return {"name": name, "type": "normsys", "data": {"hi": math.exp(log_high), "lo": math.exp(log_low)}}


def upper_limits(workspace: HistFactory, near: Limits, confidence_level: float) -> Limits:
    """Asymptotic CLs limits on ``mu`` by pyhf's fits.

    ``near`` are limits in units of ``mu`` close to the result: pyhf tests these values and one below and
    above them, and the limits are interpolated between.

    Raises:
        PyhfError: a fit fails, or the limits are not where they were looked for.
    """
    import pyhf

    logging.getLogger("pyhf").setLevel(logging.WARNING)
    pyhf.set_backend("numpy", pyhf.optimize.scipy_optimizer())
    specification = {
        "channels": workspace["channels"],
        "parameters": workspace["measurements"][0]["config"]["parameters"],
    }
    model = pyhf.Model(specification, poi_name="mu", validate=False)
    data = workspace["observations"][0]["data"] + model.config.auxdata
    points = np.unique(np.round(np.append(near.expected, near.observed), 2))
    points = np.concatenate([points[:1] * 0.85, points, points[-1:] * 1.15])
    try:
        with np.errstate(all="ignore"):
            alone = pyhf.infer.mle.fixed_poi_fit(0.0, data, model)
            asimov = model.expected_data(alone)
            observed, bands = cls_values(_q_tilde(model, data, points), _q_tilde(model, asimov, points))
    except pyhf.exceptions.FailedMinimization as error:
        raise PyhfError(f"pyhf finds no minimum ({error}).") from None
    log_cls = np.log(np.maximum(np.vstack([observed, bands]), SMALLEST))
    level = math.log(1 - confidence_level)
    if not np.isfinite(log_cls).all() or (log_cls.max(axis=1) < level).any() or (log_cls.min(axis=1) > level).any():
        raise PyhfError("pyhf's CLs does not cross the level near the direct likelihood's limit.")
    found = [crossing(points, curve, level) for curve in log_cls]
    return Limits(found[0], np.array(found[1:]))


def _q_tilde(model: Any, data: Any, points: Array) -> Array:
    """The q-tilde (P,) of ``points`` (P,) by pyhf; each fit begins where the one before it ended."""
    import pyhf

    best, lowest = pyhf.infer.mle.fit(data, model, return_fitted_val=True)
    at, found = best, []
    for mu in points:
        at, value = pyhf.infer.mle.fixed_poi_fit(float(mu), data, model, init_pars=list(at), return_fitted_val=True)
        found.append(value)
    above = np.maximum(np.array(found) - lowest, 0.0)
    return np.where(best[model.config.poi_index] < points, above, 0.0)
