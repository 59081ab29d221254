"""Bins without background, in which data without a signal are impossible."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resonaut.core.errors import EmptySelectionError
from resonaut.fit.results.models import Treatment


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
