"""What the regressions and further tasks of a network are to learn of each jet, from the columns of ``skim``."""

import awkward as ak
import numpy as np

from resonaut.core.errors import InputFileError
from resonaut.tag.settings import AuxiliaryConfig, NetworkConfig, RegressionConfig


def columns(jet: str, network: NetworkConfig) -> list[str]:
    """The columns that the targets of a jet are made of."""
    wanted = [name for one in network.regression.values() for name in (one.target, one.over)]
    wanted += [one.target for one in network.auxiliary.values()]
    return [f"{jet}_{name}" for name in dict.fromkeys(wanted)]


def targets(events: ak.Array, jet: str, network: NetworkConfig) -> dict[str, np.ndarray]:
    """The targets by task, of one jet of each event: (n,), or (n, p) of as many constituents as the network sees.

    A ratio or number is NaN, and a class -1, where there is no target.

    Raises:
        InputFileError: a list has not as many targets as the jet has constituents.
    """
    found: dict[str, np.ndarray] = {name: ratio(events, jet, one) for name, one in network.regression.items()}
    for name, task in network.auxiliary.items():
        found[name] = _task(events, jet, task, network.max_constituents)
    return found


def ratio(events: ak.Array, jet: str, wanted: RegressionConfig) -> np.ndarray:
    """The ratio (n,) of one jet of each event, NaN where it has none."""
    over, under = (ak.to_numpy(events[f"{jet}_{name}"]).astype(np.float64) for name in (wanted.target, wanted.over))
    there = (over > 0) & (under > 0)
    found = np.divide(over, under, out=np.full(len(over), np.nan), where=there)
    low, high = wanted.limits
    found[~((found >= low) & (found <= high))] = np.nan
    single: np.ndarray = found.astype(np.float32)
    return single


def _task(events: ak.Array, jet: str, task: AuxiliaryConfig, places: int) -> np.ndarray:
    values, none = events[f"{jet}_{task.target}"], -1 if task.classes or task.pairs else np.nan
    if task.of_constituents:
        real = events[f"{jet}_pf_pt"] > 0
        if ak.any(ak.num(values) != ak.num(real)):
            raise InputFileError(
                f"column {jet}_{task.target}", "has other lengths than the jets' constituents", "correct the column"
            )
        # The network sees the hardest, and none without momentum.
        values = ak.fill_none(ak.pad_none(values[real], places, axis=1, clip=True), none)
    found: np.ndarray = ak.to_numpy(values).astype(np.float32)
    if task.classes:
        found[~((found >= 0) & (found < task.classes))] = -1
    return found
