"""The bias test: toys of another function than the fitted one, with signals of known size."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq

from resonaut.fit.background import Model, Resonance
from resonaut.fit.envelope import profile
from resonaut.fit.family import Array, Background
from resonaut.fit.likelihood import Fit, fit
from resonaut.fit.limits import cls_values, q_tilde
from resonaut.fit.lookelsewhere import groups
from resonaut.fit.results.bias import BiasPoint
from resonaut.fit.scan import significance
from resonaut.fit.settings import Bias
from resonaut.fit.spectrum import Spectrum


def bias(
    model: Model,
    again: Callable[[Spectrum], Model],
    truth: Fit,
    settings: Bias,
    confidence_level: float,
    rng: np.random.Generator,
) -> list[BiasPoint]:
    """Fit toys of ``truth``, the background fitted to the data in the bins of ``model``.

    ``again`` gives the model of a toy's spectrum, with a range and functions chosen as those of ``model`` were.
    """
    expected = truth.background[0]
    error = float(profile(model.functions, expected[None], model.template).signal_error[0])
    points = []
    for sigma in settings.injected:
        injected = _yield_of(model, expected, sigma, error)
        counts = rng.poisson(expected + injected * model.template.shares, (settings.toys, len(expected))).astype(float)
        found = [again(replace(model.spectrum, counts=toy)) for toy in counts]
        fits = [_fitted([found[i] for i in members], counts[members], injected) for members in groups(found)]
        together = Toys(*(np.concatenate(values) for values in zip(*fits, strict=True)))
        points.append(_point(model.mass, together, sigma, injected, error, confidence_level))
    return points


def truth_fit(model: Model, settings: Bias, found: Sequence[Resonance] = ()) -> Fit:
    """The function of the toys: the background of a fit with signal to the data in the model's bins.

    The model's resonances are part of it. In place of the signal float those of the ``found`` ones, of the whole
    spectrum, that a signal of the model's mass cannot be told from: they are no part of it.
    """
    function, others = model.functions[0], list(model.resonances)
    known = {one.mass for one in others}
    own = [one.within(model.bins) for one in found if one.mass not in known and one.shares[model.bins].any()]
    floating = np.array([one.shares for one in others + own]).reshape(-1, len(model.spectrum.counts))
    other = Background(settings.truth, function.edges, function.sqrt_s, settings.shape_parameters, floating)
    fitted = fit(other, model.spectrum.counts[None], None if own else model.template)
    theta = fitted.theta.copy()
    theta[:, other.n_smooth + len(others) :] = 0.0
    return replace(fitted, theta=theta)


def _yield_of(model: Model, expected: Array, sigma: float, error: float) -> float:
    """Events whose median significance over the background ``expected`` is ``sigma``."""

    def difference(events: float) -> float:
        asimov = (expected + events * model.template.shares)[None]
        alone = profile(model.functions, asimov, start=model.background.start)
        both = profile(model.functions, asimov, model.template.rigid, start=model.background.start)
        return float(significance(alone.deviance, both)[2][0]) - sigma

    if sigma == 0:
        return 0.0
    high = 2 * sigma * error
    while difference(high) < 0:
        high *= 2
    return float(brentq(difference, 0.0, high, xtol=1e-3 * high))


class Toys(NamedTuple):
    """What fits of toys gave, all (T,): yields, pulls, local significances and CLs of the injected yield."""

    yields: Array
    pulls: Array
    z: Array
    cls: Array


def _fitted(models: list[Model], counts: Array, injected: float) -> Toys:
    """Fits of toys whose models are of one range and the same functions."""
    model = models[0]
    counts = np.ascontiguousarray(counts[:, model.bins])
    alone = profile(model.functions, counts)
    both = profile(model.functions, counts, model.template, start=alone.start)
    nominal = profile(model.functions, counts, model.template.rigid, start=alone.start)
    yields = np.full(len(counts), injected)
    held = profile(model.functions, counts, model.template, yields, both.start)
    pulls = np.sign(both.signal - injected) * np.sqrt(np.maximum(held.deviance - both.deviance, 0.0))
    q = q_tilde(model, counts, yields, alone.start)
    # The Asimov data are each toy's own.
    q_asimov = q_tilde(model, np.stack([one.expected for one in models]), yields, alone.start)
    return Toys(both.signal, pulls, significance(alone.deviance, nominal)[2], cls_values(q, q_asimov)[0])


def _point(mass: float, found: Toys, sigma: float, injected: float, error: float, confidence_level: float) -> BiasPoint:
    toys = len(found.yields)
    # The limit is above a yield where CLs of that yield is above 1 - CL.
    coverage = float(np.mean(found.cls > 1 - confidence_level)) if injected > 0 else 1.0
    spurious = float(found.yields.mean()) - injected
    spurious_error = float(found.yields.std(ddof=1) / np.sqrt(toys))
    return BiasPoint(
        mass=mass,
        injected_sigma=sigma,
        injected=injected,
        mean_yield=float(found.yields.mean()),
        pull_mean=float(found.pulls.mean()),
        pull_mean_error=float(found.pulls.std(ddof=1) / np.sqrt(toys)),
        pull_width=float(found.pulls.std(ddof=1)),
        spurious=spurious,
        spurious_error=spurious_error,
        spurious_relative=spurious / error,
        spurious_relative_error=spurious_error / error,
        z_mean=float(found.z.mean()),
        above_2_sigma=float(np.mean(found.z > 2)),
        coverage=coverage,
        coverage_error=float(np.sqrt(coverage * (1 - coverage) / toys)),
        toys=toys,
    )
