"""The order of a transfer polynomial: the lowest that the F-test accepts, by toys.

``F = ((D_1 - D_2) / (p_2 - p_1)) / (D_2 / (N - p_2))`` compares the deviances D (-2 ln L over that of the saturated
model) of fits with p_1 and p_2 > p_1 coefficients in N passing bins; each failing bin has a parameter of its own and
does not count. Toys of the lower order, with their auxiliary measurements, are fitted with both. The test is of the
background alone, in the channels of the polynomial alone, as in CMS HIG-23-012.
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from resonaut.core.errors import FitError
from resonaut.fit.histfactory import Fits, Model, fit_many, toys
from resonaut.fit.results.transfer import OrderStep
from resonaut.fit.transfer.polynomial import functions
from resonaut.fit.transfer.settings import Polynomial, Transfer
from resonaut.fit.transfer.workspace import HistFactory, is_signal, require, signal_parameters, transferred

Array = NDArray[np.float64]
# Part of the toys whose fits may fail.
FAILED = 0.1


def ordered(
    workspace: HistFactory, edges: Mapping[str, Sequence[float]], transfers: Mapping[str, Transfer]
) -> tuple[dict[str, Transfer], list[OrderStep]]:
    """The transfers with all orders, and the steps of the F-tests that found those which were not given.

    Args:
        workspace: as for ``transferred``, whose data are tested.
        edges: by channel, the edges of its bins.
        transfers: by the name of the background.

    Raises:
        ConfigError: as ``transferred``.
        FitError: fits fail.
    """
    found, steps = dict[str, Transfer](), list[OrderStep]()
    channels = {channel["name"]: channel for channel in workspace["channels"]}
    bins = {one["name"]: len(one["data"]) for one in workspace["observations"]}
    for name, transfer in transfers.items():
        require(name, transfer, bins, channels)
        polynomials = dict(transfer.polynomials)
        for label, polynomial in polynomials.items():
            if polynomial.orders is None:
                tested = list(order_steps(workspace, edges, name, label, transfer))
                steps += tested
                taken = [step.higher for step in tested if step.taken]
                orders = taken[-1] if taken else [0] * len(polynomial.variables)
                polynomials[label] = replace(polynomial, orders=orders)
        found[name] = replace(transfer, polynomials=polynomials)
    return found, steps


def order_steps(
    workspace: HistFactory, edges: Mapping[str, Sequence[float]], name: str, label: str, transfer: Transfer
) -> Iterator[OrderStep]:
    """From order 0 on each step that is tested; the search ends where none with one order more is taken.

    With two variables both are tried, and of what is taken the smaller p-value.
    """
    polynomial = transfer.polynomials[label]
    background = _alone(workspace, polynomial)
    orders = [0] * len(polynomial.variables)
    while True:
        tries = [
            [order + (place == raised) for place, order in enumerate(orders)]
            for raised in range(len(orders))
            if orders[raised] < polynomial.highest
        ]
        tested = [
            _tested(background, edges, name, label, replace(transfer, polynomials={label: polynomial}), orders, higher)
            for higher in tries
        ]
        best = min(tested, key=lambda step: step.p_value, default=None)
        taken = best is not None and best.p_value < transfer.f_test
        yield from (replace(step, taken=taken and step is best) for step in tested)
        if best is None or not taken:
            return
        orders = best.higher


def _alone(workspace: HistFactory, polynomial: Polynomial) -> HistFactory:
    """The channels of a polynomial without signals."""
    names = {*polynomial.regions, *(region.fail for region in polynomial.regions.values())}
    signals = signal_parameters(workspace)
    found = deepcopy(workspace)
    found["channels"] = [channel for channel in found["channels"] if channel["name"] in names]
    for channel in found["channels"]:
        channel["samples"] = [sample for sample in channel["samples"] if not is_signal(sample, signals)]
    found["observations"] = [one for one in found["observations"] if one["name"] in names]
    found["measurements"] = [{"name": "background", "config": {"poi": "", "parameters": _kept(found, workspace)}}]
    return found


def _kept(found: HistFactory, workspace: HistFactory) -> list[HistFactory]:
    """What the first measurement says of parameters that are still there."""
    names = {
        modifier["name"]
        for channel in found["channels"]
        for sample in channel["samples"]
        for modifier in sample["modifiers"]
    }
    given = workspace["measurements"][0]["config"]["parameters"]
    return [one for one in given if one["name"] in names]


def _tested(
    background: HistFactory,
    edges: Mapping[str, Sequence[float]],
    name: str,
    label: str,
    transfer: Transfer,
    lower: list[int],
    higher: list[int],
) -> OrderStep:
    """One order against a higher one."""
    models = [_model(background, edges, name, label, transfer, orders) for orders in (lower, higher)]
    observed = [fit_many(model, model.data) for model in models]
    thrown = toys(models[0], observed[0].values[0], transfer.toys, transfer.seed)
    fitted = [fit_many(model, thrown) for model in models]
    good = fitted[0].converged & fitted[1].converged
    if not all(one.converged[0] for one in observed) or good.mean() < 1 - FAILED:
        raise FitError(
            f"transfer.{name}.polynomials.{label}: the fits of orders {lower} and {higher} fail for the data or for "
            f"{np.mean(~good):.0%} of the toys; give the orders, or fewer nuisances."
        )
    bins = sum(len(edges[channel]) - 1 for channel in transfer.polynomials[label].regions)
    sizes = len(functions(lower)), len(functions(higher))
    measured, expected = (f_statistic(low, high, *sizes, bins) for low, high in (observed, fitted))
    above = int((expected[good] >= measured[0]).sum())
    return OrderStep(
        background=name,
        polynomial=label,
        lower=lower,
        higher=higher,
        deviance_lower=float(observed[0].deviance[0]),
        deviance_higher=float(observed[1].deviance[0]),
        f=float(measured[0]),
        p_value=(1 + above) / (1 + int(good.sum())),
        toys=int(good.sum()),
        taken=False,
    )


def _model(
    background: HistFactory,
    edges: Mapping[str, Sequence[float]],
    name: str,
    label: str,
    transfer: Transfer,
    orders: list[int],
) -> Model:
    polynomial = replace(transfer.polynomials[label], orders=orders)
    return Model.of(transferred(background, edges, {name: replace(transfer, polynomials={label: polynomial})}))


def f_statistic(low: Fits, high: Fits, few: int, many: int, bins: int) -> Array:
    """F (B,) of fits with ``few`` and ``many`` coefficients; 0 where the larger model is no better.

    A model with as many coefficients as bins leaves nothing to compare with, and F is then that of one more bin.
    """
    gained = np.maximum(low.deviance - high.deviance, 0.0) / (many - few)
    left = np.maximum(high.deviance, np.finfo(float).tiny) / max(bins - many, 1)
    return np.asarray(gained / left)
