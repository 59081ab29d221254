"""High-level observables as what architectures see of a jet."""

import numpy as np

from resonaut.physics.substructure import OBSERVABLES, observables
from resonaut.tag.inputs import Inputs

# Type and sizes of a graph's input.
OBSERVED = (np.float32, ("n", len(OBSERVABLES)))


def observed(inputs: Inputs) -> np.ndarray:
    """The observables (n, 13) of the constituents that the network sees."""
    return observables(inputs.vectors, inputs.counts)
