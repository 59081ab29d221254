"""The counters of generated events in NanoAOD's tree ``Runs``, present before any filter or skim."""

import awkward as ak
import numpy as np
import uproot

from resonaut.core.errors import InputFileError
from resonaut.core.manifest import Cut

# Number and summed weights, in NanoAOD and in its version 6.
NAMES = (("genEventCount", "genEventSumw"), ("genEventCount_", "genEventSumw_"))
NONE = "no counters of generated events in 'Runs', so that the stored ones count"
MERGE_AGAIN = "merge it again with haddnano.py, which adds 'Runs' up"


def generated(file: uproot.ReadOnlyDirectory) -> tuple[int, float] | None:
    """Number and summed weights of all generated events, where a file tells."""
    runs = file.get("Runs")
    for count, weights in NAMES:
        if runs is not None and {count, weights} <= set(runs.keys()):
            arrays = runs.arrays([count, weights], library="np")
            return int(arrays[count].sum()), float(arrays[weights].sum())
    return None


# By the branch with an event's weights, the counter with their means over all generated events.
MEANS = {"LHEScaleWeight": "LHEScaleSumw", "LHEPdfWeight": "LHEPdfSumw", "PSWeight": "PSSumw"}


def means(file: uproot.ReadOnlyDirectory) -> dict[str, np.ndarray]:
    """The mean of each of the generator's weights over all generated events, by branch, where a file tells.

    Files that were merged have several lines, each of which counts by its events' weights; that of a job in which no
    event was left may have no list.
    """
    runs, found = file.get("Runs"), {}
    for (_, weights), end in zip(NAMES, ("", "_"), strict=True):
        for branch, counter in MEANS.items():
            if runs is not None and {weights, counter + end} <= set(runs.keys()):
                lines = runs.arrays([weights, counter + end], library="ak")
                lines = lines[lines[weights] != 0]
                sizes = set(ak.num(lines[counter + end]).tolist())
                if len(sizes) == 1 and sizes != {0}:
                    found[branch] = np.average(ak.to_numpy(lines[counter + end]), axis=0, weights=lines[weights])
    return found


def require_all(path: str, stored: int, counted: tuple[int, float]) -> None:
    """Stop where fewer events are counted than are stored, or their weights are not finite."""
    if counted[0] < stored or not np.isfinite(counted[1]):
        problem = f"its 'Runs' count {counted[0]} generated events of weight {counted[1]:g}, and it stores {stored}"
        raise InputFileError(path, problem, MERGE_AGAIN)


def require_plausible(path: str, stored: Cut, extremes: tuple[float, float], counted: tuple[int, float]) -> None:
    """Stop where the stored events cannot be a part of all generated ones.

    The events that are not stored weigh at least the least stored weight each, or nothing where none is negative.

    Args:
        path: the file, for the message.
        stored: the cutflow's first row.
        extremes: the least and the greatest stored weight.
        counted: number and summed weights of all generated events.
    """
    missing, excess = counted[0] - stored.events, counted[1] - stored.sum_weights
    tolerance = 1e-3 * stored.events * max(map(abs, extremes))
    if excess < missing * min(extremes[0], 0) - tolerance or (not missing and excess > tolerance):
        raise InputFileError(
            path,
            f"its 'Runs' give {counted[0]} generated events a weight of {counted[1]:g}, but the {stored.events} "
            f"stored ones weigh {stored.sum_weights:g}",
            MERGE_AGAIN,
        )
