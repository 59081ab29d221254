"""Bins without simulated background, or with hardly any: data without a signal are impossible there, or look so."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resonaut.core.errors import EmptySelectionError
from resonaut.fit.results.models import Treatment
from resonaut.fit.templates.shapes import Template

# Effective events, (Σw)²/Σw², that say themselves how well a bin is known.
FEW = 2


def with_few_events(templates: Sequence[Template]) -> Iterator[Template]:
    """The templates of a channel with larger errors where hardly any simulated background lies.

    In a bin with fewer than 2 effective events of all background, (Σw)²/Σw², the variance is at least that of one event
    of the mean weight, Σw²/Σw of all bins: an empty bin would have no error else. What is added is shared out by the
    samples' parts in Σw² of all bins. The same rule is in ``learn.inference``.

    Args:
        templates: of all samples, of events; those with ``statistics: false`` count as exactly known.
    """
    background = [one for one in templates if not one.settings.signal]
    variances = [one.error**2 * one.settings.statistics for one in background]
    content, square = (np.sum(ones, axis=0) for ones in ([one.nominal for one in background], variances))
    if not (background and content.sum() > 0 and square.sum() > 0):
        yield from templates
        return
    expected = np.sum([one.nominal for one in templates], axis=0) > 0
    few = expected & ((content <= 0) | (content**2 < FEW * square))
    weight = square.sum() / content.sum()
    lacking = np.where(few, np.maximum(weight**2 - square, 0.0), 0.0)
    shares = {one.sample: variance.sum() / square.sum() for one, variance in zip(background, variances, strict=True)}
    for one in templates:
        more = shares.get(one.sample, 0.0) * lacking
        if more.any():
            why = f"an event of the mean weight {weight:.3g} is the error of the background in bins with hardly any"
            one = replace(one, error=np.sqrt(one.error**2 + more))
            one.say("few_events", None, float(np.count_nonzero(lacking)), f"{why}, {np.flatnonzero(lacking).tolist()}")
        yield one


def require_background(workspace: Mapping[str, Any], signals: Sequence[str], asimov: bool) -> list[Treatment]:
    """The bins in which no background is expected.

    Args:
        workspace: of HistFactory.
        signals: the samples that are no background.
        asimov: the data are what is expected, and such a bin holds signal alone.

    Raises:
        EmptySelectionError: such a bin holds data.
    """
    found = []
    for channel, observed in zip(workspace["channels"], workspace["observations"], strict=True):
        contents = [one["data"] for one in channel["samples"] if one["name"] not in signals]
        data = np.array(observed["data"])
        background = np.sum(contents, axis=0) if contents else np.zeros(len(data))
        bins = np.flatnonzero(background <= 0)
        full = bins[data[bins] > 0]
        if full.size and not asimov:
            raise EmptySelectionError(
                f"{_where(full, channel)}, which hold {data[full].sum():g} events of data; merge bins, or give the "
                "background more events."
            )
        if bins.size:
            why = f"{_where(bins, channel)}, {'some of which hold expected signal' if full.size else 'nor any data'}"
            made = Treatment(
                what="empty_bins", channel=channel["name"], sample=None, nuisance=None, size=float(bins.size), why=why
            )
            found.append(made)
    return found


def _where(bins: NDArray[np.intp], channel: Mapping[str, Any]) -> str:
    return f"no background is expected in the bins {bins.tolist()} (from 0) of the channel {channel['name']!r}"
