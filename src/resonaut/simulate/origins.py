"""Where charged particles come from: the point where they are produced, what decayed there, and who shares it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from resonaut.simulate.truth import B_HADRONS, C_HADRONS, TAU

# The origins of tracks that flavour taggers tell apart (ATL-PHYS-PUB-2022-027, and taus), without pile-up.
PRIMARY, FROM_B, FROM_BC, FROM_C, FROM_TAU, OTHER_SECONDARY = range(6)
# What has flown less (mm) decays at the vertex where it is made, for a vertex fit as for this truth.
MERGED = 0.1
# Pythia's status of what comes out of a decay of hadrons and leptons.
DECAYED = (91, 99)


@dataclass(frozen=True)
class Origins:
    """Of each of n particles the point of production (n, 3) in mm, the kind of origin, and the number of its vertex.

    Particles of one event with equal ``vertex`` come from the same decay; 0 is the primary vertex.
    """

    position: np.ndarray
    kind: np.ndarray
    vertex: np.ndarray

    def of(self, particles: np.ndarray) -> "Origins":
        """Those of some particles, a mask (n,)."""
        return Origins(self.position[particles], self.kind[particles], self.vertex[particles])


def origins(record: Mapping[str, np.ndarray], counts: np.ndarray, rows: np.ndarray) -> Origins:
    """The origins of some particles, by their decaying ancestors; what is not from a decay is primary.

    Args:
        record: flat columns ``id status mother1 x y z`` of whole Pythia records (positions of production, mm).
        counts: number of rows of each event.
        rows: the particles, rising.
    """
    mother = record["mother1"] + np.repeat(np.cumsum(counts) - counts, counts)
    position = np.stack([record[name] for name in "xyz"], axis=1)
    status, kind = np.abs(record["status"]), np.abs(record["id"])
    decayed = (status >= DECAYED[0]) & (status <= DECAYED[1])
    flags = np.stack([np.isin(kind, B_HADRONS), np.isin(kind, C_HADRONS), kind == TAU], axis=1)
    # All rise along the decays at once; `above` tells what was passed, `parent` whose decay made the vertex.
    above, parent = np.zeros((len(rows), 3), bool), np.full(len(rows), -1)
    climbing = np.flatnonzero(decayed[rows])
    here = rows[climbing]
    while len(climbing):
        up = mother[here]
        above[climbing] |= flags[up]
        flown = np.square(position[here] - position[up]).sum(axis=1) > MERGED**2
        first = flown & (parent[climbing] < 0)
        parent[climbing[first]] = up[first]
        further = decayed[up]
        climbing, here = climbing[further], up[further]
    beauty, charm, tau = above.T
    cases = [beauty & charm, beauty, charm, tau, parent >= 0]
    found = np.select(cases, [FROM_BC, FROM_B, FROM_C, FROM_TAU, OTHER_SECONDARY], PRIMARY)
    return Origins(position[rows], found, _numbered(parent, np.repeat(np.arange(len(counts)), counts)))


def _numbered(parent: np.ndarray, event: np.ndarray) -> np.ndarray:
    """Numbers from 1 in each event for the rows ``parent``, 0 for those of -1; ``event``: of each row."""
    known, which = np.unique(parent[parent >= 0], return_inverse=True)
    of = event[known]
    number = np.zeros(len(parent), np.int64)
    number[parent >= 0] = (np.arange(len(known)) - np.searchsorted(of, of) + 1)[which]
    return number
