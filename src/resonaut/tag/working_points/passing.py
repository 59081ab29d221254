"""Which jets of a chunk pass a working point: its friend file."""

import logging
from collections.abc import Iterator
from pathlib import Path

import awkward as ak
import numpy as np

from resonaut.core import events
from resonaut.tag.sample import kept
from resonaut.tag.working_points import thresholds
from resonaut.tag.working_points.jets import fold, score
from resonaut.tag.working_points.settings import PointJob

log = logging.getLogger(__name__)


def passing(job: PointJob, points: Path, manifest: Path, chunk: str, output: Path) -> None:
    """Write the columns ``<jet>_pass_<name>`` of one chunk, streaming its row groups.

    Raises:
        InputFileError: ``points`` is no map of thresholds.
    """
    table, dataset = thresholds.read(points), events.Dataset.open(manifest)
    jets = kept(dataset, chunk)

    def batches() -> Iterator[ak.Array]:
        named = ("pt", "softdrop_mass", *job.scores)
        wanted = [f"{jet}_{name}" for jet in jets for name in named]
        for batch in dataset.iterate_chunk(chunk, wanted, ["tag"], every=True):
            columns = {name: batch[name] for name in events.KEY}
            for jet in jets:
                mass, pt = (ak.to_numpy(batch[f"{jet}_{name}"]).astype(np.float64) for name in ("softdrop_mass", "pt"))
                least = table.evaluate(fold(batch, job), thresholds.rho(mass, pt), pt)
                columns[f"{jet}_{job.column}"] = score(batch, jet, job) > least
            yield ak.zip(columns, depth_limit=1)

    events.write(output, batches(), units={})
    log.info("%s/%s: which jets pass %s", dataset.name, chunk, job.name)
