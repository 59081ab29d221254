"""Transfer factors in plain HistFactory: failing bins with a free content each, and passing ones tied to them.

The background of bin i that fails is ``q_i = gamma_i d_i`` with ``d_i`` data minus other samples and a free factor
``gamma_i``, one ``shapefactor`` of the failing channel. What passes is ``sum_k c_k b_k(x_i) s q_i`` (the method of
CMS's searches in merged jets, EXO-17-001, arXiv:1705.10532): one sample for each basis function b_k with the contents
``b_k(x_i) s d_i``, multiplied by the ``shapefactor`` of the failing channel, by its name the same parameter, and by
the coefficient ``c_k >= 0``, a ``normfactor``. The scale s makes coefficients of order one. So the statistics of the
failing data are in the fit, and the other samples may move within their uncertainties in both channels.

Where data minus other samples is smaller than the Poisson error of the data, d_i is this error instead: the content
starts there and stays free between zero and ten of these errors, so that a bin with more simulation than data has
some background or none, never a negative one.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resonaut.core.errors import ConfigError
from resonaut.fit.results.transfer import TransferRegion
from resonaut.fit.transfer.polynomial import basis, functions, points
from resonaut.fit.transfer.settings import Polynomial, Transfer

Array = NDArray[np.float64]
# Plain JSON data of HistFactory's schema, or a part of them.
HistFactory = dict[str, Any]
FREE, COEFFICIENT = [0.0, 10.0], [0.0, 100.0]


def transferred(
    workspace: HistFactory, edges: Mapping[str, Sequence[float]], transfers: Mapping[str, Transfer]
) -> HistFactory:
    """The workspace with the background of each transfer in its channels that fail and that pass.

    Args:
        workspace: channels with data and all other samples.
        edges: by channel, the edges of its bins.
        transfers: by the name of the background, with all orders given.

    Raises:
        ConfigError: a channel is not there, has other bins than that which fails, or gets the background twice.
    """
    found = deepcopy(workspace)
    channels = {channel["name"]: channel for channel in found["channels"]}
    counts = {one["name"]: np.array(one["data"], float) for one in found["observations"]}
    signals = signal_parameters(found)
    for name, transfer in transfers.items():
        require(name, transfer, {key: len(value) for key, value in counts.items()}, channels)
        fails = dict.fromkeys(one.fail for each in transfer.polynomials.values() for one in each.regions.values())
        # Before anything is added.
        rest = {channel: counts[channel] - other(channels[channel], signals) for channel in channels}
        start = {fail: starting(rest[fail], counts[fail]) for fail in fails}
        for fail in fails:
            channels[fail]["samples"].append(
                {"name": name, "data": start[fail].tolist(), "modifiers": [_free(name, fail)]}
            )
        for label, polynomial in transfer.polynomials.items():
            _let_pass(found, channels, name, label, polynomial, rest, start, edges)
        for fail in fails:
            free = {"name": f"{name}_{fail}", "bounds": [FREE] * len(start[fail]), "inits": [1.0] * len(start[fail])}
            _declare(found, free)
    return found


def _let_pass(
    found: HistFactory,
    channels: Mapping[str, HistFactory],
    name: str,
    label: str,
    polynomial: Polynomial,
    rest: Mapping[str, Array],
    start: Mapping[str, Array],
    edges: Mapping[str, Sequence[float]],
) -> None:
    """Add the samples of one polynomial, and its coefficients to the measurements."""
    if polynomial.orders is None:
        raise ConfigError(f"config: fit: transfer.{name}.polynomials.{label} has no orders; give them.")
    at = points(polynomial, edges)
    passing = sum(rest[channel].sum() for channel in polynomial.regions)
    failing = sum(start[region.fail].sum() for region in polynomial.regions.values())
    scale = max(float(passing), 1.0) / float(failing)
    indices = functions(polynomial.orders)
    for channel, region in polynomial.regions.items():
        for index, b in zip(indices, basis(at[channel], polynomial.orders, polynomial.basis), strict=True):
            factor = {"name": coefficient(name, label, index), "type": "normfactor", "data": None}
            sample = {"name": function(name, index), "data": (scale * b * start[region.fail]).tolist()}
            channels[channel]["samples"].append(sample | {"modifiers": [_free(name, region.fail), factor]})
    for index in indices:
        _declare(found, {"name": coefficient(name, label, index), "bounds": [COEFFICIENT], "inits": [1.0]})


def regions(transfers: Mapping[str, Transfer]) -> list[TransferRegion]:
    """Where the backgrounds of transfers with all orders pass."""
    return [
        TransferRegion(
            background=name,
            polynomial=label,
            passes=passes,
            fails=region.fail,
            orders=polynomial.orders or [],
            coefficients={
                function(name, index): coefficient(name, label, index) for index in functions(polynomial.orders or [])
            },
        )
        for name, transfer in transfers.items()
        for label, polynomial in transfer.polynomials.items()
        for passes, region in polynomial.regions.items()
    ]


def function(name: str, index: Iterable[int]) -> str:
    """The sample of a basis function."""
    return "_".join([name, *map(str, index)])


def coefficient(name: str, label: str, index: Iterable[int]) -> str:
    """The parameter of a basis function."""
    return "_".join([name, label, *map(str, index)])


def starting(rest: Array, counts: Array) -> Array:
    """Contents (N,) of failing bins that the fit starts with: data minus other samples, or the error of the data."""
    return np.asarray(np.maximum(rest, np.sqrt(np.maximum(counts, 1.0))))


def signal_parameters(workspace: HistFactory) -> set[str]:
    """The parameters of interest of all measurements."""
    return {one["config"]["poi"] for one in workspace["measurements"] if one["config"]["poi"]}


def is_signal(sample: HistFactory, signals: set[str]) -> bool:
    """Whether a parameter of interest multiplies a sample."""
    return any(one["name"] in signals for one in sample["modifiers"])


def other(channel: HistFactory, signals: set[str]) -> Array:
    """The contents (N,) of all samples of a channel but signals."""
    found = [sample["data"] for sample in channel["samples"] if not is_signal(sample, signals)]
    return np.asarray(np.sum(found, axis=0) if found else 0.0, float)


def _free(name: str, fail: str) -> HistFactory:
    return {"name": f"{name}_{fail}", "type": "shapefactor", "data": None}


def _declare(workspace: HistFactory, parameter: HistFactory) -> None:
    for measurement in workspace["measurements"]:
        if parameter["name"] not in {one["name"] for one in measurement["config"]["parameters"]}:
            measurement["config"]["parameters"].append(deepcopy(parameter))


def require(name: str, transfer: Transfer, bins: Mapping[str, int], channels: Mapping[str, HistFactory]) -> None:
    """That a background can be in the channels of a workspace.

    Raises:
        ConfigError: it cannot.
    """
    where, taken = f"config: fit: transfer.{name}", set[str]()
    for label, polynomial in transfer.polynomials.items():
        fails = {region.fail for region in polynomial.regions.values()}
        for channel, region in polynomial.regions.items():
            here = f"{where}.polynomials.{label}.regions.{channel}"
            for one in (channel, region.fail):
                if one not in channels:
                    raise ConfigError(f"{here} names the channel {one!r}, and there are {', '.join(channels)}.")
            if bins[channel] != bins[region.fail]:
                raise ConfigError(
                    f"{here} has {bins[channel]} bins, and {region.fail!r}, which fails, {bins[region.fail]}; give "
                    "both the same edges."
                )
            if channel in taken:
                raise ConfigError(f"{here} is in two polynomials; take it out of one.")
            if channel in fails:
                raise ConfigError(f"{here} passes and fails at once; give another channel as 'fail'.")
            taken.add(channel)
    for channel in sorted(transfer.channels):
        if any(sample["name"] == name for sample in channels[channel]["samples"]):
            raise ConfigError(
                f"{where} makes the sample {name!r}, and the channel {channel!r} has one already; take it out of "
                "the model's samples, or name the transfer otherwise."
            )
