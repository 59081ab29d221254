"""The bias test: toys of another function than the fitted one, with signals of known size."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from resonaut.fit.background import Model
from resonaut.fit.envelope import profile
from resonaut.fit.family import Array, Background
from resonaut.fit.likelihood import Fit, fit
from resonaut.fit.limits import cls_values, q_tilde
from resonaut.fit.scan import significance
from resonaut.fit.settings import Bias


@dataclass(frozen=True)
class BiasPoint:
    """Toys with one injected signal at one mass; yields in events.

    ``pull`` is the root of the likelihood ratio between fitted and injected yield with the sign of their difference:
    (fitted - injected) / error for many events, and free of error estimates where a yield ends at an empty bin.
    ``spurious`` is the mean fitted minus injected yield, ``spurious_relative`` the same in units of the yield's error
    without a signal; ``coverage`` the share of toys whose limit is above the injected yield; ``above_2_sigma`` the
    share with ``z_local`` > 2.
    """

    mass: float
    injected_sigma: float
    injected: float
    mean_yield: float
    pull_mean: float
    pull_mean_error: float
    pull_width: float
    spurious: float
    spurious_error: float
    spurious_relative: float
    spurious_relative_error: float
    z_mean: float
    above_2_sigma: float
    coverage: float
    coverage_error: float
    toys: int


def bias(
    model: Model, truth: Fit, settings: Bias, confidence_level: float, rng: np.random.Generator
) -> list[BiasPoint]:
    """Fit ``model`` to toys of ``truth``, the background fitted to the data in the model's bins."""
    expected = truth.background[0]
    error = float(profile(model.functions, expected[None], model.template).signal_error[0])
    points = []
    for sigma in settings.injected:
        injected = _yield_of(model, expected, sigma, error)
        counts = rng.poisson(expected + injected * model.template.shares, (settings.toys, len(expected))).astype(float)
        points.append(_point(model, counts, sigma, injected, error, confidence_level))
    return points


def truth_fit(model: Model, settings: Bias) -> Fit:
    """The function of the toys: the background of a fit with signal to the data in the model's bins."""
    function = model.functions[0]
    other = Background(settings.truth, function.edges, function.sqrt_s, settings.shape_parameters)
    return fit(other, model.spectrum.counts[None], model.template)


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


def _point(
    model: Model, counts: Array, sigma: float, injected: float, error: float, confidence_level: float
) -> BiasPoint:
    start = model.background.start
    alone = profile(model.functions, counts, start=start)
    both = profile(model.functions, counts, model.template, start=alone.start)
    nominal = profile(model.functions, counts, model.template.rigid, start=alone.start)
    z = significance(alone.deviance, nominal)[2]
    # The limit is above a yield where CLs of that yield is above 1 - CL; the Asimov data are each toy's own.
    yields = np.full(len(counts), injected)
    held = profile(model.functions, counts, model.template, yields, both.start)
    pulls = np.sign(both.signal - injected) * np.sqrt(np.maximum(held.deviance - both.deviance, 0.0))
    q = q_tilde(model, counts, yields, alone.start)
    q_asimov = q_tilde(model, alone.background, yields, alone.start)
    coverage = float(np.mean(cls_values(q, q_asimov)[0] > 1 - confidence_level)) if injected > 0 else 1.0
    toys = len(counts)
    spurious = float(both.signal.mean()) - injected
    spurious_error = float(both.signal.std(ddof=1) / np.sqrt(toys))
    return BiasPoint(
        model.mass,
        sigma,
        injected,
        float(both.signal.mean()),
        float(pulls.mean()),
        float(pulls.std(ddof=1) / np.sqrt(toys)),
        float(pulls.std(ddof=1)),
        spurious,
        spurious_error,
        spurious / error,
        spurious_error / error,
        float(z.mean()),
        float(np.mean(z > 2)),
        coverage,
        float(np.sqrt(coverage * (1 - coverage) / toys)),
        toys,
    )
