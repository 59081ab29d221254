"""The HistFactory model of one mass, and CLs limits from it through pyhf.

HistFactory knows no smooth functions, but the dijet function's logarithm is linear in its parameters:
each bin of the background is a sample of its own, and one ``normsys`` per parameter, shared by all of
them, multiplies bin ``i`` by ``exp((alpha_k - CENTRE) c_ik)``, where ``c_ik`` is the change of ``ln b_i`` by
``FREEDOM`` standard deviations along the eigenvector ``k`` of the fit's covariance: so many that the constraint
HistFactory puts on ``alpha_k`` does not bite, and the data alone decide. That is the function itself, up to its
change of slope inside a bin, and not its tangent as with ``histosys``.

pyhf's interpolation of a ``normsys`` is exponential only beyond ``alpha = 1``, so ``alpha_k`` is centred at 2 and
stays between 1 and 3; the samples' nominal contents are scaled such that they are the fit at ``alpha_k = 2``.
"""

import copy
import logging
import math
from typing import Any

import numpy as np

from resonaut.errors import ResonautError
from resonaut.fit.family import Array, DijetFunction
from resonaut.fit.likelihood import Fit
from resonaut.fit.limits import Limits, crossing

FREEDOM = 20.0
CENTRE = 2.0
# Largest |c_ik|: with next to no events a bin's content is known to orders of magnitude, and exp overflows.
LARGEST = 100.0


class PyhfError(ResonautError):
    """pyhf finds no minimum, or none that makes a limit."""


def build(
    function: DijetFunction,
    counts: Array,
    background: Fit,
    signal: Array,
    uncertainties: dict[str, float],
    upper: float,
) -> dict[str, Any]:
    """A HistFactory workspace, as plain JSON data.

    Args:
        function: the background function.
        counts: observed events (N,).
        background: the background-only fit of these counts (a batch of one).
        signal: expected signal events in each bin (N,) at ``mu = 1``.
        uncertainties: relative, log-normal uncertainties of the signal's normalisation, by name.
        upper: largest ``mu`` that a fit may reach.
    """
    expected, slope = function.expected(background.theta)
    width, direction = np.linalg.eigh(background.covariance[0])
    shift = slope[0] / expected[0][:, None] @ (direction * np.sqrt(np.maximum(width, 0.0)))  # (N, K)
    shift *= np.minimum(FREEDOM, LARGEST / np.abs(shift).max(axis=0))
    nominal = expected[0] * np.exp(-CENTRE * shift.sum(axis=1))
    names = [f"background_{k}" for k in range(shift.shape[1])]
    samples = [
        {
            "name": f"background_bin_{i:03d}",
            "data": [float(nominal[i]) if j == i else 0.0 for j in range(len(counts))],
            "modifiers": [_normsys(name, float(c)) for name, c in zip(names, shift[i], strict=True)],
        }
        for i in range(len(counts))
    ]
    modifiers = [_normsys(name, math.log1p(size)) for name, size in uncertainties.items() if size > 0]
    modifiers.append({"name": "mu", "type": "normfactor", "data": None})
    samples.append({"name": "signal", "data": signal.tolist(), "modifiers": modifiers})
    centred = {"auxdata": [CENTRE], "inits": [CENTRE], "bounds": [[1.0, 2 * CENTRE - 1.0]]}
    parameters = [{"name": "mu", "bounds": [[0.0, upper]], "inits": [0.0]}, *({"name": n, **centred} for n in names)]
    return {
        "version": "1.0.0",
        "channels": [{"name": "m_jj", "samples": samples}],
        "observations": [{"name": "m_jj", "data": counts.tolist()}],
        "measurements": [{"name": "limit", "config": {"poi": "mu", "parameters": parameters}}],
    }


def _normsys(name: str, log_size: float) -> dict[str, Any]:
    return {"name": name, "type": "normsys", "data": {"hi": math.exp(log_size), "lo": math.exp(-log_size)}}


def upper_limits(workspace: dict[str, Any], near: Limits, confidence_level: float) -> Limits:
    """Asymptotic CLs limits on ``mu`` by pyhf.

    ``near`` are limits in units of ``mu`` close to the result: pyhf tests these values and one below and
    above them, and the limits are interpolated between.

    Raises:
        PyhfError: a fit fails, or the limits are not where they were looked for.
    """
    import pyhf

    logging.getLogger("pyhf").setLevel(logging.WARNING)
    pyhf.set_backend("numpy", pyhf.optimize.scipy_optimizer())
    # The minimiser wants parameters of order one: the signal is scaled so that the median limit is mu = 1.
    unit = float(near.expected[2])
    scaled = _scaled(workspace, unit)
    specification = {
        "channels": scaled["channels"],
        "parameters": scaled["measurements"][0]["config"]["parameters"],
    }
    model = pyhf.Model(specification, poi_name="mu", validate=False)
    data = scaled["observations"][0]["data"] + model.config.auxdata
    points = np.unique(np.round(np.append(near.expected, near.observed) / unit, 2))
    points = np.concatenate([points[:1] * 0.85, points, points[-1:] * 1.15])
    curves = []
    for mu in points:
        try:
            with np.errstate(all="ignore"):
                observed, bands = pyhf.infer.hypotest(
                    float(mu), data, model, test_stat="qtilde", return_expected_set=True
                )
        except pyhf.exceptions.FailedMinimization as error:
            raise PyhfError(f"pyhf finds no minimum at mu = {mu * unit:g} ({error}).") from None
        curves.append([float(observed), *map(float, bands)])
    log_cls = np.log(np.maximum(np.array(curves).T, 1e-300))
    level = math.log(1 - confidence_level)
    if not np.isfinite(log_cls).all() or (log_cls.max(axis=1) < level).any() or (log_cls.min(axis=1) > level).any():
        raise PyhfError("pyhf's CLs does not cross the level near the direct likelihood's limit.")
    found = [crossing(points, curve, level) * unit for curve in log_cls]
    return Limits(found[0], np.array(found[1:]))


def _scaled(workspace: dict[str, Any], factor: float) -> dict[str, Any]:
    scaled = copy.deepcopy(workspace)
    signal = scaled["channels"][0]["samples"][-1]
    signal["data"] = [value * factor for value in signal["data"]]
    mu = scaled["measurements"][0]["config"]["parameters"][0]
    mu["bounds"] = [[low / factor, high / factor] for low, high in mu["bounds"]]
    return scaled
