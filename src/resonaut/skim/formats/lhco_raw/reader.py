"""LHC Olympics, raw events: 700 particles of each, massless and padded with zeros, which are clustered here.

G. Kasieczka et al., Rep. Prog. Phys. 84 (2021) 124201; data: Zenodo 4536377.
"""

from contextlib import AbstractContextManager

import awkward as ak
import numpy as np

from resonaut.core.errors import InputFileError
from resonaut.physics import jets as fast
from resonaut.skim import tables
from resonaut.skim.hdf5 import Name, Table
from resonaut.skim.reading import Job, Reader
from resonaut.skim.settings import Clustering

PARTICLES = 700


class Particles(tables.Rows):
    """pT, eta and phi of the particles, in columns without names; a label may stand last."""

    shapes = tuple(f"tau{n}" for n in range(1, fast.N_TAU + 1))

    def __init__(self, clustering: Clustering) -> None:
        self.clustering = clustering

    def columns(self, table: Table) -> list[Name]:
        """The first columns, whatever they are called."""
        there = len(table.names)
        if there < 3 * PARTICLES:
            problem = f"only {there} of {3 * PARTICLES} columns"
            raise InputFileError(table.path, problem, "correct the dataset's 'format' or its file")
        return table.names[: 3 * PARTICLES]

    def labels(self, table: Table) -> list[Name]:
        """The column ``label``, or the last one."""
        return super().labels(table) or table.names[3 * PARTICLES :]

    def jets(self, values: np.ndarray) -> tuple[ak.Array, ak.Array]:
        """Jets and their constituents."""
        table = np.asarray(values, np.float64).reshape(-1, PARTICLES, 3)
        real = table[:, :, 0] > 0
        columns = {
            name: ak.unflatten(table[:, :, n][real], real.sum(axis=1)) for n, name in enumerate(("pt", "eta", "phi"))
        }
        particles = ak.zip(columns)
        particles = ak.with_field(particles, ak.zeros_like(particles.pt), "mass")
        setting = self.clustering
        jets, constituents = fast.cluster(particles, setting.radius, setting.pt_min)
        shapes, _ = fast.substructure(constituents, setting.radius, setting.softdrop_zcut, setting.softdrop_beta)
        jets = ak.zip({name: jets[name] for name in jets.fields} | shapes | {"index": ak.local_index(jets.pt)})
        return jets, constituents

    def undecided(self, values: np.ndarray) -> np.ndarray:
        """The events whose jets cannot be known: a particle is NaN or infinite."""
        if np.isfinite(values).all():
            return np.zeros(len(values), bool)
        table = values.reshape(-1, PARTICLES, 3)
        there = ~(table[:, :, 0] <= 0)
        return np.asarray((there & ~np.isfinite(table).all(axis=2)).any(axis=1))

    def doubts(self, values: np.ndarray, kept: ak.Array) -> dict[str, np.ndarray]:
        """None: what is broken is undecided."""
        del values, kept
        return {}


def opened(job: Job) -> AbstractContextManager[Reader]:
    """The reader of a dataset."""
    return tables.opened(job, Particles(job.config.clustering), candidates=True)
