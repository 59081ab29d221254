"""LHC Olympics, high-level features: two jets an event, with the mass and three N-subjettinesses of each.

G. Kasieczka et al., Rep. Prog. Phys. 84 (2021) 124201; data: Zenodo 4536377.
"""

from contextlib import AbstractContextManager

import awkward as ak
import numpy as np

from resonaut.skim import tables
from resonaut.skim.reading import Job, Reader

FEATURES = ("px", "py", "pz", "m", "tau1", "tau2", "tau3")


class Features(tables.Rows):
    """The features of two jets."""

    names = tuple(f"{name}j{jet}" for jet in (1, 2) for name in FEATURES)
    shapes = FEATURES[4:]

    def jets(self, values: np.ndarray) -> tuple[ak.Array, None]:
        """The two jets of each event; their mass stands for the soft-drop mass, which the file does not have."""
        pairs = {name: values[:, [place, place + len(FEATURES)]] for place, name in enumerate(FEATURES)}
        pt = np.hypot(pairs["px"], pairs["py"])
        jets = {"pt": pt, "eta": np.arcsinh(pairs["pz"] / pt), "phi": np.arctan2(pairs["py"], pairs["px"])}
        jets |= {"mass": pairs["m"], "softdrop_mass": pairs["m"]} | {name: pairs[name] for name in self.shapes}
        jets["index"] = np.tile([0, 1], (len(values), 1))
        return ak.zip({name: ak.from_regular(column, axis=1) for name, column in jets.items()}), None

    def doubts(self, values: np.ndarray, kept: ak.Array) -> dict[str, np.ndarray]:
        """By column, the events in which it is broken and of a jet that is kept."""
        found = {}
        odd = ~np.isfinite(values)
        for place in np.flatnonzero(odd.any(axis=0)):
            mine = ak.to_numpy(ak.any(kept.index == place // len(FEATURES), axis=1))
            found[self.names[place]] = mine & odd[:, place]
        return found


def opened(job: Job) -> AbstractContextManager[Reader]:
    """The reader of a dataset."""
    return tables.opened(job, Features())
