"""An HDF5 table of two jets an event: pt_1, eta_1, ..., tau2_2."""

import awkward as ak
import numpy as np

from resonaut.core.formats import Format
from resonaut.skim import tables

FIELDS = ("pt", "eta", "phi", "mass", "softdrop_mass", "tau1", "tau2")


class Jets(tables.Rows):
    names = tuple(f"{name}_{jet}" for jet in (1, 2) for name in FIELDS)
    shapes = ("tau1", "tau2")

    def jets(self, values):
        fields = {name: values[:, [place, place + len(FIELDS)]] for place, name in enumerate(FIELDS)}
        fields["index"] = np.tile([0, 1], (len(values), 1))
        return ak.zip({name: ak.from_regular(pair, axis=1) for name, pair in fields.items()}), None


def opened(job):
    return tables.opened(job, Jets())


FORMATS = {"jet_table": Format("opened", candidates=False)}
