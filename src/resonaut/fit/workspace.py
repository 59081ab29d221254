"""The HistFactory model of one mass, and CLs limits from it through pyhf.

HistFactory knows no smooth functions, but the background's logarithm is linear in its parameters: each bin of the
background is a sample of its own, and one ``normsys`` per parameter, shared by all of them, multiplies bin ``i`` by
``exp((alpha_k - CENTRE) c_ik)``. Here ``c_ik`` is the change of ``ln b_i`` by ``FREEDOM`` standard deviations along the
eigenvector ``k`` of the fit's covariance: so many that the constraint HistFactory puts on ``alpha_k`` does not bite,
and the data alone decide. That is the function itself, up to its change of slope inside a bin, and not its tangent as
with ``histosys``.

pyhf's interpolation of a ``normsys`` is exponential only beyond ``alpha = 1``, so ``alpha_k`` is centred at 2 and
stays between 1 and 3; the samples' nominal contents are scaled such that they are the fit at ``alpha_k = 2``.
"""

import copy
import logging
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resonaut.errors import ResonautError
from resonaut.fit.background import Model
from resonaut.fit.binning import merge
from resonaut.fit.family import Array
from resonaut.fit.limits import Limits, crossing
from resonaut.fit.sides import Size, largest, logarithms

FREEDOM = 20.0
CENTRE = 2.0
# Largest |c_ik|: with next to no events a bin's content is known to orders of magnitude, and exp overflows.
LARGEST = 100.0
# Width of the model's bins, relative to their mass, under the signal and beside it: each bin is a sample, so that they
# are as few as leave the limit as it is. Under the signal a tenth of a narrow resonance's width is wanted, as data move
# inside wider bins and the observed limit with them.
UNDER_SIGNAL, BESIDE = 0.004, 0.02
# A bin is under the signal with more than this share of what its highest bin holds, per GeV.
VISIBLE = 0.02


class PyhfError(ResonautError):
    """pyhf finds no minimum, or none that makes a limit."""


def build(model: Model, unit: float, uncertainties: Mapping[str, Size], upper: float) -> dict[str, Any]:
    """A HistFactory workspace, as plain JSON data.

    Args:
        model: the model and its data; of several background functions the one that fits best.
        unit: signal events at ``mu = 1``.
        uncertainties: relative, log-normal uncertainties of the signal's normalisation, by name, ``hi`` with the
            source up and ``lo`` with it down; the template's own nuisances besides ``normalisation`` become
            ``histosys``.
        upper: largest ``mu`` that a fit may reach.
    """
    background, counts = model.background.best, model.spectrum.counts
    cuts = _cuts(model.spectrum.edges, model.template.shares)
    expected = merge(background.background[0], cuts)
    slope = merge(background.function.slope(background.theta[0]).T, cuts).T  # (N, K)
    width, direction = np.linalg.eigh(background.background_covariance[0])
    shift = slope / expected[:, None] @ (direction * np.sqrt(np.maximum(width, 0.0)))
    shift *= np.minimum(FREEDOM, LARGEST / np.abs(shift).max(axis=0))
    nominal = expected * np.exp(-CENTRE * shift.sum(axis=1))
    names = [f"background_{k}" for k in range(shift.shape[1])]
    samples = [
        {
            "name": f"background_bin_{i:03d}",
            "data": [float(nominal[i]) if j == i else 0.0 for j in range(len(expected))],
            "modifiers": [_normsys(name, float(c), -float(c)) for name, c in zip(names, shift[i], strict=True)],
        }
        for i in range(len(expected))
    ]
    modifiers = [_normsys(name, *logarithms(size)) for name, size in uncertainties.items() if largest(size) > 0]
    for m, name in enumerate(model.template.nuisances):
        if name != "normalisation":
            moved = {key: sign * np.eye(len(model.template.nuisances))[m] for key, sign in (("hi", 1), ("lo", -1))}
            data = {f"{key}_data": (unit * merge(model.template.at(eta), cuts)).tolist() for key, eta in moved.items()}
            modifiers.append({"name": name, "type": "histosys", "data": data})
    modifiers.append({"name": "mu", "type": "normfactor", "data": None})
    signal = unit * merge(model.template.shares, cuts)
    samples.append({"name": "signal", "data": signal.tolist(), "modifiers": modifiers})
    centred = {"auxdata": [CENTRE], "inits": [CENTRE], "bounds": [[1.0, 2 * CENTRE - 1.0]]}
    parameters = [{"name": "mu", "bounds": [[0.0, upper]], "inits": [0.0]}, *({"name": n, **centred} for n in names)]
    return {
        "version": "1.0.0",
        "channels": [{"name": "m_jj", "samples": samples}],
        "observations": [{"name": "m_jj", "data": merge(counts, cuts).tolist()}],
        "measurements": [{"name": "limit", "config": {"poi": "mu", "parameters": parameters}}],
    }


def _cuts(edges: Array, shares: Array) -> NDArray[np.intp]:
    """Indices of the ``edges`` of the model's bins, for a signal with ``shares`` in the bins between all of them."""
    density = shares / np.diff(edges)
    under = density > VISIBLE * density.max()
    cuts = [0]
    for i in range(1, len(edges) - 1):
        width = UNDER_SIGNAL if under[cuts[-1] : i + 1].any() else BESIDE
        if edges[i] - edges[cuts[-1]] > (1 - 1e-9) * width * edges[i]:
            cuts.append(i)
    return np.array([*cuts, len(edges) - 1])


def _normsys(name: str, log_high: float, log_low: float) -> dict[str, Any]:
    return {"name": name, "type": "normsys", "data": {"hi": math.exp(log_high), "lo": math.exp(log_low)}}


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
    shapes = [modifier["data"] for modifier in signal["modifiers"] if modifier["type"] == "histosys"]
    for contents in [signal, *shapes]:
        contents.update({key: [v * factor for v in values] for key, values in contents.items() if "data" in key})
    mu = scaled["measurements"][0]["config"]["parameters"][0]
    mu["bounds"] = [[low / factor, high / factor] for low, high in mu["bounds"]]
    return scaled
