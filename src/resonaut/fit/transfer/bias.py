"""Tests of bias and coverage: toys of one transfer polynomial, fitted with another."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from resonaut.core.errors import FitError
from resonaut.fit.histfactory import Model, fit_many, toys
from resonaut.fit.results.transfer import TransferTest

Array = NDArray[np.float64]
# -2 Delta ln L of intervals of 68.27 % and 95 %.
ONE, TWO = 1.0, 3.841458820694124


def bias_tests(truth: Model, fitted: Model, injected: Sequence[float], toys_each: int, seed: int) -> list[TransferTest]:
    """Pulls and coverage of the parameter of interest, for each injected value of it.

    The truth's other parameters are those of its fit to the data with that value.

    Args:
        truth: where toys come from; another order, or another basis.
        fitted: the model under test, of the same channels and nuisances.
        injected: values of the parameter of interest.
        toys_each: toys for each of them.
        seed: of the toys.

    Raises:
        FitError: the models have different data, or a fit of the truth fails.
    """
    interest = fitted.interest
    if interest is None or truth.interest != interest:
        raise FitError("the bias test needs the same parameter of interest in both models; set it in the measurements.")
    if len(truth.data) != len(fitted.data) or not np.array_equal(truth.data, fitted.data):
        raise FitError("the models of the bias test differ in data or constraints; give two of the same channels.")
    return [
        _tested(truth, fitted, interest, value, toys_each, np.random.SeedSequence((seed, place)))
        for place, value in enumerate(injected)
    ]


def _tested(
    truth: Model, fitted: Model, interest: str, value: float, count: int, seed: np.random.SeedSequence
) -> TransferTest:
    parent = fit_many(truth, truth.data, {interest: value})
    if not parent.converged[0]:
        raise FitError(f"the fit of the true background with {interest} = {value:g} fails; inject another value.")
    thrown = toys(truth, parent.values[0], count, int(seed.generate_state(1)[0]))
    free = fit_many(fitted, thrown)
    held = fit_many(fitted, thrown, {interest: value}, start=free.values)
    good = free.converged & held.converged
    if good.sum() < count / 2:
        raise FitError(f"{np.mean(~good):.0%} of the fits to toys with {interest} = {value:g} fail.")
    found, rise = free.value(interest)[good], np.maximum(held.deviance - free.deviance, 0.0)[good]
    # The root of the likelihood ratio with its sign: (fitted - injected) / error for many events.
    pulls = np.sign(found - value) * np.sqrt(rise)
    number = len(pulls)
    share = [float(np.mean(rise <= level)) for level in (ONE, TWO)]
    error = [float(np.sqrt(max(one * (1 - one), 1 / number) / number)) for one in share]
    return TransferTest(
        injected=value,
        mean=float(found.mean()),
        pull_mean=float(pulls.mean()),
        pull_mean_error=float(pulls.std() / np.sqrt(number)),
        pull_width=float(pulls.std()),
        coverage_68=share[0],
        coverage_68_error=error[0],
        coverage_95=share[1],
        coverage_95_error=error[1],
        toys=number,
        failed=int(count - number),
    )
