"""What every tagger is measured by, on jets that no network has learned from, however it was made."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resonaut.tag.balance import balancing_weights
from resonaut.tag.reliability import reliability
from resonaut.tag.roc import measure, sculpted
from resonaut.tag.sample import Known
from resonaut.tag.settings import TagConfig

log = logging.getLogger(__name__)


def performance(
    scores: NDArray[np.float32],
    jets: Known,
    classes: Sequence[str],
    background: str,
    settings: TagConfig,
    mass_bins: int = 1,
) -> dict[str, Any]:
    """The keys of a summary that follow from class scores (n, classes) of jets.

    ``mass_bins``: those of the training. The scores should be probabilities where the classes count the same in each
    bin of pT and mass, as they do there.
    """
    for i, signal in enumerate(classes):
        log.info("%d held-out jets of class %s", (jets.labels == i).sum(), signal)
    weights = balancing_weights(jets.labels, jets.pt, settings.training.pt_bins, jets.softdrop_mass, mass_bins)
    measured = measure(scores, jets.labels, classes, background, jets.events, settings.seed)
    return {
        **vars(measured),
        "classes": list(classes),
        "background": background,
        "held_out_jets": {name: int((jets.labels == i).sum()) for i, name in enumerate(classes)},
        "sculpting": sculpted(scores, jets.labels, jets.softdrop_mass, classes, background, settings.seed),
        "calibration": reliability(scores, jets.labels, weights, classes, jets.events, settings.seed),
    }
