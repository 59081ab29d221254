"""What a selection goes by: how many of the selected events stay when a feature is shuffled among the events."""

from dataclasses import replace
from typing import Any

import awkward as ak
import numpy as np

from resonaut.core import identifier
from resonaut.select.inputs import Inputs
from resonaut.select.regions import Regions
from resonaut.select.selector import Selector

# Each feature is shuffled so often, with other permutations.
SHUFFLES = 3


def importance(selector: Selector, events: ak.Array, source: str) -> dict[str, float]:
    """For each feature the part of the window's selected events that is lost when the others keep their values.

    Permutation importance (Breiman, Mach. Learn. 45 (2001) 5) without labels: 0 for a feature that does not matter, and
    near 1 - background efficiency for one that alone decides. Empty for a method without
    ``inputs``, and where nothing is selected.
    """
    method: Any = selector.method
    inputs = getattr(method, "inputs", None)
    if not isinstance(inputs, Inputs):
        return {}
    regions = Regions.among(events, selector.window)
    events = events[regions.signal | regions.sideband]
    # What is shuffled with what must not depend on the order of rows and files.
    events = events[np.argsort(identifier.keys(events), kind="stable")]
    kept = selector.selected(selector.score(events, source, is_data=True))
    if not kept.any():
        return {}
    lost = {}
    for name in dict.fromkeys(name for part in inputs.names for name in part):
        passing = []
        for seed in range(SHUFFLES):
            method.inputs = replace(inputs, shuffled=(name, seed))
            passing.append(selector.selected(selector.score(events, source, is_data=True))[kept].mean())
        lost[name] = float(1 - np.mean(passing))
    method.inputs = inputs
    return lost
