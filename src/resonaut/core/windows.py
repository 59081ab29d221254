"""Mass windows from chains of bins: neighbouring bins are a signal region and its sidebands.

The CMS dijet search (EXO-22-026) cuts m_jj into two chains of bins whose edges lie between each other, so
that a resonance at any mass is well inside a signal region of one of them.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from resonaut.core import observables
from resonaut.core.errors import ConfigError
from resonaut.core.units import listed


def expand(windows: Mapping[str, Any], chains: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """``windows`` and those of the ``chains``: ``<chain>1`` is the second bin between the first and the third, etc.

    Windows of chains are in the default observable.

    Args:
        windows: windows by name, each with ``signal_region`` and ``sidebands``.
        chains: ascending edges of the bins in GeV, by name.

    Raises:
        ConfigError: a chain has too few edges, or two windows share a name.

    >>> expand({}, {"a": [1, 2, 3, 5]})
    {'a1': {'observable': 'm_jj', 'signal_region': [2, 3], 'sidebands': [[1, 2], [3, 5]], 'spectra': {}}}
    """
    result = dict(windows)
    for chain, edges in chains.items():
        if len(edges) < 4 or sorted(set(edges)) != list(edges):
            raise ConfigError(
                f"config: select.window_chains.{chain} wants at least four ascending edges in GeV, not {listed(edges)}."
            )
        bins = [list(pair) for pair in pairwise(edges)]
        for number in range(1, len(bins) - 1):
            name = f"{chain}{number}"
            if name in result:
                raise ConfigError(
                    f"config: select.window_chains.{chain} makes a second window {name!r}; rename one of them."
                )
            result[name] = {
                "observable": observables.DEFAULT,
                "signal_region": bins[number],
                "sidebands": [bins[number - 1], bins[number + 1]],
                "spectra": {},
            }
    return result


def require_ascending(where: str, signal_region: Sequence[float], sidebands: Sequence[Sequence[float]]) -> None:
    """Stop with ``ConfigError`` where a window's three ranges are not ascending, or overlap; they may leave gaps."""
    low, high = sidebands
    edges = [*low, *signal_region, *high]
    if edges != sorted(edges) or any(first == last for first, last in (low, signal_region, high)):
        raise ConfigError(
            f"{where}: lower sideband {listed(low)}, signal region {listed(signal_region)} and upper sideband "
            f"{listed(high)} must be ascending ranges that do not overlap; correct them."
        )
